//! Tags of users, roles, policies and instance profiles.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html>

use serde::{Deserialize, Serialize};

use crate::error::{Error, Limit, Result};
use crate::model;
use crate::page::{Ask, Page};
use crate::quota::TAGS_MAX;

/// Whether keys that differ only in case are the same tag: they are for users, roles and
/// sessions, and are not for policies and instance profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCase {
    Ignored,
    Counts,
}

impl KeyCase {
    fn same(self, one: &str, two: &str) -> bool {
        match self {
            Self::Ignored => one.to_lowercase() == two.to_lowercase(),
            Self::Counts => one == two,
        }
    }
}

/// A stored tag list, at most [`TAGS_MAX`] long, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Tags(Vec<(String, String)>);

impl Tags {
    /// The tags of a new entity.
    ///
    /// # Errors
    /// `InvalidInput` for a key given twice, `ValidationError` for more than fifty or a
    /// reserved key.
    pub fn new(given: &[(String, String)], case: KeyCase) -> Result<Self> {
        let mut tags = Self::default();
        tags.put(given, case)?;
        Ok(tags)
    }

    /// Adds tags or replaces the values of those there; nothing changes on an error.
    ///
    /// # Errors
    /// As [`Self::new`]; `LimitExceeded` when old and new tags pass fifty.
    pub fn put(&mut self, given: &[(String, String)], case: KeyCase) -> Result<()> {
        check_given(given, case)?;
        let mut tags = self.0.clone();
        for (key, value) in given {
            tags.retain(|(old, _)| !case.same(old, key));
            tags.push((key.clone(), value.clone()));
        }
        if tags.len() > TAGS_MAX {
            return Err(Error::LimitExceeded(Limit::Tags));
        }
        tags.sort();
        self.0 = tags;
        Ok(())
    }

    /// Removes tags; keys that are not there are no error.
    pub fn remove(&mut self, keys: &[String], case: KeyCase) {
        self.0.retain(|(old, _)| !keys.iter().any(|key| case.same(old, key)));
    }

    /// The tags that a create operation was given.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn from_input(given: Option<Vec<model::Tag>>, case: KeyCase) -> Result<Self> {
        Self::new(&pairs(given.unwrap_or_default()), case)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn shapes(&self) -> Vec<model::Tag> {
        self.0.iter().map(shape).collect()
    }

    /// `None` when there are none: several answers then lack the member.
    pub fn shapes_if_any(&self) -> Option<Vec<model::Tag>> {
        (!self.is_empty()).then(|| self.shapes())
    }

    pub fn page(&self, ask: &Ask) -> Page<model::Tag> {
        ask.cut(self.0.iter().map(|tag| (tag.0.clone(), shape(tag))))
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

pub fn pairs(tags: Vec<model::Tag>) -> Vec<(String, String)> {
    tags.into_iter().map(|tag| (tag.key, tag.value)).collect()
}

fn shape((key, value): &(String, String)) -> model::Tag {
    model::Tag { key: key.clone(), value: value.clone() }
}

/// # Errors
/// `ValidationError` for keys that no tag can have.
pub fn check_keys(keys: &[String]) -> Result<()> {
    if keys.iter().all(|key| letters_fit(key)) {
        return Ok(());
    }
    Err(Error::constraint(
        "tagKeys",
        r"Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+, Member must not be null]",
    ))
}

fn check_given(given: &[(String, String)], case: KeyCase) -> Result<()> {
    if given.len() > TAGS_MAX {
        return Err(Error::constraint("tags", "Member must have length less than or equal to 50"));
    }
    for (at, (key, value)) in given.iter().enumerate() {
        check_letters(at + 1, key, value)?;
        if given[..at].iter().any(|(other, _)| case.same(other, key)) {
            return Err(Error::InvalidInput(match case {
                KeyCase::Ignored => {
                    "Duplicate tag keys found. Please note that Tag keys are case insensitive."
                        .into()
                }
                KeyCase::Counts => "Duplicate tag keys found.".into(),
            }));
        }
    }
    Ok(())
}

/// `at` counts from one, as AWS's sentences do.
fn check_letters(at: usize, key: &str, value: &str) -> Result<()> {
    if !letters_fit(key) {
        return Err(Error::constraint(
            &format!("tags.{at}.member.key"),
            r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+",
        ));
    }
    if !letters_fit(value) {
        return Err(Error::constraint(
            &format!("tags.{at}.member.value"),
            r"Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*",
        ));
    }
    if key.to_ascii_lowercase().starts_with("aws:") {
        return Err(Error::InvalidInput(
            "Tag keys beginning with 'aws:' are reserved for system use.".into(),
        ));
    }
    Ok(())
}

/// Letters, numbers and spaces of any script, and `_.:/=+-@`.
pub fn letters_fit(text: &str) -> bool {
    static FIT: std::sync::LazyLock<regex::Regex> = std::sync::LazyLock::new(|| {
        regex::Regex::new(r"^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$").expect("the pattern is valid")
    });
    FIT.is_match(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        text.split_whitespace()
            .map(|pair| pair.split_once('=').expect("key=value"))
            .map(|(key, value)| (key.into(), value.into()))
            .collect()
    }

    #[test]
    fn a_key_s_case_counts_only_for_some() {
        let check = |given: &str, case, expected: Option<&str>| {
            let tags = Tags::new(&pairs(given), case).ok().map(|tags| {
                let printed: Vec<String> = tags.iter().map(|(k, v)| format!("{k}={v}")).collect();
                printed.join(" ")
            });
            assert_eq!(tags.as_deref(), expected, "{given}");
        };
        check("b=1 a=2", KeyCase::Ignored, Some("a=2 b=1"));
        check("a=1 A=2", KeyCase::Ignored, None);
        check("a=1 A=2", KeyCase::Counts, Some("A=2 a=1"));
        check("a=1 a=2", KeyCase::Counts, None);
        check("하늘=높다", KeyCase::Ignored, Some("하늘=높다"));
        check("a*=1", KeyCase::Ignored, None);
        check("aws:a=1", KeyCase::Ignored, None);
    }

    #[test]
    fn fifty_is_the_most_and_an_error_changes_nothing() {
        let many = |range: std::ops::Range<u32>| -> Vec<(String, String)> {
            range.map(|i| (format!("k{i}"), String::new())).collect()
        };
        let mut tags = Tags::new(&many(0..50), KeyCase::Ignored).expect("fifty");
        assert!(Tags::new(&many(0..51), KeyCase::Ignored).is_err());
        assert!(tags.put(&many(50..51), KeyCase::Ignored).is_err());
        assert!(tags.put(&[("K7".into(), "new".into())], KeyCase::Ignored).is_ok());
        assert_eq!(tags.iter().count(), 50);
        tags.remove(&["k7".into(), "absent".into()], KeyCase::Ignored);
        assert_eq!(tags.iter().count(), 49);
    }
}
