//! The log while it runs: one synchronous state machine, driven by the committer's thread or by
//! the simulation.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

use crate::chain::Span;
use crate::copy::Copy;
use crate::crew::{Crew, Job, Slot};
use crate::disk::{Disk, DiskFile, SyncReason};
use crate::frame::{self, Cursor, Kind, Link, Members};
use crate::segment::{self, Label, SegmentFile};
use crate::snapshot::Meta;
use crate::{CommitError, Committed, JournalId, Options, Sequence, ZoneHealth};

/// A reader finds its place within so many bytes of the frame it looks for, or a 64th of the
/// segment: there are at most 64 marks in one, whatever its length.
const MARK_BYTES: u64 = 256 * 1024;
const MARKS_MAX: u64 = 64;

pub(crate) struct Log {
    pub(crate) id: JournalId,
    pub(crate) options: Options,
    pub(crate) epoch: u64,
    pub(crate) zones: Vec<Zone>,
    /// The membership in force: its frame is synced on all it names.
    pub(crate) members: Members,
    /// Where the next frame goes.
    pub(crate) end: Cursor,
    /// The last sequence in force; everything up to it may be acknowledged and read.
    pub(crate) committed: Cursor,
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    /// Memberships by the sequence of their frame, oldest first.
    pub(crate) history: Vec<(u64, Members)>,
    pub(crate) snapshot: Option<Meta>,
    pub(crate) crew: Crew,
    pub(crate) spare: Ahead,
    /// Why nothing is taken any more.
    pub(crate) stopped: Option<String>,
}

/// The segment after the current one.
pub(crate) enum Ahead {
    Nothing,
    Making(Arc<Slot>),
    Ready(Spare),
}

pub(crate) struct Zone {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) health: ZoneHealth,
    /// Taken out on purpose, and left so.
    pub(crate) detached: bool,
}

/// A segment in use, in all zones.
#[derive(Clone)]
pub(crate) struct Segment {
    pub(crate) index: u64,
    pub(crate) bytes: u64,
    pub(crate) first: Cursor,
    /// Where its frames end; `None` for the one being written.
    pub(crate) end: Option<u64>,
    /// By zone; `None` where the zone is no member.
    pub(crate) files: Vec<Option<SegmentFile>>,
    /// Places to start reading from, in order.
    pub(crate) marks: Arc<Mutex<Vec<Cursor>>>,
}

impl Segment {
    pub(crate) fn mark(&self, at: Cursor) {
        let mut marks = self.marks.lock().unwrap_or_else(PoisonError::into_inner);
        let apart = MARK_BYTES.max(self.bytes / MARKS_MAX);
        if marks.last().is_none_or(|last| at.offset >= last.offset + apart) {
            marks.push(at);
        }
    }
}

/// What a reader needs: which files hold the frames up to which place.
#[derive(Clone)]
pub(crate) struct View {
    pub(crate) id: JournalId,
    pub(crate) segments: Arc<Vec<Arc<Segment>>>,
    pub(crate) end: Cursor,
    pub(crate) members: Members,
}

impl View {
    pub(crate) fn first(&self) -> Cursor {
        self.segments.first().map_or(self.end, |segment| segment.first)
    }

    /// A known place at or before the frame `sequence`.
    pub(crate) fn before(&self, sequence: u64) -> Cursor {
        let mut best = self.first();
        let later = self.segments.partition_point(|s| s.first.sequence <= sequence);
        if let Some(segment) = later.checked_sub(1).map(|last| &self.segments[last]) {
            best = segment.first;
            let marks = segment.marks.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(mark) = marks.iter().take_while(|m| m.sequence <= sequence).last() {
                best = *mark;
            }
        }
        best
    }

    /// Where the segment's frames end, as far as they are in force.
    pub(crate) fn end_of(&self, segment: &Segment) -> u64 {
        match segment.end {
            Some(end) => end,
            None if segment.index == self.end.segment => self.end.offset,
            // Entered, and nothing in it is in force.
            None => segment.first.offset,
        }
    }

    pub(crate) fn spans(&self) -> Vec<Span> {
        self.segments.iter().map(|segment| self.span(segment)).collect()
    }

