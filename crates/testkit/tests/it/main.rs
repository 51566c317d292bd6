//! The one integration-test binary: what a client of a whole region sees.

mod front;
mod iam;
mod process;
mod s3;
