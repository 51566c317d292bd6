//! Where a region keeps its records and objects: over three zone folders, or in memory.

mod objects;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::objects::Engine;
use aws::{Error, Random, Region, Zone};
use state::backend::embedded::{self, OpenError};
use state::{Embedded, Memory, StateStore};

use self::objects::Objects;
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
    #[error("the objects cannot be opened")]
    Objects(#[from] ::objects::OpenError),
    #[error("the folder {0} of the objects cannot be opened")]
    ObjectsFolder(PathBuf, #[source] std::io::Error),
    /// The journal would begin anew, and everything would seem never to have been.
    #[error(
        "none of the zones' folders {0} holds anything, and a region was started on this data \
         folder before. If they were moved, name them with --zone three times; to begin anew, \
         remove the data folder"
    )]
    ZonesGone(String),
}

impl StorageError {
    fn zones_gone(folders: &[PathBuf]) -> Self {
        let shown: Vec<_> = folders.iter().map(|folder| folder.display().to_string()).collect();
        Self::ZonesGone(shown.join(", "))
    }
}

/// What was opened.
pub enum Opened {
    Memory(Arc<Memory>, Engine),
    Embedded { store: Arc<Embedded>, objects: Objects, zones: [PathBuf; 3] },
}

impl Opened {
    /// To be called in a tokio runtime.
    pub fn memory() -> Self {
        Self::Memory(Arc::new(Memory::new()), Engine::memory())
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
            return Err(StorageError::zones_gone(&zones));
        }
        let had_objects = last.is_some_and(|last| last.objects);
        let store = Arc::new(Embedded::open(&zones, random.clone())?);
        let objects = Objects::open(data, &zones, had_objects, random)?;
        Ok(Self::Embedded { store, objects, zones })
    }

    pub fn store(&self) -> Arc<dyn StateStore> {
        match self {
            Self::Memory(store, _) => store.clone(),
            Self::Embedded { store, .. } => store.clone(),
        }
    }

    pub fn objects(&self) -> Engine {
        match self {
            Self::Memory(_, engine) => engine.clone(),
            Self::Embedded { objects, .. } => objects.engine.clone(),
        }
    }

    pub fn zone_folders(&self) -> Option<&[PathBuf; 3]> {
        match self {
            Self::Memory(..) => None,
            Self::Embedded { zones, .. } => Some(zones),
        }
    }

    pub fn status(&self) -> StoreStatus {
        match self {
            Self::Memory(..) => StoreStatus::Memory,
            Self::Embedded { store, .. } => match store.health().unavailable {
                None => StoreStatus::Journal,
                Some(why) => StoreStatus::JournalStopped { why },
            },
        }
    }

    /// What keeps the objects.
    pub fn objects_status(&self) -> StoreStatus {
        match self {
            Self::Memory(..) => StoreStatus::Memory,
            Self::Embedded { objects, .. } => match objects.engine.health().unavailable {
                None => StoreStatus::Journal,
                Some(why) => StoreStatus::JournalStopped { why },
            },
        }
    }

    /// Whether each zone has all of the records and of the objects' log.
    pub fn whole(&self) -> [bool; 3] {
        let store = match self {
            Self::Memory(..) => Vec::new(),
            Self::Embedded { store, .. } => store.health().zones,
        };
        let objects = self.objects().health().zones;
        let is_well = |health: &[embedded::ZoneHealth], at: usize| {
            health.get(at).is_none_or(|zone| *zone == embedded::ZoneHealth::Healthy)
        };
        [0, 1, 2].map(|at| is_well(&store, at) && is_well(&objects, at))
    }

    /// Takes a zone out of use until it is brought back: nothing of it is written or read.
    ///
    /// # Errors
    /// When too few would be left; nothing has changed then.
    pub async fn take_out(&self, zone: Zone) -> Result<(), Error> {
        let at = place(zone);
        if let Self::Embedded { store, .. } = self {
            store.take_out(at).await.map_err(|error| Error::unavailable(error.to_string()))?;
        }
        let taken = self.objects().take_out(at).await;
        taken.map_err(|error| {
            if let Self::Embedded { store, .. } = self {
                store.bring_back(at);
            }
            Error::unavailable(error.to_string())
        })
    }

    /// Has a zone that was taken out be caught up, soon, and used again.
    pub fn bring_back(&self, zone: Zone) {
        let at = place(zone);
        if let Self::Embedded { store, .. } = self {
            store.bring_back(at);
        }
        self.objects().bring_back(at);
    }

    /// Each zone as it is now, and what the start found there.
    pub fn zones(&self, region: &Region) -> Vec<ZoneStatus> {
        let named = |zone: Zone| ZoneStatus {
            name: zone.name(region),
            id: zone.id(region),
            letter: zone,
            failed_on_purpose: false,
            folder: None,
            health: ZoneHealth::Healthy,
            found: ZoneReport::Healthy,
            objects: ZoneHealth::Healthy,
            objects_found: ZoneReport::Healthy,
        };
        let Self::Embedded { store, objects, zones } = self else {
            return Zone::ALL.map(named).into();
        };
        let now = store.health().zones;
        let objects_now = objects.engine.health().zones;
        let status = |(at, zone): (usize, Zone)| ZoneStatus {
            folder: Some(zones[at].display().to_string()),
            health: now.get(at).map_or(ZoneHealth::Healthy, ZoneHealth::of),
            found: store.found().get(at).map_or(ZoneReport::Healthy, ZoneReport::of),
            objects: objects_now.get(at).map_or(ZoneHealth::Healthy, ZoneHealth::of),
            objects_found: objects.found.get(at).map_or(ZoneReport::Healthy, ZoneReport::of),
            ..named(zone)
        };
        Zone::ALL.into_iter().enumerate().map(status).collect()
    }

    /// Returns when everything acknowledged is on disk and nothing more is taken.
    pub async fn close(&self) {
        if let Self::Embedded { store, objects, .. } = self {
            objects.engine.close().await;
            store.close().await;
        }
    }
}

/// Among the zones, as every store has them in order.
fn place(zone: Zone) -> usize {
    match zone {
        Zone::A => 0,
        Zone::B => 1,
        Zone::C => 2,
    }
}

/// A folder that is not there is as empty.
fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none())
}
