//! Archived objects on the region's clock.

use std::time::Duration;

use super::{BUCKET, ask, asking, text, world};
use crate::model::{
    GlacierJobParameters, HeadObjectRequest, PutObjectRequest, RestoreObjectRequest, RestoreRequest,
};
use crate::object::{head, put, restore};
use crate::testing::{World, body, code};

const HOUR: u64 = 3600;

async fn archive(class: &str) -> World {
    let world = world().await;
    let input = PutObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        body: Some(body(b"x")),
        storage_class: text(class),
        ..Default::default()
    };
    put::put(&world.s3, &world.owner(), input).await.expect("put");
    world
}

/// The status and code of an answer.
async fn ask_restore(world: &World, days: i32, tier: Option<&str>) -> (u16, String) {
    let parameters = tier.map(|tier| GlacierJobParameters { tier: tier.into() });
    let request = RestoreRequest {
        days: Some(days),
        glacier_job_parameters: parameters,
        ..Default::default()
    };
    send(world, request).await
}

async fn send(world: &World, request: RestoreRequest) -> (u16, String) {
    let input = RestoreObjectRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        restore_request: Some(request),
        ..Default::default()
    };
    match restore::restore(&world.s3, &world.owner(), input).await {
        Ok(_) => (200, "OK".into()),
        Err(error) => (error.status, error.code.into_owned()),
    }
}

async fn header(world: &World) -> Option<String> {
    let input = HeadObjectRequest { bucket: BUCKET.into(), key: "k".into(), ..Default::default() };
    head::head(&world.s3, &world.owner(), input).await.expect("head").restore
}

#[tokio::test]
async fn a_restore_takes_its_time_and_ends() {
    let world = archive("GLACIER").await;
    assert_eq!(code(ask(&world, asking("k")).await), "InvalidObjectState");
    assert_eq!(header(&world).await, None);
    assert_eq!(ask_restore(&world, 2, None).await, (202, "Accepted".into()));
    assert_eq!(header(&world).await.as_deref(), Some("ongoing-request=\"true\""));
    assert_eq!(ask_restore(&world, 2, None).await, (409, "RestoreAlreadyInProgress".into()));
    assert_eq!(code(ask(&world, asking("k")).await), "InvalidObjectState");

    world.advance(Duration::from_secs(4 * HOUR));
    assert_eq!(world.get(BUCKET, "k").await.expect("restored"), b"x");
    // The clock began on 2027-01-15 at 08:00.
    let until = "ongoing-request=\"false\", expiry-date=\"Mon, 18 Jan 2027 00:00:00 GMT\"";
    assert_eq!(header(&world).await.as_deref(), Some(until));
    assert_eq!(ask_restore(&world, 5, None).await, (200, "OK".into()));
    let until = "ongoing-request=\"false\", expiry-date=\"Thu, 21 Jan 2027 00:00:00 GMT\"";
    assert_eq!(header(&world).await.as_deref(), Some(until));

    world.advance(Duration::from_secs(6 * 24 * HOUR));
    assert_eq!(header(&world).await, None);
    assert_eq!(code(ask(&world, asking("k")).await), "InvalidObjectState");
    assert_eq!(ask_restore(&world, 1, None).await, (202, "Accepted".into()));
}

#[tokio::test]
async fn each_class_and_tier_has_its_time() {
    let check = async |class: &str, tier: &str, bounds_secs: (u64, u64)| {
        let world = archive(class).await;
        assert_eq!(ask_restore(&world, 1, Some(tier)).await.0, 202, "{class} {tier}");
        world.advance(Duration::from_secs(bounds_secs.0 - 1));
        assert_eq!(code(ask(&world, asking("k")).await), "InvalidObjectState", "{class} {tier}");
        world.advance(Duration::from_secs(bounds_secs.1 - bounds_secs.0 + 1));
        assert_eq!(code(ask(&world, asking("k")).await), "OK", "{class} {tier}");
    };
    check("GLACIER", "Expedited", (60, 300)).await;
    check("GLACIER", "Standard", (3 * HOUR, 5 * HOUR)).await;
    check("GLACIER", "Bulk", (5 * HOUR, 12 * HOUR)).await;
    check("DEEP_ARCHIVE", "Standard", (HOUR, 12 * HOUR)).await;
    check("DEEP_ARCHIVE", "Bulk", (HOUR, 48 * HOUR)).await;
    let world = archive("DEEP_ARCHIVE").await;
    assert_eq!(ask_restore(&world, 1, Some("Expedited")).await, (400, "InvalidArgument".into()));
}

#[tokio::test]
async fn a_faster_tier_takes_over() {
    let world = archive("GLACIER").await;
    assert_eq!(ask_restore(&world, 1, Some("Bulk")).await.0, 202);
    assert_eq!(ask_restore(&world, 1, Some("Expedited")).await.0, 202);
    assert_eq!(ask_restore(&world, 1, Some("Standard")).await.0, 409);
    world.advance(Duration::from_secs(300));
    assert_eq!(code(ask(&world, asking("k")).await), "OK");
}

#[tokio::test]
async fn what_is_no_restore_is_refused() {
    let world = archive("GLACIER").await;
    assert_eq!(ask_restore(&world, 0, None).await, (400, "InvalidArgument".into()));
    assert_eq!(ask_restore(&world, 1, Some("Soon")).await, (400, "MalformedXML".into()));
    assert_eq!(send(&world, RestoreRequest::default()).await, (400, "MalformedXML".into()));
    let select = RestoreRequest { r#type: text("SELECT"), ..Default::default() };
    assert_eq!(send(&world, select).await, (400, "UnsupportedOperation".into()));
    for class in ["STANDARD", "GLACIER_IR"] {
        let world = archive(class).await;
        assert_eq!(ask_restore(&world, 1, None).await, (403, "InvalidObjectState".into()));
        assert_eq!(code(ask(&world, asking("k")).await), "OK");
    }
}
