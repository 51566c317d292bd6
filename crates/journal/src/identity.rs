//! Whose zone a directory is: the file `identity`, written once the zone holds everything that
//! was ever acknowledged, and from then on its word counts when the journal is opened.
//!
//! `magic u32, version u32, journal id [16], zone u32, zones u32, crc64 u64`.

use std::io;

use crate::JournalId;
use crate::disk::{Disk, SyncReason};
use crate::frame::{crc, u32_at, u64_at};

pub(crate) const NAME: &str = "identity";
const MAGIC: u32 = u32::from_le_bytes(*b"HJI1");
const VERSION: u32 = 1;
const FIELDS_BYTES: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) id: JournalId,
    pub(crate) zone: usize,
    pub(crate) zones: usize,
}

/// `Ok(None)`: there is none, or it does not check.
pub(crate) fn read(disk: &dyn Disk) -> io::Result<Option<Identity>> {
    let file = match disk.open(NAME) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = [0; FIELDS_BYTES + 8];
    let read = file.read_at(&mut bytes, 0)?;
    let valid = read == bytes.len()
        && u32_at(&bytes, 0) == MAGIC
        && crc(&bytes[..FIELDS_BYTES]) == u64_at(&bytes, FIELDS_BYTES);
    if !valid {
        return Ok(None);
    }
    if u32_at(&bytes, 4) != VERSION {
        let why = format!("journal format {} is not known to this program", u32_at(&bytes, 4));
        return Err(io::Error::new(io::ErrorKind::Unsupported, why));
    }
    Ok(Some(Identity {
        id: JournalId(bytes[8..24].try_into().expect("sixteen bytes")),
        zone: u32_at(&bytes, 24).try_into().expect("32 bits fit"),
        zones: u32_at(&bytes, 28).try_into().expect("32 bits fit"),
    }))
}

/// Durable when it returns, written again even where it reads so already: a killed process or a
/// failed sync may have left it in memory only.
pub(crate) fn write(disk: &dyn Disk, identity: Identity) -> io::Result<()> {
    let zone = u32::try_from(identity.zone).expect("at most 32 zones");
    let zones = u32::try_from(identity.zones).expect("at most 32 zones");
    let mut bytes = Vec::with_capacity(FIELDS_BYTES + 8);
    bytes.extend_from_slice(&MAGIC.to_le_bytes());
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&identity.id.0);
    bytes.extend_from_slice(&zone.to_le_bytes());
    bytes.extend_from_slice(&zones.to_le_bytes());
    let sum = crc(&bytes);
    bytes.extend_from_slice(&sum.to_le_bytes());

    let file = match read(disk)? == Some(identity) {
        true => disk.open(NAME)?,
        false => disk.create(NAME)?,
    };
    file.write_at(&bytes, 0)?;
    file.sync_data(SyncReason::IdentityFile)?;
    disk.sync_dir(SyncReason::IdentityDir)
}
