//! Durable commits against what the machine's disk can do at all: `cargo run --release -p
//! journal --example commit_rate [DIR]`. Everything is measured in one run, in rounds that take
//! turns, because a shared disk's speed changes by the second; medians of the rounds count.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::{Disk, FsDisk, Journal, Options};

const ROUNDS: usize = 7;
const ROUND: Duration = Duration::from_millis(700);
const PAYLOAD_BYTES: usize = 1024;
const BARE_FILE_BYTES: u64 = 16 << 20;

type Failure = Box<dyn Error + Send + Sync>;

struct Round {
    per_second: f64,
    /// Of the whole process, user and system.
    cpu_us_per_commit: f64,
}

fn main() -> Result<(), Failure> {
    let root = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("journal-commit-rate-{}", std::process::id())),
        PathBuf::from,
    );
    let measured = measure(&root);
    fs::remove_dir_all(&root)?;
    measured
}

fn measure(root: &Path) -> Result<(), Failure> {
    let mut disks: Vec<Arc<dyn Disk>> = Vec::new();
    for zone in ["a", "b", "c"] {
        disks.push(Arc::new(FsDisk::open(&root.join(zone))?));
    }
    let opening = Instant::now();
    let (journal, recovery) = Journal::open(disks, Options::new([1; 16]))?;
    drop(recovery);
    println!("a new journal opened in {:.1} ms", opening.elapsed().as_secs_f64() * 1e3);

    let bare = Bare::new(root)?;
    let (mut syncs, mut three, mut one, mut sixteen) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        syncs.push(bare.round(1)?);
        three.push(bare.round(3)?);
        one.push(commits(&journal, 1)?);
        sixteen.push(commits(&journal, 16)?);
    }
    let base = report("bare pwrite 1 KiB + fdatasync, one file", syncs, None);
    let all = report("the same in three files by three threads, together", three, Some(base)) / 3.0;
    println!(
        "  so all three about {all:.0} times a second: a writer that waits for each commit in \
         three zones cannot come much above {:.2}x on this disk",
        all / base
    );
    report("commits, 1 writer, three zones", one, Some(base));
    report("commits, 16 writers, three zones", sixteen, Some(base));
    Ok(())
}

fn report(what: &str, mut rounds: Vec<Round>, base: Option<f64>) -> f64 {
    rounds.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    let (least, most) = (rounds[0].per_second, rounds[rounds.len() - 1].per_second);
    let median = &rounds[rounds.len() / 2];
    let ratio = base.map_or(String::new(), |base| format!("  {:.2}x", median.per_second / base));
    println!(
        "{what}: {:.0}/s ({least:.0} to {most:.0}), {:.0} us CPU each{ratio}",
        median.per_second, median.cpu_us_per_commit
    );
    median.per_second
}

struct Bare(Vec<File>);

impl Bare {
    fn new(root: &Path) -> Result<Bare, Failure> {
        let mut files = Vec::new();
        for name in ["bare-a", "bare-b", "bare-c"] {
            let path = root.join(name);
            let file = OpenOptions::new().write(true).create(true).truncate(true).open(path)?;
            file.write_all_at(&vec![0; usize::try_from(BARE_FILE_BYTES)?], 0)?;
            file.sync_all()?;
            files.push(file);
        }
        Ok(Bare(files))
    }

    fn round(&self, files: usize) -> Result<Round, Failure> {
        timed(|until| {
            thread::scope(|scope| {
                let threads: Vec<_> = self.0[..files]
                    .iter()
                    .map(|file| scope.spawn(move || sync(file, until)))
                    .collect();
                let counts = threads.into_iter().map(|thread| match thread.join() {
                    Ok(count) => Ok(count?),
                    Err(_) => Err("a thread panicked".into()),
                });
                counts.sum()
            })
        })
    }
}

fn sync(file: &File, until: Instant) -> std::io::Result<u64> {
    let payload = [7; PAYLOAD_BYTES];
    let mut done = 0;
    while Instant::now() < until {
        let offset = done * PAYLOAD_BYTES as u64 % BARE_FILE_BYTES;
        file.write_all_at(&payload, offset)?;
        file.sync_data()?;
        done += 1;
    }
    Ok(done)
}

/// Each writer submits its next payload when the last is durable.
fn commits(journal: &Journal, writers: usize) -> Result<Round, Failure> {
    timed(|until| {
        let done = AtomicU64::new(0);
        let failed = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..writers {
                scope.spawn(|| {
                    let payload = Bytes::from(vec![7; PAYLOAD_BYTES]);
                    while Instant::now() < until {
                        match journal.submit(payload.clone()).wait() {
                            Ok(_) => done.fetch_add(1, Ordering::Relaxed),
                            Err(_) => return failed.store(true, Ordering::Relaxed),
                        };
                    }
                });
            }
        });
        if failed.into_inner() {
            return Err("a commit failed".into());
        }
        Ok(done.into_inner())
    })
}

fn timed(work: impl FnOnce(Instant) -> Result<u64, Failure>) -> Result<Round, Failure> {
    let (cpu, start) = (cpu_us()?, Instant::now());
    let done = work(start + ROUND)? as f64;
    let (seconds, used) = (start.elapsed().as_secs_f64(), cpu_us()? - cpu);
    Ok(Round { per_second: done / seconds, cpu_us_per_commit: used / done })
}

/// User and system time of this process, at the kernel's 10 ms grain.
fn cpu_us() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().ok_or("unexpected /proc/self/stat")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks * 10_000.0)
}
