//! What is to come of an object or upload, told to clients in headers.

use aws::Timestamp;

use super::Day;
use super::judge::{fits, fits_prefix};
use crate::row::{Bucket, Expiration, LifecycleRule, Version, When};

/// The first of the rules' dates, and whose it is.
fn first(
    bucket: &Bucket,
    date: impl Fn(&LifecycleRule) -> Option<Timestamp>,
) -> Option<(Timestamp, &str)> {
    let rules = bucket.lifecycle.as_ref()?.rules.iter().filter(|rule| rule.enabled);
    rules.filter_map(|rule| Some((date(rule)?, rule.id.as_str()))).min_by_key(|(date, _)| *date)
}

/// `x-amz-expiration`: when a current version will expire, and by which rule.
pub(crate) fn expiration_of(
    bucket: &Bucket,
    day: Day,
    key: &str,
    version: &Version,
) -> Option<String> {
    version.content.as_ref()?;
    let (date, rule) = first(bucket, |rule| match rule.expiration {
        _ if !fits(rule, key, version) => None,
        Some(Expiration::Current(When::Days(days))) => Some(day.due(version.modified, days)),
        Some(Expiration::Current(When::Date(date))) => Some(date),
        _ => None,
    })?;
    // Ids may hold any letter; headers may not.
    let rule: String = rule.chars().map(escaped).collect();
    Some(format!("expiry-date=\"{}\", rule-id=\"{rule}\"", date.to_http_date()))
}

fn escaped(letter: char) -> String {
    if letter.is_ascii_graphic() && letter != '"' && letter != '%' || letter == ' ' {
        return letter.to_string();
    }
    let mut bytes = [0; 4];
    letter.encode_utf8(&mut bytes).bytes().map(|byte| format!("%{byte:02X}")).collect()
}

/// `x-amz-abort-date` and `x-amz-abort-rule-id`: when an upload will be aborted, and by which rule.
pub(crate) fn abort_of(
    bucket: &Bucket,
    day: Day,
    key: &str,
    initiated: Timestamp,
) -> Option<(Timestamp, String)> {
    let (date, rule) = first(bucket, |rule| {
        let days = rule.abort_upload_days.filter(|_| fits_prefix(rule, key))?;
        Some(day.due(initiated, days))
    })?;
    Some((date, rule.to_owned()))
}
