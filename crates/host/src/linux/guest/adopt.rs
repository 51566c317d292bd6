//! What a haneul that starts does about guests of an earlier one.

use std::sync::Arc;
use std::time::Duration;

use super::facts::Facts;
use super::life::boot;
use super::spec::Ended;
use super::state::Life;
use super::{Runner, Slot, facts, keeper};
use crate::Result;

impl Runner {
    /// At start: watches what runs, gives back what ended meanwhile and what nobody owns.
    pub(super) fn adopt(&self) -> Result<()> {
        let boot = boot();
        self.keeper.hold();
        self.adopt_parts(&boot)?;
        for slot in self.all() {
            let Some(life) = slot.kept().life.clone() else { continue };
            let process = life.process.filter(|_| life.boot == boot);
            match process.and_then(|process| keeper::process(process.pid, process.start_time)) {
                Some(running) => self.watch(&slot, running),
                // Before anybody asks, so that no ended guest is seen to run.
                None => self.note_failure(&slot, self.collect_old(&slot, &life, &boot)),
            }
        }
        let process = |slot: &Arc<Slot>| slot.kept().life.as_ref().and_then(|life| life.process);
        let lives = self.all().iter().filter_map(process).map(|process| process.pid).collect();
        self.keeper.forget(lives);
        for name in self.cgroups.guests() {
            if !self.owns(&name) {
                let group = self.cgroups.group(&name);
                // What resists is tried again at the next start.
                let _ = group.kill().and_then(|()| group.remove());
            }
        }
        for entry in std::fs::read_dir(facts::folder(&self.region)).into_iter().flatten().flatten()
        {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !self.owns(&name) {
                Facts::of(&self.region, &name).remove();
            }
        }
        Ok(())
    }

    /// Whatever a life took in this boot is its own until it is given back, alive or not.
    fn adopt_parts(&self, boot: &str) -> Result<()> {
        let mut held = Vec::new();
        for slot in self.all() {
            let kept = slot.kept().clone();
            let Some(guest) = kept.guest else { continue };
            if kept.life.is_some_and(|life| life.boot == boot) {
                let volumes = guest.volumes.iter().map(|mount| mount.volume.clone());
                held.extend(volumes.map(|volume| (volume, slot.id.clone())));
            }
            // An image that is gone is told when the guest is started.
            let _ = self.parts.layers(&guest.image, &slot.id);
        }
        self.parts.adopt(&held)
    }

    fn owns(&self, name: &str) -> bool {
        let named = self.find(&crate::GuestId(name.to_owned()));
        named.is_some_and(|slot| slot.kept().life.is_some())
    }

    /// Of those that ended without haneul only an exit code tells an end of their own: the rest
    /// went down with the machine.
    fn collect_old(&self, slot: &Arc<Slot>, life: &Life, boot: &str) -> Result<()> {
        let process = life.process.filter(|_| life.boot == boot);
        let ended = process.map(|process| self.keeper.ended(process.pid));
        let own = ended.filter(|ended| matches!(ended, Ended::Code(_)));
        self.collect_ended(slot, Some(own.unwrap_or(Ended::Unknown)), Duration::ZERO)
    }
}
