//! Reading `aws-chunked` bodies, piece by piece as they arrive.

use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use http::HeaderMap;

use super::{Chain, TRAILER_SIGNATURE};
use crate::sigv4::encoding::{constant_time_equal, hex};
use crate::sigv4::error::Mismatch;
use crate::sigv4::key::SigningKey;
use crate::sigv4::payload::PayloadHash;
use crate::sigv4::presented::Presented;

/// The longest line before a chunk: 16 hex digits, the name and the signature need 99 bytes.
const CHUNK_HEADER_BYTES_MAX: usize = 128;

/// AWS's: only the last chunk may be smaller.
const CHUNK_BYTES_MIN: u64 = 8 * 1024;

/// All lines of a trailer together: some checksums and one signature.
const TRAILER_BYTES_MAX: usize = 16 * 1024;

/// What is wrong with an `aws-chunked` body. [`ChunkError::to_error`] says it as S3 does.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    #[error("x-amz-decoded-content-length is missing")]
    MissingDecodedLength,
    #[error("x-amz-decoded-content-length is not a number")]
    MalformedDecodedLength,
    #[error("the body is malformed: {0}")]
    Malformed(&'static str),
    #[error("chunk {number} of {size} bytes is followed by another")]
    ChunkTooSmall { number: u64, size: u64 },
    #[error("the signature of a chunk or of the trailer is another")]
    Mismatch(Box<Mismatch>),
    #[error("the payload is not as long as x-amz-decoded-content-length says")]
    LengthMismatch,
    #[error("the body ended before its last chunk")]
    Truncated,
    #[error("the trailer is malformed, or not the one announced")]
    MalformedTrailer,
}

/// The payload's length, which every `aws-chunked` request must announce.
///
/// # Errors
/// When `x-amz-decoded-content-length` is missing or not a number.
pub fn decoded_length(headers: &HeaderMap) -> Result<u64, ChunkError> {
    let value =
        headers.get("x-amz-decoded-content-length").ok_or(ChunkError::MissingDecodedLength)?;
    let digits = value.to_str().ok().filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    digits.and_then(|text| text.parse().ok()).ok_or(ChunkError::MalformedDecodedLength)
}

/// Takes an `aws-chunked` body in pieces of any size and gives its payload out at once, also
/// that of a signed chunk, whose signature is verified when its last byte has come: whoever takes
/// the payload must not use it before [`Self::finish`].
///
/// ```text
/// Header --size > 0--> Payload --all there--> PayloadEnd --CRLF--> Header
///    \------size 0--> Trailer --empty line--> End
/// ```
///
/// Memory: one line. After an error it takes nothing more.
pub struct ChunkDecoder {
    chain: Option<Chain>,
    access_key_id: String,
    /// Trailer names that `x-amz-trailer` announced, in lower case; `None` for a stream
    /// without a trailer.
    announced: Option<Vec<String>>,
    /// Payload bytes still to come.
    remaining: u64,
    state: State,
    /// The begun line of a header or trailer.
    line: Vec<u8>,
    /// Of the signed chunk so far, and the signature it should have.
    chunk_hash: Context,
    chunk_signature: String,
    chunk_number: u64,
    /// Of the chunk before, if it was too small to have a successor.
    small: Option<u64>,
    trailers: Vec<(String, String)>,
    trailer_bytes: usize,
    trailer_signature: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Header,
    Payload { left: u64 },
    PayloadEnd,
    Trailer,
    End,
    Failed,
}

impl ChunkDecoder {
    /// For a request whose signature was verified with `key` and whose
    /// [`Presented::payload`] is streaming.
    ///
    /// # Errors
    /// When the headers do not announce the payload's length, or the payload is not streaming.
    pub fn new(
        presented: &Presented,
        key: &SigningKey,
        headers: &HeaderMap,
    ) -> Result<Self, ChunkError> {
        let chain = || Chain::new(key, presented.at, &presented.scope, &presented.signature);
        let (chain, announced) = match presented.payload {
            PayloadHash::Streaming => (Some(chain()), None),
            PayloadHash::StreamingTrailer => (Some(chain()), Some(announced(headers))),
            PayloadHash::StreamingUnsignedTrailer => (None, Some(announced(headers))),
            PayloadHash::OfBody | PayloadHash::Sha256(_) | PayloadHash::Unsigned => {
                return Err(ChunkError::Malformed("the signature announces no chunks"));
            }
        };
        Ok(Self {
            access_key_id: presented.access_key_id.clone(),
            ..Self::of(chain, announced, headers)?
        })
    }

