//! `haneul down`.

use clap::Args;

use super::{Data, Failure, say, text};
use crate::admin::Ask;
use crate::admin::client::Connection;
use crate::data_dir::DataDir;
use crate::{limits, machine};

#[derive(Args)]
pub struct Down {
    #[command(flatten)]
    data: Data,
}

impl Down {
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.folder()?;
        let mut region = Connection::open(&data).map_err(Failure::of_ask(&data))?;
        region.ask(Ask::Stop).map_err(Failure::of_ask(&data))?;
        // Connections first, then the store: twice the bound of one.
        region.wait_for_end(limits::STOP_MAX * 2).map_err(Failure::Ask)?;
        // The process closes the connection a moment before it gives up the folder.
        data.wait_until_free()?;
        say(text().stopped());
        say_what_runs_on(&data);
        Ok(())
    }
}

/// Instances do not stop with their region, as machines of AWS do not with its API.
pub(super) fn say_what_runs_on(data: &DataDir) {
    let instances = machine::running(data);
    if instances > 0 {
        say(&text().instances_run_on(instances));
    }
}
