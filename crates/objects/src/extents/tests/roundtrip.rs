//! What is written is read.

use proptest::prelude::*;

use super::*;
use crate::extents::{CopyError, EXTENT_BYTES_MAX, Form, Health};

/// Sizes with a liking for where blocks, rows, batches and parts end.
fn sizes() -> impl Strategy<Value = usize> {
    let edges = (0usize..50, 0usize..3).prop_map(|(blocks, off)| (blocks << 16) + off);
    prop_oneof![edges.prop_map(|bytes| bytes.saturating_sub(1)), 0usize..3 << 20]
}

fn layouts() -> impl Strategy<Value = Layout> {
    prop_oneof![3 => Just(Layout::Zones), 1 => (0usize..3).prop_map(Layout::OneZone)]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]

    #[test]
    fn any_size_and_range(
        id: u64, bytes in sizes(), sealed: bool, layout in layouts(),
        ranges in prop::collection::vec((0u64..4 << 20, 0u64..2 << 20), 6),
    ) {
        let machine = Machine::new(3, 2);
        runtime().block_on(async {
            let blob = Blob::new(id, bytes, sealed);
            let at = blob.write_as(&machine.extents, layout).await.unwrap().location;
            assert_eq!(blob.read(&machine.extents, &at).await.unwrap(), blob.bytes);
            for (start, length) in ranges {
                let read = blob.read_range(&machine.extents, &at, start..start + length).await;
                let end = blob.bytes.len().min((start + length) as usize);
                assert_eq!(read.unwrap(), blob.bytes.slice(end.min(start as usize)..end));
            }
            // Moved without its key, it is the same.
            let moved = machine.extents.copy(blob.id, &at).await.unwrap().location;
            assert_ne!((moved.extent, moved.offset), (at.extent, at.offset + u64::from(bytes == 0)));
            assert_eq!(moved.form, at.form);
            assert_eq!(blob.read(&machine.extents, &moved).await.unwrap(), blob.bytes);
        });
    }
}

#[test]
fn the_form_follows_the_zones() {
    let check = |zones, zones_min, layout, expected: Option<Form>| {
        let machine = Machine::new(zones, zones_min);
        let written =
            runtime().block_on(Blob::new(1, 70_000, true).write_as(&machine.extents, layout));
        assert_eq!(written.ok().map(|written| written.location.form()), expected);
    };
    let set = |zones: &[usize]| zones.iter().copied().collect();
    check(3, 2, Layout::Zones, Some(Form::Striped));
    check(2, 2, Layout::Zones, Some(Form::Whole(set(&[0, 1]))));
    check(1, 1, Layout::Zones, Some(Form::Whole(set(&[0]))));
    check(3, 2, Layout::OneZone(2), Some(Form::OneZone(2)));
    check(2, 2, Layout::OneZone(2), None);
    assert!(Extents::open(vec![], 1, []).is_err());
    assert!(Extents::open(vec![None; 4], 2, []).is_err());
    assert!(Extents::open(vec![None; 1], 2, []).is_err());
}

#[test]
fn what_comes_must_be_what_was_announced() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let begin = || machine.extents.begin(BlobId(1), 10, Layout::Zones, None);
        let mut long = begin().await.unwrap();
        let refused = long.push(Bytes::from_static(b"eleven byte")).await;
        assert_eq!(refused, Err(WriteError::Length { announced: 10, got: 11 }));
        let short = begin().await.unwrap().finish().await;
        assert_eq!(short.unwrap_err(), WriteError::Length { announced: 10, got: 0 });
    });
}

#[test]
fn only_its_key_opens_a_blob() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let (sealed, plain) = (Blob::new(1, 100_000, true), Blob::new(2, 100_000, false));
        let at = sealed.write(&machine.extents).await.unwrap().location;
        let plain_at = plain.write(&machine.extents).await.unwrap().location;
        for key in [None, Some(BlobKey([9; 32]))] {
            let other = Blob { key, ..sealed.clone() };
            assert_eq!(other.read(&machine.extents, &at).await, Err(ReadError::WrongKey));
        }
        let other = Blob { key: sealed.key.clone(), ..plain };
        assert_eq!(other.read(&machine.extents, &plain_at).await, Err(ReadError::WrongKey));
        // Nothing of what was sealed lies open.
        for disk in &machine.disks {
            for name in disk.names() {
                let file = disk.open(&name).unwrap();
                let mut bytes = vec![0; file.bytes().unwrap() as usize];
                file.read_at(&mut bytes, 0).unwrap();
                let clear = &sealed.bytes[50_000..50_016];
                assert!(!bytes.windows(16).any(|window| window == clear));
            }
        }
    });
}

