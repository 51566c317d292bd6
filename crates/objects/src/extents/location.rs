//! Where a blob's bytes lie: the value that the log and the index keep for a blob.
//!
//! A blob is cut into *blocks* of 64 KiB. Each stored block, sealed or not, is the payload of a
//! *slot* (see `slot.rs`), and slots of the same *row* begin at the same offset in all zones:
//!
//! ```text
//! striped, three zones              whole copies, one zone
//! row 0 | block 0 | block 1 | 0^1   row 0 | block 0
//! row 1 | block 2 | block 3 | 2^3   row 1 | block 1
//! row 2 | block 4 |         | 4     row 2 | block 2
//! ```
//!
//! Which zone takes which column is turned by the blob's id, so that parity, which is only read
//! when something failed, spreads over all zones.

use crate::extents::ZONES_MAX;
use crate::extents::slot::{HEADER_BYTES, Identity, Role};
use crate::seal::TAG_BYTES;
use crate::{BlobId, Layout};

/// What a block holds of the blob; the last one may hold less.
pub(crate) const BLOCK_BYTES: u64 = 64 << 10;
/// More than S3 lets an object have; keeps every sum below far from overflowing.
pub(crate) const BLOB_BYTES_MAX: u64 = 1 << 46;
/// Where an extent's rooms begin: never in the middle of a sector, so that a torn write of one
/// blob cannot reach another.
const SECTOR_BYTES: u64 = 512;
/// The same for blobs that are not small, where it costs little: pages are not shared either.
const PAGE_BYTES: u64 = 4096;

/// An extent for one blob begins at 0; others end long before this.
const OFFSET_MAX: u64 = 1 << 32;

const VERSION: u8 = 1;

/// A set of zones, by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ZoneSet(u8);

impl ZoneSet {
    pub fn with(self, zone: usize) -> ZoneSet {
        debug_assert!(zone < ZONES_MAX);
        ZoneSet(self.0 | 1 << zone)
    }

    pub fn and(self, more: ZoneSet) -> ZoneSet {
        ZoneSet(self.0 | more.0)
    }

    pub fn has(self, zone: usize) -> bool {
        zone < ZONES_MAX && self.0 & 1 << zone != 0
    }

    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn iter(self) -> impl Iterator<Item = usize> {
        (0..ZONES_MAX).filter(move |zone| self.has(*zone))
    }
}

impl FromIterator<usize> for ZoneSet {
    fn from_iter<I: IntoIterator<Item = usize>>(zones: I) -> Self {
        zones.into_iter().fold(ZoneSet::default(), ZoneSet::with)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Two blocks and their XOR in three zones: any one may go.
    Striped,
    /// All of it in each of these: what is written while a zone is away.
    Whole(ZoneSet),
    /// All of it in this one, as was asked for.
    OneZone(usize),
}

/// Where a blob's bytes lie, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Location {
    pub(crate) extent: u64,
    /// Of the blob's first row, the same in every zone.
    pub(crate) offset: u64,
    /// Length of what was written, before sealing.
    pub(crate) bytes: u64,
    pub(crate) sealed: bool,
    pub(crate) form: Form,
}

/// One slot that a zone should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) offset: u64,
    pub(crate) identity: Identity,
}

impl Place {
    /// Header and payload.
    pub(crate) fn slot_bytes(&self) -> usize {
        HEADER_BYTES + self.identity.length as usize
    }
}

impl Location {
    /// The extent that holds it, by number.
    pub fn layout(&self) -> Layout {
        match self.form {
            Form::OneZone(zone) => Layout::OneZone(zone),
            Form::Striped | Form::Whole(_) => Layout::Zones,
        }
    }

    pub fn extent(&self) -> u64 {
        self.extent
    }

    pub fn form(&self) -> Form {
        self.form
    }

