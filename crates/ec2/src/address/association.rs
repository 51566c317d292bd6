//! Which interface an Elastic IP address leads to.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AssociateAddress.html>

use aws::Call;
use state::{Scope, Stored};

use crate::error::{Error, Result};
use crate::internet_gateway::InternetGateway;
use crate::network_interface::plan::Plan;
use crate::network_interface::{NetworkInterface, private_address, refuse_managed};
use crate::{Ec2, id, model, scope};

use super::{Address, Association};

/// An address that leads elsewhere follows, unless `AllowReassociation` is false; whatever
/// public address the interface had gives way.
pub async fn associate(
    ec2: &Ec2,
    call: &Call,
    input: model::AssociateAddressRequest,
) -> Result<model::AssociateAddressResult> {
    let scope = scope(call)?;
    let (id, ip) = (input.allocation_id.as_deref(), input.public_ip.as_deref());
    let asked = input.private_ip_address.as_deref().map(private_address).transpose()?;
    ec2.retry(async || {
        let address = ec2.asked_address(&scope, id, ip).await?;
        let (interface_id, instance_id) = (&input.network_interface_id, &input.instance_id);
        let near = ec2.target_of_address(&scope, interface_id, instance_id).await?.record;
        refuse_managed(&near)?;
        let mut plan = Plan::new(ec2, &scope);
        plan.enter(&near.vpc_id).await?;
        let interface = ec2.network_interface(&scope, &near.id).await?;
        let mut one = interface.record.clone();
        ec2.require_gateway(&scope, &one.vpc_id).await?;
        if asked.is_some_and(|asked| asked != one.private_address) {
            let message =
                format!("The private IP address is not assigned to interface '{}'", one.id);
            return Err(Error::InvalidParameterValue(message));
        }
        if let Some(before) = &address.record.association {
            if before.interface_id == one.id {
                return Ok(answer(before));
            }
            if input.allow_reassociation == Some(false) {
                return Err(already(&address.record, before));
            }
            let held = ec2.network_interface(&scope, &before.interface_id).await?;
            refuse_managed(&held.record)?;
            plan.enter(&before.vpc_id).await?;
        }
        let mut txn = ec2.records().transaction();
        if let Some(other) = ec2.address_of(&scope, &one.id).await? {
            txn.update(&other, &Address { association: None, ..other.record.clone() });
        }
        if let Some(own) = one.public_address.take() {
            ec2.free_public_address(&mut txn, own).await?;
            txn.update(&interface, &one);
        }
        let association = ec2.new_association(&one);
        let now = Address { association: Some(association.clone()), ..address.record.clone() };
        txn.update(&address, &now);
        plan.finish(&mut txn);
        txn.commit().await?;
        Ok(answer(&association))
    })
    .await
}

fn answer(association: &Association) -> model::AssociateAddressResult {
    model::AssociateAddressResult { association_id: Some(association.id.clone()) }
}

pub fn already(address: &Address, association: &Association) -> Error {
    let message = format!(
        "resource {} is already associated with associate-id {}",
        address.allocation_id, association.id
    );
    Error::coded("Resource.AlreadyAssociated", message)
}

impl Ec2 {
    pub(crate) fn new_association(&self, interface: &NetworkInterface) -> Association {
        Association {
            id: self.inner.random.resource_id("eipassoc"),
            vpc_id: interface.vpc_id.clone(),
            interface_id: interface.id.clone(),
            private_address: interface.private_address,
        }
    }

    /// # Errors
    /// `Gateway.NotAttached`: without a gateway no public address is reached.
    pub(crate) async fn require_gateway(&self, scope: &Scope, vpc_id: &str) -> Result<()> {
        let there = |gateway: &InternetGateway| gateway.vpc_id.as_deref() == Some(vpc_id);
        if self.any::<InternetGateway>(scope, there).await? {
            return Ok(());
        }
        let message = format!("Network {vpc_id} is not attached to any internet gateway");
        Err(Error::coded("Gateway.NotAttached", message))
    }

    /// An instance stands for its first interface.
    async fn target_of_address(
        &self,
        scope: &Scope,
        interface_id: &Option<String>,
        instance_id: &Option<String>,
    ) -> Result<Stored<NetworkInterface>> {
        match (interface_id, instance_id) {
            (Some(_), Some(_)) => {
                let message = "You may specify an instance or a network interface, but not both";
                Err(Error::InvalidParameterCombination(message.into()))
            }
            (Some(id), None) => self.network_interface(scope, id).await,
            (None, Some(id)) => {
                id::INSTANCE.check(id)?;
                let held = self.interfaces_of(scope, id).await?.into_iter().next();
                held.ok_or_else(|| Error::not_found(id::INSTANCE, id))
            }
            (None, None) => {
                let message = "Either instance ID or network interface id must be specified";
                Err(Error::coded("MissingParameter", message))
            }
        }
    }
}

pub async fn disassociate(
    ec2: &Ec2,
    call: &Call,
    input: model::DisassociateAddressRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let address = match &input.association_id {
            Some(id) => ec2.associated_address(&scope, id).await?,
            None => ec2.asked_address(&scope, None, input.public_ip.as_deref()).await?,
        };
        // One that leads nowhere stays so.
        let Some(association) = &address.record.association else { return Ok(()) };
        let held = ec2.network_interface(&scope, &association.interface_id).await?;
        refuse_managed(&held.record)?;
        let mut plan = Plan::new(ec2, &scope);
        plan.enter(&association.vpc_id).await?;
        let mut txn = ec2.records().transaction();
        txn.update(&address, &Address { association: None, ..address.record.clone() });
        plan.finish(&mut txn);
        txn.commit().await?;
        Ok(())
    })
    .await
}

impl Ec2 {
    async fn associated_address(&self, scope: &Scope, id: &str) -> Result<Stored<Address>> {
        let is = |address: &Stored<Address>| {
            address.record.association.as_ref().is_some_and(|one| one.id == id)
        };
        let found = self.all::<Address>(scope, "").await?.into_iter().find(is);
        let message = || format!("The association ID '{id}' does not exist");
        found.ok_or_else(|| Error::coded("InvalidAssociationID.NotFound", message()))
    }
}
