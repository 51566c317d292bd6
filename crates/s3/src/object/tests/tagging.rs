use aws::Error;

use super::{BUCKET, versioned};
use crate::model::{
    DeleteObjectTaggingRequest, GetObjectTaggingRequest, PutObjectTaggingOutput,
    PutObjectTaggingRequest, Tag, Tagging,
};
use crate::object::tagging;
use crate::testing::{World, code};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

async fn put(
    world: &World,
    version_id: Option<&str>,
    tags: Vec<Tag>,
) -> Result<PutObjectTaggingOutput, Error> {
    let input = PutObjectTaggingRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        version_id: version_id.map(str::to_owned),
        tagging: Tagging { tag_set: tags },
        ..Default::default()
    };
    tagging::put(&world.s3, &world.owner(), input).await
}

async fn get(world: &World, version_id: Option<&str>) -> Result<Vec<Tag>, Error> {
    let input = GetObjectTaggingRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        version_id: version_id.map(str::to_owned),
        ..Default::default()
    };
    tagging::get(&world.s3, &world.owner(), input).await.map(|output| output.tag_set)
}

#[tokio::test]
async fn each_version_has_tags_of_its_own() {
    let world = versioned().await;
    assert_eq!(code(get(&world, None).await), "NoSuchKey");
    assert_eq!(code(put(&world, None, Vec::new()).await), "NoSuchKey");
    let old = world.put(BUCKET, "k", b"old").await.version_id;
    let new = world.put(BUCKET, "k", b"new").await.version_id;
    assert_eq!(get(&world, None).await.expect("told"), []);
    let tagged = put(&world, old.as_deref(), vec![tag("a", "1")]).await.expect("put");
    assert_eq!(tagged.version_id, old);
    let tagged = put(&world, None, vec![tag("b", "2"), tag("c", "")]).await.expect("put");
    assert_eq!(tagged.version_id, new);
    assert_eq!(get(&world, old.as_deref()).await.expect("told"), [tag("a", "1")]);
    assert_eq!(get(&world, None).await.expect("told"), [tag("b", "2"), tag("c", "")]);

    let input =
        DeleteObjectTaggingRequest { bucket: BUCKET.into(), key: "k".into(), ..Default::default() };
    let deleted = tagging::delete(&world.s3, &world.owner(), input).await.expect("deleted");
    assert_eq!(deleted.version_id, new);
    assert_eq!(get(&world, None).await.expect("told"), []);
    assert_eq!(get(&world, old.as_deref()).await.expect("told"), [tag("a", "1")]);
    // Its bytes and its date are as they were.
    assert_eq!(world.get(BUCKET, "k").await.expect("got"), b"new");
}

#[tokio::test]
async fn tags_that_are_none_are_refused() {
    let world = versioned().await;
    world.put(BUCKET, "k", b"x").await;
    put(&world, None, vec![tag("kept", "1")]).await.expect("put");
    let check = async |tags: Vec<Tag>, expected: &str| {
        assert_eq!(code(put(&world, None, tags).await), expected);
    };
    check(vec![tag("a", "1"), tag("a", "2")], "InvalidTag").await;
    check(vec![tag("", "1")], "InvalidTag").await;
    check(vec![tag("aws:a", "1")], "InvalidTag").await;
    check((0..11).map(|n| tag(&n.to_string(), "")).collect(), "BadRequest").await;
    assert_eq!(get(&world, None).await.expect("told"), [tag("kept", "1")]);
}
