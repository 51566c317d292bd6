//! A zone's promise: the file `promise`, which says whose zone this is and the highest epoch it
//! has agreed to. It makes epochs unique: whoever starts an epoch has first made every zone it
//! can reach promise it, and any two such sets of zones meet.
//!
//! Two slots of 4096 bytes, written in turn and in place, so that a torn write leaves the other
//! one and a full disk can still be opened; the slot that checks with the higher epoch counts:
//! `magic u32, version u32, journal id [16], zone u32, zones u32, epoch u64, crc64 u64`.

use std::io;

use crate::JournalId;
use crate::disk::{Disk, SyncReason};
use crate::frame::{crc, u32_at, u64_at};

pub(crate) const NAME: &str = "promise";
const MAGIC: u32 = u32::from_le_bytes(*b"HJP1");
const VERSION: u32 = 1;
const FIELDS_BYTES: usize = 40;
const SLOT_BYTES: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Promise {
    pub(crate) id: JournalId,
    pub(crate) zone: usize,
    pub(crate) zones: usize,
    pub(crate) epoch: u64,
}

/// `Ok(None)`: there is none, or it does not check.
pub(crate) fn read(disk: &dyn Disk) -> io::Result<Option<Promise>> {
    let file = match disk.open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut newest: Option<Promise> = None;
    for slot in [0, SLOT_BYTES as u64] {
        let mut bytes = [0; FIELDS_BYTES + 8];
        let read = file.read_at(&mut bytes, slot)?;
        let Some(promise) = decode(&bytes[..read])? else { continue };
        if newest.is_none_or(|newest| promise.epoch > newest.epoch) {
            newest = Some(promise);
        }
    }
    Ok(newest)
}

fn decode(bytes: &[u8]) -> io::Result<Option<Promise>> {
    let valid = bytes.len() == FIELDS_BYTES + 8
        && u32_at(bytes, 0) == MAGIC
        && crc(&bytes[..FIELDS_BYTES]) == u64_at(bytes, FIELDS_BYTES);
    if !valid {
        return Ok(None);
    }
    if u32_at(bytes, 4) != VERSION {
        let why = format!("journal format {} is not known to this program", u32_at(bytes, 4));
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    Ok(Some(Promise {
        id: JournalId(bytes[8..24].try_into().expect("sixteen bytes")),
        zone: u32_at(bytes, 24).try_into().expect("32 bits fit"),
        zones: u32_at(bytes, 28).try_into().expect("32 bits fit"),
        epoch: u64_at(bytes, 32),
    }))
}

/// Durable when it returns. `old` is what [`read`] answered.
pub(crate) fn write(disk: &dyn Disk, old: Option<Promise>, new: Promise) -> io::Result<()> {
    let zone = u32::try_from(new.zone).expect("at most 32 zones");
    let zones = u32::try_from(new.zones).expect("at most 32 zones");
    let mut bytes = Vec::with_capacity(SLOT_BYTES);
    bytes.extend_from_slice(&MAGIC.to_le_bytes());
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&new.id.0);
    bytes.extend_from_slice(&zone.to_le_bytes());
    bytes.extend_from_slice(&zones.to_le_bytes());
    bytes.extend_from_slice(&new.epoch.to_le_bytes());
    let sum = crc(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());

    if old.is_some() {
        let file = disk.open(NAME)?;
        let mut head = [0; FIELDS_BYTES + 8];
        let read = file.read_at(&mut head, 0)?;
        // The slot that does not hold the promise in force.
        let first_counts = decode(&head[..read])? == old;
        let slot = if first_counts { SLOT_BYTES as u64 } else { 0 };
        file.write_at(&bytes, slot)?;
        return file.sync_data(SyncReason::PromiseRaise);
    }
    let file = disk.create(NAME)?;
    // Both slots' room is taken now.
    file.write_at(&[0; 2 * SLOT_BYTES], 0)?;
    file.write_at(&bytes, 0)?;
    file.sync_data(SyncReason::PromiseFile)?;
    disk.sync_dir(SyncReason::PromiseDir)
}
