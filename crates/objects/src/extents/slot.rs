//! A slot: one stored block with what it needs to be believed.
//!
//! ```text
//!  0 crc u64      CRC-64/NVME over all that follows, the payload too
//!  8 blob u64    16 block u32    20 payload bytes u32
//! 24 pitch u32   28 role u8      29 version u8       30 zero u16
//! 32 payload     as stored: sealed blocks with their tag
//! ```
//!
//! All numbers little-endian. *Block* is the block's number in the blob, for parity that of its
//! row's first. *Pitch* leads to the zone's next slot, for those who walk without knowing the
//! blob. A slot that is not exactly the one expected at its place counts as missing, whether it
//! rotted, was never written, or is another's that a disk put there.

use crc_fast::CrcAlgorithm;

use crate::BlobId;
use crate::extents::location::{BLOCK_BYTES, Place};
use crate::seal::TAG_BYTES;

pub(crate) const HEADER_BYTES: usize = 32;
/// Header, block and tag.
#[allow(clippy::cast_possible_truncation)] // a constant far below any usize
pub(crate) const SLOT_BYTES_MAX: usize = HEADER_BYTES + BLOCK_BYTES as usize + TAG_BYTES;

const VERSION: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A block as it was stored.
    Data,
    /// The XOR of a row's two blocks.
    Parity,
}

/// What a slot's header says of its payload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    pub id: BlobId,
    pub block: u32,
    pub role: Role,
    /// Of the payload, in bytes.
    pub length: u32,
    pub pitch: u32,
}

impl Identity {
    /// Writes the header in front of the payload that `slot` already holds.
    pub(crate) fn seal(&self, slot: &mut [u8]) {
        debug_assert_eq!(slot.len(), HEADER_BYTES + self.length as usize);
        slot[8..16].copy_from_slice(&self.id.0.to_le_bytes());
        slot[16..20].copy_from_slice(&self.block.to_le_bytes());
        slot[20..24].copy_from_slice(&self.length.to_le_bytes());
        slot[24..28].copy_from_slice(&self.pitch.to_le_bytes());
        slot[28] = match self.role {
            Role::Data => 1,
            Role::Parity => 2,
        };
        slot[29] = VERSION;
        slot[30..32].fill(0);
        let crc = crc(&slot[8..]);
        slot[..8].copy_from_slice(&crc.to_le_bytes());
    }

    /// The header's claim, unproved; `None` when no header looks so.
    pub(crate) fn claimed(header: &[u8]) -> Option<Identity> {
        let header: &[u8; HEADER_BYTES] = header.get(..HEADER_BYTES)?.try_into().ok()?;
        let number = |at: usize| {
            u32::from_le_bytes(header[at..at + 4].try_into().expect("four bytes of a header"))
        };
        let role = match header[28..] {
            [1, VERSION, 0, 0] => Role::Data,
            [2, VERSION, 0, 0] => Role::Parity,
            _ => return None,
        };
        let id = u64::from_le_bytes(header[8..16].try_into().expect("eight bytes of a header"));
        let (block, length, pitch) = (number(16), number(20), number(24));
        let bytes = HEADER_BYTES + length as usize;
        let fits = bytes <= SLOT_BYTES_MAX && bytes <= pitch as usize;
        fits.then_some(Identity { id: BlobId(id), block, role, length, pitch })
    }
}

/// The identity of a slot that checks, whoever's it is. `slot` may go on after it.
pub(crate) fn read(slot: &[u8]) -> Option<Identity> {
    let identity = Identity::claimed(slot)?;
    let slot = slot.get(..HEADER_BYTES + identity.length as usize)?;
    let claimed = u64::from_le_bytes(slot[..8].try_into().expect("eight bytes of a header"));
    (crc(&slot[8..]) == claimed).then_some(identity)
}

/// Whether `slot` is the one that belongs here, and whole.
pub(crate) fn checks(slot: &[u8], place: &Place) -> bool {
    // Cheap first, and a foreign slot must not pass for its own checksum.
    Identity::claimed(slot) == Some(place.identity) && read(slot).is_some()
}

fn crc(bytes: &[u8]) -> u64 {
    crc_fast::checksum(CrcAlgorithm::Crc64Nvme, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(payload: &[u8]) -> (Place, Vec<u8>) {
        let length = u32::try_from(payload.len()).unwrap();
        let identity = Identity { id: BlobId(9), block: 4, role: Role::Parity, length, pitch: 512 };
        let mut slot = [&[0; HEADER_BYTES], payload].concat();
        identity.seal(&mut slot);
        (Place { offset: 0, identity }, slot)
    }

    #[test]
    fn any_flipped_bit_is_seen() {
        let (place, slot) = sealed(b"some payload");
        assert!(checks(&slot, &place));
        assert_eq!(read(&slot), Some(place.identity));
        for bit in 0..slot.len() * 8 {
            let mut rotten = slot.clone();
            rotten[bit / 8] ^= 1 << (bit % 8);
            assert!(!checks(&rotten, &place), "bit {bit}");
        }
    }

    #[test]
    fn nothing_short_zero_or_foreign_checks() {
        let (place, slot) = sealed(b"some payload");
        for len in 0..slot.len() {
            assert!(!checks(&slot[..len], &place));
        }
        assert_eq!(read(&[0; 4096]), None);
        let other = |change: fn(&mut Identity)| {
            let mut place = place;
            change(&mut place.identity);
            assert!(!checks(&slot, &place));
        };
        other(|identity| identity.id = BlobId(10));
        other(|identity| identity.block = 5);
        other(|identity| identity.role = Role::Data);
        other(|identity| identity.length -= 1);
        other(|identity| identity.pitch += 1);
    }
}
