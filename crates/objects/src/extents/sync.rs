//! Syncing an extent's file for many uploads at once.

use std::sync::{Arc, Mutex, PoisonError};

use journal::SyncReason;
use tokio::sync::oneshot;

use crate::extents::zone::{Fault, ZoneFile};

type Answer = oneshot::Sender<Result<(), Fault>>;

/// Who waits for a file. A sync that began after one's last write is good for all of that file,
/// so whoever comes while one runs waits for the next, together with everyone else who does.
#[derive(Default)]
pub(crate) struct Syncs {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    running: bool,
    waiting: Vec<Answer>,
    /// Whether the file's name was synced.
    named: bool,
}

impl ZoneFile {
    /// Answers once all that was written before is durable, name and all.
    pub(crate) async fn sync(self: &Arc<ZoneFile>) -> Result<(), Fault> {
        // Unanswered only when the job panicked.
        self.begin_sync().await.unwrap_or(Err(Fault::Out))
    }

    /// As [`ZoneFile::sync`], for those who come back for the answer later.
    pub(crate) fn begin_sync(self: &Arc<ZoneFile>) -> oneshot::Receiver<Result<(), Fault>> {
        let (answer, receiver) = oneshot::channel();
        let mut state = self.syncs.lock();
        state.waiting.push(answer);
        if !state.running {
            state.running = true;
            let file = self.clone();
            tokio::task::spawn_blocking(move || file.run_syncs());
        }
        receiver
    }

    fn run_syncs(&self) {
        let _ended = Ended(self);
        loop {
            let (waiting, named) = {
                let mut state = self.syncs.lock();
                if state.waiting.is_empty() {
                    state.running = false;
                    return;
                }
                (std::mem::take(&mut state.waiting), state.named)
            };
            let outcome = self.sync_once(named);
            self.syncs.lock().named |= outcome.is_ok();
            for answer in waiting {
                // Whoever went away needs no answer.
                let _ = answer.send(outcome);
            }
        }
    }

    fn sync_once(&self, named: bool) -> Result<(), Fault> {
        self.attempt("syncing an extent", |file| file.sync_data(SyncReason::Extent))?;
        if !named {
            let what = "syncing an extent's name";
            self.attempt(what, |_| self.zone.disk.sync_dir(SyncReason::ExtentDir))?;
        }
        // An open file outlives its name: a directory emptied by hand would go unnoticed.
        self.attempt("finding an extent", |_| {
            self.zone.disk.present()?;
            self.zone.disk.open(&self.name).map(drop)
        })
    }
}

impl Syncs {
    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets go of those who wait when a sync panics, so that nobody waits for ever.
struct Ended<'a>(&'a ZoneFile);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let mut state = self.0.syncs.lock();
            state.running = false;
            state.waiting.clear();
        }
    }
}
