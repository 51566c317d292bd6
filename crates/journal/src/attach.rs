//! Bringing a zone back while the log runs: copy everything into it, then make it a member.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::ZoneHealth;
use crate::chain::{Forks, Range};
use crate::disk::{Disk, DiskFile};
use crate::frames::copies_of;
use crate::identity::{self, Identity};
use crate::log::{Log, View};
use crate::recover::open_files_max;
use crate::repair::{Sources, Target, copy_range};
use crate::segment::SegmentFile;
use crate::shelf::Shelf;
use crate::snapshot::{self, Meta};

/// So much may be copied while commits wait.
const REST_BYTES: u64 = 1 << 20;
/// A log that grows faster than it is copied is waited for in the end.
const ROUNDS_MAX: usize = 20;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReattachError {
    #[error("there is no journal zone {0}")]
    NoZone(usize),
    #[error("journal zone {0} is in use already")]
    InUse(usize),
    /// The directory is another zone's or another journal's; nothing in it was touched.
    #[error("not this journal's zone: {0}")]
    WrongZone(String),
    #[error("journal zone {zone} could not be caught up: {why}")]
    Failed { zone: usize, why: String },
}

/// A zone being caught up. Copying runs beside commits; only [`Attach::finish`] holds the log.
pub(crate) struct Attach {
    target: Target,
    view: View,
    snapshot: Option<(Meta, Arc<dyn DiskFile>)>,
    files: BTreeMap<u64, SegmentFile>,
}

impl Attach {
    pub(crate) fn begin(
        log: &mut Log,
        zone: usize,
        disk: Option<Arc<dyn Disk>>,
    ) -> Result<Attach, ReattachError> {
        let zones = log.zones.len();
        let state = log.zones.get_mut(zone).ok_or(ReattachError::NoZone(zone))?;
        if !matches!(state.health, ZoneHealth::Failed(_)) {
            return Err(ReattachError::InUse(zone));
        }
        let failed = |why: String| ReattachError::Failed { zone, why };
        if let Some(why) = &log.stopped {
            return Err(failed(why.clone()));
        }
        let most = open_files_max(&log.options, zones);
        let disk = disk.map(|disk| Shelf::over(disk, most));
        let disk = disk.unwrap_or_else(|| state.disk.clone());
        let known = identity::read(disk.as_ref()).map_err(|error| failed(error.to_string()))?;
        if let Some(known) = known
            && (known.id != log.id || known.zone != zone)
        {
            return Err(ReattachError::WrongZone(format!("it is zone {}", known.zone)));
        }
        state.disk = disk.clone();
        state.health = ZoneHealth::CatchingUp;
        // A spare made while it was a member loses its name when the zone is wiped.
        log.forget_spare_of(zone);
        let snapshot = log.snapshot.clone().and_then(|meta| {
            let name = snapshot::name(&meta.at);
            let mut files = log.members.zones().map(|member| log.zones[member].disk.open(&name));
            files.find_map(Result::ok).map(|file| (meta, file))
        });
        let target = Target { id: log.id, zone, epoch: log.epoch, disk };
        Ok(Attach { target, view: log.view(), snapshot, files: BTreeMap::new() })
    }

    /// Copies the log as of the beginning.
    pub(crate) fn copy(&mut self) -> Result<(), ReattachError> {
        let mut copies = copies_of(&self.view);
        let spans = self.view.spans();
        let mut sources = Sources { copies: &mut copies, forks: &Forks::new() };
        let rebuilt = self.target.rebuild(&spans, &mut sources, self.snapshot.as_ref());
        self.files = rebuilt.map_err(|error| self.failed(error.to_string()))?;
        Ok(())
    }

    /// Copies what was committed since, while that is much: what is left is copied while nothing
    /// can be committed.
    pub(crate) fn follow(&mut self, now: impl Fn() -> View) -> Result<(), ReattachError> {
        for _ in 0..ROUNDS_MAX {
            let now = now();
            let before = self.view.end;
            let more = now.spans().into_iter().map(|span| match span.index.cmp(&before.segment) {
                Ordering::Less => 0,
                Ordering::Equal => span.end - before.offset,
                Ordering::Greater => span.end,
            });
            if more.sum::<u64>() <= REST_BYTES {
                return Ok(());
            }
            self.copy_until(now).map_err(|error| self.failed(error.to_string()))?;
        }
        Ok(())
    }

    fn failed(&self, why: String) -> ReattachError {
        ReattachError::Failed { zone: self.target.zone, why }
    }

    /// Copies what was committed meanwhile and makes the zone a member.
    pub(crate) fn finish(mut self, log: &mut Log) -> Result<(), ReattachError> {
        let zone = self.target.zone;
        let joined = self.join(log);
        if let Err(ReattachError::Failed { why, .. }) = &joined {
            log.zones[zone].health = ZoneHealth::Failed(why.clone());
        }
        joined
    }

    fn join(&mut self, log: &mut Log) -> Result<(), ReattachError> {
        if let Some(why) = &log.stopped {
            return Err(self.failed(why.clone()));
        }
        let zone = self.target.zone;
        self.copy_until(log.view()).map_err(|error| self.failed(error.to_string()))?;
        let zones = log.zones.len();
        let identity = Identity { id: log.id, zone, zones };
        identity::write(self.target.disk.as_ref(), identity)
            .map_err(|error| self.failed(error.to_string()))?;

        for segment in Arc::make_mut(&mut log.segments) {
            let file = self.files.get(&segment.index).cloned();
            Arc::make_mut(segment).files[zone] = file;
        }
        let joined = log.members.with(zone);
        log.ensure_room(0, joined).map_err(|error| self.failed(error.to_string()))?;
        log.propose(joined).map_err(|error| self.failed(error.to_string()))?;
        if !log.members.contains(zone) {
            return Err(self.failed("it failed again while joining".to_owned()));
        }
        Ok(())
    }

    fn copy_until(&mut self, now: View) -> std::io::Result<()> {
        let mut copies = copies_of(&now);
        let mut sources = Sources { copies: &mut copies, forks: &Forks::new() };
        let before = self.view.end;
        for span in now.spans() {
            let Some(held) = self.files.get(&span.index) else {
                let made = self.target.remake(&span, &mut sources)?;
                self.files.insert(span.index, made);
                continue;
            };
            if span.index == before.segment && before.offset < span.end {
                let range = Range { from: before, end: span.end, frames: 0 };
                copy_range(now.id, &mut sources, &range, held.file.as_ref())?;
                held.file.sync_data(crate::SyncReason::CatchUp)?;
            }
        }
        self.view = now;
        Ok(())
    }
}
