//! When leases end: on the machine's monotonic clock, which no user turns and no restart
//! remembers.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::table::Table;
use crate::store::LeaseId;

#[derive(Default)]
pub(super) struct LeaseClock {
    ends: Mutex<HashMap<LeaseId, End>>,
    sooner: Notify,
}

struct End {
    ttl: Duration,
    at: Instant,
}

impl LeaseClock {
    pub(super) fn start(&self, lease: LeaseId, ttl: Duration) {
        self.ends().insert(lease, End { ttl, at: Instant::now() + ttl });
        self.sooner.notify_one();
    }

    /// These leases and no others, each with its whole time.
    pub(super) fn restart(&self, table: &Table) {
        let now = Instant::now();
        let ends = table.leases.iter();
        let ends = ends.map(|(id, lease)| (*id, End { ttl: lease.ttl, at: now + lease.ttl }));
        *self.ends() = ends.collect();
        self.sooner.notify_one();
    }

    /// Gives the lease its whole time again, unless it is over.
    pub(super) fn keep(&self, lease: LeaseId) -> bool {
        let now = Instant::now();
        match self.ends().get_mut(&lease) {
            Some(end) if now < end.at => {
                end.at = now + end.ttl;
                true
            }
            _ => false,
        }
    }

    pub(super) fn alive(&self, lease: LeaseId) -> bool {
        self.ends().get(&lease).is_some_and(|end| Instant::now() < end.at)
    }

    pub(super) fn stop(&self, lease: LeaseId) {
        self.ends().remove(&lease);
    }

    /// The leases whose time is over; waits for one. They stay until [`Self::stop`], so
    /// that an end which fails is asked for again.
    pub(super) async fn ended(&self) -> Vec<LeaseId> {
        loop {
            let now = Instant::now();
            let (over, first) = {
                let ends = self.ends();
                let over: Vec<_> =
                    ends.iter().filter(|(_, end)| end.at <= now).map(|(id, _)| *id).collect();
                (over, ends.values().map(|end| end.at).min())
            };
            if !over.is_empty() {
                return over;
            }
            match first {
                Some(at) => {
                    let _ = tokio::time::timeout_at(at, self.sooner.notified()).await;
                }
                None => self.sooner.notified().await,
            }
        }
    }

    fn ends(&self) -> MutexGuard<'_, HashMap<LeaseId, End>> {
        self.ends.lock().expect("nothing that holds the lease clock panics")
    }
}
