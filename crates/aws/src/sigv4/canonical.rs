//! The one text that client and server both make of a request.

use std::borrow::Cow;

use super::encoding::{decode, is_unreserved, push_encoded, push_encoded_path};
use super::error::SignatureError;
use super::request::Request;

/// How a service writes a request's path for signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PathRule {
    /// Decoded once and encoded once; dots and doubled slashes are parts of keys and stay.
    S3,
    /// Dot segments and doubled slashes removed, then encoded as it came, so that what the
    /// client encoded is encoded twice.
    Others,
}

/// Whether the query holds the signature itself, which it cannot cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureIn {
    Header,
    Query,
}

/// What to make the canonical request of, beside the request.
pub(super) struct Form<'a> {
    pub(super) path_rule: PathRule,
    pub(super) signature_in: SignatureIn,
    /// In lower case, sorted.
    pub(super) signed_headers: &'a [String],
    /// The payload's hash in hex, or the word that stands for it.
    pub(super) payload: &'a str,
}

/// The canonical request: method, path, query, headers, their names, payload, a line each.
pub(super) fn canonical_request(
    request: &Request<'_>,
    form: &Form<'_>,
) -> Result<Vec<u8>, SignatureError> {
    let mut out = Vec::with_capacity(512 + request.path.len() + request.query.len());
    out.extend_from_slice(request.method.as_bytes());
    out.push(b'\n');
    push_path(&mut out, request.path, form.path_rule)?;
    out.push(b'\n');
    push_query(&mut out, request, form.signature_in)?;
    out.push(b'\n');
    for name in form.signed_headers {
        push_header(&mut out, request, name);
    }
    out.push(b'\n');
    out.extend_from_slice(form.signed_headers.join(";").as_bytes());
    out.push(b'\n');
    out.extend_from_slice(form.payload.as_bytes());
    Ok(out)
}

fn push_path(out: &mut Vec<u8>, path: &str, rule: PathRule) -> Result<(), SignatureError> {
    match rule {
        PathRule::S3 => {
            let decoded = decode(path.as_bytes()).ok_or(SignatureError::MalformedPath)?;
            push_encoded_path(out, if decoded.is_empty() { b"/" } else { &decoded });
        }
        PathRule::Others => push_encoded_path(out, normalize(path).as_bytes()),
    }
    Ok(())
}

/// Without empty, `.` and `..` segments; a last slash stays.
fn normalize(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            kept => segments.push(kept),
        }
    }
    let last = if path.ends_with('/') && !segments.is_empty() { "/" } else { "" };
    format!("/{}{last}", segments.join("/"))
}

fn push_query(
    out: &mut Vec<u8>,
    request: &Request<'_>,
    signature_in: SignatureIn,
) -> Result<(), SignatureError> {
    let mut pairs = Vec::new();
    for (name, value) in request.parameters() {
        if signature_in == SignatureIn::Query && name == "X-Amz-Signature" {
            continue;
        }
        pairs.push((reencode(name)?, reencode(value)?));
    }
    pairs.sort_unstable();
    for (index, (name, value)) in pairs.iter().enumerate() {
        if index > 0 {
            out.push(b'&');
        }
        out.extend_from_slice(name);
        out.push(b'=');
        out.extend_from_slice(value);
    }
    Ok(())
}

fn reencode(text: &str) -> Result<Cow<'_, [u8]>, SignatureError> {
    if text.bytes().all(is_unreserved) {
        return Ok(text.as_bytes().into());
    }
    let decoded = decode(text.as_bytes()).ok_or(SignatureError::MalformedQuery)?;
    let mut out = Vec::with_capacity(text.len());
    push_encoded(&mut out, &decoded);
    Ok(out.into())
}

/// `name:value`, all values of one name joined with commas. An absent header counts as empty:
/// the signature of a client that signed a value then differs, as it must.
fn push_header(out: &mut Vec<u8>, request: &Request<'_>, name: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let host = matches!(name, "host" | ":authority");
    let header = if host { "host" } else { name };
    let mut values = request.headers.get_all(header).iter().peekable();
    match request.authority {
        Some(authority) if host && values.peek().is_none() => {
            push_trimmed(out, authority.as_bytes());
        }
        _ => {
            for (index, value) in values.enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_trimmed(out, value.as_bytes());
            }
        }
    }
    out.push(b'\n');
}

/// Without space at the ends, and one space for every run inside.
fn push_trimmed(out: &mut Vec<u8>, value: &[u8]) {
    let words = value.split(|byte| byte.is_ascii_whitespace()).filter(|word| !word.is_empty());
    for (index, word) in words.enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_follow_their_service() {
        let check = |path: &str, s3: &str, others: &str| {
            for (rule, expected) in [(PathRule::S3, s3), (PathRule::Others, others)] {
                let mut out = Vec::new();
                push_path(&mut out, path, rule).expect("well encoded");
                assert_eq!(String::from_utf8_lossy(&out), expected, "{rule:?} {path}");
            }
        };
        check("/", "/", "/");
        check("", "/", "/");
        check("/b/./../z", "/b/./../z", "/z");
        check("/b/x//y", "/b/x//y", "/b/x/y");
        check("/%2541", "/%2541", "/%252541");
        check("/a%20b+c", "/a%20b%2Bc", "/a%2520b%2Bc");
        check("/a(b)!", "/a%28b%29%21", "/a%28b%29%21");
        check("/..", "/..", "/");
        check("/é", "/%C3%A9", "/%C3%A9");
    }

    #[test]
    fn a_half_escape_is_refused_where_it_would_be_decoded() {
        let mut out = Vec::new();
        assert!(push_path(&mut out, "/%4", PathRule::S3).is_err());
        let headers = http::HeaderMap::new();
        let request =
            Request { method: "GET", path: "/", query: "a=%", headers: &headers, authority: None };
        assert!(push_query(&mut out, &request, SignatureIn::Header).is_err());
    }

    #[test]
    fn the_query_is_decoded_encoded_and_sorted() {
        let check = |query: &str, expected: &str| {
            let headers = http::HeaderMap::new();
            let request =
                Request { method: "GET", path: "/", query, headers: &headers, authority: None };
            let mut out = Vec::new();
            push_query(&mut out, &request, SignatureIn::Query).expect("well encoded");
            assert_eq!(String::from_utf8_lossy(&out), expected, "{query}");
        };
        check("website", "website=");
        check("delete=", "delete=");
        check("b=2&a=1&a=0&&B", "B=&a=0&a=1&b=2");
        check("a=x+y%20z", "a=x%2By%20z");
        check("a=b=c", "a=b%3Dc");
        check("X-Amz-Signature=00&X-Amz-Date=1", "X-Amz-Date=1");
        check("a-b=1&a=2", "a=2&a-b=1");
    }
}