    pub(crate) fn span(&self, segment: &Segment) -> Span {
        let Segment { index, bytes, first, .. } = *segment;
        Span { index, bytes, first, end: self.end_of(segment), new: false }
    }

    /// Every member's copy of one segment.
    pub(crate) fn copies_of(&self, index: u64) -> Vec<Copy> {
        let found = self.segments.binary_search_by_key(&index, |segment| segment.index);
        let copy = |zone: usize| {
            let file = found.ok().and_then(|at| self.segments[at].files[zone].clone());
            Copy::new(zone, file.map(|file| (index, file)).into_iter().collect())
        };
        self.members.zones().map(copy).collect()
    }

    /// `zone`'s files.
    pub(crate) fn files(&self, zone: usize) -> BTreeMap<u64, SegmentFile> {
        let files = self
            .segments
            .iter()
            .filter_map(|segment| segment.files[zone].clone().map(|file| (segment.index, file)));
        files.collect()
    }
}

impl Log {
    pub(crate) fn view(&self) -> View {
        View {
            id: self.id,
            segments: self.segments.clone(),
            end: self.committed,
            members: self.members,
        }
    }

    /// Writes the payloads as one group. `Ok`: all are synced in every member zone; the answer
    /// is the first one's, the others follow it without a gap.
    pub(crate) fn append(&mut self, payloads: &[Bytes]) -> Result<Committed, CommitError> {
        if let Some(why) = &self.stopped {
            return Err(CommitError::Unavailable(why.clone()));
        }
        let frames: usize = payloads.iter().map(|p| frame::frame_bytes(p.len())).sum();
        self.ensure_room(frames as u64, self.members)?;

        let first = Committed { sequence: Sequence(self.end.sequence), place: self.end.place() };
        let mut group = Vec::with_capacity(frames);
        let mut after = self.end;
        for payload in payloads {
            after = self.encode(after, Kind::Data, payload, &mut group);
        }
        let failed = self.write(Bytes::from(group), self.members);
        self.end = after;
        if failed != Members::NONE {
            self.propose(Members(self.members.0 & !failed.0))?;
        }
        self.committed = self.end;
        self.want_spare();
        Ok(first)
    }

    fn encode(&self, at: Cursor, kind: Kind, payload: &[u8], out: &mut Vec<u8>) -> Cursor {
        let committed = self.committed.last().0;
        let Cursor { sequence, previous, .. } = at;
        let link = Link { epoch: self.epoch, sequence, previous, committed, kind };
        let start = out.len();
        let hash = frame::encode(self.id, link, payload, out);
        if let Some(segment) = self.segments.last() {
            segment.mark(at);
        }
        Cursor {
            offset: at.offset + (out.len() - start) as u64,
            sequence: sequence + 1,
            previous: hash,
            epoch: self.epoch,
            ..at
        }
    }

    /// Writes and syncs at the log's end in all of `zones`; answers those that failed, whose
    /// health says why from now on.
    fn write(&mut self, group: Bytes, zones: Members) -> Members {
        let segment = self.segments.last().expect("a log has a current segment").clone();
        let offset = self.end.offset;
        let mut jobs: Vec<(usize, Job)> = Vec::with_capacity(self.zones.len());
        for zone in zones.zones() {
            let Some(target) = segment.files[zone].clone() else { continue };
            let group = group.clone();
            let job = move || {
                target.file.write_at(&group, offset)?;
                target.file.sync_data(SyncReason::Commit)
            };
            jobs.push((zone, Box::new(job)));
        }
        let mut failed = zones;
        for (zone, done) in self.crew.run(jobs) {
            match done {
                Ok(()) => failed = failed.without(zone),
                Err(error) => self.zones[zone].health = ZoneHealth::Failed(error.to_string()),
            }
        }
        failed
    }

