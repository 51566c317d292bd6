use std::time::Duration;

use tokio::sync::broadcast;
use tokio::time::Instant;

use aws::BoxFuture;

use super::{FakeGuest, FakeHost, Machine};
use crate::{
    Error, Generation, Guest, GuestId, GuestSeen, GuestStatus, Guests, NetworkId, Result, VolumeId,
};

impl Machine {
    fn ensure(&mut self, wanted: &Guest) -> Result<()> {
        self.powered(wanted.zone)?;
        self.raise(&wanted.id, wanted.generation)?;
        self.check_parts(wanted)?;
        let now = self.guests.get_mut(&wanted.id);
        if let Some(now) = now
            && now.guest.generation == wanted.generation
            && now.runs_from.is_some()
        {
            now.guest.volumes.clone_from(&wanted.volumes);
            now.guest.interfaces.clone_from(&wanted.interfaces);
            return match now.guest == *wanted {
                true => Ok(()),
                false => Err(Error::Refused("it needs a higher generation".into())),
            };
        }
        let runs_from = Some(Instant::now() + self.start_takes);
        let console = format!("{} started as generation {}\n", wanted.id, wanted.generation);
        let console = console.into_bytes();
        let guest = FakeGuest { guest: wanted.clone(), runs_from, console };
        self.guests.insert(wanted.id.clone(), guest);
        Ok(())
    }

    fn check_parts(&self, wanted: &Guest) -> Result<()> {
        let image = self.images.get(&wanted.image);
        if image.is_none_or(|image| image.ready_from > Instant::now()) {
            return Err(Error::Refused(format!("there is no image {} yet", wanted.image)));
        }
        for mount in &wanted.volumes {
            let id = &mount.volume;
            let Some(volume) = self.volumes.get(id) else {
                return Err(Error::Refused(format!("there is no volume {id}")));
            };
            if volume.zone != wanted.zone {
                return Err(Error::Refused(format!("{id} is in another zone")));
            }
            let holder = self.guests.values().find(|other| has_volume(other, id));
            if let Some(other) = holder.filter(|other| other.guest.id != wanted.id) {
                return Err(Error::Refused(format!("{id} belongs to {}", other.guest.id)));
            }
        }
        let mut networks = wanted.interfaces.iter().map(|interface| &interface.network);
        match networks.find(|network| !self.networks.contains_key(network)) {
            Some(network) => Err(Error::Refused(format!("there is no network {network}"))),
            None => Ok(()),
        }
    }

    fn stop(&mut self, id: &GuestId, generation: Generation) -> Result<()> {
        if let Some(zone) = self.guests.get(id).map(|guest| guest.guest.zone) {
            self.powered(zone)?;
        }
        self.raise(id, generation)?;
        if let Some(guest) = self.guests.get_mut(id) {
            guest.runs_from = None;
        }
        Ok(())
    }

    fn raise(&mut self, id: &GuestId, asked: Generation) -> Result<()> {
        let newest = self.newest.entry(id.clone()).or_default();
        if asked < *newest {
            return Err(Error::OldGeneration { guest: id.clone(), asked, newest: *newest });
        }
        *newest = asked;
        Ok(())
    }

    pub(super) fn seen(&self, guest: &FakeGuest) -> GuestSeen {
        let status = match (guest.runs_from, self.unbootable.get(&guest.guest.image)) {
            (None, _) => GuestStatus::Stopped,
            (Some(from), _) if Instant::now() < from => GuestStatus::Starting,
            (Some(_), Some(reason)) => GuestStatus::Failed(reason.clone()),
            (Some(_), None) => GuestStatus::Running,
        };
        let Guest { id, generation, zone, volumes, interfaces, .. } = guest.guest.clone();
        let volumes = volumes.into_iter().map(|mount| mount.volume).collect();
        let interfaces = interfaces.into_iter().map(|card| card.interface).collect();
        GuestSeen { id, generation, zone, status, volumes, interfaces }
    }

    pub(super) fn holder_of_volume(&self, id: &VolumeId) -> Option<&GuestId> {
        let holder = self.guests.values().find(|guest| has_volume(guest, id))?;
        Some(&holder.guest.id)
    }

    pub(super) fn holder_of_network(&self, id: &NetworkId) -> Option<&GuestId> {
        let has = |guest: &&FakeGuest| guest.guest.interfaces.iter().any(|i| i.network == *id);
        Some(&self.guests.values().find(has)?.guest.id)
    }
}

fn has_volume(guest: &FakeGuest, id: &VolumeId) -> bool {
    guest.guest.volumes.iter().any(|mount| mount.volume == *id)
}

impl Guests for FakeHost {
    fn ensure_guest<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.call("ensure_guest", |machine| machine.ensure(guest)).await?;
            self.say([guest.id.clone()]);
            Ok(())
        })
    }

    fn stop_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
        _grace: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.call("stop_guest", move |machine| machine.stop(id, generation)).await?;
            self.say([id.clone()]);
            Ok(())
        })
    }

    fn remove_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("remove_guest", move |machine| {
            machine.stop(id, generation)?;
            machine.guests.remove(id);
            Ok(())
        }))
    }

    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>>> {
        Box::pin(self.ask(|machine| {
            let alive = |guest: &&FakeGuest| !machine.dead_zones.contains(&guest.guest.zone);
            let alive = machine.guests.values().filter(alive);
            Ok(alive.map(|guest| machine.seen(guest)).collect())
        }))
    }

    fn guest<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>>> {
        Box::pin(self.ask(move |machine| {
            let Some(guest) = machine.guests.get(id) else { return Ok(None) };
            machine.powered(guest.guest.zone)?;
            Ok(Some(machine.seen(guest)))
        }))
    }

    fn guest_changes(&self) -> broadcast::Receiver<GuestId> {
        self.changes.subscribe()
    }

    fn console<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(self.ask(move |machine| {
            Ok(machine.guests.get(id).map(|guest| guest.console.clone()).unwrap_or_default())
        }))
    }

    fn is_reachable<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<bool>> {
        Box::pin(self.ask(move |machine| {
            let seen = machine.guests.get(id).map(|guest| machine.seen(guest).status);
            Ok(seen == Some(GuestStatus::Running))
        }))
    }
}
