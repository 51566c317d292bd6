//! A host in memory, for tests: as slow, failing, forgetful and mortal as it is told to be.
//! It refuses what a machine would refuse: guests without their image, volumes or networks,
//! removals of what is in use.

mod guest;
mod image;
mod network;
mod volume;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;

use aws::{BoxFuture, Zone};

use crate::{
    Error, Generation, Guest, GuestId, GuestSeen, Host, Image, ImageId, ImageSource, Network,
    NetworkId, Power, Result, Room, SnapshotId, Volume, VolumeContent, VolumeId,
};

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
    changes: broadcast::Sender<GuestId>,
}

struct Machine {
    guests: BTreeMap<GuestId, FakeGuest>,
    images: BTreeMap<ImageId, FakeImage>,
    volumes: BTreeMap<VolumeId, Volume>,
    snapshots: BTreeMap<SnapshotId, FakeSnapshot>,
    networks: BTreeMap<NetworkId, Network>,
    /// Of every guest that ever was, so that an old owner cannot bring one back.
    newest: BTreeMap<GuestId, Generation>,
    dead_zones: BTreeSet<Zone>,
    unbootable: BTreeMap<ImageId, String>,
    room: Room,
    lacks: Option<String>,
    call_takes: Duration,
    /// Of a guest's start, an image's building and a snapshot's copying.
    start_takes: Duration,
    calls: Vec<String>,
}

struct FakeGuest {
    guest: Guest,
    /// `None` when it is stopped.
    runs_from: Option<Instant>,
    console: Vec<u8>,
}

struct FakeImage {
    image: Image,
    ready_from: Instant,
}

struct FakeSnapshot {
    size_gib: u32,
    ready_from: Instant,
}

impl Default for FakeHost {
    fn default() -> Self {
        Self::judged(Box::new(|_| Fate::Happens))
    }
}

impl FakeHost {
    pub fn judged(judge: Judge) -> Self {
        let machine = Mutex::new(Machine::default());
        Self { machine, judge, changes: broadcast::Sender::new(1024) }
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
        let ended = self.machine().power_off(zone);
        self.say(ended);
    }

    pub fn heal_zone(&self, zone: Zone) {
        self.machine().dead_zones.remove(&zone);
    }

    /// The guest ends by itself.
    pub fn end_guest(&self, id: &GuestId) {
        if let Some(guest) = self.machine().guests.get_mut(id) {
            guest.runs_from = None;
        }
        self.say([id.clone()]);
    }

    /// Puts there what the guest needs: its image, volumes and networks.
    pub fn furnish(&self, guest: &Guest) {
        self.has_image(guest.image.clone());
        let mut machine = self.machine();
        for mount in &guest.volumes {
            let volume = Volume {
                id: mount.volume.clone(),
                zone: guest.zone,
                size_gib: 8,
                content: VolumeContent::Root,
                iops: None,
                throughput_mib: None,
            };
            machine.volumes.entry(mount.volume.clone()).or_insert(volume);
        }
        for interface in &guest.interfaces {
            let id = interface.network.clone();
            let (blocks, subnets, interfaces, groups) = Default::default();
            let network = Network { id: id.clone(), blocks, subnets, interfaces, groups };
            machine.networks.entry(id).or_insert(network);
        }
    }

    /// The image is there, ready.
    pub fn has_image(&self, id: ImageId) {
        let image = Image { id: id.clone(), source: ImageSource::System };
        let ready = FakeImage { image, ready_from: Instant::now() };
        self.machine().images.entry(id).or_insert(ready);
    }

    /// What [`Host::lacks`] and [`Host::room`] answer from now on.
    pub fn limit(&self, lacks: Option<&str>, room: Room) {
        let mut machine = self.machine();
        (machine.lacks, machine.room) = (lacks.map(Into::into), room);
    }

    /// What is truly there, whoever answers.
    pub fn truth(&self) -> (Vec<GuestSeen>, Vec<VolumeId>) {
        let machine = self.machine();
        let guests = machine.guests.values().map(|guest| machine.seen(guest)).collect();
        (guests, machine.volumes.keys().cloned().collect())
    }

    /// The network as it was last made.
    pub fn network(&self, id: &NetworkId) -> Option<Network> {
        self.machine().networks.get(id).cloned()
    }

    /// The guest as it was last asked for.
    pub fn asked(&self, id: &GuestId) -> Option<Guest> {
        self.machine().guests.get(id).map(|guest| guest.guest.clone())
    }

    /// The volume as it was last asked for.
    pub fn volume(&self, id: &VolumeId) -> Option<Volume> {
        self.machine().volumes.get(id).cloned()
    }

    /// The names of all calls so far that would change something.
    pub fn calls(&self) -> Vec<String> {
        self.machine().calls.clone()
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine.lock().expect("nothing that holds the machine panics")
    }

    /// Nobody may be listening.
    fn say(&self, changed: impl IntoIterator<Item = GuestId>) {
        changed.into_iter().for_each(|id| {
            let _ = self.changes.send(id);
        });
    }

    async fn call<T>(
        &self,
        name: &str,
        act: impl FnOnce(&mut Machine) -> Result<T> + Send,
    ) -> Result<T> {
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

    async fn ask<T>(&self, look: impl FnOnce(&Machine) -> Result<T> + Send) -> Result<T> {
        let takes = self.machine().call_takes;
        tokio::time::sleep(takes).await;
        look(&self.machine())
    }
}

impl Default for Machine {
    fn default() -> Self {
        Self {
            guests: BTreeMap::new(),
            images: BTreeMap::new(),
            volumes: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            networks: BTreeMap::new(),
            newest: BTreeMap::new(),
            dead_zones: BTreeSet::new(),
            unbootable: BTreeMap::new(),
            room: Room { cpus: 64, memory_mib: 256 * 1024 },
            lacks: None,
            call_takes: Duration::ZERO,
            start_takes: Duration::ZERO,
            calls: Vec::new(),
        }
    }
}

impl Machine {
    fn powered(&self, zone: Zone) -> Result<()> {
        match self.dead_zones.contains(&zone) {
            true => Err(Error::Unavailable(format!("zone {} is down", zone.letter()))),
            false => Ok(()),
        }
    }

    /// Whose guests ended.
    fn power_off(&mut self, zone: Zone) -> Vec<GuestId> {
        self.dead_zones.insert(zone);
        let there = self.guests.values_mut().filter(|guest| guest.guest.zone == zone);
        let running = there.filter_map(|guest| {
            guest.runs_from.take()?;
            Some(guest.guest.id.clone())
        });
        running.collect()
    }
}

impl Host for FakeHost {
    fn lacks(&self) -> Option<String> {
        self.machine().lacks.clone()
    }

    fn room(&self) -> Room {
        self.machine().room
    }

    fn power<'a>(&'a self, zone: Zone, power: Power) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let ended = self.call("power", move |machine| {
                if power == Power::On {
                    machine.dead_zones.remove(&zone);
                    return Ok(Vec::new());
                }
                Ok(machine.power_off(zone))
            });
            self.say(ended.await?);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests;
