//! Objects put, read, copied, locked, restored and deleted.

mod attributes;
mod copy;
mod customer;
mod delete_many;
mod lock;
mod put_get;
mod races;
mod restore;
mod tagging;
mod versions;

use aws::Error;

use crate::error::EngineFailure;
use crate::model::{CreateBucketRequest, GetObjectOutput, GetObjectRequest};
use crate::object::get;
use crate::row::{Bucket, Codec, Versioning, bucket_key};
use crate::testing::World;

const BUCKET: &str = "bucket";

/// A world with [`BUCKET`].
async fn world() -> World {
    let world = World::new();
    world.bucket(BUCKET).await;
    world
}

async fn versioned() -> World {
    let world = world().await;
    set_versioning(&world, Versioning::Enabled).await;
    world
}

/// Its bucket has object lock.
async fn lockable() -> World {
    let world = World::new();
    let input = CreateBucketRequest {
        bucket: BUCKET.into(),
        object_lock_enabled_for_bucket: Some(true),
        ..Default::default()
    };
    world.bucket_with(input).await;
    world
}

async fn set_versioning(world: &World, versioning: Versioning) {
    let decide = |change: &mut objects::Change<'_>| {
        let mut bucket = Bucket::clone(&*world.s3.bucket(change, BUCKET)?);
        bucket.versioning = versioning;
        change.set(bucket_key(BUCKET), bucket.encode());
        Ok::<_, Error>(())
    };
    let commit = world.s3.engine().commit(decide).await;
    commit.map_err(EngineFailure::refusal).expect("commits").expect("changes");
}

fn asking(key: &str) -> GetObjectRequest {
    GetObjectRequest { bucket: BUCKET.into(), key: key.into(), ..Default::default() }
}

async fn ask(world: &World, input: GetObjectRequest) -> Result<GetObjectOutput, Error> {
    get::get(&world.s3, &world.owner(), input).await
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}
