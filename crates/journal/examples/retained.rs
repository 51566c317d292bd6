//! A log that is kept: how long it takes to open, and to read one frame by its place.
//! `cargo run --release -p journal --example retained [DIR [FRAMES]]`: writes so many frames
//! (default 200,000) of 1,300 bytes to three zone folders in DIR and removes them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use journal::{Disk, FsDisk, Journal, Options, Place, Recovery, Sequence, sim};

const PAYLOAD_BYTES: usize = 1_240;
const SEGMENT_BYTES: u64 = 64 << 20;
const TOGETHER: usize = 1_024;
const READS: usize = 300_000;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = std::env::args().skip(1);
    let root = arguments.next().map_or_else(
        || std::env::temp_dir().join(format!("journal-retained-{}", std::process::id())),
        PathBuf::from,
    );
    let frames = arguments.next().map_or(Ok(200_000), |text| text.parse())?;
    let measured = measure(&root, frames);
    fs::remove_dir_all(&root)?;
    measured
}

fn open(root: &Path) -> Result<(Journal, Recovery), Failure> {
    let mut disks: Vec<Arc<dyn Disk>> = Vec::new();
    for zone in ["a", "b", "c"] {
        disks.push(Arc::new(FsDisk::open(&root.join(zone))?));
    }
    Ok(Journal::open(disks, Options { segment_bytes: SEGMENT_BYTES, ..Options::new([1; 16]) })?)
}

fn measure(root: &Path, frames: usize) -> Result<(), Failure> {
    let (journal, _) = open(root)?;
    let writing = Instant::now();
    let mut places = Vec::with_capacity(frames);
    while places.len() < frames {
        let group = (places.len()..frames).take(TOGETHER);
        let tickets: Vec<_> = group.map(|n| journal.submit(payload(n))).collect();
        for ticket in tickets {
            let done = ticket.wait()?;
            places.push((done.sequence, done.place));
        }
    }
    let segments = journal.segments();
    let bytes: u64 = segments.iter().map(|segment| segment.bytes).sum();
    println!(
        "{frames} frames, {:.1} GB a zone in {} segments, written in {:.1} s",
        bytes as f64 / 1e9,
        segments.len(),
        writing.elapsed().as_secs_f64()
    );
    let (last, _) = places[frames - 1];
    let keeping = Instant::now();
    journal.checkpoint(last, Place::default())?;
    println!("a checkpoint took {:.1} ms", keeping.elapsed().as_secs_f64() * 1e3);
    drop(journal);
    let (journal, _) = timed_open(root, "after the checkpoint")?;
    for number in 0..10_000 {
        journal.submit(payload(number)).wait()?;
    }
    drop(journal);
    let (journal, recovery) = timed_open(root, "with 10,000 frames after it")?;
    println!("  {} frames after the checkpoint", recovery.frames.count());
    read(&journal, &places)?;
    let reading = Instant::now();
    let all = journal.read(Sequence(0))?.count();
    let seconds = reading.elapsed().as_secs_f64();
    println!("all {all} frames read in order: {:.2} us each", seconds / all as f64 * 1e6);
    println!("{}", memory()?);
    Ok(())
}

fn payload(number: usize) -> Bytes {
    let mut bytes = vec![7; PAYLOAD_BYTES];
    bytes[..8].copy_from_slice(&(number as u64).to_le_bytes());
    bytes.into()
}

fn timed_open(root: &Path, what: &str) -> Result<(Journal, Recovery), Failure> {
    let (start, cpu) = (Instant::now(), cpu_us()?);
    let opened = open(root)?;
    let seconds = start.elapsed().as_secs_f64();
    println!("opened {what}: {:.1} ms, {:.0} ms of CPU", seconds * 1e3, (cpu_us()? - cpu) / 1e3);
    Ok(opened)
}

/// Frames drawn from the newest tenth, which the page cache has.
fn read(journal: &Journal, places: &[(Sequence, Place)]) -> Result<(), Failure> {
    let recent = &places[places.len() - places.len() / 10..];
    let mut seed = 1;
    for round in ["first", "second"] {
        let (start, cpu) = (Instant::now(), cpu_us()?);
        for _ in 0..READS {
            let at = usize::try_from(sim::draw(&mut seed) % recent.len() as u64)?;
            journal.frame_at(recent[at].1, PAYLOAD_BYTES)?;
        }
        let (wall, used) = (start.elapsed().as_secs_f64() * 1e6, cpu_us()? - cpu);
        let reads = READS as f64;
        println!(
            "frame_at, {round} round: {:.2} us of CPU, {:.2} us each",
            used / reads,
            wall / reads
        );
    }
    Ok(())
}

fn memory() -> Result<String, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmRSS"));
    let handles = fs::read_dir("/proc/self/fd")?.count();
    Ok(format!("{}, {handles} file handles", line.unwrap_or("no VmRSS")))
}

/// User and system time of this process, at the kernel's 10 ms grain.
fn cpu_us() -> Result<f64, Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().ok_or("unexpected /proc/self/stat")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    let ticks: f64 = fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
    Ok(ticks * 10_000.0)
}
