//! The journal's threads in many orders: each test runs some hundred times, and every
//! time it takes or lets go of a lock, waits or is woken, another thread may go on instead. A
//! thread that waits for ever fails its test.
//!
//! `RUSTFLAGS="--cfg shuttle" cargo test --package journal --lib orders` runs these; the other
//! tests run threads of the system, which shuttle's locks are not made for. A failure prints
//! the order that it happened in, which `shuttle::replay` runs again.

use std::sync::Arc;

use bytes::Bytes;
use shuttle::scheduler::{PctScheduler, RandomScheduler};
use shuttle::{Config, Runner, future, thread};

use crate::sim::{Power, SimDisk};
use crate::{CommitError, Disk, Journal, Options, Sequence, ZoneHealth};

/// Draws of orders, the same in every run. The second kind changes threads seldom and at
/// places chosen beforehand, which finds what needs one thread to stay away for long.
fn in_many_orders(test: fn()) {
    const SEED: u64 = 1;
    let rounds = if std::env::var_os("HANEUL_SOAK").is_some() { 10_000 } else { 300 };
    let config = || {
        let mut config = Config::new();
        // Opening a journal wants more than the checker's usual 32 KiB.
        config.stack_size = 1 << 20;
        config
    };
    Runner::new(RandomScheduler::new_from_seed(SEED, rounds), config()).run(test);
    Runner::new(PctScheduler::new_from_seed(SEED, 3, rounds), config()).run(test);
}

fn zones() -> (Vec<SimDisk>, Vec<Arc<dyn Disk>>) {
    let power = Power::default();
    let sims: Vec<SimDisk> = (0..3).map(|seed| SimDisk::new(seed, power.clone())).collect();
    let disks = sims.iter().map(|sim| Arc::new(sim.clone()) as Arc<dyn Disk>).collect();
    (sims, disks)
}

fn open(disks: &[Arc<dyn Disk>]) -> Journal {
    // Segments of a few frames, so that the next one's making is tried too.
    let options = Options { segment_bytes: 16 * 1024, ..Options::new([7; 16]) };
    Journal::open(disks, options).expect("opens").0
}

fn payload(writer: usize, number: usize) -> Bytes {
    let mut payload = format!("{writer}/{number}").into_bytes();
    payload.resize(3000, b'.');
    payload.into()
}

/// What is in the journal, in its order.
fn read(journal: &Journal) -> Vec<(Sequence, Bytes)> {
    let frames = journal.read(Sequence(0)).expect("nothing is truncated");
    frames.map(|frame| frame.expect("readable")).map(|f| (f.sequence, f.payload)).collect()
}

/// Submits some payloads and waits for each in a thread of its own; answers what was
/// acknowledged.
fn writer(
    journal: &Journal,
    writer: usize,
) -> thread::JoinHandle<Result<Vec<(Sequence, Bytes)>, CommitError>> {
    let journal = journal.clone();
    thread::spawn(move || {
        let submit = |number| (journal.submit(payload(writer, number)), payload(writer, number));
        let both = [submit(0), submit(1)];
        both.into_iter().map(|(ticket, payload)| Ok((ticket.wait()?.sequence, payload))).collect()
    })
}

#[test]
fn every_ticket_is_answered_by_its_own_payload_s_place() {
    in_many_orders(|| {
        let (_, disks) = zones();
        let journal = open(&disks);
        let writers: Vec<_> = (0..3).map(|number| writer(&journal, number)).collect();
        let mut acknowledged = Vec::new();
        for writer in writers {
            let own = writer.join().expect("no panic").expect("committed");
            assert!(own.is_sorted_by(|one, two| one.0 < two.0));
            acknowledged.extend(own);
        }
        acknowledged.sort();
        assert_eq!(read(&journal), acknowledged);
        assert_eq!(acknowledged.last().map(|last| last.0), Some(journal.committed()));
    });
}

