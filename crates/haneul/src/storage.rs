//! Where a region keeps its records: the embedded store over three zone folders, or memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{Random, Region, Zone};
use state::backend::embedded::OpenError;
use state::{Embedded, Memory, StateStore};

use crate::admin::{StoreStatus, ZoneHealth, ZoneReport, ZoneStatus};
use crate::data_dir::{DataDir, DataDirError, LastStart};

/// What was asked for.
pub enum Storage {
    /// Gone with the process.
    Memory,
    Folder {
        data: DataDir,
        /// Elsewhere than in the data folder, or than at the last start.
        zones: Option<[PathBuf; 3]>,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    #[error(transparent)]
    Folder(#[from] DataDirError),
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The journal would begin anew, and everything would seem never to have been.
    #[error(
        "none of the zones' folders {0} holds anything, and a region was started on this data \
         folder before. If they were moved, name them with --zone three times; to begin anew, \
         remove the data folder"
    )]
    ZonesGone(String),
}

/// What was opened.
pub enum Opened {
    Memory(Arc<Memory>),
    Embedded { store: Arc<Embedded>, zones: [PathBuf; 3] },
}

impl Opened {
    pub fn memory() -> Self {
        Self::Memory(Arc::new(Memory::new()))
    }

    /// Opens the zones' folders: those given, else the last start's, else the data folder's own.
    /// The caller holds the folder's lock.
    ///
    /// # Errors
    /// When too few of the zones can be used, or none holds what the last start left.
    pub fn folder(
        data: &DataDir,
        zones: Option<[PathBuf; 3]>,
        random: Arc<Random>,
    ) -> Result<Self, StorageError> {
        let last = data.last_start()?;
        let recorded = last.as_ref().map(|last: &LastStart| last.zones.clone());
        let zones = zones.or(recorded).unwrap_or_else(|| data.zones());
        if last.is_some() && zones.iter().all(|zone| is_empty(zone)) {
            let shown: Vec<_> = zones.iter().map(|zone| zone.display().to_string()).collect();
            return Err(StorageError::ZonesGone(shown.join(", ")));
        }
        let store = Arc::new(Embedded::open(&zones, random)?);
        Ok(Self::Embedded { store, zones })
    }

    pub fn store(&self) -> Arc<dyn StateStore> {
        match self {
            Self::Memory(store) => store.clone(),
            Self::Embedded { store, .. } => store.clone(),
        }
    }

    pub fn zone_folders(&self) -> Option<&[PathBuf; 3]> {
        match self {
            Self::Memory(_) => None,
            Self::Embedded { zones, .. } => Some(zones),
        }
    }

    pub fn status(&self) -> StoreStatus {
        match self {
            Self::Memory(_) => StoreStatus::Memory,
            Self::Embedded { store, .. } => match store.health().unavailable {
                None => StoreStatus::Journal,
                Some(why) => StoreStatus::JournalStopped { why },
            },
        }
    }

    /// Each zone as it is now, and what the start found there.
    pub fn zones(&self, region: &Region) -> Vec<ZoneStatus> {
        let named = |zone: Zone| ZoneStatus {
            name: zone.name(region),
            id: zone.id(region),
            folder: None,
            health: ZoneHealth::Healthy,
            found: ZoneReport::Healthy,
        };
        let Self::Embedded { store, zones } = self else {
            return Zone::ALL.map(named).into();
        };
        let now = store.health().zones;
        let status = |(at, zone): (usize, Zone)| ZoneStatus {
            folder: Some(zones[at].display().to_string()),
            health: now.get(at).map_or(ZoneHealth::Healthy, ZoneHealth::of),
            found: store.found().get(at).map_or(ZoneReport::Healthy, ZoneReport::of),
            ..named(zone)
        };
        Zone::ALL.into_iter().enumerate().map(status).collect()
    }

    /// Returns when everything acknowledged is on disk and nothing more is taken.
    pub async fn close(&self) {
        if let Self::Embedded { store, .. } = self {
            store.close().await;
        }
    }
}

/// A folder that is not there is as empty.
fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}
