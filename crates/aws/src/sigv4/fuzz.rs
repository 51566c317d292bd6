//! Entry points for fuzzing: arbitrary bytes into every reader of signatures, without panic
//! and with bounded memory. `fuzz/` calls them for hours, the tests here for a moment.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{
    Body, ChunkDecoder, Endpoint, Payload, Presented, Request, ServiceKind, Signer, SigningKey,
    claimed_scope, verify,
};
use crate::{Region, Timestamp};

const KINDS: [ServiceKind; 4] =
    [ServiceKind::Query, ServiceKind::Json, ServiceKind::Ec2, ServiceKind::S3];

/// A request as text, `METHOD /path?query`, header lines, an empty line, the body: parsed and
/// verified for each kind of service, every refusal worded.
pub fn request(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let (line, header_lines) = head.split_once('\n').unwrap_or((head, ""));
    let (method, target) = line.split_once(' ').unwrap_or(("GET", line));
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = HeaderMap::new();
    for line in header_lines.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if let (Ok(name), Ok(value)) =
            (name.parse::<HeaderName>(), HeaderValue::from_str(value.trim()))
        {
            headers.append(name, value);
        }
    }
    let request = Request { method, path, query, headers: &headers, authority: None };
    let _ = claimed_scope(&request);
    let now = Timestamp::from_secs(1_369_353_600);
    let region = home();
    for service in ["s3", "sts"] {
        let parsed = Presented::parse(&request, &Endpoint { service, region: &region, now });
        let verified = parsed.and_then(|presented| {
            let key = SigningKey::of_scope("secret", &presented.scope);
            verify(&presented, &request, &key, Body::Whole(body.as_bytes()))
        });
        if let Err(error) = verified {
            let _ = KINDS.map(|kind| error.to_error(kind));
        }
    }
    let parsed = crate::sigv2::Presented::parse(&request, now);
    let verified = parsed
        .and_then(|presented| crate::sigv2::verify(&presented, &request, Some("b"), "secret"));
    if let Err(error) = verified {
        let _ = KINDS.map(|kind| error.to_error(kind));
    }
}

/// An `aws-chunked` body. The first byte chooses the kind of stream, the second the size of
/// the pieces it comes in, the third the length its payload should have.
pub fn chunks(data: &[u8]) {
    let [kind, piece, length, body @ ..] = data else { return };
    let payload = match kind % 3 {
        0 => Payload::Streaming,
        1 => Payload::StreamingTrailer,
        _ => Payload::StreamingUnsignedTrailer,
    };
    let Some(mut decoder) = decoder(payload, *length) else { return };
    let mut given = 0;
    for piece in body.chunks(usize::from(*piece).max(1)) {
        let mut input = Bytes::copy_from_slice(piece);
        loop {
            match decoder.decode(&mut input) {
                Ok(Some(payload)) => given += payload.len(),
                Ok(None) => break,
                Err(error) => {
                    error.to_error();
                    return;
                }
            }
        }
    }
    assert!(given <= body.len(), "a payload is never longer than its encoding");
    let _ = decoder.finish();
}

/// A decoder for a stream that announces one trailer.
fn decoder(payload: Payload<'_>, decoded_length: u8) -> Option<ChunkDecoder> {
    let region = home();
    let signer = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: "secret",
        session_token: None,
        region: &region,
        service: "s3",
    };
    let now = Timestamp::from_secs(1_369_353_600);
    let built = http::Request::put("http://127.0.0.1/b/k")
        .header("x-amz-decoded-content-length", decoded_length.to_string())
        .header("x-amz-trailer", "x-amz-checksum-crc32c")
        .body(());
    let mut parts = built.ok()?.into_parts().0;
    signer.sign(&mut parts, payload, now).ok()?;
    let request = Request::from(&parts);
    let endpoint = Endpoint { service: "s3", region: &region, now };
    let presented = Presented::parse(&request, &endpoint).ok()?;
    ChunkDecoder::new(&presented, &signer.key(now), &parts.headers).ok()
}

fn home() -> Region {
    "us-east-1".parse().expect("a region's name")
}
