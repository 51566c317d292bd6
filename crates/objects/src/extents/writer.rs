//! Taking a blob's bytes.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::extents::batch::{Batch, Target};
use crate::extents::location::{Form, Location, ZoneSet};
use crate::extents::room::{self, Extent, Wish};
use crate::extents::zone::Fault;
use crate::extents::{CopyError, Extents, Sealing};
use crate::{BlobId, Layout, ReadError, WriteError};

/// A long blob is synced now and then, so that the last sync is not of gigabytes.
const SYNC_EVERY_BYTES: u64 = 32 << 20;

/// Takes a blob's bytes as they come: half a megabyte is being filled while another is sealed
/// and written, and whoever pushes faster waits. Dropped unfinished, nothing is kept.
pub struct ExtentWriter {
    extents: Extents,
    target: Arc<Target>,
    pushed: u64,
    filling: Option<Batch>,
    next_row: u64,
    writing: Option<JoinHandle<ZoneSet>>,
    syncing: Vec<oneshot::Receiver<Result<(), Fault>>>,
    unsynced: u64,
    failed: ZoneSet,
}

/// A blob that is durable and belongs to nobody yet.
#[derive(Debug)]
pub struct Written {
    pub location: Location,
    /// To be kept until the blob is attached and the index says so, or forgotten.
    pub hold: Hold,
}

/// Keeps an extent out of [`Extents::at_rest`].
pub struct Hold(Arc<Extent>);

impl std::fmt::Debug for Hold {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Hold({})", self.0.number)
    }
}

impl ExtentWriter {
    pub(crate) async fn begin(
        extents: Extents,
        wish: Wish,
        sealing: Sealing,
    ) -> Result<ExtentWriter, WriteError> {
        let room = room::take(&extents.shared, &extents.current, wish).await?;
        let (extent, location) = (room.extent, room.location);
        Ok(ExtentWriter {
            extents,
            target: Arc::new(Target { id: wish.id, location, extent, sealing }),
            pushed: 0,
            filling: None,
            next_row: 0,
            writing: None,
            syncing: Vec::new(),
            unsynced: 0,
            failed: ZoneSet::default(),
        })
    }

    /// Takes more of the blob; waits while as much as may be is on its way.
    ///
    /// # Errors
    /// When too few zones take it, or more comes than was announced.
    pub async fn push(&mut self, bytes: Bytes) -> Result<(), WriteError> {
        let (announced, got) = (self.target.pushed_bytes_total(), self.pushed + bytes.len() as u64);
        if got > announced {
            return Err(WriteError::Length { announced, got });
        }
        let mut bytes = &bytes[..];
        while !bytes.is_empty() {
            let batch = self.filling.get_or_insert_with(|| {
                Batch::new(&self.extents.shared.batches, &self.target, self.next_row)
            });
            let taken = batch.fill(&self.target, bytes);
            (bytes, self.pushed) = (&bytes[taken..], self.pushed + taken as u64);
            self.unsynced += taken as u64;
            if batch.is_full(&self.target) {
                self.write_batch().await?;
            }
        }
        Ok(())
    }

    /// Answers where it is once it is durable: whole copies where a zone failed under way.
    ///
    /// # Errors
    /// When too few zones have it, or less came than was announced.
    pub async fn finish(self) -> Result<Written, WriteError> {
        let (announced, got) = (self.target.pushed_bytes_total(), self.pushed);
        if got != announced {
            return Err(WriteError::Length { announced, got });
        }
        let mut writer = self;
        let mut avoid = ZoneSet::default();
        loop {
            writer.settle().await;
            if writer.failed.is_empty() {
                return Ok(writer.written());
            }
            writer.check_readable()?;
            avoid = avoid.and(writer.failed);
            let (id, location) = (writer.target.id, writer.target.location);
            // The failed zones only grow, so this ends.
            let again = rewrite(&writer.extents, id, &location, avoid).await;
            writer = again.map_err(|error| match error {
                CopyError::Write(error) => error,
                CopyError::Read(error) => WriteError::Unavailable(error.to_string()),
            })?;
        }
    }

