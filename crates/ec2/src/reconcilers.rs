//! What makes the machine like EC2's records.

use state::reconcile::Reconcilers;

use crate::Ec2;
use crate::snapshot::reconciler::Snapshots;
use crate::volume::reconciler::Volumes;

/// Adds EC2's reconcilers to the region's.
#[must_use]
pub fn add(ec2: &Ec2, to: Reconcilers) -> Reconcilers {
    to.with(Volumes(ec2.clone())).with(Snapshots(ec2.clone()))
}
