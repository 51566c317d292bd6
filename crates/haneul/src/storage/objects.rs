//! The objects' part of the zones' folders.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::objects::{Engine, Limits, Options, Zone};
use aws::Random;
use journal::{Disk, ZoneReport};

use super::{StorageError, is_empty};
use crate::data_dir::{DataDir, make_private_dir};

/// The engine that was opened.
pub struct Objects {
    pub engine: Engine,
    /// What opening found in each zone.
    pub found: Vec<ZoneReport>,
}

impl Objects {
    /// Opens what lies in the zones' folders; the index lies in the data folder, since it can be
    /// made again. `had_objects`: a start before this one has opened it.
    pub fn open(
        data: &DataDir,
        zones: &[PathBuf; 3],
        had_objects: bool,
        random: Arc<Random>,
    ) -> Result<Self, StorageError> {
        let logs = zones.each_ref().map(|zone| zone.join("objects").join("log"));
        if had_objects && logs.iter().all(|log| is_empty(log)) {
            return Err(StorageError::zones_gone(&logs));
        }
        let index = data.objects_index();
        if let Some(folder) = index.parent() {
            make_private_dir(folder)?;
        }
        let zone = |(zone, log): (&PathBuf, &PathBuf)| {
            let extents = zone.join("objects").join("extents");
            Ok(Zone { log: open_disk(log)?, extents: open_disk(&extents)? })
        };
        let zones = zones.iter().zip(&logs).map(zone).collect::<Result<_, StorageError>>()?;
        let (engine, found) = Engine::open(Options {
            zones,
            index: Some(index),
            random: Arc::new(move |bytes| random.fill(bytes)),
            limits: Limits::default(),
        })?;
        Ok(Self { engine, found: found.zones })
    }
}

fn open_disk(folder: &Path) -> Result<Arc<dyn Disk>, StorageError> {
    let opened = journal::open_folder(folder);
    opened.map_err(|error| StorageError::ObjectsFolder(folder.to_owned(), error))
}
