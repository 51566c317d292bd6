//! What to do about an instance, from its record and what is seen of its guest.

use std::collections::BTreeMap;
use std::time::Duration;

use aws::Timestamp;
use host::{GuestSeen, GuestStatus};

use super::{AttachPhase, Instance, Phase, ShutdownBehavior};

/// What the world has of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub guest: SeenGuest,
    pub image: SeenPart,
    /// Of all volumes that it is to have.
    pub volumes: SeenPart,
    /// Of the interfaces that come or go: whether the guest is to have each.
    pub interfaces: BTreeMap<String, bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenGuest {
    /// The host does not answer, as when the zone has no power.
    Unknown,
    None,
    Is(GuestSeen),
}

/// Something that a guest needs before it can start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SeenPart {
    Absent,
    /// Being made.
    Coming,
    Ready,
    Failed(String),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Rest,
    /// Look again then.
    Wait(Timestamp),
    BuildImage,
    /// Stop the guest, take the snapshots that wait for that, and say so.
    Snapshot,
    Start,
    /// The guest is as it should be, with these volumes.
    SayRunning,
    /// Volumes or interfaces come or go while it runs.
    Attach,
    SayUnseen,
    /// It was there and is not: the machine lost it. Another one is started.
    Replace,
    /// It ended by itself.
    End,
    /// It cannot run, and this is why.
    Fail(String),
    Stop,
    /// Volumes or interfaces come or go while it is stopped.
    Settle,
    Terminate,
    Forget,
}

/// A terminated instance is seen for so long.
pub const SEEN_AFTER: Duration = Duration::from_secs(3600);
const SOON: Duration = Duration::from_millis(200);
/// How often a host is asked that did not answer.
const UNSEEN_AGAIN: Duration = Duration::from_secs(5);

pub fn next_step(wanted: &Instance, seen: &Seen, now: Timestamp) -> Step {
    match wanted.phase {
        Phase::Pending | Phase::Running => run(wanted, seen, now),
        Phase::Stopping => Step::Stop,
        Phase::Stopped => {
            let settled = |one: &super::Attached| one.phase == AttachPhase::Attached;
            match wanted.volumes.iter().all(settled) && wanted.changing.is_empty() {
                true => Step::Rest,
                false => Step::Settle,
            }
        }
        Phase::ShuttingDown => Step::Terminate,
        Phase::Terminated => match wanted.since + SEEN_AFTER {
            until if now >= until => Step::Forget,
            until => Step::Wait(until),
        },
    }
}

fn run(wanted: &Instance, seen: &Seen, now: Timestamp) -> Step {
    let has_run = wanted.ran == wanted.generation;
    let guest = match &seen.guest {
        SeenGuest::Unknown if wanted.phase == Phase::Running && !wanted.unseen => {
            return Step::SayUnseen;
        }
        SeenGuest::Unknown => return Step::Wait(now + UNSEEN_AGAIN),
        SeenGuest::None if has_run => return Step::Replace,
        SeenGuest::None => return start(wanted, seen, now),
        SeenGuest::Is(guest) if guest.generation.0 < wanted.generation => {
            return start(wanted, seen, now);
        }
        SeenGuest::Is(guest) => guest,
    };
    match &guest.status {
        GuestStatus::Starting => Step::Wait(now + SOON),
        // Power that came back finds guests stopped that nobody stopped.
        GuestStatus::Stopped if wanted.unseen => Step::Replace,
        GuestStatus::Stopped => Step::End,
        GuestStatus::Failed(why) => Step::Fail(why.clone()),
        GuestStatus::Running => match said(wanted, seen, guest, has_run) {
            false => Step::SayRunning,
            true if guest_differs(wanted, seen, guest) => match &seen.volumes {
                SeenPart::Ready => Step::Attach,
                _ => Step::Wait(now + SOON),
            },
            true => Step::Rest,
        },
    }
}

/// Whether the record says what is seen.
fn said(wanted: &Instance, seen: &Seen, guest: &GuestSeen, has_run: bool) -> bool {
    let interfaces = seen.interfaces.iter().all(|(id, to_be)| has_interface(guest, id) != *to_be);
    let volume_said = |one: &super::Attached| {
        let there = guest.volumes.iter().any(|id| id.0 == one.volume);
        match one.phase {
            AttachPhase::Attaching => !there,
            AttachPhase::Attached => true,
            AttachPhase::Detaching => there,
        }
    };
    let volumes = wanted.volumes.iter().all(volume_said);
    wanted.phase == Phase::Running && has_run && !wanted.unseen && volumes && interfaces
}

fn has_interface(guest: &GuestSeen, id: &str) -> bool {
    guest.interfaces.iter().any(|one| one.0 == id)
}

fn guest_differs(wanted: &Instance, seen: &Seen, guest: &GuestSeen) -> bool {
    let want = wanted.wanted_volumes();
    seen.interfaces.iter().any(|(id, to_be)| has_interface(guest, id) != *to_be)
        || want.len() != guest.volumes.len()
        || want.iter().any(|one| !guest.volumes.iter().any(|id| id.0 == one.volume))
}

fn start(wanted: &Instance, seen: &Seen, now: Timestamp) -> Step {
    if !wanted.snapshots.is_empty() {
        return Step::Snapshot;
    }
    match (&seen.image, &seen.volumes) {
        (SeenPart::Failed(why), _) | (_, SeenPart::Failed(why)) => Step::Fail(why.clone()),
        (SeenPart::Absent, _) => Step::BuildImage,
        (_, SeenPart::Absent) => Step::Fail("a volume of it is gone".into()),
        (SeenPart::Coming, _) | (_, SeenPart::Coming) => Step::Wait(now + SOON),
        (SeenPart::Ready, SeenPart::Ready) => Step::Start,
    }
}

impl ShutdownBehavior {
    /// Where an instance goes whose guest ended by itself.
    pub fn phase(self) -> Phase {
        match self {
            Self::Stop => Phase::Stopping,
            Self::Terminate => Phase::ShuttingDown,
        }
    }
}
