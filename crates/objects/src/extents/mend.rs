//! Making again what a zone lost of a blob, where it was. All of it blocks.

use std::io;
use std::sync::{Arc, PoisonError};

use journal::{DiskFile, SyncReason};

use crate::extents::check::{Damage, Finding};
use crate::extents::location::{Location, Place};
use crate::extents::part::Source;
use crate::extents::slot::{HEADER_BYTES, Role};
use crate::extents::zone::{Fault, Zone, file_name};
use crate::extents::{Extents, parity};
use crate::{BlobId, ReadError};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MendError {
    /// A zone cannot be written there: [`Extents::copy`] finds the blob another place.
    #[error("it must be moved: {0}")]
    Move(String),
    /// What is left is not enough to make it from.
    #[error(transparent)]
    Read(#[from] ReadError),
}

impl Extents {
    /// Writes what [`Extents::verify`] found missing in its place, syncs it, and reads it back from
    /// the disk. What can be mended is, also when the answer is an error for the rest.
    ///
    /// # Errors
    /// See [`MendError`].
    pub fn mend(
        &self,
        id: BlobId,
        location: &Location,
        findings: &[Finding],
    ) -> Result<(), MendError> {
        // Two that both made a missing file would undo each other's work.
        let _one_at_a_time = self.shared.mending.lock().unwrap_or_else(PoisonError::into_inner);
        let source = Source { shared: self.shared.clone(), id, location: *location, seal: None };
        let mended = findings.iter().map(|finding| self.mend_zone(&source, finding));
        let mended: Vec<Result<(), MendError>> = mended.collect();
        mended.into_iter().collect()
    }

    fn mend_zone(&self, source: &Source, finding: &Finding) -> Result<(), MendError> {
        let number = finding.zone;
        let rows = match &finding.damage {
            Damage::Rows(rows) => rows,
            Damage::Away => return Err(MendError::Move(format!("zone {number} is away"))),
            Damage::Unreadable(why) => return Err(MendError::Move(why.clone())),
        };
        let zone = self.shared.zone(number).filter(|zone| zone.writable());
        let zone = zone.ok_or_else(|| MendError::Move(format!("zone {number} is out")))?;
        let (file, made) = self.file_to_mend(&zone, source.location.extent)?;
        for row in rows {
            let Some(place) = source.location.place(source.id, number, *row) else { continue };
            let slot = source.slot(&place)?;
            let what = "mending an extent";
            file.write_at(&slot, place.offset).map_err(|error| refused(&zone, what, &error))?;
        }
        let synced = file.sync_data(SyncReason::ExtentMend);
        synced.map_err(|error| refused(&zone, "syncing a mended extent", &error))?;
        if made {
            let named = zone.disk.sync_dir(SyncReason::ExtentDir);
            named.map_err(|error| refused(&zone, "syncing an extent's name", &error))?;
            self.shared.files.forget_extent(source.location.extent);
        }
        match self.shared.damage(source.id, &source.location, number, &mut |_| {}) {
            None => Ok(()),
            Some(damage) => {
                Err(MendError::Move(format!("zone {number} did not keep it: {damage:?}")))
            }
        }
    }

    /// The zone's file of an extent, and whether it was made now.
    fn file_to_mend(
        &self,
        zone: &Zone,
        extent: u64,
    ) -> Result<(Arc<dyn DiskFile>, bool), MendError> {
        let name = file_name(extent);
        match zone.disk.open(&name) {
            Ok(file) => return Ok((file, false)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(refused(zone, "opening an extent", &error)),
        }
        // Who writes to a file whose name is gone must go on missing it, not find this one.
        if self.shared.written().contains(&extent) {
            return Err(MendError::Move(format!("{name} vanished while it was written")));
        }
        let file = zone.disk.create(&name);
        Ok((file.map_err(|error| refused(zone, "making an extent", &error))?, true))
    }
}

fn refused(zone: &Zone, what: &str, error: &io::Error) -> MendError {
    let why = match zone.fault(what, error) {
        Fault::Full => format!("zone {} is full", zone.number),
        Fault::Out => format!("zone {}: {what}: {error}", zone.number),
    };
    MendError::Move(why)
}

impl Source {
    /// A slot as it should be, made from what checks.
    fn slot(&self, place: &Place) -> Result<Vec<u8>, ReadError> {
        let first = u64::from(place.identity.block);
        let mut slot = vec![0; place.slot_bytes()];
        let payload = &mut slot[HEADER_BYTES..];
        match place.identity.role {
            Role::Data => payload.copy_from_slice(&self.read(first..first + 1)?.concat()),
            Role::Parity => {
                let blocks = self.read(first..(first + 2).min(self.location.blocks()))?;
                let odd = blocks.get(1).map_or(&[][..], |odd| odd);
                parity::xor(&blocks[0], odd, payload);
            }
        }
        place.identity.seal(&mut slot);
        Ok(slot)
    }
}
