//! Lifecycle rules: judged as AWS does, kept and shown as given.

use aws::{Random, Timestamp};

use super::*;
use crate::model::{
    AbortIncompleteMultipartUpload, BucketLifecycleConfiguration, LifecycleExpiration,
    LifecycleRule, LifecycleRuleAndOperator, LifecycleRuleFilter, NoncurrentVersionExpiration,
    NoncurrentVersionTransition, Tag, Transition,
};
use crate::testing::{World, code};

const MIDNIGHT: Timestamp = Timestamp::from_secs(1_800_057_600);

fn check(rule: LifecycleRule, expected: &str) {
    let answer = parse::rules(std::slice::from_ref(&rule), &Random::seeded(1));
    assert_eq!(code(answer), expected, "{rule:?}");
}

fn rule() -> LifecycleRule {
    LifecycleRule {
        id: Some("r".into()),
        status: "Enabled".into(),
        filter: Some(LifecycleRuleFilter::default()),
        ..Default::default()
    }
}

fn expiring() -> LifecycleRule {
    LifecycleRule { expiration: Some(after(10)), ..rule() }
}

fn after(days: i32) -> LifecycleExpiration {
    LifecycleExpiration { days: Some(days), ..Default::default() }
}

fn to(class: &str, days: i32) -> Transition {
    Transition { days: Some(days), date: None, storage_class: Some(class.into()) }
}

fn tag(key: &str) -> Tag {
    Tag { key: key.into(), value: "v".into() }
}

#[test]
fn the_schema() {
    check(expiring(), "OK");
    check(LifecycleRule { status: "On".into(), ..expiring() }, "MalformedXML");
    check(LifecycleRule { id: None, ..expiring() }, "OK");
    check(LifecycleRule { id: Some("i".repeat(255)), ..expiring() }, "OK");
    check(LifecycleRule { id: Some("i".repeat(256)), ..expiring() }, "InvalidArgument");
    check(LifecycleRule { filter: None, ..expiring() }, "MalformedXML");
    check(LifecycleRule { prefix: Some("p".into()), ..expiring() }, "MalformedXML");
    check(LifecycleRule { prefix: Some("p".into()), filter: None, ..expiring() }, "OK");
    check(rule(), "InvalidRequest");
    assert_eq!(code(parse::rules(&[], &Random::seeded(1))), "MalformedXML");
    assert_eq!(
        code(parse::rules(&[expiring(), expiring()], &Random::seeded(1))),
        "InvalidArgument"
    );
    let many: Vec<_> = (0..1001)
        .map(|number| LifecycleRule { id: Some(number.to_string()), ..expiring() })
        .collect();
    assert_eq!(code(parse::rules(&many[..1000], &Random::seeded(1))), "OK");
    assert_eq!(code(parse::rules(&many, &Random::seeded(1))), "MalformedXML");
}

#[test]
fn expirations() {
    let expire = |expiration| LifecycleRule { expiration: Some(expiration), ..rule() };
    let none = LifecycleExpiration::default;
    check(expire(none()), "MalformedXML");
    check(expire(after(0)), "InvalidArgument");
    check(expire(after(-1)), "InvalidArgument");
    check(expire(LifecycleExpiration { date: Some(MIDNIGHT), ..none() }), "OK");
    let noon = MIDNIGHT + std::time::Duration::from_secs(43_200);
    check(expire(LifecycleExpiration { date: Some(noon), ..none() }), "InvalidArgument");
    check(expire(LifecycleExpiration { date: Some(MIDNIGHT), ..after(1) }), "MalformedXML");
    let marker = LifecycleExpiration { expired_object_delete_marker: Some(true), ..none() };
    check(expire(marker.clone()), "OK");
    check(expire(LifecycleExpiration { days: Some(1), ..marker.clone() }), "MalformedXML");
    let tagged = LifecycleRuleFilter { tag: Some(tag("a")), ..Default::default() };
    check(LifecycleRule { filter: Some(tagged), ..expire(marker) }, "InvalidRequest");
}

