//! Everything in memory and nothing kept: for tests.

use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;

use aws::BoxFuture;

use super::history::{Bounds, History};
use super::judge::{Judge, Verdict};
use super::lease_clock::LeaseClock;
use super::table::{Change, Table};
use crate::store::{
    Condition, Error, KeyValue, LeaseId, Mutation, Range, Revision, StateStore, Watch,
};

pub struct Memory(Arc<Shared>);

struct Shared {
    inner: Mutex<Inner>,
    history: History,
    lease_clock: Arc<LeaseClock>,
}

#[derive(Default)]
struct Inner {
    table: Table,
    judge: Judge,
    /// Ends leases; runs from the first one on.
    sweeper: Option<AbortHandle>,
}

impl Memory {
    pub fn new() -> Self {
        Self::with(Bounds::default())
    }

    pub(super) fn with(bounds: Bounds) -> Self {
        Self(Arc::new(Shared {
            inner: Mutex::default(),
            history: History::after(Revision::default(), bounds),
            lease_clock: Arc::default(),
        }))
    }
}

impl Default for Memory {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if let Some(sweeper) = self.0.inner().sweeper.take() {
            sweeper.abort();
        }
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing that holds the table panics")
    }

    fn txn(
        &self,
        conditions: &[Condition],
        mutations: Vec<Mutation>,
    ) -> Result<Option<Revision>, Error> {
        let mut inner = self.inner();
        let Inner { table, judge, .. } = &mut *inner;
        let alive = |lease| self.lease_clock.alive(lease);
        match judge.txn(table, conditions, mutations, alive)? {
            Verdict::Conflict => Ok(None),
            Verdict::Unchanged(revision) => Ok(Some(revision)),
            Verdict::Change(change) => {
                self.apply(&mut inner, change);
                Ok(Some(inner.table.revision))
            }
        }
    }

    fn end(&self, lease: LeaseId) {
        self.lease_clock.stop(lease);
        let mut inner = self.inner();
        let Inner { table, judge, .. } = &mut *inner;
        if let Some(change) = judge.end(table, lease) {
            self.apply(&mut inner, change);
        }
    }

    fn apply(&self, inner: &mut Inner, change: Change) {
        let events = inner.table.apply(&change);
        inner.judge.done(&change);
        self.history.push(events);
    }
}

async fn sweep(store: Weak<Shared>, lease_clock: Arc<LeaseClock>) {
    loop {
        let ended = lease_clock.ended().await;
        let Some(store) = store.upgrade() else { return };
        ended.into_iter().for_each(|lease| store.end(lease));
    }
}

impl StateStore for Memory {
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<KeyValue>, Error>> {
        Box::pin(async move { Ok(self.0.inner().table.get(key)) })
    }

    fn range<'a>(
        &'a self,
        start: &'a [u8],
        end: &'a [u8],
        limit: usize,
    ) -> BoxFuture<'a, Result<Range, Error>> {
        Box::pin(async move { Ok(self.0.inner().table.range(start, end, limit)) })
    }

    fn txn(
        &self,
        conditions: Vec<Condition>,
        mutations: Vec<Mutation>,
    ) -> BoxFuture<'_, Result<Option<Revision>, Error>> {
        Box::pin(async move { self.0.txn(&conditions, mutations) })
    }

    fn watch<'a>(
        &'a self,
        prefix: &'a [u8],
        after: Revision,
    ) -> BoxFuture<'a, Result<Box<dyn Watch>, Error>> {
        Box::pin(async move { self.0.history.watch(prefix, after) })
    }

    fn lease_grant(&self, ttl: Duration) -> BoxFuture<'_, Result<LeaseId, Error>> {
        Box::pin(async move {
            let mut inner = self.0.inner();
            let (lease, change) = inner.judge.grant(ttl)?;
            self.0.apply(&mut inner, change);
            self.0.lease_clock.start(lease, ttl);
            if inner.sweeper.is_none() {
                let sweeper = sweep(Arc::downgrade(&self.0), self.0.lease_clock.clone());
                inner.sweeper = Some(tokio::spawn(sweeper).abort_handle());
            }
            Ok(lease)
        })
    }

    fn lease_keep(&self, lease: LeaseId) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(async move { Ok(self.0.lease_clock.keep(lease)) })
    }

    fn lease_revoke(&self, lease: LeaseId) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.0.end(lease);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::{Engine, Factory, suite};

    struct MemoryFactory;
    struct MemoryEngine(Arc<Memory>);

    impl Factory for MemoryFactory {
        fn make(&self) -> BoxFuture<'_, Box<dyn Engine>> {
            Box::pin(async { Box::new(MemoryEngine(Arc::default())) as Box<dyn Engine> })
        }

        fn lease_ttl(&self) -> Duration {
            Duration::from_millis(800)
        }

        fn model_cases(&self) -> u32 {
            128
        }
    }

    impl Engine for MemoryEngine {
        fn store(&self) -> Arc<dyn StateStore> {
            self.0.clone()
        }

        fn restart(&mut self) -> BoxFuture<'_, bool> {
            Box::pin(async { false })
        }

        fn kill(&mut self) -> BoxFuture<'_, bool> {
            Box::pin(async { false })
        }
    }

    #[test]
    fn memory_keeps_the_promises() {
        suite(&MemoryFactory);
    }
}
