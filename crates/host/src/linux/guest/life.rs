//! A guest's life: what is taken for it, in which order, and how all of it is given back.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustix::process::{Signal, pidfd_send_signal};
use tokio::io::unix::AsyncFd;

use super::change::{card_name, node, numbers, set_pace};
use super::facts::Facts;
use super::keeper;
use super::kit::Kit;
use super::spec::{Ended, GO, Job, Progress, Start, USERS};
use super::state::{Kept, Life, Process};
use super::{Runner, Slot, console, sys, unavailable};
use crate::{Error, Generation, Guest, Result, VolumeMount};

/// What a first process ends with when its guest wants to begin again.
const REBOOT: i32 = 100;
/// A guest that reboots at once, again and again, costs the machine no more than this often.
const REBOOT_EVERY: Duration = Duration::from_secs(1);
/// The kernel ends what was killed in milliseconds, unless a disk does not answer.
const KILLED_TIMEOUT: Duration = Duration::from_secs(30);

/// Users that no distribution and no systemd hands out.
const USERS_FIRST: u32 = 0x7000_0000;
const USERS_RANGES: u32 = 4094;

impl Runner {
    pub(super) fn ensure(&self, slot: &Arc<Slot>, wanted: &Guest) -> Result<()> {
        self.powered(wanted.zone)?;
        self.raise(slot, wanted.generation)?;
        let kept = slot.kept().clone();
        if let Some(now) = kept.guest.as_ref().filter(|now| now.generation == wanted.generation) {
            if let Some(life) = kept.life.as_ref().filter(|life| life.process.is_some()) {
                return self.change(slot, now, life, wanted);
            }
            if kept.failure.is_some() {
                return Ok(());
            }
        }
        self.end(slot)?;
        self.begin(slot, wanted)
    }

    /// Refuses who was replaced. Does not yet remember the new generation: what is recorded
    /// next does.
    fn raise(&self, slot: &Slot, asked: Generation) -> Result<()> {
        let mut kept = slot.kept();
        if asked < kept.generation {
            let newest = kept.generation;
            return Err(Error::OldGeneration { guest: slot.id.clone(), asked, newest });
        }
        kept.generation = asked;
        Ok(())
    }

    fn begin(&self, slot: &Arc<Slot>, wanted: &Guest) -> Result<()> {
        *slot.stopping.lock().expect("nothing panics with it") = false;
        let Some((root, others)) = wanted.volumes.split_first() else {
            return Err(Error::Refused("a guest needs a root volume".into()));
        };
        for mount in &wanted.volumes {
            let has = |other: &Guest| other.volumes.iter().any(|own| own.volume == mount.volume);
            if let Some(other) = self.holder(|other| other.id != wanted.id && has(other)) {
                return Err(Error::Refused(format!("{} belongs to {other}", mount.volume)));
            }
        }
        let layers = self.parts.layers(&wanted.image, &slot.id)?;
        let user = self.users_of(slot)?;
        let cpus = self.choose_cpus(wanted.limits.cpus);
        {
            let mut kept = slot.kept();
            kept.guest = Some(wanted.clone());
            kept.failure = None;
            kept.user = Some(user);
            kept.cpus = cpus;
            kept.life = Some(Life {
                boot: boot(),
                process: None,
                root: Default::default(),
                disks: Vec::new(),
                cards: Vec::new(),
            });
        }
        self.keep(slot)?;
        let begun = self.furnish(slot, wanted, root, others, layers, user);
        match begun {
            Ok(Ok(running)) => {
                self.watch(slot, running);
                self.say(&slot.id);
                Ok(())
            }
            Ok(Err(failure)) => {
                self.release(slot)?;
                slot.kept().failure = Some(failure);
                self.note(slot)?;
                self.say(&slot.id);
                Ok(())
            }
            Err(error) => {
                // It never ran, so it must not read as one that ended. The first cause is what
                // the caller can do something about.
                let _ = self.forget(slot);
                Err(error)
            }
        }
    }

