//! How commands speak to a running region: one JSON line asked and one answered over a unix
//! socket in the data folder, which only the folder's owner can open.

pub mod client;
pub mod server;

use aws::{AccountId, Region, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use state::backend::embedded;

use crate::keyring::{Account, RootKey};

/// Raised when a question or an answer changes its meaning.
pub const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub struct Question {
    pub version: u32,
    pub ask: Ask,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    Status,
    /// The connection stays open until the process ends.
    Stop,
    Clock,
    ClockAdvance {
        by_ms: u64,
    },
    ClockSet {
        to: Timestamp,
    },
    /// Back to the machine's time.
    ClockReset,
    AccountCreate {
        name: String,
        id: Option<AccountId>,
    },
    AccountList,
    /// The local certificate authority, made if it is not yet.
    Ca,
    /// Everything that is kept of the objects is read again; takes as long as that takes.
    Scrub,
    /// As if the zone burned, until it is restored.
    ZoneFail {
        zone: Zone,
    },
    ZoneRestore {
        zone: Zone,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    Status(Box<Status>),
    Stopping,
    Clock(ClockFace),
    Account(RootKey),
    Accounts(Vec<Account>),
    /// Its certificate in PEM.
    Ca(String),
    Scrubbed(Scrub),
    Zone(ZoneTurn),
    /// The region speaks another [`VERSION`].
    OtherVersion {
        haneul: String,
    },
    Refused(String),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Status {
    pub version: String,
    pub pid: u32,
    pub uptime_ms: u64,
    pub region: Region,
    pub domain: String,
    pub endpoint: String,
    pub listeners: Vec<String>,
    /// Where browsers find websites.
    pub front_door: Vec<String>,
    pub clock: ClockFace,
    pub zones: Vec<ZoneStatus>,
    pub store: StoreStatus,
    pub objects: StoreStatus,
    pub services: Vec<String>,
    pub accounts: usize,
    pub connections: usize,
    pub requests: Counts,
    /// Operations that AWS has and haneul lacks, as they were asked for since the start.
    pub unsupported: Vec<Unsupported>,
}

/// What a scrub of the objects read, found damaged and mended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrub {
    pub log: Scrubbed,
    /// Frames of the log that no zone has whole.
    pub log_lost: u64,
    /// What was wrong with the index, which was made anew then.
    pub index_damage: Option<String>,
    pub blobs: Scrubbed,
    pub blob_bytes: u64,
    /// Blobs that no zone or parity makes whole, or whose zones are away.
    pub blobs_lost: u64,
}

impl Scrub {
    pub fn of(report: objects::ScrubReport) -> Self {
        let objects::ScrubReport { log, index_damage, blobs, bytes, damaged, .. } = report;
        Self {
            log: Scrubbed { read: log.frames, damaged: log.damaged, mended: log.mended },
            log_lost: log.lost,
            index_damage,
            blobs: Scrubbed { read: blobs, damaged, mended: report.mended + report.moved },
            blob_bytes: bytes,
            blobs_lost: report.not_mended,
        }
    }

    /// Whether something is not whole afterwards.
    pub fn has_lost(&self) -> bool {
        self.log_lost + self.blobs_lost > 0
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scrubbed {
    pub read: u64,
    pub damaged: u64,
    /// Written again, there or elsewhere.
    pub mended: u64,
}

/// Since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub answered: u64,
    /// Answered with a status of 400 to 499.
    pub refused: u64,
    /// Answered with a status of 500 and above.
    pub failed: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsupported {
    /// `service:Operation`.
    pub operation: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneStatus {
    /// `ap-northeast-2a`.
    pub name: String,
    /// `apne2-az1`.
    pub id: String,
    pub letter: Zone,
    /// By `haneul zone fail`.
    pub failed_on_purpose: bool,
    /// `None` for a region in memory.
    pub folder: Option<String>,
    pub health: ZoneHealth,
    /// What the start found in it.
    pub found: ZoneReport,
    /// Both also of its part of the objects.
    pub objects: ZoneHealth,
    pub objects_found: ZoneReport,
}

/// What keeps the records, or the objects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StoreStatus {
    /// Nothing outlives the process.
    Memory,
    Journal,
    /// Reads go on.
    JournalStopped {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneHealth {
    Healthy,
    Failed { why: String },
    CatchingUp,
}

impl ZoneHealth {
    pub fn of(health: &embedded::ZoneHealth) -> Self {
        match health {
            embedded::ZoneHealth::Healthy => Self::Healthy,
            embedded::ZoneHealth::Failed(why) => Self::Failed { why: why.clone() },
            embedded::ZoneHealth::CatchingUp => Self::CatchingUp,
        }
    }
}

/// What a start found in a zone, and did about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneReport {
    Healthy,
    /// It was empty, and everything was copied into it again.
    Lost,
    /// It missed the end of the last run, and everything was copied into it again.
    Stale,
    /// So much of it was damaged and written again.
    Rotten {
        frames: u64,
        files: u64,
    },
    /// It cannot be used.
    Failed {
        why: String,
    },
}

impl ZoneReport {
    pub fn of(report: &embedded::ZoneReport) -> Self {
        match report {
            embedded::ZoneReport::Healthy => Self::Healthy,
            embedded::ZoneReport::Lost => Self::Lost,
            embedded::ZoneReport::Stale => Self::Stale,
            &embedded::ZoneReport::Rotten { frames, files } => Self::Rotten { frames, files },
            embedded::ZoneReport::Failed(why) => Self::Failed { why: why.clone() },
        }
    }
}

/// What became of a zone that was to be failed or restored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ZoneTurn {
    Failed,
    Restored,
    /// Without it fewer than two zones would be whole; nothing was done.
    TooFew,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockFace {
    pub now: Timestamp,
    /// How far it is ahead of the machine's clock.
    pub ahead_ms: i64,
}
