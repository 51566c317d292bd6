//! VPCs.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/configure-your-vpc.html>

use std::net::Ipv4Addr;

use aws::{AccountId, Call};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    pub id: String,
    pub owner: AccountId,
    pub block: Ipv4Net,
    pub is_default: bool,
    pub instance_tenancy: String,
}

impl Record for Vpc {
    const KIND: &'static str = "ec2.vpc";
    const FORMAT: u32 = 1;
}

/// The block as AWS takes it: a network's own address with 16 to 28 bits.
///
/// # Errors
/// `InvalidParameterValue` for no block, `InvalidVpc.Range` for an unfit size.
pub fn block(text: &str) -> Result<Ipv4Net> {
    let invalid = || {
        Error::InvalidParameterValue(format!(
            "Value ({text}) for parameter cidrBlock is invalid. This is not a valid CIDR block."
        ))
    };
    let block: Ipv4Net = text.parse().map_err(|_| invalid())?;
    if block.addr().is_unspecified() && block.prefix_len() == 0
        || block.addr() == Ipv4Addr::BROADCAST
    {
        return Err(invalid());
    }
    if !(16..=28).contains(&block.prefix_len()) {
        return Err(Error::coded("InvalidVpc.Range", format!("The CIDR '{text}' is invalid.")));
    }
    Ok(block.trunc())
}

impl Vpc {
    fn shape(&self, tags: &Tags) -> model::Vpc {
        model::Vpc {
            vpc_id: Some(self.id.clone()),
            owner_id: Some(self.owner.to_string()),
            cidr_block: Some(self.block.to_string()),
            is_default: Some(self.is_default),
            instance_tenancy: Some(self.instance_tenancy.clone()),
            state: Some("available".into()),
            tags: tags.shapes(),
            ..Default::default()
        }
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
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateVpcRequest,
) -> Result<model::CreateVpcResult> {
    let block = block(&input.cidr_block.ok_or(Error::MissingParameter("cidrBlock"))?)?;
    let tags = tag::specified(input.tag_specifications, id::VPC)?;
    let vpc = Vpc {
        id: id::VPC.new_id(&ec2.inner.random),
        owner: call.account()?.clone(),
        block,
        is_default: false,
        instance_tenancy: input.instance_tenancy.unwrap_or_else(|| "default".into()),
    };
    let scope = scope(call)?;
    let mut txn = ec2.records().transaction();
    txn.create(&scope, &vpc.id, &vpc);
    tag::create(&mut txn, &scope, &vpc.id, &tags);
    txn.commit().await?;
    Ok(model::CreateVpcResult { vpc: Some(vpc.shape(&Tags { tags })) })
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVpcsRequest,
) -> Result<model::DescribeVpcsResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let ask = ec2.ask(call, "DescribeVpcs", input.next_token.as_deref(), input.max_results).await?;
    let mut tags = ec2.tags_of(&scope, id::VPC).await?;
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<Vpc>(&scope, id::VPC, input.vpc_ids).await? {
        let vpc = stored.record;
        let tags = tags.remove(&vpc.id).unwrap_or_default();
        let values = |name: &str| match name {
            "vpc-id" => Some(vec![vpc.id.clone()]),
            "owner-id" => Some(vec![vpc.owner.to_string()]),
            "cidr" | "cidr-block" => Some(vec![vpc.block.to_string()]),
            "is-default" | "isDefault" => Some(vec![vpc.is_default.to_string()]),
            "state" => Some(vec!["available".into()]),
            _ => None,
        };
        if filters.pass(&tags, values)? {
            found.push((vpc.id.clone(), vpc.shape(&tags)));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeVpcsResult { vpcs: Some(page.items), next_token: page.next_token })
}

pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteVpcRequest) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let vpc = ec2.vpc(&scope, &input.vpc_id).await?;
        let mut txn = ec2.records().transaction();
        txn.delete(&vpc);
        ec2.drop_tags(&mut txn, &scope, &vpc.record.id).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

impl Ec2 {
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
mod tests {
    use crate::testing::World;

    #[tokio::test]
    async fn a_vpc_is_found_again_with_its_tags() {
        let world = World::new();
        let tag = "TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web";
        let created = world.must("CreateVpc", &format!("CidrBlock=10.0.0.0/16&{tag}")).await;
        let id = World::text(&created, "vpcId").to_owned();
        assert!(created.contains("<cidrBlock>10.0.0.0/16</cidrBlock>"), "{created}");
        let found = world.must("DescribeVpcs", "Filter.1.Name=tag:Name&Filter.1.Value.1=w*").await;
        assert!(found.contains(&id));
        let none = world.must("DescribeVpcs", "Filter.1.Name=tag:Name&Filter.1.Value.1=x*").await;
        assert!(!none.contains(&id));
        world.must("DeleteTags", &format!("ResourceId.1={id}")).await;
        assert_eq!(World::texts(&world.must("DescribeTags", "").await, "key"), [""; 0]);
        let (_, code, message) = world.refused("DescribeVpcs", "VpcId.1=vpc-0123").await;
        assert_eq!(code, "InvalidVpcID.NotFound");
        assert_eq!(message, "The vpc ID 'vpc-0123' does not exist");
        world.must("DeleteVpc", &format!("VpcId={id}")).await;
        assert_eq!(
            world.refused("DeleteVpc", &format!("VpcId={id}")).await.1,
            "InvalidVpcID.NotFound"
        );
        let dry = world.refused("CreateVpc", "CidrBlock=10.0.0.0/16&DryRun=true").await;
        assert_eq!((dry.0, dry.1.as_str()), (412, "DryRunOperation"));
        let refused = world.refused("CreateVpc", "CidrBlock=10.0.0.0/8").await;
        assert_eq!(refused.1, "InvalidVpc.Range");
    }
}
