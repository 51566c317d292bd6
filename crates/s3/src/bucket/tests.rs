//! Settings for what haneul lacks: read as AWS answers when they are unset, and put only where
//! that asks for nothing.

use crate::model::{
    AccelerateConfiguration, BucketLoggingStatus, DeleteBucketReplicationRequest,
    EventBridgeConfiguration, GetBucketAccelerateConfigurationRequest, GetBucketLoggingOutput,
    GetBucketLoggingRequest, GetBucketNotificationConfigurationRequest,
    GetBucketReplicationRequest, GetBucketRequestPaymentRequest, LoggingEnabled,
    NotificationConfiguration, PutBucketAccelerateConfigurationRequest, PutBucketLoggingRequest,
    PutBucketNotificationConfigurationRequest, PutBucketRequestPaymentRequest, QueueConfiguration,
    RequestPaymentConfiguration,
};
use crate::testing::{World, code};

const NAME: &str = "mine";

#[tokio::test]
async fn acceleration() {
    let world = World::new();
    world.bucket(NAME).await;
    let get = async || {
        let input =
            GetBucketAccelerateConfigurationRequest { bucket: NAME.into(), ..Default::default() };
        super::accelerate::get(&world.s3, &world.owner(), input).await.expect("there").status
    };
    let put = async |status: Option<&str>| {
        let input = PutBucketAccelerateConfigurationRequest {
            bucket: NAME.into(),
            accelerate_configuration: AccelerateConfiguration { status: status.map(Into::into) },
            ..Default::default()
        };
        code(super::accelerate::put(&world.s3, &world.owner(), input).await)
    };
    assert_eq!(get().await, None);
    assert_eq!(put(Some("Enabled")).await, "UnsupportedOperation");
    assert_eq!(put(Some("On")).await, "MalformedXML");
    assert_eq!(put(None).await, "MalformedXML");
    assert_eq!(get().await, None);
    assert_eq!(put(Some("Suspended")).await, "OK");
    assert_eq!(get().await.as_deref(), Some("Suspended"));
}

#[tokio::test]
async fn request_payment() {
    let world = World::new();
    world.bucket(NAME).await;
    let put = async |payer: &str| {
        let input = PutBucketRequestPaymentRequest {
            bucket: NAME.into(),
            request_payment_configuration: RequestPaymentConfiguration { payer: payer.into() },
            ..Default::default()
        };
        code(super::request_payment::put(&world.s3, &world.owner(), input).await)
    };
    assert_eq!(put("BucketOwner").await, "OK");
    assert_eq!(put("Requester").await, "UnsupportedOperation");
    assert_eq!(put("Nobody").await, "MalformedXML");
    let get = GetBucketRequestPaymentRequest { bucket: NAME.into(), ..Default::default() };
    let payer = super::request_payment::get(&world.s3, &world.owner(), get).await.expect("there");
    assert_eq!(payer.payer.as_deref(), Some("BucketOwner"));
}

#[tokio::test]
async fn logging() {
    let world = World::new();
    world.bucket(NAME).await;
    let put = async |logging_enabled: Option<LoggingEnabled>| {
        let input = PutBucketLoggingRequest {
            bucket: NAME.into(),
            bucket_logging_status: BucketLoggingStatus { logging_enabled },
            ..Default::default()
        };
        code(super::logging::put(&world.s3, &world.owner(), input).await)
    };
    assert_eq!(put(None).await, "OK");
    assert_eq!(put(Some(LoggingEnabled::default())).await, "UnsupportedOperation");
    let get = GetBucketLoggingRequest { bucket: NAME.into(), ..Default::default() };
    let answer = super::logging::get(&world.s3, &world.owner(), get).await.expect("there");
    assert_eq!(answer, GetBucketLoggingOutput::default());
}

#[tokio::test]
async fn notifications() {
    let world = World::new();
    world.bucket(NAME).await;
    let put = async |configuration: NotificationConfiguration| {
        let input = PutBucketNotificationConfigurationRequest {
            bucket: NAME.into(),
            notification_configuration: configuration,
            ..Default::default()
        };
        code(super::notification::put(&world.s3, &world.owner(), input).await)
    };
    let none = NotificationConfiguration::default;
    assert_eq!(put(none()).await, "OK");
    assert_eq!(
        put(NotificationConfiguration { queue_configurations: Some(Vec::new()), ..none() }).await,
        "OK"
    );
    let queue = Some(vec![QueueConfiguration::default()]);
    let queues = NotificationConfiguration { queue_configurations: queue, ..none() };
    assert_eq!(put(queues).await, "UnsupportedOperation");
    let bridge = Some(EventBridgeConfiguration::default());
    let bridged = NotificationConfiguration { event_bridge_configuration: bridge, ..none() };
    assert_eq!(put(bridged).await, "UnsupportedOperation");
    let get =
        GetBucketNotificationConfigurationRequest { bucket: NAME.into(), ..Default::default() };
    let answer = super::notification::get(&world.s3, &world.owner(), get).await.expect("there");
    assert_eq!(answer, none());
}

#[tokio::test]
async fn replication() {
    let world = World::new();
    world.bucket(NAME).await;
    let get = GetBucketReplicationRequest { bucket: NAME.into(), ..Default::default() };
    let answer = super::replication::get(&world.s3, &world.owner(), get).await;
    assert_eq!(code(answer), "ReplicationConfigurationNotFoundError");
    let delete = DeleteBucketReplicationRequest { bucket: NAME.into(), ..Default::default() };
    super::replication::delete(&world.s3, &world.owner(), delete).await.expect("nothing to do");
}