/// Many at once share extents and syncs.
#[test]
fn many_write_at_once() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let writes = (0..64u64).map(|id| {
            let extents = machine.extents.clone();
            tokio::spawn(async move {
                let blob = Blob::new(id, 60_000 + 3_000 * id as usize, id % 2 == 0);
                let at = blob.write(&extents).await.unwrap().location;
                (blob, at)
            })
        });
        let writes: Vec<_> = writes.collect();
        let mut rooms = Vec::new();
        for write in writes {
            let (blob, at) = write.await.unwrap();
            assert_eq!(blob.read(&machine.extents, &at).await.unwrap(), blob.bytes);
            rooms.push((at.extent, at.offset, at.offset + at.room()));
        }
        rooms.sort_unstable();
        for pair in rooms.windows(2) {
            assert!(pair[0].0 < pair[1].0 || pair[0].2 <= pair[1].1, "rooms overlap: {pair:?}");
        }
    });
    let syncs = machine.disks[0].syncs(journal::SyncReason::Extent);
    assert!(syncs < 64, "{syncs} syncs for 64 blobs");
    assert_eq!(machine.disks[0].syncs(journal::SyncReason::ExtentDir), 1);
}

/// A blob longer than an extent has one of its own.
#[test]
fn the_longest_blobs_have_extents_of_their_own() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let small = Blob::new(1, 70_000, false);
        let first = small.write(&machine.extents).await.unwrap().location;
        let blob = Blob::new(2, EXTENT_BYTES_MAX as usize + 1, false);
        let at = blob.write(&machine.extents).await.unwrap().location;
        assert_eq!((at.extent, at.offset), (first.extent + 1, 0));
        assert!(blob.read(&machine.extents, &at).await.unwrap() == blob.bytes);
        let range = (64 << 20) - 5..u64::MAX;
        let tail = blob.read_range(&machine.extents, &at, range).await.unwrap();
        assert_eq!(tail, blob.bytes.slice((64 << 20) - 5..));
        let next = Blob::new(3, 70_000, false).write(&machine.extents).await.unwrap().location;
        assert_eq!(next.extent, first.extent);
    });
}

/// Extents are only listed for the collector when nothing can still need them.
#[test]
fn extents_rest_when_nobody_holds_them() {
    let machine = Machine::new(3, 2);
    let resting =
        |extents: &Extents| extents.at_rest().iter().map(|rest| rest.extent).collect::<Vec<_>>();
    runtime().block_on(async {
        let blob = Blob::new(1, 100_000, false);
        let written = blob.write(&machine.extents).await.unwrap();
        let at = written.location;
        // Still the current one.
        drop(written.hold);
        assert_eq!(resting(&machine.extents), []);
        assert!(machine.extents.remove(at.extent).is_err());

        // Another zone in place of one ends it.
        machine.extents.set_zone(2, given(&machine.disks[2]));
        let later = Blob::new(2, 100_000, false).write(&machine.extents).await.unwrap();
        assert_ne!(later.location.extent, at.extent);
        assert_eq!(resting(&machine.extents), [at.extent]);
        let rest = machine.extents.at_rest()[0];
        assert_eq!(rest.bytes, 65_568);

        let mut reader = machine.extents.read(blob.id, &at, None, 0..u64::MAX).unwrap();
        let first = reader.try_next().await.unwrap().unwrap();
        machine.extents.remove(at.extent).unwrap();
        assert_eq!(resting(&machine.extents), []);
        // Who has begun goes on; who begins does not find it.
        let rest: Vec<Bytes> = reader.try_collect().await.unwrap();
        assert_eq!([vec![first], rest].concat().concat(), blob.bytes);
        assert!(matches!(blob.read(&machine.extents, &at).await, Err(ReadError::Lost(_))));
        let copied = machine.extents.copy(blob.id, &at).await;
        assert!(matches!(copied, Err(CopyError::Read(ReadError::Lost(_)))));
        assert_eq!(machine.extents.health(), vec![Health::Healthy; 3]);
    });
}

/// After a restart nothing is written into old extents, and no number is used twice.
#[test]
fn a_restart_begins_a_new_extent() {
    let mut machine = Machine::new(3, 2);
    runtime().block_on(async {
        let blob = Blob::new(1, 100_000, true);
        let at = blob.write(&machine.extents).await.unwrap().location;
        machine.reopen(&[]);
        assert_eq!(blob.read(&machine.extents, &at).await.unwrap(), blob.bytes);
        let next = Blob::new(2, 1, true).write(&machine.extents).await.unwrap().location;
        assert_eq!(next.extent, at.extent + 1);
        let far = Location { extent: 9, ..at };
        machine.reopen(&[far, at]);
        let next = Blob::new(3, 1, true).write(&machine.extents).await.unwrap().location;
        assert_eq!(next.extent, 10);
    });
}