    /// Takes everything and starts the first process. The inner error is the guest's own.
    fn furnish(
        &self,
        slot: &Arc<Slot>,
        wanted: &Guest,
        root: &VolumeMount,
        others: &[VolumeMount],
        layers: Vec<std::path::PathBuf>,
        user: u32,
    ) -> Result<std::result::Result<OwnedFd, String>> {
        let id = &slot.id;
        let kit = self.kit()?;
        let cpus = slot.kept().cpus.clone();
        let group = self.cgroups.group(&id.0);
        group.create(&wanted.limits, &cpus).map_err(|error| unavailable(&error))?;
        let (folder, root_disk) = self.parts.mount_root(&root.volume, id)?;
        if let Some(disk) = root_disk {
            set_pace(&group, disk)?;
        }
        let mut disks = Vec::new();
        for mount in others {
            let disk = self.parts.attach(&mount.volume, id)?;
            set_pace(&group, disk)?;
            disks.push((mount.volume.clone(), node(disk, mount, &disks)));
        }
        let numbers = numbers(&disks);
        group.allow_disks(&numbers, None).map_err(|error| unavailable(&error))?;
        let facts = Facts::of(&self.region, &id.0);
        facts.create(&wanted.limits, &cpus).map_err(|error| unavailable(&error))?;
        let console = console::path(&folder, &id.0);
        console::begin(&console, &self.records.console(id)).map_err(|error| unavailable(&error))?;
        self.in_life(slot, |life| {
            life.root.clone_from(&folder);
            life.disks.clone_from(&disks);
        });
        let start = Start {
            hostname: wanted.hostname.clone(),
            address: wanted.interfaces.first().map(|card| card.private_address.to_string()),
            user,
            layers,
            root: folder,
            kit: kit.folder,
            console,
            command: kit.command,
            cgroups: group.doors(),
            facts: facts.files(),
            nodes: disks.into_iter().map(|(_, node)| node).collect(),
        };
        self.converse(slot, wanted, start)
    }

    fn converse(
        &self,
        slot: &Arc<Slot>,
        wanted: &Guest,
        start: Start,
    ) -> Result<std::result::Result<OwnedFd, String>> {
        let gone = |error: std::io::Error| unavailable(&format!("the starter: {error}"));
        let mut starter = self.keeper.job(&Job::Start(Box::new(start))).map_err(gone)?;
        let process = match keeper::read(&mut starter).map_err(gone)? {
            Progress::Born { pid, start_time } => Process { pid, start_time },
            Progress::Failed(failure) => return Ok(Err(failure)),
            Progress::Runs => return Err(unavailable(&"the starter runs ahead")),
        };
        let Some(running) = keeper::process(process.pid, process.start_time) else {
            return match keeper::read(&mut starter).map_err(gone)? {
                Progress::Failed(failure) => Ok(Err(failure)),
                _ => Err(unavailable(&"the first process is gone")),
            };
        };
        for (number, card) in (0..).zip(&wanted.interfaces) {
            let mbit = wanted.limits.bandwidth_mbit;
            self.parts.plug(card, process.pid, &card_name(number), mbit)?;
            self.in_life(slot, |life| life.cards.push((card.interface.clone(), number)));
        }
        self.in_life(slot, |life| life.process = Some(process));
        self.note(slot)?;
        starter.get_ref().write_all(GO.as_bytes()).map_err(gone)?;
        match keeper::read(&mut starter).map_err(gone)? {
            Progress::Runs => Ok(Ok(running)),
            Progress::Failed(failure) => Ok(Err(failure)),
            Progress::Born { .. } => Err(unavailable(&"the starter repeats itself")),
        }
    }

    /// Waits for the end of a running guest, aside.
    pub(super) fn watch(&self, slot: &Arc<Slot>, running: OwnedFd) {
        let (me, slot) = (self.me.clone(), Arc::clone(slot));
        let begun = Instant::now();
        let life = slot.kept().life.clone();
        self.runtime.spawn(async move {
            let Ok(running) = sys::watch(running) else { return };
            let _ = running.readable().await;
            let Some(me) = me.upgrade() else { return };
            let collect = move |me: &Runner, slot: &Arc<Slot>| {
                let process = |life: &Option<Life>| life.as_ref().and_then(|life| life.process);
                if process(&slot.kept().life) != process(&life) {
                    return Ok(());
                }
                let rest = REBOOT_EVERY.saturating_sub(begun.elapsed());
                me.collect_after(slot, rest)
            };
            let collected = me.work(&slot, collect).await;
            me.note_failure(&slot, collected);
        });
    }

    pub(super) fn note_failure(&self, slot: &Arc<Slot>, done: Result<()>) {
        if let Err(error) = done {
            tracing::warn!(guest = %slot.id, %error, "what a guest left could not be put in order");
            self.say(&slot.id);
        }
    }

    fn collect_after(&self, slot: &Arc<Slot>, rest: Duration) -> Result<()> {
        let process = slot.kept().life.as_ref().and_then(|life| life.process);
        let ended = process.map(|process| self.keeper.ended(process.pid));
        self.collect_ended(slot, ended, rest)
    }

