//! `haneul reset`.

use clap::Args;

use super::env::confirmed;
use super::{Data, Failure, say, text};
use crate::data_dir::DataDirError;
use crate::machine;

#[derive(Args)]
pub struct Reset {
    #[command(flatten)]
    data: Data,
    #[arg(long, help = text().help_yes())]
    yes: bool,
}

impl Reset {
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.folder()?;
        let was_started = data.was_started();
        // To the end, so that nothing starts on what is being removed.
        let lock = match was_started.then(|| data.lock()).transpose() {
            Err(DataDirError::InUse(_)) => {
                return Err(Failure::Said(text().reset_while_running(data.path())));
            }
            lock => lock?,
        };
        let zones = data.last_start()?.map_or_else(|| data.zones(), |last| last.zones);
        let instances = machine::running(&data);
        if !was_started && instances == 0 {
            machine::remove_all(&data, &zones).map_err(not_removed)?;
            say(&text().nothing_to_reset(data.path()));
            return Ok(());
        }
        let elsewhere: Vec<_> =
            zones.iter().filter(|zone| !zone.starts_with(data.path())).cloned().collect();
        if !self.yes && !confirmed(&text().reset_question(data.path(), &elsewhere, instances))? {
            return Err(Failure::Said(text().nothing_removed().into()));
        }
        // Before the files that say what there is.
        machine::remove_all(&data, &zones).map_err(not_removed)?;
        if let Some(lock) = lock {
            data.remove_all(&elsewhere, lock)?;
        }
        say(text().was_reset());
        Ok(())
    }
}

fn not_removed(error: host::Error) -> Failure {
    Failure::Said(text().not_removed_from_machine(&error.to_string()))
}
