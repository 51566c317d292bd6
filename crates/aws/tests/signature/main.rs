//! Signatures as others make them: published cases, recorded requests, and properties.

mod chunks;
mod documented;
mod golden;
mod properties;
mod refusals;
mod suite;

use aws::sigv4::{Body, Endpoint, Presented, Request, SignatureError, SigningKey, verify};
use aws::{Region, Timestamp};

/// Parses and verifies as the front does, with one known key.
fn accept(
    request: &Request<'_>,
    service: &str,
    secret: &str,
    now: Timestamp,
    body: Body<'_>,
) -> Result<Presented, SignatureError> {
    let region = region("us-east-1");
    let presented = Presented::parse(request, &Endpoint { service, region: &region, now })?;
    let key = SigningKey::of_scope(secret, &presented.scope);
    verify(&presented, request, &key, body)?;
    Ok(presented)
}

fn region(name: &str) -> Region {
    name.parse().expect("a region's name")
}

fn at(basic: &str) -> Timestamp {
    Timestamp::parse_basic(basic).expect("YYYYMMDDTHHMMSSZ")
}
