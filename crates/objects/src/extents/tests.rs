//! Extents on simulated disks.

// Sizes of what a test made itself.
#![allow(clippy::cast_possible_truncation)]

mod damage;
mod failure;
mod mend;
mod power;
mod roundtrip;

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use journal::Disk;
use journal::sim::{Power, SimDisk, draw};
use tokio::runtime::Runtime;

use super::{Extents, Location, Written};
use crate::{BlobId, BlobKey, Layout, ReadError, WriteError};

/// A machine with simulated zones.
struct Machine {
    power: Power,
    disks: Vec<SimDisk>,
    extents: Extents,
}

/// A blob as a test knows it.
#[derive(Clone, Debug)]
struct Blob {
    id: BlobId,
    bytes: Bytes,
    key: Option<BlobKey>,
}

/// Of a test's own; its blocking threads end with it.
fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn given(disk: &SimDisk) -> Option<Arc<dyn Disk>> {
    Some(Arc::new(disk.clone()))
}

impl Machine {
    fn new(zones: usize, zones_min: usize) -> Machine {
        Machine::seeded(zones, zones_min, 1)
    }

    fn seeded(zones: usize, zones_min: usize, seed: u64) -> Machine {
        let power = Power::default();
        let disk = |zone| SimDisk::new(seed * 3 + zone as u64, power.clone());
        let disks: Vec<SimDisk> = (0..zones).map(disk).collect();
        let extents = Extents::open(disks.iter().map(given).collect(), zones_min, []).unwrap();
        Machine { power, disks, extents }
    }

    /// As after a restart of the process.
    fn reopen(&mut self, known: &[Location]) {
        let disks = self.disks.iter().map(given).collect();
        let known = known.iter().map(Location::extent);
        self.extents = Extents::open(disks, self.extents.shared.zones_min, known).unwrap();
    }
}

impl Blob {
    /// Contents that are another for each id.
    fn new(id: u64, bytes: usize, sealed: bool) -> Blob {
        let mut seed = id;
        let mut content = Vec::with_capacity(bytes + 8);
        while content.len() < bytes {
            content.extend_from_slice(&draw(&mut seed).to_le_bytes());
        }
        content.truncate(bytes);
        let key = sealed.then(|| BlobKey([u8::try_from(id % 251).unwrap(); 32]));
        Blob { id: BlobId(id), bytes: content.into(), key }
    }

    async fn write(&self, extents: &Extents) -> Result<Written, WriteError> {
        self.write_as(extents, Layout::Zones).await
    }

    async fn write_as(&self, extents: &Extents, layout: Layout) -> Result<Written, WriteError> {
        let bytes = self.bytes.len() as u64;
        let mut writer = extents.begin(self.id, bytes, layout, self.key.clone()).await?;
        // Pieces as a network would bring them.
        for at in (0..self.bytes.len()).step_by(100_000) {
            writer.push(self.bytes.slice(at..self.bytes.len().min(at + 100_000))).await?;
        }
        writer.finish().await
    }

    async fn read(&self, extents: &Extents, at: &Location) -> Result<Bytes, ReadError> {
        self.read_range(extents, at, 0..u64::MAX).await
    }

    async fn read_range(
        &self,
        extents: &Extents,
        at: &Location,
        range: Range<u64>,
    ) -> Result<Bytes, ReadError> {
        let reader = extents.read(self.id, at, self.key.clone(), range)?;
        let parts: Vec<Bytes> = reader.try_collect().await?;
        assert!(parts.iter().all(|part| part.len() <= 1 << 20));
        Ok(parts.concat().into())
    }
}
