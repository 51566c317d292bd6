//! The default VPC, which every region of an account has until its user deletes it.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/default-vpc-components.html>
//!
//! It is made when the region is first used, in one transaction with the record that says so:
//! whoever deleted it does not find it again.

use std::net::Ipv4Addr;

use aws::{AccountId, Call, Region, Zone};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::dhcp_options::DhcpOptions;
use crate::error::{Error, Result, refuse};
use crate::internet_gateway::InternetGateway;
use crate::region::zone_named;
use crate::route_table::{Origin, Route, Target};
use crate::subnet::Subnet;
use crate::tag::Tags;
use crate::vpc::Vpc;
use crate::vpc_block::overlap;
use crate::{Ec2, model, network, scope};

/// That the account has used the region, and what it got then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settlement {
    /// Those of new VPCs.
    pub dhcp_options_id: String,
}

impl Record for Settlement {
    const KIND: &'static str = "ec2.settlement";
    const FORMAT: u32 = 1;
}

const BLOCK: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(172, 31, 0, 0), 16);
const SUBNET_PREFIX: u8 = 20;
const ANYWHERE: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0);

impl Ec2 {
    /// The scope of a call, with its default VPC made if it was never used before.
    pub(crate) async fn settled(&self, call: &Call) -> Result<Scope> {
        let scope = scope(call)?;
        let account = call.account()?;
        self.retry(async || {
            if self.records().get::<Settlement>(&scope, "").await?.is_some() {
                return Ok(());
            }
            let dhcp = DhcpOptions::default_of(&self.inner.random, account, &call.region);
            let mut txn = self.records().transaction();
            txn.create(&scope, "", &Settlement { dhcp_options_id: dhcp.id.clone() });
            txn.create(&scope, &dhcp.id, &dhcp);
            self.found_default_vpc(&mut txn, &scope, account, &dhcp.id);
            txn.commit().await?;
            Ok(())
        })
        .await?;
        Ok(scope)
    }

    /// Of a scope that is settled.
    pub(crate) async fn settlement(&self, scope: &Scope) -> Result<Settlement> {
        let found = self.records().get(scope, "").await?;
        let missing = || Error::Internal("the region has no settlement".into());
        Ok(found.ok_or_else(missing)?.record)
    }

    fn found_default_vpc(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        owner: &AccountId,
        dhcp_options_id: &str,
    ) -> Vpc {
        let vpc = Vpc {
            is_default: true,
            enable_dns_hostnames: true,
            ..self.new_vpc(owner, BLOCK, dhcp_options_id)
        };
        let mut table = self.found_vpc(txn, scope, &vpc);
        let gateway = InternetGateway {
            vpc_id: Some(vpc.id.clone()),
            ..InternetGateway::new(&self.inner.random, owner)
        };
        table.routes.push(Route {
            destination: ANYWHERE,
            target: Target::Gateway(gateway.id.clone()),
            origin: Origin::CreateRoute,
        });
        txn.create(scope, &gateway.id, &gateway);
        txn.create(scope, &table.id, &table);
        for (zone, block) in Zone::ALL.into_iter().zip(blocks()) {
            let subnet = self.default_subnet(&vpc, zone, block);
            txn.create(scope, &subnet.id, &subnet);
        }
        vpc
    }

    fn default_subnet(&self, vpc: &Vpc, zone: Zone, block: Ipv4Net) -> Subnet {
        let subnet = Subnet::new(&self.inner.random, vpc, zone, block);
        Subnet { default_for_az: true, map_public_ip_on_launch: true, ..subnet }
    }

    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn default_vpc(&self, scope: &Scope) -> Result<Option<Stored<Vpc>>> {
        let vpcs = self.all::<Vpc>(scope, "").await?;
        Ok(vpcs.into_iter().find(|vpc| vpc.record.is_default))
    }

    /// The default subnet of a zone, or of the first zone that has one.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn default_subnet_in(
        &self,
        scope: &Scope,
        zone: Option<Zone>,
    ) -> Result<Option<Stored<Subnet>>> {
        let mut subnets = self.all::<Subnet>(scope, "").await?;
        subnets.retain(|subnet| subnet.record.default_for_az);
        subnets.sort_by_key(|subnet| subnet.record.zone);
        Ok(subnets.into_iter().find(|subnet| zone.is_none_or(|zone| subnet.record.zone == zone)))
    }
}

