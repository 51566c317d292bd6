//! What makes the machine like EC2's records.

use state::reconcile::Reconcilers;

use crate::Ec2;
use crate::nat_gateway::reconciler::NatGateways;
use crate::network::reconciler::NetworkReconciler;
use crate::snapshot::reconciler::Snapshots;
use crate::volume::reconciler::Volumes;

/// Adds EC2's reconcilers to the region's.
#[must_use]
pub fn add(ec2: &Ec2, to: Reconcilers) -> Reconcilers {
    let to = to.with(NetworkReconciler(ec2.clone())).with(NatGateways(ec2.clone()));
    to.with(Volumes(ec2.clone())).with(Snapshots(ec2.clone()))
}
