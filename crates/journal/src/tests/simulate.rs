//! Random operations, faults and crashes against the model, from a seed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use bytes::Bytes;

use super::model::{Model, payload};
use crate::attach::Attach;
use crate::crew::Crew;
use crate::frame::Members;
use crate::frames::Frames;
use crate::log::Log;
use crate::maintain::{self, SnapshotPlan};
use crate::recover::{self, Contents, OpenError};
use crate::sim::{Image, Power, SimDisk, draw};
use crate::{
    CommitError, Disk, Frame, Options, Place, Sequence, SyncReason, ZoneHealth, ZoneReport,
};

const ZONES: usize = 3;

/// What a run leaves out or breaks on purpose.
#[derive(Clone, Copy, Default)]
pub(super) struct Sabotage {
    pub(super) skip: Option<SyncReason>,
    /// Zones whose syncs do nothing from the start to the end.
    pub(super) liars: usize,
    pub(super) taste: Taste,
    /// Whether the owner makes checkpoints or snapshots; either where it does not matter.
    pub(super) keeps: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Tampering {
    Rotten,
    Lying,
    Wiped,
    Stale,
}

/// What a run does more often than other things, so that what is rare is met in few seeds.
#[derive(Clone, Copy, Default, PartialEq)]
pub(super) enum Taste {
    #[default]
    Mixed,
    /// Snapshots, cut off in the middle.
    Snapshots,
    /// Zones that fail and come back.
    Returns,
}

type Check = Result<(), String>;

struct Sim {
    seed: u64,
    power: Power,
    zones: Vec<SimDisk>,
    log: Option<Log>,
    model: Model,
    /// The one zone whose durable contents were tampered with and not yet seen whole again.
    victim: Option<usize>,
    tampering: Tampering,
    /// A zone will be found failing.
    failing: Option<usize>,
    images: Vec<Option<Image>>,
    /// Zones that have ever been members.
    joined: Members,
    /// A fault is on, so that refusals are no surprise.
    troubled: bool,
    full: bool,
    /// The owner makes checkpoints, not snapshots.
    keeps: bool,
    sabotage: Sabotage,
    /// What was done, for whoever replays a seed.
    story: Vec<String>,
}

/// Runs `steps` random steps; an error is a broken promise.
pub(super) fn run(seed: u64, steps: usize, sabotage: Sabotage) -> Check {
    let done = catch_unwind(AssertUnwindSafe(|| Sim::new(seed, sabotage).run(steps)));
    done.unwrap_or_else(|_| Err("panic".into()))
}

impl Sim {
    fn new(seed: u64, sabotage: Sabotage) -> Sim {
        let mut seed = seed ^ 0x5eed_0000;
        let keeps = sabotage.keeps.unwrap_or(draw(&mut seed).is_multiple_of(2));
        let power = Power::default();
        let zones: Vec<_> =
            (0..ZONES).map(|_| SimDisk::new(draw(&mut seed), power.clone())).collect();
        for (number, zone) in zones.iter().enumerate() {
            zone.skip_sync(sabotage.skip);
            zone.set_syncs_lie(number < sabotage.liars);
        }
        Sim {
            seed,
            power,
            zones,
            log: None,
            model: Model::default(),
            victim: (sabotage.liars == 1).then_some(0),
            tampering: Tampering::Lying,
            failing: None,
            images: vec![None; ZONES],
            joined: Members::NONE,
            troubled: false,
            full: false,
            keeps,
            sabotage,
            story: Vec::new(),
        }
    }

    fn tell(&mut self, what: String) {
        if std::env::var_os("HANEUL_STORY").is_some() {
            self.story.push(what);
        }
    }

    fn draw(&mut self, below: u64) -> u64 {
        draw(&mut self.seed) % below
    }

    fn zone(&mut self) -> usize {
        usize::try_from(self.draw(ZONES as u64)).unwrap()
    }

    fn run(&mut self, steps: usize) -> Check {
        let done = self.walk(steps);
        done.map_err(|why| format!("{why}\n{}", self.story.join("\n")))
    }

    fn walk(&mut self, steps: usize) -> Check {
        self.open()?;
        for _ in 0..steps {
            if self.log.as_ref().is_none_or(|log| log.stopped.is_some()) || self.power.failed() {
                self.crash()?;
            }
            self.step()?;
        }
        self.crash()?;
        self.durable()
    }

