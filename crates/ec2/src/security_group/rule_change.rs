//! Adding, taking and changing rules: whatever is asked of one group happens as a whole or not
//! at all.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/working-with-security-group-rules.html>

use std::collections::BTreeMap;

use aws::Call;
use state::Scope;

use crate::error::{Error, Result};
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, network};

use super::SecurityGroup;
use super::permission::{self, Described, Flat, Permission, Source};
use super::rule::{Direction, Rule};

/// AWS's quota, of each direction.
const RULES_MAX: usize = 60;
const DESCRIPTION_LETTERS_MAX: usize = 255;

/// A change of the rules of one group.
struct Change<'a> {
    ec2: &'a Ec2,
    scope: Scope,
    operation: &'static str,
    group_id: Option<String>,
    group_name: Option<String>,
}

impl Change<'_> {
    /// Changes the group, knowing all groups of its VPC. New rules get `tags`; those that go
    /// lose theirs.
    async fn make<T>(
        &self,
        tags: &BTreeMap<String, String>,
        edit: impl Fn(&mut SecurityGroup, &Groups) -> Result<T>,
    ) -> Result<T> {
        let (ec2, scope) = (self.ec2, &self.scope);
        let (id, name) = (self.group_id.as_deref(), self.group_name.as_deref());
        ec2.retry(async || {
            let vpc_id = ec2.named_group(scope, id, name).await?.record.vpc_id;
            let network = ec2.network(scope, &vpc_id).await?;
            let stored = ec2.named_group(scope, id, name).await?;
            let all = ec2.all::<SecurityGroup>(scope, "").await?.into_iter();
            let near = all.map(|one| one.record).filter(|one| one.vpc_id == vpc_id).collect();
            let groups = Groups { operation: self.operation, near };
            let mut group = stored.record.clone();
            let made = edit(&mut group, &groups)?;
            let mut txn = ec2.records().transaction();
            let lacks = |rules: &[Rule], one: &Rule| !rules.iter().any(|rule| rule.id == one.id);
            for rule in group.rules.iter().filter(|rule| lacks(&stored.record.rules, rule)) {
                tag::create(&mut txn, scope, &rule.id, tags);
            }
            for rule in stored.record.rules.iter().filter(|rule| lacks(&group.rules, rule)) {
                ec2.drop_tags(&mut txn, scope, &rule.id).await?;
            }
            network::raise(&mut txn, &network);
            txn.update(&stored, &group);
            txn.commit().await?;
            Ok(made)
        })
        .await
    }

    async fn authorize(
        &self,
        call: &Call,
        direction: Direction,
        given: Vec<model::IpPermission>,
        tags: &BTreeMap<String, String>,
    ) -> Result<Vec<model::SecurityGroupRule>> {
        let random = &self.ec2.inner.random;
        let shown = Tags { tags: tags.clone() };
        self.make(tags, |group, groups| {
            let mut shapes = Vec::new();
            for (permission, description) in groups.read(given.clone())? {
                groups.require(&permission.source)?;
                check_description(description.as_deref())?;
                require_new(group, direction, &permission, None)?;
                let rule = Rule { description, ..Rule::new(random, direction, permission) };
                shapes.push(rule.shape(group, &shown, call));
                group.rules.push(rule);
            }
            if group.rules(direction).count() > RULES_MAX {
                let message = "The maximum number of rules per security group has been reached.";
                return Err(Error::coded("RulesPerSecurityGroupLimitExceeded", message));
            }
            Ok(shapes)
        })
        .await
    }

    async fn revoke(
        &self,
        direction: Direction,
        ids: Option<Vec<String>>,
        permissions: Option<Vec<model::IpPermission>>,
        flat: Flat,
    ) -> Result<Vec<model::RevokedSecurityGroupRule>> {
        let ids = ids.unwrap_or_default();
        let given = match ids.is_empty() {
            true => permission::asked(permissions, flat)?,
            false => Vec::new(),
        };
        self.make(&BTreeMap::new(), |group, groups| {
            let doomed = match ids.is_empty() {
                true => by_permissions(group, direction, &groups.read(given.clone())?)?,
                false => by_ids(group, direction, &ids)?,
            };
            group.rules.retain(|rule| !doomed.contains(rule));
            Ok(doomed.iter().map(|rule| rule.revoked(group)).collect())
        })
        .await
    }

    async fn describe_rules(
        &self,
        direction: Direction,
        given: Option<Vec<model::IpPermission>>,
        by_id: Option<Vec<model::SecurityGroupRuleDescription>>,
    ) -> Result<()> {
        let (given, by_id) = (given.unwrap_or_default(), by_id.unwrap_or_default());
        self.make(&BTreeMap::new(), |group, groups| {
            let mut rules = group.rules.iter_mut();
            let rules: Vec<_> = rules.by_ref().filter(|rule| rule.direction == direction).collect();
            let mut described = Vec::new();
            for (permission, description) in groups.read(given.clone())? {
                let at = rules.iter().position(|rule| rule.permission == permission);
                described.push((at.ok_or_else(no_such_rule)?, description));
            }
            for one in &by_id {
                let id = one.security_group_rule_id.as_deref().unwrap_or_default();
                let at = rules.iter().position(|rule| rule.id == id);
                let missing = || Error::not_found(id::SECURITY_GROUP_RULE, id);
                described.push((at.ok_or_else(missing)?, one.description.clone()));
            }
            let mut rules = rules;
            for (at, description) in described {
                check_description(description.as_deref())?;
                rules[at].description = description;
            }
            Ok(())
        })
        .await
    }
}

