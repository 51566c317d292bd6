//! How a request is refused, in AWS's terms and before any wire format.

use std::borrow::Cow;

/// Whose fault an error is; query protocols print it as the error's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    Sender,
    Receiver,
}

/// An AWS error: what a client sees as code, HTTP status and message. Each service has an
/// enum of its own whose variants turn into this; each protocol prints it in its own shape.
#[derive(Debug)]
pub struct Error {
    pub code: Cow<'static, str>,
    pub status: u16,
    pub message: String,
    pub fault: Fault,
    /// Further members of the error's body, by wire name (S3's `BucketName`, `Resource`).
    pub details: Vec<(&'static str, String)>,
    /// Headers beside those of every answer (S3's `ETag` of a 304, `x-amz-delete-marker`).
    pub headers: Vec<(&'static str, String)>,
    /// What went wrong inside. Logged with the request id, never shown.
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// The client's fault, with a status of 400 to 499.
    pub fn client(
        status: u16,
        code: impl Into<Cow<'static, str>>,
        message: impl Into<String>,
    ) -> Self {
        debug_assert!((400..500).contains(&status));
        Self {
            code: code.into(),
            status,
            message: message.into(),
            fault: Fault::Sender,
            details: Vec::new(),
            headers: Vec::new(),
            source: None,
        }
    }

    /// Our fault. The user sees AWS's generic sentence; `source` goes to the log.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            code: "InternalFailure".into(),
            status: 500,
            message: "The request processing has failed because of an unknown error, exception or failure.".into(),
            fault: Fault::Receiver,
            details: Vec::new(),
            headers: Vec::new(),
            source: Some(source.into()),
        }
    }

    /// A dependency of ours does not answer now; SDKs retry this.
    pub fn unavailable(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self {
            code: "ServiceUnavailable".into(),
            status: 503,
            message: "The request has failed due to a temporary failure of the server.".into(),
            ..Self::internal(source)
        }
    }

    /// AWS has this operation and haneul does not: refused by name, as the client's error,
    /// because SDKs would retry a 5xx for minutes.
    pub fn not_served(service: &str, operation: &str) -> Self {
        Self::client(
            400,
            "UnsupportedOperation",
            format!(
                "haneul does not support the operation {service}:{operation} yet. Nothing was changed."
            ),
        )
    }

    /// AWS has this parameter and haneul does not, and it would change the outcome.
    pub fn parameter_not_served(operation: &str, parameter: &str) -> Self {
        Self::client(
            400,
            "UnsupportedOperation",
            format!(
                "haneul does not support the parameter {parameter} of {operation} yet. Nothing was changed."
            ),
        )
    }

    /// Code and sentence of <https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html>.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::client(400, "ValidationError", message)
    }

    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::client(403, "AccessDenied", message)
    }

    /// Allowed, and left undone as was asked. Code, status and sentence of
    /// <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html>.
    pub fn dry_run() -> Self {
        let message = "Request would have succeeded, but DryRun flag is set.";
        Self::client(412, "DryRunOperation", message)
    }

    /// Nothing has changed since: no failure, but an answer that an operation gives in place of
    /// its output. It has no body.
    pub fn not_modified() -> Self {
        Self { status: 304, ..Self::client(400, "NotModified", "Not Modified") }
    }

    /// Begun and not done yet: no failure either. It has no body.
    pub fn accepted() -> Self {
        Self { status: 202, ..Self::client(400, "Accepted", "Accepted") }
    }

    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn with_detail(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.details.push((name, value.into()));
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