    /// Length of what was written, before sealing.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn sealed(&self) -> bool {
        self.sealed
    }

    /// Bytes that it takes on the disks of all zones together.
    pub fn stored_bytes(&self) -> u64 {
        let slots =
            |blocks: u64, payload: u64| blocks * (HEADER_BYTES as u64 + self.tag_bytes()) + payload;
        let data = slots(self.blocks(), self.bytes);
        match self.form {
            Form::Whole(zones) => data * zones.len() as u64,
            Form::OneZone(_) => data,
            Form::Striped => {
                let (rows, before) = (self.rows(), self.rows().saturating_sub(1));
                data + slots(rows, before * BLOCK_BYTES + self.plain_bytes(2 * before))
            }
        }
    }

    /// What it takes of its extent's length: compare with [`super::AtRest::bytes`].
    pub fn room(&self) -> u64 {
        if self.rows() == 0 {
            return 0;
        }
        let last = self.rows() - 1;
        let span = last * self.pitch() + self.row_bytes(last);
        let unit = if self.bytes > BLOCK_BYTES { PAGE_BYTES } else { SECTOR_BYTES };
        span.next_multiple_of(unit)
    }

    pub(crate) fn blocks(&self) -> u64 {
        self.bytes.div_ceil(BLOCK_BYTES)
    }

    /// How many blocks lie in one row.
    pub(crate) fn width(&self) -> u64 {
        if self.form == Form::Striped { 2 } else { 1 }
    }

    pub(crate) fn rows(&self) -> u64 {
        self.blocks().div_ceil(self.width())
    }

    fn tag_bytes(&self) -> u64 {
        if self.sealed { TAG_BYTES as u64 } else { 0 }
    }

    /// What block `number` holds of the blob; nothing beyond its end.
    pub(crate) fn plain_bytes(&self, number: u64) -> u64 {
        self.bytes.saturating_sub(number * BLOCK_BYTES).min(BLOCK_BYTES)
    }

    /// What block `number` takes as a slot's payload.
    pub(crate) fn payload_bytes(&self, number: u64) -> usize {
        let bytes = match self.plain_bytes(number) {
            0 => 0,
            plain => plain + self.tag_bytes(),
        };
        usize::try_from(bytes).expect("a block fits into memory")
    }

    /// From one row to the next.
    pub(crate) fn pitch(&self) -> u64 {
        HEADER_BYTES as u64 + BLOCK_BYTES + self.tag_bytes()
    }

    /// The first block of a row is its longest.
    fn row_bytes(&self, row: u64) -> u64 {
        (HEADER_BYTES + self.payload_bytes(row * self.width())) as u64
    }

    pub(crate) fn row_offset(&self, row: u64) -> u64 {
        self.offset + row * self.pitch()
    }

    /// The zones that have slots of it.
    pub(crate) fn zones(&self) -> ZoneSet {
        match self.form {
            Form::Striped => (0..3).collect(),
            Form::Whole(zones) => zones,
            Form::OneZone(zone) => ZoneSet::default().with(zone),
        }
    }

    /// The zone of a row's column: 0 and 1 are data, 2 is parity.
    pub(crate) fn column_zone(&self, id: BlobId, column: usize) -> usize {
        (column + usize::try_from(id.0 % 3).expect("less than three")) % 3
    }

    /// The slot that `zone` has in `row`, if any.
    pub(crate) fn place(&self, id: BlobId, zone: usize, row: u64) -> Option<Place> {
        let (role, number) = self.content(id, zone, row)?;
        let offset = self.row_offset(row);
        let next = match self.content(id, zone, row + 1) {
            Some(_) => self.row_offset(row + 1),
            None => self.offset + self.room(),
        };
        let identity = Identity {
            id,
            block: u32::try_from(number).expect("a blob has fewer blocks"),
            role,
            length: u32::try_from(self.payload_bytes(number)).expect("a block is small"),
            pitch: u32::try_from(next - offset).expect("two rows are small"),
        };
        Some(Place { offset, identity })
    }

    /// What `zone` has in `row`: a block, or the parity of the row that begins with that block.
    fn content(&self, id: BlobId, zone: usize, row: u64) -> Option<(Role, u64)> {
        if row >= self.rows() || !self.zones().has(zone) {
            return None;
        }
        if self.form != Form::Striped {
            return Some((Role::Data, row));
        }
        if zone == self.column_zone(id, 2) {
            return Some((Role::Parity, 2 * row));
        }
        let number = 2 * row + u64::from(zone == self.column_zone(id, 1));
        (number < self.blocks()).then_some((Role::Data, number))
    }

    /// For the log and the index: a dozen bytes.
    pub fn encode(&self) -> Vec<u8> {
        let (form, zones) = match self.form {
            Form::Striped => (0, ZoneSet::default()),
            Form::Whole(zones) => (1, zones),
            Form::OneZone(zone) => (2, ZoneSet::default().with(zone)),
        };
        let mut out = vec![VERSION, form | u8::from(self.sealed) << 2 | zones.0 << 3];
        for number in [self.extent, self.offset / SECTOR_BYTES, self.bytes] {
            put_number(&mut out, number);
        }
        out
    }

    /// `None` when this is not what [`Location::encode`] makes.
    pub fn decode(bytes: &[u8]) -> Option<Location> {
        let [VERSION, flags, rest @ ..] = bytes else { return None };
        let (extent, rest) = take_number(rest)?;
        let (sectors, rest) = take_number(rest)?;
        let (length, rest) = take_number(rest)?;
        let zones = ZoneSet(flags >> 3);
        let form = match (flags & 3, zones.len()) {
            (0, 0) => Form::Striped,
            (1, 1..) => Form::Whole(zones),
            (2, 1) => Form::OneZone(zones.iter().next()?),
            _ => return None,
        };
        let in_bounds = zones.0 >> ZONES_MAX == 0
            && sectors <= OFFSET_MAX / SECTOR_BYTES
            && length <= BLOB_BYTES_MAX;
        let sealed = flags & 4 != 0;
        let offset = sectors.checked_mul(SECTOR_BYTES)?;
        let location = Location { extent, offset, bytes: length, sealed, form };
        (in_bounds && rest.is_empty()).then_some(location)
    }
}

