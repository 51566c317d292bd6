//! Surviving a crash: what the control plane knows, kept so that an acknowledged change is
//! never lost and a reader never sees half of one.

pub mod store;

pub use store::{
    Condition, Error, Event, KeyValue, LeaseId, Mutation, Range, Revision, StateStore, Watch,
};
