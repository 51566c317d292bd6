use aws::Error;

use super::{BUCKET, versioned, world};
use crate::error::EngineFailure;
use crate::model::{GetObjectAttributesOutput, GetObjectAttributesRequest};
use crate::object::attributes;
use crate::row::{Checksum, ChecksumKind, Piece};
use crate::testing::{World, code};
use crate::version;

async fn get(world: &World, names: &[&str]) -> Result<GetObjectAttributesOutput, Error> {
    attributes::get(&world.s3, &world.owner(), asking(names)).await
}

fn asking(names: &[&str]) -> GetObjectAttributesRequest {
    GetObjectAttributesRequest {
        bucket: BUCKET.into(),
        key: "k".into(),
        object_attributes: names.iter().map(|name| (*name).to_owned()).collect(),
        ..Default::default()
    }
}

#[tokio::test]
async fn only_what_was_asked_for_is_told() {
    let world = versioned().await;
    let put = world.put(BUCKET, "k", b"hello").await;
    let told = get(&world, &["ETag", "ObjectSize"]).await.expect("told");
    assert_eq!(told.e_tag.as_deref(), Some("5d41402abc4b2a76b9719d911017c592"));
    assert_eq!((told.object_size, told.version_id), (Some(5), put.version_id));
    assert_eq!((told.checksum, told.storage_class), (None, None));
    let told = get(&world, &["Checksum", "StorageClass", "ObjectParts"]).await.expect("told");
    let checksum = told.checksum.expect("every object has one");
    assert_eq!(checksum.checksum_crc64_nvme, put.checksum_crc64_nvme);
    assert_eq!(checksum.checksum_type.as_deref(), Some("FULL_OBJECT"));
    assert_eq!(told.storage_class.as_deref(), Some("STANDARD"));
    assert_eq!((told.object_parts, told.e_tag), (None, None));
    assert_eq!(code(get(&world, &[]).await), "InvalidRequest");
    assert_eq!(code(get(&world, &["Colour"]).await), "InvalidArgument");
}

/// Makes an object of three parts, without its bytes.
async fn make_of_parts(world: &World, checksum: Option<ChecksumKind>) {
    world.put(BUCKET, "k", b"").await;
    let decide = |change: &mut objects::Change<'_>| {
        let bucket = world.s3.bucket(change, BUCKET)?;
        let mut found = version::current(change, bucket.id, "k")?.expect("just put");
        let version = std::sync::Arc::make_mut(&mut found.version);
        let content = version.content.as_mut().expect("no marker");
        content.multipart = true;
        content.bytes = 9;
        content.pieces = (1..=3)
            .map(|number| Piece {
                blob: 0,
                bytes: 3,
                number,
                salt: number.into(),
                checksum: checksum.map(|_| "y/Q5Jg==".into()),
            })
            .collect();
        content.checksum = checksum.map(|kind| Checksum {
            algorithm: "CRC32".into(),
            value: "y/Q5Jg==-3".into(),
            kind,
        });
        found.keep(change);
        Ok::<_, Error>(())
    };
    let commit = world.s3.engine().commit(decide).await;
    commit.map_err(EngineFailure::refusal).expect("commits").expect("changes");
}

#[tokio::test]
async fn parts_are_told_page_by_page() {
    let world = world().await;
    make_of_parts(&world, Some(ChecksumKind::Composite)).await;
    let page = async |max_parts, part_number_marker| {
        let input = GetObjectAttributesRequest {
            max_parts,
            part_number_marker,
            ..asking(&["ObjectParts"])
        };
        let told = attributes::get(&world.s3, &world.owner(), input).await.expect("told");
        let parts = told.object_parts.expect("made of parts");
        let numbers: Vec<i32> =
            parts.parts.iter().flatten().filter_map(|part| part.part_number).collect();
        assert_eq!(parts.total_parts_count, Some(3));
        (numbers, parts.is_truncated, parts.next_part_number_marker)
    };
    assert_eq!(page(None, None).await, (vec![1, 2, 3], Some(false), Some(3)));
    assert_eq!(page(Some(2), None).await, (vec![1, 2], Some(true), Some(2)));
    assert_eq!(page(Some(2), Some(2)).await, (vec![3], Some(false), Some(3)));
    let negative = GetObjectAttributesRequest { max_parts: Some(-1), ..asking(&["ObjectParts"]) };
    let refused = attributes::get(&world.s3, &world.owner(), negative).await;
    assert_eq!(code(refused), "InvalidArgument");

    make_of_parts(&world, None).await;
    let told = get(&world, &["ObjectParts"]).await.expect("told").object_parts.expect("parts");
    assert_eq!((told.total_parts_count, told.parts), (Some(3), None));
}
