//! Session tags: given with AssumeRole, or handed down a chain of roles.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html>

use aws::Session;

use crate::error::{Error, Result};
use crate::quota::TAGS_MAX;
use crate::sts::model;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SessionTags {
    pub tags: Vec<(String, String)>,
    pub transitive_keys: Vec<String>,
}

/// The tags of a new session: what is given, and what the calling session hands down.
///
/// # Errors
/// `InvalidParameterValue` for tags that contradict each other or a transitive one.
pub fn combine(
    given: Option<&[model::Tag]>,
    transitive_keys: Option<&[String]>,
    caller: Option<&Session>,
) -> Result<SessionTags> {
    let given = given.unwrap_or_default();
    let transitive_keys = transitive_keys.unwrap_or_default();
    check(given)?;
    let is_given = |key: &String| given.iter().any(|tag| same(&tag.key, key));
    if !transitive_keys.iter().all(is_given) {
        return Err(Error::InvalidParameterValue(
            "The specified transitive tag key must be included in the requested tags.".into(),
        ));
    }
    let handed_down: Vec<(String, String)> = caller.map(transitive).unwrap_or_default();
    if given.iter().any(|tag| handed_down.iter().any(|(key, _)| same(key, &tag.key))) {
        return Err(Error::InvalidParameterValue(
            "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.".into(),
        ));
    }
    let mut combined = SessionTags {
        transitive_keys: handed_down.iter().map(|(key, _)| key.clone()).collect(),
        tags: handed_down,
    };
    combined.transitive_keys.extend(transitive_keys.iter().cloned());
    combined.tags.extend(given.iter().map(|tag| (tag.key.clone(), tag.value.clone())));
    combined.tags.sort();
    Ok(combined)
}

fn transitive(session: &Session) -> Vec<(String, String)> {
    let handed_down = |key: &str| session.transitive_tag_keys.iter().any(|own| same(own, key));
    session.tags.iter().filter(|(key, _)| handed_down(key)).cloned().collect()
}

fn check(given: &[model::Tag]) -> Result<()> {
    if given.len() > TAGS_MAX {
        return Err(Error::constraint("tags", "Member must have length less than or equal to 50"));
    }
    for (at, tag) in given.iter().enumerate() {
        if tag.key.to_ascii_lowercase().starts_with("aws:") {
            return Err(Error::InvalidParameterValue(
                "Tag keys beginning with 'aws:' are reserved for system use.".into(),
            ));
        }
        if given[..at].iter().any(|other| same(&other.key, &tag.key)) {
            return Err(Error::InvalidParameterValue(
                "Duplicate tag keys found. Please note that Tag keys are case insensitive.".into(),
            ));
        }
    }
    Ok(())
}

fn same(one: &str, two: &str) -> bool {
    one.to_lowercase() == two.to_lowercase()
}
