//! A whole region for tests: in the test's own process ([`Cloud`]), or as the real binary,
//! to be killed and started again ([`Process`]); and a client that signs ([`Client`]).
//!
//! The one integration-test binary is `tests/it`, a module for each service.

pub mod client;
pub mod cloud;
pub mod process;

pub use client::{Answer, Client, Key};
pub use cloud::Cloud;
pub use process::Process;
