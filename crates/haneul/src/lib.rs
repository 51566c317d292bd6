//! haneul: an AWS region on a Linux machine, as one binary. Independent of Amazon.
//!
//! This crate joins everything: the command line ([`cli`]), the API port ([`listener`],
//! [`tls`]), the way of a request ([`front`]), the data folder ([`data_dir`]) and the commands'
//! socket ([`admin`]). Tests start a whole region in their own process with
//! [`Region::start`].
//!
//! Invariants:
//! - A signature's freshness, certificates and HTTP dates follow the machine's clock; all that
//!   AWS would do by its time follows the region's, which users turn.
//! - What haneul lacks is refused by name with a status of 400 to 499 and counted.
//! - Secrets are in no log line and in no answer but the one that makes them.
//!
//! Start reading at [`region`], then [`front`].

pub mod cli;
pub mod text;

pub mod region;
pub mod wiring;

pub mod front;
pub mod front_door;
pub mod listener;
pub mod tls;
pub mod vpc;

pub mod accounts;
pub mod admin;
pub mod ca;
pub mod data_dir;
pub mod dial;
pub mod keyring;
pub mod limits;
pub mod log;
pub mod machine;
pub mod storage;
pub mod zones;

pub use front_door::FrontDoor;
pub use machine::Machine;
pub use region::{Options, Region, Running};
pub use s3::lifecycle::Day;
pub use storage::Storage;

/// `haneul 0.1.0`, as `haneul version` prints it.
pub fn version() -> String {
    format!("haneul {VERSION}")
}

pub const VERSION: &str = env!("CARGO_PKG_VERSION");
