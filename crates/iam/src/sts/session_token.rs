//! Temporary credentials of a user's own.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetSessionToken.html>

use std::time::Duration;

use aws::{Call, Principal};

use crate::error::{Error, Result};
use crate::id;
use crate::secret::Secret;
use crate::sts::session::{Holder, SealedSession};
use crate::sts::{Sts, model};

const DURATION_SECS_DEFAULT: i32 = 43_200;
/// The root user's sessions are never longer.
const ROOT_DURATION_SECS_MAX: i32 = 3600;

pub fn get(
    sts: &Sts,
    call: &Call,
    input: model::GetSessionTokenRequest,
) -> Result<model::GetSessionTokenResponse> {
    let account = call.account()?.clone();
    refuse_mfa("GetSessionToken", input.serial_number.is_some(), input.token_code.is_some())?;
    let (holder, secs_max) = match &call.identity.principal {
        _ if call.identity.session.is_some() => return Err(no_session()),
        Principal::Root => (Holder::Root, ROOT_DURATION_SECS_MAX),
        Principal::User { id, .. } => (Holder::User { id: id.clone() }, i32::MAX),
        _ => return Err(no_session()),
    };
    let secs = input.duration_seconds.unwrap_or(DURATION_SECS_DEFAULT).min(secs_max);
    let session = SealedSession {
        secret_access_key: Secret::new(id::secret(&sts.iam.random)),
        account,
        holder,
        issued_at: call.at.to_whole_secs(),
        expires_at: call.at.to_whole_secs() + seconds(secs),
        policy: None,
        policy_arns: Vec::new(),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    };
    let credentials = sts.seal.credentials(&sts.iam.random, &session)?;
    Ok(model::GetSessionTokenResponse { credentials: Some(credentials) })
}

fn no_session() -> Error {
    Error::AccessDenied("Cannot call GetSessionToken with session credentials".into())
}

/// There are no MFA devices here, so a code proves nothing.
pub(super) fn refuse_mfa(operation: &'static str, serial: bool, code: bool) -> Result<()> {
    let given = [(serial, "SerialNumber"), (code, "TokenCode")];
    match given.into_iter().find(|(given, _)| *given) {
        Some((_, parameter)) => Err(Error::ParameterNotServed { operation, parameter }),
        None => Ok(()),
    }
}

pub(super) fn seconds(secs: i32) -> Duration {
    Duration::from_secs(u64::try_from(secs).unwrap_or(0))
}