    /// Makes `wanted` the membership, or less where zones fail on the way: in force once its
    /// frame, and with it everything before, is synced on all it names. Nothing that a dropped
    /// zone missed is acknowledged before.
    pub(crate) fn propose(&mut self, mut wanted: Members) -> Result<(), CommitError> {
        loop {
            let meets = self.members == Members::NONE || wanted.meets(self.members);
            if wanted.count() < self.options.min_zones || !meets {
                return Err(self.stop(wanted));
            }
            let mut group = Vec::new();
            let payload = wanted.encode(&self.options);
            let after = self.encode(self.end, Kind::Members, &payload, &mut group);
            let failed = self.write(Bytes::from(group), wanted);
            self.history.push((self.end.sequence, wanted));
            self.end = after;
            if failed == Members::NONE {
                self.settle(wanted);
                return Ok(());
            }
            wanted = Members(wanted.0 & !failed.0);
        }
    }

    fn settle(&mut self, members: Members) {
        let dropped = Members(self.members.0 & !members.0);
        for zone in dropped.zones() {
            if self.zones[zone].health == ZoneHealth::Healthy {
                self.zones[zone].health = ZoneHealth::Failed("dropped".to_owned());
            }
            tracing::error!(zone, health = ?self.zones[zone].health, "journal zone dropped");
        }
        for zone in members.zones() {
            self.zones[zone].health = ZoneHealth::Healthy;
            self.zones[zone].detached = false;
        }
        self.members = members;
        self.committed = self.end;
        for segment in Arc::make_mut(&mut self.segments) {
            for (zone, file) in Arc::make_mut(segment).files.iter_mut().enumerate() {
                if !members.contains(zone) {
                    *file = None;
                }
            }
        }
    }

    fn stop(&mut self, left: Members) -> CommitError {
        let failures: Vec<String> = (self.zones.iter().enumerate())
            .filter_map(|(number, zone)| match &zone.health {
                ZoneHealth::Failed(why) => Some(format!("zone {number}: {why}")),
                _ => None,
            })
            .collect();
        let why = format!(
            "stopped: {} of {} zones work, {} are needed ({})",
            left.count(),
            self.zones.len(),
            self.options.min_zones,
            failures.join("; ")
        );
        tracing::error!(why, "journal stopped");
        self.stopped = Some(why.clone());
        CommitError::Unknown(why)
    }

    /// Takes a zone out that may be well, or leaves a failed one out.
    pub(crate) fn detach(&mut self, zone: usize, why: &str) -> Result<(), DetachError> {
        let state = self.zones.get(zone).ok_or(DetachError::NoZone(zone))?;
        if state.health == ZoneHealth::CatchingUp {
            return Err(DetachError::CatchingUp(zone));
        }
        let left = self.members.without(zone).count();
        if left < self.options.min_zones {
            let needed = self.options.min_zones;
            return Err(DetachError::TooFew { zone, left, needed });
        }
        let why = format!("taken out: {why}");
        if self.members.contains(zone) {
            self.drop_zones(&[(zone, why)]).map_err(DetachError::Commit)?;
        } else {
            self.zones[zone].health = ZoneHealth::Failed(why);
        }
        self.zones[zone].detached = true;
        Ok(())
    }

    /// Takes zones out whose files were found wrong outside a commit.
    pub(crate) fn drop_zones(&mut self, suspects: &[(usize, String)]) -> Result<(), CommitError> {
        let mut left = self.members;
        for (zone, why) in suspects {
            if left.contains(*zone) {
                left = left.without(*zone);
                self.zones[*zone].health = ZoneHealth::Failed(why.clone());
            }
        }
        if let Some(why) = &self.stopped {
            return Err(CommitError::Unavailable(why.clone()));
        }
        if left == self.members {
            return Ok(());
        }
        self.propose(left)
    }

    // ---- segments ----

    /// Room for membership frames, whatever happens: dropping a zone may not need a new segment.
    fn reserve_bytes(&self) -> u64 {
        reserve_bytes(self.zones.len())
    }

