//! Where instances run.

use std::path::PathBuf;
use std::sync::Arc;

use host::{Absent, Host};

use crate::data_dir::DataDir;

pub enum Machine {
    /// This one, by its kernel.
    Own,
    /// Whatever a test brings.
    Given(Arc<dyn Host>),
}

impl Machine {
    /// A region in memory has no machine of its own: guests would outlive it.
    pub(crate) fn open(
        self,
        data: Option<&DataDir>,
        zones: Option<&[PathBuf; 3]>,
    ) -> Arc<dyn Host> {
        match (self, data, zones) {
            (Self::Given(host), ..) => host,
            (Self::Own, Some(data), Some(zones)) => own(data, zones),
            (Self::Own, ..) => Arc::new(Absent::new("A region in memory runs no instances.")),
        }
    }
}

fn own(_data: &DataDir, _zones: &[PathBuf; 3]) -> Arc<dyn Host> {
    Arc::new(Absent::new("haneul does not run instances on this machine yet."))
}
