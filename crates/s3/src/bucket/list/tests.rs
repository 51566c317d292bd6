//! ListBuckets and its pages.

use super::*;
use crate::bucket;
use crate::model::{CreateBucketConfiguration, CreateBucketRequest};
use crate::testing::{OWNER, REGION, World, code, id};

impl World {
    async fn page(&self, input: ListBucketsRequest) -> (Vec<String>, Option<String>) {
        let page = super::list(&self.s3, &self.owner(), input).await.expect("a page");
        let names = page.buckets.unwrap_or_default().into_iter().filter_map(|bucket| bucket.name);
        (names.collect(), page.continuation_token)
    }
}

fn max(max: i32) -> ListBucketsRequest {
    ListBucketsRequest { max_buckets: Some(max), ..Default::default() }
}

#[tokio::test]
async fn one_s_own_by_name() {
    let world = World::new();
    for name in ["b-two", "a-one", "b-three", "b-one"] {
        world.bucket(name).await;
    }
    let abroad = CreateBucketRequest {
        bucket: "c-abroad".into(),
        create_bucket_configuration: Some(CreateBucketConfiguration {
            location_constraint: Some(REGION.into()),
            ..Default::default()
        }),
        ..Default::default()
    };
    bucket::create(&world.s3, &world.other(), abroad).await.expect("another's");

    let all = super::list(&world.s3, &world.owner(), ListBucketsRequest::default()).await;
    let all = all.expect("a list");
    assert_eq!(all.owner.and_then(|owner| owner.id), Some(id(OWNER).canonical_user_id()));
    let shown = all.buckets.unwrap_or_default();
    assert!(shown.iter().all(|bucket| bucket.bucket_region.is_none()));
    let names: Vec<_> = shown.into_iter().filter_map(|bucket| bucket.name).collect();
    assert_eq!(names, ["a-one", "b-one", "b-three", "b-two"]);

    let prefixed = ListBucketsRequest { prefix: Some("b-".into()), ..Default::default() };
    assert_eq!(world.page(prefixed).await.0, ["b-one", "b-three", "b-two"]);
    let elsewhere =
        ListBucketsRequest { bucket_region: Some("eu-west-1".into()), ..Default::default() };
    assert_eq!(world.page(elsewhere).await.0, Vec::<String>::new());
}

#[tokio::test]
async fn page_by_page() {
    let world = World::new();
    for number in 0..5 {
        world.bucket(&format!("bucket{number}")).await;
    }
    let (mut names, mut token) = world.page(max(2)).await;
    while let Some(continuation) = token {
        let input = ListBucketsRequest { continuation_token: Some(continuation), ..max(2) };
        let (more, next) = world.page(input).await;
        assert!(more.len() <= 2);
        names.extend(more);
        token = next;
    }
    assert_eq!(names.len(), 5);
    assert!(names.is_sorted());
    assert_eq!(world.page(max(5)).await.1, None);

    for wrong in [max(0), max(-1), max(10_001)] {
        let answer = super::list(&world.s3, &world.owner(), wrong).await;
        assert_eq!(code(answer), "InvalidArgument");
    }
    let forged = ListBucketsRequest { continuation_token: Some("!".into()), ..Default::default() };
    let answer = super::list(&world.s3, &world.owner(), forged).await;
    assert_eq!(code(answer), "InvalidArgument");
}
