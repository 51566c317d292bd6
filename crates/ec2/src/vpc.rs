//! VPCs.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>

use aws::{AccountId, Call};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::error::{Error, Result, refuse};
use crate::internet_gateway::InternetGateway;
use crate::listing::Listing;
use crate::network::{self, Network};
use crate::network_acl::NetworkAcl;
use crate::network_interface::NetworkInterface;
use crate::route_table::{Association, RouteTable};
use crate::security_group::SecurityGroup;
use crate::subnet::Subnet;
use crate::tag::{self, Tags};
use crate::vpc_block::{self, BlockAssociation};
use crate::{Ec2, id, model, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    pub id: String,
    pub owner: AccountId,
    /// The first is the one that it was made with.
    pub blocks: Vec<BlockAssociation>,
    pub is_default: bool,
    pub instance_tenancy: String,
    /// `default` when it has none of its own.
    pub dhcp_options_id: String,
    pub enable_dns_support: bool,
    pub enable_dns_hostnames: bool,
    pub enable_network_address_usage_metrics: bool,
}

impl Record for Vpc {
    const KIND: &'static str = "ec2.vpc";
    const FORMAT: u32 = 1;
}

impl Vpc {
    pub fn block(&self) -> Ipv4Net {
        self.blocks.first().map(|first| first.block).unwrap_or_default()
    }

