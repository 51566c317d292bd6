//! Whatever is signed is accepted, and nothing else is.

use std::time::Duration;

use aws::Timestamp;
use aws::sigv4::{Body, Payload, Request, Signer, fuzz};
use http::request::Parts;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::chunks::{Upload, decode};

const SECRET: &str = "a secret/+";

#[derive(Clone, Debug)]
struct Drawn {
    method: &'static str,
    segments: Vec<Vec<u8>>,
    query: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    headers: Vec<(u8, String)>,
    body: Vec<u8>,
    service: &'static str,
    token: Option<String>,
}

fn drawn() -> impl Strategy<Value = Drawn> {
    let bytes = || vec(any::<u8>(), 0..6);
    (
        prop::sample::select(vec!["GET", "PUT", "POST", "DELETE"]),
        vec(bytes(), 1..4),
        vec((vec(any::<u8>(), 1..6), prop::option::of(bytes())), 0..4),
        vec((0..3u8, "[ -~]{0,12}"), 0..4),
        vec(any::<u8>(), 0..40),
        prop::sample::select(vec!["s3", "sts", "dynamodb"]),
        prop::option::of("[A-Za-z0-9/+=]{8,20}"),
    )
        .prop_map(|(method, segments, query, headers, body, service, token)| Drawn {
            method,
            segments,
            query,
            headers,
            body,
            service,
            token,
        })
}

/// Percent-encodes as sloppily as clients may: not all that could be is.
fn encode(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~!*'()+,;:@$".contains(&byte);
    let one = |&byte: &u8| {
        if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") }
    };
    bytes.iter().map(one).collect()
}

impl Drawn {
    fn parts(&self) -> Parts {
        let path: Vec<_> = self.segments.iter().map(|segment| encode(segment)).collect();
        let pair = |(name, value): &(Vec<u8>, Option<Vec<u8>>)| match value {
            Some(value) => format!("{}={}", encode(name), encode(value)),
            None => encode(name),
        };
        let query: Vec<_> = self.query.iter().map(pair).collect();
        let uri = format!("http://127.0.0.1:4566/{}?{}", path.join("/"), query.join("&"));
        let mut request = http::Request::builder().method(self.method).uri(uri);
        for (name, value) in &self.headers {
            request = request.header(["x-amz-meta-a", "range", "x-b"][usize::from(*name)], value);
        }
        request.body(()).expect("a request").into_parts().0
    }

    fn sign(&self, presigned: bool) -> Parts {
        let region = crate::region("ap-northeast-2");
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: SECRET,
            session_token: self.token.as_deref(),
            region: &region,
            service: self.service,
        };
        let mut parts = self.parts();
        let signed = if presigned {
            signer.presign(&mut parts, Duration::from_secs(60), now())
        } else {
            signer.sign(&mut parts, Payload::Whole(&self.body), now()).map(|_| ())
        };
        signed.expect("signable");
        parts
    }
}

fn now() -> Timestamp {
    crate::at("20261122T104053Z")
}

