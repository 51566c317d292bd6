//! What each request asks.

use aws::Timestamp;

use super::*;
use crate::authorization::checks;

impl World {
    /// Action, resource and the request's own condition values, in their order.
    async fn asked(&self, input: Input) -> Vec<String> {
        let checks = checks(&self.s3, &self.owner(), &input).await.expect("questions");
        let resource = |arn: &str| arn.trim_start_matches("arn:aws:s3:::").to_owned();
        let fact = |(key, values): &(String, Vec<String>)| format!(" {key}={}", values.join(","));
        let of_request = |(key, _): &&(String, Vec<String>)| key != "s3:ResourceAccount";
        checks
            .iter()
            .map(|check| {
                let facts: String = check.context.iter().filter(of_request).map(fact).collect();
                format!("{} {}{facts}", check.action, resource(&check.resource))
            })
            .collect()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.into())
}

#[tokio::test]
async fn reads() {
    let world = World::with_bucket(|_| ()).await;
    let check = async |input: Input, expected: &[&str]| {
        assert_eq!(world.asked(input).await, expected);
    };
    let (bucket, key) = ("bkt".to_owned(), "a/k".to_owned());
    check(
        Input::GetObject(GetObjectRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            ..Default::default()
        }),
        &["s3:GetObject bkt/a/k"],
    )
    .await;
    check(
        Input::HeadObject(HeadObjectRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            version_id: some("null"),
            ..Default::default()
        }),
        &["s3:GetObjectVersion bkt/a/k s3:versionid=null"],
    )
    .await;
    check(
        Input::GetObjectAttributes(GetObjectAttributesRequest {
            bucket: bucket.clone(),
            key: key.clone(),
            ..Default::default()
        }),
        &["s3:GetObject bkt/a/k", "s3:GetObjectAttributes bkt/a/k"],
    )
    .await;
    check(
        Input::ListObjectsV2(ListObjectsV2Request {
            bucket: bucket.clone(),
            prefix: some("home/"),
            delimiter: some("/"),
            max_keys: Some(7),
            ..Default::default()
        }),
        &["s3:ListBucket bkt s3:prefix=home/ s3:delimiter=/ s3:max-keys=7"],
    )
    .await;
    check(Input::ListBuckets(ListBucketsRequest::default()), &["s3:ListAllMyBuckets *"]).await;
    check(
        Input::HeadBucket(HeadBucketRequest { bucket: bucket.clone(), ..Default::default() }),
        &["s3:ListBucket bkt"],
    )
    .await;
}

#[tokio::test]
async fn writes_ask_for_what_their_headers_do() {
    let world = World::with_bucket(|_| ()).await;
    let put = PutObjectRequest { bucket: "bkt".into(), key: "k".into(), ..Default::default() };
    assert_eq!(world.asked(Input::PutObject(put.clone())).await, ["s3:PutObject bkt/k"]);
    let tagged = PutObjectRequest { tagging: some("a=1&b=2"), ..put.clone() };
    let facts = "s3:RequestObjectTag/a=1 s3:RequestObjectTag/b=2 s3:RequestObjectTagKeys=a,b";
    assert_eq!(
        world.asked(Input::PutObject(tagged)).await,
        [format!("s3:PutObject bkt/k {facts}"), format!("s3:PutObjectTagging bkt/k {facts}")]
    );
    let listed = PutObjectRequest { acl: some("public-read"), ..put.clone() };
    let facts = "s3:x-amz-acl=public-read";
    assert_eq!(
        world.asked(Input::PutObject(listed)).await,
        [format!("s3:PutObject bkt/k {facts}"), format!("s3:PutObjectAcl bkt/k {facts}")]
    );
    let until = Timestamp::from_secs(world.clock.now().as_secs() + 86_400 * 2 + 1);
    let locked = PutObjectRequest {
        object_lock_mode: some("GOVERNANCE"),
        object_lock_retain_until_date: Some(until),
        object_lock_legal_hold_status: some("ON"),
        ..put.clone()
    };
    let facts = format!(
        "s3:object-lock-legal-hold=ON s3:object-lock-mode=GOVERNANCE \
         s3:object-lock-retain-until-date={until} s3:object-lock-remaining-retention-days=3"
    );
    assert_eq!(
        world.asked(Input::PutObject(locked)).await,
        [
            format!("s3:PutObject bkt/k {facts}"),
            format!("s3:PutObjectRetention bkt/k {facts}"),
            format!("s3:PutObjectLegalHold bkt/k {facts}"),
        ]
    );
    let stored = PutObjectRequest {
        server_side_encryption: some("AES256"),
        storage_class: some("GLACIER"),
        if_none_match: some("*"),
        ..put
    };
    let facts = "s3:x-amz-server-side-encryption=AES256 s3:x-amz-storage-class=GLACIER \
                 s3:if-none-match=*";
    assert_eq!(
        world.asked(Input::PutObject(stored)).await,
        [format!("s3:PutObject bkt/k {facts}")]
    );
}