    fn step(&mut self) -> Check {
        if self.sabotage.taste != Taste::Mixed && self.draw(3) == 0 {
            return self.taste();
        }
        let choice = self.draw(40);
        self.tell(format!("step {choice}, victim {:?} {:?}", self.victim, self.tampering));
        match choice {
            0..22 => self.append(),
            22..24 => self.snapshot(),
            24 => self.scrub(),
            25..28 => self.reattach(),
            28..30 => self.cut_soon(),
            30 => self.crash(),
            31 => self.close(),
            32..35 => self.fail_zone(),
            35 => self.rot(),
            36 => self.lie(),
            37 => self.fill(),
            38 => {
                let zone = self.zone();
                // What is damaged already would be damaged twice when it is put back.
                if self.victim != Some(zone) {
                    self.images[zone] = Some(self.zones[zone].image());
                }
                Ok(())
            }
            _ => self.durable(),
        }
    }

    fn taste(&mut self) -> Check {
        if self.sabotage.taste == Taste::Returns {
            self.fail_zone()?;
        }
        self.append()?;
        if self.log.as_ref().is_none_or(|log| log.stopped.is_some()) {
            return Ok(());
        }
        match self.sabotage.taste {
            Taste::Snapshots => {
                let operations = self.draw(24) + 8;
                self.power.fail_after(operations);
                self.troubled = true;
                self.snapshot()
            }
            Taste::Returns | Taste::Mixed => self.reattach(),
        }
    }

    fn cut_soon(&mut self) -> Check {
        let operations = self.draw(40);
        self.power.fail_after(operations);
        self.troubled = true;
        Ok(())
    }

    // ---- opening and crashing ----

    fn disks(&self) -> Vec<Arc<dyn Disk>> {
        self.zones.iter().map(|zone| Arc::new(zone.clone()) as Arc<dyn Disk>).collect()
    }

    /// Ends faults that a restart ends, and those of this simulation's zones altogether.
    fn heal(&mut self) {
        self.power.restore();
        for (number, zone) in self.zones.iter().enumerate() {
            zone.heal();
            zone.set_syncs_lie(number < self.sabotage.liars);
        }
        self.troubled = false;
        self.failing = None;
        self.full = false;
    }

    fn crash(&mut self) -> Check {
        if self.log.is_some() && !self.power.failed() {
            self.durable()?;
        }
        self.log = None;
        self.heal();
        self.stop_machine();
        self.open()
    }

    /// Kills the process, cuts the power, or has a zone lost or returned stale on top.
    fn stop_machine(&mut self) {
        if self.victim.is_some() || self.draw(3) > 0 {
            self.tell("cut power".into());
            self.zones.iter().for_each(SimDisk::cut_power);
        }
        if self.victim.is_some() || self.draw(4) > 0 {
            return;
        }
        let zone = self.zone();
        if !self.may_lose(zone) {
            return;
        }
        if self.draw(2) == 0 {
            self.zones[zone].wipe();
            self.tampering = Tampering::Wiped;
        } else if let Some(image) = &self.images[zone] {
            self.zones[zone].restore(image);
            self.tampering = Tampering::Stale;
        } else {
            return;
        }
        self.victim = Some(zone);
    }

    fn close(&mut self) -> Check {
        if self.victim.is_some() {
            return self.crash();
        }
        if let Some(log) = &mut self.log {
            log.finish_spare();
        }
        self.log = None;
        self.heal();
        self.open()
    }

