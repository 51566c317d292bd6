//! Event notifications, which haneul does not send yet: they can be taken away only.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/EventNotifications.html>

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetBucketNotificationConfigurationRequest, NotificationConfiguration,
    PutBucketNotificationConfigurationRequest,
};

pub async fn get(
    s3: &S3,
    _call: &Call,
    input: GetBucketNotificationConfigurationRequest,
) -> Result<NotificationConfiguration, Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    Ok(NotificationConfiguration::default())
}

pub async fn put(
    s3: &S3,
    _call: &Call,
    input: PutBucketNotificationConfigurationRequest,
) -> Result<(), Error> {
    let bucket = s3.bucket(s3.engine(), &input.bucket)?;
    bucket.expect_owner(input.expected_bucket_owner.as_deref())?;
    let given = &input.notification_configuration;
    let asked = [
        ("TopicConfiguration", given.topic_configurations.as_ref().map(Vec::len)),
        ("QueueConfiguration", given.queue_configurations.as_ref().map(Vec::len)),
        ("CloudFunctionConfiguration", given.lambda_function_configurations.as_ref().map(Vec::len)),
        ("EventBridgeConfiguration", given.event_bridge_configuration.as_ref().map(|_| 1)),
    ];
    match asked.iter().find(|(_, count)| count.is_some_and(|count| count > 0)) {
        None => Ok(()),
        Some((what, _)) => {
            Err(Error::parameter_not_served("PutBucketNotificationConfiguration", what))
        }
    }
}
