//! The test that every reconciler passes: stopped after its first effect on the store or the
//! host, then after its second, and so on to the last, it always arrives where it would have
//! arrived undisturbed. The same with each effect failing and with each reply lost.
//!
//! Run it under tokio's paused time and with [`clock`], so that backoffs and slow timers take
//! no time.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::watch as signal;
use tokio::time::Instant;

use aws::{BoxFuture, Clock, Timestamp};

use super::Running;
use crate::records::Records;
use crate::store::{
    Condition, Error, KeyValue, LeaseId, Mutation, Range, Revision, StateStore, Watch,
};

/// One resource's story on fakes: acts of a user, each with what must be true at last.
pub trait Scenario: Send + Sync {
    /// The store itself, undisturbed. It outlives every crash, as the fakes do.
    fn store(&self) -> Arc<dyn StateStore>;

    /// Starts the reconcilers as at the start of the process. Each host call asks
    /// [`Disturbance::strike`] what becomes of it.
    fn start(&self, records: Records, disturbance: Arc<Disturbance>) -> Running;

    fn acts(&self) -> usize;

    /// What the user does, as a handler does it: one transaction, undisturbed.
    fn act<'a>(&'a self, act: usize, records: &'a Records) -> BoxFuture<'a, ()>;

    /// Whether the world is as it should be, now that `act` was the last; else what is not.
    fn arrived<'a>(&'a self, act: usize, records: &'a Records)
    -> BoxFuture<'a, Result<(), String>>;

    /// What must be true at every moment.
    fn always<'a>(&'a self, _records: &'a Records) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// What is done to one effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Harm {
    /// It happens, and the process ends before it hears so.
    Stop,
    /// It does not happen, and an error says so.
    Fail,
    /// It happens, and an error leaves that open.
    LoseReply,
}

/// What becomes of an effect that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Happens,
    HappensThenStops,
    Fails,
    HappensUnheard,
    /// The process has ended: nothing happens and nobody answers.
    Never,
}

/// Counts effects and harms one of them.
pub struct Disturbance {
    /// The harmed effect's number, from 1.
    at: usize,
    harm: Harm,
    effects: AtomicUsize,
    stopped: signal::Sender<bool>,
}

impl Disturbance {
    fn at(at: usize, harm: Harm) -> Arc<Self> {
        let (effects, stopped) = (AtomicUsize::new(0), signal::Sender::new(false));
        Arc::new(Self { at, harm, effects, stopped })
    }

    /// Harms nothing.
    pub fn none() -> Arc<Self> {
        Self::at(usize::MAX, Harm::Stop)
    }

    /// Asked once by each effect, before it happens.
    pub fn strike(&self) -> Fate {
        if *self.stopped.borrow() {
            return Fate::Never;
        }
        let number = self.effects.fetch_add(1, Ordering::AcqRel) + 1;
        match self.harm {
            _ if number != self.at => Fate::Happens,
            Harm::Fail => Fate::Fails,
            Harm::LoseReply => Fate::HappensUnheard,
            Harm::Stop => {
                self.stopped.send_replace(true);
                Fate::HappensThenStops
            }
        }
    }

    fn struck(&self) -> bool {
        self.effects.load(Ordering::Acquire) >= self.at
    }
}

/// What was tried; a scenario that suddenly has fewer effects is worth a look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    pub stops: usize,
    pub failures: usize,
    pub lost_replies: usize,
}

/// Keeps a reconciler that never arrives from running for ever.
const EFFECTS_MAX: usize = 1000;
const LOOK_EVERY: Duration = Duration::from_millis(20);
const ARRIVES_WITHIN: Duration = Duration::from_secs(600);
/// Long enough for the slow timer to have looked, and to have found nothing to do.
const STAYS_FOR: Duration = Duration::from_secs(150);

/// Tells the story undisturbed, then with each effect harmed in each way.
///
/// # Panics
/// When the world does not arrive, or does not stay, where the scenario says.
pub async fn run<S: Scenario>(make: impl Fn() -> S) -> Tried {
    tell(&make(), &Disturbance::none(), "undisturbed").await;
    let mut tried = Tried::default();
    for (harm, count) in [
        (Harm::Stop, &mut tried.stops),
        (Harm::Fail, &mut tried.failures),
        (Harm::LoseReply, &mut tried.lost_replies),
    ] {
        for number in 1.. {
            assert!(number < EFFECTS_MAX, "more than {EFFECTS_MAX} effects");
            let disturbance = Disturbance::at(number, harm);
            tell(&make(), &disturbance, &format!("{harm:?} at effect {number}")).await;
            if !disturbance.struck() {
                break;
            }
            *count += 1;
        }
    }
    tried
}

