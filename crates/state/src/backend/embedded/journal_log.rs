//! The journal as the store's log.

use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use journal::{
    CommitError, Disk, DiskFile, FsDisk, Journal, Sequence, SyncReason, ZoneHealth, ZoneReport,
};

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
            disks.push(open_folder(zone)?);
        }
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce);
        let names = self.zones.iter().map(|zone| zone.display().to_string()).collect();
        open(disks, journal::Options::new(nonce), names)
    }
}

/// A folder that cannot be used is a zone that has failed; the journal decides whether the
/// others are enough.
fn open_folder(zone: &Path) -> Result<Arc<dyn Disk>, String> {
    match FsDisk::open(zone) {
        Ok(disk) => Ok(Arc::new(disk)),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(error.to_string()),
        Err(error) => Ok(Arc::new(NoDisk(format!("{}: {error}", zone.display())))),
    }
}

pub(super) fn open(
    disks: Vec<Arc<dyn Disk>>,
    options: journal::Options,
    names: Vec<String>,
) -> Result<Opened, String> {
    let (journal, recovery) = Journal::open(disks, options).map_err(|error| error.to_string())?;
    let image = recovery.snapshot.map(|mut snapshot| {
        let mut image = Vec::new();
        let read = snapshot.body.read_to_end(&mut image);
        read.map(|_| (Place(snapshot.sequence.0), image)).map_err(|error| error.to_string())
    });
    let image = image.transpose()?;
    let payloads = recovery.frames.map(|frame| match frame {
        Ok((sequence, payload)) => Ok((Place(sequence.0), payload)),
        Err(error) => Err(error.to_string()),
    });
    let mended = recovery.zones.into_iter().zip(&names);
    let mended = mended.filter_map(|(report, name)| describe(report, name)).collect();
    let log = Arc::new(JournalLog { journal, names });
    Ok(Opened { log, image, payloads: Box::new(payloads), mended })
}

fn describe(report: ZoneReport, name: &str) -> Option<String> {
    Some(match report {
        ZoneReport::Healthy => return None,
        ZoneReport::Lost => {
            format!("the zone folder {name} was lost: everything was copied into it again")
        }
        ZoneReport::Stale => format!(
            "the zone folder {name} missed the end of the last run: everything was copied into \
             it again"
        ),
        ZoneReport::Rotten { frames, files } => format!(
            "the zone folder {name} had {frames} damaged frames and {files} damaged files: they \
             were written again. Its disk lies or rots"
        ),
        ZoneReport::Failed(why) => {
            format!("the zone folder {name} cannot be used, and the region runs without it: {why}")
        }
    })
}

struct JournalLog {
    journal: Journal,
    names: Vec<String>,
}

impl Log for JournalLog {
    fn submit(&self, payload: Bytes) -> Ticket {
        let ticket = self.journal.submit(payload);
        Box::pin(async move {
            ticket.await.map(|sequence| Place(sequence.0)).map_err(|error| match error {
                CommitError::Unavailable(why) => Lost::Unavailable(why),
                CommitError::Unknown(why) => Lost::Unknown(why),
            })
        })
    }

    fn snapshot(&self, upto: Place, image: Vec<u8>) -> Result<(), String> {
        let done = self.journal.snapshot(Sequence(upto.0), &mut &image[..]);
        done.map_err(|error| error.to_string())
    }

    fn troubles(&self) -> Vec<String> {
        let zones = self.journal.health().into_iter().zip(&self.names);
        let trouble = |(health, name): (ZoneHealth, &String)| match health {
            ZoneHealth::Healthy => None,
            ZoneHealth::Failed(why) => Some(format!("the zone folder {name} has failed: {why}")),
            ZoneHealth::CatchingUp => {
                Some(format!("the zone folder {name} is being copied into again"))
            }
        };
        zones.filter_map(trouble).collect()
    }

    fn stopped(&self) -> bool {
        self.journal.stopped().is_some()
    }
}

/// Stands for a folder that cannot even be opened.
struct NoDisk(String);

impl NoDisk {
    fn error<T>(&self) -> io::Result<T> {
        Err(io::Error::other(self.0.clone()))
    }
}

impl Disk for NoDisk {
    fn create(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.error()
    }

    fn open(&self, _: &str) -> io::Result<Arc<dyn DiskFile>> {
        self.error()
    }

    fn rename(&self, _: &str, _: &str) -> io::Result<()> {
        self.error()
    }

    fn remove(&self, _: &str) -> io::Result<()> {
        self.error()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.error()
    }

    fn sync_dir(&self, _: SyncReason) -> io::Result<()> {
        self.error()
    }
}
