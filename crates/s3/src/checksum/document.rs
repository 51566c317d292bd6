//! Digests of documents: of the XML and the policies that requests bring, and not of objects.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>

use aws::Error;
use aws::body::Trailers;
use http::{HeaderMap, HeaderName};

use super::members::Claimed;
use super::{Algorithm, Claim, Digests};
use crate::error::invalid_request;

const NOT_SERVED: [&str; 5] = [
    "x-amz-checksum-sha512",
    "x-amz-checksum-md5",
    "x-amz-checksum-xxhash64",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash128",
];

/// Operations whose documents AWS takes only with a digest. By what it answers: its models mark
/// more (`requestChecksumRequired`), such as PutBucketPolicy, so that SDKs send one.
const DEMANDING: [&str; 7] = [
    "DeleteObjects",
    "PutBucketCors",
    "PutBucketLifecycleConfiguration",
    "PutBucketTagging",
    "PutObjectLegalHold",
    "PutObjectLockConfiguration",
    "PutObjectRetention",
];

/// Compares a document with what its request says of it: `Content-MD5` and `x-amz-checksum-*`,
/// in the head or behind the document.
///
/// # Errors
/// `BadDigest`, `InvalidDigest`, and `InvalidRequest` for what is no checksum, and for none
/// where there has to be one.
pub fn check_document(
    operation: &str,
    headers: &HeaderMap,
    trailers: &Trailers,
    body: &[u8],
) -> Result<(), Error> {
    let claims =
        |name: &HeaderName| name == "content-md5" || name.as_str().starts_with("x-amz-checksum-");
    let silent = trailers.names().is_empty() && !headers.keys().any(claims);
    // Most requests say nothing, which costs less to see than a search for each name.
    if silent && !DEMANDING.contains(&operation) {
        return Ok(());
    }
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    // There the checksum is the object's.
    let of_body = operation != "CompleteMultipartUpload";
    let claimed = Claimed {
        served: Algorithm::ALL
            .map(|algorithm| (algorithm, text(algorithm.header()).filter(|_| of_body))),
        not_served: NOT_SERVED
            .into_iter()
            .filter(|name| of_body && headers.contains_key(*name))
            .collect(),
    };
    let announced = if of_body { trailers.names() } else { &[] };
    let claim = Claim::read(claimed, text("content-md5"), None, announced)?;
    if !claim.is_some() {
        return if DEMANDING.contains(&operation) { Err(missing()) } else { Ok(()) };
    }
    let mut digests = Digests::new(claim.algorithm.unwrap_or(Algorithm::DEFAULT));
    digests.update(body);
    claim.check(&digests.finish(), |name| trailers.get(name))
}

fn missing() -> Error {
    invalid_request("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;
    use crate::testing::code;

    #[test]
    fn a_document_is_what_its_headers_say() {
        let check = |name: &'static str, value: &'static str, expected: &str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]);
            let trailers = Trailers::default();
            let answer = check_document("PutBucketTagging", &headers, &trailers, b"hello");
            assert_eq!(code(answer), expected, "{name}: {value}");
        };
        check("content-type", "application/xml", "InvalidRequest");
        check("content-md5", "XUFAKrxLKna5cZ2REBfFkg==", "OK");
        check("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==", "BadDigest");
        check("content-md5", "hello", "InvalidDigest");
        check("x-amz-checksum-crc32", "NhCmhg==", "OK");
        check("x-amz-checksum-crc32", "AAAAAA==", "BadDigest");
        check("x-amz-checksum-crc32", "hello", "InvalidRequest");
        check("x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "OK");
        check("x-amz-checksum-sha512", "AAAA", "UnsupportedOperation");

        let of_object = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-amz-checksum-crc32"),
            HeaderValue::from_static("AAAAAA=="),
        )]);
        let trailers = Trailers::default();
        let check = |operation, headers| check_document(operation, headers, &trailers, b"hello");
        assert!(check("CompleteMultipartUpload", &of_object).is_ok());
        assert!(check("PutBucketPolicy", &HeaderMap::new()).is_ok(), "AWS takes it without");
    }

    #[test]
    fn a_digest_may_follow_the_document() {
        let check = |value: &str, expected: &str| {
            let trailers = Trailers::announced(vec!["x-amz-checksum-crc32".into()]);
            trailers.receive(vec![("x-amz-checksum-crc32".into(), value.into())]);
            let answer = check_document("DeleteObjects", &HeaderMap::new(), &trailers, b"hello");
            assert_eq!(code(answer), expected, "{value}");
        };
        check("NhCmhg==", "OK");
        check("AAAAAA==", "BadDigest");
    }
}
