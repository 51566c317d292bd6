//! A bucket's lifecycle configuration: what is to become of objects as they age.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html>

use aws::Timestamp;
use serde::{Deserialize, Serialize};

/// Rules as they were given, already judged: at least one, ids unique, days and sizes in their
/// bounds, transitions in the order of their classes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lifecycle {
    /// Whether objects under 128 KiB are left out of transitions to some classes only
    /// (`varies_by_storage_class`) and not, as by default, of those to all.
    #[serde(default)]
    pub minimum_size_varies: bool,
    pub rules: Vec<LifecycleRule>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LifecycleRule {
    pub id: String,
    pub enabled: bool,
    pub filter: Filter,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expiration: Option<Expiration>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitions: Vec<Transition>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub noncurrent_transitions: Vec<NoncurrentTransition>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub noncurrent_expiration: Option<NoncurrentExpiration>,
    /// Days after which an upload that was not completed is aborted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub abort_upload_days: Option<u32>,
}

/// An object falls under a rule when all of it fits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Filter {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    /// Both bounds are exclusive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_greater_than: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_less_than: Option<u64>,
    #[serde(default)]
    pub form: FilterForm,
}

/// How a filter was written, so that it is shown as it was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum FilterForm {
    /// `Filter` with one predicate or none.
    #[default]
    Filter,
    /// `Filter` with `And`.
    And,
    /// A `Prefix` beside the rule's actions, the form before filters.
    Prefix,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum When {
    /// After so many days of age, from the midnight that follows.
    Days(u32),
    /// From this midnight on, whatever the age.
    Date(Timestamp),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expiration {
    /// The current version expires: it is removed, or hidden by a delete marker.
    Current(When),
    /// A delete marker behind which nothing is left is removed; `false` was said in so many words.
    DeleteMarker(bool),
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transition {
    pub when: When,
    /// As AWS spells it.
    pub class: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoncurrentTransition {
    /// Days since it became noncurrent.
    pub days: u32,
    pub class: String,
    /// So many noncurrent versions that are newer are let be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_versions_kept: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoncurrentExpiration {
    /// Days since it became noncurrent.
    pub days: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newer_versions_kept: Option<u32>,
}

impl Filter {
    /// Whether an object falls under the rule.
    pub fn fits(&self, key: &str, bytes: u64, tags: &[(String, String)]) -> bool {
        self.prefix.as_ref().is_none_or(|prefix| key.starts_with(prefix))
            && self.bytes_greater_than.is_none_or(|bound| bytes > bound)
            && self.bytes_less_than.is_none_or(|bound| bytes < bound)
            && self.tags.iter().all(|tag| tags.contains(tag))
    }
}
