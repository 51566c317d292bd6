//! `haneul clock`.

use clap::{Args, Subcommand};

use super::{Data, Failure, duration, say, text};
use crate::admin::client::ask;
use crate::admin::{Answer, Ask};

#[derive(Args)]
pub struct Clock {
    #[command(subcommand)]
    turn: Turn,
}

#[derive(Subcommand)]
enum Turn {
    #[command(about = text().about_clock_show())]
    Show {
        #[command(flatten)]
        data: Data,
    },
    #[command(about = text().about_clock_advance())]
    Advance {
        #[arg(value_name = "DURATION", help = text().help_duration())]
        by: String,
        #[command(flatten)]
        data: Data,
    },
    #[command(about = text().about_clock_set())]
    Set {
        #[arg(value_name = "TIMESTAMP", help = text().help_timestamp())]
        to: String,
        #[command(flatten)]
        data: Data,
    },
}

impl Clock {
    pub fn run(self) -> Result<(), Failure> {
        let (data, question) = match self.turn {
            Turn::Show { data } => (data, Ask::Clock),
            Turn::Advance { by, data } => {
                let parsed = duration::parse(&by).and_then(|by| u64::try_from(by.as_millis()).ok());
                let by_ms = parsed.ok_or_else(|| Failure::Said(text().not_a_duration(&by)))?;
                (data, Ask::ClockAdvance { by_ms })
            }
            Turn::Set { to, data } => (data, time(&to)?),
        };
        let data = data.folder()?;
        if let Answer::Clock(face) = ask(&data, question).map_err(Failure::of_ask(&data))? {
            say(&text().clock(face));
        }
        Ok(())
    }
}

fn time(to: &str) -> Result<Ask, Failure> {
    if to == "now" {
        return Ok(Ask::ClockReset);
    }
    aws::Timestamp::parse_iso8601(to)
        .map(|to| Ask::ClockSet { to })
        .ok_or_else(|| Failure::Said(text().not_a_time(to)))
}
