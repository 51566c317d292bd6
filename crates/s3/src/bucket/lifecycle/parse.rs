//! Judging rules, in the sentences that S3 prints.

mod filter;
mod order;

use std::collections::HashSet;

use aws::random::BASE62;
use aws::{Error, Random, Timestamp};

use crate::error::{invalid_argument, invalid_request, malformed_xml};
use crate::model;
use crate::row::{
    Expiration, Filter, LifecycleRule, NoncurrentExpiration, NoncurrentTransition, Transition, When,
};

const RULES_MAX: usize = 1_000;
const ID_LETTERS_MAX: usize = 255;
const NEWER_VERSIONS_MAX: i32 = 100;
/// Objects must have been in a dearer class for a month before these take them.
const DAYS_MIN_INFREQUENT: u32 = 30;
const MADE_ID_LETTERS: usize = 48;
const DAY_MS: i64 = 86_400_000;

/// # Errors
/// `MalformedXML` for what the schema forbids, `InvalidArgument` and `InvalidRequest` for what
/// its words do.
pub(super) fn rules(
    given: &[model::LifecycleRule],
    random: &Random,
) -> Result<Vec<LifecycleRule>, Error> {
    if given.is_empty() || given.len() > RULES_MAX {
        return Err(malformed_xml());
    }
    let rules: Vec<_> = given.iter().map(|given| rule(given, random)).collect::<Result<_, _>>()?;
    let mut ids = HashSet::new();
    for LifecycleRule { id, .. } in &rules {
        if !ids.insert(id) {
            let why = "Rule ID must be unique. Found same ID for one or more rules";
            return Err(invalid_argument(why, "ID", id));
        }
    }
    Ok(rules)
}

fn rule(given: &model::LifecycleRule, random: &Random) -> Result<LifecycleRule, Error> {
    let enabled = match given.status.as_str() {
        "Enabled" => true,
        "Disabled" => false,
        _ => return Err(malformed_xml()),
    };
    let id = match given.id.as_deref() {
        None | Some("") => random.letters(BASE62, MADE_ID_LETTERS),
        Some(id) if id.chars().count() > ID_LETTERS_MAX => {
            let why = "ID length should not exceed allowed limit of 255";
            return Err(invalid_argument(why, "ID", id));
        }
        Some(id) => id.to_owned(),
    };
    let filter = filter::filter(given)?;
    let transitions = given.transitions.as_deref().unwrap_or_default();
    let noncurrent = given.noncurrent_version_transitions.as_deref().unwrap_or_default();
    let rule = LifecycleRule {
        id,
        enabled,
        expiration: given.expiration.as_ref().map(expiration).transpose()?,
        transitions: transitions.iter().map(transition).collect::<Result<_, _>>()?,
        noncurrent_transitions: noncurrent
            .iter()
            .map(noncurrent_transition)
            .collect::<Result<_, _>>()?,
        noncurrent_expiration: given
            .noncurrent_version_expiration
            .as_ref()
            .map(noncurrent_expiration)
            .transpose()?,
        abort_upload_days: given
            .abort_incomplete_multipart_upload
            .as_ref()
            .map(abort)
            .transpose()?,
        filter,
    };
    check_whole(&rule)?;
    order::check(&rule)?;
    Ok(rule)
}

fn check_whole(rule: &LifecycleRule) -> Result<(), Error> {
    let LifecycleRule { filter, .. } = rule;
    if rule.expiration.is_none()
        && rule.transitions.is_empty()
        && rule.noncurrent_transitions.is_empty()
        && rule.noncurrent_expiration.is_none()
        && rule.abort_upload_days.is_none()
    {
        return Err(invalid_request("At least one action needs to be specified in a rule"));
    }
    let of_versions = [
        (rule.abort_upload_days.is_some(), "AbortIncompleteMultipartUpload"),
        (matches!(rule.expiration, Some(Expiration::DeleteMarker(_))), "ExpiredObjectDeleteMarker"),
    ];
    // Uploads and delete markers have neither tags nor sizes.
    for (is_there, action) in of_versions {
        if is_there && !filter.tags.is_empty() {
            return Err(invalid_request(format!("{action} cannot be specified with Tags.")));
        }
        if is_there && has_sizes(filter) {
            return Err(invalid_request(format!("{action} cannot be specified with Object Size.")));
        }
    }
    Ok(())
}

fn has_sizes(filter: &Filter) -> bool {
    filter.bytes_greater_than.is_some() || filter.bytes_less_than.is_some()
}

