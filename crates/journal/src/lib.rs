//! The one durable thing: an append-only log kept whole in every zone's directory.
//!
//! **Promise.** When a [`Ticket`] says `Ok`, the payload is synced in every zone that
//! [`Journal::health`] calls healthy, and in at least [`Options::min_zones`] of them. It will be
//! there, in its order and exactly once, after kill -9, after power loss, and while at least one
//! of those zones keeps its copy. [`CommitError::Unavailable`] means that the payload is
//! certainly not in the log; [`CommitError::Unknown`] that it may be, and that the journal takes
//! nothing more until it is opened again and has decided.
//!
//! **Files** in each zone's directory: `identity` (whose zone), `segment-N`
//! (frames), `snapshot-S` (the owner's view up to sequence S, or that it has one elsewhere and
//! which older segments are kept). Formats are at the top of
//! `identity.rs`, `segment.rs`, `frame.rs` and `snapshot.rs`; the argument that nothing
//! acknowledged is lost is `docs/0002-journal.md`.
//!
//! ```text
//!          open: survey, choose the chain, repair, first frame of a new epoch
//!            |
//!            v      a zone's write or sync fails: membership frame without it, then go on
//!         running <--------------------------------------------------------------------+
//!            |  fewer than min_zones left                    reattach: copy, then frame |
//!            v                                                                          |
//!         stopped (open again)                           zone: healthy -> failed -------+
//! ```
//!
//! **Not here on purpose.** No index (a [`Place`] reads a frame, whoever keeps places finds it), no deletion of one payload, no second writer: one process
//! owns the directories ([`FsDisk`] locks them). No retry of a failed sync: the zone is dropped
//! and copied again from the others. Reads come through the page cache.
//!
//! Start reading at `log.rs` (committing) and `recover.rs` (opening); `journal.rs` only puts
//! threads around them, so that the simulation can drive the same code from one seed.

mod attach;
mod chain;
mod copy;
mod crew;
mod disk;
mod folder;
mod frame;
mod frames;
mod fs;
mod identity;
mod journal;
mod log;
mod maintain;
mod patience;
mod place;
mod recover;
mod repair;
mod scrub;
mod segment;
mod shelf;
pub mod sim;
mod snapshot;
mod survey;
mod sync;
mod tend;
mod ticket;
mod walk;

#[cfg(test)]
mod tests;

pub use attach::ReattachError;
pub use disk::{Disk, DiskFile, SyncReason};
pub use folder::open_folder;
pub use frame::{Header, Kind, Members, Stop, decode_header, read_frames};
pub use frames::{Frame, Frames, ReadError};
pub use fs::FsDisk;
pub use journal::{Journal, Past, Recovery};
pub use log::DetachError;
pub use maintain::SnapshotError;
pub use place::{Committed, Extent, Place};
pub use recover::{OpenError, RecoveredSnapshot};
pub use scrub::{ScrubReport, ZoneScrub};
pub use snapshot::SnapshotBody;
pub use tend::TendReport;
pub use ticket::{CommitError, Ticket};

/// A frame's place in the log, from 1. Rises strictly; the journal writes frames of its own
/// (openings, changes of membership), so payloads' sequences have gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(pub u64);

/// Names a journal for life; taken from the nonce of the opening that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct JournalId(pub [u8; 16]);

#[derive(Clone, Debug)]
pub struct Options {
    /// Zones that must hold a payload before it is acknowledged, at least 1. Below 2 is the
    /// operator's opt-out: then one zone's loss may lose acknowledged payloads.
    pub min_zones: usize,
    /// Length of a full-grown segment file. Larger payloads get a segment of their own size.
    pub segment_bytes: u64,
    pub payload_bytes_max: usize,
    /// Payload bytes accepted and not yet committed; beyond it submitting is `Unavailable`.
    pub queue_bytes_max: usize,
    /// Payload bytes written and synced together, unless one payload alone is larger.
    pub group_bytes_max: usize,
    /// Segment files held open at once, in all zones together; more are closed and opened
    /// again when they are read.
    pub open_files_max: usize,
    /// Fresh randomness for this opening: names a new journal and salts the chain.
    pub nonce: [u8; 16],
    /// The operator says that zones which cannot be read hold nothing newer than those which
    /// can. Opens where [`OpenError::NoQuorum`] would be answered; may lose acknowledged
    /// payloads.
    pub accept_loss: bool,
}

impl Options {
    pub const MIN_ZONES: usize = 2;
    pub const SEGMENT_BYTES: u64 = 16 << 20;
    pub const PAYLOAD_BYTES_MAX: usize = 16 << 20;
    pub const QUEUE_BYTES_MAX: usize = 64 << 20;
    pub const GROUP_BYTES_MAX: usize = 4 << 20;
    pub const OPEN_FILES_MAX: usize = 384;

    pub fn new(nonce: [u8; 16]) -> Options {
        Options {
            min_zones: Options::MIN_ZONES,
            segment_bytes: Options::SEGMENT_BYTES,
            payload_bytes_max: Options::PAYLOAD_BYTES_MAX,
            queue_bytes_max: Options::QUEUE_BYTES_MAX,
            group_bytes_max: Options::GROUP_BYTES_MAX,
            open_files_max: Options::OPEN_FILES_MAX,
            nonce,
            accept_loss: false,
        }
    }
}

/// What opening found in a zone, and did about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneReport {
    Healthy,
    /// The directory was empty: everything was copied into it again.
    Lost,
    /// It missed the end of the last run: everything was copied into it again.
    Stale,
    /// Acknowledged frames or whole files did not check: they were written again from another
    /// zone. A disk that does this lies or rots.
    Rotten {
        frames: u64,
        files: u64,
    },
    /// Reading or writing it failed; the journal runs without it.
    Failed(String),
}

/// A zone now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ZoneHealth {
    /// Holds everything acknowledged.
    Healthy,
    /// Not written to any more, and why. [`Journal::tend`] or [`Journal::reattach`] brings it
    /// back; one that was taken out by [`Journal::detach`], the former only once it is released.
    Failed(String),
    /// Being copied into.
    CatchingUp,
}