    /// Opens, crashing on the way some times, and checks what was found.
    fn open(&mut self) -> Check {
        for attempt in 0.. {
            let mut away = None;
            if attempt < 4 {
                match self.draw(6) {
                    0 => {
                        let operations = self.draw(90);
                        self.power.fail_after(operations);
                    }
                    1 if self.victim.is_none() => away = Some(self.zone()),
                    2 if self.victim.is_none() => {
                        let zone = self.zone();
                        self.zones[zone].fail_next_sync();
                        away = Some(zone);
                        let operations = self.draw(90);
                        self.power.fail_after(operations);
                    }
                    _ => {}
                }
            }
            if let Some(zone) = away {
                let offline = self.draw(2) == 0;
                self.zones[zone].set_offline(offline);
            }
            let nonce = [draw(&mut self.seed).to_le_bytes(), draw(&mut self.seed).to_le_bytes()];
            let nonce = nonce.concat().try_into().unwrap();
            // Zones that come back meet the end of a segment more often in small ones.
            let segment_bytes = if self.sabotage.taste == Taste::Returns { 8 } else { 16 } * 1024;
            let options = Options { segment_bytes, open_files_max: 9, ..Options::new(nonce) };
            let crew = Crew::Alone { seed: draw(&mut self.seed) };
            let opened = recover::open(self.disks(), options, crew);
            let told = opened.as_ref().map(|r| (r.log.members, r.log.end, r.reports.clone()));
            self.tell(format!("open, {away:?} away: {told:?}"));
            if self.power.failed() {
                self.heal();
                // An opening that did not end may have brought the zone back already.
                if self.tampering == Tampering::Wiped {
                    self.tampering = Tampering::Stale;
                }
                if self.draw(3) > 0 {
                    self.zones.iter().for_each(SimDisk::cut_power);
                }
                continue;
            }
            match opened {
                Ok(recovered) => return self.opened(recovered, away),
                // A new journal is not begun while a zone cannot be read.
                Err(OpenError::NoQuorum(_))
                    if away.is_some() && self.model.acknowledged.is_empty() =>
                {
                    self.heal();
                }
                // A liar may lose the identity and keep the segment while the journal is made.
                Err(OpenError::NoQuorum(_))
                    if self.sabotage.liars > 0 && self.model.acknowledged.is_empty() =>
                {
                    self.zones.iter().for_each(SimDisk::wipe);
                }
                Err(error) => return Err(format!("refused to open: {error}")),
            }
        }
        unreachable!("the fifth attempt meets no fault")
    }

    fn opened(&mut self, recovered: recover::Recovered, away: Option<usize>) -> Check {
        self.heal();
        let body = recovered.snapshot.map(|mut snapshot| {
            let mut bytes = Vec::new();
            std::io::Read::read_to_end(&mut snapshot.body, &mut bytes).map(|_| bytes)
        });
        let mut body = body.transpose().map_err(|error| error.to_string())?;
        let mut frames = crate::journal::recovery_frames(&recovered.log);
        let meta = recovered.log.snapshot.as_ref();
        let keeps = meta.is_some_and(|meta| !meta.kept.is_empty());
        let checkpoint = meta.filter(|_| body.as_ref().is_some_and(Vec::is_empty));
        if let Some(covered) = checkpoint.map(|meta| meta.at.last()) {
            // The owner has its view elsewhere; what is kept of the log must say the same.
            let after = pairs(read(frames)?);
            self.model.check(Some(self.model.view(covered)), after)?;
            let view = recovered.log.view();
            let before = view.first().last();
            body = Some(self.model.view(before));
            let fixed = view.clone();
            frames = Frames::after(view, before, Box::new(move || fixed.clone()))
                .map_err(|error| error.to_string())?;
        }
        let frames = read(frames)?;
        self.pick(&recovered.log, &frames)?;
        let found = self.model.check(body, pairs(frames))?;
        self.model.opened(found);
        for (zone, report) in recovered.reports.iter().enumerate() {
            self.check_report(zone, report, away)?;
        }
        self.log = Some(recovered.log);
        let kept_rot = keeps && matches!(self.tampering, Tampering::Rotten | Tampering::Lying);
        if kept_rot {
            // Opening does not read what is kept; a scrub will.
            self.tampering = Tampering::Rotten;
        } else if self.sabotage.liars == 0 && self.whole() {
            // What was tampered with has been written again.
            self.victim = None;
        }
        self.durable()
    }

    /// Some frames by their places alone.
    fn pick(&mut self, log: &Log, frames: &[Frame]) -> Check {
        for _ in 0..frames.len().min(4) {
            let number = usize::try_from(self.draw(frames.len() as u64)).unwrap();
            let Frame { place, payload, .. } = &frames[number];
            let pick = log.view().pick(*place).map_err(|error| error.to_string())?;
            let (found, _) =
                pick.payload(*place, payload.len()).map_err(|error| error.to_string())?;
            if found != payload {
                return Err(format!("another payload is at {place:?}"));
            }
        }
        Ok(())
    }

    fn check_report(&self, zone: usize, report: &ZoneReport, away: Option<usize>) -> Check {
        let good = match report {
            ZoneReport::Failed(_) => away == Some(zone),
            ZoneReport::Healthy => {
                !(self.tampering == Tampering::Wiped && self.victim == Some(zone))
                    || self.model.acknowledged.is_empty()
            }
            ZoneReport::Lost | ZoneReport::Rotten { .. } => {
                self.victim == Some(zone) || !self.joined.contains(zone)
            }
            ZoneReport::Stale => true,
        };
        if good { Ok(()) } else { Err(format!("zone {zone} is reported {report:?}")) }
    }

