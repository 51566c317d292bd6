//! Many small objects: `cargo run --release -p objects --example load [OBJECTS] [DIR]`. A child
//! process puts them and is killed with SIGKILL; what this one prints is of the start that
//! follows, and of reading.

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::FsDisk;
use objects::{Engine, Found, Layout, Limits, Options, Rows, Scan, Zone};

const OBJECTS: u64 = 1_000_000;
const OBJECT_BYTES: usize = 100;
/// As long as S3's rows for small objects.
const ROW_BYTES: usize = 256;
const WRITERS: u64 = 16;
/// In one change, so that loading is quick.
const TOGETHER: u64 = 50;
const LISTED: usize = 1000;
const CHILD: &str = "--child";

type Failure = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let child = arguments.first().is_some_and(|first| first == CHILD);
    if child {
        arguments.remove(0);
    }
    let objects = arguments.first().map_or(Ok(OBJECTS), |count| count.parse())?;
    let root = arguments.get(1).map_or_else(
        || std::env::temp_dir().join(format!("objects-load-{}", std::process::id())),
        PathBuf::from,
    );
    if child {
        return put_all(&root, objects).await;
    }
    let measured = measure(&root, objects).await;
    fs::remove_dir_all(&root)?;
    measured
}

async fn measure(root: &Path, objects: u64) -> Result<(), Failure> {
    let mut child = Command::new(std::env::current_exe()?)
        .args([CHILD, &objects.to_string()])
        .arg(root)
        .stdout(Stdio::piped())
        .spawn()?;
    for line in BufReader::new(child.stdout.take().ok_or("no pipe")?).lines() {
        let line = line?;
        if line == "done" {
            child.kill()?;
        } else {
            println!("{line}");
        }
    }
    child.wait()?;

    let (start, cpu) = (Instant::now(), cpu_us()?);
    let (engine, found) = open(root)?;
    let (took, cpu_ms) = (start.elapsed(), (cpu_us()? - cpu) / 1e3);
    println!("start after SIGKILL: {took:?}, {cpu_ms} ms CPU, index {:?}", found.index);
    println!("{} MiB resident after the start", resident_mib()?);
    let mut times: Vec<Duration> = (0..100).map(|n| list(&engine, n)).collect::<Result<_, _>>()?;
    times.sort();
    println!("listing {LISTED} keys: {:?} (median of 100 places)", times[times.len() / 2]);
    let start = Instant::now();
    for n in 0..10_000 {
        engine.get(&key(n * objects / 10_000))?.ok_or("an object is gone")?;
    }
    println!("getting a row: {:?}", start.elapsed() / 10_000);
    println!("{} MiB resident after reading", resident_mib()?);
    let index = fs::metadata(root.join("objects.redb"))?.len();
    println!("the index is {} bytes an object", index / objects);
    engine.close().await;
    Ok(())
}

fn list(engine: &Engine, n: u64) -> Result<Duration, Failure> {
    let from = key(n.wrapping_mul(7919));
    let (mut seen, start) = (0, Instant::now());
    engine.scan(&from, b"c", &mut |_, _| {
        seen += 1;
        if seen == LISTED { Scan::End } else { Scan::On }
    })?;
    Ok(start.elapsed())
}

async fn put_all(root: &Path, objects: u64) -> Result<(), Failure> {
    let (engine, _) = open(root)?;
    let (start, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let writers =
        (0..WRITERS).map(|_| tokio::spawn(put_some(engine.clone(), next.clone(), objects)));
    for writer in writers.collect::<Vec<_>>() {
        writer.await??;
    }
    let (took, cpu) = (start.elapsed(), cpu_us()? / objects as f64);
    println!("{objects} objects in {took:.1?}, {cpu:.1} us CPU each, {TOGETHER} in a change");
    println!("{} MiB resident after that", resident_mib()?);
    println!("done");
    tokio::time::sleep(Duration::from_secs(60)).await;
    Ok(())
}

async fn put_some(engine: Engine, next: Arc<AtomicU64>, objects: u64) -> Result<(), Failure> {
    let (body, row) = (Bytes::from(vec![7; OBJECT_BYTES]), Bytes::from(vec![8; ROW_BYTES]));
    loop {
        let first = next.fetch_add(TOGETHER, Ordering::Relaxed);
        if first >= objects {
            return Ok(());
        }
        let mut blobs = Vec::new();
        for number in first..(first + TOGETHER).min(objects) {
            let mut writer = engine.write(OBJECT_BYTES as u64, Layout::Zones, None).await?;
            writer.push(body.clone()).await?;
            blobs.push((number, writer.finish().await?));
        }
        let put = engine.commit(|change| {
            for (number, blob) in blobs {
                change.attach(blob);
                change.set(key(number), row.clone());
            }
            Ok::<_, std::convert::Infallible>(())
        });
        let Ok(()) = put.await?;
    }
}

/// Spread over the whole bucket, which is the hardest for an index.
fn key(number: u64) -> Vec<u8> {
    format!("b/{:016x}", number.wrapping_mul(0x9e37_79b9_7f4a_7c15)).into_bytes()
}

fn open(root: &Path) -> Result<(Engine, Found), Failure> {
    let mut zones = Vec::new();
    for zone in ["a", "b", "c"] {
        fs::create_dir_all(root.join(zone))?;
        let disk = |part| FsDisk::open(&root.join(zone).join(part));
        zones.push(Zone { log: Arc::new(disk("log")?), extents: Arc::new(disk("extents")?) });
    }
    let index = Some(root.join("objects.redb"));
    let random = Arc::new(|bytes: &mut [u8]| bytes.fill(1));
    Ok(Engine::open(Options { zones, index, random, limits: Limits::default() })?)
}

fn resident_mib() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).ok_or("no VmRSS")?;
    let kib: u64 = line.split_whitespace().nth(1).ok_or("no number")?.parse()?;
    Ok(kib / 1024)
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
