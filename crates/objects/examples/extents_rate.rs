//! What blobs in extents cost: `cargo run --release -p objects --example extents_rate [DIR [ROW]]`.
//! MiB a second by the clock and CPU milliseconds for each MiB, of three zones that are synced
//! before each answer. On a shared machine only the CPU time says much; medians of the rounds
//! count, and the rounds of all rows take turns.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use bytes::Bytes;
use futures_util::StreamExt;
use journal::{Disk, FsDisk};
use objects::extents::{Extents, Location};
use objects::{BlobId, BlobKey, Layout};

const ROUNDS: usize = 5;
const ROUND: Duration = Duration::from_millis(600);
const MIB: usize = 1 << 20;

type Failure = Box<dyn Error + Send + Sync>;

struct Round {
    mib_per_second: f64,
    /// Of the whole process, user and system.
    cpu_ms_per_mib: f64,
    user_ms_per_mib: f64,
}

/// A way to be busy until then; answers the bytes done.
type Work<'a> = Box<dyn Fn(Instant) -> Result<u64, Failure> + 'a>;

fn main() -> Result<(), Failure> {
    let root = std::env::args().nth(1).map_or_else(
        || std::env::temp_dir().join(format!("extents-rate-{}", std::process::id())),
        PathBuf::from,
    );
    let measured = measure(&root);
    fs::remove_dir_all(&root)?;
    measured
}

fn measure(root: &Path) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut disks: Vec<Option<Arc<dyn Disk>>> = Vec::new();
    for zone in ["a", "b", "c"] {
        disks.push(Some(Arc::new(FsDisk::open(&root.join(zone))?)));
    }
    let extents = Extents::open(disks.clone(), 2, [])?;
    disks[0] = None;
    let degraded = Extents::open(disks, 2, [])?;
    let bench = Bench { extents, degraded, ids: AtomicU64::new(0) };
    let (plain, sealed) = (None, Some(BlobKey([7; 32])));
    let old = runtime.block_on(bench.blob(8 * MIB, plain.clone()))?;
    let old_sealed = runtime.block_on(bench.blob(8 * MIB, sealed.clone()))?;
    let (bench, runtime) = (&bench, &runtime);

    let writes = |bytes: usize, writers: usize, key: &Option<BlobKey>| -> Work<'_> {
        let key = key.clone();
        Box::new(move |until| {
            runtime.block_on(together(writers, until, || bench.write(bytes, key.clone())))
        })
    };
    let reads = |bytes: u64, readers: usize, old: Old, extents: &Extents| -> Work<'_> {
        let extents = extents.clone();
        Box::new(move |until| {
            runtime.block_on(together(readers, until, || read(&extents, &old, bytes)))
        })
    };
    let rows: Vec<(&str, Work<'_>)> = vec![
        ("crc64nvme", Box::new(|until| Ok(crc(until)))),
        ("xor of two blocks", Box::new(|until| Ok(xor(until)))),
        ("AES-256-GCM, blocks of 64 KiB", Box::new(gcm)),
        ("write 1 MiB, 1 writer", writes(MIB, 1, &plain)),
        ("write 1 MiB, 1 writer, sealed", writes(MIB, 1, &sealed)),
        ("write 1 MiB, 16 writers", writes(MIB, 16, &plain)),
        ("write 1 MiB, 16 writers, sealed", writes(MIB, 16, &sealed)),
        ("write 100 KiB, 16 writers, sealed", writes(100 << 10, 16, &sealed)),
        ("write 48 MiB, 1 writer, sealed", writes(48 * MIB, 1, &sealed)),
        ("read 1 MiB, 1 reader", reads(1 << 20, 1, old.clone(), &bench.extents)),
        ("read 1 MiB, 1 reader, sealed", reads(1 << 20, 1, old_sealed.clone(), &bench.extents)),
        ("read 1 MiB, 16 readers, sealed", reads(1 << 20, 16, old_sealed.clone(), &bench.extents)),
        ("read 8 MiB, 1 reader, sealed", reads(8 << 20, 1, old_sealed.clone(), &bench.extents)),
        ("read 64 KiB, 1 reader, sealed", reads(64 << 10, 1, old_sealed.clone(), &bench.extents)),
        ("read 1 MiB, a zone away, sealed", reads(1 << 20, 1, old_sealed, &bench.degraded)),
    ];
    let only = std::env::args().nth(2).unwrap_or_default();
    let rows: Vec<_> = rows.into_iter().filter(|(what, _)| what.contains(&only)).collect();
    let mut rounds: Vec<Vec<Round>> = rows.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for (row, (_, work)) in rounds.iter_mut().zip(&rows) {
            row.push(timed(work)?);
        }
    }
    for (rounds, (what, _)) in rounds.into_iter().zip(&rows) {
        report(what, rounds);
    }
    Ok(())
}

