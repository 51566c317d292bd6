//! What is changed in a verified request before it is parsed: addresses become path style,
//! parameters of presigned URLs become the headers that they stand for.

use aws::{Error, cut, sigv4};
use http::header::{self, HeaderName, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Uri};

/// Puts the bucket that the host names before the path.
///
/// # Errors
/// `InvalidURI`.
pub fn to_path_style(parts: &mut Parts, bucket: Option<&str>) -> Result<(), Error> {
    let Some(bucket) = bucket else { return Ok(()) };
    let query = parts.uri.query().map_or_else(String::new, |query| format!("?{query}"));
    // `*`, which OPTIONS may ask for, is no path.
    let path = parts.uri.path().strip_prefix('/').unwrap_or_default();
    let path_and_query: PathAndQuery =
        format!("/{bucket}/{path}{query}").parse().map_err(|_| invalid_uri())?;
    let mut uri = parts.uri.clone().into_parts();
    uri.path_and_query = Some(path_and_query);
    parts.uri = Uri::from_parts(uri).map_err(|_| invalid_uri())?;
    Ok(())
}

fn invalid_uri() -> Error {
    Error::client(400, "InvalidURI", "Couldn't parse the specified URI.")
}

/// Parameters of a signature itself.
const OF_SIGNATURES: [&str; 9] = [
    "x-amz-algorithm",
    "x-amz-content-sha256",
    "x-amz-credential",
    "x-amz-date",
    "x-amz-expires",
    "x-amz-region-set",
    "x-amz-security-token",
    "x-amz-signature",
    "x-amz-signedheaders",
];

/// `x-amz-acl=private` in a presigned URL is that header: whoever follows a link sends none. A
/// header that was sent stays.
///
/// # Errors
/// `InvalidArgument` for what no header can hold.
pub fn headers_from_query(parts: &mut Parts) -> Result<(), Error> {
    let query = parts.uri.query().unwrap_or_default();
    let mut found = Vec::new();
    for (name, value) in cut::every(query, b'&').filter_map(|pair| cut::once(pair, b'=')) {
        let stands_for = name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"));
        if !stands_for || OF_SIGNATURES.iter().any(|own| own.eq_ignore_ascii_case(name)) {
            continue;
        }
        let name = name.to_ascii_lowercase();
        let value = sigv4::decode(value.as_bytes()).ok_or_else(invalid_uri)?;
        let unfit = || {
            Error::client(400, "InvalidArgument", "A parameter cannot be a header")
                .with_detail("ArgumentName", name.clone())
        };
        let header: HeaderName = name.parse().map_err(|_| unfit())?;
        let value = HeaderValue::from_bytes(&value).map_err(|_| unfit())?;
        if !parts.headers.contains_key(&header) {
            found.push((header, value));
        }
    }
    for (name, value) in found {
        parts.headers.append(name, value);
    }
    Ok(())
}

pub fn is_aws_chunked(headers: &HeaderMap) -> bool {
    codings(headers).any(|coding| coding.eq_ignore_ascii_case(AWS_CHUNKED))
}

/// Makes the head that of the decoded body: `aws-chunked` is the wire's, not the object's.
pub fn unwrap_chunked(headers: &mut HeaderMap, decoded_bytes: Option<u64>) {
    if is_aws_chunked(headers) {
        let kept = codings(headers).filter(|coding| !coding.eq_ignore_ascii_case(AWS_CHUNKED));
        let kept = kept.collect::<Vec<_>>().join(",");
        headers.remove(header::CONTENT_ENCODING);
        if let Ok(kept) = HeaderValue::from_str(&kept)
            && !kept.is_empty()
        {
            headers.insert(header::CONTENT_ENCODING, kept);
        }
    }
    if let Some(bytes) = decoded_bytes {
        headers.insert(header::CONTENT_LENGTH, bytes.into());
    }
}

const AWS_CHUNKED: &str = "aws-chunked";

fn codings(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let values = headers.get_all(header::CONTENT_ENCODING).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).map(str::trim).filter(|coding| !coding.is_empty())
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(request: http::request::Builder) -> Parts {
        request.body(()).expect("a request").into_parts().0
    }

    #[test]
    fn the_host_s_bucket_goes_before_the_path() {
        let check = |uri: &str, expected: &str| {
            let mut parts = parts(Request::get(uri));
            to_path_style(&mut parts, Some("b.c")).expect("a path");
            assert_eq!(parts.uri.to_string(), expected);
        };
        check("/", "/b.c/");
        check("/?acl", "/b.c/?acl");
        check("/a/./../%2F//?x=%20", "/b.c/a/./../%2F//?x=%20");
        check("//a", "/b.c//a");
        check("https://h:1/k", "https://h:1/b.c/k");
    }

    #[test]
    fn parameters_stand_for_headers_but_not_against_them() {
        let request = Request::put(
            "/b/k?X-Amz-Date=1&X-Amz-Acl=public-read&x-amz-meta-a=%20b%2B&x-amz-tagging=q&y=1",
        );
        let mut parts = parts(request.header("x-amz-tagging", "h"));
        headers_from_query(&mut parts).expect("fit");
        let mut got: Vec<_> =
            parts.headers.iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        got.sort();
        assert_eq!(
            got,
            ["x-amz-acl: \"public-read\"", "x-amz-meta-a: \" b+\"", "x-amz-tagging: \"h\""]
        );
        let mut bad = self::parts(Request::put("/b/k?x-amz-meta-a=%0d%0aevil"));
        assert_eq!(headers_from_query(&mut bad).expect_err("refused").code, "InvalidArgument");
    }

    #[test]
    fn the_wire_s_coding_is_not_the_object_s() {
        let check = |given: &str, expected: Option<&str>| {
            let request = Request::put("/").header("content-encoding", given);
            let mut parts = parts(request);
            unwrap_chunked(&mut parts.headers, Some(7));
            let got = parts.headers.get("content-encoding");
            assert_eq!(got.map(|value| value.to_str().expect("text")), expected);
            assert_eq!(parts.headers["content-length"], "7");
        };
        check("aws-chunked", None);
        check("aws-chunked,gzip", Some("gzip"));
        check("gzip, AWS-chunked", Some("gzip"));
        check("gzip", Some("gzip"));
    }
}
