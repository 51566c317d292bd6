//! Systems Manager's Parameter Store, as far as AWS's own public parameters go: those by which
//! people find the newest AMI. Nobody's own parameters are kept yet; writing one is refused.
//! <https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-public-parameters.html>
//!
//! It keeps no records: what a parameter says is asked of EC2 each time.

pub mod error;
pub mod model;
pub mod parameter;
pub mod public_parameter;

mod called;
mod operations;

use std::sync::Arc;

use aws::Caller;

/// The service SSM. Cheap to clone.
#[derive(Clone)]
pub struct Ssm {
    pub(crate) caller: Arc<Caller>,
}

impl Ssm {
    pub fn new(caller: Arc<Caller>) -> Self {
        Self { caller }
    }
}
