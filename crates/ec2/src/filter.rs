//! `Filters` of Describe operations: every filter must match, any value of it does; `*` and
//! `?` stand for letters, `\` takes that from them.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Filter.html>

use crate::error::{Error, Result};
use crate::model;
use crate::tag::Tags;

/// The filters of one request.
#[derive(Clone, Debug, Default)]
pub struct Filters(Vec<Filter>);

#[derive(Clone, Debug)]
struct Filter {
    name: String,
    values: Vec<String>,
}

/// AWS's: more values than this in one request are refused.
const VALUES_MAX: usize = 200;

impl Filters {
    /// # Errors
    /// `InvalidParameterValue` for a filter without a name, too many values.
    pub fn read(given: Option<Vec<model::Filter>>) -> Result<Self> {
        let given = given.unwrap_or_default();
        let read = |filter: model::Filter| {
            let name = filter.name.filter(|name| !name.is_empty());
            let name = name.ok_or(Error::MissingParameter("Filter.Name"))?;
            Ok(Filter { name, values: filter.values.unwrap_or_default() })
        };
        let filters: Vec<Filter> = given.into_iter().map(read).collect::<Result<_>>()?;
        if filters.iter().map(|filter| filter.values.len()).sum::<usize>() > VALUES_MAX {
            let message = "The maximum number of filter values specified on a single call is 200";
            return Err(Error::coded("FilterLimitExceeded", message));
        }
        Ok(Self(filters))
    }

    /// Whether a resource passes. `values` gives what the resource has under a filter's name;
    /// `None` for a name that this operation does not know. Tags are asked of `tags`.
    ///
    /// # Errors
    /// `InvalidParameterValue` for a name that `values` does not know.
    pub fn pass(&self, tags: &Tags, values: impl Fn(&str) -> Option<Vec<String>>) -> Result<bool> {
        for filter in &self.0 {
            let Some(has) = tags.filter_values(&filter.name).or_else(|| values(&filter.name))
            else {
                let message = format!("The filter '{}' is invalid", filter.name);
                return Err(Error::InvalidParameterValue(message));
            };
            let wanted = |value: &String| filter.values.iter().any(|want| matches(want, value));
            if !has.iter().any(wanted) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The values of one filter, where an answer can be found by them alone.
    pub fn values(&self, name: &str) -> Option<&[String]> {
        let filter = self.0.iter().find(|filter| filter.name == name)?;
        Some(&filter.values)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Case counts. Linear in both: the pattern is a client's.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern = letters(pattern);
    let text: Vec<char> = text.chars().collect();
    let (mut at, mut from) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while from < text.len() {
        match pattern.get(at) {
            Some(Letter::Any) => {
                star = Some((at, from));
                at += 1;
            }
            Some(Letter::One) => (at, from) = (at + 1, from + 1),
            Some(Letter::Is(letter)) if *letter == text[from] => (at, from) = (at + 1, from + 1),
            _ => match star {
                Some((star_at, matched)) => {
                    star = Some((star_at, matched + 1));
                    (at, from) = (star_at + 1, matched + 1);
                }
                None => return false,
            },
        }
    }
    pattern[at..].iter().all(|letter| matches!(letter, Letter::Any))
}

enum Letter {
    Any,
    One,
    Is(char),
}

fn letters(pattern: &str) -> Vec<Letter> {
    let mut letters = Vec::new();
    let mut rest = pattern.chars();
    while let Some(letter) = rest.next() {
        letters.push(match letter {
            '*' => Letter::Any,
            '?' => Letter::One,
            '\\' => Letter::Is(rest.next().unwrap_or('\\')),
            letter => Letter::Is(letter),
        });
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_stand_for_letters() {
        let check = |pattern: &str, text: &str, expected: bool| {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        };
        check("web", "web", true);
        check("web", "Web", false);
        check("web*", "webserver", true);
        check("*server", "webserver", true);
        check("w*b*r", "webserver", true);
        check("w?b", "web", true);
        check("w?b", "wb", false);
        check("*", "", true);
        check("", "", true);
        check("", "a", false);
        check(r"\*amazon\?\\", r"*amazon?\", true);
        check(r"\*", "a", false);
        check("al2023-ami-*-x86_64", "al2023-ami-2023.6.20241010.0-kernel-6.1-x86_64", true);
    }

    #[test]
    fn every_filter_must_match_and_any_value_does() {
        let filter = |name: &str, values: &[&str]| model::Filter {
            name: Some(name.into()),
            values: Some(values.iter().map(|&value| value.into()).collect()),
        };
        let check = |filters: Vec<model::Filter>, expected: Option<bool>| {
            let filters = Filters::read(Some(filters)).expect("filters");
            let passed = filters.pass(&Tags::default(), |name| match name {
                "state" => Some(vec!["available".into()]),
                "group" => Some(vec!["sg-1".into(), "sg-2".into()]),
                _ => None,
            });
            assert_eq!(passed.ok(), expected, "{filters:?}");
        };
        check(vec![], Some(true));
        check(vec![filter("state", &["pending", "available"])], Some(true));
        check(vec![filter("group", &["sg-2"])], Some(true));
        check(vec![filter("group", &["sg-2"]), filter("state", &["pending"])], Some(false));
        check(vec![filter("state", &[])], Some(false));
        check(vec![filter("color", &["red"])], None);
        check(vec![filter("tag:Name", &["web"])], Some(false));
    }
}
