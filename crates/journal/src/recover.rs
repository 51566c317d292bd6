//! Opening: from whatever the zones hold to one log that is whole in every working zone.
//!
//! 1. Survey the zones.
//! 2. Take the newest snapshot and choose the chain after it.
//! 3. Refuse unless the zones read must include one that holds everything acknowledged.
//! 4. Write again what each zone lacks.
//! 5. Commit the first frame of a new epoch, which says who is a member.
//!
//! Nothing is written before 3 has succeeded, and nothing is served before 5 has.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chain::{self, Chain, Forks, Range, Span, Start};
use crate::copy::Copy;
use crate::crew::{Crew, Job};
use crate::disk::Disk;
use crate::frame::{Cursor, Members};
use crate::identity::{self, Identity};
use crate::log::{Ahead, Log, Segment, Zone, reserve_bytes};
use crate::repair::{Sources, Target};
use crate::segment::{self, SegmentFile};
use crate::shelf::Shelf;
use crate::snapshot::{self, Meta, SnapshotBody};
use crate::survey::{Found, NewestSnapshot, Survey, newest_snapshot, open_copy};
use crate::walk::walk;
use crate::{JournalId, Options, Sequence, ZoneHealth, ZoneReport};

const ZONES_MAX: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("bad journal options: {0}")]
    Options(String),
    /// Too few zones can be read to be sure of the newest acknowledged payload, or too few can
    /// be written to acknowledge another. Nothing acknowledged was changed.
    #[error("not enough journal zones: {0}")]
    NoQuorum(String),
    /// Acknowledged frames from this sequence on are in no zone that can be read.
    #[error("the journal is damaged in every readable zone: {0:?} was acknowledged and is gone")]
    Corrupt(Sequence),
    /// The directories were given in another order, or some belong to another journal.
    #[error("wrong journal directory: {0}")]
    WrongZone(String),
    #[error("{0}")]
    Format(String),
    #[error("a thread of the journal could not be started")]
    Thread(#[source] io::Error),
}

/// The newest snapshot.
pub struct RecoveredSnapshot {
    /// The last sequence it covers.
    pub sequence: Sequence,
    pub body: SnapshotBody,
}

pub(crate) struct Recovered {
    pub(crate) log: Log,
    pub(crate) snapshot: Option<RecoveredSnapshot>,
    pub(crate) reports: Vec<ZoneReport>,
    pub(crate) created: bool,
}

pub(crate) fn open(
    disks: Vec<Arc<dyn Disk>>,
    options: Options,
    mut crew: Crew,
) -> Result<Recovered, OpenError> {
    check_options(&disks, &options)?;
    let most = open_files_max(&options, disks.len());
    let disks = disks.into_iter().map(|disk| Shelf::over(disk, most)).collect();
    let survey = Survey::of(disks)?;
    let known = survey.identity()?;
    let id = known.unwrap_or(JournalId(options.nonce));
    let mut opening = Opening::read(survey, id, options)?;
    opening.check_whole()?;
    opening.check_quorum()?;
    opening.repair(&mut crew)?;
    opening.serve(crew)
}

fn check_options(disks: &[Arc<dyn Disk>], options: &Options) -> Result<(), OpenError> {
    let zones = disks.len();
    let wrong = if zones == 0 || zones > ZONES_MAX {
        format!("{zones} zones; 1 to {ZONES_MAX} are possible")
    } else if options.min_zones == 0 || options.min_zones > zones {
        format!("min_zones is {} of {zones}", options.min_zones)
    } else if options.payload_bytes_max > crate::frame::PAYLOAD_BYTES_LIMIT {
        format!("payload_bytes_max is over {}", crate::frame::PAYLOAD_BYTES_LIMIT)
    } else {
        return Ok(());
    };
    Err(OpenError::Options(wrong))
}

/// Of each of so many zones.
pub(crate) fn open_files_max(options: &Options, zones: usize) -> usize {
    options.open_files_max / zones
}

struct Opening {
    options: Options,
    id: JournalId,
    survey: Survey,
    /// The voters' copies.
    copies: Vec<Copy>,
    snapshot: NewestSnapshot,
    /// Each copy's own newest snapshot.
    own_snapshots: Vec<Option<Meta>>,
    start: Start,
    chain: Chain,
    epoch: u64,
    /// Every zone's segments after the repair; `None` where it has none.
    files: Vec<Option<BTreeMap<u64, SegmentFile>>>,
    reports: Vec<ZoneReport>,
}

