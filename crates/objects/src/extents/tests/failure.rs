//! Zones that fail, fill up or are slow while blobs are written.

use std::time::Duration;

use journal::{Disk, FsDisk};

use super::*;
use crate::extents::{Form, Health, ZoneSet};

fn whole(zones: &[usize]) -> Form {
    Form::Whole(zones.iter().copied().collect::<ZoneSet>())
}

impl Machine {
    /// Whether what a zone holds durably, with nothing unsynced, is enough to read the blob
    /// while `lost` is gone too.
    async fn survives(&self, blob: &Blob, at: &Location, lost: usize) -> bool {
        let disks = self.disks.iter().enumerate().map(|(zone, disk)| {
            let copy = SimDisk::new(0, Power::default());
            copy.restore(&disk.image());
            (zone != lost).then(|| Arc::new(copy) as Arc<dyn Disk>)
        });
        let extents = Extents::open(disks.collect(), 1, []).unwrap();
        blob.read(&extents, at).await.is_ok_and(|bytes| bytes == blob.bytes)
    }
}

/// Each way for one zone to fail leaves the blob whole in both others, before the answer.
#[test]
fn a_zone_that_fails_is_left_out() {
    let check = |fail: fn(&SimDisk)| {
        for zone in 0..3 {
            let machine = Machine::new(3, 2);
            runtime().block_on(async {
                let before = Blob::new(1, 200_000, true);
                let before_at = before.write(&machine.extents).await.unwrap().location;
                fail(&machine.disks[zone]);
                for bytes in [200_000, 70_000, 1_500_000] {
                    let blob = Blob::new(bytes, bytes as usize, true);
                    let at = blob.write(&machine.extents).await.unwrap().location;
                    let others: Vec<usize> = (0..3).filter(|other| *other != zone).collect();
                    assert_eq!(at.form(), whole(&others));
                    assert!(machine.extents.owes(&at));
                    for lost in 0..3 {
                        assert!(machine.survives(&blob, &at, lost).await, "without {lost}");
                    }
                }
                assert!(matches!(machine.extents.health()[zone], Health::Out(_)));
                assert_eq!(before.read(&machine.extents, &before_at).await.unwrap(), before.bytes);
            });
        }
    };
    check(|disk| disk.set_writes_fail(true));
    check(|disk| disk.set_syncs_fail(true));
    check(|disk| disk.fail_next_sync());
    check(|disk| disk.set_offline(true));
    // The directory is emptied under the open files.
    check(|disk| disk.wipe());
}

/// A zone that fails in the middle of a long blob.
#[test]
fn a_zone_fails_under_way() {
    for (zone, id) in [(0, 3), (1, 3), (2, 3), (0, 4), (1, 5)] {
        let machine = Machine::new(3, 2);
        runtime().block_on(async {
            let blob = Blob::new(id, 3_000_000, true);
            let bytes = blob.bytes.len() as u64;
            let begun = machine.extents.begin(blob.id, bytes, Layout::Zones, blob.key.clone());
            let mut writer = begun.await.unwrap();
            writer.push(blob.bytes.slice(..1_700_000)).await.unwrap();
            machine.disks[zone].set_writes_fail(true);
            writer.push(blob.bytes.slice(1_700_000..)).await.unwrap();
            let at = writer.finish().await.unwrap().location;
            assert_ne!(at.form(), Form::Striped);
            for lost in 0..3 {
                assert!(machine.survives(&blob, &at, lost).await);
            }
        });
    }
}

/// All uploads of a file whose sync failed are finished elsewhere.
#[test]
fn a_failed_sync_is_everyones_in_the_file() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        machine.disks[1].hold_syncs(true);
        let writes = (1..20u64).map(|id| {
            let extents = machine.extents.clone();
            tokio::spawn(async move {
                let blob = Blob::new(id, 90_000, false);
                let written = blob.write(&extents).await.unwrap();
                (blob, written.location)
            })
        });
        let writes: Vec<_> = writes.collect();
        machine.disks[1].fail_next_sync();
        machine.disks[1].hold_syncs(false);
        for write in writes {
            let (blob, at) = write.await.unwrap();
            for lost in 0..3 {
                assert!(machine.survives(&blob, &at, lost).await);
            }
        }
    });
}

