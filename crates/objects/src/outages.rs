//! Zones that were taken out of use on purpose.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use journal::ZoneHealth;
use tokio::sync::Notify;

use crate::extents::Health;
use crate::line::LogState;
use crate::shared::Shared;
use crate::{CommitError, Engine};

/// What their health says.
const WHY: &str = "on purpose";

/// They outlive the log, which is opened again when it has stopped.
#[derive(Default)]
pub(crate) struct Outages {
    zones: Mutex<BTreeSet<usize>>,
    changed: Notify,
}

impl Outages {
    fn held(&self) -> MutexGuard<'_, BTreeSet<usize>> {
        self.zones.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn contains(&self, zone: usize) -> bool {
        self.held().contains(&zone)
    }

    /// Returns when a zone was brought back.
    pub(crate) async fn changed(&self) {
        self.changed.notified().await;
    }
}

impl Engine {
    /// Takes a zone out of use, until [`Engine::bring_back`]: neither its copy of the log nor its
    /// extents are written or read.
    ///
    /// # Errors
    /// When too few zones would be left, or the log takes nothing; nothing has changed then.
    pub async fn take_out(&self, zone: usize) -> Result<(), CommitError> {
        let shared = self.shared().clone();
        let known = !shared.outages.held().insert(zone);
        let taking = shared.clone();
        let taken = tokio::task::spawn_blocking(move || taking.take_out(zone)).await;
        let taken = taken.unwrap_or_else(|panic| Err(panic.to_string()));
        if taken.is_err() && !known {
            shared.outages.held().remove(&zone);
        }
        taken.map_err(CommitError::Unavailable)
    }

    /// Has a zone that was taken out be caught up and used again, soon.
    pub fn bring_back(&self, zone: usize) {
        self.shared().outages.held().remove(&zone);
        self.shared().log().release(zone);
        self.shared().outages.changed.notify_one();
    }
}

impl Shared {
    fn take_out(&self, zone: usize) -> Result<(), String> {
        let log = match &self.line.inner().log {
            LogState::Open(log) => log.clone(),
            LogState::Mending(why) => return Err(why.clone()),
            LogState::Closed => return Err(crate::line::closed().to_string()),
        };
        log.detach(zone, WHY).map_err(|error| error.to_string())?;
        self.extents.set_zone(zone, None);
        Ok(())
    }

    /// A log that was opened again has taken up every zone. Blocks.
    pub(crate) fn keep_out(&self) {
        let zones = self.outages.held().clone();
        let (log, extents) = (self.log().health(), self.extents.health());
        for zone in zones {
            let out = matches!(log.get(zone), Some(ZoneHealth::Failed(_)))
                && extents.get(zone) == Some(&Health::Away);
            if !out && let Err(why) = self.take_out(zone) {
                tracing::warn!(zone, why, "a zone that is to be out is needed");
            }
        }
    }
}