    fn whole(&self) -> bool {
        self.log.as_ref().is_some_and(|log| log.members.count() == ZONES)
    }

    // ---- the promise ----

    /// Every healthy zone by itself holds everything acknowledged, durably.
    fn durable(&mut self) -> Check {
        let Some(log) = &self.log else { return Ok(()) };
        self.joined = Members(self.joined.0 | log.members.0);
        for zone in log.members.zones() {
            if self.victim == Some(zone) {
                continue;
            }
            let alone: Vec<SimDisk> =
                (0..ZONES).map(|seed| SimDisk::new(seed as u64, Power::default())).collect();
            alone[zone].restore(&self.zones[zone].image());
            let disks = alone.into_iter().map(|disk| Arc::new(disk) as Arc<dyn Disk>).collect();
            let held = recover::peek(disks).map_err(|error| error.to_string());
            held.and_then(|Contents { mut body, before, frames }| {
                let certain = self.model.acknowledged.len();
                if body.as_ref().is_some_and(Vec::is_empty) {
                    body = Some(self.model.view(before));
                }
                let found = Model::read(body, frames)?;
                if found.len() < certain || found[..certain] != self.model.acknowledged {
                    return Err(format!("{certain} acknowledged, {} found", found.len()));
                }
                Ok(())
            })
            .map_err(|why| format!("zone {zone} is healthy and not whole on disk: {why}"))?;
        }
        Ok(())
    }

    // ---- operations ----

    fn append(&mut self) -> Check {
        let count = self.draw(5) + 1;
        let numbers = self.model.submit(count);
        let payloads: Vec<_> = numbers.iter().map(|number| payload(*number)).collect();
        let log = self.log.as_mut().expect("open");
        let done = log.append(&payloads);
        let told = format!("append {numbers:?}: {done:?}, members {:?}", log.members);
        self.tell(told);
        let log = self.log.as_mut().expect("open");
        match done {
            Ok(first) => self.model.acknowledge(first.sequence, &numbers),
            Err(CommitError::Unknown(why)) => {
                if !self.troubled {
                    return Err(format!("unknown without a fault that explains it: {why}"));
                }
                self.model.doubt(numbers);
            }
            Err(CommitError::Unavailable(why)) => {
                let explained = self.troubled || self.full || log.stopped.is_some();
                if !explained {
                    return Err(format!("refused without a fault: {why}"));
                }
                // Room comes back and everything goes on.
                if self.full && self.draw(2) == 0 {
                    self.full = false;
                    self.zones.iter().for_each(|zone| zone.set_capacity(None));
                }
            }
        }
        Ok(())
    }

