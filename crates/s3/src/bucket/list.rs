//! ListBuckets.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html>

use aws::{Call, Error};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use objects::{Rows, Scan};

use crate::S3;
use crate::error::{EngineFailure, invalid_argument};
use crate::list::owner;
use crate::model::{self, ListBucketsOutput, ListBucketsRequest};
use crate::row::{buckets_of, owner_key};

const PAGE_MAX: usize = 10_000;

/// The caller's buckets of all regions, by name.
pub async fn list(
    s3: &S3,
    call: &Call,
    input: ListBucketsRequest,
) -> Result<ListBucketsOutput, Error> {
    let account = call.account()?;
    let max = page_size(input.max_buckets)?;
    let prefix = input.prefix.as_deref().unwrap_or_default();
    let after = input.continuation_token.as_deref().map(open).transpose()?;
    let mut buckets = Vec::new();
    let mut more = false;
    for name in names(s3.engine(), account.as_str(), prefix, after.as_deref())? {
        // One that was removed since the names were read.
        let Ok(bucket) = s3.bucket(s3.engine(), &name) else { continue };
        let wanted = input.bucket_region.as_deref();
        if bucket.account != *account
            || wanted.is_some_and(|region| region != bucket.region.as_str())
        {
            continue;
        }
        if buckets.len() == max {
            more = true;
            break;
        }
        buckets.push(bucket);
    }
    let token = if more { buckets.last().map(|bucket| seal(&bucket.name)) } else { None };
    let is_paged = input.max_buckets.is_some() || after.is_some() || input.bucket_region.is_some();
    let shown = buckets.iter().map(|bucket| model::Bucket {
        name: Some(bucket.name.clone()),
        creation_date: Some(bucket.created),
        // As AWS: only with a parameter of the paged form.
        bucket_region: (is_paged || !prefix.is_empty()).then(|| bucket.region.to_string()),
        bucket_arn: None,
    });
    Ok(ListBucketsOutput {
        buckets: Some(shown.collect()),
        owner: Some(owner(account)),
        continuation_token: token,
        prefix: input.prefix.filter(|prefix| !prefix.is_empty()),
    })
}

fn names(
    rows: &dyn Rows,
    account: &str,
    prefix: &str,
    after: Option<&str>,
) -> Result<Vec<String>, Error> {
    let (mut from, end) = buckets_of(account);
    let start = from.len();
    if let Some(after) = after {
        from = owner_key(account, after);
        from.push(0);
    }
    from = from.max(owner_key(account, prefix));
    let mut names = Vec::new();
    let mut visit = |key: &[u8], _: &objects::Row| {
        let name = String::from_utf8_lossy(&key[start..]);
        if !name.starts_with(prefix) {
            return Scan::End;
        }
        names.push(name.into_owned());
        Scan::On
    };
    rows.scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    Ok(names)
}

fn page_size(max: Option<i32>) -> Result<usize, Error> {
    let Some(max) = max else { return Ok(PAGE_MAX) };
    let size = usize::try_from(max).ok().filter(|size| (1..=PAGE_MAX).contains(size));
    size.ok_or_else(|| {
        let why = "Argument max-buckets must be an integer between 1 and 10000";
        invalid_argument(why, "max-buckets", &max.to_string())
    })
}

/// A list shows nobody but its account, so a made-up token gives nothing away.
fn seal(name: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(name)
}

fn open(token: &str) -> Result<String, Error> {
    let name = BASE64_URL_SAFE_NO_PAD.decode(token).ok();
    let name = name.and_then(|name| String::from_utf8(name).ok()).filter(|name| !name.is_empty());
    name.ok_or_else(|| {
        let why = "The continuation token provided is incorrect";
        invalid_argument(why, "continuation-token", token)
    })
}

#[cfg(test)]
mod tests;
