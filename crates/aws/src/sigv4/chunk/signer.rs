//! Writing `aws-chunked` bodies.

use super::{Chain, TRAILER_SIGNATURE};
use crate::Timestamp;
use crate::sigv4::encoding::sha256_hex;
use crate::sigv4::key::{Scope, SigningKey};

/// Writes the chunks of one body, in order.
pub struct ChunkSigner {
    chain: Option<Chain>,
}

impl ChunkSigner {
    /// `seed` is the signature of the request that announced the stream.
    pub fn signed(key: &SigningKey, at: Timestamp, scope: &Scope, seed: &str) -> Self {
        Self { chain: Some(Chain::new(key, at, scope, seed)) }
    }

    pub fn unsigned() -> Self {
        Self { chain: None }
    }

    /// Appends one chunk; an empty one would end the stream, and is left out.
    pub fn push_chunk(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        if !payload.is_empty() {
            self.push_header(out, payload);
            out.extend_from_slice(payload);
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Appends the last chunk and the trailer. Names are in lower case.
    pub fn finish(mut self, out: &mut Vec<u8>, trailers: &[(String, String)]) {
        self.push_header(out, b"");
        for (name, value) in trailers {
            out.extend_from_slice(format!("{name}:{value}\r\n").as_bytes());
        }
        if let Some(chain) = self.chain.as_mut().filter(|_| !trailers.is_empty()) {
            let string = chain.trailer_string(trailers);
            let line = format!("{TRAILER_SIGNATURE}:{}\r\n", chain.advance(&string));
            out.extend_from_slice(line.as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }

    fn push_header(&mut self, out: &mut Vec<u8>, payload: &[u8]) {
        let header = match &mut self.chain {
            None => format!("{:x}\r\n", payload.len()),
            Some(chain) => {
                let string = chain.chunk_string(&sha256_hex(payload));
                format!("{:x};chunk-signature={}\r\n", payload.len(), chain.advance(&string))
            }
        };
        out.extend_from_slice(header.as_bytes());
    }
}
