//! What the zones' directories hold, read without changing anything.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use crate::JournalId;
use crate::copy::Copy;
use crate::disk::{Disk, DiskFile};
use crate::identity::{self, Identity};
use crate::recover::OpenError;
use crate::segment;
use crate::snapshot::{self, Meta};

pub(crate) enum Found {
    /// Says that it holds all it ever acknowledged.
    Voter(Identity),
    Blank,
    /// Files of a journal that do not say whose.
    Damaged,
    Failed(String),
}

pub(crate) struct Survey {
    pub(crate) found: Vec<Found>,
    pub(crate) disks: Vec<Arc<dyn Disk>>,
    /// Names in each zone's directory.
    names: Vec<Vec<String>>,
}

impl Survey {
    pub(crate) fn of(disks: Vec<Arc<dyn Disk>>) -> Result<Survey, OpenError> {
        let mut survey = Survey { found: Vec::new(), disks, names: Vec::new() };
        for disk in &survey.disks {
            let (found, names) = match look(disk.as_ref()) {
                Ok(seen) => seen,
                Err(error) if error.kind() == io::ErrorKind::Unsupported => {
                    return Err(OpenError::Format(error.to_string()));
                }
                Err(error) => (Found::Failed(error.to_string()), Vec::new()),
            };
            survey.found.push(found);
            survey.names.push(names);
        }
        Ok(survey)
    }

    /// The journal these zones belong to; `None` when nothing says so yet.
    pub(crate) fn identity(&self) -> Result<Option<JournalId>, OpenError> {
        let mut known = None;
        for (zone, found) in self.found.iter().enumerate() {
            let Found::Voter(identity) = found else { continue };
            if identity.zone != zone || identity.zones != self.disks.len() {
                return Err(OpenError::WrongZone(format!(
                    "given as zone {zone} of {}, it is zone {} of {}",
                    self.disks.len(),
                    identity.zone,
                    identity.zones
                )));
            }
            if *known.get_or_insert(identity.id) != identity.id {
                return Err(OpenError::WrongZone(format!("zone {zone} is another journal's")));
            }
        }
        Ok(known)
    }

    pub(crate) fn voters(&self) -> Vec<usize> {
        let numbered = self.found.iter().enumerate();
        numbered.filter(|(_, f)| matches!(f, Found::Voter(_))).map(|(zone, _)| zone).collect()
    }
}

fn look(disk: &dyn Disk) -> io::Result<(Found, Vec<String>)> {
    let names = disk.list()?;
    let found = match identity::read(disk)? {
        Some(identity) => Found::Voter(identity),
        None => {
            let ours = |name: &String| {
                segment::index_of(name).is_some() || snapshot::sequence_of(name).is_some()
            };
            if names.iter().any(ours) { Found::Damaged } else { Found::Blank }
        }
    };
    Ok((found, names))
}

/// A voter's copy of the log.
pub(crate) fn open_copy(survey: &Survey, zone: usize, id: JournalId) -> Copy {
    let mut copy = Copy::new(zone, BTreeMap::new());
    for name in &survey.names[zone] {
        let Some(index) = segment::index_of(name) else { continue };
        match segment::open(survey.disks[zone].as_ref(), id, zone, index) {
            Ok(Some(file)) => {
                copy.segments.insert(index, file);
            }
            Ok(None) => tracing::warn!(zone, name, "journal segment does not check"),
            Err(error) => {
                copy.failed.get_or_insert(error);
            }
        }
    }
    copy
}

pub(crate) type NewestSnapshot = Option<(Meta, Arc<dyn DiskFile>)>;

/// The newest snapshot that checks in any copy, and each copy's own newest.
pub(crate) fn newest_snapshot(
    survey: &Survey,
    copies: &mut [Copy],
    id: JournalId,
) -> (NewestSnapshot, Vec<Option<Meta>>) {
    let mut newest: NewestSnapshot = None;
    let mut own: Vec<Option<Meta>> = vec![None; copies.len()];
    for (copy, own) in copies.iter_mut().zip(&mut own) {
        let mut names: Vec<&String> = survey.names[copy.zone].iter().collect();
        names.retain(|name| snapshot::sequence_of(name).is_some());
        names.sort();
        for name in names.into_iter().rev() {
            let file = survey.disks[copy.zone].open(name);
            let checked =
                file.and_then(|file| Ok(snapshot::check(&file, id)?.map(|meta| (meta, file))));
            match checked {
                Ok(Some((meta, file))) => {
                    *own = Some(meta.clone());
                    let newer = |(known, _): &(Meta, _)| meta.age() > known.age();
                    if newest.as_ref().is_none_or(newer) {
                        newest = Some((meta, file));
                    }
                    break;
                }
                Ok(None) => tracing::warn!(zone = copy.zone, name, "snapshot does not check"),
                Err(error) => {
                    copy.failed.get_or_insert(error);
                }
            }
        }
    }
    (newest, own)
}
