//! The journal as the store's log.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use journal::{CommitError, Disk, Journal, Sequence, ZoneHealth};

use super::log::{Log, Lost, Opened, Opener, Place, Ticket};

/// The zones' folders on this machine.
pub(super) struct Folders {
    pub(super) zones: Vec<PathBuf>,
    pub(super) random: Arc<aws::Random>,
}

impl Opener for Folders {
    fn open(&self) -> Result<Opened, String> {
        let disks = self.zones.iter().map(|zone| journal::open_folder(zone));
        let disks = disks.collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let mut nonce = [0; 16];
        self.random.fill(&mut nonce);
        open(disks, journal::Options::new(nonce))
    }
}

pub(super) fn open(disks: Vec<Arc<dyn Disk>>, options: journal::Options) -> Result<Opened, String> {
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
    let log = Arc::new(JournalLog(journal));
    Ok(Opened { log, image, payloads: Box::new(payloads), found: recovery.zones })
}

struct JournalLog(Journal);

impl Log for JournalLog {
    fn submit(&self, payload: Bytes) -> Ticket {
        let ticket = self.0.submit(payload);
        Box::pin(async move {
            ticket.await.map(|done| Place(done.sequence.0)).map_err(|error| match error {
                CommitError::Unavailable(why) => Lost::Unavailable(why),
                CommitError::Unknown(why) => Lost::Unknown(why),
            })
        })
    }

    fn snapshot(&self, upto: Place, image: Vec<u8>) -> Result<(), String> {
        let done = self.0.snapshot(Sequence(upto.0), &mut &image[..]);
        done.map_err(|error| error.to_string())
    }

    fn zones(&self) -> Vec<ZoneHealth> {
        self.0.health()
    }

    fn tend(&self, thorough: bool) {
        let report = self.0.tend(thorough);
        tracing::debug!(?report, "the state's journal was tended");
    }

    fn detach(&self, zone: usize, why: &str) -> Result<(), String> {
        self.0.detach(zone, why).map_err(|error| error.to_string())
    }

    fn release(&self, zone: usize) {
        self.0.release(zone);
    }

    fn stopped(&self) -> bool {
        self.0.stopped().is_some()
    }
}
