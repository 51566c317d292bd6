//! A segment: a file of fixed length, zero-filled and synced before any frame goes in, so
//! that a commit changes no metadata and meets no full disk. Frames of one segment lie at the
//! same offsets in every zone.
//!
//! Header, 4096 bytes, so that no frame shares a sector with it:
//! `magic u32, version u32, journal id [16], zone u32, zero u32, index u64, bytes u64,
//! epoch u64, crc64 u64`, then zeros.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use crate::JournalId;
use crate::disk::{Disk, DiskFile, SyncReason};
use crate::frame::{crc, u32_at, u64_at};

pub(crate) const HEADER_BYTES: u64 = 4096;
/// The first segments are small, so that a new journal is ready in milliseconds.
const FIRST_BYTES: u64 = 256 * 1024;

/// A segment that is being copied into has this name until it is whole.
pub(crate) const TEMPORARY: &str = "segment.tmp";

const MAGIC: u32 = u32::from_le_bytes(*b"HJS1");
const VERSION: u32 = 1;
const FIELDS_BYTES: usize = 56;
const FILL_BYTES: usize = 256 * 1024;

/// What a segment's header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) id: JournalId,
    pub(crate) zone: usize,
    pub(crate) index: u64,
    pub(crate) bytes: u64,
    /// The epoch that made the file; tells an operator which opening it was.
    pub(crate) epoch: u64,
}

/// A segment's file in one zone.
#[derive(Clone)]
pub(crate) struct SegmentFile {
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) bytes: u64,
}

pub(crate) fn name(index: u64) -> String {
    format!("segment-{index:016x}")
}

pub(crate) fn index_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("segment-")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

/// The length of segment `index`, which must hold `frames` bytes at least.
pub(crate) fn planned_bytes(index: u64, frames: u64, segment_bytes: u64) -> u64 {
    let grown = FIRST_BYTES << index.min(16);
    grown.min(segment_bytes).max((HEADER_BYTES + frames).next_multiple_of(HEADER_BYTES))
}

impl Label {
    pub(crate) fn encode(&self) -> Vec<u8> {
        let zone = u32::try_from(self.zone).expect("at most 32 zones");
        let mut head = Vec::with_capacity(64);
        head.extend_from_slice(&MAGIC.to_le_bytes());
        head.extend_from_slice(&VERSION.to_le_bytes());
        head.extend_from_slice(&self.id.0);
        head.extend_from_slice(&zone.to_le_bytes());
        head.extend_from_slice(&0u32.to_le_bytes());
        head.extend_from_slice(&self.index.to_le_bytes());
        head.extend_from_slice(&self.bytes.to_le_bytes());
        head.extend_from_slice(&self.epoch.to_le_bytes());
        debug_assert_eq!(head.len(), FIELDS_BYTES);
        let sum = crc(&head);
        head.extend_from_slice(&sum.to_le_bytes());
        head
    }

    fn decode(head: &[u8]) -> Option<Label> {
        let valid = head.len() >= FIELDS_BYTES + 8
            && u32_at(head, 0) == MAGIC
            && u32_at(head, 4) == VERSION
            && crc(&head[..FIELDS_BYTES]) == u64_at(head, FIELDS_BYTES);
        valid.then(|| Label {
            id: JournalId(head[8..24].try_into().expect("sixteen bytes")),
            zone: u32_at(head, 24).try_into().expect("32 bits fit"),
            index: u64_at(head, 32),
            bytes: u64_at(head, 40),
            epoch: u64_at(head, 48),
        })
    }
}

/// Makes and fills the file; when this returns, it is durable under its name.
pub(crate) fn create(disk: &dyn Disk, label: Label) -> io::Result<SegmentFile> {
    let name = name(label.index);
    let made = make(disk, &name, label);
    if made.is_err() {
        // Give the space back: on a full disk the next try needs it. Recovery removes what stays.
        let _ = disk.remove(&name);
    }
    made
}

fn make(disk: &dyn Disk, name: &str, label: Label) -> io::Result<SegmentFile> {
    let file = disk.create(name)?;
    fill(file.as_ref(), label, 0..0)?;
    file.sync_data(SyncReason::SegmentFill)?;
    disk.sync_dir(SyncReason::SegmentDir)?;
    Ok(SegmentFile { file, bytes: label.bytes })
}

/// Writes a segment's zeros, but for those in `frames`, and its header; unsynced.
pub(crate) fn fill(file: &dyn DiskFile, label: Label, frames: Range<u64>) -> io::Result<()> {
    let zeros = vec![0; FILL_BYTES];
    for mut gap in [0..frames.start, frames.end..label.bytes] {
        while !gap.is_empty() {
            let chunk = usize::try_from((gap.end - gap.start).min(FILL_BYTES as u64))
                .expect("at most FILL_BYTES");
            file.write_at(&zeros[..chunk], gap.start)?;
            gap.start += chunk as u64;
        }
    }
    file.write_at(&label.encode(), 0)
}

/// Opens segment `index` of `zone`. `Ok(None)`: the file is none of ours, cut short or rotten.
pub(crate) fn open(
    disk: &dyn Disk,
    id: JournalId,
    zone: usize,
    index: u64,
) -> io::Result<Option<SegmentFile>> {
    let file = disk.open(&name(index))?;
    check(file, id, zone, index)
}

pub(crate) fn check(
    file: Arc<dyn DiskFile>,
    id: JournalId,
    zone: usize,
    index: u64,
) -> io::Result<Option<SegmentFile>> {
    let mut head = [0; FIELDS_BYTES + 8];
    let read = file.read_at(&mut head, 0)?;
    let Some(label) = Label::decode(&head[..read]) else { return Ok(None) };
    let ours = label.id == id && label.zone == zone && label.index == index;
    let whole = file.bytes()? >= label.bytes;
    Ok((ours && whole).then_some(SegmentFile { file, bytes: label.bytes }))
}
