//! A change as the journal keeps it. The journal has checked every byte, so what cannot be read
//! was written by a newer haneul or by a fault of ours.
//!
//! ```text
//! format u8, number u64, stamp u64
//! rows u32, of each: op u8, key (u16 length, bytes), then as op says
//!   0 removed
//!   1 set by this change: value (u32 length, bytes)
//!   2 set by an earlier one and moved here: its stamp u64, value
//! blobs u32, of each: op u8, id u64, then as op says
//!   0 dropped
//!   1 attached, its bytes here: sealed u8, bytes (u32 length, bytes)
//!   2 attached, its bytes in an extent: location (u8 length, bytes: `extents/location.rs`)
//! ```
//! Numbers are little-endian. Rows come first, so that they lie together before large bytes.

use bytes::Bytes;

use crate::blob::Held;
use crate::change::Decided;
use crate::extents::{Hold, Location};
use crate::{BlobId, Row};

pub(crate) const FORMAT: u8 = 1;

const ROW_REMOVED: u8 = 0;
const ROW_SET: u8 = 1;
const ROW_MOVED: u8 = 2;

const BLOB_DROPPED: u8 = 0;
const BLOB_INLINE: u8 = 1;
const BLOB_IN_EXTENT: u8 = 2;

/// A change and its place in the order of all changes. One whose number does not follow the last
/// one's was decided after one that did not happen: it did not happen either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) number: u64,
    pub(crate) stamp: u64,
    pub(crate) effect: Effect,
}

/// Reads a frame for nothing but to see that it can be refused: for fuzzing.
///
/// # Errors
/// For what is no frame.
pub fn check(payload: &Bytes) -> Result<(), FrameError> {
    decode(payload).map(drop)
}

/// What a change does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Effect {
    /// `None`: removed.
    pub(crate) rows: Vec<(Vec<u8>, Option<Row>)>,
    /// `None`: dropped.
    pub(crate) blobs: Vec<(BlobId, Option<Stored>)>,
}

/// Where a blob's bytes are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    /// In the frame that attaches it, from this byte of the payload on.
    Inline {
        offset: u32,
        bytes: u32,
        sealed: bool,
    },
    Extent(Location),
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    #[error(
        "the log of the objects has format {0} and this haneul reads up to {FORMAT}: it was \
         written by a newer haneul; start that one"
    )]
    Newer(u8),
    #[error("a change in the log of the objects cannot be read")]
    Damaged,
}

/// A change ready for the journal.
pub(crate) struct Encoded {
    pub(crate) payload: Bytes,
    /// What it does, as decoding the payload would say it.
    pub(crate) effect: Effect,
    /// To be kept until readers see what it does.
    pub(crate) holds: Vec<Hold>,
}

pub(crate) fn encode(number: u64, stamp: u64, decided: Decided) -> Encoded {
    let bytes = decided.bytes() + FIXED_BYTES + decided.rows.len() * ROW_BYTES;
    let Decided { rows, attached, dropped } = decided;
    let mut out = Vec::with_capacity(bytes + (attached.len() + dropped.len()) * BLOB_BYTES);
    out.push(FORMAT);
    put_u64(&mut out, number);
    put_u64(&mut out, stamp);
    put_len(&mut out, rows.len());
    for (key, row) in &rows {
        put_row(&mut out, stamp, key, row.as_ref());
    }
    put_len(&mut out, attached.len() + dropped.len());
    let mut blobs = Vec::with_capacity(attached.len() + dropped.len());
    let mut holds = Vec::new();
    for blob in attached {
        let (stored, hold) = put_blob(&mut out, blob.id, blob.held);
        blobs.push((blob.id, Some(stored)));
        holds.extend(hold);
    }
    for id in dropped {
        out.push(BLOB_DROPPED);
        put_u64(&mut out, id.0);
        blobs.push((id, None));
    }
    let effect = Effect { rows: rows.into_iter().collect(), blobs };
    Encoded { payload: out.into(), effect, holds }
}

/// Of each part, without bytes of a user's; a blob's location is at most 32.
const FIXED_BYTES: usize = 1 + 8 + 8 + 4 + 4;
const ROW_BYTES: usize = 1 + 2 + 8 + 4;
const BLOB_BYTES: usize = 1 + 8 + 1 + 32;

