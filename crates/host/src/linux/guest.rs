//! Running guests by the kernel's own means: namespaces with a range of users for each guest,
//! an overlay of image and root volume, cgroups, a filter of system calls.
//!
//! ```text
//! haneul ── job ──▶ keeper ── splits itself ──▶ starter ── into namespaces ──▶ first process
//!    │                 ▲                           │ then mounts volumes for it     │
//!    │                 └──── adopts, remembers ends┼───────────────────────────────┘
//!    └── pidfd: it ended                           └── born · runs · failed ──▶ haneul
//! ```
//!
//! Start reading in [`life`], then [`start`] and [`inside`]. What a guest holds of the machine
//! is in its record ([`state`]) before it is taken, and is given back when its life ends, at
//! once or when haneul is started again.

mod adopt;
pub mod cgroup;
mod change;
mod console;
mod device;
mod device_filter;
mod facts;
mod inside;
mod keeper;
mod kit;
mod life;
mod mounts;
pub mod parts;
mod removal;
mod seccomp;
mod spec;
mod start;
mod state;
mod sys;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use aws::{BoxFuture, Zone};
use tokio::runtime::Handle;
use tokio::sync::broadcast;

use self::cgroup::Cgroups;
use self::keeper::Keeper;
use self::kit::Kit;
use self::parts::Parts;
pub(super) use self::removal::{has_any, remove_all, running};
use self::state::{Kept, Records};
use super::{Init, Options};
use crate::{
    Error, Generation, Guest, GuestId, GuestSeen, GuestStatus, Guests, Interface, Power, Result,
    VolumeId,
};

/// Changes that a slow listener may lag behind by.
const CHANGES_MAX: usize = 4096;
/// How often consoles are trimmed and guests told of their size.
const UPKEEP_EVERY: Duration = Duration::from_secs(2);

/// See [`super::entry`].
pub(super) fn entry() {
    if std::env::args_os().nth(1).is_some_and(|argument| argument == keeper::ARGUMENT) {
        keeper::run();
    }
}

/// Runs this region's guests.
pub struct Runner {
    me: Weak<Self>,
    region: String,
    parts: Arc<dyn Parts>,
    records: Records,
    cgroups: Cgroups,
    keeper: Keeper,
    init: Init,
    kits: PathBuf,
    kit: Mutex<Option<Kit>>,
    slots: Mutex<BTreeMap<GuestId, Arc<Slot>>>,
    /// First users of ranges that guests have.
    users: Mutex<BTreeSet<u32>>,
    dark: Mutex<BTreeSet<Zone>>,
    changes: broadcast::Sender<GuestId>,
    runtime: Handle,
}

/// A guest's place, from the first call that named it.
struct Slot {
    id: GuestId,
    /// Held by whoever changes the guest, for as long as that takes.
    work: Arc<tokio::sync::Mutex<()>>,
    kept: Mutex<Kept>,
    /// Of this process only: when it is set, nobody wants the guest to begin again.
    stopping: Mutex<bool>,
}

impl Slot {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().expect("nothing panics with a record in its hands")
    }
}

impl Runner {
    /// Finds what an earlier haneul left: adopts guests that run, and removes what no record
    /// owns. Needs a runtime around it.
    pub fn open(options: &Options, parts: Arc<dyn Parts>) -> io::Result<Arc<Self>> {
        let records = Records::open(options.data.join("guests"))?;
        let kept = records.load()?;
        let region = region(&options.name);
        let keeper = Keeper::of(records.folder(), &region)?;
        let cgroups = Cgroups::find(&region)?;
        cgroups.prepare()?;
        let users = kept.values().filter_map(|kept| kept.user).collect();
        let slot = |(id, kept): (GuestId, Kept)| {
            let slot = Slot {
                id: id.clone(),
                work: Arc::default(),
                kept: Mutex::new(kept),
                stopping: Mutex::new(false),
            };
            (id, Arc::new(slot))
        };
        let runner = Arc::new_cyclic(|me| Self {
            me: me.clone(),
            region,
            parts,
            cgroups,
            keeper,
            init: options.init.clone(),
            kits: options.data.join("kit"),
            kit: Mutex::default(),
            records,
            slots: Mutex::new(kept.into_iter().map(slot).collect()),
            users: Mutex::new(users),
            dark: Mutex::default(),
            changes: broadcast::channel(CHANGES_MAX).0,
            runtime: Handle::current(),
        });
        runner.adopt().map_err(io::Error::other)?;
        runner.upkeep();
        Ok(runner)
    }

