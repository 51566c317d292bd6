//! Many writers on one condition.

use super::{BUCKET, asking, world};
use crate::model::PutObjectRequest;
use crate::object::{get, put};
use crate::testing::{World, body, code, read};

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
    let world = world().await;
    for round in 0..10 {
        let key = format!("k{round}");
        let absent = PutObjectRequest {
            bucket: BUCKET.into(),
            key: key.clone(),
            if_none_match: Some("*".into()),
            ..Default::default()
        };
        assert_eq!(winners(&world, absent).await, 1);
        let etag = world.put(BUCKET, &key, b"base").await.e_tag;
        let matching =
            PutObjectRequest { bucket: BUCKET.into(), key, if_match: etag, ..Default::default() };
        assert_eq!(winners(&world, matching).await, 1);
    }
}

/// A reader that finds a version whose bytes go before it opens them looks again.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reads_and_overwrites_do_not_meet() {
    let world = world().await;
    world.put(BUCKET, "k", b"first").await;
    let mut readers = Vec::new();
    for _ in 0..4 {
        let (s3, call) = (world.s3.clone(), world.owner());
        readers.push(tokio::spawn(async move {
            for _ in 0..200 {
                let output = get::get(&s3, &call, asking("k")).await.expect("there all the time");
                let length = output.content_length.expect("a length");
                let bytes = read(output.body.expect("a body")).await.expect("whole");
                assert_eq!(i64::try_from(bytes.len()), Ok(length));
            }
        }));
    }
    for round in 0..400usize {
        world.put(BUCKET, "k", &vec![b'x'; round * 7]).await;
    }
    for reader in readers {
        reader.await.expect("no panic");
    }
}
