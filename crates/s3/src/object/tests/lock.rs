//! Object lock through the operations. Everybody here is the account's root user.

use std::time::Duration;

use aws::{Error, Timestamp};

use super::{BUCKET, lockable, text, world};
use crate::model::{
    DeleteObjectRequest, GetObjectLegalHoldRequest, GetObjectRetentionRequest, ObjectLockLegalHold,
    ObjectLockRetention, PutObjectLegalHoldRequest, PutObjectOutput, PutObjectRequest,
    PutObjectRetentionRequest,
};
use crate::object::{delete, legal_hold, put, retention};
use crate::testing::{World, body, code};

async fn put_locked(
    world: &World,
    mode: Option<&str>,
    until: Timestamp,
    hold: Option<&str>,
) -> Result<PutObjectOutput, Error> {
    let input = PutObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        body: Some(body(b"x")),
        content_md5: text("ndTkYSaMgDT1yFZOFVxnpg=="),
        object_lock_mode: mode.map(str::to_owned),
        object_lock_retain_until_date: mode.map(|_| until),
        object_lock_legal_hold_status: hold.map(str::to_owned),
        ..Default::default()
    };
    put::put(&world.s3, &world.owner(), input).await
}

async fn remove(world: &World, version_id: Option<&str>, bypass: bool) -> String {
    let input = DeleteObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        version_id: version_id.map(str::to_owned),
        bypass_governance_retention: Some(bypass),
        ..Default::default()
    };
    code(delete::delete(&world.s3, &world.owner(), input).await)
}

#[tokio::test]
async fn a_lock_keeps_a_version() {
    let world = lockable().await;
    let until = world.clock.now() + Duration::from_secs(1000);
    // Mode, legal hold, bypass: whether it may go now, and after its time.
    let table = [
        (Some("GOVERNANCE"), None, false, false, true),
        (Some("GOVERNANCE"), None, true, true, true),
        (Some("COMPLIANCE"), None, true, false, true),
        (None, Some("ON"), true, false, false),
        (Some("GOVERNANCE"), Some("ON"), true, false, false),
        (None, Some("OFF"), false, true, true),
    ];
    let mut kept = Vec::new();
    for (mode, hold, bypass, now, later) in table {
        let put = put_locked(&world, mode, until, hold).await.expect("put");
        let answer = remove(&world, put.version_id.as_deref(), bypass).await;
        assert_eq!(answer, if now { "OK" } else { "AccessDenied" }, "{mode:?} {hold:?} {bypass}");
        kept.push((put.version_id, bypass, later));
    }
    // A delete marker removes nothing, and may always be made.
    assert_eq!(remove(&world, None, false).await, "OK");
    world.advance(Duration::from_secs(1000));
    for (version_id, bypass, later) in kept {
        let expected = if later { "OK" } else { "AccessDenied" };
        assert_eq!(remove(&world, version_id.as_deref(), bypass).await, expected);
    }
}

#[tokio::test]
async fn a_lock_is_given_whole() {
    let world = lockable().await;
    let later = world.clock.now() + Duration::from_secs(1000);
    let past = put_locked(&world, Some("GOVERNANCE"), world.clock.now(), None).await;
    assert_eq!(code(past), "InvalidArgument");
    assert_eq!(code(put_locked(&world, Some("NONE"), later, None).await), "InvalidArgument");
    assert_eq!(code(put_locked(&world, None, later, Some("YES")).await), "InvalidArgument");
    let input = PutObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        body: Some(body(b"x")),
        object_lock_mode: text("GOVERNANCE"),
        ..Default::default()
    };
    let dateless = put::put(&world.s3, &world.owner(), input.clone()).await;
    assert_eq!(code(dateless), "InvalidArgument");
    let unclaimed = PutObjectRequest { object_lock_retain_until_date: Some(later), ..input };
    assert_eq!(code(put::put(&world.s3, &world.owner(), unclaimed).await), "InvalidRequest");
}

async fn retain(
    world: &World,
    mode: Option<&str>,
    until: Option<Timestamp>,
    bypass: bool,
) -> String {
    let retention = ObjectLockRetention { mode: mode.map(str::to_owned), retain_until_date: until };
    let input = PutObjectRetentionRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        retention: Some(retention),
        bypass_governance_retention: Some(bypass),
        ..Default::default()
    };
    code(retention::put(&world.s3, &world.owner(), input).await)
}

