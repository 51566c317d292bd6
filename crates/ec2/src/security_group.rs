//! Security groups.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-security-groups.html>

pub mod permission;
pub mod rule;
pub mod rule_change;

use aws::{AccountId, Call, Random};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::error::{Error, Result};
use crate::listing::Listing;
use crate::network_interface::NetworkInterface;
use crate::tag::{self, Tags};
use crate::vpc::Vpc;
use crate::{Ec2, id, model, network};

use permission::{Permission, Source};
use rule::{Direction, Rule};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecurityGroup {
    pub id: String,
    pub vpc_id: String,
    pub owner: AccountId,
    pub name: String,
    pub description: String,
    pub rules: Vec<Rule>,
}

impl Record for SecurityGroup {
    const KIND: &'static str = "ec2.security-group";
    const FORMAT: u32 = 1;
}

const DEFAULT: &str = "default";
const LETTERS_MAX: usize = 255;

impl SecurityGroup {
    /// With the rule that every new group has: everything may leave.
    fn new(random: &Random, vpc: &Vpc, name: String, description: String) -> Self {
        let id = id::SECURITY_GROUP.new_id(random);
        let (vpc_id, owner) = (vpc.id.clone(), vpc.owner.clone());
        let rules = vec![Rule::new(random, Direction::Egress, Permission::everything())];
        Self { id, vpc_id, owner, name, description, rules }
    }

    /// Its members may talk to each other.
    pub fn default_of(random: &Random, vpc: &Vpc) -> Self {
        let description = "default VPC security group".into();
        let mut group = Self::new(random, vpc, DEFAULT.into(), description);
        let source = Source::Group(group.id.clone());
        let permission = Permission { source, ..Permission::everything() };
        group.rules.push(Rule::new(random, Direction::Ingress, permission));
        group
    }

    pub fn is_default(&self) -> bool {
        self.name == DEFAULT
    }

    pub fn rules(&self, direction: Direction) -> impl Iterator<Item = &Rule> {
        self.rules.iter().filter(move |rule| rule.direction == direction)
    }

    fn arn(&self, call: &Call) -> String {
        format!("arn:aws:ec2:{}:{}:security-group/{}", call.region, self.owner, self.id)
    }

