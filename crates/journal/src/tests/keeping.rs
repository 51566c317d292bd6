//! A log that is kept for ever, with checkpoints instead of snapshots.

use std::sync::Arc;

use bytes::Bytes;

use crate::sim::{Power, SimDisk};
use crate::{
    Committed, Disk, FsDisk, Journal, Options, Place, ReadError, Recovery, Sequence, ZoneReport,
};

const COUNT: usize = 120;
const BYTES: usize = 9000;

fn options() -> Options {
    Options { segment_bytes: 64 * 1024, open_files_max: 9, ..Options::new([7; 16]) }
}

fn payload(number: usize) -> Bytes {
    Bytes::from(vec![u8::try_from(number).unwrap(); BYTES])
}

fn sims() -> Vec<SimDisk> {
    (0..3).map(|seed| SimDisk::new(seed, Power::default())).collect()
}

fn open(sims: &[SimDisk]) -> (Journal, Recovery) {
    let disks: Vec<_> = sims.iter().map(|s| Arc::new(s.clone()) as Arc<dyn Disk>).collect();
    Journal::open(disks, options()).unwrap()
}

/// Commits [`COUNT`] payloads, each by itself.
fn fill(journal: &Journal) -> Vec<Committed> {
    (0..COUNT).map(|number| journal.submit(payload(number)).wait().unwrap()).collect()
}

/// Everything from `first` on is read in order and by its place.
fn check_kept(journal: &Journal, done: &[Committed], first: usize) {
    for (number, done) in done.iter().enumerate().skip(first) {
        assert_eq!(journal.frame_at(done.place, BYTES), Ok(payload(number)), "{number}");
    }
    let frames = journal.read(Sequence(done[first].sequence.0 - 1)).unwrap();
    let frames: Vec<_> = frames.map(Result::unwrap).collect();
    assert_eq!(frames.len(), done.len() - first);
    for (frame, number) in frames.into_iter().zip(first..) {
        let found = (frame.sequence, frame.place, frame.payload);
        assert_eq!(found, (done[number].sequence, done[number].place, payload(number)));
    }
}

/// Only `zone`'s copy is left to read.
fn check_kept_by(zone: usize, sims: &[SimDisk], done: &[Committed], first: usize) {
    let (journal, recovery) = open(sims);
    drop(recovery);
    for (number, sim) in sims.iter().enumerate() {
        sim.set_reads_fail(number != zone);
    }
    check_kept(&journal, done, first);
    sims.iter().for_each(SimDisk::heal);
}

#[test]
fn a_checkpoint_keeps_the_log_and_opening_reads_only_what_comes_after() {
    let sims = sims();
    let (journal, _) = open(&sims);
    let done = fill(&journal);
    let all = journal.segments();
    assert_eq!(all[0].first.segment, 0);
    assert!(all.len() > 15, "{all:?}");
    journal.checkpoint(done[110].sequence, done[20].place).unwrap();
    let kept = journal.segments();
    assert_eq!(kept[0].first.segment, done[20].place.segment);
    assert_eq!(&all[all.len() - kept.len()..], kept);
    let gone = journal.frame_at(done[0].place, BYTES);
    assert!(matches!(gone, Err(ReadError::Truncated { .. })), "{gone:?}");
    check_kept(&journal, &done, 20);
    drop(journal);

    let before: u64 = sims.iter().map(SimDisk::read_bytes).sum();
    let (journal, recovery) = open(&sims);
    let read = sims.iter().map(SimDisk::read_bytes).sum::<u64>() - before;
    let whole: u64 = kept.iter().map(|segment| segment.bytes).sum();
    assert!(read < 3 * whole / 2, "{read} bytes read of three times {whole}");
    assert_eq!(recovery.zones, [const { ZoneReport::Healthy }; 3]);
    let snapshot = recovery.snapshot.unwrap();
    assert_eq!((snapshot.sequence, snapshot.body.bytes()), (done[110].sequence, 0));
    let after: Vec<_> = recovery.frames.map(|frame| frame.unwrap().sequence).collect();
    assert_eq!(after, done[111..].iter().map(|done| done.sequence).collect::<Vec<_>>());
    assert_eq!(journal.segments()[0], kept[0]);
    check_kept(&journal, &done, 20);

    // More may go without a later view, and no less.
    journal.checkpoint(Sequence(0), done[40].place).unwrap();
    journal.checkpoint(done[100].sequence, Place::default()).unwrap();
    assert_eq!(journal.segments()[0].first.segment, done[40].place.segment);
    drop(journal);
    let (journal, recovery) = open(&sims);
    assert_eq!(recovery.snapshot.unwrap().sequence, done[110].sequence);
    check_kept(&journal, &done, 40);
    assert_eq!(journal.scrub().lost, []);
}

