//! Users' metadata: its limits, and its way through headers that are ASCII.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html#UserMetadata>

use std::collections::BTreeMap;

use aws::Error;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Names, without `x-amz-meta-`, and values together.
const BYTES_MAX: usize = 2048;

/// # Errors
/// `MetadataTooLarge`.
pub(crate) fn read(
    metadata: Option<BTreeMap<String, String>>,
) -> Result<Vec<(String, String)>, Error> {
    let metadata: Vec<(String, String)> = metadata.unwrap_or_default().into_iter().collect();
    let bytes: usize = metadata.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes <= BYTES_MAX {
        return Ok(metadata);
    }
    let message = "Your metadata headers exceed the maximum allowed metadata size";
    Err(Error::client(400, "MetadataTooLarge", message)
        .with_detail("Size", bytes.to_string())
        .with_detail("MaxSizeAllowed", BYTES_MAX.to_string()))
}

/// As headers of an answer: a value that is not ASCII travels as an encoded word of RFC 2047.
pub(crate) fn shown(metadata: &[(String, String)]) -> Option<BTreeMap<String, String>> {
    let shown = metadata.iter().map(|(name, value)| {
        let value = if value.is_ascii() {
            value.clone()
        } else {
            format!("=?UTF-8?B?{}?=", STANDARD.encode(value))
        };
        (name.clone(), value)
    });
    (!metadata.is_empty()).then(|| shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metadata_has_two_kilobytes() {
        let of = |bytes| Some(BTreeMap::from([("name".to_owned(), "x".repeat(bytes))]));
        assert!(read(of(BYTES_MAX - 4)).is_ok());
        let error = read(of(BYTES_MAX - 3)).expect_err("too large");
        assert_eq!(
            (error.code.as_ref(), error.details[0].1.as_str()),
            ("MetadataTooLarge", "2049")
        );
        assert_eq!(read(None).expect("none"), []);
    }

    #[test]
    fn what_is_not_ascii_travels_encoded() {
        let metadata = [("a".into(), "plain".into()), ("b".into(), "하늘".into())];
        let shown = shown(&metadata).expect("some");
        assert_eq!((shown["a"].as_str(), shown["b"].as_str()), ("plain", "=?UTF-8?B?7ZWY64qY?="));
    }
}