impl Opening {
    fn read(survey: Survey, id: JournalId, options: Options) -> Result<Opening, OpenError> {
        let mut copies = Vec::new();
        for zone in survey.voters() {
            copies.push(open_copy(&survey, zone, id));
        }
        let (snapshot, own_snapshots) = newest_snapshot(&survey, &mut copies, id);
        let start = match &snapshot {
            Some((Meta { at, members, kept, .. }, _)) => {
                Start { at: *at, members: *members, kept: kept.clone() }
            }
            None => Start { at: Cursor::genesis(id), members: Members::NONE, kept: Arc::default() },
        };
        let chain = chain::choose(id, start.clone(), &mut copies);
        let zones = survey.disks.len();
        let mut opening = Opening {
            options,
            id,
            survey,
            copies,
            snapshot,
            own_snapshots,
            start,
            epoch: chain.end.epoch + 1,
            chain,
            files: vec![None; zones],
            reports: vec![ZoneReport::Healthy; zones],
        };
        opening.doubt_kept();
        Ok(opening)
    }

    /// A member's own snapshot vouches for what it has of the log before. Where that is older
    /// than the newest, or lacks, as in a zone that was put back to an earlier day, what is kept
    /// is read.
    fn doubt_kept(&mut self) {
        let kept = self.start.kept.clone();
        for (number, span) in kept.iter().enumerate() {
            let next = kept.get(number + 1).map_or(self.start.at, |next| next.first);
            let members = self.chain.members;
            let doubted = |copy: &Copy, own: &Option<Meta>| {
                members.contains(copy.zone)
                    && own.as_ref().is_none_or(|own| own.at.sequence < next.sequence)
            };
            let doubted: Vec<bool> =
                self.copies.iter().zip(&self.own_snapshots).map(|(c, o)| doubted(c, o)).collect();
            if !doubted.contains(&true) {
                continue;
            }
            let walked = walk(self.id, span, &mut self.copies);
            let missing = self.chain.missing.iter_mut().zip(walked.missing).zip(doubted);
            for ((missing, lacks), _) in missing.filter(|(_, doubted)| *doubted) {
                missing.extend(lacks);
            }
        }
    }

    /// Whether a member's frames of this span are known to be durable without being read.
    fn vouched(&self, copy: usize, span: &Span) -> bool {
        let own = self.own_snapshots[copy].as_ref();
        own.is_some_and(|own| span.index < own.at.segment && span.index < self.start.at.segment)
    }

    /// Nothing acknowledged lies beyond the chain's end: frames say what was in force when they
    /// were written, so a frame rotten everywhere is told from a torn tail.
    fn check_whole(&mut self) -> Result<(), OpenError> {
        let end = self.chain.end;
        let reached = end.last().0;
        let beyond = self.copies.iter_mut().map(|copy| copy.committed_beyond(self.id, end)).max();
        if beyond.unwrap_or(0) <= reached {
            return Ok(());
        }
        // What a failing disk does not give may be whole on it.
        if self.copies.iter().any(|copy| copy.failed.is_some()) {
            return Err(OpenError::NoQuorum(self.failures()));
        }
        Err(OpenError::Corrupt(Sequence(end.sequence)))
    }

    fn empty(&self) -> bool {
        self.snapshot.is_none() && self.chain.end.sequence == self.start.at.sequence
    }

    /// Every membership that may have acknowledged something has a member among the zones read.
    fn check_quorum(&self) -> Result<(), OpenError> {
        let zones = self.survey.disks.len();
        let read = self.copies.iter().filter(|copy| copy.failed.is_none());
        let read = read.fold(Members::NONE, |members, copy| members.with(copy.zone));
        let unusable = |found: &&Found| matches!(found, Found::Failed(_));
        let usable = zones - self.survey.found.iter().filter(unusable).count();
        if usable < self.options.min_zones {
            return Err(OpenError::NoQuorum(format!(
                "{usable} of {zones} can be used, {} are needed: {}",
                self.options.min_zones,
                self.failures()
            )));
        }
        let only_blank =
            self.survey.found.iter().all(|f| matches!(f, Found::Blank | Found::Voter(_)));
        let new = self.empty() && only_blank && read.count() == self.copies.len();
        let many = read.count() >= (zones - self.options.min_zones + 1).max(zones / 2 + 1);
        let all_members = self.chain.members != Members::NONE && read.includes(self.chain.members);
        if new || many || all_members || self.options.accept_loss {
            return Ok(());
        }
        Err(OpenError::NoQuorum(format!(
            "{} of {zones} still hold the journal, which does not prove what the others had \
             acknowledged: {}",
            read.count(),
            self.failures()
        )))
    }