#[test]
fn what_a_zone_lacks_of_the_kept_log_is_copied() {
    let sims = sims();
    let (journal, _) = open(&sims);
    let done = fill(&journal);
    let stale = sims[1].image();
    journal.checkpoint(done[60].sequence, Place::default()).unwrap();
    let staler = sims[2].image();
    journal.checkpoint(done[110].sequence, Place::default()).unwrap();
    drop(journal);
    let reports = |zone: usize| {
        let (_, recovery) = open(&sims);
        recovery.zones[zone].clone()
    };

    let lost = format!("segment-{:016x}", done[50].place.segment);
    sims[0].remove(&lost).unwrap();
    assert_eq!(reports(0), ZoneReport::Rotten { frames: 0, files: 1 });
    check_kept_by(0, &sims, &done, 0);

    sims[1].wipe();
    assert_eq!(reports(1), ZoneReport::Lost);
    check_kept_by(1, &sims, &done, 0);

    // Put back to earlier days: to before any checkpoint, and to the one before.
    for (zone, image) in [(1, stale), (2, staler)] {
        sims[zone].restore(&image);
        assert_eq!(reports(zone), ZoneReport::Healthy);
        check_kept_by(zone, &sims, &done, 0);
    }
}

#[test]
fn a_zone_put_back_to_an_earlier_day_is_not_believed() {
    let sims = sims();
    let (journal, _) = open(&sims);
    for number in 0..COUNT / 2 {
        journal.submit(payload(number)).wait().unwrap();
    }
    let stale = sims[1].image();
    drop(journal);
    let (journal, recovery) = open(&sims);
    let mut done: Vec<_> = recovery.frames.map(Result::unwrap).collect();
    for number in COUNT / 2..COUNT {
        journal.submit(payload(number)).wait().unwrap();
    }
    done.extend(journal.read(done.last().unwrap().sequence).unwrap().map(Result::unwrap));
    let done: Vec<_> = done.into_iter().map(|f| (f.sequence, f.place)).collect();
    let done: Vec<_> =
        done.into_iter().map(|(sequence, place)| Committed { sequence, place }).collect();
    journal.checkpoint(done[110].sequence, Place::default()).unwrap();
    drop(journal);
    sims[1].restore(&stale);
    let (_, recovery) = open(&sims);
    assert!(matches!(recovery.zones[1], ZoneReport::Rotten { frames: 1.., .. }));
    check_kept_by(1, &sims, &done, 0);
}

#[test]
fn rot_in_the_kept_log_is_read_around_and_scrubbed_away() {
    let sims = sims();
    let (journal, _) = open(&sims);
    let done = fill(&journal);
    journal.checkpoint(done[110].sequence, Place::default()).unwrap();
    drop(journal);
    let segment = format!("segment-{:016x}", done[50].place.segment);
    for sim in &sims[..2] {
        sim.rot_at(&segment, usize::try_from(done[50].place.offset).unwrap() + 80);
    }
    let (journal, recovery) = open(&sims);
    assert_eq!(recovery.zones, [const { ZoneReport::Healthy }; 3]);
    check_kept(&journal, &done, 0);
    let report = journal.scrub();
    let rotten: Vec<_> = report.zones.iter().map(|z| (z.rotten_frames, z.repaired)).collect();
    assert_eq!(rotten, [(1, true), (1, true), (0, false)]);
    let passed_over = journal.rotten_reads();
    check_kept(&journal, &done, 0);
    assert_eq!(journal.rotten_reads(), passed_over);
}

#[test]
fn few_files_are_open_however_long_the_log_is() {
    let root = tempfile::tempdir().unwrap();
    let path = |name: &str| root.path().join(name);
    let disks = ["a", "b", "c"].map(|name| Arc::new(FsDisk::open(&path(name)).unwrap()) as _);
    let (journal, _) = Journal::open(disks, options()).unwrap();
    let done = fill(&journal);
    check_kept(&journal, &done, 0);
    let links = std::fs::read_dir("/proc/self/fd").unwrap();
    let links = links.filter_map(|link| std::fs::read_link(link.unwrap().path()).ok());
    let links = links.filter(|link| link.starts_with(root.path()));
    let segments =
        links.filter(|link| link.file_name().unwrap().to_str().unwrap().starts_with("segment-"));
    let (open, all) = (segments.count(), 3 * journal.segments().len());
    assert!(open <= options().open_files_max && all > 45, "{open} open of {all}");
}
