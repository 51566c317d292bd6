//! What becomes of garbage and of damage.

use std::time::Duration;

use super::*;
use crate::keeping::Keeping;

fn log_bytes(machine: &Machine) -> u64 {
    machine.disks.iter().map(SimDisk::used_bytes).sum()
}

fn extent_bytes(machine: &Machine) -> u64 {
    machine.extents.iter().map(SimDisk::used_bytes).sum()
}

async fn drop_row(engine: &Engine, row: &str, blob: BlobId) {
    let row = row.to_owned();
    let decide = |change: &mut Change<'_>| {
        change.remove(row);
        change.drop_blob(blob);
        Ok::<_, std::convert::Infallible>(())
    };
    let Ok(()) = engine.commit(decide).await.expect("made");
}

/// Rounds until nothing is left to do, as the tender makes them.
async fn tidy(engine: &Engine) {
    let mut keeping = Keeping::default();
    let mut quiet = 0;
    for _ in 0..500 {
        let emptied = engine.shared().compact().await.expect("compacts");
        let removed = engine.shared().collect_after(&mut keeping, Duration::ZERO).await;
        // The index takes the moves in, and only then they count.
        tokio::time::sleep(Duration::from_millis(5)).await;
        let removed = removed.expect("collects");
        quiet = if emptied + removed == 0 { quiet + 1 } else { 0 };
        if quiet == 10 {
            return;
        }
    }
    panic!("there is no end to it");
}

#[tokio::test]
async fn what_is_garbage_gives_its_room_back_and_what_lives_stays() {
    let machine = Machine::new(1);
    let (engine, _) = machine.open(small());
    let mut blobs = Vec::new();
    for n in 0..400_u32 {
        let bytes = if n % 10 == 0 { vec![1; 100_000] } else { n.to_le_bytes().repeat(200) };
        let row = format!("row/{n:04}");
        let id = put_blob(&engine, &row, &bytes, Some(BlobKey([3; 32]))).await;
        blobs.push((row, id, bytes));
    }
    let (log, extents) = (log_bytes(&machine), extent_bytes(&machine));
    let (gone, kept): (Vec<_>, Vec<_>) =
        blobs.into_iter().enumerate().partition(|(n, _)| n % 40 != 0 && n % 40 != 7);
    for (_, (row, id, _)) in &gone {
        drop_row(&engine, row, *id).await;
    }
    // The extent that is written into is let be, however little of it lives.
    close(engine).await;
    let (engine, _) = machine.open(small());
    tidy(&engine).await;
    assert!(log_bytes(&machine) * 2 < log, "{} of {log}", log_bytes(&machine));
    assert!(extent_bytes(&machine) * 2 < extents, "{} of {extents}", extent_bytes(&machine));
    let check = async |engine: &Engine| {
        for (_, (row, id, bytes)) in &kept {
            assert_eq!(get(engine, row), Some(id.0.to_string()));
            let read = read(engine, *id, Some(BlobKey([3; 32])), 0..u64::MAX).await;
            assert_eq!(read.as_ref(), Ok(bytes));
        }
        assert_eq!(everything(engine).len(), kept.len());
        for (_, (_, id, _)) in &gone {
            assert_eq!(
                read(engine, *id, Some(BlobKey([3; 32])), 0..9).await,
                Err(ReadError::NoSuchBlob(id.0))
            );
        }
    };
    check(&engine).await;
    close(engine).await;
    std::fs::remove_file(machine.index()).expect("there is one");
    let (engine, found) = machine.open(small());
    assert!(matches!(found.index, FoundIndex::Rebuilt(_)));
    check(&engine).await;
    close(engine).await;
}

#[tokio::test]
async fn a_row_that_moves_keeps_its_stamp() {
    let machine = Machine::new(2);
    let (engine, _) = machine.open(small());
    put(&engine, "stays", "as it is").await.expect("put");
    let before = engine.get(b"stays").expect("read").expect("there");
    for n in 0..500 {
        put(&engine, "changes", &n.to_string().repeat(60)).await.expect("put");
    }
    let log = log_bytes(&machine);
    tidy(&engine).await;
    assert!(log_bytes(&machine) < log);
    assert_eq!(engine.get(b"stays").expect("read"), Some(before));
    close(engine).await;
}

#[tokio::test]
async fn a_lost_zone_is_made_again_so_that_another_may_go() {
    let machine = Machine::new(3);
    let (engine, _) = machine.open(small());
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    let mut blobs = Vec::new();
    for n in 0..10 {
        blobs.push(put_blob(&engine, &format!("row/{n}"), &bytes, None).await);
    }
    close(engine).await;
    for lost in [0, 2, 1] {
        machine.extents[lost].wipe();
        let (engine, _) = machine.open(small());
        let report = engine.scrub().await.expect("can be looked at");
        assert_eq!((report.blobs, report.damaged, report.not_mended), (10, 10, 0), "{report:?}");
        assert_eq!(report.mended + report.moved, 10, "{report:?}");
        let again = engine.scrub().await.expect("can be looked at");
        assert_eq!((again.damaged, again.index_damage.clone()), (0, None), "{again:?}");
        for blob in &blobs {
            assert_eq!(read(&engine, *blob, None, 0..u64::MAX).await.as_ref(), Ok(&bytes));
        }
        close(engine).await;
    }
}

