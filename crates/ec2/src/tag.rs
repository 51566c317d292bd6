//! Tags of EC2's resources: one record a resource, whatever its kind.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html>

use std::collections::BTreeMap;

use aws::Call;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::id::{self, Kind};
use crate::{Ec2, model, scope};

/// By the resource's id. A resource without tags has no record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tags {
    pub tags: BTreeMap<String, String>,
}

impl Record for Tags {
    const KIND: &'static str = "ec2.tags";
    const FORMAT: u32 = 1;
}

const TAGS_MAX: usize = 50;
const KEY_LETTERS_MAX: usize = 127;
const VALUE_LETTERS_MAX: usize = 255;
/// AWS's limit of CreateTags and DeleteTags.
const RESOURCES_MAX: usize = 1000;

impl Tags {
    /// `None` when there are none: answers then lack the member.
    pub fn shapes(&self) -> Option<Vec<model::Tag>> {
        let shape = |(key, value): (&String, &String)| model::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        (!self.tags.is_empty()).then(|| self.tags.iter().map(shape).collect())
    }

    /// What a resource with these tags has under `tag:KEY`, `tag-key` and `tag-value`; `None`
    /// for another filter.
    pub fn filter_values(&self, filter: &str) -> Option<Vec<String>> {
        if let Some(key) = filter.strip_prefix("tag:") {
            return Some(self.tags.get(key).cloned().into_iter().collect());
        }
        match filter {
            "tag-key" => Some(self.tags.keys().cloned().collect()),
            "tag-value" => Some(self.tags.values().cloned().collect()),
            _ => None,
        }
    }

    fn put(&mut self, given: &BTreeMap<String, String>) -> Result<()> {
        self.tags.extend(given.iter().map(|(key, value)| (key.clone(), value.clone())));
        if self.tags.len() > TAGS_MAX {
            let message = format!("Maximum number of tags per resource ({TAGS_MAX}) exceeded.");
            return Err(Error::coded("TagLimitExceeded", message));
        }
        Ok(())
    }
}

/// The tags that a create operation's specifications give to the new resource of this kind.
///
/// # Errors
/// `InvalidParameterValue` for another kind of resource, and unfit tags.
pub fn specified(
    given: Option<Vec<model::TagSpecification>>,
    kind: Kind,
) -> Result<BTreeMap<String, String>> {
    let mut specified = specified_for(given, &[kind])?;
    Ok(specified.pop().map(|(_, tags)| tags).unwrap_or_default())
}

/// As [`specified`], for an operation that makes resources of several kinds: each with its tags.
///
/// # Errors
/// As [`specified`].
pub fn specified_for(
    given: Option<Vec<model::TagSpecification>>,
    kinds: &[Kind],
) -> Result<Vec<(Kind, BTreeMap<String, String>)>> {
    let mut all: Vec<(Kind, BTreeMap<String, String>)> = Vec::new();
    for specification in given.unwrap_or_default() {
        let asked = specification.resource_type.unwrap_or_default();
        let Some(kind) = kinds.iter().find(|kind| kind.resource_type == asked) else {
            let message =
                format!("'{asked}' is not a valid taggable resource type for this operation.");
            return Err(Error::InvalidParameterValue(message));
        };
        let tags = pairs(specification.tags.unwrap_or_default())?;
        match all.iter_mut().find(|(other, _)| other == kind) {
            Some((_, before)) => before.extend(tags),
            None => all.push((*kind, tags)),
        }
    }
    Ok(all)
}

fn pairs(given: Vec<model::Tag>) -> Result<BTreeMap<String, String>> {
    let mut tags = BTreeMap::new();
    for tag in given {
        let key = tag.key.unwrap_or_default();
        let value = tag.value.unwrap_or_default();
        check_key(&key)?;
        if value.chars().count() > VALUE_LETTERS_MAX {
            let message =
                format!("Tag value exceeds the maximum length of {VALUE_LETTERS_MAX} characters");
            return Err(Error::InvalidParameterValue(message));
        }
        if tags.insert(key.clone(), value).is_some() {
            let message = format!("Duplicate tag key '{key}' specified.");
            return Err(Error::InvalidParameterValue(message));
        }
    }
    if tags.len() > TAGS_MAX {
        let message = format!("Maximum number of tags per resource ({TAGS_MAX}) exceeded.");
        return Err(Error::coded("TagLimitExceeded", message));
    }
    Ok(tags)
}