    fn failures(&self) -> String {
        let mut lines = Vec::new();
        for (zone, found) in self.survey.found.iter().enumerate() {
            match found {
                Found::Voter(_) => {}
                Found::Blank => lines.push(format!("zone {zone} is empty")),
                Found::Damaged => lines.push(format!("zone {zone} has lost its identity file")),
                Found::Failed(why) => lines.push(format!("zone {zone}: {why}")),
            }
        }
        for copy in &self.copies {
            if let Some(error) = &copy.failed {
                lines.push(format!("zone {}: {error}", copy.zone));
            }
        }
        lines.join("; ")
    }

    fn fail(&mut self, zone: usize, error: &io::Error) {
        tracing::error!(zone, %error, "journal zone failed while opening");
        self.reports[zone] = ZoneReport::Failed(error.to_string());
        self.survey.found[zone] = Found::Failed(error.to_string());
        self.files[zone] = None;
        if let Some(copy) = self.copies.iter_mut().find(|copy| copy.zone == zone) {
            copy.failed.get_or_insert(io::Error::new(error.kind(), error.to_string()));
        }
    }

    fn repair(&mut self, crew: &mut Crew) -> Result<(), OpenError> {
        self.size_spans();
        if self.empty() {
            self.begin(crew);
            // A zone that cannot be read may hold an older journal.
            let numbered = self.survey.found.iter().enumerate();
            let failed = numbered.filter_map(|(zone, found)| match found {
                Found::Failed(why) => Some(format!("zone {zone}: {why}")),
                _ => None,
            });
            if let Some(why) = failed.reduce(|all, one| all + "; " + &one) {
                return Err(OpenError::NoQuorum(format!("a new one needs all zones: {why}")));
            }
        }
        // Members first: what only a zone that is made anew has of the log is taken from it
        // before it is emptied.
        let mut zones: Vec<usize> = (0..self.survey.disks.len()).collect();
        zones.sort_by_key(|zone| !self.chain.members.contains(*zone));
        for zone in zones {
            let repaired = match &self.survey.found[zone] {
                _ if self.files[zone].is_some() => continue,
                Found::Voter(_) if self.chain.members.contains(zone) => self.mend(zone),
                Found::Voter(_) => self.rebuild(zone, ZoneReport::Stale),
                Found::Blank => self.rebuild(zone, ZoneReport::Lost),
                Found::Damaged => self.rebuild(zone, ZoneReport::Rotten { frames: 0, files: 1 }),
                Found::Failed(why) => {
                    self.reports[zone] = ZoneReport::Failed(why.clone());
                    continue;
                }
            };
            match repaired {
                Ok(report) => self.reports[zone] = report,
                Err(error) => self.fail(zone, &error),
            }
        }
        self.check_quorum()
    }

