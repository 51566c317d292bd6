//! Copies an object under many keys: `fill DATA BUCKET KEY COUNT`, on the data folder of a region
//! that does not run. Each copy has a version's row and a blob of its own, as PutObject leaves
//! them, but many come in one change; bytes are not sealed, so the copies can be listed and not
//! read. Ends without closing the store, as a killed region does.

use std::convert::Infallible;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aws::Random;
use bytes::Bytes;
use haneul::data_dir::DataDir;
use haneul::storage::Opened;
use objects::{Engine, Layout, Rows};
use s3::row::{Bucket, Codec, Version, bucket_key, object_key};

const BLOB_BYTES: usize = 100;
const WRITERS: usize = 16;
const TOGETHER: u64 = 50;

type Failure = Box<dyn Error + Send + Sync>;

/// What is copied, and how often.
struct Fill {
    bucket: u64,
    version: Version,
    count: u64,
    next: AtomicU64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [data, bucket, key, count] = arguments.as_slice() else {
        return Err("usage: fill DATA BUCKET KEY COUNT".into());
    };
    let data = DataDir::new(data);
    let _lock = data.lock()?;
    let engine = Opened::folder(&data, None, Arc::new(Random::system()))?.objects();
    let bucket = engine.get(&bucket_key(bucket))?.ok_or("no such bucket")?;
    let bucket = Bucket::decode(&bucket.value)?.id;
    let version = engine.get(&object_key(bucket, key))?.ok_or("no such key")?;
    let version = Version::decode(&version.value)?;
    let count = count.parse()?;
    let fill = Arc::new(Fill { bucket, version, count, next: AtomicU64::new(0) });
    let writers = (0..WRITERS).map(|_| tokio::spawn(put_some(engine.clone(), fill.clone())));
    for writer in writers.collect::<Vec<_>>() {
        writer.await??;
    }
    std::process::exit(0);
}

async fn put_some(engine: Engine, fill: Arc<Fill>) -> Result<(), Failure> {
    let body = Bytes::from_static(&[7; BLOB_BYTES]);
    loop {
        let first = fill.next.fetch_add(TOGETHER, Ordering::Relaxed);
        if first >= fill.count {
            return Ok(());
        }
        let mut copies = Vec::new();
        for number in first..(first + TOGETHER).min(fill.count) {
            let mut writer = engine.write(BLOB_BYTES as u64, Layout::Zones, None).await?;
            writer.push(body.clone()).await?;
            let blob = writer.finish().await?;
            let mut version = fill.version.clone();
            let content = version.content.as_mut().ok_or("a delete marker")?;
            content.pieces.first_mut().ok_or("an empty object")?.blob = blob.id().0;
            copies.push((object_key(fill.bucket, &name(number)), version.encode(), blob));
        }
        let put = engine.commit(|change| {
            for (key, version, blob) in copies {
                change.attach(blob);
                change.set(key, version);
            }
            Ok::<_, Infallible>(())
        });
        let Ok(()) = put.await?;
    }
}

/// In no order, which is the hardest for an index, and in folders of some 4,000.
fn name(number: u64) -> String {
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    format!("{:02x}/{:014x}", spread >> 56, spread & 0x00ff_ffff_ffff_ffff)
}
