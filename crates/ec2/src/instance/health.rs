//! Whether running instances answer on their networks: asked now and then, and kept.

use std::time::Duration;

use aws::{AccountId, Region, Timestamp};
use serde::{Deserialize, Serialize};
use state::reconcile::{Failure, Next, Reconciler};
use state::{Record, Scope, Stored};

use super::{Instance, Phase};
use crate::Ec2;

/// By the instance's id, from its first run to its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// `None` until it was asked.
    pub reachable: Option<bool>,
    /// Since when it does not answer.
    pub impaired_since: Option<Timestamp>,
}

impl Record for Health {
    const KIND: &'static str = "ec2.instance-health";
    const FORMAT: u32 = 1;
}

/// Whose an instance is, by its id: all that the host knows of a guest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuestOwner {
    pub account: AccountId,
    pub region: Region,
}

impl Record for GuestOwner {
    const KIND: &'static str = "ec2.guest-owner";
    const FORMAT: u32 = 1;
}

impl Ec2 {
    pub(crate) async fn guest_owner(
        &self,
        id: &str,
    ) -> Result<Option<Stored<GuestOwner>>, state::records::Error> {
        self.records().get(&Scope::Haneul, id).await
    }
}

pub struct InstanceHealth(pub Ec2);

const ASK_EVERY: Duration = Duration::from_secs(20);
/// Until it has answered once.
const FIRST: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It does not run, so nobody asks.
    Rest,
    Note(bool),
    Wait(Timestamp),
}

impl Reconciler for InstanceHealth {
    type Wanted = Health;
    /// `None` when it does not run.
    type Seen = Option<bool>;
    type Step = Step;

    async fn look(&self, wanted: &Stored<Health>) -> Result<Option<bool>, Failure> {
        let (scope, id) = (&wanted.key.scope, &wanted.key.id);
        let Some(instance) = self.0.records().get::<Instance>(scope, id).await? else {
            return Ok(None);
        };
        if instance.record.phase != Phase::Running {
            return Ok(None);
        }
        let answers = self.0.inner.host.is_reachable(&instance.record.guest_id()).await;
        Ok(Some(answers.unwrap_or(false)))
    }

    fn next_step(wanted: &Health, seen: &Option<bool>, now: Timestamp) -> Step {
        let every = if wanted.reachable == Some(true) { ASK_EVERY } else { FIRST };
        match *seen {
            None => Step::Rest,
            // A guest needs a moment before it answers for the first time.
            Some(false) if wanted.reachable.is_none() => match wanted.impaired_since {
                Some(since) if now.since(since) > ASK_EVERY => Step::Note(false),
                _ => Step::Wait(now + every),
            },
            Some(answers) if wanted.reachable == Some(answers) => Step::Wait(now + every),
            Some(answers) => Step::Note(answers),
        }
    }

    async fn run_step(&self, wanted: &Stored<Health>, step: Step) -> Result<Next, Failure> {
        let now = self.0.inner.clock.now();
        let health = match step {
            Step::Rest => return Ok(Next::Settled),
            Step::Wait(until) if wanted.record.reachable.is_some() => return Ok(Next::At(until)),
            Step::Wait(until) if wanted.record.impaired_since.is_some() => {
                return Ok(Next::At(until));
            }
            Step::Wait(_) => Health { reachable: None, impaired_since: Some(now) },
            Step::Note(true) => Health { reachable: Some(true), impaired_since: None },
            Step::Note(false) => Health { reachable: Some(false), impaired_since: Some(now) },
        };
        let mut txn = self.0.records().transaction();
        txn.update(wanted, &health);
        txn.commit().await?;
        Ok(Next::Again)
    }
}
