//! The examples that AWS's documentation works out, signature and all.

use aws::sigv4::{Body, Request};
use http::HeaderMap;

pub const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

pub fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, value.parse().expect("a header value"));
    }
    headers
}

fn authorization(signed: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed},Signature={signature}"
    )
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>
#[test]
fn the_four_examples_of_header_signatures() {
    let check = |method, path, query, more: &[(&'static str, &str)], signed, signature| {
        let authorization = authorization(signed, signature);
        let mut pairs = vec![
            ("host", "examplebucket.s3.amazonaws.com"),
            ("x-amz-date", "20130524T000000Z"),
            ("authorization", &authorization),
        ];
        pairs.extend_from_slice(more);
        let headers = headers(&pairs);
        let request = Request { method, path, query, headers: &headers, authority: None };
        let now = super::at("20130524T001000Z");
        let presented =
            super::accept(&request, "s3", SECRET, now, Body::Later).expect("AWS's own example");
        assert_eq!(presented.access_key_id, "AKIAIOSFODNN7EXAMPLE");
    };
    check(
        "GET",
        "/test.txt",
        "",
        &[("range", "bytes=0-9"), ("x-amz-content-sha256", EMPTY)],
        "host;range;x-amz-content-sha256;x-amz-date",
        "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
    );
    check(
        "PUT",
        "/test%24file.text",
        "",
        &[
            ("date", "Fri, 24 May 2013 00:00:00 GMT"),
            ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
            (
                "x-amz-content-sha256",
                "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
            ),
        ],
        "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
        "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
    );
    check(
        "GET",
        "/",
        "lifecycle",
        &[("x-amz-content-sha256", EMPTY)],
        "host;x-amz-content-sha256;x-amz-date",
        "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
    );
    check(
        "GET",
        "/",
        "max-keys=2&prefix=J",
        &[("x-amz-content-sha256", EMPTY)],
        "host;x-amz-content-sha256;x-amz-date",
        "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    );
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>
#[test]
fn the_example_of_a_presigned_url() {
    let headers = headers(&[("host", "examplebucket.s3.amazonaws.com")]);
    let query = "X-Amz-Algorithm=AWS4-HMAC-SHA256\
        &X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request\
        &X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host\
        &X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
    let request =
        Request { method: "GET", path: "/test.txt", query, headers: &headers, authority: None };
    let accept = |now| super::accept(&request, "s3", SECRET, super::at(now), Body::Later);
    accept("20130524T000000Z").expect("AWS's own example");
    accept("20130525T000000Z").expect("on its last second");
    accept("20130523T234500Z").expect("a client whose clock is fast");
    assert!(accept("20130525T000001Z").is_err());
    assert!(accept("20130523T234459Z").is_err());
}