    fn snapshot(&mut self) -> Check {
        let log = self.log.as_mut().expect("open");
        let committed = log.committed.last().0;
        let upto = Sequence(draw(&mut self.seed) % (committed + 1));
        let first = log.segments.first().map_or(0, |segment| segment.index);
        let segments = log.end.segment + 1 - first;
        let segment = first + draw(&mut self.seed) % segments;
        let (view, plan) = match self.keeps {
            true => {
                let plan = SnapshotPlan::checkpoint(log, upto, Place { segment, offset: 0 });
                (Vec::new(), plan)
            }
            false => (self.model.view(upto), SnapshotPlan::begin(log, upto)),
        };
        let plan = match plan {
            Ok(Some(plan)) => plan,
            Ok(None) => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        let written = match plan.write(&mut &view[..]) {
            Ok(written) => written,
            Err(_) if self.troubled || self.victim.is_some() => return Ok(()),
            Err(error) => return Err(error.to_string()),
        };
        match written.finish(log) {
            Ok(remains) => remains.remove(),
            Err(_) if self.troubled || self.full => {}
            Err(error) => return Err(error.to_string()),
        }
        Ok(())
    }

    fn scrub(&mut self) -> Check {
        let log = self.log.as_mut().expect("open");
        let report = maintain::scrub_of(log).run();
        maintain::drop_failed(log, &report);
        if self.power.failed() || self.troubled {
            return Ok(());
        }
        if !report.lost.is_empty() {
            return Err(format!("a scrub lost {:?}", report.lost));
        }
        for found in report.zones {
            let clean = found.rotten_frames == 0 && found.rotten_files == 0;
            let touched = [self.victim, self.failing].contains(&Some(found.zone));
            let well = clean && found.failure.is_none();
            if !touched && !well {
                return Err(format!("a scrub found {found:?} in an untouched zone"));
            }
        }
        if self.sabotage.liars == 0 && self.whole() && self.tampering == Tampering::Rotten {
            self.victim = None;
        }
        self.durable()
    }

    fn reattach(&mut self) -> Check {
        let log = self.log.as_mut().expect("open");
        let failed = (0..ZONES).find(|zone| log.zones[*zone].health != ZoneHealth::Healthy);
        let Some(zone) = failed else { return Ok(()) };
        self.zones[zone].heal();
        self.failing = None;
        self.zones[zone].set_syncs_lie(zone < self.sabotage.liars);
        let began = Attach::begin(log, zone, None);
        let mut attach = match began {
            Ok(attach) => attach,
            Err(error) if self.troubled => {
                drop(error);
                return Ok(());
            }
            Err(error) => return Err(error.to_string()),
        };
        let copied = attach.copy();
        // What is committed while it copies may fill a segment and go on in the next.
        for _ in 0..self.draw(6) {
            if copied.is_ok() && self.log.as_ref().is_some_and(|log| log.stopped.is_none()) {
                self.append()?;
            }
        }
        let log = self.log.as_mut().expect("open");
        let joined = match copied {
            Ok(()) => attach.finish(log),
            Err(error) => {
                log.zones[zone].health = ZoneHealth::Failed(error.to_string());
                Err(error)
            }
        };
        match joined {
            Err(error) if !self.troubled && !self.full => Err(error.to_string()),
            _ if self.power.failed() => Ok(()),
            _ => self.durable(),
        }
    }

    // ---- faults ----

    /// A zone that never joined proves nothing, so with another one lost the third cannot.
    fn may_lose(&self, zone: usize) -> bool {
        self.joined.with(zone).count() == ZONES
    }

    /// A zone whose writes or syncs fail from now on, or once; it will be dropped.
    fn fail_zone(&mut self) -> Check {
        if self.victim.is_some() || self.troubled || self.failing.is_some() || !self.whole() {
            return Ok(());
        }
        let zone = self.zone();
        self.failing = Some(zone);
        match self.draw(5) {
            0 => self.zones[zone].set_writes_fail(true),
            1 => self.zones[zone].set_syncs_fail(true),
            2 => self.zones[zone].set_offline(true),
            _ => self.zones[zone].fail_next_sync(),
        }
        Ok(())
    }

    fn rot(&mut self) -> Check {
        if self.victim.is_none() && !self.troubled && self.failing.is_none() {
            let zone = self.zone();
            if self.may_lose(zone) && self.zones[zone].rot("") {
                self.tampering = Tampering::Rotten;
                self.victim = Some(zone);
            }
        }
        Ok(())
    }

    fn lie(&mut self) -> Check {
        let zone = self.zone();
        let free = self.victim.is_none() && !self.troubled && self.failing.is_none();
        if free && self.may_lose(zone) {
            self.zones[zone].set_syncs_lie(true);
            self.tampering = Tampering::Lying;
            self.victim = Some(zone);
        }
        Ok(())
    }

    fn fill(&mut self) -> Check {
        let at_sync = self.draw(2) == 0;
        let room = self.draw(30_000);
        for zone in &self.zones {
            zone.set_capacity_at_sync(at_sync);
            zone.set_capacity(Some(zone.used_bytes() + room));
        }
        self.full = true;
        Ok(())
    }
}

fn pairs(frames: Vec<Frame>) -> Vec<(Sequence, Bytes)> {
    frames.into_iter().map(|frame| (frame.sequence, frame.payload)).collect()
}

fn read(frames: Frames) -> Result<Vec<Frame>, String> {
    frames.collect::<Result<_, _>>().map_err(|error| error.to_string())
}

/// A seed that fails prints itself; `HANEUL_SEED` replays it.
/// `HANEUL_STORY=1` has it tell the steps.
fn check(seed: u64) {
    if let Err(why) = run(seed, 40, Sabotage::default()) {
        panic!("seed {seed}: {why}");
    }
}

#[test]
fn nothing_acknowledged_is_lost() {
    let seeds = if std::env::var_os("HANEUL_SOAK").is_some() { 100_000 } else { 1_000 };
    let first = std::env::var("HANEUL_SEED").ok().map(|seed| seed.parse().unwrap());
    match first {
        Some(seed) => check(seed),
        None => (0..seeds).for_each(check),
    }
}
