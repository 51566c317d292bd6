//! Many writers on one condition.

use crate::model::PutObjectRequest;
use crate::object::put;
use crate::testing::{World, body, code};

const WRITERS: usize = 32;

/// How many of many writers with this condition win; the others are refused with 412.
async fn winners(world: &World, request: PutObjectRequest) -> usize {
    let mut tasks = Vec::new();
    for writer in 0..WRITERS {
        let (s3, call) = (world.s3.clone(), world.owner());
        let bytes = writer.to_string();
        let input = PutObjectRequest { body: Some(body(bytes.as_bytes())), ..request.clone() };
        tasks.push(tokio::spawn(async move { code(put::put(&s3, &call, input).await) }));
    }
    let mut won = 0;
    for task in tasks {
        match task.await.expect("no panic").as_str() {
            "OK" => won += 1,
            lost => assert_eq!(lost, "PreconditionFailed"),
        }
    }
    won
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn exactly_one_writer_finds_its_condition_true() {
    let world = World::new();
    world.bucket("bucket").await;
    for round in 0..10 {
        let key = format!("k{round}");
        let absent = PutObjectRequest {
            bucket: "bucket".into(),
            key: key.clone(),
            if_none_match: Some("*".into()),
            ..Default::default()
        };
        assert_eq!(winners(&world, absent).await, 1);
        let etag = world.put("bucket", &key, b"base").await.e_tag;
        let matching =
            PutObjectRequest { bucket: "bucket".into(), key, if_match: etag, ..Default::default() };
        assert_eq!(winners(&world, matching).await, 1);
    }
}
