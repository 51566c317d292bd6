//! The default engine: every record in memory, every change in the journal first.
//!
//! ```text
//! txn -> line: judge on the newest state, submit to the journal   (one at a time, no waiting)
//!     -> keeper: when durable, in order: into the table, to the watches, to the caller
//! get, range -> table: durable state only
//! ```
//! A conflict that rests on a change still underway is answered after that change is durable:
//! else a caller could learn of something that a power cut then takes back. When a change is
//! lost, whatever was judged after it is void (its number no longer follows) and is answered
//! as not having happened; the next is judged on the durable table again. The journal's
//! snapshots hold the whole table, so a start reads at most one of them and as many bytes of
//! changes. `docs/0003-state.md` says why it is so.

mod frame;
mod image;
mod journal_log;
mod keeper;
mod line;
mod log;
mod outages;
mod replay;
mod tender;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Duration;

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::task::{AbortHandle, JoinHandle};

use aws::BoxFuture;

use super::history::{Bounds, History};
use super::judge::Verdict;
use super::lease_clock::LeaseClock;
use super::table::Table;
use crate::store::{
    Condition, Error, KeyValue, LeaseId, Mutation, Range, Revision, StateStore, Watch,
};

use journal_log::Folders;
use keeper::Keeper;
use line::{Line, Underway};
use log::Opener;
use outages::Outages;
use replay::{ReplayError, replay};
use tender::Tender;

pub use frame::FrameError;
pub use journal::{ZoneHealth, ZoneReport};

/// A snapshot is taken when the changes since the last one are this many bytes, and at least
/// as many as the last one had: a start reads little, and writing snapshots never costs more
/// than writing changes.
const SNAPSHOT_AFTER_BYTES: u64 = 16 << 20;
/// Bytes of transactions on their way to the disk; more wait their turn.
const UNDERWAY_BYTES_MAX: usize = 32 << 20;
const PERMIT_BYTES: usize = 1024;
const LEASE_END_RETRY: Duration = Duration::from_secs(1);

pub struct Embedded {
    shared: Arc<Shared>,
    keeper: Mutex<Option<JoinHandle<()>>>,
    sweeper: AbortHandle,
    tender: Mutex<Option<Tender>>,
    found: Vec<ZoneReport>,
}

#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error("the journal of the state cannot be opened: {0}")]
    Journal(String),
    #[error(transparent)]
    Frame(#[from] FrameError),
}

impl From<ReplayError> for OpenError {
    fn from(error: ReplayError) -> Self {
        match error {
            ReplayError::Frame(error) => Self::Frame(error),
            ReplayError::Read(why) => Self::Journal(why),
        }
    }
}

/// How the store is, for `haneul status`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// Why it takes no changes at the moment; reads go on.
    pub unavailable: Option<String>,
    /// Each zone, in their order; none while the journal is opened again.
    pub zones: Vec<ZoneHealth>,
}

struct Shared {
    /// What is durable, and so all that a reader may see. Never locked for writing while the
    /// line is held.
    table: RwLock<Table>,
    history: History,
    lease_clock: Arc<LeaseClock>,
    line: Line,
    room: Semaphore,
    outages: Outages,
}

impl Shared {
    fn table(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().expect("nothing that holds the table panics")
    }

    fn table_mut(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().expect("nothing that holds the table panics")
    }

    async fn room_for(&self, mutations: &[Mutation]) -> Result<SemaphorePermit<'_>, Error> {
        let bytes = mutations.iter().map(|mutation| match mutation {
            Mutation::Put { key, value, .. } => key.len() + value.len(),
            Mutation::Delete { key } => key.len(),
        });
        let permits = bytes.sum::<usize>().min(UNDERWAY_BYTES_MAX) / PERMIT_BYTES + 1;
        let permits = u32::try_from(permits).unwrap_or(u32::MAX);
        self.room.acquire_many(permits).await.map_err(|_| closed())
    }

    async fn txn(
        &self,
        conditions: &[Condition],
        mutations: Vec<Mutation>,
    ) -> Result<Option<Revision>, Error> {
        let _room = self.room_for(&mutations).await?;
        let (answer, underway) = {
            let mut line = self.line.enter()?;
            let table = self.table();
            let alive = |lease| self.lease_clock.alive(lease);
            match line.judge.txn(&table, conditions, mutations, alive) {
                Ok(Verdict::Change(change)) => (Ok(change.revision()), line.submit(change)),
                Ok(Verdict::Conflict) => (Ok(None), line.behind_the_rest()),
                Ok(Verdict::Unchanged(revision)) => (Ok(Some(revision)), line.behind_the_rest()),
                Err(Error::LeaseEnded) => (Err(Error::LeaseEnded), line.behind_the_rest()),
                Err(refused) => return Err(refused),
            }
        };
        underway.durable().await?;
        answer
    }

    async fn grant(&self, ttl: Duration) -> Result<LeaseId, Error> {
        let (lease, underway) = {
            let mut line = self.line.enter()?;
            let (lease, change) = line.judge.grant(ttl)?;
            (lease, line.submit(change))
        };
        underway.durable().await?;
        Ok(lease)
    }

    async fn end(&self, lease: LeaseId) -> Result<(), Error> {
        let underway: Underway = {
            let mut line = self.line.enter()?;
            let table = self.table();
            match line.judge.end(&table, lease) {
                Some(change) => line.submit(change),
                None => line.behind_the_rest(),
            }
        };
        underway.durable().await
    }
}

