//! IAM and STS from the outside of their crate: request bytes in, answer bytes out, on a
//! region in memory.

mod region;

mod wire;

mod account;
mod authorization;
mod credentials;
mod group;
mod instance_profile;
mod policy;
mod races;
mod random_operations;
mod role;
mod sts;
mod user;
