//! What becomes of objects as they age: rules are applied at every midnight of the region's
//! clock, and once at the start.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html>
//!
//! `judge.rs` says what the rules want, and changes nothing. `sweep.rs` walks the buckets and does
//! it, key by key: each key is judged again within the change that acts on it, so a sweep may be
//! cut short, repeated, or run beside any client. `tell.rs` tells clients what is to come.

mod day;
mod judge;
mod sweep;
mod tell;

pub use day::Day;
pub(crate) use tell::{abort_of, expiration_of};

#[cfg(test)]
mod tests;
