//! A VPC's address blocks: the one it is made with and those added later.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-cidr-blocks.html>

use std::net::Ipv4Addr;

use aws::{Call, Random};
use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::Stored;

use crate::error::{Error, Result, refuse};
use crate::subnet::Subnet;
use crate::vpc::Vpc;
use crate::{Ec2, model, network, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockAssociation {
    pub id: String,
    pub block: Ipv4Net,
}

/// AWS's quota of IPv4 blocks a VPC.
const BLOCKS_MAX: usize = 5;

impl BlockAssociation {
    pub fn new(random: &Random, block: Ipv4Net) -> Self {
        Self { id: random.resource_id("vpc-cidr-assoc"), block }
    }

    pub fn shape(&self, state: &str) -> model::VpcCidrBlockAssociation {
        model::VpcCidrBlockAssociation {
            association_id: Some(self.id.clone()),
            cidr_block: Some(self.block.to_string()),
            cidr_block_state: Some(model::VpcCidrBlockState {
                state: Some(state.into()),
                ..Default::default()
            }),
        }
    }
}

/// The block as AWS takes it for a VPC: 16 to 28 bits.
///
/// # Errors
/// `InvalidParameterValue` for no block, `InvalidVpc.Range` for an unfit size.
pub fn parse(text: &str) -> Result<Ipv4Net> {
    let block = cidr(text, "cidrBlock")?;
    if !(16..=28).contains(&block.prefix_len()) {
        return Err(Error::coded("InvalidVpc.Range", format!("The CIDR '{text}' is invalid.")));
    }
    Ok(block)
}

/// A block of any size, without the bits after its prefix.
///
/// # Errors
/// `InvalidParameterValue` for no block.
pub fn cidr(text: &str, parameter: &str) -> Result<Ipv4Net> {
    let invalid = || {
        Error::InvalidParameterValue(format!(
            "Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."
        ))
    };
    let block: Ipv4Net = text.parse().map_err(|_| invalid())?;
    match block.addr() == Ipv4Addr::BROADCAST && block.prefix_len() == 0 {
        true => Err(invalid()),
        false => Ok(block.trunc()),
    }
}

pub fn overlap(one: Ipv4Net, other: Ipv4Net) -> bool {
    one.contains(&other) || other.contains(&one)
}

pub async fn associate(
    ec2: &Ec2,
    call: &Call,
    input: model::AssociateVpcCidrBlockRequest,
) -> Result<model::AssociateVpcCidrBlockResult> {
    let ipv6 = input.amazon_provided_ipv6_cidr_block == Some(true);
    refuse(
        "AssociateVpcCidrBlock",
        &[
            ("AmazonProvidedIpv6CidrBlock", ipv6),
            ("Ipv6CidrBlock", input.ipv6_cidr_block.is_some()),
            ("Ipv6Pool", input.ipv6_pool.is_some()),
            ("Ipv4IpamPoolId", input.ipv4_ipam_pool_id.is_some()),
            ("Ipv6IpamPoolId", input.ipv6_ipam_pool_id.is_some()),
        ],
    )?;
    let block = parse(&input.cidr_block.ok_or(Error::MissingParameter("cidrBlock"))?)?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let stored = ec2.vpc(&scope, &input.vpc_id).await?;
        let mut vpc = stored.record.clone();
        if let Some(other) = vpc.blocks.iter().find(|other| overlap(other.block, block)) {
            let message = format!(
                "The CIDR '{block}' conflicts with the block '{}' of the VPC '{}'.",
                other.block, vpc.id
            );
            return Err(Error::coded("InvalidVpc.Conflict", message));
        }
        if vpc.blocks.len() >= BLOCKS_MAX {
            let message = format!("The VPC '{}' has {BLOCKS_MAX} CIDR blocks already.", vpc.id);
            return Err(Error::coded("VpcCidrBlockLimitExceeded", message));
        }
        let association = BlockAssociation::new(&ec2.inner.random, block);
        vpc.blocks.push(association.clone());
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &vpc);
        txn.commit().await?;
        Ok(model::AssociateVpcCidrBlockResult {
            vpc_id: Some(vpc.id),
            cidr_block_association: Some(association.shape("associating")),
            ..Default::default()
        })
    })
    .await
}

pub async fn disassociate(
    ec2: &Ec2,
    call: &Call,
    input: model::DisassociateVpcCidrBlockRequest,
) -> Result<model::DisassociateVpcCidrBlockResult> {
    let scope = scope(call)?;
    let id = input.association_id;
    let unknown = || {
        let message = format!("The vpc CIDR block association ID '{id}' does not exist");
        Error::coded("InvalidVpcCidrBlockAssociationID.NotFound", message)
    };
    ec2.retry(async || {
        let has = |stored: &Stored<Vpc>| stored.record.blocks.iter().any(|block| block.id == id);
        let owner = ec2.all::<Vpc>(&scope, "").await?.into_iter().find(has).ok_or_else(unknown)?;
        let network = ec2.network(&scope, &owner.record.id).await?;
        let stored = ec2.vpc(&scope, &owner.record.id).await?;
        let mut vpc = stored.record.clone();
        let at = vpc.blocks.iter().position(|block| block.id == id).ok_or_else(unknown)?;
        if at == 0 {
            let message = format!("The vpc CIDR block with association ID {id} may not be disassociated. It is the primary IPv4 CIDR block of the VPC");
            return Err(Error::coded("OperationNotPermitted", message));
        }
        let gone = vpc.blocks.remove(at);
        let inside = |one: &Subnet| one.vpc_id == vpc.id && gone.block.contains(&one.block);
        if ec2.any::<Subnet>(&scope, inside).await? {
            let message = format!("The vpc CIDR block with association ID {id} may not be disassociated. It has subnets");
            return Err(Error::coded("InvalidCidrBlock.InUse", message));
        }
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &vpc);
        txn.commit().await?;
        Ok(model::DisassociateVpcCidrBlockResult {
            vpc_id: Some(vpc.id),
            cidr_block_association: Some(gone.shape("disassociating")),
            ..Default::default()
        })
    })
    .await
}
