//! What makes the machine like EC2's records.

use state::reconcile::{Reconcilers, Waker};
use state::{Key, Record, Scope};
use tokio::sync::broadcast::error::RecvError;

use crate::Ec2;
use crate::instance::Instance;
use crate::instance::health::InstanceHealth;
use crate::instance::reconciler::Instances;
use crate::nat_gateway::reconciler::NatGateways;
use crate::network::reconciler::NetworkReconciler;
use crate::snapshot::reconciler::Snapshots;
use crate::volume::reconciler::Volumes;

/// Adds EC2's reconcilers to the region's.
#[must_use]
pub fn add(ec2: &Ec2, to: Reconcilers) -> Reconcilers {
    let to = to.with(NetworkReconciler(ec2.clone())).with(NatGateways(ec2.clone()));
    let to = to.with(Volumes(ec2.clone())).with(Snapshots(ec2.clone()));
    to.with(Instances(ec2.clone())).with(InstanceHealth(ec2.clone()))
}

/// Wakes the reconcilers of instances whose guests began to run or ended, as long as the host
/// says so. Whatever is missed, their slow timer finds.
pub async fn wake_for_guests(ec2: Ec2, waker: Waker) {
    let mut changes = ec2.inner.host.guest_changes();
    loop {
        match changes.recv().await {
            Ok(guest) => {
                if let Ok(Some(owner)) = ec2.guest_owner(&guest.0).await {
                    let owner = owner.record;
                    let scope = Scope::Regional(owner.account, owner.region);
                    waker.wake(Key::new(&scope, Instance::KIND, &guest.0)).await;
                }
            }
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => return,
        }
    }
}
