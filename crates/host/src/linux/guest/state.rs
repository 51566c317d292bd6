//! What is remembered of a guest, in a file each: enough to find all of it again after haneul
//! was killed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::spec::Node;
use crate::{Generation, Guest, GuestId, InterfaceId, VolumeId};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Kept {
    /// The newest that was seen, whatever came of it.
    pub generation: Generation,
    /// As it was last asked to be.
    pub guest: Option<Guest>,
    /// The first of the guest's users on this machine.
    pub user: Option<u32>,
    pub cpus: Vec<u32>,
    pub life: Option<Life>,
    pub failure: Option<String>,
    /// It ended in order to begin again, and has not begun yet.
    pub rebooting: bool,
}

/// From a start to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Life {
    /// Of the machine: after another boot the process is gone, whatever its number is.
    pub boot: String,
    /// `None` until it is born.
    pub process: Option<Process>,
    pub root: PathBuf,
    pub disks: Vec<(VolumeId, Node)>,
    /// Which interface is `eth` and this number.
    pub cards: Vec<(InterfaceId, u32)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: i32,
    pub start_time: u64,
}

impl Kept {
    pub fn new(generation: Generation) -> Self {
        Self {
            generation,
            guest: None,
            user: None,
            cpus: Vec::new(),
            life: None,
            failure: None,
            rebooting: false,
        }
    }
}

/// The folder of records.
#[derive(Clone, Debug)]
pub struct Records {
    folder: PathBuf,
}

const ENDING: &str = "json";
/// Of guests that were removed, a line each: generation and id.
const REMOVED: &str = "removed";

impl Records {
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        std::fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    pub fn load(&self) -> io::Result<BTreeMap<GuestId, Kept>> {
        let mut all = self.removed()?;
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == ENDING)
                && let Some(id) = path.file_stem().and_then(|name| name.to_str())
            {
                let text = std::fs::read_to_string(&path)?;
                let kept = serde_json::from_str(&text)
                    .map_err(|error| io::Error::other(format!("{}: {error}", path.display())))?;
                all.insert(GuestId(id.to_owned()), kept);
            }
        }
        Ok(all)
    }

    fn removed(&self) -> io::Result<BTreeMap<GuestId, Kept>> {
        let text = match std::fs::read_to_string(self.folder.join(REMOVED)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            text => text?,
        };
        let mut newest = BTreeMap::<GuestId, Kept>::new();
        for (generation, id) in text.lines().filter_map(|line| line.split_once(' ')) {
            // A line that a power cut left torn is of a removal that was not answered.
            let Ok(generation) = generation.parse().map(Generation) else { continue };
            let kept = newest.entry(GuestId(id.to_owned()));
            let kept = kept.or_insert_with(|| Kept::new(generation));
            kept.generation = kept.generation.max(generation);
        }
        Ok(newest)
    }

    /// Survives a power cut.
    pub fn keep(&self, id: &GuestId, kept: &Kept) -> io::Result<()> {
        let draft = self.draft(id, kept)?;
        draft.sync_all()?;
        self.publish(id)?;
        File::open(&self.folder)?.sync_all()
    }

    /// Survives the end of haneul, and may be lost with the machine.
    pub fn note(&self, id: &GuestId, kept: &Kept) -> io::Result<()> {
        self.draft(id, kept)?;
        self.publish(id)
    }

    pub fn remove(&self, id: &GuestId, generation: Generation) -> io::Result<()> {
        let mut removed =
            File::options().append(true).create(true).open(self.folder.join(REMOVED))?;
        removed.write_all(format!("{generation} {id}\n").as_bytes())?;
        removed.sync_all()?;
        for path in [self.record(id), self.console(id)] {
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        Ok(())
    }

    /// Where a console is kept between two lives.
    pub fn console(&self, id: &GuestId) -> PathBuf {
        self.folder.join(format!("{id}.console"))
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn record(&self, id: &GuestId) -> PathBuf {
        self.folder.join(format!("{id}.{ENDING}"))
    }

    fn draft(&self, id: &GuestId, kept: &Kept) -> io::Result<File> {
        let mut file = File::create(self.folder.join(format!("{id}.draft")))?;
        file.write_all(&serde_json::to_vec(kept)?)?;
        Ok(file)
    }

    fn publish(&self, id: &GuestId) -> io::Result<()> {
        std::fs::rename(self.folder.join(format!("{id}.draft")), self.record(id))
    }
}
