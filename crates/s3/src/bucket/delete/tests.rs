//! DeleteBucket: only what is empty, and nothing of it is left.

use aws::{Call, Error};
use objects::Layout;

use super::*;
use crate::bucket;
use crate::model::HeadBucketRequest;
use crate::row::{Upload, UploadId, Version, VersionId, object_key, part_key, upload_key};
use crate::testing::{OTHER, World, code, content, id};

fn delete_input(name: &str) -> DeleteBucketRequest {
    DeleteBucketRequest { bucket: name.into(), ..Default::default() }
}

impl World {
    async fn delete(&self, name: &str) -> Result<(), Error> {
        super::delete(&self.s3, &self.owner(), delete_input(name)).await
    }

    /// Begins uploads as a client that never ends them does.
    async fn begin_uploads(&self, name: &str, uploads: u64, parts: u16) -> Vec<BlobId> {
        let bucket = self.s3.bucket(self.s3.engine(), name).expect("there").id;
        let mut blobs = Vec::new();
        for upload in 0..uploads {
            let mut written = Vec::new();
            for _ in 0..parts {
                let writer = self.s3.engine().write(0, Layout::Zones, None).await.expect("room");
                written.push(writer.finish().await.expect("written"));
            }
            let stamp = 1_000_000 + upload;
            let begun = self.s3.engine().commit(|change| {
                let row = self.upload(stamp);
                change.set(upload_key(bucket, &row.key, stamp), row.encode());
                for (number, blob) in (1..).zip(written) {
                    let blob = change.attach(blob);
                    blobs.push(blob);
                    let part = Part {
                        blob: Some(blob.0),
                        bytes: 0,
                        salt: 0,
                        etag: String::new(),
                        modified: self.clock.now(),
                        checksum: None,
                    };
                    change.set(part_key(stamp, number), part.encode());
                }
                Ok::<_, Error>(())
            });
            begun.await.expect("memory").expect("set");
        }
        blobs
    }

    fn upload(&self, stamp: u64) -> Upload {
        Upload {
            id: UploadId(format!("u{stamp}")),
            stamp,
            key: format!("k{stamp}"),
            initiated: self.clock.now(),
            account: id(OTHER),
            initiator: String::new(),
            owner: id(OTHER),
            content: content(),
            checksum_algorithm: None,
            checksum_kind: None,
        }
    }

    fn rows(&self) -> Vec<Vec<u8>> {
        let all = (vec![0], vec![0xff]);
        let rows = first_rows(self.s3.engine(), all, usize::MAX).expect("memory");
        rows.into_iter().map(|(key, _)| key).collect()
    }
}

#[tokio::test]
async fn an_empty_bucket_goes_and_can_come_again() {
    let world = World::new();
    world.bucket("mine").await;
    let before = world.s3.bucket(world.s3.engine(), "mine").expect("there").id;
    world.delete("mine").await.expect("removed");
    assert_eq!(world.rows(), Vec::<Vec<u8>>::new());
    assert_eq!(code(world.delete("mine").await), "NoSuchBucket");
    let head = HeadBucketRequest { bucket: "mine".into(), ..Default::default() };
    assert_eq!(code(bucket::head(&world.s3, &world.owner(), head).await), "NoSuchBucket");
    world.bucket("mine").await;
    assert_ne!(world.s3.bucket(world.s3.engine(), "mine").expect("there").id, before);
}

#[tokio::test]
async fn versions_and_delete_markers_keep_it() {
    for content in [Some(content()), None] {
        let world = World::new();
        world.bucket("mine").await;
        let bucket = world.s3.bucket(world.s3.engine(), "mine").expect("there").id;
        let version = Version {
            id: VersionId::null(),
            stamp: 1,
            modified: world.clock.now(),
            owner: id(OTHER),
            content,
        };
        let put = world.s3.engine().commit(|change| {
            change.set(object_key(bucket, "k"), version.encode());
            Ok::<_, Error>(())
        });
        put.await.expect("memory").expect("set");
        assert_eq!(code(world.delete("mine").await), "BucketNotEmpty");
        world.s3.bucket(world.s3.engine(), "mine").expect("still there");
    }
}

#[tokio::test]
async fn uploads_underway_go_with_it() {
    let world = World::new();
    world.bucket("mine").await;
    world.bucket("next").await;
    // More than a step has, in one upload and over several.
    let blobs = world.begin_uploads("mine", 3, 700).await;
    let kept = world.rows().len();
    world.delete("mine").await.expect("removed");
    assert_eq!(world.rows().len(), kept - 2 - 3 - 3 * 700);
    for blob in blobs {
        assert!(world.s3.engine().read(blob, None, 0..1).await.is_err());
    }
}

/// The caller went away after the first step, or the process died.
#[tokio::test]
async fn whoever_comes_next_ends_a_removal() {
    let world = World::new();
    world.bucket("mine").await;
    world.bucket("other").await;
    let bucket = world.s3.bucket(world.s3.engine(), "mine").expect("there").id;
    world.begin_uploads("mine", 2, 600).await;
    let first = world.s3.engine().commit(|change| {
        change.remove(bucket_key("mine"));
        change.remove(owner_key(crate::testing::OWNER, "mine"));
        assert!(remove_uploads(change, bucket)? == Left::Some);
        change.set(removed_key(bucket), Vec::new());
        Ok::<_, Error>(())
    });
    first.await.expect("memory").expect("set");
    world.delete("other").await.expect("removed");
    assert_eq!(world.rows(), Vec::<Vec<u8>>::new());
}

#[tokio::test]
async fn another_expected_owner_changes_nothing() {
    let world = World::new();
    world.bucket("mine").await;
    let call: Call = world.owner();
    let input = |owner: &str| DeleteBucketRequest {
        expected_bucket_owner: Some(owner.into()),
        ..delete_input("mine")
    };
    assert_eq!(code(super::delete(&world.s3, &call, input(OTHER)).await), "AccessDenied");
    assert_eq!(code(super::delete(&world.s3, &call, input("me")).await), "InvalidArgument");
    let owner = crate::testing::OWNER;
    assert_eq!(code(super::delete(&world.s3, &call, input(owner)).await), "OK");
}
