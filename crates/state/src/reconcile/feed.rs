//! Tells the runtime which records there are and which have changed: a listing, then the
//! watch, then the listing again when the watch ends.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;

use crate::key::Key;
use crate::store::{Error, Revision, StateStore};

const LISTED_PER_PAGE: usize = 1000;
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Runs until the receiver is gone.
pub(super) async fn feed(
    store: Arc<dyn StateStore>,
    kinds: HashSet<&'static str>,
    woken: Sender<Key>,
) {
    let feed = Feed { store, kinds, woken };
    loop {
        match feed.list_and_watch().await {
            Ok(Closed) => return,
            Err(Error::Compacted(_)) => {}
            Err(error) => {
                tracing::warn!(%error, "reconcilers hear of no changes; listing again soon");
                tokio::time::sleep(RETRY_AFTER).await;
            }
        }
    }
}

struct Feed {
    store: Arc<dyn StateStore>,
    kinds: HashSet<&'static str>,
    woken: Sender<Key>,
}

/// The runtime wants no more.
struct Closed;

impl Feed {
    /// Keys begin with their account, so one kind's keys are everywhere: one listing and one
    /// watch of all serve every kind.
    async fn list_and_watch(&self) -> Result<Closed, Error> {
        let mut start = Vec::new();
        let mut listed_at: Option<Revision> = None;
        loop {
            let page = self.store.range(&start, b"", LISTED_PER_PAGE).await?;
            // Later pages are of later revisions; the watch starts at the first, and a
            // record that comes twice is woken twice, which does no harm.
            listed_at.get_or_insert(page.revision);
            for item in &page.items {
                if self.tell(&item.key).await.is_err() {
                    return Ok(Closed);
                }
            }
            match page.items.last() {
                Some(last) if page.more => start = [&last.key[..], b"\0"].concat(),
                _ => break,
            }
        }
        let mut watch = self.store.watch(b"", listed_at.unwrap_or_default()).await?;
        loop {
            let event = tokio::select! {
                event = watch.next() => event?,
                () = self.woken.closed() => return Ok(Closed),
            };
            if self.tell(&event.key).await.is_err() {
                return Ok(Closed);
            }
        }
    }

    async fn tell(&self, key: &[u8]) -> Result<(), Closed> {
        match Key::decode(key) {
            Some(key) if self.kinds.contains(&*key.kind) => {
                self.woken.send(key).await.map_err(|_| Closed)
            }
            _ => Ok(()),
        }
    }
}
