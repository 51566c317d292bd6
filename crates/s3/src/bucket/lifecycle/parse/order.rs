//! How the actions of one rule must follow each other.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html>

use aws::Error;

use crate::error::{invalid_argument, invalid_request};
use crate::row::{Expiration, Filter, FilterForm, LifecycleRule, When};

/// Objects go down this list and never up.
pub(super) const CLASSES: [&str; 6] =
    ["STANDARD_IA", "INTELLIGENT_TIERING", "ONEZONE_IA", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"];

/// What goes to STANDARD_IA or ONEZONE_IA stays there for so long at least.
const DAYS_IN_INFREQUENT: u32 = 30;

/// One kind of action on current versions, or on noncurrent ones.
struct Actions<'a> {
    /// Days or milliseconds since 1970, all of them the same, and the class.
    transitions: Vec<(i64, &'a str)>,
    expiration: Option<i64>,
    /// `Days`, `Date` or `NoncurrentDays`.
    unit: &'static str,
    transition: &'static str,
    expire: &'static str,
}

/// # Errors
/// `InvalidArgument` and `InvalidRequest`.
pub(super) fn check(rule: &LifecycleRule) -> Result<(), Error> {
    let about = about(&rule.filter);
    let (current, is_mixed) = of_current(rule);
    if is_mixed {
        return Err(invalid_request(format!(
            "Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle \
             rule for {about}"
        )));
    }
    current.check(&about)?;
    let noncurrent = Actions {
        transitions: rule
            .noncurrent_transitions
            .iter()
            .map(|transition| (i64::from(transition.days), transition.class.as_str()))
            .collect(),
        expiration: rule.noncurrent_expiration.map(|expiration| i64::from(expiration.days)),
        unit: "NoncurrentDays",
        transition: "NoncurrentVersionTransition",
        expire: "NoncurrentVersionExpiration",
    };
    noncurrent.check(&about)
}

/// With whether dates and days are mixed.
fn of_current(rule: &LifecycleRule) -> (Actions<'_>, bool) {
    let expiration = match rule.expiration {
        Some(Expiration::Current(when)) => Some(when),
        Some(Expiration::DeleteMarker(_)) | None => None,
    };
    let all = rule.transitions.iter().map(|transition| transition.when).chain(expiration);
    let dates = all.clone().filter(|when| matches!(when, When::Date(_))).count();
    let is_mixed = dates != 0 && dates != all.count();
    let number = |when: When| match when {
        When::Days(days) => i64::from(days),
        When::Date(date) => date.as_millis(),
    };
    let actions = Actions {
        transitions: rule
            .transitions
            .iter()
            .map(|transition| (number(transition.when), transition.class.as_str()))
            .collect(),
        expiration: expiration.map(number),
        unit: if dates == 0 { "Days" } else { "Date" },
        transition: "Transition",
        expire: "Expiration",
    };
    (actions, is_mixed)
}

impl Actions<'_> {
    fn check(&self, about: &str) -> Result<(), Error> {
        let Self { unit, transition, expire, .. } = self;
        for (index, (_, class)) in self.transitions.iter().enumerate() {
            if self.transitions[..index].iter().any(|(_, other)| other == class) {
                return Err(invalid_request(format!(
                    "'StorageClass' must be different for '{transition}' actions in same 'Rule' \
                     with {about}"
                )));
            }
        }
        let mut ordered = self.transitions.clone();
        ordered.sort_by_key(|(_, class)| CLASSES.iter().position(|known| known == class));
        for pair in ordered.windows(2) {
            self.check_pair(pair[0], pair[1], about)?;
        }
        let last = self.transitions.iter().map(|(at, _)| *at).max();
        if let (Some(last), Some(expiration)) = (last, self.expiration)
            && expiration <= last
        {
            let why = format!(
                "'{unit}' in the {expire} action for {about} must be greater than '{unit}' in the \
                 {transition} action"
            );
            return Err(invalid_argument(why, unit, &expiration.to_string()));
        }
        Ok(())
    }

    fn check_pair(
        &self,
        (before, first): (i64, &str),
        (after, second): (i64, &str),
        about: &str,
    ) -> Result<(), Error> {
        let Self { unit, transition, .. } = self;
        let stays = ["STANDARD_IA", "ONEZONE_IA"].contains(&first) && *unit != "Date";
        if stays && after < before + i64::from(DAYS_IN_INFREQUENT) {
            let why = format!(
                "'{unit}' in the '{transition}' action for StorageClass '{second}' for {about} \
                 must be {DAYS_IN_INFREQUENT} days more than '{unit}' in the '{transition}' action \
                 for StorageClass '{first}'"
            );
            return Err(invalid_argument(why, unit, &after.to_string()));
        }
        if after <= before {
            let why = format!(
                "'{unit}' in the '{transition}' action for StorageClass '{second}' for {about} \
                 must be greater than '{unit}' in the '{transition}' action for StorageClass \
                 '{first}'"
            );
            return Err(invalid_argument(why, unit, &after.to_string()));
        }
        Ok(())
    }
}

/// The rule's objects as S3's sentences name them.
fn about(filter: &Filter) -> String {
    let prefix = filter.prefix.as_deref().unwrap_or_default();
    match filter.form {
        FilterForm::Prefix => format!("prefix '{prefix}'"),
        FilterForm::Filter | FilterForm::And => {
            let tags: String = filter
                .tags
                .iter()
                .map(|(key, value)| format!(" and (tag={key}:{value})"))
                .collect();
            format!("filter '(prefix={prefix}){tags}'")
        }
    }
}
