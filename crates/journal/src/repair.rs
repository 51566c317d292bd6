//! Writing a zone's files again from the other zones' copies.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::JournalId;
use crate::chain::{Forks, Range, Span};
use crate::copy::Copy;
use crate::disk::{Disk, DiskFile, SyncReason};
use crate::frame::Cursor;
use crate::identity;
use crate::segment::{self, Label, SegmentFile};
use crate::snapshot::{self, Meta, SnapshotBody};

const WRITE_BYTES: usize = 1 << 20;

/// Where to read what is written again.
pub(crate) struct Sources<'a> {
    pub(crate) copies: &'a mut [Copy],
    pub(crate) forks: &'a Forks,
}

impl Sources<'_> {
    /// The whole frame that comes at `at`, from whichever copy has it.
    fn frame(&mut self, id: JournalId, at: Cursor) -> Option<(Cursor, &[u8])> {
        let chosen = self.forks.get(&at.sequence).copied();
        self.copies.iter_mut().find_map(|copy| {
            let (header, whole) = copy.frame(id, at, None)?;
            let right = chosen.is_none_or(|hash| hash == header.hash);
            right.then(|| (at.past(&header), whole))
        })
    }
}

/// Writes the frames of `range` to `to`, unsynced.
pub(crate) fn copy_range(
    id: JournalId,
    sources: &mut Sources<'_>,
    range: &Range,
    to: &dyn DiskFile,
) -> io::Result<()> {
    let mut at = range.from;
    let mut start = at.offset;
    let mut frames = Vec::new();
    while at.offset < range.end {
        let Some((next, whole)) = sources.frame(id, at) else {
            let why = format!("no zone holds frame {} any more", at.sequence);
            return Err(io::Error::new(io::ErrorKind::InvalidData, why));
        };
        frames.extend_from_slice(whole);
        at = next;
        if frames.len() >= WRITE_BYTES {
            to.write_at(&frames, start)?;
            frames.clear();
            start = at.offset;
        }
    }
    to.write_at(&frames, start)
}

/// A zone to write to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) id: JournalId,
    pub(crate) zone: usize,
    pub(crate) epoch: u64,
    pub(crate) disk: Arc<dyn Disk>,
}

impl Target {
    fn label(&self, span: &Span) -> Label {
        let Target { id, zone, epoch, .. } = *self;
        Label { id, zone, index: span.index, bytes: span.bytes, epoch }
    }

    /// Removes everything but the identity: old files may hold pages that a failed sync left in
    /// memory only, so nothing in them is believed.
    pub(crate) fn wipe(&self) -> io::Result<()> {
        for name in self.disk.list()? {
            if name != identity::NAME {
                self.disk.remove(&name)?;
            }
        }
        Ok(())
    }

    /// Writes the segment's header again, unsynced.
    pub(crate) fn relabel(&self, span: &Span, file: &dyn DiskFile) -> io::Result<()> {
        file.write_at(&self.label(span).encode(), 0)
    }

    /// A new durable file with the span's frames. It has its name only when it has all of them,
    /// because a kept segment's frames are not looked for when the journal is opened.
    pub(crate) fn remake(&self, span: &Span, sources: &mut Sources<'_>) -> io::Result<SegmentFile> {
        let (disk, label) = (self.disk.as_ref(), self.label(span));
        if span.first.offset >= span.end {
            return segment::create(disk, label);
        }
        let copied = self.copy_span(span, sources);
        if copied.is_err() {
            let _ = disk.remove(segment::TEMPORARY);
        }
        copied?;
        let name = segment::name(span.index);
        disk.rename(segment::TEMPORARY, &name)?;
        disk.sync_dir(SyncReason::SegmentDir)?;
        Ok(SegmentFile { file: disk.open(&name)?, bytes: span.bytes })
    }

    fn copy_span(&self, span: &Span, sources: &mut Sources<'_>) -> io::Result<()> {
        let (disk, label) = (self.disk.as_ref(), self.label(span));
        let file = disk.create(segment::TEMPORARY)?;
        segment::fill(file.as_ref(), label, span.first.offset..span.end)?;
        let whole = Range { from: span.first, end: span.end, frames: 0 };
        copy_range(self.id, sources, &whole, file.as_ref())?;
        file.sync_data(SyncReason::Remake)
    }

    /// Makes the whole zone anew; durable when it returns, without the identity. The snapshot
    /// comes last, because it vouches for the segments.
    pub(crate) fn rebuild(
        &self,
        spans: &[Span],
        sources: &mut Sources<'_>,
        snapshot: Option<&(Meta, Arc<dyn DiskFile>)>,
    ) -> io::Result<BTreeMap<u64, SegmentFile>> {
        self.wipe()?;
        let mut files = BTreeMap::new();
        for span in spans {
            files.insert(span.index, self.remake(span, sources)?);
        }
        if let Some((meta, file)) = snapshot {
            self.copy_snapshot(meta, file)?;
        }
        Ok(files)
    }

    pub(crate) fn copy_snapshot(&self, meta: &Meta, from: &Arc<dyn DiskFile>) -> io::Result<()> {
        let disk = self.disk.as_ref();
        let mut writer =
            snapshot::Writer::begin(disk, self.id, &meta.at, meta.members, &meta.kept)?;
        let mut body = SnapshotBody::new(from.clone(), meta.clone());
        let mut chunk = vec![0; snapshot::CHUNK_BYTES];
        loop {
            match io::Read::read(&mut body, &mut chunk)? {
                0 => return writer.finish(disk),
                read => writer.write(&chunk[..read])?,
            }
        }
    }

    /// Writes `ranges` of one segment again, in place, and syncs the file even without any: a
    /// killed opening may have written frames that read well and are not on the disk.
    pub(crate) fn mend(
        &self,
        ranges: &[Range],
        sources: &mut Sources<'_>,
        file: &dyn DiskFile,
    ) -> io::Result<()> {
        for range in ranges {
            copy_range(self.id, sources, range, file)?;
        }
        file.sync_data(SyncReason::Mend)
    }
}
