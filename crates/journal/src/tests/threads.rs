//! The threaded front, on real and simulated disks.

use std::future::Future;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;

use crate::sim::{Power, SimDisk};
use crate::{
    CommitError, Committed, Disk, Frame, FsDisk, Journal, OpenError, Options, Place, ReadError,
    Recovery, Sequence, SyncReason, Ticket, ZoneHealth, ZoneReport,
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
    recovery.frames.map(|frame| frame.unwrap().payload).collect()
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
    let sequences: Vec<Sequence> =
        tickets.into_iter().map(|t| t.wait().unwrap().sequence).collect();
    assert!(sequences.is_sorted_by(|a, b| a < b));
    let read: Vec<_> = journal.read(Sequence(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(read.len(), 2000);
    assert_eq!((read[17].sequence, &read[17].payload), (sequences[17], &text(17)));
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
    let sequences: Vec<_> =
        (0..40).map(|n| journal.submit(big(n)).wait().unwrap().sequence).collect();
    journal.snapshot(sequences[29], &mut &b"view"[..]).unwrap();
    let early = journal.read(Sequence(0)).err().unwrap();
    assert!(matches!(early, ReadError::Truncated { .. }));
    drop(journal);
    let (_journal, recovery) = Journal::open(disks, options()).unwrap();
    let mut snapshot = recovery.snapshot.unwrap();
    let mut view = String::new();
    snapshot.body.read_to_string(&mut view).unwrap();
    assert_eq!((snapshot.sequence, view.as_str()), (sequences[29], "view"));
    let frames: Vec<_> =
        recovery.frames.map(Result::unwrap).map(|frame| (frame.sequence, frame.payload)).collect();
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
    journal.reattach(1, None).unwrap();
    assert_eq!(journal.health(), [const { ZoneHealth::Healthy }; 3]);
    sims[0].set_offline(true);
    journal.submit(text(1)).wait().unwrap();
    sims[2].set_offline(true);
    let unknown = journal.submit(text(2)).wait().unwrap_err();
    assert!(matches!(unknown, CommitError::Unknown(_)));
    let refused = journal.submit(text(3)).wait().unwrap_err();
    assert!(matches!(refused, CommitError::Unavailable(_)));
}

#[test]
fn an_answer_waits_for_the_slowest_zone_and_the_next_group_gathers_the_rest() {
    let (sims, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks, options()).unwrap();
    drop(recovery);
    let before = sims[0].syncs(SyncReason::Commit);
    sims[2].hold_syncs(true);
    let first = journal.submit(text(0));
    // The other zones have synced it, or will; the held one has not.
    while sims[0].syncs(SyncReason::Commit) == before {
        std::thread::yield_now();
    }
    let rest: Vec<_> = (1..100).map(|number| journal.submit(text(number))).collect();
    assert_eq!(first.outcome(), None);
    assert_eq!(journal.read(Sequence(0)).unwrap().count(), 0);
    sims[2].hold_syncs(false);
    first.wait().unwrap();
    for ticket in rest {
        ticket.wait().unwrap();
    }
    assert_eq!(sims[2].syncs(SyncReason::Commit), before + 2);
}

#[test]
fn limits_refuse_at_once() {
    let (sims, disks) = sim_zones();
    let limits = Options { payload_bytes_max: 100, queue_bytes_max: 250, ..options() };
    let (journal, recovery) = Journal::open(disks, limits).unwrap();
    drop(recovery);
    let refused = |ticket: Ticket| matches!(ticket.wait(), Err(CommitError::Unavailable(_)));
    assert!(refused(journal.submit(Bytes::from(vec![1; 101]))));
    sims[0].hold_syncs(true);
    let held: Vec<_> = (0..2).map(|_| journal.submit(Bytes::from(vec![1; 100]))).collect();
    assert!(refused(journal.submit(Bytes::from(vec![1; 100]))));
    sims[0].hold_syncs(false);
    assert!(held.into_iter().all(|ticket| ticket.wait().is_ok()));
    assert!(journal.submit(Bytes::from(vec![1; 100])).wait().is_ok());
    journal.close();
    assert!(refused(journal.submit(Bytes::new())));
}

#[test]
fn a_full_disk_refuses_and_loses_nothing_and_room_makes_it_work() {
    let (sims, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks.clone(), options()).unwrap();
    drop(recovery);
    sims.iter().for_each(|sim| sim.set_capacity(Some(sim.used_bytes() + 1000)));
    let big = Bytes::from(vec![9; 9000]);
    let mut kept = 0;
    let error = loop {
        match journal.submit(big.clone()).wait() {
            Ok(_) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    assert_eq!(journal.health(), [const { ZoneHealth::Healthy }; 3]);
    sims.iter().for_each(|sim| sim.set_capacity(None));
    journal.submit(text(1)).wait().unwrap();
    drop(journal);
    let (_journal, recovery) = Journal::open(disks, options()).unwrap();
    assert_eq!(payloads(recovery).len(), kept + 1);
}

fn open_error(disks: Vec<Arc<dyn Disk>>, options: Options) -> OpenError {
    Journal::open(disks, options).err().expect("refused")
}

#[test]
fn what_cannot_be_proved_whole_is_refused() {
    let (sims, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks.clone(), options()).unwrap();
    drop(recovery);
    let sequences: Vec<_> =
        (0..9).map(|n| journal.submit(text(n)).wait().unwrap().sequence).collect();
    drop(journal);
    let images: Vec<_> = sims.iter().map(SimDisk::image).collect();

    // The same acknowledged frame rotten everywhere is told from a torn end.
    let bytes = first_payload_of(&sims[0]);
    sims.iter().for_each(|sim| sim.rot_at("segment-0000000000000000", bytes));
    let error = open_error(disks.clone(), options());
    assert!(matches!(error, OpenError::Corrupt(at) if at == sequences[0]), "{error}");

    // One zone alone may be stale; the operator may say that it is not.
    sims.iter().zip(&images).for_each(|(sim, image)| sim.restore(image));
    sims[0].wipe();
    sims[2].wipe();
    let error = open_error(disks.clone(), options());
    assert!(matches!(error, OpenError::NoQuorum(_)), "{error}");
    let accepting = Options { accept_loss: true, ..options() };
    let (journal, recovery) = Journal::open(disks.clone(), accepting).unwrap();
    assert_eq!(recovery.zones, [ZoneReport::Lost, ZoneReport::Healthy, ZoneReport::Lost]);
    assert_eq!(payloads(recovery).len(), 9);
    drop(journal);

    let swapped = vec![disks[1].clone(), disks[0].clone(), disks[2].clone()];
    assert!(matches!(open_error(swapped, options()), OpenError::WrongZone(_)));
    let too_many = Options { min_zones: 4, ..options() };
    assert!(matches!(open_error(disks, too_many), OpenError::Options(_)));
}

/// Where the first payload's bytes are in the first segment: after its header, the opening's
/// frame and the payload's own header.
fn first_payload_of(sim: &SimDisk) -> usize {
    assert!(sim.names().contains(&"segment-0000000000000000".to_owned()));
    4096 + 88 + 64
}

#[test]
fn rot_in_one_zone_is_found_and_mended_by_a_scrub() {
    let (sims, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks, options()).unwrap();
    drop(recovery);
    (0..9).for_each(|n| {
        journal.submit(text(n)).wait().unwrap();
    });
    sims[1].rot_at("segment-0000000000000000", first_payload_of(&sims[1]));
    let report = journal.scrub();
    assert_eq!(report.lost, []);
    assert_eq!((report.zones[1].rotten_frames, report.zones[1].repaired), (1, true));
    assert_eq!((report.zones[0].rotten_frames, report.zones[0].repaired), (0, false));
    assert_eq!(journal.scrub().zones[1].rotten_frames, 0);
}

#[test]
fn a_reader_is_told_of_more_and_of_the_end() {
    let (_, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks, options()).unwrap();
    drop(recovery);
    let mut frames = journal.read(Sequence(0)).unwrap();
    assert!(frames.next().is_none());
    let after = journal.committed();
    let mut past = std::pin::pin!(journal.past(after));
    let mut context = Context::from_waker(Waker::noop());
    assert_eq!(past.as_mut().poll(&mut context), Poll::Pending);
    let Committed { sequence, place } = journal.submit(text(5)).wait().unwrap();
    assert_eq!(past.as_mut().poll(&mut context), Poll::Ready(true));
    assert_eq!(frames.next(), Some(Ok(Frame { sequence, place, payload: text(5) })));
    journal.close();
    let mut past = std::pin::pin!(journal.past(sequence));
    assert_eq!(past.as_mut().poll(&mut context), Poll::Ready(false));
}

#[test]
fn a_frame_is_read_by_its_place_from_any_zone_that_has_it() {
    let (sims, disks) = sim_zones();
    let (journal, recovery) = Journal::open(disks.clone(), options()).unwrap();
    drop(recovery);
    let first_epoch = journal.epoch();
    let big = |number: usize| Bytes::from(vec![u8::try_from(number).unwrap(); 9000 + number]);
    let mut done = Vec::new();
    for group in (0..20).collect::<Vec<_>>().chunks(4) {
        let submitted: Vec<_> = group.iter().map(|number| journal.submit(big(*number))).collect();
        done.extend(submitted.into_iter().map(|ticket| ticket.wait().unwrap()));
    }
    let read: Vec<_> = journal.read(Sequence(0)).unwrap().map(Result::unwrap).collect();
    for (number, (done, frame)) in done.iter().zip(&read).enumerate() {
        assert_eq!((done.sequence, done.place), (frame.sequence, frame.place));
        assert_eq!(journal.frame_at(done.place, 9000 + number), Ok(big(number)));
    }
    assert!(done.last().unwrap().place.segment > done[0].place.segment);
    assert_eq!(journal.rotten_reads(), 0);

    // A wrong length, a wrong place, and one beyond the end are no frames.
    let Place { segment, offset } = done[3].place;
    let nowhere = |place, bytes| journal.frame_at(place, bytes) == Err(ReadError::NoFrame(place));
    assert!(nowhere(done[3].place, 9002));
    assert!(nowhere(Place { segment, offset: offset + 8 }, 9003));
    assert!(nowhere(Place { segment: segment + 100, offset }, 9003));
    assert!(nowhere(Place { segment, offset: u64::MAX - 8 }, 9003));
    assert!(nowhere(done[19].place, 9100));

    // Rot in two zones of three is passed over and counted.
    let rotten = journal.rotten_reads();
    let at = usize::try_from(offset).unwrap() + 100;
    sims[0].rot_at("segment-0000000000000000", at);
    sims[1].rot_at("segment-0000000000000000", at);
    assert_eq!(journal.frame_at(done[3].place, 9003), Ok(big(3)));
    assert!(journal.rotten_reads() > rotten);
    assert_eq!(journal.scrub().zones[1].rotten_frames, 1);
    assert_eq!(journal.frame_at(done[3].place, 9003), Ok(big(3)));

    journal.snapshot(done[9].sequence, &mut &b"view"[..]).unwrap();
    let gone = journal.frame_at(done[0].place, 9000);
    assert!(matches!(gone, Err(ReadError::Truncated { .. })), "{gone:?}");
    assert_eq!(journal.frame_at(done[12].place, 9012), Ok(big(12)));
    drop(journal);
    let (journal, _) = Journal::open(disks, options()).unwrap();
    assert!(journal.epoch() > first_epoch);
    assert_eq!(journal.frame_at(done[12].place, 9012), Ok(big(12)));
}
