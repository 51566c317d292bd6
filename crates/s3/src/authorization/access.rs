//! What a bucket itself gives and takes: its policy, its list of grants, and the blocks on them.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html>

use std::sync::Arc;

use aws::{Call, Error, Principal};
use policy::{Document, Kind, public};
use serde_json::Value;

use super::is_of;
use crate::acl::{self, Counted};
use crate::row::{Acl, Bucket};

/// Made once for each state of a bucket.
#[derive(Debug, Default)]
pub(crate) struct Access {
    /// The bucket's policy.
    policy: Option<Arc<str>>,
    /// What of it denies.
    pub(super) denials: Option<Arc<str>>,
    /// What the bucket's list gives.
    grants: Option<Arc<str>>,
    /// Whether the policy gives something to everybody while that is not to be.
    restricted: bool,
    pub(super) looks_at_tags: bool,
}

impl Access {
    /// # Errors
    /// When the stored policy cannot be read.
    pub(crate) fn of(bucket: &Bucket) -> Result<Self, Error> {
        let grants = if bucket.owns_all() {
            None
        } else {
            let grants = acl::grants(&bucket.acl, &bucket.account);
            acl::bucket_grants(&bucket.name, &grants, counted(bucket)).map(Arc::from)
        };
        let Some(text) = bucket.policy.as_deref() else {
            return Ok(Self { grants, ..Self::default() });
        };
        let document = Document::parse(text, Kind::Resource).map_err(Error::internal)?;
        let mut keys = document.context_keys().into_iter();
        Ok(Self {
            policy: Some(text.into()),
            denials: denials(text)?,
            grants,
            restricted: bucket.blocks().restrict_public_buckets && public::is_public(&document),
            looks_at_tags: keys
                .any(|key| key.to_ascii_lowercase().starts_with("s3:existingobjecttag/")),
        })
    }

    /// The policies that the bucket brings to a question about it or about an object that its
    /// account owns.
    pub(super) fn of_bucket(&self, bucket: &Bucket, call: &Call) -> Vec<Arc<str>> {
        let exempt = matches!(call.identity.principal, Principal::Service(_))
            || is_of(call, &bucket.account);
        let policy = if self.restricted && !exempt { &self.denials } else { &self.policy };
        policy.iter().chain(&self.grants).cloned().collect()
    }
}

/// What an object's list gives to others than its owner.
pub(super) fn of_object(bucket: &Bucket, key: &str, acl: Option<&Acl>) -> Option<String> {
    // The owner's own policies say what it may.
    let grants = acl?.grants.as_deref()?;
    acl::object_grants(&bucket.name, key, grants, counted(bucket))
}

fn counted(bucket: &Bucket) -> Counted {
    if bucket.blocks().ignore_public_acls { Counted::NotPublic } else { Counted::All }
}

/// The statements that deny, as a policy of their own.
fn denials(text: &str) -> Result<Option<Arc<str>>, Error> {
    let mut document: Value = serde_json::from_str(text).map_err(Error::internal)?;
    let is_denial = |statement: &Value| statement["Effect"] == "Deny";
    let kept = match document["Statement"].take() {
        Value::Array(statements) => statements.into_iter().filter(is_denial).collect(),
        one if is_denial(&one) => vec![one],
        _ => Vec::new(),
    };
    if kept.is_empty() {
        return Ok(None);
    }
    document["Statement"] = Value::Array(kept);
    Ok(Some(document.to_string().into()))
}
