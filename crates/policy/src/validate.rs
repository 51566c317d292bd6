//! What a policy must say beyond having the right shape, checked in the order in which AWS
//! complains.

use std::collections::HashSet;

use crate::condition::Condition;
use crate::document::{Kind, Version};
use crate::malformed::Malformed;
use crate::parse::{Draft, DraftCondition, EVERYONE};
use crate::principal::PrincipalName;

/// Whether the policy says what a principal may do, and so names none.
pub(crate) fn is_identity(kind: Kind) -> bool {
    matches!(kind, Kind::Managed | Kind::Inline | Kind::Session)
}

pub(crate) fn drafts(
    drafts: &[Draft<'_>],
    version: Option<Version>,
    kind: Kind,
) -> Result<(), Malformed> {
    // Inline policies older than version 2012 are still taken; managed ones never were.
    if kind == Kind::Managed && version != Some(Version::V2012) {
        return Err(Malformed::OldVersion);
    }
    if is_identity(kind) { identity(drafts) } else { resource(drafts, kind) }
}

fn identity(drafts: &[Draft<'_>]) -> Result<(), Malformed> {
    if drafts.iter().any(|draft| draft.principal.is_some()) {
        return Err(Malformed::UnexpectedPrincipal);
    }
    if drafts.iter().any(fails_legacy_parsing) {
        return Err(Malformed::LegacyParsing);
    }
    let resources = drafts.iter().filter_map(|draft| draft.resource.as_ref());
    let resource_refusal =
        resources.flat_map(|list| &list.texts).map(|r| resource_name(r)).find_map(Result::err);
    if resource_refusal == Some(Malformed::LegacyParsing) {
        return Err(Malformed::LegacyParsing);
    }
    check_sids(drafts)?;
    if drafts.iter().any(|draft| draft.action.as_ref().is_none_or(|list| list.texts.is_empty())) {
        return Err(Malformed::NoActions);
    }
    if let Some(refusal) = resource_refusal {
        return Err(refusal);
    }
    actions(drafts)?;
    if drafts.iter().any(|draft| draft.resource.as_ref().is_none_or(|list| list.texts.is_empty())) {
        return Err(Malformed::NoResources);
    }
    Ok(())
}

fn resource(drafts: &[Draft<'_>], kind: Kind) -> Result<(), Malformed> {
    for draft in drafts {
        let mut kinds = draft.principal.iter().flat_map(|principal| &principal.kinds);
        if draft.principal.is_none() || kinds.any(|(_, names)| names.is_empty()) {
            return Err(Malformed::MissingField("Principal"));
        }
        if draft.action.as_ref().is_none_or(|list| list.texts.is_empty()) {
            return Err(Malformed::MissingField("Action"));
        }
        match (&draft.resource, kind) {
            (Some(list), Kind::Trust) => {
                let field = if list.negated { "NotResource" } else { "Resource" };
                return Err(Malformed::ProhibitedField(field));
            }
            (None, Kind::Resource) => return Err(Malformed::MissingField("Resource")),
            (Some(list), _) if list.texts.is_empty() => {
                return Err(Malformed::MissingField("Resource"));
            }
            _ => {}
        }
        if fails_legacy_parsing(draft) {
            return Err(Malformed::Syntax);
        }
        principals(draft, kind)?;
        if kind == Kind::Trust {
            trust(draft)?;
        }
        for name in draft.resource.iter().flat_map(|list| &list.texts) {
            resource_name(name)?;
        }
    }
    if kind == Kind::Trust {
        check_sids(drafts)?;
    } else {
        check_unique(drafts)?;
    }
    actions(drafts)
}

fn principals(draft: &Draft<'_>, kind: Kind) -> Result<(), Malformed> {
    for (name_kind, names) in draft.principal.iter().flat_map(|p| &p.kinds) {
        // For everyone a trust policy must say {"AWS": "*"}.
        if *name_kind == EVERYONE && kind == Kind::Resource {
            continue;
        }
        let refused = names.iter().find(|name| PrincipalName::parse(name_kind, name).is_none());
        if let Some(value) = refused {
            let kind = match *name_kind {
                EVERYONE => "STAR".into(),
                other => other.to_ascii_uppercase(),
            };
            return Err(Malformed::InvalidPrincipal { kind, value: value.clone() });
        }
    }
    Ok(())
}

fn trust(draft: &Draft<'_>) -> Result<(), Malformed> {
    if draft.principal.as_ref().is_some_and(|p| p.negated) {
        return Err(Malformed::ProhibitedField("NotPrincipal"));
    }
    let Some(list) = &draft.action else { return Ok(()) };
    let is_sts = |name: &String| name.get(..4).is_some_and(|v| v.eq_ignore_ascii_case("sts:"));
    if list.negated || !list.texts.iter().all(is_sts) {
        return Err(Malformed::NotAssumeRole);
    }
    Ok(())
}

/// What only the oldest of AWS's parsers refuses.
fn fails_legacy_parsing(draft: &Draft<'_>) -> bool {
    let unreadable = |draft: &DraftCondition<'_>| {
        let values = draft.values.clone();
        Condition::new(draft.operator, draft.key, values, false).has_unreadable_date()
    };
    !matches!(draft.effect, Some("Allow" | "Deny")) || draft.conditions.iter().any(unreadable)
}

fn check_sids(drafts: &[Draft<'_>]) -> Result<(), Malformed> {
    let sids = drafts.iter().filter_map(|draft| draft.sid);
    if sids.clone().any(|sid| !sid.bytes().all(|b| b.is_ascii_alphanumeric())) {
        return Err(Malformed::InvalidSid);
    }
    check_unique(drafts)
}

fn check_unique(drafts: &[Draft<'_>]) -> Result<(), Malformed> {
    let mut seen = HashSet::new();
    let mut sids = drafts.iter().filter_map(|draft| draft.sid).filter(|sid| !sid.is_empty());
    if sids.all(|sid| seen.insert(sid)) { Ok(()) } else { Err(Malformed::DuplicateSid) }
}

fn actions(drafts: &[Draft<'_>]) -> Result<(), Malformed> {
    let elements = drafts.iter().filter_map(|draft| draft.action.as_ref());
    elements.flat_map(|list| &list.texts).try_for_each(|name| action_name(name))
}

fn action_name(name: &str) -> Result<(), Malformed> {
    if name == "*" {
        return Ok(());
    }
    let (vendor, action) = name.split_once(':').ok_or(Malformed::ActionWithoutVendor)?;
    if action.contains(':') {
        return Err(Malformed::ActionWithColons);
    }
    let valid = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.');
    if vendor != "*" && (vendor.is_empty() || !vendor.bytes().all(valid)) {
        return Err(Malformed::InvalidVendor(vendor.into()));
    }
    Ok(())
}

const IAM_PATHS: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// S3's resources that do belong to a region.
const S3_REGIONAL: [&str; 7] = [
    "accesspoint/",
    "accesspoint:",
    "job/",
    "storage-lens",
    "access-grants",
    "async-request/",
    "*",
];

fn resource_name(name: &str) -> Result<(), Malformed> {
    if name == "*" {
        return Ok(());
    }
    let (_, rest) = name.split_once(':').ok_or_else(|| Malformed::ResourceNotArn(name.into()))?;
    let (partition, rest) = rest.split_once(':').map_or((rest, None), |(p, r)| (p, Some(r)));
    if !is_partition(partition) {
        let partition = partition.to_owned();
        return Err(Malformed::InvalidPartition { resource: in_full(&partition, rest), partition });
    }
    let rest = rest.ok_or(Malformed::InvalidResourceVendor)?;
    let fields: Vec<&str> = rest.splitn(4, ':').collect();
    let service = fields[0];
    let region = fields.get(1).copied().unwrap_or_default();
    let path = fields.get(3).copied().unwrap_or_default();
    match service {
        "iam" if !matches!(region, "" | "*") => {
            return Err(Malformed::IamResourceWithRegion(name.into()));
        }
        "s3" if !matches!(region, "" | "*") && !S3_REGIONAL.iter().any(|p| path.starts_with(p)) => {
            return Err(Malformed::S3ResourceWithRegion(name.into()));
        }
        _ => {}
    }
    if service.is_empty() || (fields.len() < 4 && name.contains("::")) {
        return Err(Malformed::LegacyParsing);
    }
    let has_iam_path = path.starts_with(['*', '$'])
        || path == "root"
        || IAM_PATHS.iter().any(|prefix| path.starts_with(prefix));
    if service == "iam" && fields.len() == 4 && !has_iam_path {
        return Err(Malformed::InvalidIamPath);
    }
    Ok(())
}

/// haneul is one partition; a wildcard may stand for it.
fn is_partition(partition: &str) -> bool {
    matches!(partition, "aws" | "*" | "aws*")
}

/// The name as AWS completes it for its sentence: what is left out stands for anything.
fn in_full(partition: &str, rest: Option<&str>) -> String {
    let mut fields: Vec<&str> = rest.map_or(Vec::new(), |rest| rest.splitn(4, ':').collect());
    fields.resize(4, "*");
    format!("arn:{partition}:{}", fields.join(":"))
}
