//! Rules as they were given.

use crate::model::{
    self, AbortIncompleteMultipartUpload, LifecycleExpiration, LifecycleRuleAndOperator,
    LifecycleRuleFilter, NoncurrentVersionExpiration, NoncurrentVersionTransition, Tag,
};
use crate::row::{Expiration, Filter, FilterForm, LifecycleRule, When};

pub(super) fn rule(rule: &LifecycleRule) -> model::LifecycleRule {
    let is_prefix = rule.filter.form == FilterForm::Prefix;
    let transitions = rule.transitions.iter().map(|transition| model::Transition {
        days: days(transition.when),
        date: date(transition.when),
        storage_class: Some(transition.class.clone()),
    });
    let noncurrent =
        rule.noncurrent_transitions.iter().map(|transition| NoncurrentVersionTransition {
            noncurrent_days: number(transition.days),
            storage_class: Some(transition.class.clone()),
            newer_noncurrent_versions: transition.newer_versions_kept.and_then(number),
        });
    model::LifecycleRule {
        id: Some(rule.id.clone()),
        status: if rule.enabled { "Enabled" } else { "Disabled" }.into(),
        prefix: rule.filter.prefix.clone().filter(|_| is_prefix),
        filter: (!is_prefix).then(|| filter(&rule.filter)),
        expiration: rule.expiration.map(expiration),
        transitions: (!rule.transitions.is_empty()).then(|| transitions.collect()),
        noncurrent_version_transitions: (!rule.noncurrent_transitions.is_empty())
            .then(|| noncurrent.collect()),
        noncurrent_version_expiration: rule.noncurrent_expiration.map(|expiration| {
            NoncurrentVersionExpiration {
                noncurrent_days: number(expiration.days),
                newer_noncurrent_versions: expiration.newer_versions_kept.and_then(number),
            }
        }),
        abort_incomplete_multipart_upload: rule
            .abort_upload_days
            .map(|days| AbortIncompleteMultipartUpload { days_after_initiation: number(days) }),
    }
}

fn filter(filter: &Filter) -> LifecycleRuleFilter {
    let prefix = filter.prefix.clone();
    let tag = |(key, value): &(String, String)| Tag { key: key.clone(), value: value.clone() };
    let bytes = |bound: Option<u64>| bound.and_then(|bound| i64::try_from(bound).ok());
    let object_size_greater_than = bytes(filter.bytes_greater_than);
    let object_size_less_than = bytes(filter.bytes_less_than);
    if filter.form != FilterForm::And {
        return LifecycleRuleFilter {
            prefix,
            tag: filter.tags.first().map(tag),
            object_size_greater_than,
            object_size_less_than,
            and: None,
        };
    }
    let tags = (!filter.tags.is_empty()).then(|| filter.tags.iter().map(tag).collect());
    let and =
        LifecycleRuleAndOperator { prefix, tags, object_size_greater_than, object_size_less_than };
    LifecycleRuleFilter { and: Some(and), ..LifecycleRuleFilter::default() }
}

fn expiration(expiration: Expiration) -> LifecycleExpiration {
    match expiration {
        Expiration::Current(when) => LifecycleExpiration {
            days: days(when),
            date: date(when),
            expired_object_delete_marker: None,
        },
        Expiration::DeleteMarker(on) => LifecycleExpiration {
            expired_object_delete_marker: Some(on),
            ..LifecycleExpiration::default()
        },
    }
}

fn days(when: When) -> Option<i32> {
    match when {
        When::Days(days) => number(days),
        When::Date(_) => None,
    }
}

fn date(when: When) -> Option<aws::Timestamp> {
    match when {
        When::Date(date) => Some(date),
        When::Days(_) => None,
    }
}

fn number(number: u32) -> Option<i32> {
    i32::try_from(number).ok()
}
