//! Looks after the zones' logs while the engine runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::line::LogState;
use crate::shared::Shared;

/// How soon a zone that went away is noticed, and one that is back is used again.
const EVERY: Duration = Duration::from_secs(5);
/// Each so many times the whole log is read again: once a day, for it may be large.
const THOROUGH_EACH: u64 = 17_280;

/// Ends when it is stopped or dropped.
pub(crate) struct Tender {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Tender {
    pub(crate) fn start(shared: Arc<Shared>) -> Self {
        let (stop, stopped) = oneshot::channel();
        Self { stop, task: tokio::spawn(tend(shared, stopped)) }
    }

    /// Returns when it no longer uses the log.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

async fn tend(shared: Arc<Shared>, mut stopped: oneshot::Receiver<()>) {
    for round in 1_u64.. {
        if tokio::time::timeout(EVERY, &mut stopped).await.is_ok() {
            return;
        }
        let log = match &shared.line.inner().log {
            LogState::Open(log) => log.clone(),
            LogState::Mending(_) | LogState::Closed => continue,
        };
        let thorough = round.is_multiple_of(THOROUGH_EACH);
        // A panic in it has been reported; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || log.tend(thorough)).await;
    }
}