#[test]
fn filters() {
    let with = |filter| LifecycleRule { filter: Some(filter), ..expiring() };
    let none = LifecycleRuleFilter::default;
    let sized = |above, below| LifecycleRuleFilter {
        object_size_greater_than: above,
        object_size_less_than: below,
        ..none()
    };
    check(with(LifecycleRuleFilter { prefix: Some("a/".into()), ..none() }), "OK");
    check(
        with(LifecycleRuleFilter { prefix: Some("p".repeat(1025)), ..none() }),
        "InvalidArgument",
    );
    check(with(LifecycleRuleFilter { tag: Some(tag("a")), ..none() }), "OK");
    check(with(LifecycleRuleFilter { tag: Some(tag("")), ..none() }), "InvalidTag");
    check(with(sized(Some(0), None)), "OK");
    check(with(sized(None, Some(0))), "InvalidArgument");
    check(with(sized(Some(-1), None)), "InvalidArgument");
    check(with(sized(Some(1), Some(2))), "MalformedXML");
    check(
        with(LifecycleRuleFilter { prefix: Some("a".into()), tag: Some(tag("a")), ..none() }),
        "MalformedXML",
    );
    let and = |and| with(LifecycleRuleFilter { and: Some(and), ..none() });
    let nothing = LifecycleRuleAndOperator::default;
    check(and(nothing()), "MalformedXML");
    check(and(LifecycleRuleAndOperator { prefix: Some("a".into()), ..nothing() }), "MalformedXML");
    let tags = |keys: &[&str]| LifecycleRuleAndOperator {
        tags: Some(keys.iter().map(|key| tag(key)).collect()),
        ..nothing()
    };
    check(and(tags(&["a", "b"])), "OK");
    check(and(tags(&["a", "a"])), "InvalidRequest");
    let between = |above, below| LifecycleRuleAndOperator {
        object_size_greater_than: Some(above),
        object_size_less_than: Some(below),
        ..nothing()
    };
    check(and(between(1, 2)), "OK");
    check(and(between(2, 2)), "InvalidRequest");
}

#[test]
fn transitions() {
    let with = |transitions: &[Transition]| LifecycleRule {
        transitions: Some(transitions.to_vec()),
        ..rule()
    };
    check(with(&[to("STANDARD_IA", 30)]), "OK");
    check(with(&[to("STANDARD_IA", 29)]), "InvalidArgument");
    check(with(&[to("ONEZONE_IA", 29)]), "InvalidArgument");
    for class in ["INTELLIGENT_TIERING", "GLACIER_IR", "GLACIER", "DEEP_ARCHIVE"] {
        check(with(&[to(class, 0)]), "OK");
        check(with(&[to(class, -1)]), "InvalidArgument");
    }
    check(with(&[to("STANDARD", 30)]), "MalformedXML");
    check(with(&[Transition { storage_class: None, ..to("GLACIER", 1) }]), "MalformedXML");
    check(with(&[Transition { days: None, ..to("GLACIER", 1) }]), "MalformedXML");
    check(with(&[Transition { date: Some(MIDNIGHT), ..to("GLACIER", 1) }]), "MalformedXML");
    check(with(&[to("GLACIER", 1), to("GLACIER", 2)]), "InvalidRequest");
    check(with(&[to("DEEP_ARCHIVE", 90), to("GLACIER", 1)]), "OK");
    check(with(&[to("DEEP_ARCHIVE", 1), to("GLACIER", 90)]), "InvalidArgument");
    check(with(&[to("STANDARD_IA", 30), to("GLACIER", 59)]), "InvalidArgument");
    check(with(&[to("STANDARD_IA", 30), to("GLACIER", 60)]), "OK");
    let dated = Transition { days: None, date: Some(MIDNIGHT), ..to("GLACIER", 0) };
    check(with(&[to("STANDARD_IA", 30), dated.clone()]), "InvalidRequest");
    check(with(std::slice::from_ref(&dated)), "OK");
    let expire =
        |days| LifecycleRule { expiration: Some(after(days)), ..with(&[to("GLACIER", 10)]) };
    check(expire(11), "OK");
    check(expire(10), "InvalidArgument");
    check(LifecycleRule { expiration: Some(after(10)), ..with(&[dated]) }, "InvalidRequest");
}