    /// Gives the volume's limits of now to the guest that uses it.
    pub async fn set_paces(&self, volume: &VolumeId) -> Result<()> {
        let has = |guest: &Guest| guest.volumes.iter().any(|mount| mount.volume == *volume);
        let Some(slot) = self.holder(has).and_then(|id| self.find(&id)) else { return Ok(()) };
        let volume = volume.clone();
        self.work(&slot, move |me, slot| me.set_pace_of(slot, &volume)).await
    }

    /// Does something while the guest stands still.
    pub fn pause(&self, id: &GuestId, act: &mut dyn FnMut()) {
        let group = self.cgroups.group(&id.0);
        group.pause();
        act();
        group.resume();
    }

    /// Takes away what the region itself holds of the machine, when it is for good and no guest
    /// is left.
    pub fn close(&self) {
        self.cgroups.remove();
        let _ = std::fs::remove_dir(facts::folder(&self.region));
    }

    fn all(&self) -> Vec<Arc<Slot>> {
        self.slots.lock().expect("nothing panics with the slots").values().cloned().collect()
    }

    fn find(&self, id: &GuestId) -> Option<Arc<Slot>> {
        self.slots.lock().expect("nothing panics with the slots").get(id).cloned()
    }

    fn slot(&self, id: &GuestId) -> Arc<Slot> {
        let mut slots = self.slots.lock().expect("nothing panics with the slots");
        let new = || Slot {
            id: id.clone(),
            work: Arc::default(),
            kept: Mutex::new(Kept::new(Generation(0))),
            stopping: Mutex::new(false),
        };
        Arc::clone(slots.entry(id.clone()).or_insert_with(|| Arc::new(new())))
    }

    /// Runs blocking work on a guest, one at a time.
    async fn work<T: Send + 'static>(
        &self,
        slot: &Arc<Slot>,
        work: impl FnOnce(&Self, &Arc<Slot>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let me = self.me.upgrade().expect("a method of a shared value runs");
        let guard = Arc::clone(&slot.work).lock_owned().await;
        let slot = Arc::clone(slot);
        let work = move || {
            let done = work(&me, &slot);
            drop(guard);
            done
        };
        let done = self.runtime.spawn_blocking(work).await;
        done.unwrap_or_else(|error| Err(Error::Unavailable(error.to_string())))
    }

    fn is_dark(&self, zone: Zone) -> bool {
        self.dark.lock().expect("nothing panics with the zones").contains(&zone)
    }

    fn powered(&self, zone: Zone) -> Result<()> {
        match self.is_dark(zone) {
            true => Err(Error::Unavailable(format!("zone {} is down", zone.letter()))),
            false => Ok(()),
        }
    }

    /// Ends the zone's guests when it goes off.
    pub async fn power(&self, zone: Zone, power: Power) -> Result<()> {
        {
            let mut dark = self.dark.lock().expect("nothing panics with the zones");
            match power {
                Power::On => dark.remove(&zone),
                Power::Off => dark.insert(zone),
            };
        }
        if power == Power::Off {
            for slot in self.all() {
                let there = slot.kept().guest.as_ref().is_some_and(|guest| guest.zone == zone);
                if there {
                    self.work(&slot, |me, slot| me.end(slot)).await?;
                }
            }
        }
        Ok(())
    }

    /// Trims consoles and tells guests of their size, as long as anybody has this host.
    fn upkeep(&self) {
        let me = self.me.clone();
        self.runtime.spawn(async move {
            let mut every = tokio::time::interval(UPKEEP_EVERY);
            loop {
                every.tick().await;
                let Some(me) = me.upgrade() else { return };
                let work = move || me.all().iter().for_each(|slot| me.keep_up(slot));
                if tokio::task::spawn_blocking(work).await.is_err() {
                    return;
                }
            }
        });
    }

    fn keep_up(&self, slot: &Slot) {
        let kept = slot.kept().clone();
        let (Some(guest), Some(life)) = (&kept.guest, &kept.life) else { return };
        let group = self.cgroups.group(&slot.id.0);
        let facts = facts::Facts::of(&self.region, &slot.id.0);
        // Both are comforts; the guest runs without.
        let _ = facts.refresh(&guest.limits, &kept.cpus, &group);
        let _ = console::trim(&console::path(&life.root, &slot.id.0));
    }

    fn say(&self, id: &GuestId) {
        // Nobody has to listen.
        let _ = self.changes.send(id.clone());
    }

    /// Whether a guest, running or not, was asked to have it.
    pub fn holder(&self, has: impl Fn(&Guest) -> bool) -> Option<GuestId> {
        let holds = |slot: &Arc<Slot>| slot.kept().guest.as_ref().is_some_and(&has);
        self.all().iter().find(|slot| holds(slot)).map(|slot| slot.id.clone())
    }
}

