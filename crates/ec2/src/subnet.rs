//! Subnets: a part of a VPC's addresses in one zone.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-subnets.html>

use std::net::Ipv4Addr;

use aws::{AccountId, Call, Random, Region, Zone};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::default_vpc::zone_asked;
use crate::error::{Error, Result, refuse};
use crate::listing::Listing;
use crate::network_interface::NetworkInterface;
use crate::route_table::RouteTable;
use crate::tag::{self, Tags};
use crate::vpc::Vpc;
use crate::vpc_block::{cidr, overlap};
use crate::{Ec2, id, model, network, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub id: String,
    pub vpc_id: String,
    pub owner: AccountId,
    pub zone: Zone,
    pub block: Ipv4Net,
    pub default_for_az: bool,
    pub map_public_ip_on_launch: bool,
    /// With the network ACL of its VPC.
    pub network_acl_association_id: String,
    pub hostname_type: String,
    pub resource_name_dns_a_record: bool,
}

impl Record for Subnet {
    const KIND: &'static str = "ec2.subnet";
    const FORMAT: u32 = 1;
}

/// The first four addresses and the last: the network, the router, the resolver, one that
/// AWS keeps, and the broadcast.
const RESERVED_FIRST: u32 = 4;
const RESERVED: u32 = 5;
const HOSTNAME_TYPES: &[&str] = &["ip-name", "resource-name"];

impl Subnet {
    pub fn new(random: &Random, vpc: &Vpc, zone: Zone, block: Ipv4Net) -> Self {
        Self {
            id: id::SUBNET.new_id(random),
            vpc_id: vpc.id.clone(),
            owner: vpc.owner.clone(),
            zone,
            block,
            default_for_az: false,
            map_public_ip_on_launch: false,
            network_acl_association_id: random.resource_id("aclassoc"),
            hostname_type: "ip-name".into(),
            resource_name_dns_a_record: false,
        }
    }

    /// The addresses that interfaces can have.
    pub fn addresses(&self) -> impl Iterator<Item = Ipv4Addr> {
        let first = u32::from(self.block.network()).saturating_add(RESERVED_FIRST);
        let last = u32::from(self.block.broadcast());
        (first..last).map(Ipv4Addr::from)
    }

    /// The subnet's first address: its router.
    pub fn gateway(&self) -> Ipv4Addr {
        Ipv4Addr::from(u32::from(self.block.network()).saturating_add(1))
    }

    fn addresses_count(&self) -> u32 {
        let all = 1_u32.checked_shl(u32::from(32 - self.block.prefix_len())).unwrap_or(u32::MAX);
        all.saturating_sub(RESERVED)
    }

    pub fn shape(&self, tags: &Tags, region: &Region, used: u32) -> model::Subnet {
        let options = model::PrivateDnsNameOptionsOnLaunch {
            hostname_type: Some(self.hostname_type.clone()),
            enable_resource_name_dns_a_record: Some(self.resource_name_dns_a_record),
            enable_resource_name_dns_aaaa_record: Some(false),
        };
        let available = self.addresses_count().saturating_sub(used);
        model::Subnet {
            subnet_id: Some(self.id.clone()),
            subnet_arn: Some(format!("arn:aws:ec2:{region}:{}:subnet/{}", self.owner, self.id)),
            vpc_id: Some(self.vpc_id.clone()),
            owner_id: Some(self.owner.to_string()),
            state: Some("available".into()),
            cidr_block: Some(self.block.to_string()),
            available_ip_address_count: Some(i32::try_from(available).unwrap_or(i32::MAX)),
            availability_zone: Some(self.zone.name(region)),
            availability_zone_id: Some(self.zone.id(region)),
            default_for_az: Some(self.default_for_az),
            map_public_ip_on_launch: Some(self.map_public_ip_on_launch),
            map_customer_owned_ip_on_launch: Some(false),
            assign_ipv6_address_on_creation: Some(false),
            ipv6_cidr_block_association_set: Some(Vec::new()),
            ipv6_native: Some(false),
            enable_dns64: Some(false),
            private_dns_name_options_on_launch: Some(options),
            tags: tags.shapes(),
            ..Default::default()
        }
    }

