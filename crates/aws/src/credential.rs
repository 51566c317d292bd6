//! The keeper of secrets, as the front sees it.

use crate::{BoxFuture, Error, Identity, Timestamp};

/// What a signature is verified with, and whom it proves.
#[derive(Clone)]
pub struct Credential {
    pub secret_access_key: String,
    pub identity: Identity,
}

/// Why no credential can be had. Each protocol has codes of its own for these.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    #[error("the access key id is unknown or inactive")]
    UnknownKey,
    #[error("the session token is missing, altered or of another key")]
    InvalidToken,
    #[error("the temporary credentials have expired")]
    Expired,
    #[error("credentials cannot be read")]
    Failed(#[source] Error),
}

/// Implemented by `iam`. Without `Debug` on purpose: secrets stay out of logs.
pub trait Credentials: Send + Sync {
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Credential, CredentialError>>;
}
