//! Whether the caller may: every question of the service's authorization table put to the
//! policy engine, and a refusal in the words of the protocol.

use aws::{Authorizer, Call, Check, Decision, Error, Protocol};

/// # Errors
/// The first question that is not answered with yes; policies that cannot be read.
pub async fn authorize(
    authorizer: &dyn Authorizer,
    call: &Call,
    checks: &[Check],
    protocol: Protocol,
) -> Result<(), Error> {
    for check in checks {
        match authorizer.authorize(call, check).await? {
            Decision::Allowed => {}
            Decision::Denied { message } => return Err(denied(protocol, message)),
        }
    }
    Ok(())
}

fn denied(protocol: Protocol, message: String) -> Error {
    match protocol {
        Protocol::Query | Protocol::RestXml => Error::access_denied(message),
        Protocol::Ec2 => Error::client(403, "UnauthorizedOperation", message),
        Protocol::Json10 | Protocol::Json11 => Error::client(400, "AccessDeniedException", message),
    }
}
