//! Looking, and making again.

use journal::{Disk, SyncReason};
use proptest::prelude::*;

use super::damage::{damages, some_blobs};
use super::*;
use crate::extents::{Damage as Lack, Finding, MendError, Role};

fn verify(extents: &Extents, blob: &Blob, at: &Location) -> Vec<Finding> {
    extents.verify(blob.id, at, &mut |_| {})
}

/// What a zone should hold of a blob, in order.
fn places(blob: &Blob, at: &Location, zone: usize) -> Vec<(u64, u64, u32, Role, u32)> {
    let places = (0..at.rows()).filter_map(|row| at.place(blob.id, zone, row));
    let seen = places.map(|place| {
        let identity = place.identity;
        (place.offset, blob.id.0, identity.block, identity.role, identity.length)
    });
    seen.collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(24) })]

    /// After any damage to one zone that left the zone itself, all is found, mended and proved;
    /// then another zone may go.
    #[test]
    fn one_zone_is_mended(
        seed in any::<u64>(), zone in 0usize..3,
        damage in damages().prop_filter("the zone is there", damage::leaves_the_zone),
    ) {
        let machine = Machine::seeded(3, 2, seed >> 2);
        let runtime = runtime();
        let blobs = runtime.block_on(some_blobs(&machine.extents, seed, Layout::Zones));
        machine.damage(zone, damage);
        let extents = machine.look_again();
        for (blob, at) in &blobs {
            let found = verify(&extents, blob, at);
            assert!(found.iter().all(|finding| finding.zone == zone), "{found:?}");
            extents.mend(blob.id, at, &found).unwrap();
            assert_eq!(verify(&extents, blob, at), []);
        }
        machine.disks.iter().for_each(SimDisk::cut_power_clean);
        for lost in 0..3 {
            let extents = machine.look_again();
            extents.set_zone(lost, None);
            for (blob, at) in &blobs {
                let read = runtime.block_on(blob.read(&extents, at)).unwrap();
                assert!(read == blob.bytes);
            }
        }
    }
}

#[test]
fn findings_say_what_is_wrong_where() {
    let check = |fail: fn(&Machine), expected: fn(&Lack) -> bool| {
        let machine = Machine::new(3, 2);
        let blob = Blob::new(3, 300_000, true);
        let at = runtime().block_on(blob.write(&machine.extents)).unwrap().location;
        let mut read = 0;
        assert_eq!(machine.extents.verify(blob.id, &at, &mut |bytes| read += bytes), []);
        assert_eq!(read as u64, at.stored_bytes());
        fail(&machine);
        let found = verify(&machine.extents, &blob, &at);
        let [finding] = found.as_slice() else { panic!("{found:?}") };
        assert!(finding.zone == 1 && expected(&finding.damage), "{finding:?}");
        let readable = runtime().block_on(blob.read(&machine.extents, &at));
        assert_eq!(readable.unwrap(), blob.bytes);
    };
    check(|machine| machine.extents.set_zone(1, None), |lack| *lack == Lack::Away);
    check(
        |machine| machine.disks[1].set_reads_fail(true),
        |lack| matches!(lack, Lack::Unreadable(_)),
    );
    // Also when readers have the file open.
    check(|machine| machine.disks[1].wipe(), |lack| *lack == Lack::Rows(vec![0, 1]));
    check(
        |machine| machine.disks[1].rot_at("extent-0000000000000000", 65_584 + 5),
        |lack| *lack == Lack::Rows(vec![1]),
    );
}

/// What cannot be mended in place says so, and a copy is as good as new.
#[test]
fn what_cannot_be_mended_is_moved() {
    let check = |fail: fn(&Machine)| {
        let machine = Machine::new(3, 2);
        let blob = Blob::new(3, 300_000, true);
        let runtime = runtime();
        let at = runtime.block_on(blob.write(&machine.extents)).unwrap().location;
        machine.disks[1].rot_at("extent-0000000000000000", 100);
        let found = verify(&machine.extents, &blob, &at);
        fail(&machine);
        let mended = machine.extents.mend(blob.id, &at, &found);
        assert!(matches!(mended, Err(MendError::Move(_))), "{mended:?}");
        let copy = runtime.block_on(machine.extents.copy(blob.id, &at)).unwrap().location;
        assert_eq!(verify(&machine.extents, &blob, &copy), []);
    };
    check(|machine| machine.disks[1].set_writes_fail(true));
    check(|machine| machine.disks[1].fail_next_sync());
    check(|machine| machine.extents.set_zone(1, None));
    // Its directory was emptied while the extent is written: that it is gone must be noticed.
    check(|machine| machine.disks[1].wipe());
}

#[test]
fn nothing_is_made_up() {
    let machine = Machine::new(3, 2);
    let blob = Blob::new(3, 300_000, true);
    let at = runtime().block_on(blob.write(&machine.extents)).unwrap().location;
    machine.disks[0].rot_at("extent-0000000000000000", 100);
    machine.disks[1].rot_at("extent-0000000000000000", 100);
    let found = verify(&machine.extents, &blob, &at);
    assert_eq!(found.len(), 2);
    let mended = machine.extents.mend(blob.id, &at, &found);
    assert!(matches!(mended, Err(MendError::Read(ReadError::Lost(_)))), "{mended:?}");
    assert_eq!(verify(&machine.extents, &blob, &at), found);
}

/// A mended block that is not synced is not mended.
#[test]
fn the_sync_of_a_mended_block_is_needed() {
    let check = |skip: Option<SyncReason>| {
        let machine = Machine::new(3, 2);
        let blob = Blob::new(3, 300_000, true);
        let at = runtime().block_on(blob.write(&machine.extents)).unwrap().location;
        machine.disks[1].rot_at("extent-0000000000000000", 100);
        machine.disks[1].skip_sync(skip);
        let found = verify(&machine.extents, &blob, &at);
        machine.extents.mend(blob.id, &at, &found).unwrap();
        machine.disks[1].cut_power_clean();
        verify(&machine.look_again(), &blob, &at)
    };
    assert_eq!(check(None), []);
    assert_ne!(check(Some(SyncReason::ExtentMend)), []);
}

/// A walk finds every slot, and goes on behind what is rotten.
#[test]
fn a_walk_finds_all_slots() {
    let machine = Machine::new(3, 2);
    let runtime = runtime();
    let blobs = runtime.block_on(some_blobs(&machine.extents, 5, Layout::Zones));
    for zone in 0..3 {
        let mut expected: Vec<_> =
            blobs.iter().flat_map(|(blob, at)| places(blob, at, zone)).collect();
        let walk = || {
            let found = machine.extents.walk(0, zone).unwrap().into_iter();
            let seen = found.map(|found| {
                let identity = found.identity;
                (found.offset, identity.id.0, identity.block, identity.role, identity.length)
            });
            seen.collect::<Vec<_>>()
        };
        assert_eq!(walk(), expected);
        let rotten = expected.remove(3);
        machine.disks[zone].rot_at("extent-0000000000000000", rotten.0 as usize + 40);
        assert_eq!(walk(), expected);
    }
    assert!(machine.extents.walk(1, 0).is_err());
    machine.extents.set_zone(0, None);
    assert!(machine.extents.walk(0, 0).is_err());
}

#[test]
fn a_file_that_is_not_ours_is_left_alone() {
    let machine = Machine::new(3, 2);
    machine.disks[0].create("README").unwrap();
    assert_eq!(machine.extents.at_rest(), []);
}
