//! Multipart uploads.

pub mod abort;
pub mod complete;
pub mod create;
pub mod list_parts;
pub mod list_uploads;
mod lookup;
pub mod part;
pub mod part_copy;

use aws::{Call, Error};

use crate::error::invalid_argument;
use crate::list::Encoding;

const PART_NUMBER_MAX: u16 = 10_000;

fn part_number(number: i32) -> Result<u16, Error> {
    let allowed = u16::try_from(number).ok().filter(|n| (1..=PART_NUMBER_MAX).contains(n));
    allowed.ok_or_else(|| {
        let why = "Part number must be an integer between 1 and 10000, inclusive";
        invalid_argument(why, "partNumber", &number.to_string())
    })
}

/// Where an object can be found, as its uploader reached the bucket.
fn location(call: &Call, bucket: &str, key: &str) -> String {
    let scheme = if call.secure_transport { "https" } else { "http" };
    let host = call.host.as_deref().unwrap_or("localhost");
    let key = Encoding::Url.apply(key).replace('/', "%2F");
    if host.starts_with(&format!("{bucket}.")) {
        format!("{scheme}://{host}/{key}")
    } else {
        format!("{scheme}://{host}/{bucket}/{key}")
    }
}

#[cfg(test)]
mod tests;