    /// Makes a new journal's first files, in all zones at once. The identity comes first: there is
    /// nothing yet that a voter must hold, and a segment without it would look like a journal
    /// that lost it.
    fn begin(&mut self, crew: &mut Crew) {
        let made: Arc<Mutex<BTreeMap<usize, BTreeMap<u64, SegmentFile>>>> = Arc::default();
        let mut jobs: Vec<(usize, Job)> = Vec::new();
        for (zone, found) in self.survey.found.iter().enumerate() {
            if matches!(found, Found::Failed(_)) {
                continue;
            }
            let (target, identity) = (self.target(zone), self.identity(zone));
            let (spans, made) = (self.chain.spans.clone(), made.clone());
            let job = move || {
                identity::write(target.disk.as_ref(), identity)?;
                let mut nothing = Sources { copies: &mut [], forks: &Forks::new() };
                let files = target.rebuild(&spans, &mut nothing, None)?;
                made.lock().unwrap_or_else(PoisonError::into_inner).insert(zone, files);
                Ok(())
            };
            jobs.push((zone, Box::new(job)));
        }
        for (zone, done) in crew.run(jobs) {
            if let Err(error) = done {
                self.fail(zone, &error);
            }
        }
        for (zone, files) in made.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            self.files[*zone] = Some(files.clone());
        }
    }

    /// Gives the last segment its length and room for this opening's frame, in a new segment if
    /// it must be.
    fn size_spans(&mut self) {
        let need = reserve_bytes(self.survey.disks.len());
        let mut end = self.chain.end;
        let members = self.chain.members;
        let last = self.chain.spans.last_mut().expect("a chain has a span");
        if last.bytes == 0 {
            let held = self.copies.iter().filter(|copy| members.contains(copy.zone));
            let held = held.filter_map(|copy| copy.segments.get(&last.index));
            last.bytes = held.map(|file| file.bytes).max().unwrap_or(0);
        }
        if end.offset + need <= last.bytes {
            return;
        }
        if last.bytes == 0 {
            self.chain.spans.pop();
        }
        let index = end.segment + u64::from(!self.empty());
        let bytes = segment::planned_bytes(index, need, self.options.segment_bytes);
        end = Cursor { segment: index, offset: segment::HEADER_BYTES, ..end };
        self.chain.spans.push(Span { index, bytes, first: end, end: end.offset, new: true });
        self.chain.end = end;
    }

    fn identity(&self, zone: usize) -> Identity {
        Identity { id: self.id, zone, zones: self.survey.disks.len() }
    }

    fn target(&self, zone: usize) -> Target {
        let disk = self.survey.disks[zone].clone();
        Target { id: self.id, zone, epoch: self.epoch, disk }
    }

    fn rebuild(&mut self, zone: usize, report: ZoneReport) -> io::Result<ZoneReport> {
        let target = self.target(zone);
        if let Some(copy) = self.copies.iter_mut().find(|copy| copy.zone == zone) {
            copy.segments.clear();
            copy.forget();
        }
        let mut sources = Sources { copies: &mut self.copies, forks: &self.chain.forks };
        let files = target.rebuild(&self.chain.spans, &mut sources, self.snapshot.as_ref())?;
        // Only now does it hold what a voter must.
        identity::write(target.disk.as_ref(), self.identity(zone))?;
        self.files[zone] = Some(files);
        Ok(report)
    }

    /// Writes again what a member lacks, in place, and whatever a crash may have left unsynced.
    fn mend(&mut self, zone: usize) -> io::Result<ZoneReport> {
        let target = self.target(zone);
        let place = self.copies.iter().position(|copy| copy.zone == zone);
        let place = place.expect("every voter has a copy");
        let missing = self.chain.missing[place].clone();
        let committed = self.chain.committed;
        let mut rotten_files = 0;
        let mut files = BTreeMap::new();
        for span in self.chain.spans.clone() {
            let held = self.copies[place].segments.get(&span.index);
            let held = held.filter(|file| file.bytes == span.bytes && !span.new).cloned();
            let file = match held {
                Some(file) => {
                    let ranges: Vec<Range> = (missing.iter().chain(&self.chain.tail))
                        .filter(|range| range.from.segment == span.index)
                        .copied()
                        .collect();
                    if !ranges.is_empty() || !self.vouched(place, &span) {
                        let forks = &self.chain.forks;
                        let mut sources = Sources { copies: &mut self.copies, forks };
                        target.mend(&ranges, &mut sources, file.file.as_ref())?;
                    }
                    file
                }
                None => {
                    rotten_files += u64::from(!span.new && span.first.sequence <= committed);
                    let forks = &self.chain.forks;
                    let mut sources = Sources { copies: &mut self.copies, forks };
                    target.remake(&span, &mut sources)?
                }
            };
            files.insert(span.index, file);
        }
        // What it has now serves the zones that come after it.
        self.copies[place].segments.extend(files.clone());
        self.copies[place].forget();
        // After the segments, for which it vouches.
        if let Some((meta, file)) = &self.snapshot
            && self.own_snapshots[place].as_ref() != Some(meta)
        {
            target.copy_snapshot(meta, file)?;
        }
        // A killed opening may have left names that are there and not durable: this one, or the
        // snapshot's, before which segments are removed soon. Syncing the directory settles all.
        identity::write(target.disk.as_ref(), self.identity(zone))?;
        self.files[zone] = Some(files);
        let frames = missing.iter().map(|range| range.frames_to(committed)).sum();
        Ok(match (frames, rotten_files) {
            (0, 0) => ZoneReport::Healthy,
            (frames, files) => ZoneReport::Rotten { frames, files },
        })
    }

    /// Commits the new membership; from then on the log runs.
    fn serve(mut self, crew: Crew) -> Result<Recovered, OpenError> {
        let created = self.empty();
        let mut targets = Members::NONE;
        for (zone, files) in self.files.iter().enumerate() {
            if files.is_some() {
                targets = targets.with(zone);
            }
        }
        let mut log = self.log(crew);
        log.propose(targets).map_err(|error| OpenError::NoQuorum(error.to_string()))?;
        for (zone, state) in log.zones.iter().enumerate() {
            if let ZoneHealth::Failed(why) = &state.health {
                self.reports[zone] = ZoneReport::Failed(why.clone());
            }
        }
        self.remove_strays(&log);
        let snapshot = self.snapshot.map(|(meta, file)| RecoveredSnapshot {
            sequence: meta.at.last(),
            body: SnapshotBody::new(file, meta),
        });
        Ok(Recovered { log, snapshot, reports: self.reports, created })
    }

    fn log(&mut self, crew: Crew) -> Log {
        let last = self.chain.spans.len() - 1;
        let segments = self.chain.spans.iter().enumerate().map(|(place, span)| {
            let of_zone = |files: &Option<BTreeMap<u64, SegmentFile>>| {
                files.as_ref().and_then(|files| files.get(&span.index).cloned())
            };
            Arc::new(Segment {
                index: span.index,
                bytes: span.bytes,
                first: span.first,
                end: (place != last).then_some(span.end),
                files: self.files.iter().map(of_zone).collect(),
                marks: Arc::default(),
            })
        });
        let zones = self.survey.disks.iter().zip(&self.reports).map(|(disk, report)| Zone {
            disk: disk.clone(),
            health: match report {
                ZoneReport::Failed(why) => ZoneHealth::Failed(why.clone()),
                _ => ZoneHealth::Healthy,
            },
            detached: false,
        });
        Log {
            id: self.id,
            options: self.options.clone(),
            epoch: self.epoch,
            zones: zones.collect(),
            members: self.chain.members,
            end: self.chain.end,
            // What the chain itself proves, until this opening's frame is in force.
            committed: Cursor { sequence: self.chain.committed + 1, ..self.chain.end },
            segments: Arc::new(segments.collect()),
            history: vec![(self.start.at.last().0, self.start.members)],
            snapshot: self.snapshot.as_ref().map(|(meta, _)| meta.clone()),
            crew,
            spare: Ahead::Nothing,
            stopped: None,
        }
    }

    /// Removes files that are no part of the log: temporary ones, spares, what a snapshot
    /// covers, branches that were not chosen. Failing to is harmless.
    fn remove_strays(&self, log: &Log) {
        for zone in log.members.zones() {
            let disk = &log.zones[zone].disk;
            let Ok(names) = disk.list() else { continue };
            for name in names {
                let segment = segment::index_of(&name)
                    .is_some_and(|index| log.segments.iter().any(|s| s.index == index));
                let snapshot = self
                    .snapshot
                    .as_ref()
                    .is_some_and(|(meta, _)| snapshot::name(&meta.at) == name);
                if !segment && !snapshot && name != identity::NAME {
                    let _ = disk.remove(&name);
                }
            }
        }
    }
}

