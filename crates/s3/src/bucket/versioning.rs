//! A bucket's versioning.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/Versioning.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::malformed_xml;
use crate::model::{
    GetBucketVersioningOutput, GetBucketVersioningRequest, PutBucketVersioningRequest,
};
use crate::row::Versioning;

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketVersioningRequest,
) -> Result<GetBucketVersioningOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let status = match bucket.versioning {
        Versioning::Unset => None,
        Versioning::Enabled => Some("Enabled".into()),
        Versioning::Suspended => Some("Suspended".into()),
    };
    Ok(GetBucketVersioningOutput { status, mfa_delete: None })
}

pub async fn put(s3: &S3, _call: &Call, input: PutBucketVersioningRequest) -> Result<(), Error> {
    let given = &input.versioning_configuration;
    match given.mfa_delete.as_deref() {
        None | Some("Disabled") => {}
        Some("Enabled") => {
            return Err(Error::parameter_not_served("PutBucketVersioning", "MfaDelete"));
        }
        Some(_) => return Err(malformed_xml()),
    }
    let versioning = match given.status.as_deref() {
        Some("Enabled") => Versioning::Enabled,
        Some("Suspended") => Versioning::Suspended,
        Some(_) => return Err(malformed_xml()),
        None => {
            let why = "The Versioning element must be specified";
            return Err(Error::client(400, "IllegalVersioningConfigurationException", why));
        }
    };
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        if bucket.object_lock.is_some() && versioning == Versioning::Suspended {
            return Err(locked());
        }
        bucket.versioning = versioning;
        Ok(())
    })
    .await
}

/// Without versions, what is locked could be replaced.
fn locked() -> Error {
    let why = "An Object Lock configuration is present on this bucket, so the versioning state \
               cannot be changed.";
    Error::client(409, "InvalidBucketState", why)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{CreateBucketRequest, VersioningConfiguration};
    use crate::testing::{World, code};

    fn put(status: Option<&str>, mfa_delete: Option<&str>) -> PutBucketVersioningRequest {
        PutBucketVersioningRequest {
            bucket: "mine".into(),
            versioning_configuration: VersioningConfiguration {
                status: status.map(Into::into),
                mfa_delete: mfa_delete.map(Into::into),
            },
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn enabled_and_suspended_but_never_unset() {
        let world = World::new();
        world.bucket("mine").await;
        let call = world.owner();
        let check = async |status: Option<&str>, mfa: Option<&str>, expected: &str| {
            let answer = super::put(&world.s3, &call, put(status, mfa)).await;
            assert_eq!(code(answer), expected, "{status:?} {mfa:?}");
            let get = GetBucketVersioningRequest { bucket: "mine".into(), ..Default::default() };
            super::get(&world.s3, &call, get).await.expect("there").status
        };
        assert_eq!(check(Some("On"), None, "MalformedXML").await, None);
        let enabled = Some("Enabled".to_owned());
        assert_eq!(check(Some("Enabled"), Some("Disabled"), "OK").await, enabled);
        let not_served = check(Some("Suspended"), Some("Enabled"), "UnsupportedOperation").await;
        assert_eq!(not_served, enabled);
        let illegal = "IllegalVersioningConfigurationException";
        assert_eq!(check(None, None, illegal).await, enabled);
        assert_eq!(check(Some("Suspended"), None, "OK").await.as_deref(), Some("Suspended"));
    }

    #[tokio::test]
    async fn object_lock_keeps_it_enabled() {
        let world = World::new();
        let locked = CreateBucketRequest {
            bucket: "mine".into(),
            object_lock_enabled_for_bucket: Some(true),
            ..Default::default()
        };
        world.bucket_with(locked).await;
        let call = world.owner();
        let suspend = super::put(&world.s3, &call, put(Some("Suspended"), None)).await;
        assert_eq!(code(suspend), "InvalidBucketState");
        super::put(&world.s3, &call, put(Some("Enabled"), None)).await.expect("as it is");
    }
}