fn is_accepted(service: &str, request: &Request<'_>, body: &[u8]) -> bool {
    crate::accept(request, service, SECRET, now(), Body::Whole(body)).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn signed_is_accepted_and_changed_is_refused(drawn in drawn(), presigned: bool, choice: prop::sample::Index, flip in 1..127u8) {
        // Nobody but S3 signs "no body": a URL for another service carries none.
        let drawn = if presigned { Drawn { body: Vec::new(), ..drawn } } else { drawn };
        let parts = drawn.sign(presigned);
        let request = Request::from(&parts);
        prop_assert!(is_accepted(drawn.service, &request, &drawn.body), "{parts:?}");

        // One byte of the target.
        let target = format!("{}?{}", request.path, request.query);
        let mut changed = target.clone().into_bytes();
        let at = choice.index(changed.len());
        changed[at] ^= flip;
        if let Ok(changed) = String::from_utf8(changed) {
            let (path, query) = changed.split_once('?').unwrap_or((&changed, ""));
            if !means_the_same(drawn.service, &target, &changed) {
                let request = Request { path, query, ..request };
                prop_assert!(!is_accepted(drawn.service, &request, &drawn.body), "{target} {changed}");
            }
        }

        // One byte of the body.
        if !drawn.body.is_empty() {
            let mut body = drawn.body.clone();
            let at = choice.index(body.len());
            body[at] ^= flip;
            prop_assert!(!is_accepted(drawn.service, &request, &body));
        }

        // One byte of a header that is signed or signs.
        let names: Vec<_> = parts.headers.keys().cloned().collect();
        let name = &names[choice.index(names.len())];
        let mut headers = parts.headers.clone();
        let mut value = headers[name].as_bytes().to_vec();
        if !value.is_empty() {
            let at = choice.index(value.len());
            value[at] ^= flip;
            let words = |value: &[u8]| -> Vec<String> {
                String::from_utf8_lossy(value).split_ascii_whitespace().map(Into::into).collect()
            };
            let same = name == "authorization" || words(&value) == words(headers[name].as_bytes());
            if let (false, Ok(value)) = (same, http::HeaderValue::from_bytes(&value)) {
                headers.insert(name, value);
                let request = Request { headers: &headers, ..request };
                prop_assert!(!is_accepted(drawn.service, &request, &drawn.body), "{name} {headers:?}");
            }
        }
    }

    #[test]
    fn chunks_decode_alike_however_they_arrive(
        chunks in vec((0..3usize, any::<u8>()), 0..4),
        last in vec(any::<u8>(), 0..30),
        sizes in vec(1..5000usize, 1..6),
        kind in 0..3u8,
        flip: Option<prop::sample::Index>,
    ) {
        let mut payload: Vec<Vec<u8>> =
            chunks.iter().map(|(more, byte)| vec![*byte; 8192 + more * 500]).collect();
        payload.push(last);
        let whole = payload.concat();
        let trailers = [("x-amz-checksum-crc32c".to_owned(), "AAAAAA==".to_owned())];
        let (announced, trailers) = if kind == 0 { ("", &[][..]) } else { (trailers[0].0.as_str(), &trailers[..]) };
        let covering =
            [Payload::Streaming, Payload::StreamingTrailer, Payload::StreamingUnsignedTrailer];
        let upload = Upload::announce(covering[usize::from(kind)], whole.len(), announced);
        let mut signer = if kind == 2 { aws::sigv4::ChunkSigner::unsigned() } else { upload.signer() };
        let mut body = Vec::new();
        for chunk in &payload {
            signer.push_chunk(&mut body, chunk);
        }
        signer.finish(&mut body, trailers);
        let decoded = decode(upload.decoder(), &body, &sizes);
        prop_assert_eq!(decoded.expect("as signed"), (whole.clone(), trailers.to_vec()));

        let Some(flip) = flip else { return Ok(()) };
        let at = flip.index(body.len());
        body[at] ^= 1;
        // Without signatures the payload and the trailer are anyone's.
        if kind < 2 {
            prop_assert!(decode(upload.decoder(), &body, &sizes).is_err());
        }
        let truncated = decode(upload.decoder(), &body[..at], &sizes);
        prop_assert!(truncated.is_err());
    }

    #[test]
    fn arbitrary_bytes_neither_panic_nor_pass(data in vec(any::<u8>(), 0..300)) {
        fuzz::chunks(&data);
        fuzz::request(&data);
    }

    #[test]
    fn nearly_right_requests_do_not_panic(
        authorization in "AWS4-HMAC-SHA256 (Credential=[a-z0-9/-]{0,40},? ?|SignedHeaders=[a-z;-]{0,9},? ?|Signature=[0-9a-f]{0,4},? ?){0,4}",
        query in "(X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature)=(AWS4-HMAC-SHA256|20130524T000000Z|[0-9a-z%/-]{0,30})&){0,6}(Expires=[0-9-]{0,20}&Signature=x&AWSAccessKeyId=k)?",
        date in "20130524T000000Z|[0-9TZ]{0,16}",
    ) {
        let target = format!("GET /b/k?{query}");
        fuzz::request(format!("{target}\nhost: h\nx-amz-date: {date}\n\n").as_bytes());
        fuzz::request(format!("{target}\nauthorization: {authorization}\nx-amz-date: {date}\n\n").as_bytes());
    }
}

fn cases() -> u32 {
    if std::env::var_os("HANEUL_SOAK").is_some() { 20_000 } else { 128 }
}

/// Whether two targets differ only in ways that no signature sees: how a character is
/// escaped, empty parameters, the order of parameters; outside S3 also dots and slashes.
fn means_the_same(service: &str, one: &str, other: &str) -> bool {
    let read = |target: &str| {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pair = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((unescape(name)?, unescape(value)?))
        };
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let mut pairs = pairs.map(pair).collect::<Option<Vec<_>>>()?;
        pairs.sort();
        let path = if service == "s3" { unescape(path)? } else { flat(path) };
        Some((path, pairs))
    };
    match (read(one), read(other)) {
        (Some(one), Some(other)) => one == other,
        _ => false,
    }
}

fn unescape(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits = std::str::from_utf8(&digits).ok()?;
            if digits.starts_with('+') {
                return None;
            }
            out.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}

fn flat(path: &str) -> Vec<u8> {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    let end = if path.ends_with('/') && !kept.is_empty() { "/" } else { "" };
    format!("{}{end}", kept.join("/")).into_bytes()
}
