//! Makes the host's volumes like the records.

use aws::Timestamp;
use host::{VolumeContent, VolumeId};
use state::reconcile::{Failure, Next, Reconciler};
use state::{Scope, Stored};

use super::{Content, Phase, Volume};
use crate::{Ec2, client_token};

pub struct Volumes(pub Ec2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Rest,
    /// Make it, or bring it to its new size and speed, and say so.
    Ensure,
    Remove,
}

impl Reconciler for Volumes {
    type Wanted = Volume;
    /// What a host's volume is, is in its record alone.
    type Seen = ();
    type Step = Step;

    async fn look(&self, _: &Stored<Volume>) -> Result<(), Failure> {
        Ok(())
    }

    fn next_step(wanted: &Volume, (): &(), _: Timestamp) -> Step {
        let modifying = wanted.modification.as_ref().is_some_and(|last| last.ended.is_none());
        match wanted.phase {
            Phase::Creating => Step::Ensure,
            Phase::Available if modifying => Step::Ensure,
            Phase::Available | Phase::Failed(_) => Step::Rest,
            Phase::Deleting => Step::Remove,
        }
    }

    async fn run_step(&self, wanted: &Stored<Volume>, step: Step) -> Result<Next, Failure> {
        match step {
            Step::Rest => Ok(Next::Settled),
            Step::Ensure => self.ensure(wanted).await,
            Step::Remove => self.remove(wanted).await,
        }
    }
}

impl Volumes {
    async fn ensure(&self, wanted: &Stored<Volume>) -> Result<Next, Failure> {
        let outcome = self.0.inner.host.ensure_volume(&wanted.record.on_host()).await;
        let failed = match outcome {
            Ok(()) => None,
            Err(host::Error::Refused(why) | host::Error::NoRoom(why)) => Some(why),
            Err(other) => return Err(other.into()),
        };
        let mut now = wanted.record.clone();
        let at = self.0.inner.clock.now();
        match (&mut now.modification, now.phase == Phase::Creating) {
            (Some(last), false) => {
                last.ended = Some(at);
                if failed.is_some() {
                    now.performance = last.original;
                    last.failed = failed;
                }
            }
            _ => now.phase = failed.map_or(Phase::Available, Phase::Failed),
        }
        let mut txn = self.0.records().transaction();
        txn.update(wanted, &now);
        txn.commit().await?;
        Ok(Next::Settled)
    }

    async fn remove(&self, wanted: &Stored<Volume>) -> Result<Next, Failure> {
        let volume = &wanted.record;
        self.0.inner.host.remove_volume(&VolumeId(volume.id.clone())).await?;
        let scope: &Scope = &wanted.key.scope;
        let mut txn = self.0.records().transaction();
        txn.delete(wanted);
        let drop = self.0.drop_tags(&mut txn, scope, &volume.id).await;
        drop.map_err(aws::Error::from)?;
        if let Some(token) = &volume.client_token {
            client_token::forget(&self.0, &mut txn, scope, "CreateVolume", token).await?;
        }
        txn.commit().await?;
        Ok(Next::Settled)
    }
}

impl Volume {
    fn on_host(&self) -> host::Volume {
        host::Volume {
            id: VolumeId(self.id.clone()),
            zone: self.zone,
            size_gib: self.performance.size_gib,
            content: match &self.content {
                Content::Blank => VolumeContent::Blank,
                Content::Root => VolumeContent::Root,
                Content::Snapshot { host, .. } => {
                    VolumeContent::Snapshot(host::SnapshotId(host.clone()))
                }
            },
            iops: self.performance.iops,
            throughput_mib: self.performance.throughput(),
        }
    }
}
