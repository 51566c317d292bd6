//! A bucket's tags: kept as given, refused by AWS's rules.

use super::*;
use crate::model::Tagging;
use crate::testing::{World, code};

fn tags(pairs: &[(&str, &str)]) -> Vec<Tag> {
    pairs.iter().map(|(key, value)| Tag { key: (*key).into(), value: (*value).into() }).collect()
}

#[test]
fn rules() {
    let check = |pairs: &[(&str, &str)], expected: &str| {
        assert_eq!(code(parse(&tags(pairs))), expected, "{pairs:?}");
    };
    check(&[], "OK");
    check(&[("a", ""), ("A", "하늘 +-=._:/@")], "OK");
    check(&[("a", "1"), ("a", "2")], "InvalidTag");
    check(&[("", "1")], "InvalidTag");
    check(&[("aws:x", "1")], "InvalidTag");
    check(&[("AWS:x", "1")], "InvalidTag");
    check(&[("a", "<")], "InvalidTag");
    check(&[(&"k".repeat(128), &"v".repeat(256))], "OK");
    check(&[(&"k".repeat(129), "")], "InvalidTag");
    check(&[("k", &"v".repeat(257))], "InvalidTag");
    let keys: Vec<String> = (0..51).map(|number| number.to_string()).collect();
    let many: Vec<(&str, &str)> = keys.iter().map(|key| (key.as_str(), "")).collect();
    check(&many[..50], "OK");
    check(&many, "BadRequest");
}

#[tokio::test]
async fn put_got_and_deleted() {
    let world = World::new();
    world.bucket("mine").await;
    let call = world.owner();
    let get = || GetBucketTaggingRequest { bucket: "mine".into(), ..Default::default() };
    assert_eq!(code(super::get(&world.s3, &call, get()).await), "NoSuchTagSet");
    let given = tags(&[("b", "1"), ("a", "2")]);
    let put = PutBucketTaggingRequest {
        bucket: "mine".into(),
        tagging: Tagging { tag_set: given.clone() },
        ..Default::default()
    };
    super::put(&world.s3, &call, put).await.expect("put");
    assert_eq!(super::get(&world.s3, &call, get()).await.expect("set").tag_set, given);
    let delete = DeleteBucketTaggingRequest { bucket: "mine".into(), ..Default::default() };
    super::delete(&world.s3, &call, delete).await.expect("deleted");
    assert_eq!(code(super::get(&world.s3, &call, get()).await), "NoSuchTagSet");
}