#[test]
fn too_few_zones_refuse() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let blob = Blob::new(1, 800_000, false);
        let begin = || machine.extents.begin(blob.id, 800_000, Layout::Zones, None);
        let mut under_way = begin().await.unwrap();
        under_way.push(blob.bytes.slice(..700_000)).await.unwrap();
        machine.disks[0].set_writes_fail(true);
        machine.disks[2].set_syncs_fail(true);
        let pushed = under_way.push(blob.bytes.slice(700_000..)).await;
        let finished = match pushed {
            Ok(()) => under_way.finish().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(finished, Err(WriteError::Unavailable(_))), "{finished:?}");
        assert!(matches!(begin().await, Err(WriteError::Unavailable(_))));

        // One zone is enough for what is to be in one zone, if it is that one.
        for (zone, expected) in [(0, false), (1, true), (2, false)] {
            let written = blob.write_as(&machine.extents, Layout::OneZone(zone)).await;
            assert_eq!(written.is_ok(), expected, "zone {zone}");
        }
        // A zone that is set anew is one again.
        machine.disks[0].heal();
        machine.extents.set_zone(0, given(&machine.disks[0]));
        let at = blob.write(&machine.extents).await.unwrap().location;
        assert_eq!(at.form(), whole(&[0, 1]));
        machine.disks[2].heal();
        machine.extents.set_zone(2, given(&machine.disks[2]));
        let paid = machine.extents.copy(blob.id, &at).await.unwrap().location;
        assert_eq!(paid.form(), Form::Striped);
        assert_eq!(blob.read(&machine.extents, &paid).await.unwrap(), blob.bytes);
    });
}

/// Full disks refuse, keep what they have, leave nothing behind and serve again with room.
#[test]
fn full_disks_refuse_and_leave_nothing_behind() {
    for at_sync in [false, true] {
        let machine = Machine::new(3, 2);
        runtime().block_on(async {
            let small = Blob::new(1, 200_000, false);
            let large = Blob::new(2, 2_000_000, false);
            for disk in &machine.disks {
                disk.set_capacity(Some(400_000));
                disk.set_capacity_at_sync(at_sync);
            }
            let refused = large.write(&machine.extents).await.map(drop);
            assert!(matches!(refused, Err(WriteError::Full(_))), "{refused:?}");
            machine.emptied().await;
            let at = small.write(&machine.extents).await.unwrap().location;
            let refused = large.write(&machine.extents).await.map(drop);
            assert!(matches!(refused, Err(WriteError::Full(_))), "{refused:?}");
            for disk in &machine.disks {
                disk.set_capacity(None);
            }
            let large_at = large.write(&machine.extents).await.unwrap().location;
            assert_eq!(large_at.form(), Form::Striped);
            assert_eq!(small.read(&machine.extents, &at).await.unwrap(), small.bytes);
            assert_eq!(machine.extents.health(), vec![Health::Healthy; 3]);
        });
    }
}

/// One full zone is done without, and is not put out for it.
#[test]
fn one_full_zone_is_done_without() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        machine.disks[1].set_capacity(Some(100_000));
        for id in 0..10 {
            let blob = Blob::new(id, 500_000, true);
            let at = blob.write(&machine.extents).await.unwrap().location;
            assert_eq!(at.form(), whole(&[0, 2]));
            assert!(machine.survives(&blob, &at, 0).await);
        }
        assert_eq!(machine.extents.health(), vec![Health::Healthy; 3]);
        // Not a new extent each time.
        assert!(machine.disks[0].names().len() <= 2);
    });
}

