//! What an object costs in S3's own code: user time of the thread that runs PutObject and GetObject
//! on an engine in memory, beside the same blobs and rows put and read without S3. The engine's
//! other threads and their switching are left out: they cost as much either way, and far more than
//! what is measured.
//!
//! ```text
//! cargo run --release -p s3 --example object_rate
//! ```

use std::sync::Arc;

use aws::{
    Authorizer, BoxFuture, Call, Check, Clock, Decision, Error, Identity, Random, Region, Timestamp,
};
use bytes::Bytes;
use futures_util::TryStreamExt;
use objects::{BlobId, BlobKey, Engine, Layout, Rows};
use s3::lifecycle::Day;
use s3::model::{
    CreateBucketConfiguration, CreateBucketRequest, GetObjectRequest, PutObjectRequest,
};
use s3::{S3, bucket, object};

const BUCKET: &str = "bench";
const REGION: &str = "ap-northeast-2";
/// As a plain object's row has.
const ROW_BYTES: usize = 450;

struct Anyone;

impl Authorizer for Anyone {
    fn authorize<'a>(
        &'a self,
        _: &'a Call,
        _: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>> {
        Box::pin(async { Ok(Decision::Allowed) })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    for (bytes, rounds) in [(1 << 10, 50_000), (1 << 20, 500)] {
        let (put, get) = with_s3(bytes, rounds).await;
        let (write, read) = without(bytes, rounds).await;
        println!("{bytes:>8} bytes: PUT {put:8.1} us, of which engine {write:8.1}");
        println!("{:>8}        GET {get:8.1} us, of which engine {read:8.1}", "");
    }
}

async fn with_s3(bytes: usize, rounds: u32) -> (f64, f64) {
    let region: Region = REGION.parse().expect("a region");
    let clock = Arc::new(Clock::manual(Timestamp::from_secs(1_800_000_000)));
    let random = Arc::new(Random::seeded(1));
    let s3 = S3::new(
        Engine::memory(),
        clock.clone(),
        random,
        region.clone(),
        "localhost".into(),
        Arc::new(Anyone),
        Day::default(),
    );
    let call = Call {
        request_id: "r".into(),
        identity: Identity::root("111122223333".parse().expect("an account")),
        region,
        at: clock.now(),
        source_ip: None,
        user_agent: None,
        referer: None,
        host: None,
        secure_transport: true,
        via: None,
        signature: None,
    };
    let located = CreateBucketConfiguration {
        location_constraint: Some(REGION.into()),
        ..CreateBucketConfiguration::default()
    };
    let input = CreateBucketRequest {
        bucket: BUCKET.into(),
        create_bucket_configuration: Some(located),
        ..CreateBucketRequest::default()
    };
    bucket::create(&s3, &call, input).await.expect("a bucket");
    let body = Bytes::from(vec![7; bytes]);
    let key = |round: u32| format!("some/folder/{}", round % 64);
    let put = timed(rounds, async |round| {
        let input = PutObjectRequest {
            bucket: BUCKET.into(),
            key: key(round),
            body: Some(body.clone().into()),
            ..PutObjectRequest::default()
        };
        object::put::put(&s3, &call, input).await.expect("put");
    });
    let put = put.await;
    let get = timed(rounds, async |round| {
        let input = GetObjectRequest {
            bucket: BUCKET.into(),
            key: key(round),
            ..GetObjectRequest::default()
        };
        let output = object::get::get(&s3, &call, input).await.expect("got");
        let body = output.body.expect("a body").into_chunks();
        let parts: Vec<Bytes> = body.try_collect().await.expect("read");
        assert_eq!(parts.iter().map(Bytes::len).sum::<usize>(), bytes);
    });
    (put, get.await)
}

async fn without(bytes: usize, rounds: u32) -> (f64, f64) {
    let engine = Engine::memory();
    let body = Bytes::from(vec![7; bytes]);
    let key = |round: u32| format!("some/folder/{}", round % 64);
    let sealing = || Some(BlobKey([7; 32]));
    let write = timed(rounds, async |round| {
        let blob = engine.write(bytes as u64, Layout::Zones, sealing()).await;
        let mut blob = blob.expect("room");
        blob.push(body.clone()).await.expect("room");
        let blob = blob.finish().await.expect("written");
        let decide = |change: &mut objects::Change<'_>| {
            if let Some(row) = change.get(key(round).as_bytes())? {
                let id = row.value.first_chunk().map(|id| u64::from_be_bytes(*id));
                change.drop_blob(BlobId(id.expect("as it was set")));
            }
            let mut value = vec![0; ROW_BYTES];
            value[..8].copy_from_slice(&change.attach(blob).0.to_be_bytes());
            change.set(key(round), value);
            Ok::<_, objects::ReadError>(())
        };
        engine.commit(decide).await.expect("commits").expect("changes");
    });
    let write = write.await;
    let read = timed(rounds, async |round| {
        let row = engine.get(key(round).as_bytes()).expect("reads").expect("there");
        let id = row.value.first_chunk().map(|id| u64::from_be_bytes(*id)).expect("an id");
        let reader = engine.read(BlobId(id), sealing(), 0..bytes as u64).await.expect("there");
        let parts: Vec<Bytes> = reader.try_collect().await.expect("read");
        assert_eq!(parts.iter().map(Bytes::len).sum::<usize>(), bytes);
    });
    (write, read.await)
}

/// CPU microseconds a round.
async fn timed(rounds: u32, run: impl AsyncFn(u32)) -> f64 {
    let before = cpu_seconds();
    for round in 0..rounds {
        run(round).await;
    }
    (cpu_seconds() - before) * 1e6 / f64::from(rounds)
}

/// User time of this thread (`man 5 proc`: field 14 of stat, in ticks of 1/100 s on Linux).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    let field = after_name.split_whitespace().nth(11).expect("a field");
    field.parse::<f64>().expect("a number") / 100.0
}