fn report(what: &str, mut rounds: Vec<Round>) {
    rounds.sort_by(|a, b| a.cpu_ms_per_mib.total_cmp(&b.cpu_ms_per_mib));
    let median = &rounds[rounds.len() / 2];
    let (least, most) = (&rounds[0], &rounds[rounds.len() - 1]);
    println!(
        "{what:36} {:7.0} MiB/s  {:.3} ms CPU/MiB ({:.3} to {:.3}), {:.3} of it user",
        median.mib_per_second,
        median.cpu_ms_per_mib,
        least.cpu_ms_per_mib,
        most.cpu_ms_per_mib,
        median.user_ms_per_mib
    );
}

struct Bench {
    extents: Extents,
    /// The same zones without one of them.
    degraded: Extents,
    ids: AtomicU64,
}

/// A blob to be read.
#[derive(Clone)]
struct Old {
    id: BlobId,
    at: Location,
    key: Option<BlobKey>,
}

impl Bench {
    async fn blob(&self, bytes: usize, key: Option<BlobKey>) -> Result<Old, Failure> {
        let id = BlobId(self.ids.fetch_add(1, Ordering::Relaxed));
        let begun = self.extents.begin(id, bytes as u64, Layout::Zones, key.clone()).await;
        let mut writer = begun?;
        // Pieces as hyper gives them from a fast connection.
        let piece = Bytes::from_static(&[7; 256 << 10]);
        let mut left = bytes;
        while left > 0 {
            let next = piece.slice(..left.min(piece.len()));
            left -= next.len();
            writer.push(next).await?;
        }
        Ok(Old { id, at: writer.finish().await?.location, key })
    }

    async fn write(&self, bytes: usize, key: Option<BlobKey>) -> Result<u64, Failure> {
        self.blob(bytes, key).await?;
        Ok(bytes as u64)
    }
}

async fn read(extents: &Extents, old: &Old, bytes: u64) -> Result<u64, Failure> {
    let mut reader = extents.read(old.id, &old.at, old.key.clone(), 0..bytes)?;
    let mut read = 0;
    while let Some(part) = reader.next().await {
        read += part?.len() as u64;
    }
    Ok(read)
}

/// Does it again and again, so many at a time.
async fn together<F: Future<Output = Result<u64, Failure>>>(
    at_once: usize,
    until: Instant,
    act: impl Fn() -> F,
) -> Result<u64, Failure> {
    let act = &act;
    let loops = (0..at_once).map(|_| async move {
        let mut done = 0;
        while Instant::now() < until {
            done += act().await?;
        }
        Ok::<u64, Failure>(done)
    });
    let done = futures_util::future::join_all(loops).await;
    done.into_iter().sum()
}

fn crc(until: Instant) -> u64 {
    let block = vec![7; 64 << 10];
    repeat(until, || {
        std::hint::black_box(crc_fast::checksum(crc_fast::CrcAlgorithm::Crc64Nvme, &block));
        block.len()
    })
}

fn xor(until: Instant) -> u64 {
    let (one, two, mut out) = (vec![7u8; 64 << 10], vec![9u8; 64 << 10], vec![0u8; 64 << 10]);
    repeat(until, || {
        for ((out, one), two) in out.iter_mut().zip(&one).zip(&two) {
            *out = one ^ two;
        }
        std::hint::black_box(&out);
        one.len() + two.len()
    })
}

fn gcm(until: Instant) -> Result<u64, Failure> {
    let key = UnboundKey::new(&AES_256_GCM, &[7; 32]).map_err(|_| "a key")?;
    let key = LessSafeKey::new(key);
    let mut block = vec![7; 64 << 10];
    Ok(repeat(until, || {
        let nonce = Nonce::assume_unique_for_key([0; 12]);
        let tag = key.seal_in_place_separate_tag(nonce, Aad::empty(), &mut block);
        std::hint::black_box(tag.is_ok());
        block.len()
    }))
}

fn repeat(until: Instant, mut act: impl FnMut() -> usize) -> u64 {
    let mut done = 0;
    while Instant::now() < until {
        done += act() as u64;
    }
    done
}

fn timed(work: &Work<'_>) -> Result<Round, Failure> {
    let ((user, system), start) = (cpu_ms()?, Instant::now());
    let done = work(start + ROUND)? as f64 / MIB as f64;
    let (seconds, (user_after, system_after)) = (start.elapsed().as_secs_f64(), cpu_ms()?);
    let (user, system) = (user_after - user, system_after - system);
    Ok(Round {
        mib_per_second: done / seconds,
        cpu_ms_per_mib: (user + system) / done,
        user_ms_per_mib: user / done,
    })
}

/// User and system time of this process, at the kernel's 10 ms grain.
fn cpu_ms() -> Result<(f64, f64), Failure> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit(") ").next().ok_or("unexpected /proc/self/stat")?;
    let fields: Vec<&str> = after_name.split(' ').collect();
    Ok((fields[11].parse::<f64>()? * 10.0, fields[12].parse::<f64>()? * 10.0))
}
