//! The rules of security groups, which have ids and tags of their own.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/security-group-rules.html>

use std::collections::BTreeMap;

use aws::{Call, Random};
use serde::{Deserialize, Serialize};
use state::{Scope, Stored};

use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::tag::Tags;
use crate::{Ec2, id, model};

use super::SecurityGroup;
use super::permission::{Permission, Source};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    pub id: String,
    pub direction: Direction,
    pub permission: Permission,
    pub description: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    Ingress,
    Egress,
}

impl Rule {
    pub fn new(random: &Random, direction: Direction, permission: Permission) -> Self {
        let id = id::SECURITY_GROUP_RULE.new_id(random);
        Self { id, direction, permission, description: None }
    }

    pub fn shape(
        &self,
        group: &SecurityGroup,
        tags: &Tags,
        call: &Call,
    ) -> model::SecurityGroupRule {
        let permission = &self.permission;
        let source = Sides::of(&permission.source);
        let referenced = |group_id| model::ReferencedSecurityGroup {
            group_id: Some(group_id),
            user_id: Some(group.owner.to_string()),
            vpc_id: Some(group.vpc_id.clone()),
            ..Default::default()
        };
        model::SecurityGroupRule {
            security_group_rule_id: Some(self.id.clone()),
            group_id: Some(group.id.clone()),
            group_owner_id: Some(group.owner.to_string()),
            is_egress: Some(self.direction == Direction::Egress),
            ip_protocol: Some(permission.protocol.name()),
            // Where there are no ports, AWS says -1 of a rule and nothing of a permission.
            from_port: Some(permission.from_port.unwrap_or(-1)),
            to_port: Some(permission.to_port.unwrap_or(-1)),
            cidr_ipv4: source.cidr_ipv4,
            cidr_ipv6: source.cidr_ipv6,
            prefix_list_id: None,
            referenced_group_info: source.group_id.map(referenced),
            description: self.description.clone(),
            tags: tags.shapes(),
            security_group_rule_arn: Some(format!(
                "arn:aws:ec2:{}:{}:security-group-rule/{}",
                call.region, group.owner, self.id
            )),
        }
    }

    pub fn revoked(&self, group: &SecurityGroup) -> model::RevokedSecurityGroupRule {
        let source = Sides::of(&self.permission.source);
        model::RevokedSecurityGroupRule {
            security_group_rule_id: Some(self.id.clone()),
            group_id: Some(group.id.clone()),
            is_egress: Some(self.direction == Direction::Egress),
            ip_protocol: Some(self.permission.protocol.name()),
            from_port: Some(self.permission.from_port.unwrap_or(-1)),
            to_port: Some(self.permission.to_port.unwrap_or(-1)),
            cidr_ipv4: source.cidr_ipv4,
            cidr_ipv6: source.cidr_ipv6,
            prefix_list_id: None,
            referenced_group_id: source.group_id,
            description: self.description.clone(),
        }
    }
}

#[derive(Default)]
struct Sides {
    cidr_ipv4: Option<String>,
    cidr_ipv6: Option<String>,
    group_id: Option<String>,
}

impl Sides {
    fn of(source: &Source) -> Self {
        match source {
            Source::Ipv4(block) => {
                Self { cidr_ipv4: Some(block.to_string()), ..Default::default() }
            }
            Source::Ipv6(block) => {
                Self { cidr_ipv6: Some(block.to_string()), ..Default::default() }
            }
            Source::Group(id) => Self { group_id: Some(id.clone()), ..Default::default() },
        }
    }
}

impl Ec2 {
    /// The group that has a rule, if any has.
    pub(crate) async fn group_of_rule(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Option<Stored<SecurityGroup>>> {
        let has =
            |group: &Stored<SecurityGroup>| group.record.rules.iter().any(|rule| rule.id == id);
        Ok(self.all::<SecurityGroup>(scope, "").await?.into_iter().find(has))
    }
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeSecurityGroupRulesRequest,
) -> Result<model::DescribeSecurityGroupRulesResult> {
    let scope = ec2.settled(call).await?;
    let filters = Filters::read(input.filters)?;
    let operation = "DescribeSecurityGroupRules";
    let ask = ec2.ask(call, operation, input.next_token.as_deref(), input.max_results).await?;
    let mut tags = ec2.tags_of(&scope, id::SECURITY_GROUP_RULE).await?;
    let asked = input.security_group_rule_ids.unwrap_or_default();
    let mut found = BTreeMap::new();
    for group in ec2.all::<SecurityGroup>(&scope, "").await? {
        let group = &group.record;
        for rule in &group.rules {
            if !asked.is_empty() && !asked.contains(&rule.id) {
                continue;
            }
            let tags = tags.remove(&rule.id).unwrap_or_default();
            let values = |name: &str| match name {
                "group-id" => Some(vec![group.id.clone()]),
                "security-group-rule-id" => Some(vec![rule.id.clone()]),
                _ => None,
            };
            let shape = filters.pass(&tags, values)?.then(|| rule.shape(group, &tags, call));
            found.insert(rule.id.clone(), shape);
        }
    }
    for id in asked {
        id::SECURITY_GROUP_RULE.check(&id)?;
        if !found.contains_key(&id) {
            return Err(Error::not_found(id::SECURITY_GROUP_RULE, &id));
        }
    }
    let page = ask.cut(found.into_iter().filter_map(|(id, shape)| Some((id, shape?))));
    Ok(model::DescribeSecurityGroupRulesResult {
        security_group_rules: Some(page.items),
        next_token: page.next_token,
    })
}
