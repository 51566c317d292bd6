//! DHCP options: what a VPC's machines are told of names and times.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/VPC_DHCP_Options.html>

use std::collections::BTreeMap;

use aws::{AccountId, Call, Random, Region};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::tag::{self, Tags};
use crate::vpc::Vpc;
use crate::{Ec2, dns_name, id, model, network, scope};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DhcpOptions {
    pub id: String,
    pub owner: AccountId,
    pub configurations: BTreeMap<String, Vec<String>>,
}

impl Record for DhcpOptions {
    const KIND: &'static str = "ec2.dhcp-options";
    const FORMAT: u32 = 1;
}

/// A VPC's `dhcpOptionsId` when it has none.
pub const NONE: &str = "default";
const KEYS: &[&str] = &[
    "domain-name",
    "domain-name-servers",
    "ipv6-address-preferred-lease-time",
    "netbios-name-servers",
    "netbios-node-type",
    "ntp-servers",
];

impl DhcpOptions {
    /// Those of a region that was never changed.
    pub fn default_of(random: &Random, owner: &AccountId, region: &Region) -> Self {
        let configurations = [
            ("domain-name", dns_name::internal_domain(region)),
            ("domain-name-servers", "AmazonProvidedDNS".into()),
        ];
        Self {
            id: id::DHCP_OPTIONS.new_id(random),
            owner: owner.clone(),
            configurations: configurations.map(|(key, value)| (key.into(), vec![value])).into(),
        }
    }

    fn shape(&self, tags: &Tags) -> model::DhcpOptions {
        let value = |value: &String| model::AttributeValue { value: Some(value.clone()) };
        let configuration = |(key, values): (&String, &Vec<String>)| model::DhcpConfiguration {
            key: Some(key.clone()),
            values: Some(values.iter().map(value).collect()),
        };
        model::DhcpOptions {
            owner_id: Some(self.owner.to_string()),
            tags: tags.shapes(),
            dhcp_options_id: Some(self.id.clone()),
            dhcp_configurations: Some(self.configurations.iter().map(configuration).collect()),
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        match name {
            "dhcp-options-id" => Some(vec![self.id.clone()]),
            "owner-id" => Some(vec![self.owner.to_string()]),
            "key" => Some(self.configurations.keys().cloned().collect()),
            "value" => Some(self.configurations.values().flatten().cloned().collect()),
            _ => None,
        }
    }
}

impl Ec2 {
    async fn dhcp_options(&self, scope: &Scope, id: &str) -> Result<Stored<DhcpOptions>> {
        id::DHCP_OPTIONS.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::DHCP_OPTIONS, id))
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateDhcpOptionsRequest,
) -> Result<model::CreateDhcpOptionsResult> {
    let tags = tag::specified(input.tag_specifications, id::DHCP_OPTIONS)?;
    let mut configurations = BTreeMap::new();
    for configuration in input.dhcp_configurations {
        let key = configuration.key.unwrap_or_default();
        let values = configuration.values.unwrap_or_default();
        if !KEYS.contains(&key.as_str()) || values.is_empty() {
            let message =
                format!("Value ({key}) for parameter name is invalid. Unknown DHCP option");
            return Err(Error::InvalidParameterValue(message));
        }
        configurations.insert(key, values);
    }
    if configurations.is_empty() {
        return Err(Error::MissingParameter("dhcpConfigurations"));
    }
    let scope = scope(call)?;
    let id = id::DHCP_OPTIONS.new_id(&ec2.inner.random);
    let options = DhcpOptions { id, owner: call.account()?.clone(), configurations };
    let mut txn = ec2.records().transaction();
    txn.create(&scope, &options.id, &options);
    tag::create(&mut txn, &scope, &options.id, &tags);
    txn.commit().await?;
    Ok(model::CreateDhcpOptionsResult { dhcp_options: Some(options.shape(&Tags { tags })) })
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeDhcpOptionsRequest,
) -> Result<model::DescribeDhcpOptionsResult> {
    ec2.settled(call).await?;
    let listing = Listing {
        operation: "DescribeDhcpOptions",
        kind: id::DHCP_OPTIONS,
        ids: input.dhcp_options_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let page = ec2.list(call, listing, DhcpOptions::filter_values, DhcpOptions::shape).await?;
    Ok(model::DescribeDhcpOptionsResult {
        dhcp_options: Some(page.items),
        next_token: page.next_token,
    })
}

pub async fn associate(
    ec2: &Ec2,
    call: &Call,
    input: model::AssociateDhcpOptionsRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let network = ec2.network(&scope, &input.vpc_id).await?;
        let vpc = ec2.vpc(&scope, &input.vpc_id).await?;
        let mut txn = ec2.records().transaction();
        if input.dhcp_options_id != NONE {
            let options = ec2.dhcp_options(&scope, &input.dhcp_options_id).await?;
            // Written as it is, so that nobody who saw no user of it deletes it meanwhile.
            txn.update(&options, &options.record);
        }
        network::raise(&mut txn, &network);
        let dhcp_options_id = input.dhcp_options_id.clone();
        txn.update(&vpc, &Vpc { dhcp_options_id, ..vpc.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteDhcpOptionsRequest) -> Result<()> {
    let scope = ec2.settled(call).await?;
    ec2.retry(async || {
        let options = ec2.dhcp_options(&scope, &input.dhcp_options_id).await?;
        let id = &options.record.id;
        // New VPCs get the region's first ones: they are always in use.
        if ec2.settlement(&scope).await?.dhcp_options_id == *id
            || ec2.any::<Vpc>(&scope, |vpc| vpc.dhcp_options_id == *id).await?
        {
            return Err(Error::has_dependencies(id::DHCP_OPTIONS, id));
        }
        let mut txn = ec2.records().transaction();
        ec2.drop_resource(&mut txn, &scope, &options).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests;
