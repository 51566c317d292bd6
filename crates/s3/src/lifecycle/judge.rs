//! What the rules want of a key's versions. Pure.

use aws::Timestamp;

use super::Day;
use crate::row::{Content, Expiration, Lifecycle, LifecycleRule, Version, When};

/// What is to be done to one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// The current version expires: a delete marker hides it, or, where the bucket was never
    /// versioned, it goes.
    Expire,
    /// It goes for good.
    Remove,
    /// It gets this class.
    Transition(String),
}

/// The classes in the order in which objects pass through them; none goes back.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>
const WATERFALL: [&str; 8] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "INTELLIGENT_TIERING",
    "ONEZONE_IA",
    "GLACIER_IR",
    "GLACIER",
    "DEEP_ARCHIVE",
];

/// Smaller objects cost more in another class than they save.
const SMALL_BYTES: u64 = 128 << 10;

pub(super) struct Judge<'a> {
    pub(super) lifecycle: &'a Lifecycle,
    pub(super) day: Day,
    pub(super) now: Timestamp,
}

impl Judge<'_> {
    /// The acts for a key with these versions, the newest first, by their places in the list.
    /// Removing outweighs moving, and of several moves the furthest is made.
    pub(super) fn acts(&self, key: &str, versions: &[Version]) -> Vec<(usize, Act)> {
        let mut acts = Vec::new();
        for (place, version) in versions.iter().enumerate() {
            let act = match place {
                0 => self.of_current(key, version, versions.len() == 1),
                // It became noncurrent when the next one came.
                _ => self.of_noncurrent(key, version, versions[place - 1].modified, place - 1),
            };
            acts.extend(act.map(|act| (place, act)));
        }
        acts
    }

    fn rules(&self) -> impl Iterator<Item = &LifecycleRule> {
        self.lifecycle.rules.iter().filter(|rule| rule.enabled)
    }

    fn is_due(&self, when: When, since: Timestamp) -> bool {
        match when {
            When::Days(days) => self.day.due(since, days) <= self.now,
            When::Date(date) => date <= self.now,
        }
    }

    fn of_current(&self, key: &str, version: &Version, alone: bool) -> Option<Act> {
        let fitting = |rule: &&LifecycleRule| fits(rule, key, version);
        let Some(content) = &version.content else {
            // A delete marker that hides nothing any more.
            let goes = |rule: &LifecycleRule| match rule.expiration {
                Some(Expiration::DeleteMarker(said)) => said,
                Some(Expiration::Current(when)) => self.is_due(when, version.modified),
                None => false,
            };
            return (alone && self.rules().filter(fitting).any(goes)).then_some(Act::Remove);
        };
        let expires = |rule: &LifecycleRule| match rule.expiration {
            Some(Expiration::Current(when)) => self.is_due(when, version.modified),
            _ => false,
        };
        if self.rules().filter(fitting).any(expires) {
            return Some(Act::Expire);
        }
        let classes = self.rules().filter(fitting).flat_map(|rule| {
            let due = |when| self.is_due(when, version.modified);
            let due = rule.transitions.iter().filter(move |transition| due(transition.when));
            due.map(|transition| transition.class.as_str())
                .filter(|class| self.may_move(rule, content, class))
        });
        furthest(content, classes)
    }

    fn of_noncurrent(
        &self,
        key: &str,
        version: &Version,
        since: Timestamp,
        newer: usize,
    ) -> Option<Act> {
        let fitting = |rule: &&LifecycleRule| fits(rule, key, version);
        let enough =
            |kept: Option<u32>| u32::try_from(newer).is_ok_and(|newer| newer >= kept.unwrap_or(0));
        let expires = |rule: &LifecycleRule| {
            rule.noncurrent_expiration.is_some_and(|expiration| {
                self.is_due(When::Days(expiration.days), since)
                    && enough(expiration.newer_versions_kept)
            })
        };
        if self.rules().filter(fitting).any(expires) {
            return Some(Act::Remove);
        }
        let content = version.content.as_ref()?;
        let classes = self.rules().filter(fitting).flat_map(|rule| {
            let due = rule.noncurrent_transitions.iter().filter(|transition| {
                self.is_due(When::Days(transition.days), since)
                    && enough(transition.newer_versions_kept)
            });
            due.map(|transition| transition.class.as_str())
                .filter(|class| self.may_move(rule, content, class))
        });
        furthest(content, classes)
    }

    /// Small objects stay where they are, unless the rule itself speaks of sizes.
    fn may_move(&self, rule: &LifecycleRule, content: &Content, class: &str) -> bool {
        let sized =
            rule.filter.bytes_greater_than.is_some() || rule.filter.bytes_less_than.is_some();
        let archive = ["GLACIER", "DEEP_ARCHIVE"].contains(&class);
        sized || content.bytes >= SMALL_BYTES || (self.lifecycle.minimum_size_varies && archive)
    }

    /// Whether an upload begun then is to be aborted.
    pub(super) fn aborts(&self, key: &str, initiated: Timestamp) -> bool {
        self.rules().filter(|rule| fits_prefix(rule, key)).any(|rule| {
            let days = rule.abort_upload_days;
            days.is_some_and(|days| self.is_due(When::Days(days), initiated))
        })
    }
}

/// Delete markers have no tags and no size: only a prefix speaks of them.
pub(super) fn fits(rule: &LifecycleRule, key: &str, version: &Version) -> bool {
    match &version.content {
        Some(content) => rule.filter.fits(key, content.bytes, &content.tags),
        None => fits_prefix(rule, key),
    }
}

pub(super) fn fits_prefix(rule: &LifecycleRule, key: &str) -> bool {
    let filter = &rule.filter;
    let only_prefix = filter.tags.is_empty()
        && filter.bytes_greater_than.is_none()
        && filter.bytes_less_than.is_none();
    only_prefix && filter.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
}

/// The class furthest down, if that is further than the present one.
fn furthest<'a>(content: &Content, classes: impl Iterator<Item = &'a str>) -> Option<Act> {
    let order = |class: &str| WATERFALL.iter().position(|known| *known == class);
    let to = classes.max_by_key(|class| order(class))?;
    (order(to) > order(&content.class)).then(|| Act::Transition(to.to_owned()))
}
