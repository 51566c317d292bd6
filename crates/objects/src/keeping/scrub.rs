//! Reading everything again, mending what does not check, and paying the debt of blobs that could
//! be kept in two zones only.

use std::sync::Arc;
use std::time::Duration;

use super::moving::Moves;
use super::{KeepingError, blobs_in_memory};
use crate::blob::Held;
use crate::extents::{Damage, Location, MendError};
use crate::frame::Stored;
use crate::shared::Shared;
use crate::table::Blob;
use crate::{BlobId, Layout, ReadError};

/// What a pass over the index and all blobs in the extents found, and did; and over the log, where
/// it was asked for and not due.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScrubReport {
    pub blobs: u64,
    /// Read from the disks.
    pub bytes: u64,
    /// Blobs of which a zone lacked something, or had it wrong.
    pub damaged: u64,
    /// Of those, made whole again where they were; each was read back.
    pub mended: u64,
    /// Written again elsewhere: their zone does not take it, or they were in two zones only.
    pub moved: u64,
    /// Nothing whole is left of them, or their zones are away.
    pub not_mended: u64,
    /// What was wrong with the index, which was made anew then.
    pub index_damage: Option<String>,
    pub log: LogScrub,
}

/// What was read of the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogScrub {
    /// Read in every zone that is well.
    pub frames: u64,
    /// Copies in a zone, of frames and of what else is there, that did not check.
    pub damaged: u64,
    /// Of those, written again and read back.
    pub mended: u64,
    /// Frames that check in no zone.
    pub lost: u64,
}

impl LogScrub {
    fn of(report: &journal::ScrubReport) -> Self {
        let zones = || report.zones.iter();
        let rotten = |zone: &journal::ZoneScrub| zone.rotten_frames + zone.rotten_files;
        Self {
            frames: report.frames,
            damaged: zones().map(rotten).sum(),
            mended: zones().filter(|zone| zone.repaired).map(rotten).sum(),
            lost: report.lost.len() as u64,
        }
    }
}

/// Blobs looked up at a time.
const PAGE: usize = 256;

enum Verdict {
    Whole,
    Mended,
    Move,
    Lost(String),
}

impl Shared {
    /// Looks at the index, and at every blob in an extent, whatever zone it is in. With `pace`, no faster than so
    /// many bytes a second.
    ///
    /// # Errors
    /// [`KeepingError`]; what was mended by then stays so.
    pub(crate) async fn scrub(
        self: &Arc<Self>,
        pace: Option<u64>,
    ) -> Result<ScrubReport, KeepingError> {
        // First, since it says which blobs there are.
        let index_damage = self.mend_index().await?;
        let mut report = ScrubReport { index_damage, ..ScrubReport::default() };
        self.look_at_all(blobs_in_memory(self), pace, &mut report).await?;
        let mut after = None;
        loop {
            let index = self.tables().index.clone();
            let page = index.blobs(after, PAGE).map_err(ReadError::from)?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(*last);
            self.look_at_all(page, pace, &mut report).await?;
        }
    }

    /// Reads all of the log again.
    ///
    /// # Errors
    /// When it is not open.
    pub(crate) async fn scrub_log(&self) -> Result<LogScrub, KeepingError> {
        let log = self.log();
        let tended = tokio::task::spawn_blocking(move || log.tend(true)).await;
        let tended = tended.map_err(|panic| KeepingError::Log(panic.to_string()))?;
        let scrub = tended.scrub.ok_or_else(|| KeepingError::Log("it has stopped".to_owned()))?;
        Ok(LogScrub::of(&scrub))
    }

    async fn look_at_all(
        self: &Arc<Self>,
        blobs: Vec<BlobId>,
        pace: Option<u64>,
        report: &mut ScrubReport,
    ) -> Result<(), KeepingError> {
        for id in blobs {
            // As it is now: it may have been dropped or moved since.
            let Some(blob) = self.tables().blob(id)? else { continue };
            let Stored::Extent(location) = blob.stored else { continue };
            let before = report.bytes;
            self.look_at(id, &blob, location, report).await?;
            if let Some(pace) = pace {
                let read = Duration::from_secs(report.bytes - before);
                tokio::time::sleep(read / u32::try_from(pace).unwrap_or(u32::MAX)).await;
            }
        }
        Ok(())
    }

    async fn look_at(
        self: &Arc<Self>,
        id: BlobId,
        blob: &Blob,
        location: Location,
        report: &mut ScrubReport,
    ) -> Result<(), KeepingError> {
        let extents = self.extents.clone();
        let look = move || {
            let mut bytes = 0;
            let mut findings = extents.verify(id, &location, &mut |read| bytes += read as u64);
            // What a zone has that was taken out on purpose is there when it is brought back.
            findings.retain(|found| found.damage != Damage::Away);
            let verdict = match findings.is_empty() {
                true if extents.owes(&location) && extents.all_healthy() => Verdict::Move,
                true => Verdict::Whole,
                false => match extents.mend(id, &location, &findings) {
                    Ok(()) => Verdict::Mended,
                    Err(MendError::Move(_)) => Verdict::Move,
                    Err(MendError::Read(error)) => Verdict::Lost(error.to_string()),
                },
            };
            (bytes, !findings.is_empty(), verdict)
        };
        let looked = tokio::task::spawn_blocking(look).await;
        let (bytes, damaged, verdict) =
            looked.unwrap_or_else(|panic| (0, true, Verdict::Lost(panic.to_string())));
        report.blobs += 1;
        report.bytes += bytes;
        report.damaged += u64::from(damaged);
        match verdict {
            Verdict::Whole => {}
            Verdict::Mended => report.mended += 1,
            Verdict::Move => match self.extents.copy(id, &location).await {
                Ok(written) => {
                    let blobs = vec![(id, blob.place, Held::Extent(written))];
                    self.move_on(Moves { rows: Vec::new(), blobs }).await?;
                    report.moved += 1;
                }
                Err(error) => {
                    tracing::warn!(blob = id.0, %error, "a blob in need could not be written again");
                    report.not_mended += 1;
                }
            },
            Verdict::Lost(why) => {
                tracing::error!(blob = id.0, why, "a blob cannot be made whole");
                report.not_mended += 1;
            }
        }
        Ok(())
    }

    /// Writes a blob in another layout, as it is stored. Of one that is in the log, and so in all
    /// zones, a copy stays there until the log is compacted.
    ///
    /// # Errors
    /// When it is not there, or cannot be read or written.
    pub(crate) async fn lay_out(
        self: &Arc<Self>,
        id: BlobId,
        layout: Layout,
    ) -> Result<(), KeepingError> {
        let blob = self.blob(id)?;
        let held = match blob.stored {
            Stored::Inline { .. } if layout == Layout::Zones => return Ok(()),
            Stored::Inline { sealed, .. } => {
                let stored = self.stored_in_log(&blob)?;
                self.to_extent(id, stored, sealed, layout).await?
            }
            Stored::Extent(location) if location.layout() == layout => return Ok(()),
            Stored::Extent(location) => {
                Held::Extent(self.extents.copy_to(id, &location, layout).await?)
            }
        };
        let blobs = vec![(id, blob.place, held)];
        Ok(self.move_on(Moves { rows: Vec::new(), blobs }).await?)
    }
}