    /// Gives back what an ended guest held, and begins it again if that is what it wanted.
    pub(super) fn collect_ended(
        &self,
        slot: &Arc<Slot>,
        ended: Option<Ended>,
        rest: Duration,
    ) -> Result<()> {
        let kept = slot.kept().clone();
        if kept.life.is_none() {
            return Ok(());
        }
        let stopping = *slot.stopping.lock().expect("nothing panics with it");
        let unasked = kept.guest.as_ref().is_some_and(|guest| guest.generation == kept.generation);
        let guest = kept.guest.filter(|guest| !self.is_dark(guest.zone) && !stopping);
        let again = kept.rebooting || ended == Some(Ended::Code(REBOOT));
        match guest.filter(|_| again) {
            Some(guest) => {
                slot.kept().rebooting = true;
                self.release_all(slot)?;
                // Held meanwhile, because a guest that reboots is never seen stopped.
                let _ = rustix::thread::nanosleep(&rustix::thread::Timespec {
                    tv_sec: 0,
                    tv_nsec: rest.subsec_nanos().into(),
                });
                slot.kept().rebooting = false;
                self.begin(slot, &guest)
            }
            None => {
                // The machine or the keeper went down with one whose end nobody saw.
                match ended == Some(Ended::Unknown) && unasked && !stopping {
                    true => self.forget(slot)?,
                    false => self.release(slot)?,
                }
                self.say(&slot.id);
                Ok(())
            }
        }
    }

    /// Tells the first process to end. Answers what to wait for; nothing when it does not run.
    pub(super) fn ask_to_end(
        &self,
        slot: &Arc<Slot>,
        generation: Generation,
    ) -> Result<Option<AsyncFd<OwnedFd>>> {
        self.zone_powered(slot)?;
        self.raise(slot, generation)?;
        let process = slot.kept().life.as_ref().and_then(|life| life.process);
        let Some(process) = process else { return Ok(None) };
        let Some(running) = keeper::process(process.pid, process.start_time) else {
            return Ok(None);
        };
        *slot.stopping.lock().expect("nothing panics with it") = true;
        pidfd_send_signal(&running, Signal::POWER).map_err(|error| unavailable(&error))?;
        sys::watch(running).map(Some).map_err(|error| unavailable(&error))
    }

    pub(super) fn stop(&self, slot: &Arc<Slot>, generation: Generation) -> Result<()> {
        self.zone_powered(slot)?;
        let raised = slot.kept().generation < generation;
        self.raise(slot, generation)?;
        let ran = slot.kept().life.is_some();
        self.end(slot)?;
        if raised && !ran {
            self.keep(slot)?;
        }
        if ran {
            self.say(&slot.id);
        }
        Ok(())
    }

    pub(super) fn remove(&self, slot: &Arc<Slot>, generation: Generation) -> Result<()> {
        self.zone_powered(slot)?;
        self.raise(slot, generation)?;
        self.end(slot)?;
        self.records.remove(&slot.id, generation).map_err(|error| unavailable(&error))?;
        self.parts.forget(&slot.id);
        let mut kept = slot.kept();
        if let Some(user) = kept.user {
            self.users.lock().expect("nothing panics with the users").remove(&user);
        }
        *kept = Kept::new(kept.generation);
        Ok(())
    }

    fn zone_powered(&self, slot: &Slot) -> Result<()> {
        let zone = slot.kept().guest.as_ref().map(|guest| guest.zone);
        zone.map_or(Ok(()), |zone| self.powered(zone))
    }

    /// Ends it, whether it runs, begins or is half gone.
    pub(super) fn end(&self, slot: &Arc<Slot>) -> Result<()> {
        let Some(life) = slot.kept().life.clone() else { return Ok(()) };
        *slot.stopping.lock().expect("nothing panics with it") = true;
        let process = life.process.filter(|_| life.boot == boot());
        let running = process.and_then(|process| keeper::process(process.pid, process.start_time));
        if let Some(running) = running {
            // The kernel ends everything in the guest before it ends its first process.
            let _ = pidfd_send_signal(&running, Signal::KILL);
            if !keeper::wait(&running.as_fd(), KILLED_TIMEOUT) {
                return Err(unavailable(&"a process of the guest does not end"));
            }
        }
        if let Some(process) = process {
            // So that the keeper does not remember it for ever.
            self.keeper.ended(process.pid);
        }
        self.release(slot)
    }

    /// Gives back what the life held, and records that it is over.
    fn release(&self, slot: &Arc<Slot>) -> Result<()> {
        self.release_all(slot)?;
        slot.kept().life = None;
        self.keep(slot)
    }

