//! Surviving a crash: what the control plane knows, kept so that an acknowledged change is
//! never lost and a reader never sees half of one.
//!
//! A service holds [`Records`]: typed records, read by scope and id and changed in one
//! conditional [`Transaction`]; and [`reconcile`], which makes the world as the records want it.
//! Under both lies a [`StateStore`] of plain ordered bytes.
//!
//! Start reading at [`records`], then [`store`]. At start, [`open()`] brings older records to
//! today's formats.

pub mod records;

pub mod reconcile;

pub mod key;
pub mod open;
pub mod record;
pub mod transaction;

pub mod backend;
pub mod store;

#[cfg(test)]
mod conformance;

pub use backend::embedded::Embedded;
pub use backend::memory::Memory;
pub use key::{Key, Scope};
pub use open::{Kind, OpenError, open};
pub use record::{Record, Stored, Unreadable};
pub use records::{Page, Records};
pub use store::{LeaseId, Revision, StateStore};
pub use transaction::{CommitError, MayConflict, Transaction};