fn check_key(key: &str) -> Result<()> {
    if key.is_empty() {
        return Err(Error::InvalidParameterValue("Tag key cannot be null or empty.".into()));
    }
    if key.chars().count() > KEY_LETTERS_MAX {
        let message = format!("Tag key exceeds the maximum length of {KEY_LETTERS_MAX} characters");
        return Err(Error::InvalidParameterValue(message));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        let message = "Tag keys starting with 'aws:' are reserved for internal use";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    Ok(())
}

/// Writes the tags of a resource that is being created.
pub fn create(txn: &mut Transaction, scope: &Scope, id: &str, tags: &BTreeMap<String, String>) {
    if !tags.is_empty() {
        txn.put_unconditionally(scope, id, &Tags { tags: tags.clone() });
    }
}

impl Ec2 {
    /// The tags of a resource.
    pub(crate) async fn tags(&self, scope: &Scope, id: &str) -> Result<Tags> {
        let stored = self.records().get::<Tags>(scope, id).await?;
        Ok(stored.map(|stored| stored.record).unwrap_or_default())
    }

    /// The tags of all resources whose ids have this prefix, in one reading.
    pub(crate) async fn tags_of(
        &self,
        scope: &Scope,
        kind: Kind,
    ) -> Result<BTreeMap<String, Tags>> {
        let prefix = format!("{}-", kind.prefix);
        let all = self.all::<Tags>(scope, &prefix).await?;
        Ok(all.into_iter().map(|stored| (stored.key.id, stored.record)).collect())
    }

    /// Deletes the tags of a resource that is being deleted.
    pub(crate) async fn drop_tags(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        id: &str,
    ) -> Result<()> {
        if let Some(tags) = self.records().get::<Tags>(scope, id).await? {
            txn.delete(&tags);
        }
        Ok(())
    }
}

pub async fn create_tags(ec2: &Ec2, call: &Call, input: model::CreateTagsRequest) -> Result<()> {
    let given = pairs(input.tags)?;
    if given.is_empty() {
        return Err(Error::MissingParameter("Tags"));
    }
    change(ec2, call, &input.resources, |tags| tags.put(&given)).await
}

/// A tag without a value goes whatever its value; with an empty one only if that is empty;
/// no tags at all mean every tag.
pub async fn delete_tags(ec2: &Ec2, call: &Call, input: model::DeleteTagsRequest) -> Result<()> {
    let doomed = input.tags.unwrap_or_default();
    let goes = |key: &String, value: &String| {
        let named = |tag: &model::Tag| {
            tag.key.as_ref() == Some(key) && tag.value.as_ref().is_none_or(|want| want == value)
        };
        doomed.is_empty() || doomed.iter().any(named)
    };
    let remove = |tags: &mut Tags| {
        tags.tags.retain(|key, value| !goes(key, value));
        Ok(())
    };
    change(ec2, call, &input.resources, remove).await
}

async fn change(
    ec2: &Ec2,
    call: &Call,
    ids: &[String],
    edit: impl Fn(&mut Tags) -> Result<()>,
) -> Result<()> {
    if ids.len() > RESOURCES_MAX {
        let message = format!("The maximum number of resources is {RESOURCES_MAX}");
        return Err(Error::InvalidParameterValue(message));
    }
    let scope = scope(call)?;
    ec2.retry(async || {
        let mut txn = ec2.records().transaction();
        for id in ids {
            require_resource(ec2, &mut txn, &scope, id).await?;
            let stored = ec2.records().get::<Tags>(&scope, id).await?;
            let mut tags = stored.as_ref().map(|stored| stored.record.clone()).unwrap_or_default();
            edit(&mut tags)?;
            write(&mut txn, &scope, id, stored.as_ref(), &tags);
        }
        txn.commit().await?;
        Ok(())
    })
    .await
}

fn write(
    txn: &mut Transaction,
    scope: &Scope,
    id: &str,
    before: Option<&Stored<Tags>>,
    now: &Tags,
) {
    match before {
        Some(before) if now.tags.is_empty() => txn.delete(before),
        Some(before) => txn.update(before, now),
        None if now.tags.is_empty() => txn,
        None => txn.create(scope, id, now),
    };
}

/// The resource is there and stays until the commit.
async fn require_resource(ec2: &Ec2, txn: &mut Transaction, scope: &Scope, id: &str) -> Result<()> {
    let unknown = || Error::coded("InvalidID", format!("The ID '{id}' is not valid"));
    let kind = id::kind_of(id).ok_or_else(unknown)?;
    kind.check(id)?;
    // Every kind of resource that can be tagged has its line here.
    let found = match kind {
        id::VPC => ec2.require::<crate::vpc::Vpc>(txn, scope, id).await?,
        id::SUBNET => ec2.require::<crate::subnet::Subnet>(txn, scope, id).await?,
        id::ROUTE_TABLE => ec2.require::<crate::route_table::RouteTable>(txn, scope, id).await?,
        id::INTERNET_GATEWAY => {
            ec2.require::<crate::internet_gateway::InternetGateway>(txn, scope, id).await?
        }
        id::NAT_GATEWAY => ec2.require::<crate::nat_gateway::NatGateway>(txn, scope, id).await?,
        id::NETWORK_ACL => ec2.require::<crate::network_acl::NetworkAcl>(txn, scope, id).await?,
        id::SECURITY_GROUP => {
            ec2.require::<crate::security_group::SecurityGroup>(txn, scope, id).await?
        }
        id::SECURITY_GROUP_RULE => match ec2.group_of_rule(scope, id).await? {
            Some(group) => {
                txn.require_unchanged(&group);
                true
            }
            None => false,
        },
        id::NETWORK_INTERFACE => {
            ec2.require::<crate::network_interface::NetworkInterface>(txn, scope, id).await?
        }
        id::ELASTIC_IP => ec2.require::<crate::address::Address>(txn, scope, id).await?,
        id::DHCP_OPTIONS => ec2.require::<crate::dhcp_options::DhcpOptions>(txn, scope, id).await?,
        id::KEY_PAIR => ec2.require::<crate::key_pair::KeyPair>(txn, scope, id).await?,
        id::IMAGE => ec2.require::<crate::image::Image>(txn, scope, id).await?,
        id::VOLUME => ec2.require::<crate::volume::Volume>(txn, scope, id).await?,
        id::SNAPSHOT => ec2.require::<crate::snapshot::Snapshot>(txn, scope, id).await?,
        id::INSTANCE => ec2.require::<crate::instance::Instance>(txn, scope, id).await?,
        id::LAUNCH_TEMPLATE => {
            ec2.require::<crate::launch_template::LaunchTemplate>(txn, scope, id).await?
        }
        _ => return Err(unknown()),
    };
    if found { Ok(()) } else { Err(Error::not_found(kind, id)) }
}

impl Ec2 {
    async fn require<R: Record>(
        &self,
        txn: &mut Transaction,
        scope: &Scope,
        id: &str,
    ) -> Result<bool> {
        let Some(stored) = self.records().get::<R>(scope, id).await? else { return Ok(false) };
        txn.require_unchanged(&stored);
        Ok(true)
    }
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeTagsRequest,
) -> Result<model::DescribeTagsResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let ask = ec2.ask(call, "DescribeTags", input.next_token.as_deref(), input.max_results).await?;
    let mut found = Vec::new();
    for stored in ec2.all::<Tags>(&scope, "").await? {
        let id = &stored.key.id;
        let resource_type = id::kind_of(id).map(|kind| kind.resource_type).unwrap_or_default();
        for (key, value) in &stored.record.tags {
            let values = |name: &str| match name {
                "key" => Some(vec![key.clone()]),
                "value" => Some(vec![value.clone()]),
                "resource-id" => Some(vec![id.clone()]),
                "resource-type" => Some(vec![resource_type.into()]),
                _ => None,
            };
            let only = Tags { tags: BTreeMap::from([(key.clone(), value.clone())]) };
            if filters.pass(&only, values)? {
                let tag = model::TagDescription {
                    key: Some(key.clone()),
                    value: Some(value.clone()),
                    resource_id: Some(id.clone()),
                    resource_type: Some(resource_type.into()),
                };
                found.push((format!("{id}/{key}"), tag));
            }
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeTagsResult { tags: Some(page.items), next_token: page.next_token })
}
