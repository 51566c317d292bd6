//! How SSM refuses.

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// AWS gives no sentence with it.
    #[error("")]
    ParameterNotFound,
    #[error("{0}")]
    ValidationException(String),
    #[error("Parameter path: can't be prefixed with \"/\" only.")]
    InvalidPath,
    /// Said in AWS's terms already.
    #[error("{0}")]
    Other(aws::Error),
}

impl From<aws::Error> for Error {
    fn from(error: aws::Error) -> Self {
        Self::Other(error)
    }
}

impl From<Error> for aws::Error {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::ParameterNotFound => "ParameterNotFound",
            Error::ValidationException(_) | Error::InvalidPath => "ValidationException",
            Error::Other(error) => return error,
        };
        Self::client(400, code, error.to_string())
    }
}