fn expiration(given: &model::LifecycleExpiration) -> Result<Expiration, Error> {
    match (given.days, given.date, given.expired_object_delete_marker) {
        (Some(days), None, None) => {
            let days = positive(days, "Days", "Expiration")?;
            Ok(Expiration::Current(When::Days(days)))
        }
        (None, Some(date), None) => Ok(Expiration::Current(When::Date(midnight(date)?))),
        (None, None, Some(on)) => Ok(Expiration::DeleteMarker(on)),
        _ => Err(malformed_xml()),
    }
}

fn transition(given: &model::Transition) -> Result<Transition, Error> {
    let class = class(given.storage_class.as_deref())?;
    let when = match (given.days, given.date) {
        (Some(days), None) => {
            let days = not_negative(days, "Days", "Transition")?;
            check_days(days, &class, "Days", "Transition")?;
            When::Days(days)
        }
        (None, Some(date)) => When::Date(midnight(date)?),
        _ => return Err(malformed_xml()),
    };
    Ok(Transition { when, class })
}

fn noncurrent_transition(
    given: &model::NoncurrentVersionTransition,
) -> Result<NoncurrentTransition, Error> {
    let class = class(given.storage_class.as_deref())?;
    let action = "NoncurrentVersionTransition";
    let days = given.noncurrent_days.ok_or_else(malformed_xml)?;
    let days = not_negative(days, "NoncurrentDays", action)?;
    check_days(days, &class, "NoncurrentDays", action)?;
    let newer_versions_kept = newer_versions(given.newer_noncurrent_versions, action)?;
    Ok(NoncurrentTransition { days, class, newer_versions_kept })
}

fn noncurrent_expiration(
    given: &model::NoncurrentVersionExpiration,
) -> Result<NoncurrentExpiration, Error> {
    let action = "NoncurrentVersionExpiration";
    let days = given.noncurrent_days.ok_or_else(malformed_xml)?;
    let days = positive(days, "NoncurrentDays", action)?;
    let newer_versions_kept = newer_versions(given.newer_noncurrent_versions, action)?;
    Ok(NoncurrentExpiration { days, newer_versions_kept })
}

fn abort(given: &model::AbortIncompleteMultipartUpload) -> Result<u32, Error> {
    let days = given.days_after_initiation.ok_or_else(malformed_xml)?;
    positive(days, "DaysAfterInitiation", "AbortIncompleteMultipartUpload")
}

fn newer_versions(given: Option<i32>, action: &str) -> Result<Option<u32>, Error> {
    let Some(number) = given else { return Ok(None) };
    let kept = positive(number, "NewerNoncurrentVersions", action)?;
    if number > NEWER_VERSIONS_MAX {
        let why = format!(
            "'NewerNoncurrentVersions' for {action} action must not be greater than \
             {NEWER_VERSIONS_MAX}"
        );
        return Err(invalid_argument(why, "NewerNoncurrentVersions", &number.to_string()));
    }
    Ok(Some(kept))
}

fn class(given: Option<&str>) -> Result<String, Error> {
    let known = order::CLASSES.iter().find(|known| given == Some(known));
    known.map(|known| (*known).to_owned()).ok_or_else(malformed_xml)
}

fn check_days(days: u32, class: &str, name: &'static str, action: &str) -> Result<(), Error> {
    if ["STANDARD_IA", "ONEZONE_IA"].contains(&class) && days < DAYS_MIN_INFREQUENT {
        let why = format!(
            "'{name}' in {action} action must be greater than or equal to {DAYS_MIN_INFREQUENT} \
             for storageClass '{class}'"
        );
        return Err(invalid_argument(why, name, &days.to_string()));
    }
    Ok(())
}

fn positive(number: i32, name: &str, action: &str) -> Result<u32, Error> {
    u32::try_from(number).ok().filter(|number| *number > 0).ok_or_else(|| {
        let why = format!("'{name}' for {action} action must be a positive integer");
        invalid_argument(why, name, &number.to_string())
    })
}

fn not_negative(number: i32, name: &str, action: &str) -> Result<u32, Error> {
    u32::try_from(number).map_err(|_| {
        let why = format!("'{name}' in {action} action must be nonnegative");
        invalid_argument(why, name, &number.to_string())
    })
}

fn midnight(date: Timestamp) -> Result<Timestamp, Error> {
    if date.as_millis().rem_euclid(DAY_MS) == 0 {
        return Ok(date);
    }
    Err(invalid_argument("'Date' must be at midnight GMT", "Date", &date.to_iso8601()))
}