#[test]
fn closing_answers_all_and_keeps_what_it_acknowledged() {
    in_many_orders(|| {
        let (_, disks) = zones();
        let journal = open(&disks);
        let writers: Vec<_> = (0..2).map(|number| writer(&journal, number)).collect();
        let closer = {
            let journal = journal.clone();
            thread::spawn(move || journal.close())
        };
        for writer in writers {
            match writer.join().expect("no panic") {
                Ok(own) => own.iter().for_each(|one| assert!(read(&journal).contains(one))),
                Err(CommitError::Unavailable(_)) => {}
                Err(CommitError::Unknown(why)) => panic!("closing is not a failure: {why}"),
            }
        }
        closer.join().expect("no panic");
        assert!(matches!(journal.submit(payload(9, 9)).wait(), Err(CommitError::Unavailable(_))));
    });
}

#[test]
fn the_last_handle_s_end_commits_what_was_submitted() {
    in_many_orders(|| {
        let (_, disks) = zones();
        let journal = open(&disks);
        let tickets = [journal.submit(payload(0, 0)), journal.submit(payload(0, 1))];
        let waiting = tickets.map(|ticket| thread::spawn(move || ticket.wait()));
        drop(journal);
        for waiting in waiting {
            waiting.join().expect("no panic").expect("committed");
        }
        assert_eq!(read(&open(&disks)).len(), 2);
    });
}

#[test]
fn an_awaited_ticket_wakes_its_task() {
    in_many_orders(|| {
        let (_, disks) = zones();
        let journal = open(&disks);
        let tasks: Vec<_> = (0..2)
            .map(|number| {
                let ticket = journal.submit(payload(number, 0));
                future::spawn(ticket)
            })
            .collect();
        for task in tasks {
            future::block_on(task).expect("no panic").expect("committed");
        }
    });
}

#[test]
fn who_waits_for_more_hears_of_it_and_of_the_end() {
    in_many_orders(|| {
        let (_, disks) = zones();
        let journal = open(&disks);
        let past = |after| {
            let past = journal.past(after);
            thread::spawn(move || future::block_on(past))
        };
        let before = journal.committed();
        let more = past(before);
        let last = journal.submit(payload(0, 0)).wait().expect("committed").sequence;
        assert!(more.join().expect("no panic"));
        let none = past(last);
        journal.close();
        assert!(!none.join().expect("no panic"));
    });
}

#[test]
fn a_zone_that_fails_beside_the_writers_costs_no_answer() {
    in_many_orders(|| {
        let (sims, disks) = zones();
        let journal = open(&disks);
        let writers: Vec<_> = (0..2).map(|number| writer(&journal, number)).collect();
        let failing = thread::spawn({
            let sim = sims[1].clone();
            move || sim.set_syncs_fail(true)
        });
        let answers = writers.into_iter().map(|writer| writer.join().expect("no panic"));
        let mut acknowledged: Vec<_> =
            answers.flat_map(|own| own.expect("two are enough")).collect();
        failing.join().expect("no panic");
        acknowledged.sort();
        assert_eq!(read(&journal), acknowledged);
        journal.submit(payload(2, 0)).wait().expect("two are enough");
        assert!(matches!(journal.health()[1], ZoneHealth::Failed(_)));
    });
}

#[test]
fn a_zone_comes_back_and_a_snapshot_is_made_beside_the_writers() {
    in_many_orders(|| {
        let (sims, disks) = zones();
        let journal = open(&disks);
        sims[2].set_syncs_fail(true);
        let first = journal.submit(payload(9, 0)).wait().expect("two are enough").sequence;
        sims[2].heal();
        let writers: Vec<_> = (0..2).map(|number| writer(&journal, number)).collect();
        let keeper = thread::spawn({
            let journal = journal.clone();
            move || journal.snapshot(first, &mut &b"view"[..]).expect("kept")
        });
        journal.reattach(2, None).expect("copied");
        keeper.join().expect("no panic");
        let answers = writers.into_iter().map(|writer| writer.join().expect("no panic"));
        let acknowledged = answers.map(|own| own.expect("committed").len()).sum::<usize>();
        assert_eq!(journal.health(), [const { ZoneHealth::Healthy }; 3]);
        drop(journal);
        // The zone that came back and one of the others hold all of it.
        sims[0].set_offline(true);
        let journal = open(&disks);
        let left = journal.read(first).expect("after the snapshot");
        let left: Vec<_> = left.map(|frame| frame.expect("readable")).collect();
        assert_eq!(left.len(), acknowledged);
    });
}