#[tokio::test]
async fn copies_read_and_write() {
    let world = World::with_bucket(|_| ()).await;
    world.bucket("target").await;
    world.object("plain", Object::default()).await;
    world.object("tagged", Object { tags: vec![("a", "1")], ..Object::default() }).await;
    let copy = |source: &str| CopyObjectRequest {
        bucket: "target".into(),
        key: "k".into(),
        copy_source: source.into(),
        ..Default::default()
    };
    assert_eq!(
        world.asked(Input::CopyObject(copy("/bkt/pl%61in"))).await,
        ["s3:PutObject target/k s3:x-amz-copy-source=bkt/plain", "s3:GetObject bkt/plain"]
    );
    let with_tags = [
        "s3:PutObject target/k s3:x-amz-copy-source=bkt/tagged",
        "s3:GetObject bkt/tagged",
        "s3:GetObjectTagging bkt/tagged s3:ExistingObjectTag/a=1",
        "s3:PutObjectTagging target/k s3:RequestObjectTag/a=1 s3:RequestObjectTagKeys=a",
    ];
    let asked = world.asked(Input::CopyObject(copy("bkt/tagged"))).await;
    assert_eq!(asked[0], with_tags[0]);
    assert!(asked[1].starts_with(with_tags[1]));
    assert!(asked[2].starts_with("s3:GetObjectTagging bkt/tagged"));
    assert_eq!(asked[3], with_tags[3]);
    let replaced = CopyObjectRequest { tagging_directive: some("REPLACE"), ..copy("bkt/tagged") };
    assert_eq!(world.asked(Input::CopyObject(replaced)).await.len(), 2);
    let part = UploadPartCopyRequest {
        bucket: "target".into(),
        key: "k".into(),
        copy_source: "bkt/plain?versionId=null".into(),
        ..Default::default()
    };
    assert_eq!(
        world.asked(Input::UploadPartCopy(part)).await,
        ["s3:PutObject target/k", "s3:GetObjectVersion bkt/plain s3:versionid=null"]
    );
}

#[tokio::test]
async fn what_a_new_bucket_asks() {
    let world = World::new();
    let create = CreateBucketRequest {
        bucket: "new".into(),
        acl: some("private"),
        object_ownership: some("ObjectWriter"),
        object_lock_enabled_for_bucket: Some(true),
        create_bucket_configuration: Some(CreateBucketConfiguration {
            location_constraint: some("eu-west-1"),
            tags: Some(vec![Tag { key: "a".into(), value: "1".into() }]),
            ..Default::default()
        }),
        ..Default::default()
    };
    let asked = world.asked(Input::CreateBucket(create)).await;
    let actions: Vec<&str> = asked.iter().filter_map(|text| text.split(' ').next()).collect();
    assert_eq!(
        actions,
        [
            "s3:CreateBucket",
            "s3:PutBucketAcl",
            "s3:PutBucketOwnershipControls",
            "s3:PutBucketObjectLockConfiguration",
            "s3:PutBucketVersioning",
            "s3:TagResource",
        ]
    );
    let facts = "s3:x-amz-acl=private s3:LocationConstraint=eu-west-1 \
                 s3:x-amz-object-ownership=ObjectWriter aws:RequestTag/a=1 aws:TagKeys=a";
    assert_eq!(asked[0], format!("s3:CreateBucket new {facts}"));
}

#[tokio::test]
async fn governance_is_bypassed_by_leave() {
    let world = World::with_bucket(|_| ()).await;
    let delete = DeleteObjectRequest {
        bucket: "bkt".into(),
        key: "k".into(),
        version_id: some("null"),
        bypass_governance_retention: Some(true),
        ..Default::default()
    };
    assert_eq!(
        world.asked(Input::DeleteObject(delete)).await,
        [
            "s3:DeleteObjectVersion bkt/k s3:versionid=null",
            "s3:BypassGovernanceRetention bkt/k s3:versionid=null"
        ]
    );
}

#[tokio::test]
async fn expected_owners() {
    let world = World::with_bucket(|_| ()).await;
    world.bucket("target").await;
    let get = |owner: &str| {
        Input::GetBucketVersioning(GetBucketVersioningRequest {
            bucket: "bkt".into(),
            expected_bucket_owner: some(owner),
        })
    };
    let check = async |input: Input, expected: &str| {
        assert_eq!(code(checks(&world.s3, &world.owner(), &input).await), expected);
    };
    check(get(OWNER), "OK").await;
    check(get(OTHER), "AccessDenied").await;
    check(get("me"), "InvalidArgument").await;
    let copy = |owner: &str, source: &str| {
        Input::CopyObject(CopyObjectRequest {
            bucket: "target".into(),
            key: "k".into(),
            copy_source: "bkt/k".into(),
            expected_bucket_owner: some(owner),
            expected_source_bucket_owner: some(source),
            ..Default::default()
        })
    };
    check(copy(OWNER, OWNER), "OK").await;
    check(copy(OTHER, OWNER), "AccessDenied").await;
    check(copy(OWNER, OTHER), "AccessDenied").await;
    let many = DeleteObjectsRequest {
        bucket: "bkt".into(),
        expected_bucket_owner: some(OTHER),
        ..Default::default()
    };
    check(Input::DeleteObjects(many), "AccessDenied").await;
}

#[tokio::test]
async fn customers_keys_can_be_blocked() {
    let world = World::with_bucket(|bucket| bucket.encryption.blocked = vec!["SSE-C".into()]).await;
    let put = |algorithm: Option<&str>| {
        Input::PutObject(PutObjectRequest {
            bucket: "bkt".into(),
            key: "k".into(),
            sse_customer_algorithm: algorithm.map(Into::into),
            ..Default::default()
        })
    };
    let check = async |input: Input, expected: &str| {
        assert_eq!(code(checks(&world.s3, &world.owner(), &input).await), expected);
    };
    check(put(None), "OK").await;
    check(put(Some("AES256")), "AccessDenied").await;
}
