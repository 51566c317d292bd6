//! A snapshot: the owner's view of everything up to one sequence, so that the log before it
//! can go; or a checkpoint: the owner has its view elsewhere, and a part of the log before it
//! is kept. One file, `snapshot-SEQUENCE`, the same bytes in every zone.
//!
//! ```text
//! header   magic u32, version u32, journal id [16], place after the sequence: segment,
//!          offset, next sequence, previous hash, epoch (u64 each), members u32,
//!          kept segments u32, crc64
//! kept     56 bytes for each segment of the log before that is kept: its number, its length,
//!          first frame's offset and sequence, the hash and epoch of the frame before, and
//!          where its frames end, in the last one those up to the sequence (u64 each)
//! body     the owner's bytes; a checkpoint's is empty
//! trailer  bytes of kept and body u64, crc64 of both, crc64 over the header's crc and these two
//! ```
//! The version is 1 without kept segments and 2 with them.
//!
//! In a zone this file vouches for what it says is kept: it is written when all of that is
//! synced there, so opening need not read it.

use std::io::{self, Read};
use std::sync::Arc;

use crc_fast::{CrcAlgorithm, Digest};

use crate::JournalId;
use crate::chain::Span;
use crate::disk::{Disk, DiskFile, SyncReason};
use crate::frame::{Cursor, Members, crc, u32_at, u64_at};

pub(crate) const TEMPORARY: &str = "snapshot.tmp";
const MAGIC: u32 = u32::from_le_bytes(*b"HJV1");
const VERSION: u32 = 1;
const VERSION_KEEPING: u32 = 2;
const KEPT_BYTES: usize = 56;
const FIELDS_BYTES: usize = 72;
const HEADER_BYTES: usize = FIELDS_BYTES + 8;
const TRAILER_BYTES: usize = 24;
pub(crate) const CHUNK_BYTES: usize = 128 * 1024;

/// What a snapshot is of, and its body's fingerprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    /// The place after the last frame that the snapshot covers.
    pub(crate) at: Cursor,
    pub(crate) members: Members,
    /// The part of the log before that is kept.
    pub(crate) kept: Arc<[Span]>,
    /// Of the kept segments' table and the owner's bytes.
    body_bytes: u64,
    body_crc: u64,
}

impl Meta {
    /// The first segment that is needed.
    pub(crate) fn first_segment(&self) -> u64 {
        self.kept.first().map_or(self.at.segment, |span| span.index)
    }

    /// Which of two is the newer: the one of the later place, then the one that keeps less.
    pub(crate) fn age(&self) -> (u64, u64) {
        (self.at.sequence, self.first_segment())
    }
}

pub(crate) fn name(meta_at: &Cursor) -> String {
    format!("snapshot-{:016x}", meta_at.last().0)
}

pub(crate) fn sequence_of(name: &str) -> Option<u64> {
    let digits = name.strip_prefix("snapshot-")?;
    (digits.len() == 16).then(|| u64::from_str_radix(digits, 16).ok()).flatten()
}

fn header(id: JournalId, at: &Cursor, members: Members, kept: &[Span]) -> Vec<u8> {
    let version = if kept.is_empty() { VERSION } else { VERSION_KEEPING };
    let count = u32::try_from(kept.len()).expect("fewer segments than 32 bits count");
    let mut head = Vec::with_capacity(HEADER_BYTES);
    head.extend_from_slice(&MAGIC.to_le_bytes());
    head.extend_from_slice(&version.to_le_bytes());
    head.extend_from_slice(&id.0);
    for field in [at.segment, at.offset, at.sequence, at.previous, at.epoch] {
        head.extend_from_slice(&field.to_le_bytes());
    }
    head.extend_from_slice(&members.0.to_le_bytes());
    head.extend_from_slice(&count.to_le_bytes());
    let sum = crc(&head);
    head.extend_from_slice(&sum.to_le_bytes());
    head
}

