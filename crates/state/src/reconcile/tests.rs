use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::*;
use crate::backend::memory::Memory;
use crate::key::Scope;
use crate::store::StateStore;

mod server;

/// A record whose reconciler only does what the test says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Job {
    number: u32,
}

impl Record for Job {
    const KIND: &'static str = "test.job";
    const FORMAT: u32 = 1;
}

type Runs = Arc<Mutex<HashMap<String, u32>>>;

/// What a run does, by the record's id and how often it has run.
type Script = fn(&str, u32) -> Act;

enum Act {
    Return(Next),
    Fail,
    Panic,
    Hang,
}

struct Scripted {
    runs: Runs,
    ran: Arc<Notify>,
    script: Script,
    now_running: Arc<AtomicUsize>,
    most_running: Arc<AtomicUsize>,
}

impl Reconciler for Scripted {
    type Wanted = Job;
    type Seen = u32;
    type Step = u32;
    const RUNS_MAX: usize = 4;

    async fn look(&self, wanted: &Stored<Job>) -> Result<u32, Failure> {
        let mut runs = self.runs.lock().expect("not poisoned");
        let run = runs.entry(wanted.key.id.clone()).or_default();
        *run += 1;
        Ok(*run)
    }

    fn next_step(_: &Job, seen: &u32, _: Timestamp) -> u32 {
        *seen
    }

    async fn run_step(&self, wanted: &Stored<Job>, run: u32) -> Result<Next, Failure> {
        let running = self.now_running.fetch_add(1, Ordering::AcqRel) + 1;
        self.most_running.fetch_max(running, Ordering::AcqRel);
        self.ran.notify_one();
        let act = (self.script)(&wanted.key.id, run);
        if matches!(act, Act::Hang) {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        tokio::task::yield_now().await;
        self.now_running.fetch_sub(1, Ordering::AcqRel);
        match act {
            Act::Return(next) => Ok(next),
            Act::Panic => panic!("told to"),
            Act::Fail | Act::Hang => Err("told to".into()),
        }
    }
}

struct Stage {
    records: Records,
    clock: Arc<Clock>,
    runs: Runs,
    ran: Arc<Notify>,
    most_running: Arc<AtomicUsize>,
    running: Running,
}

impl Stage {
    fn new(script: Script) -> Self {
        let records = Records::new(Arc::new(Memory::new()));
        let clock = Arc::new(Clock::manual(Timestamp::from_secs(1000)));
        let (runs, ran, most_running) = (Runs::default(), Arc::default(), Arc::default());
        let scripted = Scripted {
            runs: Arc::clone(&runs),
            ran: Arc::clone(&ran),
            script,
            now_running: Arc::default(),
            most_running: Arc::clone(&most_running),
        };
        let running = Reconcilers::new(records.clone(), clock.clone()).with(scripted).start();
        Self { records, clock, runs, ran, most_running, running }
    }

    async fn put(&self, id: &str) {
        let mut txn = self.records.transaction();
        txn.put_unconditionally(&Scope::Haneul, id, &Job { number: 0 });
        txn.commit().await.expect("put");
    }

    fn runs(&self, id: &str) -> u32 {
        self.runs.lock().expect("not poisoned").get(id).copied().unwrap_or(0)
    }

