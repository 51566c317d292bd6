//! NAT gateways: how those without a public address reach out.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-nat-gateway.html>

pub mod reconciler;

use std::net::Ipv4Addr;

use aws::{AccountId, Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::address::Address;
use crate::address::association::already;
use crate::error::{Error, Result, refuse};
use crate::instance::AttachPhase;
use crate::listing::Listing;
use crate::network_interface::Attachment;
use crate::network_interface::plan::{NewInterface, Plan, Service};
use crate::network_interface::private_address;
use crate::tag::{self, Tags};
use crate::{Ec2, client_token, id, model, network, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    pub id: String,
    pub vpc_id: String,
    pub subnet_id: String,
    pub owner: AccountId,
    pub state: NatGatewayState,
    pub created: Timestamp,
    pub deleted: Option<Timestamp>,
    pub interface_id: String,
    pub private_address: Ipv4Addr,
    pub public_address: Ipv4Addr,
    pub allocation_id: String,
    pub association_id: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NatGatewayState {
    Pending,
    Available,
    Deleting,
    Deleted,
}

impl Record for NatGateway {
    const KIND: &'static str = "ec2.nat-gateway";
    const FORMAT: u32 = 1;
}

const SERVICE: Service = Service { requester_id: "amazon-ec2-nat", interface_type: "nat_gateway" };

impl NatGatewayState {
    fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Deleting => "deleting",
            Self::Deleted => "deleted",
        }
    }
}

impl NatGateway {
    /// Whether routes to it lead anywhere.
    pub fn forwards(&self) -> bool {
        matches!(self.state, NatGatewayState::Pending | NatGatewayState::Available)
    }

