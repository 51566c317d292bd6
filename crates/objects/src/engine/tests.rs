//! The engine against a model of itself, over restarts, power cuts and lost indexes.

mod faults;
mod index_rot;
mod keeping;
mod lives;
mod promises;

use std::ops::Range;
use std::path::PathBuf;

use bytes::Bytes;
use futures_util::StreamExt;
use journal::Disk;
use journal::sim::{Power, SimDisk, draw};

use super::*;

/// A machine of three disks, and the folder of its index.
struct Machine {
    power: Power,
    disks: Vec<SimDisk>,
    extents: Vec<SimDisk>,
    folder: tempfile::TempDir,
    /// Whether the index is in a file; else it is built again at each start.
    file: bool,
    nonce: std::sync::atomic::AtomicU64,
}

impl Machine {
    fn new(seed: u64) -> Self {
        let (mut random, power) = (seed, Power::default());
        let mut three = || (0..3).map(|_| SimDisk::new(draw(&mut random), power.clone())).collect();
        let (disks, extents) = (three(), three());
        let folder = tempfile::tempdir().expect("a folder");
        Self { power, disks, extents, folder, file: true, nonce: (seed << 32).into() }
    }

    fn index(&self) -> PathBuf {
        self.folder.path().join("objects.redb")
    }

    fn options(&self, limits: Limits) -> Options {
        let disk = |(log, extents): (&SimDisk, &SimDisk)| Zone {
            log: Arc::new(log.clone()) as Arc<dyn Disk>,
            extents: Arc::new(extents.clone()),
        };
        let nonce = self.nonce.fetch_add(1000, std::sync::atomic::Ordering::Relaxed);
        let nonce = std::sync::atomic::AtomicU64::new(nonce);
        let random = move |bytes: &mut [u8]| {
            let next = nonce.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            bytes.fill(0);
            bytes[..8].copy_from_slice(&next.to_le_bytes());
        };
        let zones = self.disks.iter().zip(&self.extents).map(disk).collect();
        Options { zones, index: self.file.then(|| self.index()), random: Arc::new(random), limits }
    }

    fn open(&self, limits: Limits) -> (Engine, Found) {
        Engine::open(self.options(limits)).expect("opens")
    }

    /// Cuts the power and restores it.
    fn cut_power(&self) {
        self.power.restore();
        self.disks.iter().chain(&self.extents).for_each(SimDisk::cut_power);
    }
}

/// So small that everything there is happens in a short test.
fn small() -> Limits {
    Limits {
        segment_bytes: 16 << 10,
        table_bytes: 3 << 10,
        log_bytes: 8 << 10,
        index_cache_bytes: 1 << 20,
        ..Limits::default()
    }
}

/// Ends the engine as a kill would.
async fn kill(engine: Engine) {
    let keeper = engine.running.keeper.lock().expect("not poisoned").take().expect("runs");
    keeper.abort();
    let _ = keeper.await;
    end(engine).await;
}

async fn close(engine: Engine) {
    engine.close().await;
    end(engine).await;
}

/// Returns when nothing of the engine can write any more.
async fn end(engine: Engine) {
    let mut shared = engine.running.shared.clone();
    drop(engine);
    while let Err(held) = Arc::try_unwrap(shared) {
        shared = held;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
}

fn everything(rows: &dyn Rows) -> Vec<(Vec<u8>, Bytes)> {
    let mut all = Vec::new();
    rows.scan(b"", &[0xff; 8], &mut |key, row| {
        all.push((key.to_vec(), row.value.clone()));
        Scan::On
    })
    .expect("can be read");
    all
}

async fn put(engine: &Engine, key: &str, value: &str) -> Result<(), CommitError> {
    let (key, value) = (key.to_owned(), value.to_owned());
    let set = |change: &mut Change<'_>| {
        change.set(key, value);
        Ok::<_, std::convert::Infallible>(())
    };
    engine.commit(set).await.map(|Ok(())| ())
}

fn get(rows: &dyn Rows, key: &str) -> Option<String> {
    let row = rows.get(key.as_bytes()).expect("can be read")?;
    Some(String::from_utf8(row.value.to_vec()).expect("text"))
}

async fn write(
    engine: &Engine,
    bytes: &[u8],
    key: Option<BlobKey>,
) -> Result<crate::NewBlob, WriteError> {
    let mut writer = engine.write(bytes.len() as u64, Layout::Zones, key).await?;
    for part in bytes.chunks(100_000) {
        writer.push(Bytes::copy_from_slice(part)).await?;
    }
    writer.finish().await
}

async fn written(engine: &Engine, bytes: &[u8], key: Option<BlobKey>) -> crate::NewBlob {
    write(engine, bytes, key).await.expect("there is room")
}

/// Keeps a blob's id in a row.
async fn put_blob(engine: &Engine, row: &str, bytes: &[u8], key: Option<BlobKey>) -> BlobId {
    let blob = written(engine, bytes, key).await;
    let row = row.to_owned();
    let attach = |change: &mut Change<'_>| {
        let id = change.attach(blob);
        change.set(row, id.0.to_string());
        Ok::<_, std::convert::Infallible>(id)
    };
    let Ok(id) = engine.commit(attach).await.expect("made");
    id
}

async fn read(
    engine: &Engine,
    blob: BlobId,
    key: Option<BlobKey>,
    range: Range<u64>,
) -> Result<Vec<u8>, ReadError> {
    let mut reader = engine.read(blob, key, range).await?;
    let mut all = Vec::new();
    while let Some(part) = reader.next().await {
        all.extend_from_slice(&part?);
    }
    Ok(all)
}
