//! Elastic IP addresses: public addresses that an account keeps.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/elastic-ip-addresses-eip.html>

pub mod association;

use std::net::Ipv4Addr;

use aws::{AccountId, Call};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::default_vpc::Settlement;
use crate::error::{Error, Result, refuse};
use crate::filter::Filters;
use crate::network_interface::NetworkInterface;
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    pub allocation_id: String,
    pub public_address: Ipv4Addr,
    pub owner: AccountId,
    pub association: Option<Association>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Association {
    pub id: String,
    pub vpc_id: String,
    pub interface_id: String,
    pub private_address: Ipv4Addr,
}

impl Record for Address {
    const KIND: &'static str = "ec2.address";
    const FORMAT: u32 = 1;
}

/// AWS's quota in a region.
pub const ADDRESSES_MAX: usize = 5;
const POOL: &str = "amazon";

impl Address {
    fn shape(&self, tags: &Tags, call: &Call, held: Option<&NetworkInterface>) -> model::Address {
        let association = self.association.as_ref();
        model::Address {
            allocation_id: Some(self.allocation_id.clone()),
            association_id: association.map(|one| one.id.clone()),
            domain: Some("vpc".into()),
            network_interface_id: association.map(|one| one.interface_id.clone()),
            network_interface_owner_id: association.map(|_| self.owner.to_string()),
            private_ip_address: association.map(|one| one.private_address.to_string()),
            tags: tags.shapes(),
            public_ipv4_pool: Some(POOL.into()),
            network_border_group: Some(call.region.to_string()),
            instance_id: held.and_then(|one| one.instance_id()).map(Into::into),
            public_ip: Some(self.public_address.to_string()),
            ..Default::default()
        }
    }

