//! haneul: an AWS region on a Linux machine, as one binary. Independent of Amazon.

pub mod ca;
pub mod data_dir;
pub mod keyring;
