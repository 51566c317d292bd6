//! The rules, judged and carried out.

use std::time::Duration;

use aws::Timestamp;

use super::Day;
use super::judge::{Act, Judge};
use crate::model::{DeleteObjectRequest, PutBucketVersioningRequest, VersioningConfiguration};
use crate::row::{
    self, Bucket, Codec, Expiration, Filter, Lifecycle, LifecycleRule, NoncurrentExpiration,
    NoncurrentTransition, Transition, Version, VersionId, When,
};
use crate::testing::World;
use crate::{bucket, object};

const DAY: i64 = 86_400;

fn version(at_day: i64, bytes: Option<u64>) -> Version {
    let content = bytes.map(|bytes| row::Content { bytes, ..crate::testing::content() });
    Version {
        id: VersionId::null(),
        stamp: 1,
        modified: Timestamp::from_secs(at_day * DAY),
        owner: crate::testing::OWNER.parse().expect("an account"),
        content,
    }
}

fn rule() -> LifecycleRule {
    LifecycleRule { id: "r".into(), enabled: true, ..LifecycleRule::default() }
}

fn acts(rules: &[LifecycleRule], now_day: i64, versions: &[Version]) -> Vec<(usize, Act)> {
    let lifecycle = Lifecycle { minimum_size_varies: false, rules: rules.to_vec() };
    let now = Timestamp::from_secs(now_day * DAY);
    Judge { lifecycle: &lifecycle, day: Day::default(), now }.acts("logs/a", versions)
}

#[test]
fn the_current_version_expires_with_age_and_by_date() {
    let expire = |when| LifecycleRule { expiration: Some(Expiration::Current(when)), ..rule() };
    let object = [version(0, Some(1))];
    assert_eq!(acts(&[expire(When::Days(3))], 2, &object), []);
    assert_eq!(acts(&[expire(When::Days(3))], 3, &object), [(0, Act::Expire)]);
    let date = When::Date(Timestamp::from_secs(5 * DAY));
    assert_eq!(acts(&[expire(date)], 4, &object), []);
    assert_eq!(acts(&[expire(date)], 5, &object), [(0, Act::Expire)]);
    let disabled = LifecycleRule { enabled: false, ..expire(When::Days(1)) };
    assert_eq!(acts(&[disabled], 9, &object), []);
    let elsewhere = Filter { prefix: Some("other/".into()), ..Filter::default() };
    assert_eq!(acts(&[LifecycleRule { filter: elsewhere, ..expire(date) }], 9, &object), []);
    let large = Filter { bytes_greater_than: Some(1), ..Filter::default() };
    assert_eq!(acts(&[LifecycleRule { filter: large, ..expire(date) }], 9, &object), []);
}

#[test]
fn a_delete_marker_goes_only_when_nothing_is_behind_it() {
    let clean = LifecycleRule { expiration: Some(Expiration::DeleteMarker(true)), ..rule() };
    let marker = version(1, None);
    assert_eq!(
        acts(std::slice::from_ref(&clean), 1, std::slice::from_ref(&marker)),
        [(0, Act::Remove)]
    );
    assert_eq!(acts(std::slice::from_ref(&clean), 9, &[marker, version(0, Some(1))]), []);
    assert_eq!(acts(&[clean], 9, &[version(0, Some(1))]), []);
}

#[test]
fn noncurrent_versions_count_from_when_they_became_so() {
    let expiration = NoncurrentExpiration { days: 2, newer_versions_kept: Some(1) };
    let rules = [LifecycleRule { noncurrent_expiration: Some(expiration), ..rule() }];
    // Noncurrent since the days 5, 4 and 1.
    let versions =
        [version(5, Some(1)), version(4, Some(1)), version(1, None), version(0, Some(1))];
    assert_eq!(acts(&rules, 5, &versions), [(3, Act::Remove)]);
    assert_eq!(acts(&rules, 6, &versions), [(2, Act::Remove), (3, Act::Remove)]);
    assert_eq!(acts(&rules, 99, &versions), [(2, Act::Remove), (3, Act::Remove)]);
}

