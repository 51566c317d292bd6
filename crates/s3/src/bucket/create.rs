//! CreateBucket.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html>

use aws::schema::Kind;
use aws::{AccountId, Call, Error, Region};
use objects::{Rows, Scan};

use super::{name, tagging};
use crate::S3;
use crate::acl::{self, Given};
use crate::error::{EngineFailure, invalid_argument};
use crate::model::{
    BucketLocationConstraint, CreateBucketConfiguration, CreateBucketOutput, CreateBucketRequest,
};
use crate::row::{
    Acl, Bucket, Codec, Encryption, ObjectLock, Ownership, PublicAccessBlock, Versioning,
    bucket_key, buckets_of, owner_key,
};

/// AWS's default quota of general purpose buckets of an account.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/BucketRestrictions.html>
const BUCKETS_MAX: usize = 10_000;

/// Whose endpoint takes buckets for every region, and lets their owner create them again.
const FIRST_REGION: &str = "us-east-1";

pub async fn create(
    s3: &S3,
    call: &Call,
    input: CreateBucketRequest,
) -> Result<CreateBucketOutput, Error> {
    let account = call.account()?.clone();
    name::check(&input.bucket)?;
    let given = input.create_bucket_configuration.as_ref();
    let region = region(call, s3, given)?;
    name::check_namespace(&input.bucket, input.bucket_namespace.as_deref(), &account, &region)?;
    refuse_directory_bucket(given)?;
    let ownership = ownership(input.object_ownership.as_deref())?;
    let acl = acl(&input, &account, ownership)?;
    let tags = given.and_then(|given| given.tags.as_deref()).unwrap_or_default();
    let tags = tagging::parse(tags)?;
    let lock = input.object_lock_enabled_for_bucket == Some(true);
    let bucket = |id| Bucket {
        id,
        name: input.bucket.clone(),
        account: account.clone(),
        region: region.clone(),
        created: call.at,
        versioning: if lock { Versioning::Enabled } else { Versioning::Unset },
        ownership: Some(ownership),
        public_access_block: Some(PublicAccessBlock::ALL),
        acl: acl.clone(),
        tags,
        policy: None,
        object_lock: lock.then(ObjectLock::default),
        encryption: Encryption::default(),
        cors: Vec::new(),
        website: None,
        accelerate_suspended: false,
        lifecycle: None,
    };
    let made = s3.engine().commit(|change| {
        if let Some(row) = change.get(&bucket_key(&input.bucket)).map_err(EngineFailure::refusal)? {
            let there = again(Bucket::decode(&row.value)?, &account, call, &acl)?;
            change.set(bucket_key(&input.bucket), there.encode());
            return Ok(());
        }
        if count(change, &account)? >= BUCKETS_MAX {
            return Err(too_many_buckets());
        }
        let new = bucket(change.stamp());
        change.set(owner_key(account.as_str(), &new.name), Vec::new());
        change.set(bucket_key(&new.name), new.encode());
        Ok(())
    });
    made.await.map_err(EngineFailure::refusal)??;
    let location = if region.as_str() == FIRST_REGION {
        format!("/{}", input.bucket)
    } else {
        format!("http://{}.s3.{}/", input.bucket, s3.inner.domain)
    };
    Ok(CreateBucketOutput { location: Some(location), bucket_arn: None })
}

/// The bucket that has the name already, as it is afterwards: in us-east-1 its owner is not
/// refused, and its access control list is set again.
fn again(there: Bucket, account: &AccountId, call: &Call, acl: &Acl) -> Result<Bucket, Error> {
    if there.account != *account {
        return Err(bucket_already_exists(&there.name));
    }
    if there.region.as_str() != FIRST_REGION || call.region.as_str() != FIRST_REGION {
        return Err(bucket_already_owned_by_you(&there.name));
    }
    Ok(Bucket { acl: acl.clone(), ..there })
}

fn count(rows: &dyn Rows, account: &AccountId) -> Result<usize, Error> {
    let (from, end) = buckets_of(account.as_str());
    let mut count = 0;
    let mut visit = |_: &[u8], _: &objects::Row| {
        count += 1;
        if count < BUCKETS_MAX { Scan::On } else { Scan::End }
    };
    rows.scan(&from, &end, &mut visit).map_err(EngineFailure::refusal)?;
    Ok(count)
}

