//! Volumes and interfaces that come and go while their guest runs.

use std::sync::Arc;

use super::cgroup::{Group, Pace};
use super::keeper;
use super::parts::Disk;
use super::spec::{Job, Node};
use super::state::{Life, Process};
use super::{Runner, Slot, unavailable};
use crate::{Error, Guest, InterfaceId, Result, VolumeId, VolumeMount};

impl Runner {
    /// Volumes and interfaces after the first come and go while the guest runs.
    pub(super) fn change(
        &self,
        slot: &Arc<Slot>,
        now: &Guest,
        life: &Life,
        wanted: &Guest,
    ) -> Result<()> {
        if now == wanted {
            return Ok(());
        }
        let like_now = Guest {
            volumes: now.volumes.clone(),
            interfaces: now.interfaces.clone(),
            ..wanted.clone()
        };
        let firsts = now.volumes.first() == wanted.volumes.first()
            && now.interfaces.first() == wanted.interfaces.first();
        let Some(process) = life.process.filter(|_| firsts && like_now == *now) else {
            return Err(Error::Refused("it needs a higher generation".into()));
        };
        for mount in now.volumes.iter().filter(|mount| !wanted.volumes.contains(mount)) {
            self.take_volume(slot, process, &mount.volume)?;
        }
        for card in now.interfaces.iter().filter(|card| !wanted.interfaces.contains(card)) {
            self.parts.unplug(&card.interface)?;
            self.in_life(slot, |life| life.cards.retain(|(id, _)| *id != card.interface));
        }
        // Recorded before anything is taken, so that it is given back whatever happens.
        slot.kept().guest = Some(wanted.clone());
        self.keep(slot)?;
        for mount in wanted.volumes.iter().skip(1) {
            self.give_volume(slot, process, mount)?;
        }
        for card in wanted.interfaces.iter().skip(1) {
            let number = self.card_number(slot, &card.interface);
            let mbit = wanted.limits.bandwidth_mbit;
            self.parts.plug(card, process.pid, &card_name(number), mbit)?;
        }
        self.note(slot)
    }

    fn give_volume(&self, slot: &Arc<Slot>, process: Process, mount: &VolumeMount) -> Result<()> {
        let disks = slot.kept().life.as_ref().map(|life| life.disks.clone()).unwrap_or_default();
        if disks.iter().any(|(volume, _)| *volume == mount.volume) {
            return Ok(());
        }
        let group = self.cgroups.group(&slot.id.0);
        let disk = self.parts.attach(&mount.volume, &slot.id)?;
        set_pace(&group, disk)?;
        let node = node(disk, mount, &disks);
        let all = numbers(&disks).into_iter().chain([(disk.major, disk.minor)]);
        let all: Vec<_> = all.collect();
        group.allow_disks(&all, None).map_err(|error| unavailable(&error))?;
        let Process { pid, start_time } = process;
        let user = user(slot)?;
        self.enter(&Job::AddNode { pid, start_time, user, node: node.clone() })?;
        self.in_life(slot, |life| life.disks.push((mount.volume.clone(), node)));
        Ok(())
    }

    fn take_volume(&self, slot: &Arc<Slot>, process: Process, volume: &VolumeId) -> Result<()> {
        let disks = slot.kept().life.as_ref().map(|life| life.disks.clone()).unwrap_or_default();
        if let Some((_, node)) = disks.iter().find(|(id, _)| id == volume) {
            let Process { pid, start_time } = process;
            let user = user(slot)?;
            self.enter(&Job::RemoveNode { pid, start_time, user, node: node.clone() })?;
            let rest: Vec<_> = disks.iter().filter(|(id, _)| id != volume).cloned().collect();
            let group = self.cgroups.group(&slot.id.0);
            let gone = Some((node.major, node.minor));
            group.allow_disks(&numbers(&rest), gone).map_err(|error| unavailable(&error))?;
        }
        self.parts.detach(volume)?;
        self.in_life(slot, |life| life.disks.retain(|(id, _)| id != volume));
        Ok(())
    }

    pub(super) fn set_pace_of(&self, slot: &Arc<Slot>, volume: &VolumeId) -> Result<()> {
        let runs = slot.kept().life.as_ref().is_some_and(|life| life.process.is_some());
        if !runs {
            return Ok(());
        }
        let disk = self.parts.attach(volume, &slot.id)?;
        let group = self.cgroups.group(&slot.id.0);
        let pace = group.set_pace((disk.major, disk.minor), disk.pace);
        pace.map_err(|error| unavailable(&error))
    }

    fn enter(&self, job: &Job) -> Result<()> {
        let gone = |error: std::io::Error| unavailable(&format!("the guest's devices: {error}"));
        let mut answer = self.keeper.job(job).map_err(gone)?;
        let done: std::result::Result<(), String> = keeper::read(&mut answer).map_err(gone)?;
        done.map_err(|error| unavailable(&error))
    }

    /// The number that it has, or the lowest that is free.
    fn card_number(&self, slot: &Slot, interface: &InterfaceId) -> u32 {
        let mut kept = slot.kept();
        let Some(life) = &mut kept.life else { return 0 };
        if let Some((_, number)) = life.cards.iter().find(|(id, _)| id == interface) {
            return *number;
        }
        let free = |number: &u32| life.cards.iter().all(|(_, taken)| taken != number);
        let number = (1..).find(free).unwrap_or(u32::MAX);
        life.cards.push((interface.clone(), number));
        number
    }
}

fn user(slot: &Slot) -> Result<u32> {
    slot.kept().user.ok_or_else(|| unavailable(&"the guest has no users"))
}

pub(super) fn card_name(number: u32) -> String {
    format!("eth{number}")
}

pub(super) fn set_pace(group: &Group, disk: Disk) -> Result<()> {
    let limited = disk.pace != Pace::default();
    match limited {
        true => group.set_pace((disk.major, disk.minor), disk.pace),
        false => Ok(()),
    }
    .map_err(|error| unavailable(&error))
}

pub(super) fn numbers(disks: &[(VolumeId, Node)]) -> Vec<(u32, u32)> {
    disks.iter().map(|(_, node)| (node.major, node.minor)).collect()
}

/// As a Nitro instance shows it: a name by order, and the asked names as links.
pub(super) fn node(disk: Disk, mount: &VolumeMount, others: &[(VolumeId, Node)]) -> Node {
    let taken = |name: &String| others.iter().any(|(_, node)| node.name == *name);
    let names = (1..).map(|number: u32| format!("nvme{number}n1"));
    let name = names.into_iter().find(|name| !taken(name)).unwrap_or_default();
    let asked = mount.device.strip_prefix("/dev/").unwrap_or(&mount.device).to_owned();
    let mut links = vec![asked.clone()];
    if let Some(letter) = asked.strip_prefix("sd") {
        links.push(format!("xvd{letter}"));
    } else if let Some(letter) = asked.strip_prefix("xvd") {
        links.push(format!("sd{letter}"));
    }
    links.retain(|link| *link != name);
    Node { major: disk.major, minor: disk.minor, name, links }
}
