//! Looks after the journal's zones while the store runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::line::LogState;
use super::log::Log;
use super::{Shared, ZoneHealth, outages};

/// How soon a zone that went away is noticed, and one that is back is used again.
const EVERY: Duration = Duration::from_secs(5);
/// Each so many times everything is read again: once an hour.
const THOROUGH_EACH: u64 = 720;

/// Ends when it is stopped or dropped.
pub(super) struct Tender {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Tender {
    pub(super) fn start(shared: Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(tend(shared, stopped)) }
    }

    /// Returns when it no longer uses the journal.
    pub(super) async fn stop(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

async fn tend(shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    for round in 1_u64.. {
        tokio::select! {
            _ = &mut stopped => return,
            () = shared.outages.changed() => {}
            () = sleep(EVERY) => {}
        }
        let log = match &shared.line.inner().log {
            LogState::Open(log) => log.clone(),
            _ => continue,
        };
        let thorough = round.is_multiple_of(THOROUGH_EACH);
        // A panic in it has been reported; the next round tries again.
        let tending = shared.clone();
        let _ = tokio::task::spawn_blocking(move || {
            log.tend(thorough);
            keep_out(&tending, &*log);
        })
        .await;
    }
}

/// A journal that was opened again has taken up every zone.
fn keep_out(shared: &Shared, log: &dyn Log) {
    for zone in shared.outages.zones() {
        let failed = log.zones().get(zone).is_some_and(|at| matches!(at, ZoneHealth::Failed(_)));
        if !failed && let Err(why) = log.detach(zone, outages::WHY) {
            tracing::warn!(zone, why, "a zone that is to be out is needed");
        }
    }
}
