//! What haneul says to the process that starts guests, as one line of JSON each.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The first line of a connection.
#[derive(Debug, Serialize, Deserialize)]
pub enum Job {
    /// Stay while this connection is open.
    Stay,
    Start(Box<Start>),
    /// How did this process end? Answered when it has.
    Ended {
        pid: i32,
    },
    /// Ends of other processes will not be asked for.
    Forget {
        except: Vec<i32>,
    },
    AddNode {
        pid: i32,
        start_time: u64,
        user: u32,
        node: Node,
    },
    RemoveNode {
        pid: i32,
        start_time: u64,
        user: u32,
        node: Node,
    },
}

/// Everything that a guest's first process is made of.
#[derive(Debug, Serialize, Deserialize)]
pub struct Start {
    pub hostname: String,
    pub address: Option<String>,
    /// Of this machine, for the guest's user 0; the guest has the next [`USERS`] as well.
    pub user: u32,
    pub layers: Vec<PathBuf>,
    /// Holds `upper` and `work`.
    pub root: PathBuf,
    /// Seen at `/run/haneul`.
    pub kit: PathBuf,
    pub console: PathBuf,
    pub command: Vec<String>,
    /// Files that a process enters the guest's cgroups by.
    pub cgroups: Vec<PathBuf>,
    /// Files of this machine that are laid over files of the guest: `proc/meminfo`.
    pub facts: Vec<(PathBuf, String)>,
    pub nodes: Vec<Node>,
}

pub const USERS: u32 = 65_536;

/// A volume, as a guest sees it in `/dev`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    pub major: u32,
    pub minor: u32,
    /// `nvme1n1`.
    pub name: String,
    /// Other names of it: `xvdf`.
    pub links: Vec<String>,
}

/// What the starter says while it starts a guest.
#[derive(Debug, Serialize, Deserialize)]
pub enum Progress {
    /// The namespaces are there. The first process waits until haneul has joined its network
    /// and says [`GO`].
    Born {
        pid: i32,
        start_time: u64,
    },
    Runs,
    Failed(String),
}

pub const GO: &str = "go\n";

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ended {
    Code(i32),
    Signal(i32),
    /// Nobody who could know is left.
    Unknown,
}
