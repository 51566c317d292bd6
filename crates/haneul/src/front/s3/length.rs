//! How long an object on its way in may be.

use aws::Error;

use super::arriving::Arriving;
use crate::limits;

/// # Errors
/// `MissingContentLength` (411), `EntityTooLarge`.
pub fn check_object(body: &Arriving) -> Result<(), Error> {
    match body.len() {
        None => Err(Error::client(
            411,
            "MissingContentLength",
            "You must provide the Content-Length HTTP header.",
        )),
        Some(len) if len > limits::OBJECT_BYTES_MAX => Err(Error::client(
            400,
            "EntityTooLarge",
            "Your proposed upload exceeds the maximum allowed size",
        )
        .with_detail("ProposedSize", len.to_string())
        .with_detail("MaxSizeAllowed", limits::OBJECT_BYTES_MAX.to_string())),
        Some(_) => Ok(()),
    }
}
