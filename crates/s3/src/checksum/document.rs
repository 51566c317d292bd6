//! Digests of documents: of the XML and the policies that requests bring, and not of objects.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketLifecycleConfiguration.html>

use aws::Error;
use http::HeaderMap;

use super::members::Claimed;
use super::{Algorithm, Claim, Digests};

const NOT_SERVED: [&str; 5] = [
    "x-amz-checksum-sha512",
    "x-amz-checksum-md5",
    "x-amz-checksum-xxhash64",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash128",
];

/// Compares a document with what its request's headers say of it: `Content-MD5` and
/// `x-amz-checksum-*`.
///
/// # Errors
/// `BadDigest`, `InvalidDigest`, and `InvalidRequest` for what is no checksum.
pub fn check_document(operation: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Error> {
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
    let claim = Claim::read(claimed, text("content-md5"), None, &[])?;
    if !claim.is_some() {
        return Ok(());
    }
    let mut digests = Digests::new(claim.algorithm.unwrap_or(Algorithm::DEFAULT));
    digests.update(body);
    claim.check(&digests.finish(), |_| None)
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
            let answer = check_document("PutBucketTagging", &headers, b"hello");
            assert_eq!(code(answer), expected, "{name}: {value}");
        };
        check("content-type", "application/xml", "OK");
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
        assert!(check_document("CompleteMultipartUpload", &of_object, b"hello").is_ok());
    }
}