    /// Moves to the next segment when `frames` bytes do not fit in this one. `Unavailable`, with
    /// nothing written, when it cannot be had in enough zones.
    pub(crate) fn ensure_room(&mut self, frames: u64, zones: Members) -> Result<(), CommitError> {
        let need = frames + self.reserve_bytes();
        let fits = |segment: &Arc<Segment>, end: &Cursor| end.offset + need <= segment.bytes;
        let mut wanted = zones;
        loop {
            if self.segments.last().is_some_and(|segment| fits(segment, &self.end)) {
                return Ok(());
            }
            let mut spare = self.next_segment(need, wanted);
            let failed = Members(wanted.0 & !spare.members().0);
            if failed == Members::NONE {
                self.enter(spare);
                return Ok(());
            }
            let left = Members(wanted.0 & !failed.0);
            let why = spare.failure();
            if left.count() < self.options.min_zones {
                // Kept, so that the zones which had room need not be filled again.
                spare.files.retain(|(_, made)| made.is_ok());
                self.spare = Ahead::Ready(spare);
                return Err(CommitError::Unavailable(why));
            }
            for (zone, made) in &spare.files {
                if let Err(error) = made {
                    self.zones[*zone].health = ZoneHealth::Failed(error.to_string());
                }
            }
            spare.files.retain(|(_, made)| made.is_ok());
            self.spare = Ahead::Ready(spare);
            // The caller's own frames are not written yet, whatever becomes of this one.
            self.propose(left).map_err(|error| CommitError::Unavailable(error.to_string()))?;
            wanted = left;
        }
    }

    /// The spare if it serves, with what it lacks made now.
    fn next_segment(&mut self, need: u64, zones: Members) -> Spare {
        let index = self.end.segment + 1;
        let mut spare = match std::mem::replace(&mut self.spare, Ahead::Nothing) {
            Ahead::Nothing => Spare::none(),
            Ahead::Making(slot) => slot.take(),
            Ahead::Ready(spare) => spare,
        };
        if spare.index != index || spare.bytes < segment::HEADER_BYTES + need {
            let bytes = segment::planned_bytes(index, need, self.options.segment_bytes);
            spare = Spare { index, bytes, files: Vec::new() };
        }
        spare.files.retain(|(zone, made)| zones.contains(*zone) && made.is_ok());
        let lacking = Members(zones.0 & !spare.members().0);
        let job = self.spare_job(spare.index, spare.bytes, lacking);
        spare.files.extend(job.run().files);
        spare
    }

    fn spare_job(&self, index: u64, bytes: u64, zones: Members) -> SpareJob {
        let label = Label { id: self.id, zone: 0, index, bytes, epoch: self.epoch };
        let disks = zones.zones().map(|zone| (zone, self.zones[zone].disk.clone())).collect();
        SpareJob { label, disks }
    }

    fn enter(&mut self, spare: Spare) {
        let mut files = vec![None; self.zones.len()];
        for (zone, made) in spare.files {
            files[zone] = made.ok();
        }
        let closed = self.end.offset;
        self.end = Cursor { segment: spare.index, offset: segment::HEADER_BYTES, ..self.end };
        let segments = Arc::make_mut(&mut self.segments);
        if let Some(last) = segments.last_mut() {
            Arc::make_mut(last).end = Some(closed);
        }
        segments.push(Arc::new(Segment {
            index: spare.index,
            bytes: spare.bytes,
            first: self.end,
            end: None,
            files,
            marks: Arc::default(),
        }));
    }

    /// Has the next segment made ahead of need once the current one is half full.
    fn want_spare(&mut self) {
        let Some(current) = self.segments.last() else { return };
        if !matches!(self.spare, Ahead::Nothing) || self.end.offset < current.bytes / 2 {
            return;
        }
        let index = current.index + 1;
        let need = self.reserve_bytes();
        let bytes = segment::planned_bytes(index, need, self.options.segment_bytes);
        let job = self.spare_job(index, bytes, self.members);
        self.spare = Ahead::Making(self.crew.make_spare(job));
    }

    /// Waits for a spare being made, so that nothing writes after the log is gone.
    pub(crate) fn finish_spare(&mut self) {
        if let Ahead::Making(slot) = std::mem::replace(&mut self.spare, Ahead::Nothing) {
            self.spare = Ahead::Ready(slot.take());
        }
    }

