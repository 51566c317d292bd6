//! One frame of the log: a 64-byte header, the payload, zeros up to eight bytes.
//!
//! ```text
//!  0 magic u32        4 payload bytes u32   8 epoch u64        16 sequence u64
//! 24 previous u64    32 committed u64      40 payload crc u64  48 kind u32  52 zero u32
//! 56 header crc u64: crc64 over the journal's id and bytes 0..56
//! ```
//! All numbers little-endian. The header's crc covers the payload's crc and the previous
//! frame's header crc, so it stands for the whole log up to here: the chain. The journal's id
//! and a nonce in each epoch's first frame salt it, so that a payload cannot pose as a frame.

use bytes::Bytes;
use crc_fast::{CrcAlgorithm, Digest};

use crate::{JournalId, Options, Place, Sequence};

pub const HEADER_BYTES: usize = 64;
/// No frame's payload is longer, whatever the options say.
pub const PAYLOAD_BYTES_LIMIT: usize = 1 << 30;

const MAGIC: u32 = u32::from_le_bytes(*b"HJF1");
const ALIGN: usize = 8;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A payload somebody submitted.
    Data,
    /// Who is a member from here on; the journal's own.
    Members,
}

/// A frame's header, checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    pub payload_bytes: usize,
    pub epoch: u64,
    pub sequence: u64,
    /// The header crc of the frame before.
    pub previous: u64,
    /// The last sequence known to be acknowledged, or free to be, when this was written.
    pub committed: u64,
    pub payload_crc: u64,
    pub kind: Kind,
    /// This header's crc: the next frame's `previous`.
    pub hash: u64,
}

impl Header {
    /// Bytes of the whole frame on disk.
    pub fn frame_bytes(&self) -> usize {
        frame_bytes(self.payload_bytes)
    }
}

pub fn frame_bytes(payload_bytes: usize) -> usize {
    HEADER_BYTES + payload_bytes.next_multiple_of(ALIGN)
}

pub(crate) fn crc(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

fn header_crc(id: JournalId, head: &[u8]) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&id.0);
    digest.update(head);
    digest.finalize()
}

pub(crate) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

pub(crate) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// What a frame says besides its payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) epoch: u64,
    pub(crate) sequence: u64,
    pub(crate) previous: u64,
    pub(crate) committed: u64,
    pub(crate) kind: Kind,
}

/// Appends the frame to `out`; answers its hash. The payload's length is checked by the caller.
pub(crate) fn encode(id: JournalId, link: Link, payload: &[u8], out: &mut Vec<u8>) -> u64 {
    let start = out.len();
    let bytes = u32::try_from(payload.len()).expect("a payload is at most PAYLOAD_BYTES_LIMIT");
    out.reserve(frame_bytes(payload.len()));
    out.extend_from_slice(&MAGIC.to_le_bytes());
    out.extend_from_slice(&bytes.to_le_bytes());
    out.extend_from_slice(&link.epoch.to_le_bytes());
    out.extend_from_slice(&link.sequence.to_le_bytes());
    out.extend_from_slice(&link.previous.to_le_bytes());
    out.extend_from_slice(&link.committed.to_le_bytes());
    out.extend_from_slice(&crc(payload).to_le_bytes());
    let kind: u32 = match link.kind {
        Kind::Data => 1,
        Kind::Members => 2,
    };
    out.extend_from_slice(&kind.to_le_bytes());
    out.extend_from_slice(&0u32.to_le_bytes());
    let hash = header_crc(id, &out[start..]);
    out.extend_from_slice(&hash.to_le_bytes());
    out.extend_from_slice(payload);
    let padding = start + frame_bytes(payload.len()) - out.len();
    out.extend_from_slice(&[0; ALIGN][..padding]);
    hash
}

/// Reads a header from the first 64 bytes of `bytes`; `None` when it is not one of this
/// journal's. The payload is not looked at.
pub fn decode_header(id: JournalId, bytes: &[u8]) -> Option<Header> {
    let head = bytes.get(..HEADER_BYTES)?;
    if u32_at(head, 0) != MAGIC || header_crc(id, &head[..56]) != u64_at(head, 56) {
        return None;
    }
    let payload_bytes = usize::try_from(u32_at(head, 4)).ok()?;
    if payload_bytes > PAYLOAD_BYTES_LIMIT {
        return None;
    }
    let kind = match u32_at(head, 48) {
        1 => Kind::Data,
        2 => Kind::Members,
        _ => return None,
    };
    Some(Header {
        payload_bytes,
        epoch: u64_at(head, 8),
        sequence: u64_at(head, 16),
        previous: u64_at(head, 24),
        committed: u64_at(head, 32),
        payload_crc: u64_at(head, 40),
        kind,
        hash: u64_at(head, 56),
    })
}