    fn shape(&self, tags: &Tags, call: &Call) -> model::SecurityGroup {
        let owner = &self.owner;
        model::SecurityGroup {
            group_id: Some(self.id.clone()),
            group_name: Some(self.name.clone()),
            description: Some(self.description.clone()),
            ip_permissions: Some(permission::grouped(self.rules(Direction::Ingress), owner)),
            ip_permissions_egress: Some(permission::grouped(self.rules(Direction::Egress), owner)),
            tags: tags.shapes(),
            vpc_id: Some(self.vpc_id.clone()),
            security_group_arn: Some(self.arn(call)),
            owner_id: Some(owner.to_string()),
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        let value = match name {
            "group-id" => self.id.clone(),
            "group-name" => self.name.clone(),
            "description" => self.description.clone(),
            "owner-id" => self.owner.to_string(),
            "vpc-id" => self.vpc_id.clone(),
            name => {
                let (direction, member) = match name.strip_prefix("egress.ip-permission.") {
                    Some(member) => (Direction::Egress, member),
                    None => (Direction::Ingress, name.strip_prefix("ip-permission.")?),
                };
                let values = self
                    .rules(direction)
                    .map(|rule| rule.permission.filter_value(member, &self.owner));
                return values
                    .collect::<Option<Vec<_>>>()
                    .map(|v| v.into_iter().flatten().collect());
            }
        };
        Some(vec![value])
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidGroup.NotFound`, `InvalidGroup.Malformed`.
    pub(crate) async fn security_group(
        &self,
        scope: &Scope,
        id: &str,
    ) -> Result<Stored<SecurityGroup>> {
        id::SECURITY_GROUP.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::SECURITY_GROUP, id))
    }

    /// A group by its id, or by its name in the default VPC.
    ///
    /// # Errors
    /// As [`Ec2::security_group`]; `MissingParameter` for neither.
    pub(crate) async fn named_group(
        &self,
        scope: &Scope,
        id: Option<&str>,
        name: Option<&str>,
    ) -> Result<Stored<SecurityGroup>> {
        if let Some(id) = id {
            return self.security_group(scope, id).await;
        }
        let name = name.ok_or(Error::MissingParameter("groupId"))?;
        let vpc_id = self.default_vpc(scope).await?.map(|vpc| vpc.record.id);
        let is = |group: &Stored<SecurityGroup>| {
            group.record.name == name && Some(&group.record.vpc_id) == vpc_id.as_ref()
        };
        let found = self.all::<SecurityGroup>(scope, "").await?.into_iter().find(is);
        let missing = || {
            let message = format!(
                "The security group '{name}' does not exist in default VPC '{}'",
                vpc_id.as_deref().unwrap_or("none")
            );
            Error::coded("InvalidGroup.NotFound", message)
        };
        found.ok_or_else(missing)
    }

    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn default_group(&self, scope: &Scope, vpc_id: &str) -> Result<SecurityGroup> {
        let is = |group: &SecurityGroup| group.vpc_id == vpc_id && group.is_default();
        let groups = self.all::<SecurityGroup>(scope, "").await?.into_iter();
        let found = groups.map(|stored| stored.record).find(is);
        found.ok_or_else(|| Error::not_found(id::VPC, vpc_id))
    }

    /// Deletes a group with its tags and those of its rules.
    pub(crate) async fn drop_group(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        group: &Stored<SecurityGroup>,
    ) -> Result<()> {
        for rule in &group.record.rules {
            self.drop_tags(txn, scope, &rule.id).await?;
        }
        self.drop_resource(txn, scope, group).await
    }
}

fn check(what: &'static str, text: &str) -> Result<()> {
    let fits =
        |letter: char| letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(letter);
    if text.is_empty() {
        return Err(Error::MissingParameter(what));
    }
    if text.chars().count() > LETTERS_MAX || !text.chars().all(fits) {
        let message = format!(
            "Value ({text}) for parameter {what} is invalid. Character sets beyond ASCII are not supported."
        );
        return Err(Error::InvalidParameterValue(message));
    }
    Ok(())
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateSecurityGroupRequest,
) -> Result<model::CreateSecurityGroupResult> {
    let tags = tag::specified(input.tag_specifications, id::SECURITY_GROUP)?;
    let (name, description) = (input.group_name, input.description);
    check("GroupName", &name)?;
    check("GroupDescription", &description)?;
    if name.eq_ignore_ascii_case(DEFAULT) {
        let message = format!("Cannot use reserved security group name: {name}");
        return Err(Error::InvalidParameterValue(message));
    }
    if name.starts_with("sg-") {
        let message = format!(
            "invalid value for parameter groupName: {name}. Group names may not be in the format sg-*"
        );
        return Err(Error::InvalidParameterValue(message));
    }
    let scope = ec2.settled(call).await?;
    ec2.retry(async || {
        let vpc_id = match &input.vpc_id {
            Some(id) => id.clone(),
            None => {
                let none = || Error::coded("VPCIdNotSpecified", "No default VPC for this user");
                ec2.default_vpc(&scope).await?.ok_or_else(none)?.record.id
            }
        };
        let network = ec2.network(&scope, &vpc_id).await?;
        let vpc = ec2.vpc(&scope, &vpc_id).await?.record;
        let same = |group: &SecurityGroup| group.vpc_id == vpc_id && group.name == name;
        if ec2.any::<SecurityGroup>(&scope, same).await? {
            let message = format!("The security group '{name}' already exists for VPC '{vpc_id}'");
            return Err(Error::coded("InvalidGroup.Duplicate", message));
        }
        let random = &ec2.inner.random;
        let group = SecurityGroup::new(random, &vpc, name.clone(), description.clone());
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        txn.create(&scope, &group.id, &group);
        tag::create(&mut txn, &scope, &group.id, &tags);
        txn.commit().await?;
        Ok(model::CreateSecurityGroupResult {
            security_group_arn: Some(group.arn(call)),
            group_id: Some(group.id),
            tags: Tags { tags: tags.clone() }.shapes(),
        })
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeSecurityGroupsRequest,
) -> Result<model::DescribeSecurityGroupsResult> {
    let scope = ec2.settled(call).await?;
    let mut ids = input.group_ids.unwrap_or_default();
    for name in input.group_names.unwrap_or_default() {
        ids.push(ec2.named_group(&scope, None, Some(&name)).await?.record.id);
    }
    let listing = Listing {
        operation: "DescribeSecurityGroups",
        kind: id::SECURITY_GROUP,
        ids: Some(ids),
        filters: input.filters,
        next_token: input.next_token,
        max_results: input.max_results,
    };
    let shape = |group: &SecurityGroup, tags: &Tags| group.shape(tags, call);
    let page = ec2.list(call, listing, SecurityGroup::filter_values, shape).await?;
    Ok(model::DescribeSecurityGroupsResult {
        security_groups: Some(page.items),
        next_token: page.next_token,
    })
}

/// Refused while an interface has it or a rule of another group names it.
pub async fn delete(
    ec2: &Ec2,
    call: &Call,
    input: model::DeleteSecurityGroupRequest,
) -> Result<model::DeleteSecurityGroupResult> {
    let scope = ec2.settled(call).await?;
    let (id, name) = (input.group_id.as_deref(), input.group_name.as_deref());
    ec2.retry(async || {
        let vpc_id = ec2.named_group(&scope, id, name).await?.record.vpc_id;
        let network = ec2.network(&scope, &vpc_id).await?;
        let group = ec2.named_group(&scope, id, name).await?;
        let id = &group.record.id;
        if group.record.is_default() {
            let message = format!(
                "the specified group: \"{id}\" name: \"{DEFAULT}\" cannot be deleted by a user"
            );
            return Err(Error::coded("CannotDelete", message));
        }
        let names = |other: &SecurityGroup| {
            let source = Source::Group(id.clone());
            other.id != *id && other.rules.iter().any(|rule| rule.permission.source == source)
        };
        if ec2.any::<NetworkInterface>(&scope, |one| one.groups.contains(id)).await?
            || ec2.any::<SecurityGroup>(&scope, names).await?
        {
            let message = format!("resource {id} has a dependent object");
            return Err(Error::DependencyViolation(message));
        }
        let mut txn = ec2.records().transaction();
        network::raise(&mut txn, &network);
        ec2.drop_group(&mut txn, &scope, &group).await?;
        txn.commit().await?;
        Ok(model::DeleteSecurityGroupResult { r#return: Some(true), group_id: Some(id.clone()) })
    })
    .await
}

#[cfg(test)]
mod tests;
