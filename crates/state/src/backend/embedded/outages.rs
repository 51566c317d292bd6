//! Zones that were taken out of use on purpose.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::line::LogState;
use super::{Embedded, closed};
use crate::store::Error;

/// What their health says.
pub(super) const WHY: &str = "on purpose";

/// They outlive the journal, which is opened again when it has stopped.
#[derive(Default)]
pub(super) struct Outages {
    zones: Mutex<BTreeSet<usize>>,
    changed: Notify,
}

impl Outages {
    fn held(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn zones(&self) -> BTreeSet<usize> {
        self.held().clone()
    }

    /// Returns when a zone was brought back.
    pub(super) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Embedded {
    /// Takes a zone out of use, until [`Embedded::bring_back`]: it is neither written nor read.
    ///
    /// # Errors
    /// When too few zones would be left, or the journal takes nothing; nothing has changed then.
    pub async fn take_out(&self, zone: usize) -> Result<(), Error> {
        let log = match &self.shared.line.inner().log {
            LogState::Open(log) => log.clone(),
            LogState::Mending(why) => return Err(Error::Unavailable(why.clone())),
            LogState::Closed => return Err(closed()),
        };
        let known = !self.shared.outages.held().insert(zone);
        let detached = tokio::task::spawn_blocking(move || log.detach(zone, WHY)).await;
        let detached = detached.unwrap_or_else(|panic| Err(panic.to_string()));
        if detached.is_err() && !known {
            self.shared.outages.held().remove(&zone);
        }
        detached.map_err(Error::Unavailable)
    }

    /// Has a zone that was taken out be caught up and used again, soon.
    pub fn bring_back(&self, zone: usize) {
        self.shared.outages.held().remove(&zone);
        if let LogState::Open(log) = &self.shared.line.inner().log {
            log.release(zone);
        }
        self.shared.outages.changed.notify_one();
    }
}