fn blocks() -> impl Iterator<Item = Ipv4Net> {
    BLOCK.subnets(SUBNET_PREFIX).into_iter().flatten()
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    _input: model::CreateDefaultVpcRequest,
) -> Result<model::CreateDefaultVpcResult> {
    let scope = ec2.settled(call).await?;
    ec2.retry(async || {
        let settlement = ec2.records().get::<Settlement>(&scope, "").await?;
        let settlement = settlement.ok_or(Error::ConcurrentModification)?;
        if let Some(vpc) = ec2.default_vpc(&scope).await? {
            let message = format!(
                "A Default VPC already exists for this account in this region: {}",
                vpc.record.id
            );
            return Err(Error::coded("DefaultVpcAlreadyExists", message));
        }
        let mut txn = ec2.records().transaction();
        // Written as it is, so that two of these do not both happen.
        txn.update(&settlement, &settlement.record);
        let dhcp = &settlement.record.dhcp_options_id;
        let vpc = ec2.found_default_vpc(&mut txn, &scope, call.account()?, dhcp);
        txn.commit().await?;
        Ok(model::CreateDefaultVpcResult { vpc: Some(vpc.shape(&Tags::default())) })
    })
    .await
}

pub async fn create_subnet(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateDefaultSubnetRequest,
) -> Result<model::CreateDefaultSubnetResult> {
    let ipv6 = input.ipv6_native == Some(true);
    refuse("CreateDefaultSubnet", &[("Ipv6Native", ipv6)])?;
    let zone = zone_asked(&call.region, input.availability_zone, input.availability_zone_id)?
        .ok_or(Error::MissingParameter("availabilityZone"))?;
    let scope = ec2.settled(call).await?;
    ec2.retry(async || {
        let none = || {
            let message = "No default VPC exists for this account in this region.";
            Error::coded("DefaultVpcDoesNotExist", message)
        };
        let vpc = ec2.default_vpc(&scope).await?.ok_or_else(none)?.record;
        let network = ec2.network(&scope, &vpc.id).await?;
        let mut subnets = ec2.all::<Subnet>(&scope, "").await?;
        subnets.retain(|subnet| subnet.record.vpc_id == vpc.id);
        let mut defaults = subnets.iter().filter(|subnet| subnet.record.default_for_az);
        if let Some(other) = defaults.find(|subnet| subnet.record.zone == zone) {
            let message = format!(
                "'{}' is already the default subnet in {}.",
                other.record.id,
                zone.name(&call.region)
            );
            return Err(Error::coded("DefaultSubnetAlreadyExistsInAvailabilityZone", message));
        }
        let free = |block: &Ipv4Net| !subnets.iter().any(|s| overlap(s.record.block, *block));
        let full = || {
            let message = "The default VPC has no room for a default subnet.";
            Error::coded("InsufficientFreeAddressesInVpc", message)
        };
        let block = blocks().find(free).ok_or_else(full)?;
        let subnet = ec2.default_subnet(&vpc, zone, block);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.create(&scope, &subnet.id, &subnet);
        txn.commit().await?;
        let shape = subnet.shape(&Tags::default(), &call.region, 0);
        Ok(model::CreateDefaultSubnetResult { subnet: Some(shape) })
    })
    .await
}

/// The zone that was named or whose id was given, if any.
///
/// # Errors
/// `InvalidParameterValue` when the region has no such zone.
pub fn zone_asked(
    region: &Region,
    name: Option<String>,
    id: Option<String>,
) -> Result<Option<Zone>> {
    match (name, id) {
        (Some(name), _) => zone_named(region, &name).map(Some),
        (None, Some(id)) => {
            let found = Zone::ALL.into_iter().find(|zone| zone.id(region) == id);
            let unknown = || {
                let message = format!("Invalid availability zone id: [{id}]");
                Error::InvalidParameterValue(message)
            };
            found.ok_or_else(unknown).map(Some)
        }
        (None, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests;
