//! Temporary credentials, and who somebody is.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/welcome.html>

pub mod model;

pub mod access_key_info;
pub mod assume_role;
pub mod authorization;
pub mod caller_identity;
pub mod operations;
pub mod session;
pub mod session_tag;
pub mod session_token;

use std::sync::Arc;

use crate::Iam;
pub use session::Seal;

/// The service STS. Cheap to clone.
#[derive(Clone)]
pub struct Sts {
    iam: Iam,
    seal: Arc<Seal>,
}

impl Sts {
    pub fn new(iam: Iam, seal: Arc<Seal>) -> Self {
        Self { iam, seal }
    }
}
