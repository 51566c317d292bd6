//! `haneul down`.

use clap::Args;

use super::{Data, Failure, say, text};
use crate::admin::Ask;
use crate::admin::client::Connection;
use crate::limits;

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
        Ok(())
    }
}