    /// For a request whose signature says nothing of its chunks, or that has none: presigned
    /// and anonymous uploads of clients that send `aws-chunked` nonetheless.
    ///
    /// # Errors
    /// When the headers do not announce the payload's length.
    pub fn unsigned(headers: &HeaderMap) -> Result<Self, ChunkError> {
        Self::of(None, Some(announced(headers)), headers)
    }

    fn of(
        chain: Option<Chain>,
        announced: Option<Vec<String>>,
        headers: &HeaderMap,
    ) -> Result<Self, ChunkError> {
        Ok(Self {
            chain,
            access_key_id: String::new(),
            announced,
            remaining: decoded_length(headers)?,
            state: State::Header,
            line: Vec::new(),
            chunk_hash: Context::new(&SHA256),
            chunk_signature: String::new(),
            chunk_number: 0,
            small: None,
            trailers: Vec::new(),
            trailer_bytes: 0,
            trailer_signature: None,
        })
    }

    /// The trailers that will come, in lower case.
    pub fn announced(&self) -> &[String] {
        self.announced.as_deref().unwrap_or_default()
    }

    /// Takes from the front of `input` and gives the next piece of payload; `None` when all
    /// input is taken. To be called until it says so.
    ///
    /// # Errors
    /// Any [`ChunkError`]. What came out before may not be what was signed.
    pub fn decode(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        let result = self.step(input);
        if result.is_err() {
            self.state = State::Failed;
        }
        result
    }

    /// Ends the stream: gives the trailer's names (in lower case) and values.
    ///
    /// # Errors
    /// [`ChunkError::Truncated`] when the body's end has not come.
    pub fn finish(self) -> Result<Vec<(String, String)>, ChunkError> {
        if self.state == State::End { Ok(self.trailers) } else { Err(ChunkError::Truncated) }
    }

    fn step(&mut self, input: &mut Bytes) -> Result<Option<Bytes>, ChunkError> {
        while !input.is_empty() {
            match self.state {
                State::Header => {
                    if self.take_line(input, CHUNK_HEADER_BYTES_MAX)? {
                        self.read_header()?;
                    }
                }
                State::Payload { left } => {
                    return self.take_payload(input, left).map(Some);
                }
                State::PayloadEnd => {
                    if self.take_line(input, 2)? {
                        self.line.clear();
                        self.state = State::Header;
                    }
                }
                State::Trailer => {
                    let room = TRAILER_BYTES_MAX - self.trailer_bytes;
                    if self.take_line(input, room)? {
                        self.read_trailer_line()?;
                    }
                }
                State::End => return Err(ChunkError::Malformed("more bytes after its end")),
                State::Failed => return Err(ChunkError::Malformed("it was refused before")),
            }
        }
        Ok(None)
    }

    /// Whether `self.line` now holds a whole line, without its CRLF.
    fn take_line(&mut self, input: &mut Bytes, bytes_max: usize) -> Result<bool, ChunkError> {
        let end = input.iter().position(|&byte| byte == b'\n');
        let taken = input.split_to(end.map_or(input.len(), |at| at + 1));
        if self.line.len() + taken.len() > bytes_max {
            return Err(match self.state {
                State::Trailer => ChunkError::MalformedTrailer,
                _ => ChunkError::Malformed("a line is too long"),
            });
        }
        self.line.extend_from_slice(&taken);
        if end.is_none() {
            return Ok(false);
        }
        if self.state == State::Trailer {
            self.trailer_bytes += self.line.len();
        }
        match self.line.strip_suffix(b"\r\n") {
            Some(line) => self.line.truncate(line.len()),
            None => return Err(ChunkError::Malformed("a line does not end with CRLF")),
        }
        Ok(true)
    }

    /// `SIZE` or `SIZE;chunk-signature=HEX`.
    fn read_header(&mut self) -> Result<(), ChunkError> {
        let line = std::mem::take(&mut self.line);
        let line = std::str::from_utf8(&line)
            .map_err(|_| ChunkError::Malformed("a chunk header is not text"))?;
        let size = match (line.split_once(';'), &self.chain) {
            (None, None) => line,
            (Some((size, extension)), Some(_)) => {
                let signature = extension.strip_prefix("chunk-signature=");
                signature.unwrap_or_default().clone_into(&mut self.chunk_signature);
                size
            }
            _ => return Err(ChunkError::Malformed("a chunk is signed that should not, or not")),
        };
        let size = chunk_size(size)?;
        self.chunk_number += 1;
        if size == 0 {
            return self.end_payload();
        }
        if let Some(size) = self.small {
            return Err(ChunkError::ChunkTooSmall { number: self.chunk_number - 1, size });
        }
        self.remaining = self.remaining.checked_sub(size).ok_or(ChunkError::LengthMismatch)?;
        self.small = (size < CHUNK_BYTES_MIN).then_some(size);
        self.state = State::Payload { left: size };
        Ok(())
    }