/// Seven bits a byte, the lowest first; the last byte has its high bit clear.
fn put_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

/// The number and what follows it; `None` also for a spelling that [`put_number`] does not use.
fn take_number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0;
    for (at, byte) in bytes.iter().enumerate().take(10) {
        let bits = u64::from(byte & 0x7f);
        let shift = u32::try_from(7 * at).ok()?;
        if bits != 0 && bits.leading_zeros() < shift {
            return None;
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return (*byte != 0 || at == 0).then(|| (number, &bytes[at + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn location(bytes: u64, sealed: bool, form: Form) -> Location {
        Location { extent: 7, offset: 4096, bytes, sealed, form }
    }

    #[test]
    fn blocks_lie_where_the_page_says() {
        let striped = location(4 * BLOCK_BYTES + 1, false, Form::Striped);
        let check = |id: u64, zone, row, expected: Option<(u64, Role, u32, u32)>| {
            let place = striped.place(BlobId(id), zone, row);
            let seen = place
                .map(|at| (at.offset, at.identity.role, at.identity.block, at.identity.length));
            assert_eq!(seen, expected);
        };
        let row = |row: u64| 4096 + row * 65568;
        check(0, 0, 0, Some((row(0), Role::Data, 0, 65536)));
        check(0, 1, 0, Some((row(0), Role::Data, 1, 65536)));
        check(0, 2, 0, Some((row(0), Role::Parity, 0, 65536)));
        check(1, 0, 1, Some((row(1), Role::Parity, 2, 65536)));
        check(1, 1, 1, Some((row(1), Role::Data, 2, 65536)));
        check(0, 0, 2, Some((row(2), Role::Data, 4, 1)));
        check(0, 1, 2, None);
        check(0, 2, 2, Some((row(2), Role::Parity, 4, 1)));
        check(0, 0, 3, None);
    }

    #[test]
    fn what_is_stored_is_counted_to_the_byte() {
        let check = |bytes, sealed, form, expected| {
            assert_eq!(location(bytes, sealed, form).stored_bytes(), expected);
        };
        let both = ZoneSet::default().with(0).with(2);
        check(0, true, Form::Striped, 0);
        check(10, false, Form::OneZone(1), 42);
        check(10, true, Form::OneZone(1), 58);
        check(10, false, Form::Whole(both), 84);
        check(10, false, Form::Striped, 84);
        check(BLOCK_BYTES + 10, false, Form::Striped, 2 * (BLOCK_BYTES + 32) + 42);
        check(2 * BLOCK_BYTES + 10, true, Form::Striped, 3 * (BLOCK_BYTES + 48) + 2 * 58);
    }

    fn forms() -> impl Strategy<Value = Form> {
        prop_oneof![
            Just(Form::Striped),
            (1u8..8).prop_map(|zones| Form::Whole(ZoneSet(zones))),
            (0usize..3).prop_map(Form::OneZone),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_decoded(
            extent: u64, sectors in 0..OFFSET_MAX / SECTOR_BYTES, bytes in 0..=BLOB_BYTES_MAX,
            sealed: bool, form in forms(),
        ) {
            let location = Location { extent, offset: sectors * SECTOR_BYTES, bytes, sealed, form };
            prop_assert_eq!(Location::decode(&location.encode()), Some(location));
        }

        /// One spelling for each location, and none for what is not one.
        #[test]
        fn what_is_decoded_is_encoded(bytes in prop::collection::vec(any::<u8>(), 0..24)) {
            let bytes = [&[VERSION][..], &bytes].concat();
            if let Some(location) = Location::decode(&bytes) {
                prop_assert_eq!(location.encode(), bytes);
                let _ = (location.stored_bytes(), location.room());
            }
        }

        #[test]
        fn rooms_hold_all_slots(id: u64, bytes in 0u64..3_000_000, sealed: bool, form in forms()) {
            let location = location(bytes, sealed, form);
            let mut sum = 0;
            for zone in 0..3 {
                let mut free = location.offset;
                for place in (0..location.rows()).filter_map(|row| location.place(BlobId(id), zone, row)) {
                    prop_assert!(place.offset >= free);
                    free = place.offset + place.slot_bytes() as u64;
                    sum += place.slot_bytes() as u64;
                }
                prop_assert!(free <= location.offset + location.room());
            }
            prop_assert_eq!(sum, location.stored_bytes());
        }
    }
}