    pub fn shape(&self, tags: &Tags) -> model::Vpc {
        model::Vpc {
            vpc_id: Some(self.id.clone()),
            owner_id: Some(self.owner.to_string()),
            cidr_block: Some(self.block().to_string()),
            cidr_block_association_set: Some(
                self.blocks.iter().map(|block| block.shape("associated")).collect(),
            ),
            dhcp_options_id: Some(self.dhcp_options_id.clone()),
            is_default: Some(self.is_default),
            instance_tenancy: Some(self.instance_tenancy.clone()),
            state: Some("available".into()),
            tags: tags.shapes(),
            ..Default::default()
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        let of_blocks =
            |of: &dyn Fn(&BlockAssociation) -> String| self.blocks.iter().map(of).collect();
        let value = match name {
            "vpc-id" => self.id.clone(),
            "owner-id" => self.owner.to_string(),
            "cidr" | "cidr-block" | "cidrBlock" => self.block().to_string(),
            "cidr-block-association.association-id" => return Some(of_blocks(&|b| b.id.clone())),
            "cidr-block-association.cidr-block" => {
                return Some(of_blocks(&|b| b.block.to_string()));
            }
            "cidr-block-association.state" => return Some(of_blocks(&|_| "associated".into())),
            "dhcp-options-id" | "dhcpOptionsId" => self.dhcp_options_id.clone(),
            "is-default" | "isDefault" => self.is_default.to_string(),
            "state" => "available".into(),
            name if name.starts_with("ipv6-cidr-block-association.") => return Some(Vec::new()),
            _ => return None,
        };
        Some(vec![value])
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidVpcID.Malformed`.
    pub(crate) async fn vpc(&self, scope: &Scope, id: &str) -> Result<Stored<Vpc>> {
        id::VPC.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::VPC, id))
    }

    /// A VPC as it is when it is new.
    pub(crate) fn new_vpc(&self, owner: &AccountId, block: Ipv4Net, dhcp_options_id: &str) -> Vpc {
        let random = &self.inner.random;
        Vpc {
            id: id::VPC.new_id(random),
            owner: owner.clone(),
            blocks: vec![BlockAssociation::new(random, block)],
            is_default: false,
            instance_tenancy: "default".into(),
            dhcp_options_id: dhcp_options_id.into(),
            enable_dns_support: true,
            enable_dns_hostnames: false,
            enable_network_address_usage_metrics: false,
        }
    }

    /// Writes a VPC and what AWS makes with it: main route table, default security group and
    /// network ACL.
    pub(crate) fn found_vpc(&self, txn: &mut Transaction, scope: &Scope, vpc: &Vpc) -> RouteTable {
        let random = &self.inner.random;
        let mut table = RouteTable::new(random, vpc);
        table.associations.push(Association::new(random, None));
        let group = SecurityGroup::default_of(random, vpc);
        let acl = NetworkAcl::default_of(random, vpc);
        txn.create(scope, &vpc.id, vpc);
        txn.create(scope, &vpc.id, &Network { version: 1 });
        txn.create(scope, &group.id, &group);
        txn.create(scope, &acl.id, &acl);
        table
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateVpcRequest,
) -> Result<model::CreateVpcResult> {
    refuse_unserved(&input)?;
    let block = vpc_block::parse(&input.cidr_block.ok_or(Error::MissingParameter("cidrBlock"))?)?;
    let tags = tag::specified(input.tag_specifications, id::VPC)?;
    let tenancy = input.instance_tenancy.unwrap_or_else(|| "default".into());
    if tenancy != "default" {
        return Err(Error::ParameterNotServed {
            operation: "CreateVpc",
            parameter: "InstanceTenancy",
        });
    }
    let scope = ec2.settled(call).await?;
    let vpc = ec2.new_vpc(call.account()?, block, &ec2.settlement(&scope).await?.dhcp_options_id);
    let mut txn = ec2.records().transaction();
    let table = ec2.found_vpc(&mut txn, &scope, &vpc);
    txn.create(&scope, &table.id, &table);
    tag::create(&mut txn, &scope, &vpc.id, &tags);
    txn.commit().await?;
    Ok(model::CreateVpcResult { vpc: Some(vpc.shape(&Tags { tags })) })
}

fn refuse_unserved(input: &model::CreateVpcRequest) -> Result<()> {
    let ipv6 = input.amazon_provided_ipv6_cidr_block == Some(true);
    refuse(
        "CreateVpc",
        &[
            ("AmazonProvidedIpv6CidrBlock", ipv6),
            ("Ipv6CidrBlock", input.ipv6_cidr_block.is_some()),
            ("Ipv6Pool", input.ipv6_pool.is_some()),
            ("Ipv4IpamPoolId", input.ipv4_ipam_pool_id.is_some()),
            ("Ipv4NetmaskLength", input.ipv4_netmask_length.is_some()),
            ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
            ("Ipv6NetmaskLength", input.ipv6_netmask_length.is_some()),
            ("VpcEncryptionControl", input.vpc_encryption_control.is_some()),
        ],
    )
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVpcsRequest,
) -> Result<model::DescribeVpcsResult> {
    ec2.settled(call).await?;
    let listing = Listing {
        operation: "DescribeVpcs",
        kind: id::VPC,
        ids: input.vpc_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let page = ec2.list(call, listing, Vpc::filter_values, Vpc::shape).await?;
    Ok(model::DescribeVpcsResult { vpcs: Some(page.items), next_token: page.next_token })
}

/// With it go its main route table, default security group and network ACL.
pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteVpcRequest) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let vpc = ec2.vpc(&scope, &input.vpc_id).await?;
        let id = &vpc.record.id;
        let needed = || Error::has_dependencies(id::VPC, id);
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.delete(&vpc);
        ec2.drop_tags(&mut txn, &scope, id).await?;
        if ec2.any::<Subnet>(&scope, |subnet| subnet.vpc_id == *id).await?
            || ec2.any::<NetworkInterface>(&scope, |one| one.vpc_id == *id).await?
            || ec2.any::<InternetGateway>(&scope, |one| one.vpc_id.as_ref() == Some(id)).await?
        {
            return Err(needed());
        }
        for table in ec2.all::<RouteTable>(&scope, "").await? {
            match table.record.vpc_id == *id {
                true if !table.record.is_main() => return Err(needed()),
                true => ec2.drop_resource(&mut txn, &scope, &table).await?,
                false => (),
            }
        }
        for group in ec2.all::<SecurityGroup>(&scope, "").await? {
            match group.record.vpc_id == *id {
                true if !group.record.is_default() => return Err(needed()),
                true => ec2.drop_group(&mut txn, &scope, &group).await?,
                false => (),
            }
        }
        for acl in ec2.all::<NetworkAcl>(&scope, "").await? {
            if acl.record.vpc_id == *id {
                ec2.drop_resource(&mut txn, &scope, &acl).await?;
            }
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}

impl Ec2 {
    /// Whether the scope has such a record.
    pub(crate) async fn any<R: Record>(
        &self,
        scope: &Scope,
        is: impl Fn(&R) -> bool,
    ) -> Result<bool> {
        Ok(self.all::<R>(scope, "").await?.iter().any(|stored| is(&stored.record)))
    }

    /// Deletes a record and the tags of its id.
    pub(crate) async fn drop_resource<R: Record>(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        stored: &Stored<R>,
    ) -> Result<()> {
        txn.delete(stored);
        self.drop_tags(txn, scope, &stored.key.id).await
    }

    /// The resources of these ids, or all when none is named, in the order of their ids.
    ///
    /// # Errors
    /// `….NotFound`, `….Malformed` for an id that names none.
    pub(crate) async fn named_or_all<R: Record>(
        &self,
        scope: &Scope,
        kind: id::Kind,
        ids: Option<Vec<String>>,
    ) -> Result<Vec<Stored<R>>> {
        let mut ids = ids.unwrap_or_default();
        if ids.is_empty() {
            return self.all(scope, "").await;
        }
        ids.sort();
        ids.dedup();
        let mut found = Vec::new();
        for id in ids {
            kind.check(&id)?;
            let stored = self.records().get(scope, &id).await?;
            found.push(stored.ok_or_else(|| Error::not_found(kind, &id))?);
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