/// An upload that is given up leaves no file behind.
#[test]
fn what_is_given_up_is_removed() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let bytes = 65 << 20;
        let mut long = machine.extents.begin(BlobId(1), bytes, Layout::Zones, None).await.unwrap();
        long.push(vec![1; 3 << 20].into()).await.unwrap();
        assert_eq!(machine.disks[0].names().len(), 1);
        drop(long);
        machine.emptied().await;
    });
}

impl Machine {
    /// Waits until no zone has a file.
    async fn emptied(&self) {
        while self.disks.iter().any(|disk| !disk.names().is_empty()) {
            tokio::task::yield_now().await;
        }
    }
}

/// A slow zone holds up the answer and nothing else.
#[test]
fn nothing_is_answered_before_the_slowest_zone() {
    let machine = Machine::new(3, 2);
    runtime().block_on(async {
        let old = Blob::new(1, 300_000, true);
        let old_at = old.write(&machine.extents).await.unwrap().location;
        machine.disks[2].hold_syncs(true);
        let slow = Blob::new(2, 300_000, true);
        let (extents, blob) = (machine.extents.clone(), slow.clone());
        let mut write = tokio::spawn(async move { blob.write(&extents).await });
        // Other zones work meanwhile, and so do reads.
        let other = Blob::new(3, 300_000, true);
        other.write_as(&machine.extents, Layout::OneZone(0)).await.unwrap();
        assert_eq!(old.read(&machine.extents, &old_at).await.unwrap(), old.bytes);
        let early = tokio::time::timeout(Duration::from_millis(30), &mut write).await;
        assert!(early.is_err());
        machine.disks[2].hold_syncs(false);
        let at = write.await.unwrap().unwrap().location;
        assert_eq!(slow.read(&machine.extents, &at).await.unwrap(), slow.bytes);
    });
}

/// On real directories: one that is removed, emptied or another one while blobs are written.
#[test]
fn directories_that_go_are_noticed() {
    let check = |harm: fn(&std::path::Path)| {
        let root = tempfile::tempdir().unwrap();
        let path = |zone: usize| root.path().join(zone.to_string());
        let disk = |zone| Some(Arc::new(FsDisk::open(&path(zone)).unwrap()) as Arc<dyn Disk>);
        let extents = Extents::open((0..3).map(disk).collect(), 2, []).unwrap();
        runtime().block_on(async {
            let blob = Blob::new(1, 400_000, true);
            let at = blob.write(&extents).await.unwrap().location;
            assert_eq!(at.form(), Form::Striped);
            assert_eq!(extents.verify(blob.id, &at, &mut |_| {}), []);
            harm(&path(1));
            let next = Blob::new(2, 400_000, true);
            let next_at = next.write(&extents).await.unwrap().location;
            assert_eq!(next_at.form(), whole(&[0, 2]));
            assert!(matches!(extents.health()[1], Health::Out(_)));
            let found = extents.verify(blob.id, &at, &mut |_| {});
            assert_eq!(found.len(), 1);
            assert_eq!(blob.read(&extents, &at).await.unwrap(), blob.bytes);

            // An empty directory in its place is filled again.
            let _ = std::fs::remove_dir_all(path(1));
            extents.set_zone(1, disk(1));
            let found = extents.verify(blob.id, &at, &mut |_| {});
            extents.mend(blob.id, &at, &found).unwrap();
            extents.set_zone(2, None);
            assert_eq!(blob.read(&extents, &at).await.unwrap(), blob.bytes);
        });
    };
    check(|path| std::fs::remove_dir_all(path).unwrap());
    check(|path| {
        for entry in std::fs::read_dir(path).unwrap() {
            std::fs::remove_file(entry.unwrap().path()).unwrap();
        }
    });
    check(|path| {
        let copy = path.with_extension("old");
        std::fs::rename(path, &copy).unwrap();
        std::fs::create_dir(path).unwrap();
        for entry in std::fs::read_dir(&copy).unwrap() {
            let from = entry.unwrap().path();
            std::fs::copy(&from, path.join(from.file_name().unwrap())).unwrap();
        }
        std::fs::remove_file(path.join("extent-0000000000000000")).unwrap();
    });
}
