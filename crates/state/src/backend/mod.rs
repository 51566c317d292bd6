//! The engines behind [`crate::StateStore`]. What they share is here: the table of records
//! and leases, the judgement of a transaction, the history that watches read.

pub mod embedded;
pub mod memory;

mod history;
mod judge;
mod lease_clock;
mod table;
