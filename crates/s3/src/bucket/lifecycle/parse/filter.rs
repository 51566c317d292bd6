//! Which objects a rule is about.

use std::collections::HashSet;

use aws::Error;

use crate::error::{invalid_argument, invalid_request, malformed_xml};
use crate::model::{self, Tag};
use crate::row::{Filter, FilterForm};

const PREFIX_BYTES_MAX: usize = 1024;
const KEY_LETTERS_MAX: usize = 128;
const VALUE_LETTERS_MAX: usize = 256;

/// # Errors
/// `MalformedXML` unless there is exactly one of `Filter` and `Prefix`, and at most one
/// predicate in a filter without `And`.
pub(super) fn filter(rule: &model::LifecycleRule) -> Result<Filter, Error> {
    let filter = match (&rule.prefix, &rule.filter) {
        (Some(prefix), None) => {
            Filter { prefix: Some(prefix.clone()), form: FilterForm::Prefix, ..Filter::default() }
        }
        (None, Some(given)) => of_filter(given)?,
        _ => return Err(malformed_xml()),
    };
    if filter.prefix.as_ref().is_some_and(|prefix| prefix.len() > PREFIX_BYTES_MAX) {
        let why = format!("The maximum size of a prefix is {PREFIX_BYTES_MAX}");
        return Err(invalid_argument(why, "Prefix", filter.prefix.as_deref().unwrap_or_default()));
    }
    Ok(filter)
}

fn of_filter(given: &model::LifecycleRuleFilter) -> Result<Filter, Error> {
    let predicates = [
        given.prefix.is_some(),
        given.tag.is_some(),
        given.object_size_greater_than.is_some(),
        given.object_size_less_than.is_some(),
        given.and.is_some(),
    ];
    if predicates.iter().filter(|given| **given).count() > 1 {
        return Err(malformed_xml());
    }
    if let Some(and) = &given.and {
        return of_and(and);
    }
    Ok(Filter {
        prefix: given.prefix.clone(),
        tags: tags(given.tag.as_slice())?,
        bytes_greater_than: bytes(given.object_size_greater_than, "ObjectSizeGreaterThan", 0)?,
        bytes_less_than: bytes(given.object_size_less_than, "ObjectSizeLessThan", 1)?,
        form: FilterForm::Filter,
    })
}

/// `And` is for two predicates or more.
fn of_and(and: &model::LifecycleRuleAndOperator) -> Result<Filter, Error> {
    let tags = tags(and.tags.as_deref().unwrap_or_default())?;
    let filter = Filter {
        prefix: and.prefix.clone(),
        bytes_greater_than: bytes(and.object_size_greater_than, "ObjectSizeGreaterThan", 0)?,
        bytes_less_than: bytes(and.object_size_less_than, "ObjectSizeLessThan", 1)?,
        form: FilterForm::And,
        tags,
    };
    let predicates = filter.tags.len()
        + usize::from(filter.prefix.is_some())
        + usize::from(filter.bytes_greater_than.is_some())
        + usize::from(filter.bytes_less_than.is_some());
    if predicates < 2 {
        return Err(malformed_xml());
    }
    if let (Some(above), Some(below)) = (filter.bytes_greater_than, filter.bytes_less_than)
        && below <= above
    {
        let why = "'ObjectSizeLessThan' has to be a value greater than 'ObjectSizeGreaterThan'";
        return Err(invalid_request(why));
    }
    Ok(filter)
}

fn bytes(given: Option<i64>, name: &str, min: u64) -> Result<Option<u64>, Error> {
    let Some(number) = given else { return Ok(None) };
    let bytes = u64::try_from(number).ok().filter(|bytes| *bytes >= min);
    let why = || format!("'{name}' must be an integer of at least {min}");
    bytes.map(Some).ok_or_else(|| invalid_argument(why(), name, &number.to_string()))
}

fn tags(given: &[Tag]) -> Result<Vec<(String, String)>, Error> {
    let mut keys = HashSet::new();
    for Tag { key, value } in given {
        let letters = key.chars().count();
        if !(1..=KEY_LETTERS_MAX).contains(&letters) {
            let why = "The TagKey you have provided is invalid";
            return Err(Error::client(400, "InvalidTag", why).with_detail("TagKey", key));
        }
        if value.chars().count() > VALUE_LETTERS_MAX {
            let why = "The TagValue you have provided is invalid";
            return Err(Error::client(400, "InvalidTag", why).with_detail("TagKey", key));
        }
        if !keys.insert(key) {
            return Err(invalid_request("Duplicate Tag Keys are not allowed."));
        }
    }
    Ok(given.iter().map(|tag| (tag.key.clone(), tag.value.clone())).collect())
}
