//! Looking whether what should be there is: for the scrubber, and to find one's way in an extent
//! without the index. All of it blocks.

use std::io;
use std::sync::Arc;

use journal::DiskFile;

use crate::BlobId;
use crate::extents::location::Location;
use crate::extents::part::BLOCKS;
use crate::extents::slot::{self, Identity, SLOT_BYTES_MAX};
use crate::extents::zone::{Zone, file_name};
use crate::extents::{Extents, Shared};

/// What one zone lacks of a blob.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub zone: usize,
    pub damage: Damage,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Damage {
    /// The zone is not there to be looked at.
    Away,
    /// It answers errors.
    Unreadable(String),
    /// In these rows it has not what belongs there.
    Rows(Vec<u64>),
}

/// A slot as it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    pub offset: u64,
    pub identity: Identity,
}

/// Where slots may begin in an extent.
const SLOT_ALIGNMENT: usize = 16;
const WINDOW_BYTES: usize = 16 * SLOT_BYTES_MAX;

impl Extents {
    /// Reads every slot of a blob from the disks of all zones that should have it; answers what
    /// is wrong, so nothing when all is well. `pace` is told the bytes of each read.
    pub fn verify(
        &self,
        id: BlobId,
        location: &Location,
        pace: &mut dyn FnMut(usize),
    ) -> Vec<Finding> {
        let damage = |zone| Some((zone, self.shared.damage(id, location, zone, pace)?));
        let found = location.zones().iter().filter_map(damage);
        found.map(|(zone, damage)| Finding { zone, damage }).collect()
    }

    /// The slots in one zone's file of an extent that check, whoever's they are.
    ///
    /// # Errors
    /// When the zone is away, or cannot be read.
    pub fn walk(&self, extent: u64, zone: usize) -> io::Result<Vec<Found>> {
        let zone = self.shared.zone(zone).ok_or(io::ErrorKind::NotConnected)?;
        let file = zone.disk.open(&file_name(extent))?;
        let (mut found, mut start, mut window) = (Vec::new(), 0, vec![0; WINDOW_BYTES]);
        loop {
            let read = file.read_at(&mut window, start)?;
            // A slot that is cut by the window's end is left for the next window.
            let whole = if read < window.len() { read } else { read - SLOT_BYTES_MAX };
            let mut at = 0;
            while at < whole {
                match slot::read(&window[at..read]) {
                    Some(identity) => {
                        found.push(Found { offset: start + at as u64, identity });
                        at += identity.pitch as usize;
                    }
                    None => at += SLOT_ALIGNMENT,
                }
            }
            if read < window.len() {
                return Ok(found);
            }
            start += at as u64;
        }
    }
}

impl Shared {
    pub(crate) fn damage(
        &self,
        id: BlobId,
        location: &Location,
        zone: usize,
        pace: &mut dyn FnMut(usize),
    ) -> Option<Damage> {
        let Some(zone) = self.zone(zone) else { return Some(Damage::Away) };
        // Not one that readers have open: its name may be gone.
        let file = match zone.disk.open(&file_name(location.extent)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Some(Damage::Unreadable(error.to_string())),
        };
        match bad_rows(id, location, &zone, file.as_ref(), pace) {
            Ok(rows) if rows.is_empty() => None,
            Ok(rows) => Some(Damage::Rows(rows)),
            Err(error) => Some(Damage::Unreadable(error.to_string())),
        }
    }
}

fn bad_rows(
    id: BlobId,
    location: &Location,
    zone: &Zone,
    file: Option<&Arc<dyn DiskFile>>,
    pace: &mut dyn FnMut(usize),
) -> io::Result<Vec<u64>> {
    let mut bad = Vec::new();
    let mut buffer = vec![0; WINDOW_BYTES];
    let mut first = 0;
    while first < location.rows() {
        let rows = first..(first + BLOCKS).min(location.rows());
        let start = location.row_offset(first);
        let places = rows.clone().filter_map(|row| location.place(id, zone.number, row));
        let end = places.map(|place| place.offset + place.slot_bytes() as u64).last();
        let bytes = usize::try_from(end.unwrap_or(start) - start).expect("a window is small");
        let read = match file {
            Some(file) if bytes > 0 => {
                file.uncache(start, bytes as u64)?;
                file.read_at(&mut buffer[..bytes], start)?
            }
            _ => 0,
        };
        pace(read);
        for row in rows.clone() {
            let Some(place) = location.place(id, zone.number, row) else { continue };
            let at = usize::try_from(place.offset - start).expect("a window is small");
            let slot = buffer[..read].get(at..at + place.slot_bytes());
            if !slot.is_some_and(|slot| slot::checks(slot, &place)) {
                bad.push(row);
            }
        }
        first = rows.end;
    }
    Ok(bad)
}