    fn written(self) -> Written {
        self.target.extent.keep();
        Written { location: self.target.location, hold: Hold(self.target.extent.clone()) }
    }

    /// Hands the full batch over once the one before is written.
    async fn write_batch(&mut self) -> Result<(), WriteError> {
        self.wait_for_batch().await;
        self.check_readable()?;
        if self.unsynced > SYNC_EVERY_BYTES {
            self.sync_early().await;
        }
        if let Some(batch) = self.filling.take() {
            self.next_row = batch.end_row(&self.target);
            let target = self.target.clone();
            self.writing = Some(spawn_blocking(move || batch.write(&target)));
        }
        Ok(())
    }

    async fn wait_for_batch(&mut self) {
        if let Some(writing) = self.writing.as_mut() {
            let all = self.target.location.zones();
            let failed = writing.await.unwrap_or(all);
            self.writing = None;
            self.failed = self.failed.and(failed);
        }
    }

    /// Begins a sync of what is written, and waits for the one begun before.
    async fn sync_early(&mut self) {
        self.unsynced = 0;
        for syncing in std::mem::take(&mut self.syncing) {
            // A file remembers its failure; the last sync tells.
            let _ = syncing.await;
        }
        let files = self.target.location.zones().iter();
        let files = files.filter_map(|zone| self.target.extent.files[zone].as_ref().ok());
        self.syncing = files.map(|file| file.begin_sync()).collect();
    }

    /// Waits until all is written and synced, and notes where not.
    async fn settle(&mut self) {
        self.wait_for_batch().await;
        if self.target.location.rows() == 0 {
            return;
        }
        let zones: Vec<usize> = self.target.location.zones().iter().collect();
        let syncs = zones.iter().map(|zone| async {
            match &self.target.extent.files[*zone] {
                Ok(file) => file.sync().await.is_ok(),
                Err(_) => false,
            }
        });
        let synced = join_all(syncs).await;
        let failed = zones.into_iter().zip(synced).filter(|(_, synced)| !synced);
        self.failed = self.failed.and(failed.map(|(zone, _)| zone).collect());
    }

    /// Whether what came so far is there to be read back and written elsewhere, in enough zones.
    fn check_readable(&self) -> Result<(), WriteError> {
        let zones = self.target.location.zones().len();
        let left = zones - self.failed.len();
        let needed = match self.target.location.form {
            Form::Striped => 2,
            Form::Whole(_) | Form::OneZone(_) => 1,
        };
        if left >= needed {
            return Ok(());
        }
        room::give_up(&self.extents.current, &self.target.extent);
        Err(self.target.extent.refused(self.failed))
    }
}

/// Begins a blob anew with what can be read of it at `from`, and pushes all of it.
pub(crate) async fn rewrite(
    extents: &Extents,
    id: BlobId,
    from: &Location,
    avoid: ZoneSet,
) -> Result<ExtentWriter, CopyError> {
    rewrite_to(extents, id, from, from.layout(), avoid).await
}

/// The same, in another layout.
pub(crate) async fn rewrite_to(
    extents: &Extents,
    id: BlobId,
    from: &Location,
    layout: Layout,
    avoid: ZoneSet,
) -> Result<ExtentWriter, CopyError> {
    let sealing = if from.sealed { Sealing::Sealed } else { Sealing::Plain };
    let wish = Wish { id, bytes: from.bytes, sealed: from.sealed, layout, avoid };
    let mut writer = ExtentWriter::begin(extents.clone(), wish, sealing).await?;
    let mut stored = extents.read_stored(id, from);
    while let Some(bytes) = stored.next().await {
        let bytes: Result<Bytes, ReadError> = bytes;
        writer.push(bytes?).await?;
    }
    Ok(writer)
}