    /// Waits, in paused time, until the record has run so often.
    async fn until_runs(&self, id: &str, count: u32) {
        let waiting = async {
            while self.runs(id) < count {
                self.ran.notified().await;
            }
        };
        let in_time = tokio::time::timeout(Duration::from_secs(3000), waiting).await;
        assert!(in_time.is_ok(), "{id} ran {} times, not {count}", self.runs(id));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_wakes_and_a_quiet_record_waits_for_the_slow_timer() {
    let stage = Stage::new(|_, _| Act::Return(Next::Settled));
    stage.put("a").await;
    stage.until_runs("a", 1).await;
    stage.put("a").await;
    stage.until_runs("a", 2).await;
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(stage.runs("a"), 2);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(stage.runs("a"), 3);
    stage.running.wake(Key::new(&Scope::Haneul, "test.job", "a")).await;
    stage.until_runs("a", 4).await;
    stage.running.wake(Key::new(&Scope::Haneul, "test.unknown", "a")).await;
    stage.running.wake(Key::new(&Scope::Haneul, "test.job", "none")).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!((stage.runs("a"), stage.runs("none")), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn an_alarm_waits_for_the_region_s_clock_and_not_for_the_machine_s() {
    let stage = Stage::new(|_, run| match run {
        1 => Act::Return(Next::At(Timestamp::from_secs(1000 + 86_400))),
        _ => Act::Return(Next::Settled),
    });
    stage.put("a").await;
    stage.until_runs("a", 1).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    stage.clock.advance(Duration::from_secs(86_399));
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(stage.runs("a"), 1);
    stage.clock.advance(Duration::from_secs(1));
    tokio::time::timeout(Duration::from_secs(1), stage.until_runs("a", 2)).await.expect("rung");
}

#[tokio::test(start_paused = true)]
async fn failing_panicking_and_hanging_records_delay_no_other() {
    let stage = Stage::new(|id, run| match (id, run) {
        ("fails", _) => Act::Fail,
        ("panics", 1..=3) => Act::Panic,
        ("hangs", 1) => Act::Hang,
        _ => Act::Return(Next::Settled),
    });
    for id in ["fails", "panics", "hangs"] {
        stage.put(id).await;
    }
    stage.until_runs("fails", 3).await;
    stage.until_runs("panics", 4).await;
    let begun = tokio::time::Instant::now();
    for round in 1..=20 {
        stage.put("a").await;
        stage.until_runs("a", round).await;
    }
    assert!(begun.elapsed() < Duration::from_millis(100), "{:?}", begun.elapsed());
    tokio::time::sleep(Duration::from_secs(600)).await;
    let failed = stage.runs("fails");
    assert!((15..=25).contains(&failed), "{failed} tries in ten minutes of backoff");
}

#[tokio::test(start_paused = true)]
async fn runs_are_bounded_and_one_at_a_time_for_a_record() {
    let stage = Stage::new(|_, run| match run {
        1..=50 => Act::Return(Next::Again),
        _ => Act::Return(Next::Settled),
    });
    for n in 0..20 {
        stage.put(&format!("job-{n}")).await;
    }
    for n in 0..20 {
        stage.until_runs(&format!("job-{n}"), 51).await;
    }
    assert_eq!(stage.most_running.load(Ordering::Acquire), 4);
}

#[tokio::test(start_paused = true)]
async fn a_stop_waits_for_those_under_way_but_not_for_ever() {
    let stage = Stage::new(|id, _| match id {
        "hangs" => Act::Hang,
        _ => Act::Return(Next::Settled),
    });
    stage.put("a").await;
    stage.until_runs("a", 1).await;
    let begun = tokio::time::Instant::now();
    let Stage { running, records, runs, .. } = stage;
    running.stop().await;
    assert!(begun.elapsed() < Duration::from_millis(10));
    let mut txn = records.transaction();
    txn.put_unconditionally(&Scope::Haneul, "b", &Job { number: 0 });
    txn.commit().await.expect("put");
    tokio::time::sleep(Duration::from_secs(300)).await;
    assert_eq!(runs.lock().expect("not poisoned").get("b"), None, "it is stopped");

    let stage = Stage::new(|_, _| Act::Hang);
    stage.put("a").await;
    stage.until_runs("a", 1).await;
    let begun = tokio::time::Instant::now();
    stage.running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn records_that_were_there_before_the_start_are_found() {
    let stage = Stage::new(|_, _| Act::Return(Next::Settled));
    for n in 0..2500 {
        stage.put(&format!("job-{n}")).await;
    }
    let Stage { running, records, clock, .. } = stage;
    running.stop().await;
    let runs = Runs::default();
    let scripted = Scripted {
        runs: Arc::clone(&runs),
        ran: Arc::default(),
        script: |_, _| Act::Return(Next::Settled),
        now_running: Arc::default(),
        most_running: Arc::default(),
    };
    let _running = Reconcilers::new(records, clock).with(scripted).start();
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert_eq!(runs.lock().expect("not poisoned").len(), 2500);
}
