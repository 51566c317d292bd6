//! What the embedded store needs of its log: the journal's part in it, or a test's that loses
//! what it is told to lose.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use journal::{ZoneHealth, ZoneReport};

/// A place in the log. Rises with every payload, not by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(pub(super) u64);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lost {
    /// The payload is certainly not in the log.
    Unavailable(String),
    /// It may be. The log takes nothing more until it is opened again.
    Unknown(String),
}

pub(super) type Ticket = Pin<Box<dyn Future<Output = Result<Place, Lost>> + Send>>;

pub(super) trait Log: Send + Sync {
    /// Payloads are in the log in the order of these calls. Does not wait.
    fn submit(&self, payload: Bytes) -> Ticket;

    /// Keeps `image` in place of everything up to `upto`. Blocks.
    fn snapshot(&self, upto: Place, image: Vec<u8>) -> Result<(), String>;

    /// How each of its zones is now.
    fn zones(&self) -> Vec<ZoneHealth>;

    /// Brings failed zones back where that can be, and with `thorough` reads everything again
    /// and mends what does not check. Blocks; submitting goes on meanwhile.
    fn tend(&self, thorough: bool);

    /// Takes a zone out of use until it is released; refused when too few would be left. Blocks.
    fn detach(&self, zone: usize, why: &str) -> Result<(), String>;

    /// Leaves it to tending again.
    fn release(&self, zone: usize);

    /// Whether it takes no more payloads until it is opened again.
    fn stopped(&self) -> bool;
}

/// Opens the log, at start and again when it has stopped. The one before is dropped then.
pub(super) trait Opener: Send + Sync {
    fn open(&self) -> Result<Opened, String>;
}

pub(super) struct Opened {
    pub(super) log: Arc<dyn Log>,
    /// The newest image, and up to where it stands for the log.
    pub(super) image: Option<(Place, Vec<u8>)>,
    /// Every payload after the image.
    pub(super) payloads: Box<dyn Iterator<Item = Result<(Place, Bytes), String>> + Send>,
    /// What opening found in each zone, and did about it.
    pub(super) found: Vec<ZoneReport>,
}
