//! The threaded front, on real and simulated disks.

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use crate::sim::{Power, SimDisk};
use crate::{
    CommitError, Disk, FsDisk, Journal, Options, ReadError, Recovery, Sequence, ZoneHealth,
    ZoneReport,
};

fn options() -> Options {
    Options { segment_bytes: 64 * 1024, ..Options::new([7; 16]) }
}

fn real_zones(root: &Path) -> Vec<Arc<dyn Disk>> {
    let open = |name| {
        let disk = FsDisk::open(&root.join(name).join("log")).unwrap();
        Arc::new(disk) as Arc<dyn Disk>
    };
    ["a", "b", "c"].map(open).into()
}

fn sim_zones() -> (Vec<SimDisk>, Vec<Arc<dyn Disk>>) {
    let power = Power::default();
    let sims: Vec<SimDisk> = (0..3).map(|seed| SimDisk::new(seed, power.clone())).collect();
    let disks = sims.iter().map(|sim| Arc::new(sim.clone()) as Arc<dyn Disk>).collect();
    (sims, disks)
}

fn payloads(recovery: Recovery) -> Vec<Bytes> {
    recovery.frames.map(|frame| frame.unwrap().1).collect()
}

fn text(number: usize) -> Bytes {
    Bytes::from(format!("payload {number}"))
}

#[test]
fn what_was_acknowledged_is_there_after_opening_again() {
    let root = tempfile::tempdir().unwrap();
    let (journal, recovery) = Journal::open(real_zones(root.path()), options()).unwrap();
    assert!(recovery.created);
    assert_eq!(recovery.zones, [const { ZoneReport::Healthy }; 3]);
    drop(recovery);
    let tickets: Vec<_> = (0..2000).map(|number| journal.submit(text(number))).collect();
    let sequences: Vec<Sequence> = tickets.into_iter().map(|t| t.wait().unwrap()).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b));
    let read: Vec<_> = journal.read(Sequence(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 2000);
    assert_eq!(read[17], (sequences[17], text(17)));
    let rest: Vec<_> = journal.read(sequences[1990]).unwrap().map(Result::unwrap).collect();
    assert_eq!(rest.len(), 9);
    drop((journal, read));

    let (_journal, recovery) = Journal::open(real_zones(root.path()), options()).unwrap();
    assert_eq!(recovery.zones, [const { ZoneReport::Healthy }; 3]);
    assert!(!recovery.created);
    assert_eq!(payloads(recovery), (0..2000).map(text).collect::<Vec<_>>());
}

#[test]
fn a_deleted_zone_directory_is_copied_again_and_reported() {
    let root = tempfile::tempdir().unwrap();
    let mut expected = Vec::new();
    for (run, zone) in ["a", "b", "c"].into_iter().enumerate() {
        let (journal, recovery) = Journal::open(real_zones(root.path()), options()).unwrap();
        drop(recovery);
        for number in 0..50 {
            expected.push(text(run * 50 + number));
            journal.submit(text(run * 50 + number)).wait().unwrap();
        }
        drop(journal);
        std::fs::remove_dir_all(root.path().join(zone)).unwrap();
        let (_journal, recovery) = Journal::open(real_zones(root.path()), options()).unwrap();
        assert_eq!(recovery.zones[run], ZoneReport::Lost);
        assert_eq!(payloads(recovery), expected);
    }
}

#[test]
fn a_directory_is_held_by_one_opener() {
    let root = tempfile::tempdir().unwrap();
    let _held = FsDisk::open(root.path()).unwrap();
    let error = FsDisk::open(root.path()).err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock);
}

#[test]
fn a_snapshot_takes_the_place_of_the_log_before_it() {
    let (_, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks.clone(), options()).unwrap();
    drop(recovery);
    let big = |number: usize| Bytes::from(vec![u8::try_from(number).unwrap(); 9000]);
    let sequences: Vec<_> = (0..40).map(|n| journal.submit(big(n)).wait().unwrap()).collect();
    journal.snapshot(sequences[29], &mut &b"view"[..]).unwrap();
    let early = journal.read(Sequence(0)).err().unwrap();
    assert!(matches!(early, ReadError::Truncated { .. }));
    drop(journal);
    let (_journal, recovery) = Journal::open(disks, options()).unwrap();
    let mut snapshot = recovery.snapshot.unwrap();
    let mut view = String::new();
    snapshot.body.read_to_string(&mut view).unwrap();
    assert_eq!((snapshot.sequence, view.as_str()), (sequences[29], "view"));
    let frames: Vec<_> = recovery.frames.map(Result::unwrap).collect();
    assert_eq!(frames, (30..40).map(|n| (sequences[n], big(n))).collect::<Vec<_>>());
}

#[test]
fn a_zone_that_fails_is_dropped_and_comes_back() {
    let (sims, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks, options()).unwrap();
    drop(recovery);
    sims[1].set_syncs_fail(true);
    journal.submit(text(0)).wait().unwrap();
    assert!(matches!(journal.health()[1], ZoneHealth::Failed(_)));
    sims[1].heal();
    journal.reattach(1, None).wait().unwrap();
    assert_eq!(journal.health(), [const { ZoneHealth::Healthy }; 3]);
    sims[0].set_offline(true);
    journal.submit(text(1)).wait().unwrap();
    sims[2].set_offline(true);
    let unknown = journal.submit(text(2)).wait().unwrap_err();
    assert!(matches!(unknown, CommitError::Unknown(_)));
    let refused = journal.submit(text(3)).wait().unwrap_err();
    assert!(matches!(refused, CommitError::Unavailable(_)));
}