    /// The files of the segment made ahead of need, if it is there already.
    pub(crate) fn spare_files(&mut self) -> Vec<(usize, Span, Arc<dyn DiskFile>)> {
        if let Ahead::Making(slot) = &self.spare
            && let Some(spare) = slot.try_take()
        {
            self.spare = Ahead::Ready(spare);
        }
        let Ahead::Ready(spare) = &self.spare else { return Vec::new() };
        let first = Cursor { segment: spare.index, ..self.end };
        let span = Span { index: spare.index, bytes: spare.bytes, first, end: 0, new: true };
        let made = spare.files.iter();
        let made = made.filter_map(|(zone, made)| Some((*zone, span, made.as_ref().ok()?)));
        made.map(|(zone, span, made)| (zone, span, made.file.clone())).collect()
    }

    pub(crate) fn forget_spare_of(&mut self, zone: usize) {
        self.finish_spare();
        if let Ahead::Ready(spare) = &mut self.spare {
            spare.files.retain(|(holder, _)| *holder != zone);
        }
    }

    /// Forgets segments that the snapshot covers and does not keep; answers the names to remove.
    pub(crate) fn truncate(&mut self, meta: Meta) -> Vec<String> {
        let mut names = Vec::new();
        let segments = Arc::make_mut(&mut self.segments);
        let current = segments.last().map_or(0, |segment| segment.index);
        let keep = meta.first_segment().min(current);
        let covered = meta.at.last().0;
        if let Some(old) = self.snapshot.replace(meta)
            && old.at.last().0 != covered
        {
            names.push(crate::snapshot::name(&old.at));
        }
        names.extend(segments.iter().map(|s| s.index).filter(|i| *i < keep).map(segment::name));
        segments.retain(|segment| segment.index >= keep);
        let before = self.history.iter().take_while(|(sequence, _)| *sequence <= covered).count();
        self.history.drain(..before.saturating_sub(1));
        names
    }

    /// The membership as of `sequence`.
    pub(crate) fn members_at(&self, sequence: u64) -> Members {
        let known = self.history.iter().take_while(|(at, _)| *at <= sequence).last();
        known.map_or(self.members, |(_, members)| *members)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DetachError {
    #[error("there is no journal zone {0}")]
    NoZone(usize),
    #[error("journal zone {0} is being copied into")]
    CatchingUp(usize),
    /// The journal goes on with all it has.
    #[error("without journal zone {zone} there are {left} left, and {needed} are needed")]
    TooFew { zone: usize, left: usize, needed: usize },
    #[error(transparent)]
    Commit(CommitError),
}

/// Room for the membership frames of dropping every zone, one after the other, and one more.
pub(crate) fn reserve_bytes(zones: usize) -> u64 {
    frame::frame_bytes(Members::PAYLOAD_BYTES) as u64 * (zones as u64 + 2)
}

/// The segment after the current one, where it could be made.
pub(crate) struct Spare {
    pub(crate) index: u64,
    pub(crate) bytes: u64,
    pub(crate) files: Vec<(usize, io::Result<SegmentFile>)>,
}

impl Spare {
    pub(crate) fn none() -> Spare {
        Spare { index: 0, bytes: 0, files: Vec::new() }
    }

    fn members(&self) -> Members {
        let made = self.files.iter().filter(|(_, made)| made.is_ok());
        made.fold(Members::NONE, |members, (zone, _)| members.with(*zone))
    }

    fn failure(&self) -> String {
        let failures = self.files.iter().filter_map(|(zone, made)| {
            made.as_ref().err().map(|error| format!("zone {zone}: no new segment: {error}"))
        });
        failures.collect::<Vec<_>>().join("; ")
    }
}

/// Makes a spare, on whichever thread runs it.
pub(crate) struct SpareJob {
    label: Label,
    disks: Vec<(usize, Arc<dyn Disk>)>,
}

impl SpareJob {
    pub(crate) fn run(self) -> Spare {
        let disks = self.disks.into_iter();
        let files = disks
            .map(|(zone, disk)| {
                (zone, segment::create(disk.as_ref(), Label { zone, ..self.label }))
            })
            .collect();
        Spare { index: self.label.index, bytes: self.label.bytes, files }
    }
}
