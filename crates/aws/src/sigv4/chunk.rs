//! `aws-chunked` bodies: S3 uploads whose length or hash is not known when they begin.
//!
//! ```text
//! 10000;chunk-signature=HEX\r\n   64 KiB of payload\r\n     signed: each chunk's signature
//! 0;chunk-signature=HEX\r\n                                 covers that of the one before
//! x-amz-checksum-crc32c:sOO8/Q==\r\n                        only when a trailer is announced
//! x-amz-trailer-signature:HEX\r\n                           only when chunks are signed
//! \r\n
//! ```
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>

mod decoder;
mod signer;

pub use decoder::{ChunkDecoder, ChunkError, decoded_length};
pub use signer::ChunkSigner;

use super::encoding::sha256_hex;
use super::key::{Scope, SigningKey};
use super::{ALGORITHM, EMPTY_SHA256};
use crate::Timestamp;

/// What a trailer's own signature is called.
const TRAILER_SIGNATURE: &str = "x-amz-trailer-signature";

/// The signatures of one body, each made with the one before; the first with the request's.
struct Chain {
    key: SigningKey,
    /// The date and the scope, which all of them cover.
    prefix: String,
    previous: String,
}

impl Chain {
    fn new(key: &SigningKey, at: Timestamp, scope: &Scope, seed: &str) -> Self {
        let prefix = format!("{}\n{scope}", at.to_basic());
        Self { key: key.clone(), prefix, previous: seed.to_owned() }
    }

    /// `hash` is the chunk's SHA-256 in hex.
    fn chunk_string(&self, hash: &str) -> String {
        let (prefix, previous) = (&self.prefix, &self.previous);
        format!("{ALGORITHM}-PAYLOAD\n{prefix}\n{previous}\n{EMPTY_SHA256}\n{hash}")
    }

    fn trailer_string(&self, trailers: &[(String, String)]) -> String {
        let mut lines: Vec<_> =
            trailers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        lines.sort_unstable();
        let hash = sha256_hex(lines.concat().as_bytes());
        format!("{ALGORITHM}-TRAILER\n{}\n{}\n{hash}", self.prefix, self.previous)
    }

    /// The signature of `string`, which the next one will cover.
    fn advance(&mut self, string: &str) -> &str {
        self.previous = self.key.sign(string);
        &self.previous
    }
}