/// A clock that goes with tokio's paused time, for a scenario's reconcilers.
pub fn clock() -> Arc<Clock> {
    const TICK: Duration = Duration::from_millis(100);
    let clock = Arc::new(Clock::manual(Timestamp::from_secs(1_700_000_000)));
    let ticking = Arc::downgrade(&clock);
    tokio::spawn(async move {
        while let Some(clock) = ticking.upgrade() {
            clock.advance(TICK);
            drop(clock);
            tokio::time::sleep(TICK).await;
        }
    });
    clock
}

async fn tell(scenario: &dyn Scenario, disturbance: &Arc<Disturbance>, how: &str) {
    let mut life = Life::begin(scenario, disturbance.clone());
    for act in 0..scenario.acts() {
        scenario.act(act, &life.records).await;
        life.arrive(act, how).await;
        life.stay(act, how).await;
    }
    life.running.stop().await;
}

/// The process, from one start to the next.
struct Life<'a> {
    scenario: &'a dyn Scenario,
    /// Undisturbed.
    records: Records,
    disturbance: Arc<Disturbance>,
    running: Running,
}

impl<'a> Life<'a> {
    fn begin(scenario: &'a dyn Scenario, disturbance: Arc<Disturbance>) -> Self {
        let disturbed = Disturbed { store: scenario.store(), by: disturbance.clone() };
        let running = scenario.start(Records::new(Arc::new(disturbed)), disturbance.clone());
        let records = Records::new(scenario.store());
        Self { scenario, records, disturbance, running }
    }

    /// Replacing the old life ends its tasks before the next one's run.
    fn restart_if_stopped(&mut self) -> bool {
        let stopped = *self.disturbance.stopped.borrow();
        if stopped {
            *self = Self::begin(self.scenario, Disturbance::none());
        }
        stopped
    }

    async fn arrive(&mut self, act: usize, how: &str) {
        let deadline = Instant::now() + ARRIVES_WITHIN;
        loop {
            self.restart_if_stopped();
            check(self.scenario.always(&self.records).await, act, how);
            let arrived = self.scenario.arrived(act, &self.records).await;
            if arrived.is_ok() {
                return;
            }
            if Instant::now() > deadline {
                check(arrived, act, how);
            }
            let mut stopped = self.disturbance.stopped.subscribe();
            let _ = tokio::time::timeout(LOOK_EVERY, stopped.changed()).await;
        }
    }

    async fn stay(&mut self, act: usize, how: &str) {
        tokio::time::sleep(STAYS_FOR).await;
        // The stop may have come with the last effect of the act, after it was seen.
        if self.restart_if_stopped() {
            tokio::time::sleep(STAYS_FOR).await;
        }
        check(self.scenario.always(&self.records).await, act, how);
        check(self.scenario.arrived(act, &self.records).await, act, how);
    }
}

fn check(outcome: Result<(), String>, act: usize, how: &str) {
    if let Err(what) = outcome {
        panic!("crash loop, {how}, act {act}: {what}");
    }
}

/// The store as a process sees it that is about to be harmed.
struct Disturbed {
    store: Arc<dyn StateStore>,
    by: Arc<Disturbance>,
}

impl StateStore for Disturbed {
    fn txn(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
    ) -> BoxFuture<'_, Result<Option<Revision>, Error>> {
        Box::pin(async move {
            match self.by.strike() {
                Fate::Happens => self.store.txn(conditions, mutations).await,
                Fate::Fails => Err(Error::Unavailable("disturbed".into())),
                Fate::HappensUnheard => {
                    self.store.txn(conditions, mutations).await?;
                    Err(Error::Unknown("disturbed".into()))
                }
                Fate::HappensThenStops => {
                    self.store.txn(conditions, mutations).await?;
                    std::future::pending().await
                }
                Fate::Never => std::future::pending().await,
            }
        })
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<KeyValue>, Error>> {
        self.store.get(key)
    }

    fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> BoxFuture<'a, Result<Range, Error>> {
        self.store.range(start, end, limit)
    }

    fn watch<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Revision,
    ) -> BoxFuture<'a, Result<Box<dyn Watch>, Error>> {
        self.store.watch(prefix, after)
    }

    fn lease_grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, Error>> {
        self.store.lease_grant(ttl)
    }

    fn lease_keep(&self, lease: LeaseId) -> BoxFuture<'_, Result<bool, Error>> {
        self.store.lease_keep(lease)
    }

    fn lease_revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), Error>> {
        self.store.lease_revoke(lease)
    }
}
