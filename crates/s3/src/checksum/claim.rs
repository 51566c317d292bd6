//! What a client claims of a body, in headers before it and in trailers after it.

use aws::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::members::Claimed;
use super::{Algorithm, Digested};

/// A claim that was read; whether it holds is known once the body has come.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claim {
    /// `None` when the client said nothing of a checksum.
    pub algorithm: Option<Algorithm>,
    /// Base64. `None` too when it comes in a trailer.
    value: Option<String>,
    md5: Option<String>,
}

impl Claim {
    /// Reads `Content-MD5`, `x-amz-checksum-*`, `x-amz-sdk-checksum-algorithm`, and the names of
    /// the trailers that will come.
    ///
    /// # Errors
    /// `InvalidDigest` for what is no MD5, `InvalidRequest` for what is no checksum, for several,
    /// and for an algorithm without one.
    pub fn read(
        claimed: Claimed<'_>,
        content_md5: Option<&str>,
        sdk_algorithm: Option<&str>,
        trailers: &[String],
    ) -> Result<Self, Error> {
        let md5 = content_md5.map(read_md5).transpose()?;
        let mut found = Vec::new();
        for (algorithm, value) in claimed.served {
            if let Some(value) = value {
                algorithm.decode(value).ok_or_else(|| invalid_value(algorithm.header()))?;
                found.push((algorithm, Some(value.to_owned())));
            }
        }
        for algorithm in Algorithm::ALL {
            if trailers.iter().any(|name| name == algorithm.header()) {
                found.push((algorithm, None));
            }
        }
        let lacking = claimed.not_served.into_iter().chain(trailers.iter().map(String::as_str));
        if let Some(header) = lacking.into_iter().find(|name| is_lacking(name)) {
            return Err(Error::parameter_not_served("S3's uploads", header));
        }
        if found.len() > 1 {
            return Err(invalid_request(
                "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.",
            ));
        }
        let (algorithm, value) = found.pop().unzip();
        check_sdk_algorithm(sdk_algorithm, algorithm)?;
        Ok(Self { algorithm, value: value.flatten(), md5 })
    }

    /// The checksum where it came in a header.
    pub(super) fn given(self) -> Option<(Algorithm, String)> {
        self.algorithm.zip(self.value)
    }

    /// Whether anything is claimed at all.
    pub fn is_some(&self) -> bool {
        self.algorithm.is_some() || self.md5.is_some()
    }

    /// Compares the claim with the body that has come; `trailer` finds a trailer's value by its
    /// name.
    ///
    /// # Errors
    /// `BadDigest` when it does not hold; `InvalidRequest` and `MalformedTrailerError` for a
    /// trailer that is no checksum, or did not come.
    pub fn check<'a>(
        &self,
        digested: &Digested,
        trailer: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<(), Error> {
        if let Some(expected) = &self.md5 {
            let calculated = STANDARD.encode(digested.md5);
            if *expected != calculated {
                return Err(bad_digest(
                    "The Content-MD5 you specified did not match what we received.".into(),
                )
                .with_detail("ExpectedDigest", expected)
                .with_detail("CalculatedDigest", calculated));
            }
        }
        let Some(algorithm) = self.algorithm else { return Ok(()) };
        let claimed = match &self.value {
            Some(value) => value.as_str(),
            None => {
                let value = trailer(algorithm.header()).ok_or_else(malformed_trailer)?.trim();
                algorithm.decode(value).ok_or_else(|| {
                    let name = algorithm.header();
                    invalid_request(&format!("Value for {name} trailing header is invalid."))
                })?;
                value
            }
        };
        if claimed == digested.value {
            return Ok(());
        }
        let name = algorithm.name();
        Err(bad_digest(format!("The {name} you specified did not match the calculated checksum.")))
    }
}

fn read_md5(text: &str) -> Result<String, Error> {
    match STANDARD.decode(text) {
        Ok(md5) if md5.len() == 16 => Ok(text.to_owned()),
        _ => Err(Error::client(400, "InvalidDigest", "The Content-MD5 you specified was invalid.")
            .with_detail("Content-MD5", text)),
    }
}

/// A checksum that AWS has and haneul does not.
fn is_lacking(name: &str) -> bool {
    name.starts_with("x-amz-checksum-")
        && !Algorithm::ALL.iter().any(|algorithm| algorithm.header() == name)
}

fn check_sdk_algorithm(named: Option<&str>, found: Option<Algorithm>) -> Result<(), Error> {
    let header = "x-amz-sdk-checksum-algorithm";
    match (named, found) {
        (None, _) => Ok(()),
        (Some(name), Some(found)) if Algorithm::parse(name) == Some(found) => Ok(()),
        (Some(_), Some(_)) => Err(invalid_value(header)),
        (Some(name), None) if Algorithm::parse(name).is_none() => Err(invalid_value(header)),
        (Some(_), None) => Err(invalid_request(
            "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.",
        )),
    }
}

fn invalid_value(header: &str) -> Error {
    invalid_request(&format!("Value for {header} header is invalid."))
}

fn invalid_request(message: &str) -> Error {
    Error::client(400, "InvalidRequest", message)
}

fn bad_digest(message: String) -> Error {
    Error::client(400, "BadDigest", message)
}

fn malformed_trailer() -> Error {
    Error::client(
        400,
        "MalformedTrailerError",
        "The request contained trailing data that was not well-formed or did not conform to our published schema.",
    )
}
