//! `aws-chunked` bodies: the documentation's examples, and what can be wrong with one.

use aws::sigv4::{
    ChunkDecoder, ChunkError, ChunkSigner, Endpoint, Payload, Presented, Request, Signer,
    SigningKey, decoded_length,
};
use bytes::Bytes;
use http::HeaderMap;

use crate::documented::{SECRET, headers};

type Trailers = Vec<(String, String)>;

/// The payload and trailers of `body`, given to the decoder in pieces of these sizes, in turn.
pub fn decode(
    mut decoder: ChunkDecoder,
    body: &[u8],
    sizes: &[usize],
) -> Result<(Vec<u8>, Trailers), ChunkError> {
    let (mut payload, mut rest) = (Vec::new(), body);
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*size).clamp(1, rest.len()));
        rest = after;
        let mut input = Bytes::copy_from_slice(piece);
        while let Some(part) = decoder.decode(&mut input)? {
            payload.extend_from_slice(&part);
        }
        assert!(input.is_empty(), "all input is taken");
    }
    Ok((payload, decoder.finish()?))
}

/// The two examples differ in a header and in their signatures.
fn check_example(
    signed: &str,
    seed: &str,
    more: &[(&'static str, &str)],
    chunks: [&str; 3],
    end: &str,
) {
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,\
         SignedHeaders={signed},Signature={seed}"
    );
    let mut pairs = vec![
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
        ("authorization", &authorization),
    ];
    pairs.extend_from_slice(more);
    let headers = headers(&pairs);
    let path = "/examplebucket/chunkObject.txt";
    let request = Request { method: "PUT", path, query: "", headers: &headers, authority: None };
    let now = crate::at("20130524T000000Z");
    let presented = crate::accept(&request, "s3", SECRET, now, aws::sigv4::Body::Later)
        .expect("AWS's own example");
    let key = SigningKey::of_scope(SECRET, &presented.scope);
    let mut body = Vec::new();
    for (size, signature) in [65536, 1024, 0].into_iter().zip(chunks) {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        body.resize(body.len() + size, b'a');
        if size > 0 {
            body.extend_from_slice(b"\r\n");
        }
    }
    body.extend_from_slice(end.as_bytes());
    for sizes in [[usize::MAX], [1000], [1]] {
        let decoder = ChunkDecoder::new(&presented, &key, &headers).expect("announced");
        let (payload, trailers) = decode(decoder, &body, &sizes).expect("AWS's own example");
        assert!(payload.len() == 66560 && payload.iter().all(|&byte| byte == b'a'));
        assert_eq!(trailers.len(), usize::from(!end.starts_with("\r\n")));
    }
    for at in [0, 20, 100, 5000, 65536 + 130, body.len() - 3] {
        let mut changed = body.clone();
        changed[at] ^= 1;
        let decoder = ChunkDecoder::new(&presented, &key, &headers).expect("announced");
        assert!(decode(decoder, &changed, &[4096]).is_err(), "byte {at}");
    }
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
#[test]
fn the_example_of_signed_chunks() {
    check_example(
        "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;\
         x-amz-decoded-content-length;x-amz-storage-class",
        "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        &[("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")],
        [
            "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
            "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
            "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
        ],
        "\r\n",
    );
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
#[test]
fn the_example_of_signed_chunks_with_a_trailer() {
    check_example(
        "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
         x-amz-storage-class;x-amz-trailer",
        "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        &[
            ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
            ("x-amz-trailer", "x-amz-checksum-crc32c"),
        ],
        [
            "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
            "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
            "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
        ],
        "x-amz-checksum-crc32c:sOO8/Q==\r\n\
         x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\
         \r\n",
    );
}

/// An upload announced and ready for its chunks.
pub struct Upload {
    pub presented: Presented,
    pub key: SigningKey,
    pub headers: HeaderMap,
    pub at: aws::Timestamp,
}

impl Upload {
    pub fn announce(payload: Payload<'_>, decoded_length: usize, trailer: &str) -> Self {
        let region = crate::region("eu-west-1");
        let signer = Signer {
            access_key_id: "AKIDEXAMPLE",
            secret_access_key: SECRET,
            session_token: None,
            region: &region,
            service: "s3",
        };
        let at = crate::at("20261122T104053Z");
        let mut parts = http::Request::put("http://127.0.0.1:4566/b/k")
            .header("x-amz-decoded-content-length", decoded_length.to_string())
            .header("x-amz-trailer", trailer)
            .body(())
            .expect("a request")
            .into_parts()
            .0;
        signer.sign(&mut parts, payload, at).expect("signed");
        let request = Request::from(&parts);
        let endpoint = Endpoint { service: "s3", region: &region, now: at };
        let presented = Presented::parse(&request, &endpoint).expect("our own signature");
        Self { presented, key: signer.key(at), headers: parts.headers, at }
    }

    pub fn decoder(&self) -> ChunkDecoder {
        ChunkDecoder::new(&self.presented, &self.key, &self.headers).expect("announced")
    }

    pub fn signer(&self) -> ChunkSigner {
        let Presented { scope, signature, .. } = &self.presented;
        ChunkSigner::signed(&self.key, self.at, scope, signature)
    }
}

/// What becomes of an unsigned stream that announced five bytes and `trailer`.
fn check_unsigned(trailer: &str, body: &str, expected: Result<&str, &str>) {
    let upload = Upload::announce(Payload::StreamingUnsignedTrailer, 5, trailer);
    for sizes in [[usize::MAX], [1]] {
        let decoded = decode(upload.decoder(), body.as_bytes(), &sizes);
        let decoded = decoded.map(|(payload, trailers)| {
            let trailers: Vec<_> = trailers.iter().map(|(n, v)| format!("{n}={v}")).collect();
            format!("{}|{}", String::from_utf8_lossy(&payload), trailers.join("&"))
        });
        let decoded = decoded.map_err(|error| error.to_error().code.into_owned());
        assert_eq!(decoded.as_deref().map_err(String::as_str), expected, "{body:?}");
    }
}

#[test]
fn framing_is_taken_to_the_letter() {
    let check = |body, expected| check_unsigned("", body, expected);
    check("5\r\nhello\r\n0\r\n\r\n", Ok("hello|"));
    check("00005\r\nhello\r\n000\r\n\r\n", Ok("hello|"));
    for malformed in [
        "",
        "5",
        "5\r\nhello\r\n",
        "5\r\nhello\r\n0\r\n",
        "5\r\nhell",
        "5\nhello\r\n0\r\n\r\n",
        "5\r\nhelloX\r\n0\r\n\r\n",
        "5\r\nhello\r\n0\r\n\r\nmore",
        " 5\r\nhello\r\n0\r\n\r\n",
        "-5\r\nhello\r\n0\r\n\r\n",
        "+5\r\nhello\r\n0\r\n\r\n",
        "0x5\r\nhello\r\n0\r\n\r\n",
        "\r\n5\r\nhello\r\n0\r\n\r\n",
        "5;chunk-signature=00\r\nhello\r\n0\r\n\r\n",
        "4\r\nhell\r\n0\r\n\r\n",
        "6\r\nhello!\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n",
        "ffffffffffffffff\r\n",
        "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000\
         00000000000000000000000000000000000000000000000000000000000000000000",
    ] {
        check(malformed, Err("IncompleteBody"));
    }
    check("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", Err("InvalidChunkSizeError"));
    check("5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AA==\r\n\r\n", Err("MalformedTrailerError"));
}

#[test]
fn a_trailer_is_the_one_announced() {
    let check = |trailer, lines: &str, expected| {
        check_unsigned(trailer, &format!("5\r\nhello\r\n0\r\n{lines}\r\n"), expected);
    };
    check(
        "x-amz-checksum-crc32",
        "x-amz-checksum-crc32:AA==\r\n",
        Ok("hello|x-amz-checksum-crc32=AA=="),
    );
    check(
        "X-Amz-Checksum-Crc32",
        "X-AMZ-checksum-crc32: A \r\n",
        Ok("hello|x-amz-checksum-crc32=A"),
    );
    check("a, b", "b:2\r\na:1\r\n", Ok("hello|b=2&a=1"));
    for (announced, lines) in [
        ("a", ""),
        ("a", "b:1\r\n"),
        ("a", "a:1\r\nb:1\r\n"),
        ("a", "a:1\r\na:1\r\n"),
        ("a, b", "a:1\r\na:1\r\n"),
        ("a", "a\r\n"),
        ("a", "a:1\r\nx-amz-trailer-signature:00\r\n"),
    ] {
        check(announced, lines, Err("MalformedTrailerError"));
    }
    let long = format!("a:{}\r\n", "1".repeat(16 * 1024));
    check("a", &long, Err("MalformedTrailerError"));
}

#[test]
fn a_signed_stream_needs_every_signature() {
    let big = vec![b'x'; 8192];
    let trailers = [("a".to_owned(), "1".to_owned())];
    let upload = Upload::announce(Payload::StreamingTrailer, 8193, "a");
    let mut body = Vec::new();
    let mut signer = upload.signer();
    signer.push_chunk(&mut body, &big);
    signer.push_chunk(&mut body, b"y");
    signer.finish(&mut body, &trailers);
    let text = String::from_utf8(body.clone()).expect("text");
    decode(upload.decoder(), &body, &[777]).expect("as signed");
    let check = |changed: String, expected: &str| {
        assert_ne!(changed, text);
        let error = decode(upload.decoder(), changed.as_bytes(), &[777]).expect_err("changed");
        assert_eq!(error.to_error().code, expected);
    };
    let (head, tail) = text.split_once("x-amz-trailer-signature").expect("signed");
    let (_, end) = tail.split_once("\r\n").expect("ended");
    check(format!("{head}{end}"), "MalformedTrailerError");
    let early =
        format!("{}x-amz-trailer-signature{}a:1\r\n\r\n", head.replace("a:1\r\n", ""), &tail[..67]);
    check(early, "MalformedTrailerError");
    check(text.replace("\r\na:1", "\r\na:2"), "SignatureDoesNotMatch");
    check(text.replace("\r\ny\r\n", "\r\nz\r\n"), "SignatureDoesNotMatch");
    check(text.replace(";chunk-signature=", ";chunk-signaturE="), "SignatureDoesNotMatch");
    check(text.replace("1;chunk-signature=", "1;x=1;chunk-signature="), "SignatureDoesNotMatch");
    let second = text.find("\r\n1;chunk-signature=").expect("a second chunk");
    check(text[..second + 2].to_owned(), "IncompleteBody");
    let swapped = Upload::announce(Payload::StreamingTrailer, 8193, "b");
    assert!(decode(swapped.decoder(), &body, &[777]).is_err(), "another seed");
}

#[test]
fn a_signed_chunk_is_held_no_longer_than_its_pieces() {
    let size = 32 * 1024 * 1024;
    let payload = vec![7; size];
    let upload = Upload::announce(Payload::Streaming, size, "");
    let line =
        |size: usize| Bytes::from(format!("{size:x};chunk-signature={}\r\n", "0".repeat(64)));
    let mut decoder = upload.decoder();
    assert!(decoder.decode(&mut line(size)).expect("any size").is_none());
    let (last, pieces) = payload.split_last().expect("bytes");
    for piece in pieces.chunks(65536) {
        let mut input = Bytes::copy_from_slice(piece);
        let given = decoder.decode(&mut input).expect("nothing is wrong yet");
        assert_eq!(given.map(|given| given.len()), Some(piece.len()));
    }
    let end = decoder.decode(&mut Bytes::copy_from_slice(&[*last]));
    assert!(matches!(end, Err(ChunkError::Mismatch(_))));
    assert!(decoder.decode(&mut line(8192)).is_err(), "a refused stream stays refused");
    assert!(matches!(decoder.finish(), Err(ChunkError::Truncated)));
}

#[test]
fn the_payload_must_be_announced() {
    let check = |value: Option<&str>, expected: Result<u64, (u16, &str)>| {
        let pairs: Vec<_> =
            value.map(|v| ("x-amz-decoded-content-length", v)).into_iter().collect();
        let length = decoded_length(&headers(&pairs)).map_err(|error| error.to_error());
        let length = length.as_ref().map_err(|error| (error.status, error.code.as_ref()));
        assert_eq!(length.copied(), expected, "{value:?}");
    };
    check(Some("66560"), Ok(66560));
    check(Some("0"), Ok(0));
    check(None, Err((411, "MissingContentLength")));
    for text in ["", "-1", "+1", "1e3", "99999999999999999999"] {
        check(Some(text), Err((400, "InvalidArgument")));
    }
}
