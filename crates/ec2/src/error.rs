//! How EC2 refuses. EC2's model names no errors: codes and sentences are those of
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.

use crate::id::Kind;

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No resource of this id: `InvalidVpcID.NotFound`.
    #[error("The {} '{id}' does not exist", kind.name)]
    NotFound { kind: Kind, id: String },
    #[error("Invalid id: \"{id}\" (expecting \"{}-...\")", kind.prefix)]
    Malformed { kind: Kind, id: String },
    /// A code of its own, met in one place: `InvalidSubnet.Conflict`, and AWS's sentence.
    #[error("{message}")]
    Coded { code: &'static str, message: String },
    #[error("{0}")]
    InvalidParameterValue(String),
    #[error("{0}")]
    InvalidParameterCombination(String),
    #[error("The request must contain the parameter {0}")]
    MissingParameter(&'static str),
    #[error("{0}")]
    DependencyViolation(String),
    #[error("{0}")]
    IncorrectState(String),
    #[error("{0}")]
    IncorrectInstanceState(String),
    #[error("{0}")]
    LimitExceeded(String),
    #[error("The request received a conflict with another one. Try again.")]
    ConcurrentModification,
    /// haneul has no such parameter, and it would change the outcome.
    #[error("the parameter {parameter} of {operation} is not served")]
    ParameterNotServed { operation: &'static str, parameter: &'static str },
    #[error("EC2's records cannot be read")]
    Read(#[source] state::records::Error),
    #[error("EC2's records cannot be changed")]
    Commit(#[source] state::CommitError),
    #[error("{0}")]
    Internal(String),
    /// Said in AWS's terms already.
    #[error("{0}")]
    Other(aws::Error),
}

impl Error {
    pub fn coded(code: &'static str, message: impl Into<String>) -> Self {
        Self::Coded { code, message: message.into() }
    }

    pub fn invalid_value(message: impl Into<String>) -> Self {
        Self::InvalidParameterValue(message.into())
    }

    /// What others still need is not deleted.
    pub fn has_dependencies(kind: Kind, id: &str) -> Self {
        let noun = kind.name.trim_end_matches(" ID");
        Self::DependencyViolation(format!(
            "The {noun} '{id}' has dependencies and cannot be deleted."
        ))
    }

    pub fn not_found(kind: Kind, id: &str) -> Self {
        Self::NotFound { kind, id: id.into() }
    }
}

/// Refuses the first of the named parameters that was given.
///
/// # Errors
/// [`Error::ParameterNotServed`].
pub fn refuse(operation: &'static str, given: &[(&'static str, bool)]) -> Result<()> {
    match given.iter().find(|(_, given)| *given) {
        Some((parameter, _)) => Err(Error::ParameterNotServed { operation, parameter }),
        None => Ok(()),
    }
}

impl From<aws::Error> for Error {
    fn from(error: aws::Error) -> Self {
        Self::Other(error)
    }
}

impl From<state::records::Error> for Error {
    fn from(error: state::records::Error) -> Self {
        Self::Read(error)
    }
}

impl From<state::CommitError> for Error {
    fn from(error: state::CommitError) -> Self {
        match error {
            state::CommitError::Conflict => Self::ConcurrentModification,
            other => Self::Commit(other),
        }
    }
}

impl state::MayConflict for Error {
    fn is_conflict(&self) -> bool {
        matches!(self, Self::ConcurrentModification)
    }
}

impl From<Error> for aws::Error {
    fn from(error: Error) -> Self {
        let code = match error {
            Error::NotFound { kind, .. } => kind.not_found,
            Error::Malformed { kind, .. } => kind.malformed,
            Error::Coded { code, .. } => code,
            Error::InvalidParameterValue(_) => "InvalidParameterValue",
            Error::InvalidParameterCombination(_) => "InvalidParameterCombination",
            Error::MissingParameter(_) => "MissingParameter",
            Error::DependencyViolation(_) => "DependencyViolation",
            Error::IncorrectState(_) => "IncorrectState",
            Error::IncorrectInstanceState(_) => "IncorrectInstanceState",
            Error::LimitExceeded(_) => "ResourceLimitExceeded",
            // A server's fault that SDKs retry at once, as EC2's own.
            Error::ConcurrentModification => return Self::unavailable(error),
            Error::ParameterNotServed { operation, parameter } => {
                return Self::parameter_not_served(operation, parameter);
            }
            Error::Other(error) => return error,
            Error::Read(state::records::Error::Store(_))
            | Error::Commit(state::CommitError::Unavailable(_)) => return Self::unavailable(error),
            Error::Read(_) | Error::Commit(_) | Error::Internal(_) => return Self::internal(error),
        };
        Self::client(400, code, error.to_string())
    }
}

/// Refuses the first of these parameters that was given: haneul lacks it and it would change
/// the outcome.
///
/// # Errors
/// [`Error::ParameterNotServed`].
pub fn not_served(operation: &'static str, parameters: &[(&'static str, bool)]) -> Result<()> {
    match parameters.iter().find(|(_, given)| *given) {
        Some((parameter, _)) => Err(Error::ParameterNotServed { operation, parameter }),
        None => Ok(()),
    }
}