#[tokio::test]
async fn the_debt_of_a_zone_that_was_away_is_paid() {
    let machine = Machine::new(4);
    let (engine, _) = machine.open(small());
    machine.extents[1].set_writes_fail(true);
    let bytes = vec![5; 200_000];
    let blob = put_blob(&engine, "row", &bytes, None).await;
    machine.extents[1].set_writes_fail(false);
    engine.shared().extents.set_zone(1, Some(Arc::new(machine.extents[1].clone())));
    let report = engine.scrub().await.expect("can be looked at");
    assert_eq!((report.damaged, report.moved, report.not_mended), (0, 1, 0), "{report:?}");
    assert_eq!(engine.scrub().await.expect("can be looked at").moved, 0);
    machine.extents[0].set_reads_fail(true);
    assert_eq!(read(&engine, blob, None, 0..u64::MAX).await.as_ref(), Ok(&bytes));
    close(engine).await;
}

#[tokio::test]
async fn a_zone_that_was_taken_out_is_left_alone_and_caught_up_when_it_is_back() {
    let machine = Machine::new(6);
    let (engine, _) = machine.open(small());
    let bytes = vec![7; 200_000];
    let before = put_blob(&engine, "before", &bytes, None).await;
    engine.take_out(1).await.expect("two are left");
    assert!(matches!(engine.health().zones[1], ZoneHealth::Failed(_)));
    let refused = engine.take_out(2).await;
    assert!(matches!(refused, Err(CommitError::Unavailable(_))), "{refused:?}");
    machine.extents[1].set_reads_fail(true);
    machine.extents[1].set_writes_fail(true);
    let meanwhile = put_blob(&engine, "meanwhile", &bytes, None).await;
    let report = engine.scrub().await.expect("can be looked at");
    assert_eq!((report.blobs, report.damaged, report.moved), (2, 0, 0), "{report:?}");
    for blob in [before, meanwhile] {
        assert_eq!(read(&engine, blob, None, 0..u64::MAX).await.as_ref(), Ok(&bytes));
    }

    machine.extents[1].set_reads_fail(false);
    machine.extents[1].set_writes_fail(false);
    engine.bring_back(1);
    while engine.health().zones != vec![ZoneHealth::Healthy; 3] {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let report = engine.scrub().await.expect("can be looked at");
    assert_eq!((report.damaged, report.not_mended), (0, 0), "{report:?}");
    machine.extents[0].set_reads_fail(true);
    for blob in [before, meanwhile] {
        assert_eq!(read(&engine, blob, None, 0..u64::MAX).await.as_ref(), Ok(&bytes));
    }
    close(engine).await;
}

#[tokio::test]
async fn a_blob_goes_where_its_layout_says() {
    let machine = Machine::new(5);
    let (engine, _) = machine.open(small());
    let bytes = vec![6; 200_000];
    let blob = put_blob(&engine, "row", &bytes, None).await;
    engine.lay_out(blob, Layout::OneZone(2)).await.expect("moved");
    for zone in [0, 1] {
        machine.extents[zone].set_reads_fail(true);
    }
    assert_eq!(read(&engine, blob, None, 0..u64::MAX).await.as_ref(), Ok(&bytes));
    for zone in [0, 1] {
        machine.extents[zone].set_reads_fail(false);
    }
    engine.lay_out(blob, Layout::Zones).await.expect("moved");
    machine.extents[2].set_reads_fail(true);
    assert_eq!(read(&engine, blob, None, 0..u64::MAX).await.as_ref(), Ok(&bytes));
    close(engine).await;
}

#[tokio::test]
async fn a_small_blob_of_one_zone_is_in_that_one_alone() {
    let machine = Machine::new(6);
    let (engine, _) = machine.open(small());
    let written = async |engine: &Engine, key| {
        let mut writer = engine.write(5, Layout::OneZone(1), key).await.expect("there is room");
        writer.push(Bytes::from_static(b"hello")).await.expect("taken");
        let blob = writer.finish().await.expect("synced");
        let attach = |change: &mut Change<'_>| Ok::<_, ()>(change.attach(blob));
        engine.commit(attach).await.expect("durable").expect("decided")
    };
    let plain = written(&engine, None).await;
    let sealed = written(&engine, Some(BlobKey([1; 32]))).await;
    let moved = put_blob(&engine, "row", b"hello", None).await;
    engine.lay_out(moved, Layout::OneZone(1)).await.expect("moved");
    let all = [(plain, None), (sealed, Some(BlobKey([1; 32]))), (moved, None)];
    let readable = async |expected: bool| {
        for (blob, key) in all.clone() {
            let bytes = read(&engine, blob, key, 0..u64::MAX).await;
            assert_eq!(bytes.as_ref().is_ok_and(|bytes| bytes == b"hello"), expected, "{bytes:?}");
        }
    };
    for zone in [0, 2] {
        machine.extents[zone].set_reads_fail(true);
    }
    readable(true).await;
    machine.extents[1].set_reads_fail(true);
    machine.extents[0].set_reads_fail(false);
    readable(false).await;
    close(engine).await;
}