#[test]
fn noncurrent_versions_and_uploads() {
    let to = |class: &str, days| NoncurrentVersionTransition {
        noncurrent_days: days,
        storage_class: Some(class.into()),
        newer_noncurrent_versions: None,
    };
    let with = |transition| LifecycleRule {
        noncurrent_version_transitions: Some(vec![transition]),
        ..rule()
    };
    check(with(to("GLACIER", Some(0))), "OK");
    check(with(to("GLACIER", None)), "MalformedXML");
    check(with(to("STANDARD_IA", Some(1))), "InvalidArgument");
    let expire = |days, newer| LifecycleRule {
        noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
            noncurrent_days: days,
            newer_noncurrent_versions: newer,
        }),
        ..rule()
    };
    check(expire(Some(1), None), "OK");
    check(expire(Some(0), None), "InvalidArgument");
    check(expire(None, Some(1)), "MalformedXML");
    check(expire(Some(1), Some(100)), "OK");
    check(expire(Some(1), Some(0)), "InvalidArgument");
    check(expire(Some(1), Some(101)), "InvalidArgument");
    let both = |days| LifecycleRule {
        noncurrent_version_transitions: Some(vec![to("GLACIER", Some(5))]),
        ..expire(Some(days), None)
    };
    check(both(6), "OK");
    check(both(5), "InvalidArgument");

    let abort = |days| LifecycleRule {
        abort_incomplete_multipart_upload: Some(AbortIncompleteMultipartUpload {
            days_after_initiation: days,
        }),
        ..rule()
    };
    check(abort(Some(1)), "OK");
    check(abort(Some(0)), "InvalidArgument");
    check(abort(None), "MalformedXML");
    let tagged = LifecycleRuleFilter { tag: Some(tag("a")), ..Default::default() };
    check(LifecycleRule { filter: Some(tagged), ..abort(Some(1)) }, "InvalidRequest");
    let sized = LifecycleRuleFilter { object_size_less_than: Some(1), ..Default::default() };
    check(LifecycleRule { filter: Some(sized), ..abort(Some(1)) }, "InvalidRequest");
}

#[tokio::test]
async fn put_got_and_deleted() {
    let world = World::new();
    world.bucket("mine").await;
    let call = world.owner();
    let get = async || {
        let input =
            GetBucketLifecycleConfigurationRequest { bucket: "mine".into(), ..Default::default() };
        super::get(&world.s3, &call, input).await
    };
    let put = async |rules: Vec<LifecycleRule>, minimum: Option<&str>| {
        let input = PutBucketLifecycleConfigurationRequest {
            bucket: "mine".into(),
            lifecycle_configuration: Some(BucketLifecycleConfiguration { rules }),
            transition_default_minimum_object_size: minimum.map(Into::into),
            ..Default::default()
        };
        super::put(&world.s3, &call, input).await
    };
    assert_eq!(code(get().await), "NoSuchLifecycleConfiguration");
    let and = LifecycleRuleAndOperator {
        prefix: Some("a/".into()),
        tags: Some(vec![tag("a"), tag("b")]),
        object_size_greater_than: Some(1),
        object_size_less_than: Some(9),
    };
    let marker =
        LifecycleExpiration { expired_object_delete_marker: Some(false), ..Default::default() };
    let rules = vec![
        expiring(),
        LifecycleRule {
            id: Some("everything".into()),
            filter: Some(LifecycleRuleFilter { and: Some(and), ..Default::default() }),
            expiration: Some(after(400)),
            transitions: Some(vec![to("STANDARD_IA", 30), to("GLACIER", 90)]),
            noncurrent_version_transitions: Some(vec![NoncurrentVersionTransition {
                noncurrent_days: Some(3),
                storage_class: Some("GLACIER".into()),
                newer_noncurrent_versions: Some(2),
            }]),
            noncurrent_version_expiration: Some(NoncurrentVersionExpiration {
                noncurrent_days: Some(7),
                newer_noncurrent_versions: Some(3),
            }),
            ..rule()
        },
        LifecycleRule {
            id: Some("old form".into()),
            status: "Disabled".into(),
            filter: None,
            prefix: Some(String::new()),
            expiration: Some(marker),
            abort_incomplete_multipart_upload: Some(AbortIncompleteMultipartUpload {
                days_after_initiation: Some(7),
            }),
            ..Default::default()
        },
    ];
    let answer = put(rules.clone(), None).await.expect("put");
    assert_eq!(answer.transition_default_minimum_object_size.as_deref(), Some(ALL));
    let shown = get().await.expect("set");
    assert_eq!(shown.rules, Some(rules));
    assert_eq!(shown.transition_default_minimum_object_size.as_deref(), Some(ALL));

    assert_eq!(code(put(vec![expiring()], Some("small")).await), "InvalidArgument");
    put(vec![LifecycleRule { id: None, ..expiring() }], Some(VARIES)).await.expect("put");
    let shown = get().await.expect("set");
    assert_eq!(shown.transition_default_minimum_object_size.as_deref(), Some(VARIES));
    let id = shown.rules.unwrap_or_default().remove(0).id.expect("a made one");
    assert_eq!(id.len(), 48);

    let delete = DeleteBucketLifecycleRequest { bucket: "mine".into(), ..Default::default() };
    super::delete(&world.s3, &call, delete).await.expect("deleted");
    assert_eq!(code(get().await), "NoSuchLifecycleConfiguration");
}
