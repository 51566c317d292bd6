//! The journal as the store's log.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use journal::{CommitError, Disk, FsDisk, Journal, Sequence, ZoneHealth};

use super::log::{Log, Lost, Opened, Opener, Place, Ticket};

/// The zones' folders on this machine.
pub(super) struct Folders {
    pub(super) zones: Vec<PathBuf>,
    pub(super) random: Arc<aws::Random>,
}

impl Opener for Folders {
    fn open(&self) -> Result<Opened, String> {
        let mut disks = Vec::new();
        for zone in &self.zones {
            disks.push(journal::open_folder(zone).map_err(|error| error.to_string())?);
        }
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce);
        open(disks, journal::Options::new(nonce), self.zones.clone())
    }
}

/// `folders` are the disks' own, to open them again when they failed; none for disks that are
/// no folders.
pub(super) fn open(
    disks: Vec<Arc<dyn Disk>>,
    options: journal::Options,
    folders: Vec<PathBuf>,
) -> Result<Opened, String> {
    let (journal, recovery) = Journal::open(disks, options).map_err(|error| error.to_string())?;
    let image = recovery.snapshot.map(|mut snapshot| {
        let mut image = Vec::new();
        let read = snapshot.body.read_to_end(&mut image);
        read.map(|_| (Place(snapshot.sequence.0), image)).map_err(|error| error.to_string())
    });
    let image = image.transpose()?;
    let payloads = recovery.frames.map(|frame| match frame {
        Ok(frame) => Ok((Place(frame.sequence.0), frame.payload)),
        Err(error) => Err(error.to_string()),
    });
    let log = Arc::new(JournalLog { journal, folders });
    Ok(Opened { log, image, payloads: Box::new(payloads), found: recovery.zones })
}

struct JournalLog {
    journal: Journal,
    folders: Vec<PathBuf>,
}

impl Log for JournalLog {
    fn submit(&self, payload: Bytes) -> Ticket {
        let ticket = self.journal.submit(payload);
        Box::pin(async move {
            ticket.await.map(|done| Place(done.sequence.0)).map_err(|error| match error {
                CommitError::Unavailable(why) => Lost::Unavailable(why),
                CommitError::Unknown(why) => Lost::Unknown(why),
            })
        })
    }

    fn snapshot(&self, upto: Place, image: Vec<u8>) -> Result<(), String> {
        let done = self.journal.snapshot(Sequence(upto.0), &mut &image[..]);
        done.map_err(|error| error.to_string())
    }

    fn zones(&self) -> Vec<ZoneHealth> {
        self.journal.health()
    }

    fn tend(&self, thorough: bool) {
        if thorough || self.a_folder_is_gone() {
            let report = self.journal.scrub();
            tracing::debug!(?report, "the state's journal was read again");
        }
        for (zone, health) in self.journal.health().iter().enumerate() {
            if let (ZoneHealth::Failed(why), Some(folder)) = (health, self.folders.get(zone)) {
                self.bring_back(zone, folder, why);
            }
        }
    }

    fn stopped(&self) -> bool {
        self.journal.stopped().is_some()
    }
}

impl JournalLog {
    /// Files that are open can be written when their folder is gone: a zone that is only
    /// thought to be there must not count as a copy until its next file is made.
    fn a_folder_is_gone(&self) -> bool {
        let healthy = |(health, _): &(ZoneHealth, &PathBuf)| *health == ZoneHealth::Healthy;
        let zones = self.journal.health().into_iter().zip(&self.folders).filter(healthy);
        zones.map(|(_, folder)| folder).any(|folder| !folder.is_dir())
    }

    fn bring_back(&self, zone: usize, folder: &Path, why: &str) {
        // A folder that is still held is used as it is; one that was made again has a lock of
        // its own and is opened anew.
        let disk = FsDisk::open(folder).ok().map(|disk| Arc::new(disk) as Arc<dyn Disk>);
        let folder = folder.display();
        match self.journal.reattach(zone, disk) {
            Ok(()) => tracing::warn!(%folder, why, "a failed zone was copied again and is healthy"),
            Err(error) => tracing::warn!(%folder, why, %error, "a zone is out of use"),
        }
    }
}
