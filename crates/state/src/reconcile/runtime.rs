//! Runs the reconcilers: one loop that waits for whatever comes first and starts what is
//! due. The only place of this crate, besides the engines, that spawns tasks.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::{Id, JoinError, JoinHandle, JoinSet};
use tokio::time::Instant;

use aws::{Clock, Timestamp};

use super::queue::Queue;
use super::{AnyReconciler, Outcome, Reconciler, feed};
use crate::key::Key;
use crate::record::Record;
use crate::records::Records;

const RESYNC_EVERY: Duration = Duration::from_secs(60);
/// Runs that are under way may finish; after this they are cut short, which they survive.
const STOP_GRACE: Duration = Duration::from_secs(10);
const WAKES_WAITING_MAX: usize = 1024;

/// The reconcilers of a region, before they run.
pub struct Reconcilers {
    records: Records,
    clock: Arc<Clock>,
    kinds: HashMap<&'static str, Kind>,
    resync_every: Duration,
}

struct Kind {
    reconciler: Arc<dyn AnyReconciler>,
    queue: Queue,
}

impl Reconcilers {
    pub fn new(records: Records, clock: Arc<Clock>) -> Self {
        Self { records, clock, kinds: HashMap::new(), resync_every: RESYNC_EVERY }
    }

    /// # Panics
    /// When its kind of record has a reconciler already: two would fight.
    #[must_use]
    pub fn with<R: Reconciler>(mut self, reconciler: R) -> Self {
        let kind = Kind { reconciler: Arc::new(reconciler), queue: Queue::new(R::RUNS_MAX) };
        let before = self.kinds.insert(R::Wanted::KIND, kind);
        assert!(before.is_none(), "two reconcilers of {}", R::Wanted::KIND);
        self
    }

    /// How often the slow timer looks at everything.
    #[must_use]
    pub fn resync_every(mut self, every: Duration) -> Self {
        self.resync_every = every;
        self
    }

    /// Must be called inside a tokio runtime.
    pub fn start(self) -> Running {
        let (wake, woken) = mpsc::channel(WAKES_WAITING_MAX);
        let (stop, stopped) = oneshot::channel();
        let kinds = self.kinds.keys().copied().collect();
        let feed = tokio::spawn(feed::feed(self.records.store().clone(), kinds, wake.clone()));
        let task = tokio::spawn(Loop::new(self, woken).run(stopped));
        Running { stop: Some(stop), wake, feed, task }
    }
}

/// Dropping it stops everything at once, wherever it is, as a crash does.
pub struct Running {
    stop: Option<oneshot::Sender<()>>,
    wake: mpsc::Sender<Key>,
    feed: JoinHandle<()>,
    task: JoinHandle<()>,
}

impl Running {
    /// Makes a record due, for a reason that is not in the records: a guest ended, a
    /// health check turned. Does nothing when it has no reconciler.
    pub async fn wake(&self, key: Key) {
        let _ = self.wake.send(key).await;
    }

    /// The same for whoever listens to the world elsewhere.
    pub fn waker(&self) -> Waker {
        Waker(self.wake.clone())
    }

    /// Starts no new run and waits, for a while, for those under way.
    pub async fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let _ = (&mut self.task).await;
    }
}

/// See [`Running::wake`]. After the end of the reconcilers it does nothing.
#[derive(Clone)]
pub struct Waker(mpsc::Sender<Key>);

impl Waker {
    pub async fn wake(&self, key: Key) {
        let _ = self.0.send(key).await;
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.feed.abort();
        self.task.abort();
    }
}

struct Loop {
    records: Records,
    clock: Arc<Clock>,
    kinds: HashMap<&'static str, Kind>,
    woken: mpsc::Receiver<Key>,
    resync_every: Duration,
    runs: JoinSet<Outcome>,
    running: HashMap<Id, Key>,
}

type Ended = Result<(Id, Outcome), JoinError>;

impl Loop {
    fn new(set: Reconcilers, woken: mpsc::Receiver<Key>) -> Self {
        let Reconcilers { records, clock, kinds, resync_every } = set;
        let (runs, running) = (JoinSet::new(), HashMap::new());
        Self { records, clock, kinds, woken, resync_every, runs, running }
    }

    async fn run(mut self, mut stop: oneshot::Receiver<()>) {
        let mut resync = tokio::time::interval(self.resync_every);
        loop {
            self.start_due();
            let clock = self.clock.clone();
            let (due, alarm) = (self.next_due(), self.next_alarm());
            tokio::select! {
                _ = &mut stop => break,
                Some(key) = self.woken.recv() => self.wake(key),
                Some(ended) = self.runs.join_next_with_id() => self.end(ended),
                () = until(due) => {}
                () = until_clock(&clock, alarm) => {
                    let (clock_now, now) = (clock.now(), Instant::now());
                    self.queues().for_each(|queue| queue.wake_alarms(clock_now, now));
                }
                now = resync.tick() => self.queues().for_each(|queue| queue.wake_idle(now)),
            }
        }
        let rest = async { while self.runs.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(STOP_GRACE, rest).await;
    }

    fn queues(&mut self) -> impl Iterator<Item = &mut Queue> {
        self.kinds.values_mut().map(|kind| &mut kind.queue)
    }

    fn next_due(&self) -> Option<Instant> {
        self.kinds.values().filter_map(|kind| kind.queue.next_due()).min()
    }

    fn next_alarm(&self) -> Option<Timestamp> {
        self.kinds.values().filter_map(|kind| kind.queue.next_alarm()).min()
    }

    fn wake(&mut self, key: Key) {
        if let Some(kind) = self.kinds.get_mut(&*key.kind) {
            kind.queue.wake(key, Instant::now());
        }
    }

    fn start_due(&mut self) {
        let now = Instant::now();
        for kind in self.kinds.values_mut() {
            while let Some(key) = kind.queue.start(now) {
                let (reconciler, of) = (kind.reconciler.clone(), key.clone());
                let (records, clock) = (self.records.clone(), self.clock.clone());
                let run = async move { reconciler.run(&records, &clock, &of).await };
                self.running.insert(self.runs.spawn(run).id(), key);
            }
        }
    }

    fn end(&mut self, ended: Ended) {
        let (id, outcome) = match ended {
            Ok((id, outcome)) => (id, outcome),
            Err(panicked) => (panicked.id(), Outcome::Failed(panicked.into())),
        };
        let Some(key) = self.running.remove(&id) else { return };
        let Some(kind) = self.kinds.get_mut(&*key.kind) else { return };
        let now = Instant::now();
        match outcome {
            Outcome::Next(next) => kind.queue.finish(&key, next, now),
            Outcome::Gone => kind.queue.finish_gone(&key, now),
            Outcome::Failed(failure) => {
                let (wait, failures) = kind.queue.fail(&key, now);
                let error = chain(&*failure);
                tracing::warn!(%key, failures, ?wait, error, "a reconciler failed; trying again");
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

async fn until_clock(clock: &Clock, at: Option<Timestamp>) {
    match at {
        Some(at) => clock.sleep_until(at).await,
        None => std::future::pending().await,
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    let sources = std::iter::successors(Some(error), |error| error.source());
    sources.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
