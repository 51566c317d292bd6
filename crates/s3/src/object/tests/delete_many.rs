use aws::Error;

use super::{BUCKET, text, versioned, world};
use crate::model::{
    Delete, DeleteObjectsOutput, DeleteObjectsRequest, DeletedObject, ObjectIdentifier,
};
use crate::object::delete_many::delete_many;
use crate::testing::{OWNER, World, code};

fn key(key: &str) -> ObjectIdentifier {
    ObjectIdentifier { key: key.into(), ..Default::default() }
}

async fn run(
    world: &World,
    objects: Vec<ObjectIdentifier>,
    quiet: bool,
) -> Result<DeleteObjectsOutput, Error> {
    let input = DeleteObjectsRequest {
        bucket: BUCKET.into(),
        delete: Delete { objects, quiet: Some(quiet) },
        ..Default::default()
    };
    delete_many(&world.s3, &world.owner(), input).await
}

#[tokio::test]
async fn each_key_has_its_own_outcome() {
    let world = world().await;
    for name in ["a", "b", "c"] {
        world.put(BUCKET, name, b"x").await;
    }
    let objects = vec![
        key("a"),
        key("none"),
        ObjectIdentifier { e_tag: text("\"other\""), ..key("b") },
        ObjectIdentifier { version_id: text("nonsense"), ..key("c") },
        ObjectIdentifier { size: Some(1), ..key("c") },
        key(&"k".repeat(1025)),
    ];
    let output = run(&world, objects.clone(), false).await.expect("answered");
    let deleted: Vec<_> =
        output.deleted.iter().flatten().filter_map(|d| d.key.as_deref()).collect();
    assert_eq!(deleted, ["a", "none"]);
    let codes: Vec<_> = output.errors.iter().flatten().filter_map(|e| e.code.as_deref()).collect();
    assert_eq!(
        codes,
        ["PreconditionFailed", "InvalidArgument", "NotImplemented", "KeyTooLongError"]
    );
    assert_eq!(code(world.get(BUCKET, "a").await), "NoSuchKey");
    assert_eq!(world.get(BUCKET, "b").await.expect("kept"), b"x");

    let quiet = run(&world, objects, true).await.expect("answered");
    assert_eq!((quiet.deleted, quiet.errors.map(|e| e.len())), (None, Some(4)));
}

#[tokio::test]
async fn markers_are_told_apart_from_versions() {
    let world = versioned().await;
    let put = world.put(BUCKET, "a", b"x").await.version_id;
    let output = run(&world, vec![key("a"), key("a")], false).await.expect("answered");
    let deleted = output.deleted.expect("some");
    let marker = deleted[0].delete_marker_version_id.clone();
    let expected = DeletedObject {
        key: text("a"),
        version_id: None,
        delete_marker: Some(true),
        delete_marker_version_id: marker.clone(),
    };
    assert_eq!(deleted, [expected.clone(), expected]);
    let versions = vec![
        ObjectIdentifier { version_id: marker.clone(), ..key("a") },
        ObjectIdentifier { version_id: put.clone(), ..key("a") },
    ];
    let output = run(&world, versions, false).await.expect("answered");
    let expected = [
        DeletedObject {
            key: text("a"),
            version_id: marker.clone(),
            delete_marker: Some(true),
            delete_marker_version_id: marker,
        },
        DeletedObject { key: text("a"), version_id: put, ..Default::default() },
    ];
    assert_eq!(output.deleted.expect("some"), expected);
    let bucket = world.s3.bucket(world.s3.engine(), BUCKET).expect("there");
    let left = crate::version::current(world.s3.engine(), bucket.id, "a").expect("reads");
    assert_eq!(left, None);
}

#[tokio::test]
async fn a_thousand_keys_are_the_most() {
    let world = world().await;
    let keys = |count: usize| (0..count).map(|n| key(&n.to_string())).collect::<Vec<_>>();
    let output = run(&world, keys(1000), false).await.expect("answered");
    assert_eq!(output.deleted.map(|deleted| deleted.len()), Some(1000));
    assert_eq!(code(run(&world, keys(1001), false).await), "MalformedXML");
    assert_eq!(code(run(&world, keys(0), false).await), "MalformedXML");
}

#[tokio::test]
async fn each_key_is_authorized_for_itself() {
    let world = world().await;
    for name in ["mine/a", "b"] {
        world.put(BUCKET, name, b"x").await;
    }
    let user = world.user(OWNER, "ann");
    world.attach(
        &user,
        r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::bucket/mine/*"}}"#,
    );
    let input = DeleteObjectsRequest {
        bucket: BUCKET.into(),
        delete: Delete { objects: vec![key("mine/a"), key("b")], quiet: None },
        ..Default::default()
    };
    let output = delete_many(&world.s3, &user, input.clone()).await.expect("answered");
    assert_eq!(output.deleted.map(|deleted| deleted.len()), Some(1));
    let errors = output.errors.expect("one");
    assert_eq!(
        (errors[0].key.as_deref(), errors[0].code.as_deref()),
        (Some("b"), Some("AccessDenied"))
    );
    assert_eq!(world.get(BUCKET, "b").await.expect("kept"), b"x");
    // A bypass is asked about too.
    let bypassing = DeleteObjectsRequest { bypass_governance_retention: Some(true), ..input };
    let output = delete_many(&world.s3, &user, bypassing).await.expect("answered");
    assert_eq!(output.errors.map(|errors| errors.len()), Some(2));
}