#[test]
fn of_several_transitions_the_furthest_is_made_and_none_back() {
    let to = |days, class: &str| Transition { when: When::Days(days), class: class.into() };
    let transitions = vec![to(1, "STANDARD_IA"), to(2, "GLACIER"), to(9, "DEEP_ARCHIVE")];
    let rules = [LifecycleRule { transitions, ..rule() }];
    let moved = |class: &str| vec![(0, Act::Transition(class.into()))];
    let mut object = [version(0, Some(1 << 20))];
    assert_eq!(acts(&rules, 1, &object), moved("STANDARD_IA"));
    assert_eq!(acts(&rules, 5, &object), moved("GLACIER"));
    object[0].content.as_mut().expect("an object").class = "GLACIER".into();
    assert_eq!(acts(&rules, 5, &object), []);
    assert_eq!(acts(&rules, 9, &object), moved("DEEP_ARCHIVE"));
    assert_eq!(acts(&rules, 9, &[version(0, Some(1000))]), [], "too small to be worth it");
    let noncurrent =
        NoncurrentTransition { days: 1, class: "GLACIER".into(), newer_versions_kept: None };
    let rules = [LifecycleRule { noncurrent_transitions: vec![noncurrent], ..rule() }];
    let versions = [version(3, Some(1 << 20)), version(0, Some(1 << 20))];
    assert_eq!(acts(&rules, 4, &versions), [(1, Act::Transition("GLACIER".into()))]);
}

async fn with_rules(world: &World, rules: Vec<LifecycleRule>) {
    world.bucket("bucket").await;
    let lifecycle = Some(Lifecycle { minimum_size_varies: false, rules });
    let set = |change: &mut objects::Change<'_>| {
        let found = world.s3.bucket(change, "bucket").expect("there");
        let bucket = Bucket { lifecycle, ..(*found).clone() };
        change.set(row::bucket_key("bucket"), bucket.encode());
        Ok::<_, aws::Error>(())
    };
    world.s3.engine().commit(set).await.expect("taken").expect("set");
}

async fn versioned(world: &World) {
    let input = PutBucketVersioningRequest {
        bucket: "bucket".into(),
        versioning_configuration: VersioningConfiguration {
            status: Some("Enabled".into()),
            ..Default::default()
        },
        ..Default::default()
    };
    bucket::versioning::put(&world.s3, &world.owner(), input).await.expect("versioned");
}

#[tokio::test]
async fn a_sweep_does_what_is_due_and_no_more() {
    let world = World::new();
    let filter = Filter { prefix: Some("old/".into()), ..Filter::default() };
    let expiration = Some(Expiration::Current(When::Days(1)));
    with_rules(&world, vec![LifecycleRule { filter, expiration, ..rule() }]).await;
    for n in 0..700 {
        world.put("bucket", &format!("old/{n}"), b"x").await;
    }
    world.put("bucket", "new/1", b"x").await;
    world.s3.sweep().await.expect("swept");
    assert!(world.get("bucket", "old/699").await.is_ok());
    world.advance(Duration::from_secs(2 * 86_400));
    world.put("bucket", "old/1", b"again").await;
    world.s3.sweep().await.expect("swept");
    assert_eq!(world.get("bucket", "old/1").await.expect("too young"), b"again");
    assert!(world.get("bucket", "new/1").await.is_ok());
    for n in [0, 2, 350, 699] {
        let gone = world.get("bucket", &format!("old/{n}")).await;
        assert_eq!(gone.expect_err("expired").code, "NoSuchKey");
    }
}

#[tokio::test]
async fn versions_expire_marker_and_all() {
    let world = World::new();
    let rule = LifecycleRule {
        expiration: Some(Expiration::Current(When::Days(1))),
        noncurrent_expiration: Some(NoncurrentExpiration { days: 1, newer_versions_kept: None }),
        ..rule()
    };
    with_rules(&world, vec![rule]).await;
    versioned(&world).await;
    world.put("bucket", "k", b"1").await;
    world.put("bucket", "k", b"2").await;
    let input =
        DeleteObjectRequest { bucket: "bucket".into(), key: "k".into(), ..Default::default() };
    object::delete::delete(&world.s3, &world.owner(), input).await.expect("hidden");
    let bucket = world.s3.bucket(world.s3.engine(), "bucket").expect("there");
    let left = || crate::version::all(world.s3.engine(), bucket.id, "k").expect("read").len();
    assert_eq!(left(), 3);
    world.advance(Duration::from_secs(3 * 86_400));
    world.s3.sweep().await.expect("swept");
    assert_eq!(left(), 1, "the marker, while something was behind it");
    world.s3.sweep().await.expect("swept");
    assert_eq!(left(), 0);
}