/// The groups of one VPC.
struct Groups {
    operation: &'static str,
    near: Vec<SecurityGroup>,
}

impl Groups {
    /// Names of groups stand for those of the same VPC.
    fn read(&self, given: Vec<model::IpPermission>) -> Result<Vec<Described>> {
        let group_named = |name: &str| {
            let found = self.near.iter().find(|other| other.name == name);
            let unknown = || {
                let message = format!("The security group '{name}' does not exist");
                Error::coded("InvalidGroup.NotFound", message)
            };
            found.map(|other| other.id.clone()).ok_or_else(unknown)
        };
        permission::read(self.operation, given, group_named)
    }

    fn require(&self, source: &Source) -> Result<()> {
        match source {
            Source::Group(id) if !self.near.iter().any(|other| other.id == *id) => {
                Err(Error::not_found(id::SECURITY_GROUP, id))
            }
            _ => Ok(()),
        }
    }
}

fn check_description(description: Option<&str>) -> Result<()> {
    let fits =
        |letter: char| letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(letter);
    let Some(text) = description else { return Ok(()) };
    if text.chars().count() > DESCRIPTION_LETTERS_MAX || !text.chars().all(fits) {
        let message = format!(
            "Invalid rule description. Valid descriptions are strings less than 256 characters from the following set:  a-zA-Z0-9. _-:/()#,@[]+=&;{{}}!$*: {text}"
        );
        return Err(Error::InvalidParameterValue(message));
    }
    Ok(())
}

fn no_such_rule() -> Error {
    let message = "The specified rule does not exist in this security group.";
    Error::coded("InvalidPermission.NotFound", message)
}

/// `except` is the rule that is about to become so.
fn require_new(
    group: &SecurityGroup,
    direction: Direction,
    permission: &Permission,
    except: Option<&str>,
) -> Result<()> {
    let same = |rule: &Rule| rule.permission == *permission && Some(rule.id.as_str()) != except;
    if group.rules(direction).any(same) {
        let message = format!("the specified rule \"{}\" already exists", permission.sentence());
        return Err(Error::coded("InvalidPermission.Duplicate", message));
    }
    Ok(())
}

fn by_ids(group: &SecurityGroup, direction: Direction, ids: &[String]) -> Result<Vec<Rule>> {
    let mut found = Vec::new();
    for id in ids {
        id::SECURITY_GROUP_RULE.check(id)?;
        let rule = group.rules(direction).find(|rule| rule.id == *id);
        found.push(rule.ok_or_else(|| Error::not_found(id::SECURITY_GROUP_RULE, id))?.clone());
    }
    Ok(found)
}

/// All that are named must be there: otherwise nothing is revoked.
fn by_permissions(
    group: &SecurityGroup,
    direction: Direction,
    named: &[Described],
) -> Result<Vec<Rule>> {
    let mut found = Vec::new();
    for (permission, _) in named {
        let rule = group.rules(direction).find(|rule| rule.permission == *permission);
        found.push(rule.ok_or_else(no_such_rule)?.clone());
    }
    Ok(found)
}

/// The parameters of one rule, which four operations take with the same names and each in a type
/// of its own.
macro_rules! flat {
    ($input:ident) => {
        Flat {
            ip_protocol: $input.ip_protocol,
            from_port: $input.from_port,
            to_port: $input.to_port,
            cidr_ip: $input.cidr_ip,
            source_security_group_name: $input.source_security_group_name,
            source_security_group_owner_id: $input.source_security_group_owner_id,
        }
    };
}

pub async fn authorize_ingress(
    ec2: &Ec2,
    call: &Call,
    input: model::AuthorizeSecurityGroupIngressRequest,
) -> Result<model::AuthorizeSecurityGroupIngressResult> {
    let flat = flat!(input);
    let given = permission::asked(input.ip_permissions, flat)?;
    let tags = tag::specified(input.tag_specifications, id::SECURITY_GROUP_RULE)?;
    let scope = ec2.settled(call).await?;
    let operation = "AuthorizeSecurityGroupIngress";
    let (group_id, group_name) = (input.group_id, input.group_name);
    let change = Change { ec2, scope, operation, group_id, group_name };
    let rules = change.authorize(call, Direction::Ingress, given, &tags).await?;
    Ok(model::AuthorizeSecurityGroupIngressResult {
        r#return: Some(true),
        security_group_rules: Some(rules),
    })
}