/// The zones of one membership, a bit each, and the nonce that salts the chain from here on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Members(pub u32);

impl Members {
    pub const NONE: Members = Members(0);
    pub const PAYLOAD_BYTES: usize = 24;

    pub fn contains(self, zone: usize) -> bool {
        zone < 32 && self.0 & (1 << zone) != 0
    }
    pub fn with(self, zone: usize) -> Members {
        Members(self.0 | (1 << zone))
    }
    pub fn without(self, zone: usize) -> Members {
        Members(self.0 & !(1 << zone))
    }
    pub fn count(self) -> usize {
        usize::try_from(self.0.count_ones()).expect("at most 32")
    }
    pub fn zones(self) -> impl Iterator<Item = usize> {
        (0..32).filter(move |zone| self.contains(*zone))
    }
    pub fn meets(self, other: Members) -> bool {
        self.0 & other.0 != 0
    }
    pub fn includes(self, other: Members) -> bool {
        self.0 & other.0 == other.0
    }

    pub(crate) fn encode(self, options: &Options) -> [u8; Members::PAYLOAD_BYTES] {
        let mut payload = [0; Members::PAYLOAD_BYTES];
        payload[..4].copy_from_slice(&self.0.to_le_bytes());
        payload[8..].copy_from_slice(&options.nonce);
        payload
    }

    pub fn decode(payload: &[u8]) -> Option<Members> {
        (payload.len() == Members::PAYLOAD_BYTES).then(|| Members(u32_at(payload, 0)))
    }
}

/// Why [`read_frames`] stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// All bytes were frames.
    End,
    /// The bytes from this offset on are no frame that follows the one before.
    Invalid { offset: usize },
}

/// Reads frames that follow each other from the start of `bytes`, whatever they hold: the
/// entry for a fuzz target. Uses no memory beyond the answer, whose payloads share `bytes`.
pub fn read_frames(id: JournalId, bytes: &Bytes) -> (Vec<(Header, Bytes)>, Stop) {
    let mut frames: Vec<(Header, Bytes)> = Vec::new();
    let mut offset = 0;
    while offset < bytes.len() {
        let stop = (frames, Stop::Invalid { offset });
        let Some(header) = decode_header(id, &bytes[offset..]) else { return stop };
        let follows = stop.0.last().is_none_or(|(before, _)| {
            header.previous == before.hash
                && Some(header.sequence) == before.sequence.checked_add(1)
        });
        let start = offset + HEADER_BYTES;
        let Some(payload) = bytes.get(start..start + header.payload_bytes) else { return stop };
        let whole = offset + header.frame_bytes() <= bytes.len();
        if !follows || !whole || crc(payload) != header.payload_crc {
            return stop;
        }
        frames = stop.0;
        frames.push((header, bytes.slice_ref(payload)));
        offset += header.frame_bytes();
    }
    (frames, Stop::End)
}

/// A place in the log between two frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) segment: u64,
    pub(crate) offset: u64,
    /// The sequence of the frame that comes here.
    pub(crate) sequence: u64,
    /// The hash of the frame before.
    pub(crate) previous: u64,
    /// The epoch of the frame before.
    pub(crate) epoch: u64,
}

impl Cursor {
    /// The place of the first frame of all.
    pub(crate) fn genesis(id: JournalId) -> Cursor {
        let offset = crate::segment::HEADER_BYTES;
        Cursor { segment: 0, offset, sequence: 1, previous: crc(&id.0), epoch: 0 }
    }

    pub(crate) fn past(self, header: &Header) -> Cursor {
        Cursor {
            segment: self.segment,
            offset: self.offset + header.frame_bytes() as u64,
            sequence: self.sequence + 1,
            previous: header.hash,
            epoch: header.epoch,
        }
    }

    pub(crate) fn place(self) -> Place {
        Place { segment: self.segment, offset: self.offset }
    }

    /// The last frame before this place.
    pub(crate) fn last(self) -> Sequence {
        Sequence(self.sequence - 1)
    }

    pub(crate) fn admits(self, header: &Header) -> bool {
        header.sequence == self.sequence
            && header.previous == self.previous
            && header.epoch >= self.epoch
    }
}