fn encode_kept(kept: &[Span]) -> Vec<u8> {
    let fields = kept.iter().flat_map(|Span { index, bytes, first, end, .. }| {
        [*index, *bytes, first.offset, first.sequence, first.previous, first.epoch, *end]
    });
    fields.flat_map(u64::to_le_bytes).collect()
}

fn decode_kept(table: &[u8]) -> Arc<[Span]> {
    let spans = table.chunks_exact(KEPT_BYTES).map(|entry| {
        let field = |number: usize| u64_at(entry, number * 8);
        let first = Cursor {
            segment: field(0),
            offset: field(2),
            sequence: field(3),
            previous: field(4),
            epoch: field(5),
        };
        Span { index: field(0), bytes: field(1), first, end: field(6), new: false }
    });
    spans.collect()
}

/// One zone's snapshot being written. Nothing is replaced before [`Writer::finish`].
pub(crate) struct Writer {
    file: Arc<dyn DiskFile>,
    offset: u64,
    digest: Digest,
    header_crc: u64,
    name: String,
}

impl Writer {
    pub(crate) fn begin(
        disk: &dyn Disk,
        id: JournalId,
        at: &Cursor,
        members: Members,
        kept: &[Span],
    ) -> io::Result<Writer> {
        let file = disk.create(TEMPORARY)?;
        let head = header(id, at, members, kept);
        file.write_at(&head, 0)?;
        let mut writer = Writer {
            file,
            offset: head.len() as u64,
            digest: Digest::new(CrcAlgorithm::Crc64Nvme),
            header_crc: u64_at(&head, FIELDS_BYTES),
            name: name(at),
        };
        writer.write(&encode_kept(kept))?;
        Ok(writer)
    }

    pub(crate) fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.file.write_at(chunk, self.offset)?;
        self.digest.update(chunk);
        self.offset += chunk.len() as u64;
        Ok(())
    }

    /// Durable under its name when this returns.
    pub(crate) fn finish(self, disk: &dyn Disk) -> io::Result<()> {
        let mut sums = Vec::with_capacity(TRAILER_BYTES);
        sums.extend_from_slice(&(self.offset - HEADER_BYTES as u64).to_le_bytes());
        sums.extend_from_slice(&self.digest.finalize().to_le_bytes());
        let sum = trailer_crc(self.header_crc, &sums);
        sums.extend_from_slice(&sum.to_le_bytes());
        self.file.write_at(&sums, self.offset)?;
        self.file.sync_data(SyncReason::SnapshotFile)?;
        disk.rename(TEMPORARY, &self.name)?;
        disk.sync_dir(SyncReason::SnapshotDir)
    }
}

/// Fingerprint of a body as it goes by.
pub(crate) struct BodySums {
    kept: Arc<[Span]>,
    bytes: u64,
    digest: Digest,
}

impl BodySums {
    pub(crate) fn of(kept: Arc<[Span]>) -> BodySums {
        let table = encode_kept(&kept);
        let mut sums = BodySums { kept, bytes: 0, digest: Digest::new(CrcAlgorithm::Crc64Nvme) };
        sums.add(&table);
        sums
    }

    pub(crate) fn add(&mut self, chunk: &[u8]) {
        self.bytes += chunk.len() as u64;
        self.digest.update(chunk);
    }

    pub(crate) fn meta(self, at: Cursor, members: Members) -> Meta {
        let (body_bytes, body_crc) = (self.bytes, self.digest.finalize());
        Meta { at, members, kept: self.kept, body_bytes, body_crc }
    }
}

fn trailer_crc(header_crc: u64, sums: &[u8]) -> u64 {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    digest.update(&header_crc.to_le_bytes());
    digest.update(sums);
    digest.finalize()
}

