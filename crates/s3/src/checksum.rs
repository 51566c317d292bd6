//! Checksums of objects: what a client claims of its bytes, what they are, and how those of parts
//! become those of an object.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html>

mod claim;
mod document;
mod members;

use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY, SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crc_fast::CrcAlgorithm;
use md5::Digest;

use crate::row::{Checksum, ChecksumKind};

pub(crate) use claim::Claim;
pub use document::check_document;
pub(crate) use members::{ClaimedBy, Shows};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

impl Algorithm {
    pub const ALL: [Self; 5] =
        [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Of an object whose client asked for none.
    pub const DEFAULT: Self = Self::Crc64Nvme;

    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub fn header(self) -> &'static str {
        match self {
            Self::Crc32 => "x-amz-checksum-crc32",
            Self::Crc32c => "x-amz-checksum-crc32c",
            Self::Crc64Nvme => "x-amz-checksum-crc64nvme",
            Self::Sha1 => "x-amz-checksum-sha1",
            Self::Sha256 => "x-amz-checksum-sha256",
        }
    }

    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name().eq_ignore_ascii_case(name))
    }

    /// Whether the checksum of a whole can be made from those of its parts.
    pub fn is_crc(self) -> bool {
        self.crc().is_some()
    }

    /// The bytes of a value; `None` for what is not base64 of this algorithm's length.
    pub fn decode(self, text: &str) -> Option<Vec<u8>> {
        STANDARD.decode(text).ok().filter(|value| value.len() == self.value_bytes())
    }

    fn value_bytes(self) -> usize {
        match self {
            Self::Crc32 | Self::Crc32c => 4,
            Self::Crc64Nvme => 8,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }

    fn crc_bytes(self, crc: u64) -> Vec<u8> {
        crc.to_be_bytes()[8 - self.value_bytes()..].to_vec()
    }
}

/// A checksum underway.
pub struct Hasher {
    algorithm: Algorithm,
    state: State,
}

#[expect(clippy::large_enum_variant, reason = "few live at a time, each for one body")]
enum State {
    Crc(crc_fast::Digest),
    Sha(Context),
}

impl Hasher {
    pub fn new(algorithm: Algorithm) -> Self {
        let state = match (algorithm.crc(), algorithm) {
            (Some(crc), _) => State::Crc(crc_fast::Digest::new(crc)),
            (None, Algorithm::Sha1) => State::Sha(Context::new(&SHA1_FOR_LEGACY_USE_ONLY)),
            (None, _) => State::Sha(Context::new(&SHA256)),
        };
        Self { algorithm, state }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.state {
            State::Crc(crc) => crc.update(bytes),
            State::Sha(sha) => sha.update(bytes),
        }
    }

    pub fn finish(self) -> Vec<u8> {
        match self.state {
            State::Crc(crc) => self.algorithm.crc_bytes(crc.finalize()),
            State::Sha(sha) => sha.finish().as_ref().to_vec(),
        }
    }
}

/// What is computed of a body as it passes: the MD5 that its ETag is, and one checksum.
pub struct Digests {
    md5: md5::Md5,
    algorithm: Algorithm,
    checksum: Hasher,
}

/// Of a whole body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Digested {
    pub md5: [u8; 16],
    pub algorithm: Algorithm,
    /// The checksum, base64.
    pub value: String,
}

impl Digests {
    pub fn new(algorithm: Algorithm) -> Self {
        Self { md5: md5::Md5::new(), algorithm, checksum: Hasher::new(algorithm) }
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.md5.update(bytes);
        self.checksum.update(bytes);
    }

    pub fn finish(self) -> Digested {
        Digested {
            md5: self.md5.finalize().into(),
            algorithm: self.algorithm,
            value: STANDARD.encode(self.checksum.finish()),
        }
    }
}

impl Digested {
    /// The ETag of an object, or a part, that is these bytes.
    pub fn etag(&self) -> String {
        hex(&self.md5)
    }

    /// The checksum of an object that is these bytes.
    pub fn checksum(&self) -> Checksum {
        Checksum {
            algorithm: self.algorithm.name().into(),
            value: self.value.clone(),
            kind: ChecksumKind::FullObject,
        }
    }
}

/// A part's checksum, base64, and its length, for what is made of several.
#[derive(Clone, Copy, Debug)]
pub struct PartSum<'a> {
    pub value: &'a str,
    pub bytes: u64,
}

/// The checksum of the whole that these parts are in their order; `None` where the algorithm
/// cannot tell, or a value is none of its.
pub fn full_object(algorithm: Algorithm, parts: &[PartSum<'_>]) -> Option<Checksum> {
    let crc = algorithm.crc()?;
    let mut whole = crc_fast::checksum(crc, b"");
    for part in parts {
        let value = algorithm.decode(part.value)?;
        let value = value.iter().fold(0, |crc, byte| crc << 8 | u64::from(*byte));
        whole = crc_fast::checksum_combine(crc, whole, value, part.bytes);
    }
    Some(Checksum {
        algorithm: algorithm.name().into(),
        value: STANDARD.encode(algorithm.crc_bytes(whole)),
        kind: ChecksumKind::FullObject,
    })
}

/// The checksum of the parts' checksums, with their count; `None` when a value is none of the
/// algorithm's.
pub fn composite(algorithm: Algorithm, parts: &[PartSum<'_>]) -> Option<Checksum> {
    let mut hasher = Hasher::new(algorithm);
    for part in parts {
        hasher.update(&algorithm.decode(part.value)?);
    }
    Some(Checksum {
        algorithm: algorithm.name().into(),
        value: format!("{}-{}", STANDARD.encode(hasher.finish()), parts.len()),
        kind: ChecksumKind::Composite,
    })
}

/// The ETag of an object made of these parts: the MD5 of the parts' MD5s (`etags`, hex), and
/// their count. `None` when one is no MD5.
pub fn multipart_etag(etags: &[&str]) -> Option<String> {
    let mut md5 = md5::Md5::new();
    for etag in etags {
        md5.update(unhex(etag)?);
    }
    Some(format!("{}-{}", hex(&md5.finalize()), etags.len()))
}

/// The MD5 of something small, such as a customer's key.
pub fn md5(bytes: &[u8]) -> [u8; 16] {
    md5::Md5::digest(bytes).into()
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

fn unhex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    if text.len() != 32 || !text.is_ascii() {
        return None;
    }
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests;