/// Where the bucket is to be. An endpoint takes buckets of its own region only, which must be
/// named, except the first region's, which takes any and must not be named.
fn region(
    call: &Call,
    s3: &S3,
    given: Option<&CreateBucketConfiguration>,
) -> Result<Region, Error> {
    let constraint = given.and_then(|given| given.location_constraint.as_deref());
    let constraint = constraint.filter(|constraint| !constraint.is_empty());
    let at_first = call.region.as_str() == FIRST_REGION;
    let Some(constraint) = constraint else {
        return if at_first { Ok(call.region.clone()) } else { Err(illegal_constraint(None)) };
    };
    // The name that Europe's first region had.
    let name = if constraint == "EU" { "eu-west-1" } else { constraint };
    let known = matches!(BucketLocationConstraint.kind, Kind::String)
        && BucketLocationConstraint.values.contains(&name)
        || name == s3.inner.region.as_str() && name != FIRST_REGION
        || name == call.region.as_str() && !at_first;
    let region = name.parse::<Region>().ok().filter(|_| known);
    let region = region.ok_or_else(|| invalid_location_constraint(constraint))?;
    if !at_first && region != call.region {
        return Err(illegal_constraint(Some(constraint)));
    }
    Ok(region)
}

fn refuse_directory_bucket(given: Option<&CreateBucketConfiguration>) -> Result<(), Error> {
    match given {
        Some(given) if given.location.is_some() || given.bucket.is_some() => {
            Err(Error::parameter_not_served("CreateBucket", "Location (directory buckets)"))
        }
        _ => Ok(()),
    }
}

fn ownership(given: Option<&str>) -> Result<Ownership, Error> {
    let Some(given) = given else { return Ok(Ownership::BucketOwnerEnforced) };
    Ownership::parse(given).ok_or_else(|| {
        let why = "Invalid x-amz-object-ownership header: the value is not an object ownership";
        invalid_argument(why, "x-amz-object-ownership", given)
    })
}

/// New buckets block public access lists; whoever wants one takes the block away first.
fn acl(
    input: &CreateBucketRequest,
    account: &AccountId,
    ownership: Ownership,
) -> Result<Acl, Error> {
    let given = Given {
        canned: input.acl.as_deref(),
        full_control: input.grant_full_control.as_deref(),
        read: input.grant_read.as_deref(),
        read_acp: input.grant_read_acp.as_deref(),
        write: input.grant_write.as_deref(),
        write_acp: input.grant_write_acp.as_deref(),
    };
    let acl = given.bucket_acl(account)?.unwrap_or_default();
    if ownership == Ownership::BucketOwnerEnforced && acl::gives_to_others(&acl, account) {
        return Err(acl::not_with_enforced_owner());
    }
    if acl::is_public(&acl) {
        return Err(Error::client(
            400,
            "InvalidBucketAclWithBlockPublicAccessError",
            "Bucket cannot have public ACLs set with BlockPublicAccess enabled",
        ));
    }
    Ok(acl)
}

fn bucket_already_exists(name: &str) -> Error {
    let why = "The requested bucket name is not available. The bucket namespace is shared by all \
               users of the system. Please select a different name and try again.";
    Error::client(409, "BucketAlreadyExists", why).with_detail("BucketName", name)
}

fn bucket_already_owned_by_you(name: &str) -> Error {
    let why = "Your previous request to create the named bucket succeeded and you already own it.";
    Error::client(409, "BucketAlreadyOwnedByYou", why).with_detail("BucketName", name)
}

fn too_many_buckets() -> Error {
    let why = "You have attempted to create more buckets than allowed";
    Error::client(400, "TooManyBuckets", why)
}

fn illegal_constraint(constraint: Option<&str>) -> Error {
    let constraint = constraint.unwrap_or("unspecified");
    Error::client(
        400,
        "IllegalLocationConstraintException",
        format!(
            "The {constraint} location constraint is incompatible for the region specific \
             endpoint this request was sent to."
        ),
    )
}

fn invalid_location_constraint(constraint: &str) -> Error {
    let why = "The specified location-constraint is not valid";
    Error::client(400, "InvalidLocationConstraint", why)
        .with_detail("LocationConstraint", constraint)
}

#[cfg(test)]
mod tests;
