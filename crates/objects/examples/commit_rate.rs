//! Durable 1 KiB objects beside the bare journal: `cargo run --release -p objects --example
//! commit_rate [DIR]`. Each commit writes a blob of 1 KiB and a row that names it. Both are
//! measured in one run, in rounds that take turns, because a shared disk's speed changes by the
//! second; medians of the rounds count.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::{Disk, FsDisk, Journal};
use objects::{BlobKey, Engine, Layout, Limits, Options, Zone};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);
const OBJECT_BYTES: usize = 1024;
/// As long as S3's rows for small objects.
const ROW_BYTES: usize = 256;

type Failure = Box<dyn Error + Send + Sync>;

struct Round {
    per_second: f64,
    /// Of the whole process, user and system.
    cpu_us: f64,
}

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let root = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("objects-commit-rate-{}", std::process::id())),
        PathBuf::from,
    );
    let measured = measure(&root).await;
    fs::remove_dir_all(&root)?;
    measured
}

async fn measure(root: &Path) -> Result<(), Failure> {
    let journal = journal::Options { segment_bytes: 64 << 20, ..journal::Options::new([1; 16]) };
    let (journal, _) = Journal::open(disks(root, "bare")?, journal)?;
    let zones = disks(root, "log")?.into_iter().zip(disks(root, "extents")?);
    let zones = zones.map(|(log, extents)| Zone { log, extents });
    let (engine, _) = Engine::open(Options {
        zones: zones.collect(),
        index: Some(root.join("objects.redb")),
        random: Arc::new(|bytes| bytes.fill(2)),
        limits: Limits::default(),
    })?;
    let next = Arc::new(AtomicU64::new(0));
    let mut rounds: [Vec<Round>; 4] = Default::default();
    for _ in 0..ROUNDS {
        for (at, writers) in [1, 16].into_iter().enumerate() {
            let bare = |_| payloads(journal.clone());
            rounds[at].push(round((0..writers).map(bare)).await?);
            let object = |_| put_objects(engine.clone(), next.clone());
            rounds[at + 2].push(round((0..writers).map(object)).await?);
        }
    }
    for (at, writers) in [1, 16].into_iter().enumerate() {
        report(&format!("bare journal, {writers} writers, 1 KiB"), &mut rounds[at]);
        report(&format!("objects, {writers} writers, 1 KiB"), &mut rounds[at + 2]);
    }
    engine.close().await;
    Ok(())
}

fn disks(root: &Path, what: &str) -> Result<Vec<Arc<dyn Disk>>, Failure> {
    let mut disks: Vec<Arc<dyn Disk>> = Vec::new();
    for zone in ["a", "b", "c"] {
        let folder = root.join(zone);
        fs::create_dir_all(&folder)?;
        disks.push(Arc::new(FsDisk::open(&folder.join(what))?));
    }
    Ok(disks)
}

/// Submits its next payload when the last is durable.
async fn payloads(journal: Journal) -> Result<u64, Failure> {
    let payload = Bytes::from(vec![7; OBJECT_BYTES + ROW_BYTES]);
    let (until, mut done) = (Instant::now() + ROUND, 0);
    while Instant::now() < until {
        journal.submit(payload.clone()).await?;
        done += 1;
    }
    Ok(done)
}

async fn put_objects(engine: Engine, next: Arc<AtomicU64>) -> Result<u64, Failure> {
    let (body, row) = (Bytes::from(vec![7; OBJECT_BYTES]), Bytes::from(vec![8; ROW_BYTES]));
    let (until, mut done) = (Instant::now() + ROUND, 0);
    while Instant::now() < until {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let key = Some(BlobKey([u8::try_from(number % 251)?; 32]));
        let mut writer = engine.write(OBJECT_BYTES as u64, Layout::Zones, key).await?;
        writer.push(body.clone()).await?;
        let blob = writer.finish().await?;
        let put = engine.commit(|change| {
            // Spread, as the keys of many prefixes are.
            let key = format!("bucket/{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
            if objects::Rows::get(change, key.as_bytes()).is_ok_and(|row| row.is_some()) {
                return Err("taken");
            }
            change.attach(blob);
            change.set(key, row.clone());
            Ok(())
        });
        put.await??;
        done += 1;
    }
    Ok(done)
}

async fn round<W>(writers: impl Iterator<Item = W>) -> Result<Round, Failure>
where
    W: Future<Output = Result<u64, Failure>> + Send + 'static,
{
    let (cpu, start) = (cpu_us()?, Instant::now());
    let mut done = 0;
    for writer in writers.map(tokio::spawn).collect::<Vec<_>>() {
        done += writer.await??;
    }
    let (seconds, used) = (start.elapsed().as_secs_f64(), cpu_us()? - cpu);
    Ok(Round { per_second: done as f64 / seconds, cpu_us: used / done as f64 })
}

fn report(what: &str, rounds: &mut [Round]) {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let (least, most) = (rounds[0].per_second, rounds[rounds.len() - 1].per_second);
    let per_second = rounds[rounds.len() / 2].per_second;
    rounds.sort_by(|a, b| a.cpu_us.total_cmp(&b.cpu_us));
    let cpu = rounds[rounds.len() / 2].cpu_us;
    println!("{what}: {per_second:.0}/s ({least:.0} to {most:.0}), {cpu:.0} us CPU each");
}

/// User and system time of this process.
fn cpu_us() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit(')').next().ok_or("no stat")?;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let ticks: u64 = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    // Linux counts in hundredths of a second, whatever the kernel's own tick is.
    Ok(ticks as f64 * 1e4)
}
