//! Looks after the journal's zones while the store runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::Shared;
use super::line::LogState;

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
        if tokio::time::timeout(EVERY, &mut stopped).await.is_ok() {
            return;
        }
        let log = match &shared.line.inner().log {
            LogState::Open(log) => log.clone(),
            _ => continue,
        };
        let thorough = round.is_multiple_of(THOROUGH_EACH);
        // A panic in it has been reported; the next round tries again.
        let _ = tokio::task::spawn_blocking(move || log.tend(thorough)).await;
    }
}
