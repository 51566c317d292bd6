//! Holding the index against the log, and making it anew when it shows something else.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use journal::Journal;
use tokio::sync::oneshot;

use super::KeepingError;
use crate::frame;
use crate::index::{Index, IndexError};
use crate::replay::front;
use crate::shared::Shared;

enum Trouble {
    /// What the index shows is not what the log says.
    Damage(String),
    Log(String),
}

impl From<IndexError> for Trouble {
    fn from(error: IndexError) -> Self {
        Self::Damage(error.to_string())
    }
}

impl Shared {
    /// Looks at the whole index. Answers what was wrong with the one that was made anew.
    ///
    /// # Errors
    /// When the log cannot be read, or no other index be made.
    pub(super) async fn mend_index(self: &Arc<Self>) -> Result<Option<String>, KeepingError> {
        let (index, log) = (self.tables().index.clone(), self.log());
        let looked = tokio::task::spawn_blocking(move || look(index.as_ref(), &log)).await;
        let panicked = |panic: tokio::task::JoinError| Err(KeepingError::Index(panic.to_string()));
        let Some(why) = looked.unwrap_or_else(panicked)? else { return Ok(None) };
        tracing::error!(why, "the index of the objects is damaged, and made anew from the log");
        let (answer, made) = oneshot::channel();
        let closed = || KeepingError::Index("the engine is closed".to_owned());
        self.rebuilds.send(answer).map_err(|_| closed())?;
        made.await.map_err(|_| closed())?.map_err(KeepingError::Index)?;
        Ok(Some(why))
    }
}

/// What is wrong with the index.
fn look(index: &dyn Index, log: &Journal) -> Result<Option<String>, KeepingError> {
    let begin = || log.segments().first().map(|segment| segment.first);
    let before = begin();
    // What rotted can make redb panic.
    let looked = catch_unwind(AssertUnwindSafe(|| hold_against(index, log)));
    // Entries moved on from a front that the log no longer has: another time.
    if begin() != before {
        return Ok(None);
    }
    match looked {
        Ok(Ok(())) => Ok(None),
        Ok(Err(Trouble::Damage(why))) => Ok(Some(why)),
        Ok(Err(Trouble::Log(why))) => Err(KeepingError::Log(why)),
        Err(_) => Ok(Some("it makes the database panic".to_owned())),
    }
}

fn hold_against(index: &dyn Index, log: &Journal) -> Result<(), Trouble> {
    let Some(mut audit) = index.audit()? else { return Ok(()) };
    let reached = audit.reached();
    let unreadable = |error: &dyn std::fmt::Display| Trouble::Log(error.to_string());
    for read in front(log).map_err(|error| unreadable(&error))? {
        let journal::Frame { sequence, place, payload, .. } =
            read.map_err(|error| unreadable(&error))?;
        if sequence > reached.sequence {
            break;
        }
        let frame = frame::decode(&payload).map_err(|error| unreadable(&error))?;
        audit.frame(place, payload.len(), &frame.effect)?;
    }
    Ok(audit.end()?)
}