pub async fn authorize_egress(
    ec2: &Ec2,
    call: &Call,
    input: model::AuthorizeSecurityGroupEgressRequest,
) -> Result<model::AuthorizeSecurityGroupEgressResult> {
    let flat = flat!(input);
    let given = permission::asked(input.ip_permissions, flat)?;
    let tags = tag::specified(input.tag_specifications, id::SECURITY_GROUP_RULE)?;
    let scope = ec2.settled(call).await?;
    let operation = "AuthorizeSecurityGroupEgress";
    let (group_id, group_name) = (Some(input.group_id), None);
    let change = Change { ec2, scope, operation, group_id, group_name };
    let rules = change.authorize(call, Direction::Egress, given, &tags).await?;
    Ok(model::AuthorizeSecurityGroupEgressResult {
        r#return: Some(true),
        security_group_rules: Some(rules),
    })
}

pub async fn revoke_ingress(
    ec2: &Ec2,
    call: &Call,
    input: model::RevokeSecurityGroupIngressRequest,
) -> Result<model::RevokeSecurityGroupIngressResult> {
    let flat = flat!(input);
    let scope = ec2.settled(call).await?;
    let operation = "RevokeSecurityGroupIngress";
    let (group_id, group_name) = (input.group_id, input.group_name);
    let change = Change { ec2, scope, operation, group_id, group_name };
    let (ids, permissions) = (input.security_group_rule_ids, input.ip_permissions);
    let revoked = change.revoke(Direction::Ingress, ids, permissions, flat).await?;
    Ok(model::RevokeSecurityGroupIngressResult {
        r#return: Some(true),
        unknown_ip_permissions: None,
        revoked_security_group_rules: Some(revoked),
    })
}

pub async fn revoke_egress(
    ec2: &Ec2,
    call: &Call,
    input: model::RevokeSecurityGroupEgressRequest,
) -> Result<model::RevokeSecurityGroupEgressResult> {
    let flat = flat!(input);
    let scope = ec2.settled(call).await?;
    let operation = "RevokeSecurityGroupEgress";
    let (group_id, group_name) = (Some(input.group_id), None);
    let change = Change { ec2, scope, operation, group_id, group_name };
    let (ids, permissions) = (input.security_group_rule_ids, input.ip_permissions);
    let revoked = change.revoke(Direction::Egress, ids, permissions, flat).await?;
    Ok(model::RevokeSecurityGroupEgressResult {
        r#return: Some(true),
        unknown_ip_permissions: None,
        revoked_security_group_rules: Some(revoked),
    })
}

pub async fn update_descriptions_ingress(
    ec2: &Ec2,
    call: &Call,
    input: model::UpdateSecurityGroupRuleDescriptionsIngressRequest,
) -> Result<model::UpdateSecurityGroupRuleDescriptionsIngressResult> {
    let scope = ec2.settled(call).await?;
    let operation = "UpdateSecurityGroupRuleDescriptionsIngress";
    let (group_id, group_name) = (input.group_id, input.group_name);
    let change = Change { ec2, scope, operation, group_id, group_name };
    let by_id = input.security_group_rule_descriptions;
    change.describe_rules(Direction::Ingress, input.ip_permissions, by_id).await?;
    Ok(model::UpdateSecurityGroupRuleDescriptionsIngressResult { r#return: Some(true) })
}

pub async fn update_descriptions_egress(
    ec2: &Ec2,
    call: &Call,
    input: model::UpdateSecurityGroupRuleDescriptionsEgressRequest,
) -> Result<model::UpdateSecurityGroupRuleDescriptionsEgressResult> {
    let scope = ec2.settled(call).await?;
    let operation = "UpdateSecurityGroupRuleDescriptionsEgress";
    let (group_id, group_name) = (input.group_id, input.group_name);
    let change = Change { ec2, scope, operation, group_id, group_name };
    let by_id = input.security_group_rule_descriptions;
    change.describe_rules(Direction::Egress, input.ip_permissions, by_id).await?;
    Ok(model::UpdateSecurityGroupRuleDescriptionsEgressResult { r#return: Some(true) })
}

/// A rule keeps its id and direction.
pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifySecurityGroupRulesRequest,
) -> Result<model::ModifySecurityGroupRulesResult> {
    let mut wanted = Vec::new();
    for update in input.security_group_rules {
        let rule =
            update.security_group_rule.ok_or(Error::MissingParameter("SecurityGroupRule"))?;
        wanted.push((update.security_group_rule_id, permission::read_one(rule)?));
    }
    let scope = ec2.settled(call).await?;
    let operation = "ModifySecurityGroupRules";
    let (group_id, group_name) = (Some(input.group_id), None);
    let change = Change { ec2, scope, operation, group_id, group_name };
    change
        .make(&BTreeMap::new(), |group, groups| {
            for (id, (permission, description)) in wanted.clone() {
                id::SECURITY_GROUP_RULE.check(&id)?;
                let missing = || Error::not_found(id::SECURITY_GROUP_RULE, &id);
                let at = group.rules.iter().position(|rule| rule.id == id).ok_or_else(missing)?;
                groups.require(&permission.source)?;
                check_description(description.as_deref())?;
                require_new(group, group.rules[at].direction, &permission, Some(&id))?;
                group.rules[at].permission = permission;
                group.rules[at].description = description;
            }
            Ok(())
        })
        .await?;
    Ok(model::ModifySecurityGroupRulesResult { r#return: Some(true) })
}