    fn filter_values(&self, name: &str, shape: &model::Address) -> Option<Vec<String>> {
        let value = match name {
            "allocation-id" => &shape.allocation_id,
            "association-id" => &shape.association_id,
            "domain" => &shape.domain,
            "instance-id" => &shape.instance_id,
            "network-border-group" => &shape.network_border_group,
            "network-interface-id" => &shape.network_interface_id,
            "network-interface-owner-id" => &shape.network_interface_owner_id,
            "private-ip-address" => &shape.private_ip_address,
            "public-ip" => &shape.public_ip,
            _ => return None,
        };
        Some(value.iter().cloned().collect())
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidAllocationID.NotFound`.
    pub(crate) async fn address(&self, scope: &Scope, id: &str) -> Result<Stored<Address>> {
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::ELASTIC_IP, id))
    }

    /// The address that an interface has, if any.
    pub(crate) async fn address_of(
        &self,
        scope: &Scope,
        interface_id: &str,
    ) -> Result<Option<Stored<Address>>> {
        let is = |address: &Stored<Address>| {
            let held = address.record.association.as_ref();
            held.is_some_and(|held| held.interface_id == interface_id)
        };
        Ok(self.all::<Address>(scope, "").await?.into_iter().find(is))
    }

    /// By its allocation id or by itself.
    async fn asked_address(
        &self,
        scope: &Scope,
        id: Option<&str>,
        public_ip: Option<&str>,
    ) -> Result<Stored<Address>> {
        match (id, public_ip) {
            (Some(_), Some(_)) => {
                let message =
                    "You may specify public IP or allocation id, but not both in the same call";
                Err(Error::InvalidParameterCombination(message.into()))
            }
            (Some(id), None) => self.address(scope, id).await,
            (None, Some(text)) => {
                let is =
                    |address: &Stored<Address>| address.record.public_address.to_string() == text;
                let found = self.all::<Address>(scope, "").await?.into_iter().find(is);
                found.ok_or_else(|| unknown_address(text))
            }
            (None, None) => Err(Error::MissingParameter("AllocationId")),
        }
    }

    /// Whether anything in the VPC has a public address.
    pub(crate) async fn has_public_addresses(&self, scope: &Scope, vpc_id: &str) -> Result<bool> {
        let elastic = |address: &Address| {
            address.association.as_ref().is_some_and(|held| held.vpc_id == vpc_id)
        };
        let own = |one: &NetworkInterface| one.vpc_id == vpc_id && one.public_address.is_some();
        Ok(self.any::<Address>(scope, elastic).await?
            || self.any::<NetworkInterface>(scope, own).await?)
    }
}

fn unknown_address(text: &str) -> Error {
    Error::coded("InvalidAddress.NotFound", format!("Address '{text}' not found."))
}

pub async fn allocate(
    ec2: &Ec2,
    call: &Call,
    input: model::AllocateAddressRequest,
) -> Result<model::AllocateAddressResult> {
    let pool = input.public_ipv4_pool.as_deref().is_some_and(|pool| pool != POOL);
    let group = input.network_border_group.as_deref();
    refuse(
        "AllocateAddress",
        &[
            ("Domain", input.domain.as_deref().is_some_and(|domain| domain != "vpc")),
            ("Address", input.address.is_some()),
            ("PublicIpv4Pool", pool),
            ("NetworkBorderGroup", group.is_some_and(|group| group != call.region.as_str())),
            ("CustomerOwnedIpv4Pool", input.customer_owned_ipv4_pool.is_some()),
            ("IpamPoolId", input.ipam_pool_id.is_some()),
        ],
    )?;
    let tags = tag::specified(input.tag_specifications, id::ELASTIC_IP)?;
    let scope = ec2.settled(call).await?;
    ec2.retry(async || {
        let settlement = ec2.records().get::<Settlement>(&scope, "").await?;
        let settlement = settlement.ok_or(Error::ConcurrentModification)?;
        if ec2.all::<Address>(&scope, "").await?.len() >= ADDRESSES_MAX {
            let message = "The maximum number of addresses has been reached.";
            return Err(Error::coded("AddressLimitExceeded", message));
        }
        let allocation_id = id::ELASTIC_IP.new_id(&ec2.inner.random);
        let mut txn = ec2.records().transaction();
        // Written as it is, so that two who saw one place left do not both take it.
        txn.update(&settlement, &settlement.record);
        let planned = Default::default();
        let public_address = ec2.take_public_address(&mut txn, &allocation_id, &planned).await?;
        let owner = call.account()?.clone();
        let address = Address { allocation_id, public_address, owner, association: None };
        txn.create(&scope, &address.allocation_id, &address);
        tag::create(&mut txn, &scope, &address.allocation_id, &tags);
        txn.commit().await?;
        Ok(model::AllocateAddressResult {
            allocation_id: Some(address.allocation_id),
            public_ipv4_pool: Some(POOL.into()),
            network_border_group: Some(call.region.to_string()),
            domain: Some("vpc".into()),
            public_ip: Some(public_address.to_string()),
            ..Default::default()
        })
    })
    .await
}

pub async fn release(ec2: &Ec2, call: &Call, input: model::ReleaseAddressRequest) -> Result<()> {
    let scope = scope(call)?;
    let (id, ip) = (input.allocation_id.as_deref(), input.public_ip.as_deref());
    ec2.retry(async || {
        let address = ec2.asked_address(&scope, id, ip).await?;
        let public_address = address.record.public_address;
        if address.record.association.is_some() {
            let message = format!("Address {public_address} is in use.");
            return Err(Error::coded("InvalidIPAddress.InUse", message));
        }
        let mut txn = ec2.records().transaction();
        ec2.free_public_address(&mut txn, public_address).await?;
        ec2.drop_resource(&mut txn, &scope, &address).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeAddressesRequest,
) -> Result<model::DescribeAddressesResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let ids = input.allocation_ids.unwrap_or_default();
    let ips = input.public_ips.unwrap_or_default();
    let all = ec2.all::<Address>(&scope, "").await?;
    let has = |is: &dyn Fn(&Address) -> bool| all.iter().any(|one| is(&one.record));
    for id in &ids {
        if !has(&|one| one.allocation_id == *id) {
            return Err(Error::not_found(id::ELASTIC_IP, id));
        }
    }
    for ip in &ips {
        if !has(&|one| one.public_address.to_string() == *ip) {
            return Err(unknown_address(ip));
        }
    }
    let mut tags = ec2.tags_of(&scope, id::ELASTIC_IP).await?;
    let mut addresses = Vec::new();
    for stored in all {
        let address = stored.record;
        let asked = ids.is_empty() && ips.is_empty()
            || ids.contains(&address.allocation_id)
            || ips.contains(&address.public_address.to_string());
        if !asked {
            continue;
        }
        let tags = tags.remove(&address.allocation_id).unwrap_or_default();
        let held = match &address.association {
            Some(held) => ec2.records().get(&scope, &held.interface_id).await?,
            None => None,
        };
        let shape = address.shape(&tags, call, held.as_ref().map(|held| &held.record));
        if filters.pass(&tags, |name| address.filter_values(name, &shape))? {
            addresses.push(shape);
        }
    }
    Ok(model::DescribeAddressesResult { addresses: Some(addresses) })
}

/// The one attribute is the name that the address's reverse lookup gives, and nobody can set
/// it here.
pub async fn describe_attribute(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeAddressesAttributeRequest,
) -> Result<model::DescribeAddressesAttributeResult> {
    if input.attribute.as_deref().is_some_and(|attribute| attribute != "domain-name") {
        let message = "Value for parameter attribute is invalid.";
        return Err(Error::invalid_value(message));
    }
    let scope = scope(call)?;
    let operation = "DescribeAddressesAttribute";
    let ask = ec2.ask(call, operation, input.next_token.as_deref(), input.max_results).await?;
    for id in input.allocation_ids.iter().flatten() {
        ec2.address(&scope, id).await?;
    }
    // AWS lists the addresses that have the attribute.
    let page = ask.cut(Vec::<(String, model::AddressAttribute)>::new());
    Ok(model::DescribeAddressesAttributeResult {
        addresses: Some(page.items),
        next_token: page.next_token,
    })
}

#[cfg(test)]
mod tests;
