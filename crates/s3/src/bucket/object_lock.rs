//! A bucket's object lock configuration.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock-configure.html>

use aws::{Call, Error};

use crate::S3;
use crate::error::{invalid_argument, malformed_xml};
use crate::model::{
    self, GetObjectLockConfigurationOutput, GetObjectLockConfigurationRequest,
    ObjectLockConfiguration, ObjectLockRule, PutObjectLockConfigurationOutput,
    PutObjectLockConfigurationRequest,
};
use crate::row::{DefaultRetention, ObjectLock, Versioning};

const DAYS_IN_YEAR: u32 = 365;
const DAYS_MAX: u32 = 100 * DAYS_IN_YEAR;

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetObjectLockConfigurationRequest,
) -> Result<GetObjectLockConfigurationOutput, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let lock = bucket.object_lock.as_ref().ok_or_else(|| {
        let why = "Object Lock configuration does not exist for this bucket";
        Error::client(404, "ObjectLockConfigurationNotFoundError", why)
            .with_detail("BucketName", &input.bucket)
    })?;
    let rule = lock.default_retention.as_ref().map(|retention| {
        let length = i32::try_from(retention.days).ok();
        let years = i32::try_from(retention.days / DAYS_IN_YEAR).ok();
        ObjectLockRule {
            default_retention: Some(model::DefaultRetention {
                mode: Some(retention.mode.clone()),
                days: length.filter(|_| !retention.in_years),
                years: years.filter(|_| retention.in_years),
            }),
        }
    });
    let shown = ObjectLockConfiguration { object_lock_enabled: Some("Enabled".into()), rule };
    Ok(GetObjectLockConfigurationOutput { object_lock_configuration: Some(shown) })
}

/// Sets or takes away the default retention; object lock itself stays once it is on.
pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutObjectLockConfigurationRequest,
) -> Result<PutObjectLockConfigurationOutput, Error> {
    let given = input.object_lock_configuration.as_ref().ok_or_else(malformed_xml)?;
    if given.object_lock_enabled.as_deref() != Some("Enabled") {
        return Err(malformed_xml());
    }
    let default_retention = match &given.rule {
        None => None,
        Some(rule) => Some(retention(rule.default_retention.as_ref().ok_or_else(malformed_xml)?)?),
    };
    let owner = input.expected_bucket_owner.as_deref();
    s3.configure(&input.bucket, owner, |bucket| {
        if bucket.versioning != Versioning::Enabled {
            let why = "Versioning must be 'Enabled' on the bucket to apply a Object Lock \
                       configuration";
            return Err(Error::client(409, "InvalidBucketState", why));
        }
        bucket.object_lock = Some(ObjectLock { default_retention });
        Ok(())
    })
    .await?;
    Ok(PutObjectLockConfigurationOutput::default())
}

fn retention(given: &model::DefaultRetention) -> Result<DefaultRetention, Error> {
    let mode = given.mode.as_deref().filter(|mode| ["GOVERNANCE", "COMPLIANCE"].contains(mode));
    let mode = mode.ok_or_else(malformed_xml)?.to_owned();
    let (length, in_years, name) = match (given.days, given.years) {
        (Some(days), None) => (days, false, "Days"),
        (None, Some(years)) => (years, true, "Years"),
        _ => return Err(malformed_xml()),
    };
    let refused = |why: &str| invalid_argument(why, name, &length.to_string());
    let positive = u32::try_from(length).ok().filter(|length| *length > 0);
    let positive = positive
        .ok_or_else(|| refused("Default retention period must be a positive integer value."))?;
    let days = if in_years { positive.saturating_mul(DAYS_IN_YEAR) } else { positive };
    if days > DAYS_MAX {
        return Err(refused("Default retention period is too large"));
    }
    Ok(DefaultRetention { mode, days, in_years })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{World, code};

    fn rule(mode: &str, days: Option<i32>, years: Option<i32>) -> ObjectLockRule {
        let retention = model::DefaultRetention { mode: Some(mode.into()), days, years };
        ObjectLockRule { default_retention: Some(retention) }
    }

    fn put(
        enabled: Option<&str>,
        rule: Option<ObjectLockRule>,
    ) -> PutObjectLockConfigurationRequest {
        let configuration =
            ObjectLockConfiguration { object_lock_enabled: enabled.map(Into::into), rule };
        PutObjectLockConfigurationRequest {
            bucket: "mine".into(),
            object_lock_configuration: Some(configuration),
            ..Default::default()
        }
    }

    #[tokio::test]
    async fn rules() {
        let world = World::new();
        world.bucket("mine").await;
        let call = world.owner();
        let get = async || {
            let input =
                GetObjectLockConfigurationRequest { bucket: "mine".into(), ..Default::default() };
            let answer = super::get(&world.s3, &call, input).await?;
            Ok::<_, Error>(answer.object_lock_configuration.unwrap_or_default())
        };
        let ask = async |input| code(super::put(&world.s3, &call, input).await);
        assert_eq!(code(get().await), "ObjectLockConfigurationNotFoundError");
        let on = Some("Enabled");
        assert_eq!(ask(put(on, None)).await, "InvalidBucketState");
        let versioned = world.s3.configure("mine", None, |bucket| {
            bucket.versioning = Versioning::Enabled;
            Ok(())
        });
        versioned.await.expect("configured");
        for (input, expected) in [
            (put(None, None), "MalformedXML"),
            (put(Some("On"), None), "MalformedXML"),
            (put(on, Some(ObjectLockRule::default())), "MalformedXML"),
            (put(on, Some(rule("SOMEHOW", Some(1), None))), "MalformedXML"),
            (put(on, Some(rule("GOVERNANCE", None, None))), "MalformedXML"),
            (put(on, Some(rule("GOVERNANCE", Some(1), Some(1)))), "MalformedXML"),
            (put(on, Some(rule("GOVERNANCE", Some(0), None))), "InvalidArgument"),
            (put(on, Some(rule("GOVERNANCE", None, Some(-1)))), "InvalidArgument"),
            (put(on, Some(rule("GOVERNANCE", None, Some(101)))), "InvalidArgument"),
            (put(on, Some(rule("GOVERNANCE", Some(36_501), None))), "InvalidArgument"),
        ] {
            assert_eq!(ask(input.clone()).await, expected, "{input:?}");
        }
        assert_eq!(code(get().await), "ObjectLockConfigurationNotFoundError");
        for rule in [
            Some(rule("COMPLIANCE", Some(365), None)),
            Some(rule("GOVERNANCE", None, Some(100))),
            None,
        ] {
            assert_eq!(ask(put(on, rule.clone())).await, "OK");
            let shown = get().await.expect("set");
            assert_eq!((shown.object_lock_enabled.as_deref(), shown.rule), (on, rule));
        }
    }
}
