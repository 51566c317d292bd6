//! A host in memory, for tests: as slow, failing, forgetful and mortal as it is told to be.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::Instant;

use aws::{BoxFuture, Zone};

use crate::{Error, Generation, Guest, GuestId, GuestSeen, GuestStatus, Host, ImageId, VolumeId};

/// What becomes of a call that would change something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Happens,
    Fails,
    /// It happens, and the caller hears an error.
    LosesReply,
    /// It happens, and the caller never hears of it.
    HappensThenHangs,
    /// It does not happen, and the caller never hears of it.
    Hangs,
}

/// Asked once for each call that changes something, with its name (`ensure_guest`).
pub type Judge = Box<dyn Fn(&str) -> Fate + Send + Sync>;

pub struct FakeHost {
    machine: Mutex<Machine>,
    judge: Judge,
}

#[derive(Default)]
struct Machine {
    guests: BTreeMap<GuestId, FakeGuest>,
    volumes: BTreeSet<VolumeId>,
    /// Of every guest that ever was, so that an old owner cannot bring one back.
    newest: BTreeMap<GuestId, Generation>,
    dead_zones: BTreeSet<Zone>,
    unbootable: BTreeMap<ImageId, String>,
    call_takes: Duration,
    start_takes: Duration,
    calls: Vec<String>,
}

struct FakeGuest {
    guest: Guest,
    /// `None` when it is stopped.
    runs_from: Option<Instant>,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::judged(Box::new(|_| Fate::Happens))
    }
}

impl FakeHost {
    pub fn judged(judge: Judge) -> Self {
        Self { machine: Mutex::default(), judge }
    }

    /// Every call takes so long from now on, and every start so long until the guest runs.
    pub fn slow_down(&self, call_takes: Duration, start_takes: Duration) {
        let mut machine = self.machine();
        (machine.call_takes, machine.start_takes) = (call_takes, start_takes);
    }

    /// Guests of this image fail to start, saying `reason`.
    pub fn break_image(&self, image: ImageId, reason: &str) {
        self.machine().unbootable.insert(image, reason.into());
    }

    /// The zone's machines lose power: their guests stop, and nothing there answers.
    pub fn fail_zone(&self, zone: Zone) {
        let mut machine = self.machine();
        machine.dead_zones.insert(zone);
        let there = machine.guests.values_mut().filter(|guest| guest.guest.zone == zone);
        there.for_each(|guest| guest.runs_from = None);
    }

    pub fn heal_zone(&self, zone: Zone) {
        self.machine().dead_zones.remove(&zone);
    }

    /// The guest ends by itself.
    pub fn end_guest(&self, id: &GuestId) {
        if let Some(guest) = self.machine().guests.get_mut(id) {
            guest.runs_from = None;
        }
    }

    /// What is truly there, whoever answers.
    pub fn truth(&self) -> (Vec<GuestSeen>, Vec<VolumeId>) {
        let machine = self.machine();
        let guests = machine.guests.values().map(|guest| machine.seen(guest)).collect();
        (guests, machine.volumes.iter().cloned().collect())
    }

    /// The names of all calls so far that would change something.
    pub fn calls(&self) -> Vec<String> {
        self.machine().calls.clone()
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().expect("nothing that holds the machine panics")
    }

    async fn call(
        &self,
        name: &str,
        act: impl FnOnce(&mut Machine) -> Result<(), Error> + Send,
    ) -> Result<(), Error> {
        let takes = {
            let mut machine = self.machine();
            machine.calls.push(name.into());
            machine.call_takes
        };
        let fate = (self.judge)(name);
        tokio::time::sleep(takes).await;
        match fate {
            Fate::Happens => act(&mut self.machine()),
            Fate::Fails => Err(Error::Unavailable("told to fail".into())),
            Fate::LosesReply => {
                act(&mut self.machine())?;
                Err(Error::Unavailable("told to lose the reply".into()))
            }
            Fate::HappensThenHangs => {
                act(&mut self.machine())?;
                std::future::pending().await
            }
            Fate::Hangs => std::future::pending().await,
        }
    }
}

