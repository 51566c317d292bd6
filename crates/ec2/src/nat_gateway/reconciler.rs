//! Makes NAT gateways so: the machine's network has them before they are `available`, and has
//! them no more before they are `deleted`.

use std::time::Duration;

use aws::Timestamp;
use state::Stored;
use state::reconcile::{Failure, Next, Reconciler};

use crate::Ec2;
use crate::network_interface::plan::Plan;

use super::{NatGateway, NatGatewayState};

/// AWS shows a deleted one for about an hour.
const SHOWN_FOR: Duration = Duration::from_secs(3600);

pub struct NatGateways(pub Ec2);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Open,
    Close,
    WaitUntil(Timestamp),
    Forget,
    Nothing,
}

impl Reconciler for NatGateways {
    type Wanted = NatGateway;
    type Seen = ();
    type Step = Step;

    async fn look(&self, _: &Stored<NatGateway>) -> Result<(), Failure> {
        Ok(())
    }

    fn next_step(wanted: &NatGateway, (): &(), now: Timestamp) -> Step {
        match wanted.state {
            NatGatewayState::Pending => Step::Open,
            NatGatewayState::Available => Step::Nothing,
            NatGatewayState::Deleting => Step::Close,
            NatGatewayState::Deleted => {
                let until = wanted.deleted.unwrap_or(now) + SHOWN_FOR;
                if now < until { Step::WaitUntil(until) } else { Step::Forget }
            }
        }
    }

    async fn run_step(&self, wanted: &Stored<NatGateway>, step: Step) -> Result<Next, Failure> {
        match step {
            Step::Nothing => return Ok(Next::Settled),
            Step::WaitUntil(at) => return Ok(Next::At(at)),
            Step::Open => {
                self.0.make_network(&wanted.key.scope, &wanted.record.vpc_id).await?;
                let mut txn = self.0.records().transaction();
                let state = NatGatewayState::Available;
                txn.update(wanted, &NatGateway { state, ..wanted.record.clone() });
                txn.commit().await?;
            }
            Step::Close => self.close(wanted).await?,
            Step::Forget => {
                let mut txn = self.0.records().transaction();
                self.0.drop_resource(&mut txn, &wanted.key.scope, wanted).await?;
                txn.commit().await?;
            }
        }
        Ok(Next::Again)
    }
}

impl NatGateways {
    async fn close(&self, wanted: &Stored<NatGateway>) -> Result<(), Failure> {
        let (ec2, scope, nat) = (&self.0, &wanted.key.scope, &wanted.record);
        ec2.make_network(scope, &nat.vpc_id).await?;
        let mut txn = ec2.records().transaction();
        let mut plan = Plan::new(ec2, scope);
        plan.enter(&nat.vpc_id).await?;
        if let Some(interface) = ec2.records().get(scope, &nat.interface_id).await? {
            plan.delete(&mut txn, &interface).await?;
        }
        let (state, deleted) = (NatGatewayState::Deleted, Some(ec2.inner.clock.now()));
        txn.update(wanted, &NatGateway { state, deleted, ..nat.clone() });
        plan.finish(&mut txn);
        txn.commit().await?;
        Ok(())
    }
}
