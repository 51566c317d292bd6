//! Requests signed by boto3, botocore and the aws CLI, as they came over the wire
//! (`tests/golden/make.py` records them).

use aws::sigv4::{
    Body, ChunkDecoder, PayloadHash, Request, SignatureError, SigningKey, claimed_scope,
};
use aws::{Timestamp, sigv2};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserialize;

#[derive(Deserialize)]
pub struct Golden {
    pub access_key_id: String,
    pub secret_access_key: String,
    pub cases: Vec<Case>,
}

#[derive(Deserialize)]
pub struct Case {
    pub name: String,
    pub service: String,
    pub method: String,
    pub path: String,
    pub query: String,
    headers: Vec<(String, String)>,
    /// One character a byte.
    body: String,
    token: Option<String>,
    #[serde(default)]
    version: u8,
    bucket: Option<String>,
}

impl Golden {
    pub fn read() -> Self {
        let text = include_str!("../golden/requests.json");
        let golden: Self = serde_json::from_str(text).expect("the fixture's form");
        assert!(golden.cases.len() >= 190);
        golden
    }
}

impl Case {
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            let name: HeaderName = name.parse().expect("a header name");
            headers.append(name, latin1(value).as_slice().try_into().expect("a header value"));
        }
        headers
    }

    pub fn body(&self) -> Vec<u8> {
        latin1(&self.body)
    }

    pub fn request<'a>(&'a self, headers: &'a HeaderMap) -> Request<'a> {
        let Self { method, path, query, .. } = self;
        Request { method, path, query, headers, authority: None }
    }

    /// When it was signed.
    fn at(&self, headers: &HeaderMap) -> Timestamp {
        let parameter = |name: &str| {
            let mut pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        if let Some(expires) = parameter("Expires") {
            return Timestamp::from_secs(expires.parse().expect("seconds"));
        }
        let header = |name| headers.get(name).map(|value| value.to_str().expect("text").to_owned());
        let date = header("x-amz-date").or_else(|| parameter("X-Amz-Date"));
        Timestamp::parse(&date.or_else(|| header("date")).expect("a date")).expect("a date")
    }
}

fn latin1(text: &str) -> Vec<u8> {
    text.chars().map(|byte| u8::try_from(byte).expect("a byte")).collect()
}

/// What the front and S3 do with one request; gives out the payload.
fn take(
    golden: &Golden,
    case: &Case,
    request: &Request<'_>,
    now: Timestamp,
    body: &[u8],
) -> Result<Vec<u8>, SignatureError> {
    if case.version == 2 {
        let presented = sigv2::Presented::parse(request, now)?;
        assert_eq!(presented.access_key_id, golden.access_key_id);
        assert_eq!(presented.session_token, case.token, "{}", case.name);
        sigv2::verify(&presented, request, case.bucket.as_deref(), &golden.secret_access_key)?;
        return Ok(body.to_vec());
    }
    let secret = &golden.secret_access_key;
    let presented = super::accept(request, &case.service, secret, now, Body::Whole(body))?;
    assert_eq!(presented.access_key_id, golden.access_key_id);
    assert_eq!(presented.session_token, case.token, "{}", case.name);
    let (region, service) = claimed_scope(request).expect("a scope");
    assert_eq!(
        (presented.scope.region.as_str(), presented.scope.service.as_str()),
        (&*region, &*service)
    );
    if !presented.payload.is_streaming() {
        return Ok(body.to_vec());
    }
    let key = SigningKey::of_scope(secret, &presented.scope);
    let mut decoder = ChunkDecoder::new(&presented, &key, request.headers).expect("announced");
    let mut input = Bytes::copy_from_slice(body);
    let mut payload = Vec::new();
    while let Some(piece) = decoder.decode(&mut input).expect("well-formed chunks") {
        payload.extend_from_slice(&piece);
    }
    let trailers = decoder.finish().expect("a whole stream");
    assert_eq!(trailers.len(), usize::from(presented.payload != PayloadHash::Streaming));
    Ok(payload)
}

#[test]
fn every_recorded_request_is_accepted() {
    let golden = Golden::read();
    for case in &golden.cases {
        let headers = case.headers();
        let (request, now) = (case.request(&headers), case.at(&headers));
        match take(&golden, case, &request, now, &case.body()) {
            Ok(payload) => check_payload(&case.name, &payload),
            Err(error) => panic!("{}: {error:?}", case.name),
        }
    }
}

fn check_payload(name: &str, payload: &[u8]) {
    match name {
        "boto3 trailer" => assert_eq!(payload, b"hello trailer"),
        "boto3 trailer with token" => assert_eq!(payload, b"hello again"),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" | "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER" => {
            let expected = [[b'a'; 8192].as_slice(), &[b'b'; 8192], b"last"].concat();
            assert_eq!(payload, expected);
        }
        _ => {}
    }
}

#[test]
fn a_recorded_request_that_was_changed_is_refused() {
    let golden = Golden::read();
    for case in &golden.cases {
        let headers = case.headers();
        let (request, now) = (case.request(&headers), case.at(&headers));
        let body = case.body();
        let refused = |what: &str, request: &Request<'_>, body: &[u8]| {
            let result = take(&golden, case, request, now, body);
            assert!(result.is_err(), "{}: {what}", case.name);
        };
        refused("another method", &Request { method: "PATCH", ..request }, &body);
        let longer = format!("{}x", case.path);
        refused("another path", &Request { path: &longer, ..request }, &body);
        let more = format!("{}&acl", case.query);
        refused("one more sub-resource", &Request { query: &more, ..request }, &body);
        let mut extended = headers.clone();
        extended.insert("x-amz-meta-new", HeaderValue::from_static("1"));
        refused("one more header", &Request { headers: &extended, ..request }, &body);
        let mut moved = headers.clone();
        moved.insert("host", HeaderValue::from_static("elsewhere"));
        if case.version != 2 {
            refused("another host", &Request { headers: &moved, ..request }, &body);
        }
        let late = now + std::time::Duration::from_secs(8 * 86_400);
        assert!(take(&golden, case, &request, late, &body).is_err(), "{}: late", case.name);
    }
}

#[test]
fn a_secret_of_another_key_is_refused() {
    let golden = Golden { secret_access_key: "another".into(), ..Golden::read() };
    for case in &golden.cases {
        let headers = case.headers();
        let result = take(&golden, case, &case.request(&headers), case.at(&headers), &case.body());
        assert!(matches!(result, Err(SignatureError::Mismatch(_))), "{}", case.name);
    }
}