/// Reads and checks the whole file. `Ok(None)`: it is not a whole snapshot of this journal.
pub(crate) fn check(file: &Arc<dyn DiskFile>, id: JournalId) -> io::Result<Option<Meta>> {
    let mut head = [0; HEADER_BYTES];
    if file.read_at(&mut head, 0)? < HEADER_BYTES {
        return Ok(None);
    }
    let kept = u64::from(u32_at(&head, 68));
    let version = if kept == 0 { VERSION } else { VERSION_KEEPING };
    let fields_good = u32_at(&head, 0) == MAGIC
        && u32_at(&head, 4) == version
        && head[8..24] == id.0
        && crc(&head[..FIELDS_BYTES]) == u64_at(&head, FIELDS_BYTES);
    let Some(body_bytes) =
        file.bytes()?.checked_sub((HEADER_BYTES + TRAILER_BYTES) as u64).filter(|_| fields_good)
    else {
        return Ok(None);
    };
    let mut trailer = [0; TRAILER_BYTES];
    if file.read_at(&mut trailer, HEADER_BYTES as u64 + body_bytes)? < TRAILER_BYTES {
        return Ok(None);
    }
    let header_crc = u64_at(&head, FIELDS_BYTES);
    let sums_good = u64_at(&trailer, 0) == body_bytes
        && kept * KEPT_BYTES as u64 <= body_bytes
        && trailer_crc(header_crc, &trailer[..16]) == u64_at(&trailer, 16);
    let body_crc = u64_at(&trailer, 8);
    if !sums_good || body_sum(file, body_bytes)? != Some(body_crc) {
        return Ok(None);
    }
    let at = Cursor {
        segment: u64_at(&head, 24),
        offset: u64_at(&head, 32),
        sequence: u64_at(&head, 40),
        previous: u64_at(&head, 48),
        epoch: u64_at(&head, 56),
    };
    let mut table = vec![0; usize::try_from(kept).expect("32 bits fit") * KEPT_BYTES];
    if file.read_at(&mut table, HEADER_BYTES as u64)? < table.len() {
        return Ok(None);
    }
    let (members, kept) = (Members(u32_at(&head, 64)), decode_kept(&table));
    Ok(Some(Meta { at, members, kept, body_bytes, body_crc }))
}

fn body_sum(file: &Arc<dyn DiskFile>, body_bytes: u64) -> io::Result<Option<u64>> {
    let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
    let mut chunk = vec![0; CHUNK_BYTES];
    let mut done = 0;
    while done < body_bytes {
        let want = usize::try_from((body_bytes - done).min(CHUNK_BYTES as u64))
            .expect("at most CHUNK_BYTES");
        let read = file.read_at(&mut chunk[..want], HEADER_BYTES as u64 + done)?;
        if read == 0 {
            return Ok(None);
        }
        digest.update(&chunk[..read]);
        done += read as u64;
    }
    Ok(Some(digest.finalize()))
}

/// The owner's bytes of a snapshot. Every byte was checked before this was handed out; the
/// checksum is compared again at the end, so a full read without an error is a proof.
pub struct SnapshotBody {
    file: Arc<dyn DiskFile>,
    done: u64,
    meta: Meta,
    digest: Digest,
}

impl SnapshotBody {
    pub(crate) fn new(file: Arc<dyn DiskFile>, meta: Meta) -> SnapshotBody {
        let table = encode_kept(&meta.kept);
        let mut digest = Digest::new(CrcAlgorithm::Crc64Nvme);
        digest.update(&table);
        SnapshotBody { file, done: table.len() as u64, meta, digest }
    }

    /// Length of the whole body.
    pub fn bytes(&self) -> u64 {
        self.meta.body_bytes - (self.meta.kept.len() * KEPT_BYTES) as u64
    }
}

impl Read for SnapshotBody {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.meta.body_bytes - self.done).unwrap_or(usize::MAX);
        let want = buf.len().min(left);
        if want == 0 {
            return Ok(0);
        }
        let read = self.file.read_at(&mut buf[..want], HEADER_BYTES as u64 + self.done)?;
        self.digest.update(&buf[..read]);
        self.done += read as u64;
        let ended = self.done == self.meta.body_bytes;
        if read == 0 || (ended && self.digest.finalize() != self.meta.body_crc) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the snapshot has rotted"));
        }
        Ok(read)
    }
}