impl Embedded {
    /// Opens the store whose journal is in the folders `zones`, each of its own and always in
    /// this order. Makes them where there are none. Blocks while they are read and mended. Must
    /// be called inside a tokio runtime.
    ///
    /// # Errors
    /// Another process holds a zone, too few zones can be used, or a newer haneul wrote them.
    pub fn open(zones: &[PathBuf], random: Arc<aws::Random>) -> Result<Self, OpenError> {
        let folders = Folders { zones: zones.to_vec(), random };
        Self::start(Arc::new(folders), Limits::default())
    }

    /// Opens what `opener` has, reading all of it.
    fn start(opener: Arc<dyn Opener>, limits: Limits) -> Result<Self, OpenError> {
        let mut opened = opener.open().map_err(OpenError::Journal)?;
        let replayed = replay(&mut opened, 0)?;
        let history = History::after(replayed.compacted, limits.history);
        history.push(replayed.events);
        let lease_clock: Arc<LeaseClock> = Arc::default();
        lease_clock.restart(&replayed.table);
        let (line, queue) = Line::new(opened.log, &replayed.table);
        let shared = Arc::new(Shared {
            table: RwLock::new(replayed.table),
            history,
            lease_clock,
            line,
            room: Semaphore::new(UNDERWAY_BYTES_MAX / PERMIT_BYTES + 1),
            outages: Outages::default(),
        });
        let after = limits.snapshot_after_bytes;
        let keeper = Keeper::new(shared.clone(), queue, opener, after);
        let keeper = tokio::spawn(keeper.from(replayed.place, replayed.bytes).run());
        let sweeper = tokio::spawn(sweep(shared.clone())).abort_handle();
        let tender = Some(Tender::start(shared.clone())).into();
        let (keeper, found) = (Some(keeper).into(), opened.found);
        Ok(Self { shared, keeper, sweeper, tender, found })
    }

    /// What opening found in each zone, in their order, and did about it.
    pub fn found(&self) -> &[ZoneReport] {
        &self.found
    }

    pub fn health(&self) -> Health {
        self.shared.line.health()
    }

    /// Takes no more changes and returns when those underway are answered and the journal is
    /// closed. Reads go on.
    pub async fn close(&self) {
        let tender = self.tender.lock().expect("nothing that holds it panics").take();
        if let Some(tender) = tender {
            tender.stop().await;
        }
        self.shared.line.close();
        let keeper = self.keeper.lock().expect("nothing that holds it panics").take();
        if let Some(keeper) = keeper {
            let _ = keeper.await;
        }
        self.sweeper.abort();
    }
}

#[derive(Clone, Copy, Debug)]
struct Limits {
    history: Bounds,
    snapshot_after_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { history: Bounds::default(), snapshot_after_bytes: SNAPSHOT_AFTER_BYTES }
    }
}

/// As a power cut would end it.
impl Drop for Embedded {
    fn drop(&mut self) {
        self.sweeper.abort();
        self.shared.line.close();
        if let Some(keeper) = self.keeper.get_mut().expect("nothing that holds it panics").take() {
            keeper.abort();
        }
    }
}

fn closed() -> Error {
    Error::Unavailable("the store is closed".into())
}

/// Ends the leases whose time is over, as transactions like any other.
async fn sweep(shared: Arc<Shared>) {
    loop {
        for lease in shared.lease_clock.ended().await {
            if let Err(error) = shared.end(lease).await {
                tracing::debug!(?lease, %error, "a lease could not be ended yet");
                tokio::time::sleep(LEASE_END_RETRY).await;
            }
        }
    }
}

impl StateStore for Embedded {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<KeyValue>, Error>> {
        Box::pin(async move { Ok(self.shared.table().get(key)) })
    }

    fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> BoxFuture<'a, Result<Range, Error>> {
        Box::pin(async move { Ok(self.shared.table().range(start, end, limit)) })
    }

    fn txn(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
    ) -> BoxFuture<'_, Result<Option<Revision>, Error>> {
        Box::pin(async move { self.shared.txn(&conditions, mutations).await })
    }

    fn watch<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Revision,
    ) -> BoxFuture<'a, Result<Box<dyn Watch>, Error>> {
        Box::pin(async move { self.shared.history.watch(prefix, after) })
    }

    fn lease_grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, Error>> {
        Box::pin(self.shared.grant(ttl))
    }

    fn lease_keep(&self, lease: LeaseId) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move {
            // Without its journal the store cannot end a lease, nor say that it lives.
            drop(self.shared.line.enter()?);
            Ok(self.shared.lease_clock.keep(lease))
        })
    }

    fn lease_revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(self.shared.end(lease))
    }
}

#[cfg(test)]
mod on_disk;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod tests;