    /// Gives back what the life held, and the guest is seen no more: whoever wants it starts
    /// another one.
    fn forget(&self, slot: &Arc<Slot>) -> Result<()> {
        self.release_all(slot)?;
        {
            let mut kept = slot.kept();
            (kept.guest, kept.life) = (None, None);
        }
        self.keep(slot)
    }

    fn release_all(&self, slot: &Arc<Slot>) -> Result<()> {
        let kept = slot.kept().clone();
        let (Some(guest), Some(life)) = (&kept.guest, &kept.life) else { return Ok(()) };
        let group = self.cgroups.group(&slot.id.0);
        group.kill().and_then(|()| group.remove()).map_err(|error| unavailable(&error))?;
        Facts::of(&self.region, &slot.id.0).remove();
        for card in &guest.interfaces {
            self.parts.unplug(&card.interface)?;
        }
        let end = console::tail(&console::path(&life.root, &slot.id.0)).unwrap_or_default();
        if !end.is_empty() {
            let kept = self.records.console(&slot.id);
            std::fs::write(kept, end).map_err(|error| unavailable(&error))?;
        }
        let mut volumes = guest.volumes.iter().map(|mount| &mount.volume);
        if let Some(root) = volumes.next() {
            self.parts.unmount_root(root)?;
            self.parts.detach(root)?;
        }
        for volume in volumes {
            self.parts.detach(volume)?;
        }
        Ok(())
    }

    pub(super) fn in_life(&self, slot: &Slot, change: impl FnOnce(&mut Life)) {
        if let Some(life) = &mut slot.kept().life {
            change(life);
        }
    }

    pub(super) fn keep(&self, slot: &Slot) -> Result<()> {
        let kept = slot.kept().clone();
        self.records.keep(&slot.id, &kept).map_err(|error| unavailable(&error))
    }

    pub(super) fn note(&self, slot: &Slot) -> Result<()> {
        let kept = slot.kept().clone();
        self.records.note(&slot.id, &kept).map_err(|error| unavailable(&error))
    }

    fn kit(&self) -> Result<Kit> {
        let mut kit = self.kit.lock().expect("nothing panics with the kit");
        if let Some(kit) = &*kit {
            return Ok(kit.clone());
        }
        let made = Kit::make(&self.kits, &self.init);
        let made = made.map_err(|error| Error::Refused(format!("the first program: {error}")))?;
        Ok(kit.insert(made).clone())
    }

    /// A guest keeps its range for as long as it is remembered: files may carry it.
    fn users_of(&self, slot: &Slot) -> Result<u32> {
        if let Some(user) = slot.kept().user {
            return Ok(user);
        }
        let mut taken = self.users.lock().expect("nothing panics with the users");
        let mut region = DefaultHasher::new();
        self.region.hash(&mut region);
        // Two regions on a machine do not know of each other; they seldom meet like this.
        let first = u32::try_from(region.finish() % u64::from(USERS_RANGES)).unwrap_or(0);
        let range = |n: u32| USERS_FIRST + (first + n) % USERS_RANGES * USERS;
        let free = (0..USERS_RANGES).map(range).find(|user| !taken.contains(user));
        let free = free.ok_or_else(|| Error::NoRoom("all ranges of users are taken".into()))?;
        taken.insert(free);
        Ok(free)
    }

    /// Those that the fewest guests were given.
    fn choose_cpus(&self, count: u32) -> Vec<u32> {
        let mut load: Vec<(usize, u32)> = cpus().into_iter().map(|cpu| (0, cpu)).collect();
        for slot in self.all() {
            let kept = slot.kept();
            for entry in load.iter_mut().filter(|_| kept.life.is_some()) {
                entry.0 += usize::from(kept.cpus.contains(&entry.1));
            }
        }
        load.sort_unstable();
        let count = usize::try_from(count).unwrap_or(usize::MAX).max(1);
        let mut chosen: Vec<u32> = load.into_iter().take(count).map(|(_, cpu)| cpu).collect();
        chosen.sort_unstable();
        chosen
    }
}

/// Processors that this process may use.
pub fn cpus() -> Vec<u32> {
    let set = rustix::thread::sched_getaffinity(None);
    let has = |cpu: &u32| {
        let cpu = usize::try_from(*cpu).unwrap_or(usize::MAX);
        set.as_ref().is_ok_and(|set| set.is_set(cpu))
    };
    (0..1024).filter(has).collect()
}

/// Says which boot of the machine this is.
pub(super) fn boot() -> String {
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    id.trim().to_owned()
}