fn seen(id: &GuestId, kept: &Kept) -> Option<GuestSeen> {
    let guest = kept.guest.as_ref()?;
    let status = match (&kept.life, &kept.failure) {
        (Some(life), _) if life.process.is_some() => GuestStatus::Running,
        (Some(_), _) => GuestStatus::Starting,
        (None, Some(failure)) => GuestStatus::Failed(failure.clone()),
        (None, None) => GuestStatus::Stopped,
    };
    let volumes = guest.volumes.iter().map(|mount| mount.volume.clone()).collect();
    let interfaces = guest.interfaces.iter().map(|card| card.interface.clone()).collect();
    Some(GuestSeen {
        id: id.clone(),
        generation: guest.generation,
        zone: guest.zone,
        status,
        volumes,
        interfaces,
    })
}

impl Guests for Runner {
    fn ensure_guest<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            check_names(guest)?;
            let slot = self.slot(&guest.id);
            let guest = guest.clone();
            self.work(&slot, move |me, slot| me.ensure(slot, &guest)).await
        })
    }

    fn stop_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
        grace: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(slot) = self.find(id) else { return Ok(()) };
            if !grace.is_zero() {
                let asked = self.work(&slot, move |me, slot| me.ask_to_end(slot, generation));
                if let Some(process) = asked.await? {
                    // Not held meanwhile: a second call may want it ended at once.
                    let ended = tokio::time::timeout(grace, process.readable());
                    let _ = ended.await;
                }
            }
            self.work(&slot, move |me, slot| me.stop(slot, generation)).await
        })
    }

    fn remove_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let Some(slot) = self.find(id) else { return Ok(()) };
            self.work(&slot, move |me, slot| me.remove(slot, generation)).await
        })
    }

    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>>> {
        Box::pin(async move {
            let slots = self.all();
            let all = slots.iter().filter_map(|slot| seen(&slot.id, &slot.kept()));
            Ok(all.filter(|guest| !self.is_dark(guest.zone)).collect())
        })
    }

    fn guest<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>>> {
        Box::pin(async move {
            let Some(slot) = self.find(id) else { return Ok(None) };
            let seen = seen(id, &slot.kept());
            if let Some(guest) = &seen {
                self.powered(guest.zone)?;
            }
            Ok(seen)
        })
    }

    fn guest_changes(&self) -> broadcast::Receiver<GuestId> {
        self.changes.subscribe()
    }

    fn console<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(async move {
            let Some(slot) = self.find(id) else { return Ok(Vec::new()) };
            let root = slot.kept().life.as_ref().map(|life| life.root.clone());
            let path = match root {
                Some(root) => console::path(&root, &id.0),
                None => self.records.console(id),
            };
            console::tail(&path).map_err(|error| unavailable(&error))
        })
    }

    fn is_reachable<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move {
            let Some(slot) = self.find(id) else { return Ok(false) };
            let first = {
                let kept = slot.kept();
                let runs = kept.life.as_ref().is_some_and(|life| life.process.is_some());
                let first = kept.guest.as_ref().and_then(|guest| guest.interfaces.first());
                first.filter(|_| runs).cloned()
            };
            let Some(first): Option<Interface> = first else { return Ok(false) };
            let parts = Arc::clone(&self.parts);
            let asked = self.runtime.spawn_blocking(move || parts.answers(&first)).await;
            asked.unwrap_or_else(|error| Err(Error::Unavailable(error.to_string())))
        })
    }
}

/// Begins the names of everything that the kernel keeps for the region.
fn region(name: &str) -> String {
    format!("hnl-{name}")
}

/// Names become parts of paths.
fn check_names(guest: &Guest) -> Result<()> {
    let plain = |name: &str| {
        let ok = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_';
        (1..=64).contains(&name.len()) && name.chars().all(ok) && !name.starts_with('.')
    };
    let device = |name: &str| plain(name.strip_prefix("/dev/").unwrap_or(name));
    if !plain(&guest.id.0) || !plain(&guest.hostname) {
        return Err(Error::Refused("this is no name for a guest".into()));
    }
    match guest.volumes.iter().find(|mount| !device(&mount.device)) {
        Some(mount) => Err(Error::Refused(format!("{} is no name of a device", mount.device))),
        None => Ok(()),
    }
}

/// Processors that guests may be given.
pub(super) fn cpus() -> u32 {
    u32::try_from(life::cpus().len()).unwrap_or(u32::MAX)
}

fn unavailable(error: &impl std::fmt::Display) -> Error {
    Error::Unavailable(error.to_string())
}
