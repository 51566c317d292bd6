//! The newest changes, bounded, and the watches that read them. A watch has no queue of its
//! own: it has a place in the one history, so a slow one costs nothing and in the end
//! hears that it must list again.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::sync::watch;

use aws::BoxFuture;

use crate::store::{Error, Event, Revision, Watch};

#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    pub(super) events_max: usize,
    pub(super) bytes_max: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { events_max: 16 * 1024, bytes_max: 8 * 1024 * 1024 }
    }
}

pub(super) struct History {
    log: Arc<Mutex<Log>>,
    /// Says that there is something new. Dropped with the store, which ends the watches.
    grew: watch::Sender<()>,
}

struct Log {
    bounds: Bounds,
    events: VecDeque<Event>,
    /// The number of the first event kept, counted from the first ever.
    first: u64,
    bytes: usize,
    /// Changes up to and with this revision are no longer kept.
    compacted: Revision,
}

impl History {
    /// Knows nothing of what happened up to `revision`.
    pub(super) fn after(revision: Revision, bounds: Bounds) -> Self {
        let events = VecDeque::new();
        let log = Log { bounds, events, first: 0, bytes: 0, compacted: revision };
        Self { log: Arc::new(Mutex::new(log)), grew: watch::Sender::new(()) }
    }

    pub(super) fn push(&self, events: Vec<Event>) {
        if events.is_empty() {
            return;
        }
        let mut log = lock(&self.log);
        for event in events {
            log.bytes += weight(&event);
            log.events.push_back(event);
        }
        log.compact();
        drop(log);
        self.grew.send_replace(());
    }

    pub(super) fn watch(&self, prefix: &[u8], after: Revision) -> Result<Box<dyn Watch>, Error> {
        let log = lock(&self.log);
        if after < log.compacted {
            return Err(Error::Compacted(log.compacted));
        }
        let skipped = log.events.partition_point(|event| event.revision <= after);
        let next = log.first + skipped as u64;
        drop(log);
        Ok(Box::new(HistoryWatch {
            log: self.log.clone(),
            grew: self.grew.subscribe(),
            prefix: Bytes::copy_from_slice(prefix),
            after,
            next,
        }))
    }
}

impl Log {
    /// Drops whole revisions, oldest first: half of one would be a doubled or a lost event.
    fn compact(&mut self) {
        while self.events.len() > self.bounds.events_max || self.bytes > self.bounds.bytes_max {
            let Some(oldest) = self.events.front().map(|event| event.revision) else { return };
            while self.events.front().is_some_and(|event| event.revision == oldest) {
                self.bytes -= self.events.pop_front().as_ref().map_or(0, weight);
                self.first += 1;
            }
            self.compacted = oldest;
        }
    }
}

/// An estimate of what an event keeps in memory.
fn weight(event: &Event) -> usize {
    const EVENT_BYTES: usize = 96;
    EVENT_BYTES + event.key.len() + event.value.as_ref().map_or(0, Bytes::len)
}

struct HistoryWatch {
    log: Arc<Mutex<Log>>,
    grew: watch::Receiver<()>,
    prefix: Bytes,
    after: Revision,
    /// The number of the first event not looked at yet.
    next: u64,
}

impl Watch for HistoryWatch {
    fn next(&mut self) -> BoxFuture<'_, Result<Event, Error>> {
        Box::pin(async move {
            loop {
                self.grew.mark_unchanged();
                if let Some(event) = self.look()? {
                    return Ok(event);
                }
                let closed = |_| Error::Unavailable("the store is closed".into());
                self.grew.changed().await.map_err(closed)?;
            }
        })
    }
}

impl HistoryWatch {
    fn look(&mut self) -> Result<Option<Event>, Error> {
        let log = lock(&self.log);
        let Some(behind) = self.next.checked_sub(log.first) else {
            return Err(Error::Compacted(log.compacted));
        };
        let behind = usize::try_from(behind).unwrap_or(usize::MAX);
        for event in log.events.iter().skip(behind) {
            self.next += 1;
            // A watch may start in the future, at a revision that is not there yet.
            if event.revision > self.after && event.key.starts_with(&self.prefix) {
                return Ok(Some(event.clone()));
            }
        }
        Ok(None)
    }
}

fn lock(log: &Mutex<Log>) -> MutexGuard<'_, Log> {
    log.lock().expect("nothing that holds the history panics")
}
