//! Makes the machine's networks as the records want them.

use aws::Timestamp;
use state::reconcile::{Failure, Next, Reconciler};
use state::{Record, Scope, Stored};

use crate::Ec2;
use crate::address::Address;
use crate::error;
use crate::internet_gateway::InternetGateway;
use crate::nat_gateway::NatGateway;
use crate::network_interface::NetworkInterface;
use crate::route_table::RouteTable;
use crate::security_group::SecurityGroup;
use crate::subnet::Subnet;
use crate::vpc::Vpc;

use super::Network;
use super::derive::Landscape;

pub struct NetworkReconciler(pub Ec2);

/// What is there of a VPC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    pub has_vpc: bool,
    pub has_interfaces: bool,
    pub on_machine: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Make,
    RemoveAndForget,
    Nothing,
}

impl Reconciler for NetworkReconciler {
    type Wanted = Network;
    type Seen = Seen;
    type Step = Step;

    async fn look(&self, wanted: &Stored<Network>) -> Result<Seen, Failure> {
        let (ec2, scope, id) = (&self.0, &wanted.key.scope, &wanted.key.id);
        let there = ec2.inner.host.networks().await?;
        Ok(Seen {
            has_vpc: ec2.records().get::<Vpc>(scope, id).await?.is_some(),
            has_interfaces: ec2.any::<NetworkInterface>(scope, |one| one.vpc_id == *id).await?,
            on_machine: there.contains(&host::NetworkId(id.clone())),
        })
    }

    /// A VPC that nobody is in costs the machine nothing.
    fn next_step(_: &Network, seen: &Seen, _: Timestamp) -> Step {
        match seen {
            Seen { has_vpc: false, .. } => Step::RemoveAndForget,
            Seen { has_interfaces: false, on_machine: false, .. } => Step::Nothing,
            _ => Step::Make,
        }
    }

    async fn run_step(&self, wanted: &Stored<Network>, step: Step) -> Result<Next, Failure> {
        let ec2 = &self.0;
        match step {
            Step::Nothing => (),
            Step::Make => ec2.make_network(&wanted.key.scope, &wanted.key.id).await?,
            Step::RemoveAndForget => {
                let _alone = ec2.inner.networks.lock().await;
                let id = host::NetworkId(wanted.key.id.clone());
                if let Some(inside) = ec2.inner.inside.get() {
                    inside.close(&id);
                }
                ec2.inner.host.remove_network(&id).await?;
                let mut txn = ec2.records().transaction();
                txn.delete(wanted);
                txn.commit().await?;
            }
        }
        Ok(Next::Settled)
    }
}

impl Ec2 {
    /// Makes the machine's network of a VPC as the records are now. Whoever needs it at once,
    /// as a guest's start does, need not wait for the reconciler. Nothing of a VPC that is gone.
    ///
    /// # Errors
    /// When store or host do not answer.
    pub(crate) async fn make_network(&self, scope: &Scope, vpc_id: &str) -> Result<(), Failure> {
        // One at a time: what was read earlier must not be made later.
        let _alone = self.inner.networks.lock().await;
        if let Some(landscape) = self.landscape(scope, vpc_id).await? {
            let network = landscape.network();
            self.inner.host.ensure_network(&network).await?;
            if let Some(inside) = self.inner.inside.get() {
                inside.open(scope, &network).await?;
            }
        }
        Ok(())
    }

    /// As of one moment: read again while the VPC is raised meanwhile.
    async fn landscape(&self, scope: &Scope, vpc_id: &str) -> error::Result<Option<Landscape>> {
        loop {
            let before = self.records().get::<Network>(scope, vpc_id).await?;
            let found = self.read_landscape(scope, vpc_id).await?;
            if self.records().get::<Network>(scope, vpc_id).await? == before {
                return Ok(found);
            }
        }
    }

    async fn read_landscape(
        &self,
        scope: &Scope,
        vpc_id: &str,
    ) -> error::Result<Option<Landscape>> {
        let Some(vpc) = self.records().get::<Vpc>(scope, vpc_id).await? else { return Ok(None) };
        let here = |id: &String| id == vpc_id;
        Ok(Some(Landscape {
            vpc: vpc.record,
            subnets: self.those::<Subnet>(scope, |one| here(&one.vpc_id)).await?,
            tables: self.those::<RouteTable>(scope, |one| here(&one.vpc_id)).await?,
            gateways: self
                .those::<InternetGateway>(scope, |one| one.vpc_id.as_ref().is_some_and(here))
                .await?,
            nat_gateways: self.those::<NatGateway>(scope, |one| here(&one.vpc_id)).await?,
            interfaces: self.those::<NetworkInterface>(scope, |one| here(&one.vpc_id)).await?,
            groups: self.those::<SecurityGroup>(scope, |one| here(&one.vpc_id)).await?,
            addresses: self
                .those::<Address>(scope, |one| {
                    one.association.as_ref().is_some_and(|held| here(&held.vpc_id))
                })
                .await?,
        }))
    }

    async fn those<R: Record>(
        &self,
        scope: &Scope,
        is: impl Fn(&R) -> bool,
    ) -> error::Result<Vec<R>> {
        let all = self.all::<R>(scope, "").await?.into_iter().map(|stored| stored.record);
        Ok(all.filter(is).collect())
    }
}
