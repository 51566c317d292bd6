//! GetBucketNotificationConfiguration and its like.

use aws::{Call, Error};

use crate::S3;
use crate::model::{
    GetBucketNotificationConfigurationRequest, NotificationConfiguration,
    PutBucketNotificationConfigurationRequest,
};

pub async fn get(
    _s3: &S3,
    _call: &Call,
    _input: GetBucketNotificationConfigurationRequest,
) -> Result<NotificationConfiguration, Error> {
    Err(Error::not_served("s3", "GetBucketNotificationConfiguration"))
}

pub async fn put(
    _s3: &S3,
    _call: &Call,
    _input: PutBucketNotificationConfigurationRequest,
) -> Result<(), Error> {
    Err(Error::not_served("s3", "PutBucketNotificationConfiguration"))
}
