//! The command line.

mod account;
mod ca;
mod clock;
mod down;
pub mod duration;
mod env;
mod profile;
mod reset;
mod scrub;
mod status;
mod up;
mod zone;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::admin::client::AskError;
use crate::data_dir::{DataDir, DataDirError};
use crate::text::Text;

/// Exit codes beside 0 and clap's 2 for a command line that is not understood.
const FAILED: u8 = 1;
/// As service managers use it.
const NOT_RUNNING: u8 = 3;

fn text() -> Text {
    Text::of_environment()
}

#[derive(Parser)]
#[command(name = "haneul", version, about = text().about(), disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    #[command(about = text().about_up())]
    Up(up::Up),
    #[command(about = text().about_down())]
    Down(down::Down),
    #[command(about = text().about_status())]
    Status(status::Status),
    #[command(about = text().about_env())]
    Env(env::Env),
    #[command(about = text().about_clock())]
    Clock(clock::Clock),
    #[command(about = text().about_account())]
    Account(account::Account),
    #[command(about = text().about_ca())]
    Ca(ca::Ca),
    #[command(about = text().about_scrub())]
    Scrub(scrub::Scrub),
    #[command(about = text().about_zone())]
    Zone(zone::Zone),
    #[command(about = text().about_reset())]
    Reset(reset::Reset),
    #[command(about = text().about_version())]
    Version(Version),
}

#[derive(Args)]
struct Version {
    #[command(flatten)]
    data: Data,
}

/// `--data`, which every command takes.
#[derive(Args)]
struct Data {
    #[arg(long, value_name = "DIR", help = text().help_data())]
    data: Option<PathBuf>,
}

impl Data {
    /// Made absolute, because what is printed and recorded outlives the current folder.
    fn folder(&self) -> Result<DataDir, Failure> {
        let path = self.data.clone().unwrap_or_else(DataDir::default_path);
        std::path::absolute(&path).map(DataDir::new).map_err(Failure::Io)
    }
}

/// Why a command ends without success.
#[derive(Debug, thiserror::Error)]
enum Failure {
    /// Said already, or said plainly by this sentence.
    #[error("{0}")]
    Said(String),
    #[error("no region runs")]
    NotRunning(DataDir),
    #[error(transparent)]
    Ask(AskError),
    #[error(transparent)]
    Folder(#[from] DataDirError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Failure {
    /// An error of asking the region on `data`.
    fn of_ask(data: &DataDir) -> impl FnOnce(AskError) -> Self {
        let data = data.clone();
        move |error| match error {
            AskError::NotRunning(_) => Self::NotRunning(data),
            error => Self::Ask(error),
        }
    }
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Up(up) => up.run(),
        Command::Down(down) => down.run(),
        Command::Status(status) => status.run(),
        Command::Env(env) => env.run(),
        Command::Clock(clock) => clock.run(),
        Command::Account(account) => account.run(),
        Command::Ca(ca) => ca.run(),
        Command::Scrub(scrub) => scrub.run(),
        Command::Zone(zone) => zone.run(),
        Command::Reset(reset) => reset.run(),
        Command::Version(version) => version.data.folder().map(|_| say(&crate::version())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::NotRunning(data)) => {
            complain(&text().not_running(data.path()));
            ExitCode::from(NOT_RUNNING)
        }
        Err(Failure::Said(sentence)) => {
            complain(&sentence);
            ExitCode::from(FAILED)
        }
        // A reader that has seen enough (`| head`) is no failure worth words.
        Err(Failure::Io(error)) if error.kind() == io::ErrorKind::BrokenPipe => {
            ExitCode::from(FAILED)
        }
        Err(failure) => {
            complain(&text().failed(&chain(&failure)));
            ExitCode::from(FAILED)
        }
    }
}

/// Prints a line; a closed reader is not an error here.
fn say(line: &str) {
    use io::Write;
    let _ = writeln!(io::stdout(), "{line}");
}

fn complain(line: &str) {
    use io::Write;
    let _ = writeln!(io::stderr(), "{line}");
}

/// An error with its sources.
fn chain(error: &dyn std::error::Error) -> String {
    let mut sentence = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        // A transparent error says its source's sentence itself.
        if !sentence.ends_with(&next) {
            sentence = format!("{sentence}: {next}");
        }
        source = error.source();
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed_and_every_command_takes_a_data_folder() {
        let mut command = Cli::command();
        command.build();
        command.clone().debug_assert();
        fn check(command: &clap::Command) {
            if command.has_subcommands() {
                command.get_subcommands().for_each(check);
            } else {
                let takes = command.get_arguments().any(|arg| arg.get_id() == "data");
                assert!(takes, "{}", command.get_name());
            }
        }
        check(&command);
    }
}