impl Machine {
    fn ensure(&mut self, wanted: &Guest) -> Result<(), Error> {
        self.powered(wanted.zone)?;
        self.raise(&wanted.id, wanted.generation)?;
        for volume in &wanted.volumes {
            let id = &volume.volume;
            let holder = self.guests.values().find(|other| has(other, id));
            if let Some(other) = holder.filter(|other| other.guest.id != wanted.id) {
                let message = format!("{id} belongs to {}", other.guest.id);
                return Err(Error::Refused(message));
            }
        }
        self.volumes.extend(wanted.volumes.iter().map(|mount| mount.volume.clone()));
        let now = self.guests.get(&wanted.id);
        if !now.is_some_and(|now| now.guest == *wanted && now.runs_from.is_some()) {
            let runs_from = Some(Instant::now() + self.start_takes);
            let guest = FakeGuest { guest: wanted.clone(), runs_from };
            self.guests.insert(wanted.id.clone(), guest);
        }
        Ok(())
    }

    fn stop(&mut self, id: &GuestId, generation: Generation) -> Result<(), Error> {
        if let Some(zone) = self.guests.get(id).map(|guest| guest.guest.zone) {
            self.powered(zone)?;
        }
        self.raise(id, generation)?;
        if let Some(guest) = self.guests.get_mut(id) {
            guest.runs_from = None;
        }
        Ok(())
    }

    fn remove_volume(&mut self, id: &VolumeId) -> Result<(), Error> {
        if let Some(holder) = self.guests.values().find(|guest| has(guest, id)) {
            return Err(Error::Refused(format!("{id} belongs to {}", holder.guest.id)));
        }
        self.volumes.remove(id);
        Ok(())
    }

    fn powered(&self, zone: Zone) -> Result<(), Error> {
        match self.dead_zones.contains(&zone) {
            true => Err(Error::Unavailable(format!("zone {} is down", zone.letter()))),
            false => Ok(()),
        }
    }

    fn raise(&mut self, id: &GuestId, asked: Generation) -> Result<(), Error> {
        let newest = self.newest.entry(id.clone()).or_default();
        if asked < *newest {
            return Err(Error::OldGeneration { guest: id.clone(), asked, newest: *newest });
        }
        *newest = asked;
        Ok(())
    }

    fn seen(&self, guest: &FakeGuest) -> GuestSeen {
        let status = match (guest.runs_from, self.unbootable.get(&guest.guest.image)) {
            (None, _) => GuestStatus::Stopped,
            (Some(from), _) if Instant::now() < from => GuestStatus::Starting,
            (Some(_), Some(reason)) => GuestStatus::Failed(reason.clone()),
            (Some(_), None) => GuestStatus::Running,
        };
        let Guest { id, generation, zone, volumes, .. } = guest.guest.clone();
        let volumes = volumes.into_iter().map(|mount| mount.volume).collect();
        GuestSeen { id, generation, zone, status, volumes }
    }
}

fn has(guest: &FakeGuest, id: &VolumeId) -> bool {
    guest.guest.volumes.iter().any(|mount| mount.volume == *id)
}

impl Host for FakeHost {
    fn ensure_guest<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.call("ensure_guest", |machine| machine.ensure(guest)))
    }

    fn stop_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.call("stop_guest", move |machine| machine.stop(id, generation)))
    }

    fn remove_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.call("remove_guest", move |machine| {
            machine.stop(id, generation)?;
            machine.guests.remove(id);
            Ok(())
        }))
    }

    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>, Error>> {
        Box::pin(async move {
            let takes = self.machine().call_takes;
            tokio::time::sleep(takes).await;
            let machine = self.machine();
            let alive = |guest: &&FakeGuest| !machine.dead_zones.contains(&guest.guest.zone);
            let alive = machine.guests.values().filter(alive);
            Ok(alive.map(|guest| machine.seen(guest)).collect())
        })
    }

    fn guest<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>, Error>> {
        Box::pin(async move {
            let takes = self.machine().call_takes;
            tokio::time::sleep(takes).await;
            let machine = self.machine();
            let Some(guest) = machine.guests.get(id) else { return Ok(None) };
            machine.powered(guest.guest.zone)?;
            Ok(Some(machine.seen(guest)))
        })
    }

    fn remove_volume<'a>(&'a self, id: &'a VolumeId) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(self.call("remove_volume", |machine| machine.remove_volume(id)))
    }
}

#[cfg(test)]
mod tests;