fn put_blob(out: &mut Vec<u8>, id: BlobId, held: Held) -> (Stored, Option<Hold>) {
    match held {
        Held::Inline { bytes, sealed } => {
            out.push(BLOB_INLINE);
            put_u64(out, id.0);
            out.push(u8::from(sealed));
            put_len(out, bytes.len());
            let stored =
                Stored::Inline { offset: len32(out.len()), bytes: len32(bytes.len()), sealed };
            out.extend_from_slice(&bytes);
            (stored, None)
        }
        Held::Extent(written) => {
            put_location(out, id, &written.location);
            (Stored::Extent(written.location), Some(written.hold))
        }
        Held::Moved(location) => {
            put_location(out, id, &location);
            (Stored::Extent(location), None)
        }
    }
}

fn put_location(out: &mut Vec<u8>, id: BlobId, location: &Location) {
    out.push(BLOB_IN_EXTENT);
    put_u64(out, id.0);
    let location = location.encode();
    out.push(u8::try_from(location.len()).expect("a location is a dozen bytes"));
    out.extend_from_slice(&location);
}

fn put_row(out: &mut Vec<u8>, stamp: u64, key: &[u8], row: Option<&Row>) {
    out.push(match row {
        None => ROW_REMOVED,
        Some(row) if row.stamp == stamp => ROW_SET,
        Some(_) => ROW_MOVED,
    });
    let bytes = u16::try_from(key.len()).expect("a key is at most KEY_BYTES_MAX long");
    out.extend_from_slice(&bytes.to_le_bytes());
    out.extend_from_slice(key);
    let Some(row) = row else { return };
    if row.stamp != stamp {
        put_u64(out, row.stamp);
    }
    put_len(out, row.value.len());
    out.extend_from_slice(&row.value);
}

fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    out.extend_from_slice(&len32(len).to_le_bytes());
}

fn len32(len: usize) -> u32 {
    u32::try_from(len).expect("a change is at most CHANGE_BYTES_MAX long")
}

/// Reads a payload. Never panics, whatever it holds.
pub(crate) fn decode(payload: &Bytes) -> Result<Frame, FrameError> {
    let mut reader = Reader { payload, at: 0 };
    match reader.u8() {
        Some(FORMAT) => {}
        Some(newer) if newer > FORMAT => return Err(FrameError::Newer(newer)),
        _ => return Err(FrameError::Damaged),
    }
    let frame = reader.frame().ok_or(FrameError::Damaged)?;
    if reader.at == payload.len() { Ok(frame) } else { Err(FrameError::Damaged) }
}

struct Reader<'a> {
    payload: &'a Bytes,
    at: usize,
}

