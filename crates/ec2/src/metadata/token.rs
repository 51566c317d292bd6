//! Tokens of the second version: a secret of the region over the instance and an end, so that
//! they outlive a restart and nothing needs to be kept.

use aws::page::{List, PageTokens};
use aws::{AccountId, Timestamp};

const OPERATION: &str = "metadata-token";

pub(super) fn make(
    tokens: &PageTokens,
    account: &AccountId,
    instance_id: &str,
    ends: Timestamp,
) -> String {
    let list = List { account, operation: OPERATION };
    tokens.seal(list, &format!("{instance_id}/{}", ends.as_millis()))
}

pub(super) fn is_good(
    tokens: &PageTokens,
    account: &AccountId,
    instance_id: &str,
    now: Timestamp,
    token: &str,
) -> bool {
    let Ok(text) = tokens.open(List { account, operation: OPERATION }, token) else { return false };
    let Some((instance, ends)) = text.split_once('/') else { return false };
    let ends = ends.parse::<i64>().unwrap_or(0);
    instance == instance_id && now.as_millis() < ends
}