    /// `left` is above zero, and so is the input's length.
    fn take_payload(&mut self, input: &mut Bytes, left: u64) -> Result<Bytes, ChunkError> {
        let taken = usize::try_from(left).map_or(input.len(), |left| left.min(input.len()));
        let piece = input.split_to(taken);
        let left = left - taken as u64;
        if self.chain.is_some() {
            self.chunk_hash.update(&piece);
        }
        if left > 0 {
            self.state = State::Payload { left };
        } else {
            self.state = State::PayloadEnd;
            self.verify_chunk()?;
        }
        Ok(piece)
    }

    fn verify_chunk(&mut self) -> Result<(), ChunkError> {
        let Some(chain) = &mut self.chain else { return Ok(()) };
        let hash = std::mem::replace(&mut self.chunk_hash, Context::new(&SHA256)).finish();
        let string = chain.chunk_string(&hex(hash.as_ref()));
        if constant_time_equal(chain.advance(&string), &self.chunk_signature) {
            return Ok(());
        }
        let provided = std::mem::take(&mut self.chunk_signature);
        Err(self.mismatch(string, provided))
    }

    fn mismatch(&self, string_to_sign: String, signature_provided: String) -> ChunkError {
        ChunkError::Mismatch(Box::new(Mismatch {
            access_key_id: self.access_key_id.clone(),
            signature_provided,
            string_to_sign: string_to_sign.into_bytes(),
            canonical_request: None,
        }))
    }

    fn end_payload(&mut self) -> Result<(), ChunkError> {
        self.verify_chunk()?;
        if self.remaining > 0 {
            return Err(ChunkError::LengthMismatch);
        }
        self.state = State::Trailer;
        Ok(())
    }

    fn read_trailer_line(&mut self) -> Result<(), ChunkError> {
        let line = std::mem::take(&mut self.line);
        if line.is_empty() {
            return self.end_trailer();
        }
        let line = std::str::from_utf8(&line).map_err(|_| ChunkError::MalformedTrailer)?;
        let (name, value) = line.split_once(':').ok_or(ChunkError::MalformedTrailer)?;
        let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().to_owned());
        let known = self.announced.as_ref().is_some_and(|names| names.contains(&name));
        let repeated = self.trailers.iter().any(|(earlier, _)| *earlier == name);
        // The signature covers all before it, so nothing may follow it.
        if self.trailer_signature.is_some() {
            return Err(ChunkError::MalformedTrailer);
        }
        if name == TRAILER_SIGNATURE && self.chain.is_some() && self.announced.is_some() {
            self.trailer_signature = Some(value);
        } else if known && !repeated {
            self.trailers.push((name, value));
        } else {
            return Err(ChunkError::MalformedTrailer);
        }
        Ok(())
    }

    fn end_trailer(&mut self) -> Result<(), ChunkError> {
        let announced = self.announced.as_ref().map_or(0, Vec::len);
        if self.trailers.len() != announced {
            return Err(ChunkError::MalformedTrailer);
        }
        let signed = announced > 0 || self.trailer_signature.is_some();
        if let Some(chain) = self.chain.as_mut().filter(|_| signed) {
            let provided = self.trailer_signature.take().ok_or(ChunkError::MalformedTrailer)?;
            let string = chain.trailer_string(&self.trailers);
            if !constant_time_equal(chain.advance(&string), &provided) {
                return Err(self.mismatch(string, provided));
            }
        }
        self.state = State::End;
        Ok(())
    }
}

/// The names in `x-amz-trailer`, each once, in lower case.
fn announced(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all("x-amz-trailer").iter().filter_map(|value| value.to_str().ok());
    let names = values.flat_map(|value| value.split(',')).map(|name| name.trim());
    let mut names: Vec<_> =
        names.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn chunk_size(text: &str) -> Result<u64, ChunkError> {
    let fault = ChunkError::Malformed("a chunk's size is not a number");
    if text.is_empty() || text.len() > 16 || !text.bytes().all(|b| b.is_ascii_hexdigit()) {
        return Err(fault);
    }
    u64::from_str_radix(text, 16).map_err(|_| fault)
}
