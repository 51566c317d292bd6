//! Network ACLs: the default one of each VPC, which lets everything pass. Others cannot be made.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/default-network-acl.html>

use aws::{AccountId, Call, Random};
use serde::{Deserialize, Serialize};
use state::Record;

use crate::error::Result;
use crate::listing::Listing;
use crate::subnet::Subnet;
use crate::tag::Tags;
use crate::vpc::Vpc;
use crate::{Ec2, id, model};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkAcl {
    pub id: String,
    pub vpc_id: String,
    pub owner: AccountId,
}

impl Record for NetworkAcl {
    const KIND: &'static str = "ec2.network-acl";
    const FORMAT: u32 = 1;
}

/// The last entry of each direction, which AWS shows too: what no other matched is denied.
const LAST: i32 = 32767;
const FIRST: i32 = 100;

impl NetworkAcl {
    pub fn default_of(random: &Random, vpc: &Vpc) -> Self {
        let id = id::NETWORK_ACL.new_id(random);
        Self { id, vpc_id: vpc.id.clone(), owner: vpc.owner.clone() }
    }

    fn shape(&self, tags: &Tags, subnets: &[Subnet]) -> model::NetworkAcl {
        let mine = subnets.iter().filter(|subnet| subnet.vpc_id == self.vpc_id);
        let association = |subnet: &Subnet| model::NetworkAclAssociation {
            network_acl_association_id: Some(subnet.network_acl_association_id.clone()),
            network_acl_id: Some(self.id.clone()),
            subnet_id: Some(subnet.id.clone()),
        };
        model::NetworkAcl {
            associations: Some(mine.map(association).collect()),
            entries: Some(entries()),
            is_default: Some(true),
            network_acl_id: Some(self.id.clone()),
            tags: tags.shapes(),
            vpc_id: Some(self.vpc_id.clone()),
            owner_id: Some(self.owner.to_string()),
        }
    }

    fn filter_values(&self, name: &str, subnets: &[Subnet]) -> Option<Vec<String>> {
        let mine = subnets.iter().filter(|subnet| subnet.vpc_id == self.vpc_id);
        let of_entries = |of: fn(&model::NetworkAclEntry) -> Option<String>| {
            Some(entries().iter().filter_map(of).collect())
        };
        match name {
            "network-acl-id" => Some(vec![self.id.clone()]),
            "vpc-id" => Some(vec![self.vpc_id.clone()]),
            "owner-id" => Some(vec![self.owner.to_string()]),
            "default" => Some(vec!["true".into()]),
            "association.network-acl-id" => Some(mine.map(|_| self.id.clone()).collect()),
            "association.subnet-id" => Some(mine.map(|subnet| subnet.id.clone()).collect()),
            "association.association-id" => {
                Some(mine.map(|subnet| subnet.network_acl_association_id.clone()).collect())
            }
            "entry.cidr" => of_entries(|entry| entry.cidr_block.clone()),
            "entry.protocol" => of_entries(|entry| entry.protocol.clone()),
            "entry.rule-action" => of_entries(|entry| entry.rule_action.clone()),
            "entry.rule-number" => of_entries(|entry| Some(entry.rule_number?.to_string())),
            "entry.egress" => of_entries(|entry| Some(entry.egress?.to_string())),
            _ => None,
        }
    }
}

fn entries() -> Vec<model::NetworkAclEntry> {
    let entry = |egress: bool, number: i32, action: &str| model::NetworkAclEntry {
        cidr_block: Some("0.0.0.0/0".into()),
        egress: Some(egress),
        protocol: Some("-1".into()),
        rule_action: Some(action.into()),
        rule_number: Some(number),
        ..Default::default()
    };
    let both = |egress| [entry(egress, FIRST, "allow"), entry(egress, LAST, "deny")];
    [both(true), both(false)].concat()
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeNetworkAclsRequest,
) -> Result<model::DescribeNetworkAclsResult> {
    let scope = ec2.settled(call).await?;
    let subnets = ec2.all::<Subnet>(&scope, "").await?;
    let subnets: Vec<Subnet> = subnets.into_iter().map(|stored| stored.record).collect();
    let listing = Listing {
        operation: "DescribeNetworkAcls",
        kind: id::NETWORK_ACL,
        ids: input.network_acl_ids,
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let values = |acl: &NetworkAcl, name: &str| acl.filter_values(name, &subnets);
    let shape = |acl: &NetworkAcl, tags: &Tags| acl.shape(tags, &subnets);
    let page = ec2.list(call, listing, values, shape).await?;
    Ok(model::DescribeNetworkAclsResult {
        network_acls: Some(page.items),
        next_token: page.next_token,
    })
}
