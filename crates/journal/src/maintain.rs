//! Work on the whole log in steps: planned and finished while holding it, done without, so that
//! commits go on. The simulation drives the same steps.

use std::io::{self, Read};
use std::sync::Arc;

use crate::chain::Span;
use crate::disk::Disk;
use crate::frame::{Cursor, Members};
use crate::frames::{Frames, ReadError};
use crate::log::{Log, View};
use crate::scrub::{Scrub, ScrubReport};
use crate::segment;
use crate::snapshot::{self, BodySums, CHUNK_BYTES, Meta, Writer};
use crate::{CommitError, JournalId, Place, Sequence};

#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    #[error("{0:?} is not acknowledged yet")]
    NotCommitted(Sequence),
    #[error("the owner's view could not be read")]
    Body(#[source] io::Error),
    /// Too few zones took it, or the journal has stopped. The log before it is kept.
    #[error("the snapshot was not kept: {0}")]
    Unavailable(String),
    #[error(transparent)]
    Read(#[from] ReadError),
}

pub(crate) struct SnapshotPlan {
    id: JournalId,
    view: View,
    members: Members,
    upto: Sequence,
    /// The place after `upto`, where an earlier snapshot says it.
    known: Option<Cursor>,
    /// The first segment to keep of the log before; none for a snapshot.
    keep_from: Option<u64>,
    disks: Vec<(usize, Arc<dyn Disk>)>,
}

pub(crate) struct SnapshotWritten {
    meta: Meta,
    disks: Vec<(usize, Arc<dyn Disk>)>,
    failed: Vec<(usize, String)>,
}

/// Files that nothing needs any more.
pub(crate) struct Remains {
    disks: Vec<Arc<dyn Disk>>,
    names: Vec<String>,
}

impl SnapshotPlan {
    /// `None` when a snapshot covers `upto` already.
    pub(crate) fn begin(log: &Log, upto: Sequence) -> Result<Option<SnapshotPlan>, SnapshotError> {
        let covered = log.snapshot.as_ref().map_or(Sequence(0), |meta| meta.at.last());
        if log.stopped.is_none() && upto <= covered {
            return Ok(None);
        }
        SnapshotPlan::of(log, upto, None).map(Some)
    }

    /// For a checkpoint; `None` when the last one says the same or more.
    pub(crate) fn checkpoint(
        log: &Log,
        upto: Sequence,
        keep_from: Place,
    ) -> Result<Option<SnapshotPlan>, SnapshotError> {
        let covered = log.snapshot.as_ref().map_or(Sequence(0), |meta| meta.at.last());
        let kept_from = log.segments.first().map_or(0, |segment| segment.index);
        let upto = upto.max(covered);
        let nothing = upto == Sequence(0);
        let known = upto == covered && keep_from.segment <= kept_from;
        if log.stopped.is_none() && (nothing || known) {
            return Ok(None);
        }
        let mut plan = SnapshotPlan::of(log, upto, Some(keep_from.segment))?;
        plan.known = log.snapshot.as_ref().map(|meta| meta.at).filter(|at| at.last() == upto);
        Ok(Some(plan))
    }

    fn of(
        log: &Log,
        upto: Sequence,
        keep_from: Option<u64>,
    ) -> Result<SnapshotPlan, SnapshotError> {
        if let Some(why) = &log.stopped {
            return Err(SnapshotError::Unavailable(why.clone()));
        }
        if upto > log.committed.last() {
            return Err(SnapshotError::NotCommitted(upto));
        }
        let disks = log.members.zones().map(|zone| (zone, log.zones[zone].disk.clone()));
        Ok(SnapshotPlan {
            id: log.id,
            view: log.view(),
            members: log.members_at(upto.0),
            upto,
            known: None,
            keep_from,
            disks: disks.collect(),
        })
    }

    /// The place after the last frame covered; in the next segment where one was closed there.
    fn place(&self) -> Result<Cursor, ReadError> {
        let at = match self.known {
            Some(at) => at,
            None if self.upto == self.view.end.last() => self.view.end,
            None => self.find()?,
        };
        let closed = self
            .view
            .segments
            .iter()
            .any(|segment| segment.index == at.segment && segment.end == Some(at.offset));
        Ok(if closed {
            Cursor { segment: at.segment + 1, offset: segment::HEADER_BYTES, ..at }
        } else {
            at
        })
    }

    fn find(&self) -> Result<Cursor, ReadError> {
        let fixed = self.view.clone();
        let start = Sequence(self.upto.0 - 1).max(self.view.first().last());
        let frames = Frames::after(self.view.clone(), start, Box::new(move || fixed.clone()))?;
        frames.place_after(self.upto)
    }

    /// The part of the log before `at` that is kept.
    fn kept(&self, at: Cursor) -> Arc<[Span]> {
        let Some(from) = self.keep_from else { return Arc::default() };
        let spans = self.view.spans().into_iter();
        let spans = spans.filter(|span| (from.min(at.segment)..=at.segment).contains(&span.index));
        let upto_at = spans.map(|span| match span.index == at.segment {
            true => Span { end: at.offset, ..span },
            false => span,
        });
        upto_at.filter(|span| span.first.offset < span.end).collect()
    }

    pub(crate) fn write(self, body: &mut dyn Read) -> Result<SnapshotWritten, SnapshotError> {
        let at = self.place()?;
        let kept = self.kept(at);
        let mut failed: Vec<(usize, String)> = Vec::new();
        let mut writers = Vec::new();
        for (zone, disk) in &self.disks {
            match Writer::begin(disk.as_ref(), self.id, &at, self.members, &kept) {
                Ok(writer) => writers.push((*zone, disk.clone(), writer)),
                Err(error) => failed.push((*zone, error.to_string())),
            }
        }
        let mut sums = BodySums::of(kept);
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            let read = match body.read(&mut chunk) {
                Ok(0) => break,
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(SnapshotError::Body(error)),
            };
            sums.add(&chunk[..read]);
            writers.retain_mut(|(zone, _, writer)| match writer.write(&chunk[..read]) {
                Ok(()) => true,
                Err(error) => {
                    failed.push((*zone, error.to_string()));
                    false
                }
            });
        }
        let mut disks = Vec::new();
        for (zone, disk, writer) in writers {
            match writer.finish(disk.as_ref()) {
                Ok(()) => disks.push((zone, disk)),
                Err(error) => failed.push((zone, error.to_string())),
            }
        }
        for (zone, disk) in &self.disks {
            if failed.iter().any(|(failed, _)| failed == zone) {
                let _ = disk.remove(snapshot::TEMPORARY);
            }
        }
        let meta = sums.meta(at, self.members);
        Ok(SnapshotWritten { meta, disks, failed })
    }
}