async fn retained(world: &World) -> Result<Option<ObjectLockRetention>, Error> {
    let input =
        GetObjectRetentionRequest { bucket: BUCKET.into(), key: "k".into(), ..Default::default() };
    retention::get(&world.s3, &world.owner(), input).await.map(|output| output.retention)
}

#[tokio::test]
async fn retention_is_put_and_never_loosened() {
    let world = lockable().await;
    world.put(BUCKET, "k", b"x").await;
    assert_eq!(code(retained(&world).await), "NoSuchObjectLockConfiguration");
    let at = |secs| Some(world.clock.now() + Duration::from_secs(secs));
    assert_eq!(retain(&world, Some("GOVERNANCE"), at(1000), false).await, "OK");
    assert_eq!(retain(&world, Some("GOVERNANCE"), at(900), false).await, "AccessDenied");
    assert_eq!(retain(&world, None, None, false).await, "AccessDenied");
    assert_eq!(retain(&world, Some("GOVERNANCE"), at(900), true).await, "OK");
    assert_eq!(retain(&world, Some("COMPLIANCE"), at(900), false).await, "OK");
    assert_eq!(retain(&world, Some("GOVERNANCE"), at(2000), true).await, "AccessDenied");
    assert_eq!(retain(&world, None, None, true).await, "AccessDenied");
    assert_eq!(retain(&world, Some("COMPLIANCE"), at(1900), false).await, "OK");
    let kept = retained(&world).await.expect("told").expect("some");
    assert_eq!((kept.mode, kept.retain_until_date), (text("COMPLIANCE"), at(1900)));

    assert_eq!(retain(&world, Some("COMPLIANCE"), at(0), false).await, "InvalidArgument");
    assert_eq!(retain(&world, Some("STRICT"), at(1), false).await, "MalformedXML");
    assert_eq!(retain(&world, Some("COMPLIANCE"), None, false).await, "MalformedXML");
    world.advance(Duration::from_secs(1900));
    assert_eq!(retain(&world, None, None, false).await, "OK");
}

#[tokio::test]
async fn a_legal_hold_is_turned_on_and_off() {
    let world = lockable().await;
    let put = world.put(BUCKET, "k", b"x").await.version_id;
    let set = async |status: &str| {
        let input = PutObjectLegalHoldRequest {
            bucket: BUCKET.into(),
            key: "k".into(),
            legal_hold: Some(ObjectLockLegalHold { status: text(status) }),
            ..Default::default()
        };
        code(legal_hold::put(&world.s3, &world.owner(), input).await)
    };
    let status = async || {
        let input = GetObjectLegalHoldRequest {
            bucket: BUCKET.into(),
            key: "k".into(),
            ..Default::default()
        };
        let output = legal_hold::get(&world.s3, &world.owner(), input).await?;
        Ok::<_, Error>(output.legal_hold.and_then(|hold| hold.status))
    };
    assert_eq!(code(status().await), "NoSuchObjectLockConfiguration");
    assert_eq!(set("ON").await, "OK");
    assert_eq!(status().await.expect("told").as_deref(), Some("ON"));
    assert_eq!(remove(&world, put.as_deref(), true).await, "AccessDenied");
    assert_eq!(set("MAYBE").await, "MalformedXML");
    assert_eq!(set("OFF").await, "OK");
    assert_eq!(status().await.expect("told").as_deref(), Some("OFF"));
    assert_eq!(remove(&world, put.as_deref(), false).await, "OK");
}

#[tokio::test]
async fn a_bucket_without_lock_locks_nothing() {
    let world = world().await;
    world.put(BUCKET, "k", b"x").await;
    let later = world.clock.now() + Duration::from_secs(1000);
    assert_eq!(retain(&world, Some("GOVERNANCE"), Some(later), false).await, "InvalidRequest");
    assert_eq!(code(retained(&world).await), "InvalidRequest");
    assert_eq!(code(put_locked(&world, None, later, Some("ON")).await), "InvalidRequest");
}
