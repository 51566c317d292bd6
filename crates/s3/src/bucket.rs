//! Buckets: made, listed and removed.

pub mod accelerate;
pub mod acl;
pub mod cors;
mod create;
pub(crate) mod delete;
pub mod encryption;
mod head;
pub mod lifecycle;
mod list;
mod location;
pub mod logging;
pub(crate) mod lookup;
mod name;
pub mod notification;
pub mod object_lock;
pub mod ownership;
pub mod policy;
pub mod public_access_block;
pub mod replication;
pub mod request_payment;
pub mod tagging;
pub mod versioning;
pub mod website;

pub use create::create;
pub use delete::delete;
pub use head::head;
pub use list::list;
pub use location::location;

#[cfg(test)]
mod tests;
