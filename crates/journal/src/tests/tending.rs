//! Zones that go away and come back under a running journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use crate::sim::{Power, SimDisk};
use crate::{
    DetachError, Disk, FsDisk, Journal, Options, ReattachError, Sequence, TendReport, ZoneHealth,
    open_folder,
};

const HEALTHY: [ZoneHealth; 3] = [const { ZoneHealth::Healthy }; 3];

fn folders(root: &Path) -> [PathBuf; 3] {
    ["a", "b", "c"].map(|name| root.join(name))
}

fn open(root: &Path) -> Journal {
    let disks = folders(root).map(|path| open_folder(&path).unwrap());
    Journal::open(disks, Options::new([7; 16])).unwrap().0
}

fn commit(journal: &Journal, text: &'static str) {
    journal.submit(Bytes::from(text)).wait().unwrap();
}

fn returned(report: &TendReport) -> Vec<usize> {
    report.returned.iter().map(|(zone, _)| *zone).collect()
}

/// `zone`'s copy and one other are enough to read everything.
fn check_whole(root: &Path, without: usize, expected: &[&str]) {
    std::fs::remove_dir_all(&folders(root)[without]).unwrap();
    let journal = open(root);
    let found: Vec<_> = journal.read(Sequence(0)).unwrap().map(|f| f.unwrap().payload).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_folder_that_is_gone_is_noticed_and_copied_again() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    commit(&journal, "before");
    assert_eq!(journal.tend(false), TendReport::default());
    std::fs::remove_dir_all(&folders(root.path())[1]).unwrap();
    assert_eq!(returned(&journal.tend(false)), [1]);
    // Removed and made again between two rounds: the open files are found by nobody.
    std::fs::remove_dir_all(&folders(root.path())[1]).unwrap();
    std::fs::create_dir(&folders(root.path())[1]).unwrap();
    assert_eq!(returned(&journal.tend(false)), [1]);
    // One file is enough.
    std::fs::remove_file(folders(root.path())[1].join("identity")).unwrap();
    assert_eq!(returned(&journal.tend(false)), [1]);
    assert_eq!(journal.health(), HEALTHY);
    commit(&journal, "after");
    drop(journal);
    check_whole(root.path(), 0, &["before", "after"]);
}

#[test]
fn a_folder_that_could_not_be_opened_is_tried_again() {
    let root = tempfile::tempdir().unwrap();
    drop(open(root.path()));
    let folder = &folders(root.path())[2];
    std::fs::remove_dir_all(folder).unwrap();
    std::fs::write(folder, "in the way").unwrap();
    let journal = open(root.path());
    assert!(matches!(journal.health()[2], ZoneHealth::Failed(_)));
    let report = journal.tend(false);
    assert!(matches!(report.away[..], [(2, ReattachError::Failed { .. })]), "{report:?}");
    std::fs::remove_file(folder).unwrap();
    assert_eq!(returned(&journal.tend(false)), [2]);
    assert_eq!(journal.health(), HEALTHY);
}

#[test]
fn a_zone_that_was_taken_out_stays_out_until_it_is_brought_back() {
    let root = tempfile::tempdir().unwrap();
    let journal = open(root.path());
    commit(&journal, "all");
    journal.detach(0, "a new disk").unwrap();
    commit(&journal, "two");
    assert_eq!(journal.tend(true).returned, []);
    let out = ZoneHealth::Failed("taken out: a new disk".into());
    assert_eq!(journal.health()[0], out);
    let refused = DetachError::TooFew { zone: 1, left: 1, needed: 2 };
    assert_eq!(journal.detach(1, "too"), Err(refused));
    assert_eq!(journal.detach(3, "none"), Err(DetachError::NoZone(3)));
    commit(&journal, "still two");

    std::fs::remove_dir_all(&folders(root.path())[0]).unwrap();
    let fresh = FsDisk::open(&folders(root.path())[0]).unwrap();
    journal.reattach(0, Some(Arc::new(fresh))).unwrap();
    assert_eq!(journal.health(), HEALTHY);
    // Taken out while it has failed anyhow, it is left alone too.
    std::fs::remove_dir_all(&folders(root.path())[2]).unwrap();
    journal.drop_vanished();
    journal.detach(2, "for good").unwrap();
    assert_eq!(journal.tend(false).returned, []);
    journal.reattach(2, None).unwrap();
    assert_eq!(journal.health(), HEALTHY);
    // Released, it is a failed zone as any other. What is not the journal's is left alone.
    let others = folders(root.path())[0].join("others");
    std::fs::create_dir(&others).unwrap();
    std::fs::write(others.join("file"), "theirs").unwrap();
    journal.detach(0, "for a while").unwrap();
    commit(&journal, "two again");
    journal.release(0);
    assert_eq!(returned(&journal.tend(false)), [0]);
    assert_eq!(journal.health(), HEALTHY);
    assert_eq!(std::fs::read(others.join("file")).unwrap(), b"theirs");
    drop(journal);
    check_whole(root.path(), 1, &["all", "two", "still two", "two again"]);
}

#[test]
fn rot_that_a_reader_met_is_scrubbed_soon() {
    let sims: Vec<_> = (0..3).map(|seed| SimDisk::new(seed, Power::default())).collect();
    let disks: Vec<_> = sims.iter().map(|s| Arc::new(s.clone()) as Arc<dyn Disk>).collect();
    let (journal, _) = Journal::open(disks, Options::new([7; 16])).unwrap();
    let done = journal.submit(Bytes::from("payload")).wait().unwrap();
    let place = usize::try_from(done.place.offset).unwrap();
    sims[0].rot_at("segment-0000000000000000", place + 66);
    assert_eq!(journal.tend(false).scrub, None);
    assert_eq!(journal.frame_at(done.place, 7).unwrap(), "payload");
    let scrub = journal.tend(false).scrub.unwrap();
    assert_eq!((scrub.zones[0].rotten_frames, scrub.zones[0].repaired), (1, true));
    assert_eq!(journal.tend(false).scrub, None);
}