/// What one reading of these zones gives, without changing anything: the snapshot's body, and
/// the payloads from the first that is kept.
#[cfg(test)]
#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) body: Option<Vec<u8>>,
    /// The sequence before the first frame.
    pub(crate) before: Sequence,
    pub(crate) frames: Vec<(Sequence, bytes::Bytes)>,
}

#[cfg(test)]
pub(crate) fn peek(disks: Vec<Arc<dyn Disk>>) -> Result<Contents, OpenError> {
    let survey = Survey::of(disks)?;
    let Some(id) = survey.identity()? else { return Ok(Contents::default()) };
    let mut opening = Opening::read(survey, id, Options::new([0; 16]))?;
    let mut body = None;
    if let Some((meta, file)) = &opening.snapshot {
        let mut bytes = Vec::new();
        let mut from = SnapshotBody::new(file.clone(), meta.clone());
        io::Read::read_to_end(&mut from, &mut bytes).expect("checked when found");
        body = Some(bytes);
    }
    let mut frames = Vec::new();
    let kept = opening.start.kept.first().map(|span| span.first);
    let mut at = kept.unwrap_or(opening.start.at);
    let before = at.last();
    while at.sequence < opening.chain.end.sequence {
        let next = Cursor { segment: at.segment + 1, offset: segment::HEADER_BYTES, ..at };
        let copies = opening.copies.iter_mut();
        let found = copies.flat_map(|copy| {
            let read = |copy: &mut Copy, place| {
                let (header, whole) = copy.frame(id, place, None)?;
                Some((header, place.past(&header), crate::copy::payload_of(&header, whole)))
            };
            read(copy, at).or_else(|| read(copy, next))
        });
        let Some((header, past, payload)) = found.into_iter().next() else { break };
        if header.kind == crate::frame::Kind::Data {
            frames.push((Sequence(header.sequence), payload));
        }
        at = past;
    }
    Ok(Contents { body, before, frames })
}