impl Reader<'_> {
    fn frame(&mut self) -> Option<Frame> {
        let (number, stamp) = (self.u64()?, self.u64()?);
        let mut effect = Effect::default();
        for _ in 0..self.u32()? {
            effect.rows.push(self.row(stamp)?);
        }
        for _ in 0..self.u32()? {
            effect.blobs.push(self.blob()?);
        }
        Some(Frame { number, stamp, effect })
    }

    fn row(&mut self, stamp: u64) -> Option<(Vec<u8>, Option<Row>)> {
        let op = self.u8()?;
        let bytes = self.u16()?;
        let key = self.take(usize::from(bytes))?.to_vec();
        let stamp = match op {
            ROW_REMOVED => return Some((key, None)),
            ROW_SET => stamp,
            ROW_MOVED => self.u64()?,
            _ => return None,
        };
        let bytes = self.u32()?;
        // Copied: it would keep the whole payload in memory.
        let value = Bytes::copy_from_slice(self.take(usize::try_from(bytes).ok()?)?);
        Some((key, Some(Row { value, stamp })))
    }

    fn blob(&mut self) -> Option<(BlobId, Option<Stored>)> {
        let op = self.u8()?;
        let id = BlobId(self.u64()?);
        match op {
            BLOB_DROPPED => Some((id, None)),
            BLOB_INLINE => {
                let sealed = self.flag()?;
                let bytes = self.u32()?;
                let offset = u32::try_from(self.at).ok()?;
                self.take(usize::try_from(bytes).ok()?)?;
                Some((id, Some(Stored::Inline { offset, bytes, sealed })))
            }
            BLOB_IN_EXTENT => {
                let bytes = self.u8()?;
                let location = Location::decode(self.take(usize::from(bytes))?)?;
                Some((id, Some(Stored::Extent(location))))
            }
            _ => None,
        }
    }

    fn take(&mut self, bytes: usize) -> Option<&[u8]> {
        let end = self.at.checked_add(bytes)?;
        let taken = self.payload.get(self.at..end)?;
        self.at = end;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    fn flag(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }

    fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::NewBlob;

    fn row(value: &'static str, stamp: u64) -> Option<Row> {
        Some(Row { value: Bytes::from_static(value.as_bytes()), stamp })
    }

    fn decided() -> Decided {
        let rows = [("a", None), ("b", row("set", 9)), ("c", row("moved", 4))];
        let rows = rows.into_iter().map(|(key, row)| (key.as_bytes().to_vec(), row));
        let held = Held::Inline { bytes: Bytes::from_static(b"bytes"), sealed: true };
        let attached = vec![NewBlob { id: BlobId(5), held }];
        Decided { rows: BTreeMap::from_iter(rows), attached, dropped: vec![BlobId(3)] }
    }

    /// What is in a log must be readable for ever.
    const GOLDEN: &[u8] = b"\x01\
        \x07\0\0\0\0\0\0\0\
        \x09\0\0\0\0\0\0\0\
        \x03\0\0\0\
        \x00\x01\0a\
        \x01\x01\0b\x03\0\0\0set\
        \x02\x01\0c\x04\0\0\0\0\0\0\0\x05\0\0\0moved\
        \x02\0\0\0\
        \x01\x05\0\0\0\0\0\0\0\x01\x05\0\0\0bytes\
        \x00\x03\0\0\0\0\0\0\0";

    #[test]
    fn a_frame_has_its_bytes_and_comes_back() {
        let Encoded { payload, effect, holds } = encode(7, 9, decided());
        assert_eq!(&payload[..], GOLDEN);
        assert!(holds.is_empty());
        assert_eq!(decode(&payload), Ok(Frame { number: 7, stamp: 9, effect: effect.clone() }));
        let at = u32::try_from(GOLDEN.len() - 9 - 5).expect("small");
        let stored = Stored::Inline { offset: at, bytes: 5, sealed: true };
        assert_eq!(effect.blobs, [(BlobId(5), Some(stored)), (BlobId(3), None)]);
    }

    #[test]
    fn a_blob_in_an_extent_is_a_location() {
        let location = b"\x01\x04\x07\x08\x80\x80\x08";
        let payload =
            [b"\x01".as_slice(), &[0; 16 + 4], b"\x01\0\0\0\x02\x05\0\0\0\0\0\0\0\x07", location];
        let frame = decode(&payload.concat().into()).expect("a frame");
        let location = Location::decode(location).expect("a location");
        assert_eq!((location.extent(), location.bytes()), (7, 128 << 10));
        assert_eq!(frame.effect.blobs, [(BlobId(5), Some(Stored::Extent(location)))]);
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let check = |bytes: &[u8], expected| {
            assert_eq!(decode(&Bytes::copy_from_slice(bytes)), Err(expected), "{bytes:?}");
        };
        for cut in 0..GOLDEN.len() {
            check(&GOLDEN[..cut], FrameError::Damaged);
        }
        check(&[GOLDEN, b"\0"].concat(), FrameError::Damaged);
        check(b"\x02", FrameError::Newer(2));
        let mut many = GOLDEN[..17].to_vec();
        many.extend_from_slice(&[0xff; 4]);
        check(&many, FrameError::Damaged);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut seed = 1;
        for _ in 0..20_000 {
            let mut bytes = GOLDEN.to_vec();
            for _ in 0..journal::sim::draw(&mut seed) % 4 + 1 {
                let at = journal::sim::draw(&mut seed) % bytes.len() as u64;
                bytes[usize::try_from(at).expect("small")] =
                    journal::sim::draw(&mut seed).to_le_bytes()[0];
            }
            let _ = decode(&bytes.into());
        }
    }
}
