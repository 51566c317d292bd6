//! `haneul ca`.

use clap::Args;

use super::{Data, Failure, say, text};
use crate::admin::client::ask;
use crate::admin::{Answer, Ask};

#[derive(Args)]
pub struct Ca {
    #[command(flatten)]
    data: Data,
}

impl Ca {
    /// Certificate, path and instructions in one output that is also a valid PEM file:
    /// readers of PEM skip what is outside its lines.
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.folder()?;
        let path = data.ca_certificate();
        let pem = match std::fs::read_to_string(&path) {
            Ok(pem) => pem,
            // A region that has just started makes it now.
            Err(_) => match ask(&data, Ask::Ca) {
                Ok(Answer::Ca(pem)) => pem,
                _ => return Err(Failure::Said(text().no_ca_yet().into())),
            },
        };
        say(pem.trim_end());
        say(text().ca_trust());
        say(&format!("export AWS_CA_BUNDLE={}", super::env::shell_quoted(&path.to_string_lossy())));
        Ok(())
    }
}
