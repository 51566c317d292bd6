//! Has the host take snapshots, and says how far they are.

use std::time::Duration;

use aws::Timestamp;
use host::{SnapshotId, VolumeId};
use state::Stored;
use state::reconcile::{Failure, Next, Reconciler};

use super::{Phase, Snapshot};
use crate::Ec2;

pub struct Snapshots(pub Ec2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Rest,
    Take,
    /// It is taken and being copied.
    Progress(u8),
    /// Somebody else takes it.
    Wait,
    Remove,
}

const LOOK_AGAIN: Duration = Duration::from_secs(1);
const COMPLETE: u8 = 100;

impl Reconciler for Snapshots {
    type Wanted = Snapshot;
    /// How far the host's is; `None` when there is none.
    type Seen = Option<u8>;
    type Step = Step;

    async fn look(&self, wanted: &Stored<Snapshot>) -> Result<Option<u8>, Failure> {
        if wanted.record.phase != Phase::Pending {
            return Ok(None);
        }
        let all = self.0.inner.host.snapshots().await?;
        let mine = all.into_iter().find(|seen| seen.id.0 == wanted.record.host);
        Ok(mine.map(|seen| seen.percent))
    }

    fn next_step(wanted: &Snapshot, seen: &Option<u8>, _: Timestamp) -> Step {
        match (&wanted.phase, seen) {
            (Phase::Pending, Some(percent)) => Step::Progress(*percent),
            (Phase::Pending, None) if wanted.taken_by.is_some() => Step::Wait,
            (Phase::Pending, None) => Step::Take,
            (Phase::Completed | Phase::Failed(_), _) => Step::Rest,
            (Phase::Deleting, _) => Step::Remove,
        }
    }

    async fn run_step(&self, wanted: &Stored<Snapshot>, step: Step) -> Result<Next, Failure> {
        let again = || Next::At(self.0.inner.clock.now() + LOOK_AGAIN);
        match step {
            Step::Rest => Ok(Next::Settled),
            Step::Wait => Ok(again()),
            Step::Take => self.take(wanted).await,
            Step::Progress(percent) if percent < COMPLETE => {
                if percent > wanted.record.percent {
                    self.put(wanted, Snapshot { percent, ..wanted.record.clone() }).await?;
                }
                Ok(again())
            }
            Step::Progress(percent) => {
                let completed = Some(self.0.inner.clock.now());
                let phase = Phase::Completed;
                let now = Snapshot { percent, completed, phase, ..wanted.record.clone() };
                self.put(wanted, now).await?;
                Ok(Next::Settled)
            }
            Step::Remove => self.remove(wanted).await,
        }
    }
}

impl Snapshots {
    async fn put(&self, wanted: &Stored<Snapshot>, now: Snapshot) -> Result<(), Failure> {
        let mut txn = self.0.records().transaction();
        txn.update(wanted, &now);
        txn.commit().await?;
        Ok(())
    }

    async fn take(&self, wanted: &Stored<Snapshot>) -> Result<Next, Failure> {
        let snapshot = &wanted.record;
        let id = SnapshotId(snapshot.host.clone());
        let volume = VolumeId(snapshot.volume.clone());
        match self.0.inner.host.ensure_snapshot(&id, &volume).await {
            Ok(()) => Ok(Next::Again),
            Err(host::Error::Refused(why) | host::Error::NoRoom(why)) => {
                self.put(wanted, Snapshot { phase: Phase::Failed(why), ..snapshot.clone() })
                    .await?;
                Ok(Next::Settled)
            }
            Err(other) => Err(other.into()),
        }
    }

    async fn remove(&self, wanted: &Stored<Snapshot>) -> Result<Next, Failure> {
        let (scope, snapshot) = (&wanted.key.scope, &wanted.record);
        let data = self.0.snapshot_data(&snapshot.host).await.map_err(aws::Error::from)?;
        let mut txn = self.0.records().transaction();
        if let Some(data) = data {
            if data.record.is_last_user(scope, &snapshot.id) {
                let id = SnapshotId(snapshot.host.clone());
                self.0.inner.host.remove_snapshot(&id).await?;
                txn.delete(&data);
            } else {
                txn.update(&data, &data.record.without(scope, &snapshot.id));
            }
        }
        txn.delete(wanted);
        let drop = self.0.drop_tags(&mut txn, scope, &snapshot.id).await;
        drop.map_err(aws::Error::from)?;
        txn.commit().await?;
        Ok(Next::Settled)
    }
}
