//! Internet gateways: the door of a VPC.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_Internet_Gateway.html>

use aws::{AccountId, Call, Random};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, network, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    pub id: String,
    pub owner: AccountId,
    /// That it is attached to.
    pub vpc_id: Option<String>,
}

impl Record for InternetGateway {
    const KIND: &'static str = "ec2.internet-gateway";
    const FORMAT: u32 = 1;
}

impl InternetGateway {
    pub fn new(random: &Random, owner: &AccountId) -> Self {
        Self { id: id::INTERNET_GATEWAY.new_id(random), owner: owner.clone(), vpc_id: None }
    }

    fn shape(&self, tags: &Tags) -> model::InternetGateway {
        let attachment = |vpc_id: &String| model::InternetGatewayAttachment {
            // Of internet gateways AWS says `available` where others are `attached`.
            state: Some("available".into()),
            vpc_id: Some(vpc_id.clone()),
        };
        model::InternetGateway {
            attachments: Some(self.vpc_id.iter().map(attachment).collect()),
            internet_gateway_id: Some(self.id.clone()),
            owner_id: Some(self.owner.to_string()),
            tags: tags.shapes(),
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        match name {
            "internet-gateway-id" => Some(vec![self.id.clone()]),
            "owner-id" => Some(vec![self.owner.to_string()]),
            "attachment.vpc-id" => Some(self.vpc_id.iter().cloned().collect()),
            "attachment.state" => Some(self.vpc_id.iter().map(|_| "available".into()).collect()),
            _ => None,
        }
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidInternetGatewayID.NotFound`, `InvalidInternetGatewayID.Malformed`.
    pub(crate) async fn internet_gateway(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Stored<InternetGateway>> {
        id::INTERNET_GATEWAY.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::INTERNET_GATEWAY, id))
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateInternetGatewayRequest,
) -> Result<model::CreateInternetGatewayResult> {
    let tags = tag::specified(input.tag_specifications, id::INTERNET_GATEWAY)?;
    let scope = scope(call)?;
    let gateway = InternetGateway::new(&ec2.inner.random, call.account()?);
    let mut txn = ec2.records().transaction();
    txn.create(&scope, &gateway.id, &gateway);
    tag::create(&mut txn, &scope, &gateway.id, &tags);
    txn.commit().await?;
    let shape = gateway.shape(&Tags { tags });
    Ok(model::CreateInternetGatewayResult { internet_gateway: Some(shape) })
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInternetGatewaysRequest,
) -> Result<model::DescribeInternetGatewaysResult> {
    ec2.settled(call).await?;
    let listing = Listing {
        operation: "DescribeInternetGateways",
        kind: id::INTERNET_GATEWAY,
        ids: input.internet_gateway_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let (values, shape) = (InternetGateway::filter_values, InternetGateway::shape);
    let page = ec2.list(call, listing, values, shape).await?;
    Ok(model::DescribeInternetGatewaysResult {
        internet_gateways: Some(page.items),
        next_token: page.next_token,
    })
}

pub async fn attach(
    ec2: &Ec2,
    call: &Call,
    input: model::AttachInternetGatewayRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let vpc_id = ec2.vpc(&scope, &input.vpc_id).await?.record.id;
        let stored = ec2.internet_gateway(&scope, &input.internet_gateway_id).await?;
        let gateway = &stored.record;
        if let Some(other) = &gateway.vpc_id {
            let message = format!("resource {} is already attached to network {other}", gateway.id);
            return Err(Error::coded("Resource.AlreadyAssociated", message));
        }
        let there = |other: &InternetGateway| other.vpc_id.as_ref() == Some(&vpc_id);
        if ec2.any::<InternetGateway>(&scope, there).await? {
            let message = format!("Network {vpc_id} already has an internet gateway attached");
            return Err(Error::InvalidParameterValue(message));
        }
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &InternetGateway { vpc_id: Some(vpc_id), ..gateway.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// Refused while anything behind it has a public address.
pub async fn detach(
    ec2: &Ec2,
    call: &Call,
    input: model::DetachInternetGatewayRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let vpc_id = ec2.vpc(&scope, &input.vpc_id).await?.record.id;
        let stored = ec2.internet_gateway(&scope, &input.internet_gateway_id).await?;
        let gateway = &stored.record;
        if gateway.vpc_id.as_ref() != Some(&vpc_id) {
            let message = format!("resource {} is not attached to network {vpc_id}", gateway.id);
            return Err(Error::coded("Gateway.NotAttached", message));
        }
        if ec2.has_public_addresses(&scope, &vpc_id).await? {
            let message = format!("Network {vpc_id} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.");
            return Err(Error::DependencyViolation(message));
        }
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.update(&stored, &InternetGateway { vpc_id: None, ..gateway.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteInternetGatewayRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.internet_gateway(&scope, &input.internet_gateway_id).await?;
        if stored.record.vpc_id.is_some() {
            return Err(Error::has_dependencies(id::INTERNET_GATEWAY, &stored.record.id));
        }
        let mut txn = ec2.records().transaction();
        ec2.drop_resource(&mut txn, &scope, &stored).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests;