impl SnapshotWritten {
    /// Lets go of what the snapshot covers, if every member has it.
    pub(crate) fn finish(self, log: &mut Log) -> Result<Remains, SnapshotError> {
        let unavailable = |error: CommitError| SnapshotError::Unavailable(error.to_string());
        if self.disks.len() < log.options.min_zones {
            let why: Vec<String> =
                self.failed.iter().map(|(zone, why)| format!("zone {zone}: {why}")).collect();
            return Err(SnapshotError::Unavailable(why.join("; ")));
        }
        log.drop_zones(&self.failed).map_err(unavailable)?;
        let names = log.truncate(self.meta);
        let disks = self.disks.into_iter().map(|(_, disk)| disk).collect();
        Ok(Remains { disks, names })
    }
}

impl Remains {
    /// Failing to remove a file costs room only; the next opening tries again.
    pub(crate) fn remove(self) {
        for disk in self.disks {
            for name in &self.names {
                let _ = disk.remove(name);
            }
        }
    }
}

pub(crate) fn scrub_of(log: &mut Log) -> Scrub {
    Scrub {
        view: log.view(),
        epoch: log.epoch,
        disks: log.zones.iter().map(|zone| zone.disk.clone()).collect(),
        snapshot: log.snapshot.clone(),
        ahead: log.spare_files(),
    }
}

/// Drops the zones that a scrub could not repair; the journal stops if too few are left.
pub(crate) fn drop_failed(log: &mut Log, report: &ScrubReport) {
    let failed: Vec<(usize, String)> = (report.zones.iter())
        .filter_map(|found| found.failure.clone().map(|why| (found.zone, why)))
        .collect();
    if let Err(error) = log.drop_zones(&failed) {
        tracing::error!(%error, "a scrub's failed zones could not be dropped");
    }
}
