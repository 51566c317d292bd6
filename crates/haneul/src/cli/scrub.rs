//! `haneul scrub`.

use clap::Args;

use super::{Data, Failure, say, text};
use crate::admin::client::Connection;
use crate::admin::{Answer, Ask};

#[derive(Args)]
pub struct Scrub {
    #[command(flatten)]
    data: Data,
    #[arg(long, help = text().help_json())]
    json: bool,
}

impl Scrub {
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.folder()?;
        let asked = || Connection::open(&data)?.patient()?.ask(Ask::Scrub);
        let answer = asked().map_err(Failure::of_ask(&data))?;
        let Answer::Scrubbed(scrub) = answer else {
            return Ok(());
        };
        if self.json {
            say(&serde_json::to_string_pretty(&scrub).map_err(std::io::Error::from)?);
        } else {
            say(&text().scrubbed_log(scrub.log));
            say(&text().scrubbed_index(scrub.index_damage.as_deref()));
            say(&text().scrubbed_blobs(scrub.blobs, scrub.blob_bytes));
        }
        if scrub.has_lost() {
            return Err(Failure::Said(text().scrub_lost(scrub.log_lost, scrub.blobs_lost)));
        }
        Ok(())
    }
}