    fn filter_values(&self, name: &str, region: &Region, used: u32) -> Option<Vec<String>> {
        let shape = || self.shape(&Tags::default(), region, used);
        let value = match name {
            "subnet-id" => Some(self.id.clone()),
            "subnet-arn" => shape().subnet_arn,
            "vpc-id" => Some(self.vpc_id.clone()),
            "owner-id" => Some(self.owner.to_string()),
            "state" => Some("available".into()),
            "cidr" | "cidr-block" | "cidrBlock" => Some(self.block.to_string()),
            "availability-zone" | "availabilityZone" => Some(self.zone.name(region)),
            "availability-zone-id" | "availabilityZoneId" => Some(self.zone.id(region)),
            "available-ip-address-count" => {
                shape().available_ip_address_count.map(|count| count.to_string())
            }
            "default-for-az" | "defaultForAz" => Some(self.default_for_az.to_string()),
            "map-public-ip-on-launch" => Some(self.map_public_ip_on_launch.to_string()),
            "map-customer-owned-ip-on-launch" | "ipv6-native" | "enable-dns64" => {
                Some("false".into())
            }
            "private-dns-name-options-on-launch.hostname-type" => Some(self.hostname_type.clone()),
            name if name.starts_with("ipv6-cidr-block-association.") => None,
            "outpost-arn" | "customer-owned-ipv4-pool" => None,
            _ => return None,
        };
        Some(value.into_iter().collect())
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidSubnetID.NotFound`, `InvalidSubnetID.Malformed`.
    pub(crate) async fn subnet(&self, scope: &Scope, id: &str) -> Result<Stored<Subnet>> {
        id::SUBNET.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::SUBNET, id))
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateSubnetRequest,
) -> Result<model::CreateSubnetResult> {
    refuse(
        "CreateSubnet",
        &[
            ("Ipv6CidrBlock", input.ipv6_cidr_block.is_some()),
            ("OutpostArn", input.outpost_arn.is_some()),
            ("Ipv6Native", input.ipv6_native == Some(true)),
            ("Ipv4IpamPoolId", input.ipv4_ipam_pool_id.is_some()),
            ("Ipv4NetmaskLength", input.ipv4_netmask_length.is_some()),
            ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
            ("Ipv6NetmaskLength", input.ipv6_netmask_length.is_some()),
        ],
    )?;
    let text = input.cidr_block.ok_or(Error::MissingParameter("cidrBlock"))?;
    let block = cidr(&text, "cidrBlock")?;
    let tags = tag::specified(input.tag_specifications, id::SUBNET)?;
    let zone = zone_asked(&call.region, input.availability_zone, input.availability_zone_id)?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let vpc = ec2.vpc(&scope, &input.vpc_id).await?.record;
        let inside = vpc.blocks.iter().any(|outer| outer.block.contains(&block));
        if !(16..=28).contains(&block.prefix_len()) || !inside {
            let message = format!("The CIDR '{text}' is invalid.");
            return Err(Error::coded("InvalidSubnet.Range", message));
        }
        let mut siblings = ec2.all::<Subnet>(&scope, "").await?;
        siblings.retain(|subnet| subnet.record.vpc_id == vpc.id);
        if siblings.iter().any(|sibling| overlap(sibling.record.block, block)) {
            let message = format!("The CIDR '{text}' conflicts with another subnet");
            return Err(Error::coded("InvalidSubnet.Conflict", message));
        }
        // Of a zone that was not asked for, AWS says nothing: the one with the fewest.
        let in_zone = |zone: &Zone| siblings.iter().filter(|s| s.record.zone == *zone).count();
        let fewest = || Zone::ALL.into_iter().min_by_key(in_zone).unwrap_or(Zone::A);
        let subnet = Subnet::new(&ec2.inner.random, &vpc, zone.unwrap_or_else(fewest), block);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.create(&scope, &subnet.id, &subnet);
        tag::create(&mut txn, &scope, &subnet.id, &tags);
        txn.commit().await?;
        let shape = subnet.shape(&Tags { tags: tags.clone() }, &call.region, 0);
        Ok(model::CreateSubnetResult { subnet: Some(shape) })
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeSubnetsRequest,
) -> Result<model::DescribeSubnetsResult> {
    let scope = ec2.settled(call).await?;
    let interfaces = ec2.all::<NetworkInterface>(&scope, "").await?;
    let used = |subnet: &Subnet| {
        let here = interfaces.iter().filter(|one| one.record.subnet_id == subnet.id).count();
        u32::try_from(here).unwrap_or(u32::MAX)
    };
    let listing = Listing {
        operation: "DescribeSubnets",
        kind: id::SUBNET,
        ids: input.subnet_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let region = &call.region;
    let values = |subnet: &Subnet, name: &str| subnet.filter_values(name, region, used(subnet));
    let shape = |subnet: &Subnet, tags: &Tags| subnet.shape(tags, region, used(subnet));
    let page = ec2.list(call, listing, values, shape).await?;
    Ok(model::DescribeSubnetsResult { subnets: Some(page.items), next_token: page.next_token })
}

/// Its association with a route table goes with it.
pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteSubnetRequest) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let vpc_id = ec2.subnet(&scope, &input.subnet_id).await?.record.vpc_id;
        let network = ec2.network(&scope, &vpc_id).await?;
        let subnet = ec2.subnet(&scope, &input.subnet_id).await?;
        let id = &subnet.record.id;
        if ec2.any::<NetworkInterface>(&scope, |one| one.subnet_id == *id).await? {
            return Err(Error::has_dependencies(id::SUBNET, id));
        }
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        for stored in ec2.all::<RouteTable>(&scope, "").await? {
            let mut table = stored.record.clone();
            table.associations.retain(|association| association.subnet_id.as_ref() != Some(id));
            if table != stored.record {
                txn.update(&stored, &table);
            }
        }
        ec2.drop_resource(&mut txn, &scope, &subnet).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// AWS takes one attribute a request.
pub async fn modify_attribute(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifySubnetAttributeRequest,
) -> Result<()> {
    let on = |value: &Option<model::AttributeBooleanValue>| {
        value.as_ref().and_then(|value| value.value) == Some(true)
    };
    refuse(
        "ModifySubnetAttribute",
        &[
            ("AssignIpv6AddressOnCreation", on(&input.assign_ipv6_address_on_creation)),
            ("MapCustomerOwnedIpOnLaunch", on(&input.map_customer_owned_ip_on_launch)),
            ("CustomerOwnedIpv4Pool", input.customer_owned_ipv4_pool.is_some()),
            ("EnableDns64", on(&input.enable_dns64)),
            (
                "EnableResourceNameDnsAAAARecordOnLaunch",
                on(&input.enable_resource_name_dns_aaaa_record_on_launch),
            ),
            ("EnableLniAtDeviceIndex", input.enable_lni_at_device_index.is_some()),
        ],
    )?;
    if let Some(unknown) = input
        .private_dns_hostname_type_on_launch
        .as_ref()
        .filter(|value| !HOSTNAME_TYPES.contains(&value.as_str()))
    {
        let message =
            format!("Value ({unknown}) for parameter privateDnsHostnameTypeOnLaunch is invalid.");
        return Err(Error::InvalidParameterValue(message));
    }
    let wanted = |value: &Option<model::AttributeBooleanValue>| value.as_ref()?.value;
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.subnet(&scope, &input.subnet_id).await?;
        let mut subnet = stored.record.clone();
        if let Some(map) = wanted(&input.map_public_ip_on_launch) {
            subnet.map_public_ip_on_launch = map;
        }
        if let Some(record) = wanted(&input.enable_resource_name_dns_a_record_on_launch) {
            subnet.resource_name_dns_a_record = record;
        }
        if let Some(kind) = &input.private_dns_hostname_type_on_launch {
            subnet.hostname_type = kind.clone();
        }
        let mut txn = ec2.records().transaction();
        txn.update(&stored, &subnet);
        txn.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests;