    fn shape(&self, tags: &Tags) -> model::NatGateway {
        let status = match self.state {
            NatGatewayState::Pending => "associating",
            NatGatewayState::Available => "succeeded",
            NatGatewayState::Deleting | NatGatewayState::Deleted => "disassociating",
        };
        let address = model::NatGatewayAddress {
            allocation_id: Some(self.allocation_id.clone()),
            network_interface_id: Some(self.interface_id.clone()),
            private_ip: Some(self.private_address.to_string()),
            public_ip: Some(self.public_address.to_string()),
            association_id: Some(self.association_id.clone()),
            is_primary: Some(true),
            status: Some(status.into()),
            ..Default::default()
        };
        model::NatGateway {
            create_time: Some(self.created),
            delete_time: self.deleted,
            nat_gateway_addresses: Some(vec![address]),
            nat_gateway_id: Some(self.id.clone()),
            state: Some(self.state.name().into()),
            subnet_id: Some(self.subnet_id.clone()),
            vpc_id: Some(self.vpc_id.clone()),
            tags: tags.shapes(),
            connectivity_type: Some("public".into()),
            availability_mode: Some("zonal".into()),
            ..Default::default()
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        let value = match name {
            "nat-gateway-id" => self.id.clone(),
            "state" => self.state.name().into(),
            "subnet-id" => self.subnet_id.clone(),
            "vpc-id" => self.vpc_id.clone(),
            _ => return None,
        };
        Some(vec![value])
    }
}

impl Ec2 {
    async fn nat_gateway(&self, scope: &Scope, id: &str) -> Result<Stored<NatGateway>> {
        let missing = || {
            let message = format!("The Nat Gateway {id} was not found");
            Error::coded("NatGatewayNotFound", message)
        };
        let malformed = |_| {
            let message = format!("Invalid NatGateway ID: {id}");
            Error::coded("NatGatewayMalformed", message)
        };
        id::NAT_GATEWAY.check(id).map_err(malformed)?;
        self.records().get(scope, id).await?.ok_or_else(missing)
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateNatGatewayRequest,
) -> Result<model::CreateNatGatewayResult> {
    let some = |count: Option<usize>| count.is_some_and(|count| count > 0);
    refuse(
        "CreateNatGateway",
        &[
            ("ConnectivityType", input.connectivity_type.as_deref() == Some("private")),
            ("AvailabilityMode", input.availability_mode.as_deref() == Some("regional")),
            ("VpcId", input.vpc_id.is_some()),
            (
                "AvailabilityZoneAddresses",
                some(input.availability_zone_addresses.as_ref().map(Vec::len)),
            ),
            ("SecondaryAllocationIds", some(input.secondary_allocation_ids.as_ref().map(Vec::len))),
            (
                "SecondaryPrivateIpAddresses",
                some(input.secondary_private_ip_addresses.as_ref().map(Vec::len)),
            ),
            ("SecondaryPrivateIpAddressCount", input.secondary_private_ip_address_count.is_some()),
        ],
    )?;
    let subnet_id = input.subnet_id.clone().ok_or(Error::MissingParameter("SubnetId"))?;
    let allocation_id =
        input.allocation_id.clone().ok_or(Error::MissingParameter("AllocationId"))?;
    let asked = input.private_ip_address.as_deref().map(private_address).transpose()?;
    let tags = tag::specified(input.tag_specifications.clone(), id::NAT_GATEWAY)?;
    let token = client_token::of("CreateNatGateway", input.client_token.as_deref(), &input);
    let scope = scope(call)?;
    let nat = ec2
        .retry(async || {
            if let Some(id) = ec2.made_before(&scope, token.as_ref()).await? {
                return Ok(ec2.nat_gateway(&scope, &id).await?.record);
            }
            let id = id::NAT_GATEWAY.new_id(&ec2.inner.random);
            let mut txn = ec2.records().transaction();
            let mut plan = Plan::new(ec2, &scope);
            let new = NewInterface {
                subnet_id: subnet_id.clone(),
                private_address: asked,
                description: format!("Interface for NAT Gateway {id}"),
                service: Some(SERVICE),
                attachment: Some(Attachment {
                    id: ec2.inner.random.resource_id("ela-attach"),
                    instance_id: None,
                    device_index: 1,
                    delete_on_termination: false,
                    attached_at: call.at,
                    phase: AttachPhase::Attached,
                }),
                ..Default::default()
            };
            let interface = plan.create(&mut txn, new).await?;
            ec2.require_gateway(&scope, &interface.vpc_id).await?;
            let address = ec2.address(&scope, &allocation_id).await?;
            if let Some(before) = &address.record.association {
                return Err(already(&address.record, before));
            }
            let association = ec2.new_association(&interface);
            let nat = NatGateway {
                id,
                vpc_id: interface.vpc_id,
                subnet_id: interface.subnet_id,
                owner: interface.owner,
                state: NatGatewayState::Pending,
                created: call.at,
                deleted: None,
                interface_id: interface.id,
                private_address: interface.private_address,
                public_address: address.record.public_address,
                allocation_id: allocation_id.clone(),
                association_id: association.id.clone(),
            };
            let now = Address { association: Some(association), ..address.record.clone() };
            txn.update(&address, &now);
            txn.create(&scope, &nat.id, &nat);
            tag::create(&mut txn, &scope, &nat.id, &tags);
            client_token::keep(&mut txn, &scope, token.as_ref(), &nat.id);
            plan.finish(&mut txn);
            txn.commit().await?;
            Ok(nat)
        })
        .await?;
    let tags = ec2.tags(&scope, &nat.id).await?;
    Ok(model::CreateNatGatewayResult {
        client_token: input.client_token,
        nat_gateway: Some(nat.shape(&tags)),
    })
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeNatGatewaysRequest,
) -> Result<model::DescribeNatGatewaysResult> {
    let scope = scope(call)?;
    for id in input.nat_gateway_ids.iter().flatten() {
        ec2.nat_gateway(&scope, id).await?;
    }
    let listing = Listing {
        operation: "DescribeNatGateways",
        kind: id::NAT_GATEWAY,
        ids: input.nat_gateway_ids,
        filters: input.filter,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let page = ec2.list(call, listing, NatGateway::filter_values, NatGateway::shape).await?;
    Ok(model::DescribeNatGatewaysResult {
        nat_gateways: Some(page.items),
        next_token: page.next_token,
    })
}

/// Routes to it are black holes from now on; its addresses are freed when the machine has
/// heard of it.
pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteNatGatewayRequest,
) -> Result<model::DeleteNatGatewayResult> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.nat_gateway(&scope, &input.nat_gateway_id).await?;
        if stored.record.forwards() {
            let network = ec2.network(&scope, &stored.record.vpc_id).await?;
            let mut txn = ec2.records().transaction();
            network::raise(&mut txn, &network);
            let state = NatGatewayState::Deleting;
            txn.update(&stored, &NatGateway { state, ..stored.record.clone() });
            txn.commit().await?;
        }
        Ok(model::DeleteNatGatewayResult { nat_gateway_id: Some(stored.record.id) })
    })
    .await
}

#[cfg(test)]
mod tests;
