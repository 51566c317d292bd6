//! Another index in place of one that is damaged, while the engine runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use journal::Journal;
use tokio::sync::mpsc::UnboundedReceiver;

use crate::index::{Database, Index};
use crate::options::Limits;
use crate::replay::replay_until;
use crate::shared::{Rebuild, Shared};
use crate::table::Reached;

/// What the keeper needs for it.
pub(crate) struct Rebuilder {
    pub(crate) asked: UnboundedReceiver<Rebuild>,
    /// `None`: it is in memory, and does not rot.
    pub(crate) file: Option<PathBuf>,
    pub(crate) limits: Limits,
}

impl Rebuilder {
    /// Makes an index that shows of the log what the present one should, and has readers look
    /// there. Nothing may be written into the present one meanwhile.
    pub(crate) async fn rebuild(&self, shared: Arc<Shared>) -> Result<(), String> {
        let Some(file) = self.file.clone() else { return Ok(()) };
        let limits = self.limits.clone();
        let make = move || {
            let reached = shared.tables().index.reached();
            let index = made(&file, &shared.log(), reached, &limits)?;
            shared.tables_mut().index = index;
            Ok(())
        };
        tokio::task::spawn_blocking(make).await.unwrap_or_else(|panic| Err(panic.to_string()))
    }
}

fn made(
    file: &Path,
    log: &Journal,
    reached: Reached,
    limits: &Limits,
) -> Result<Arc<dyn Index>, String> {
    let new = file.with_extension("new");
    match std::fs::remove_file(&new) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.to_string()),
        _ => {}
    }
    let index = Database::open(&new, log.id(), limits.index_cache_bytes);
    let index: Arc<dyn Index> = Arc::new(index.map_err(|error| error.to_string())?);
    let tables = replay_until(log, index.clone(), limits, reached.sequence);
    let tables = tables.map_err(|error| error.to_string())?;
    index.apply(&tables.active).map_err(|error| error.to_string())?;
    if index.reached() != reached {
        return Err(format!("the log has {:?} where {reached:?} was", index.reached()));
    }
    // The old file stays open, without a name, for whoever still reads from it. If the new name
    // is lost with the power, the old one is found and damaged again, or is behind the log.
    std::fs::rename(&new, file).map_err(|error| error.to_string())?;
    Ok(index)
}
