//! `haneul zone`.

use clap::{Args, Subcommand};

use super::{Data, Failure, say, text};
use crate::admin::client::Connection;
use crate::admin::{Answer, Ask, ZoneTurn};

#[derive(Args)]
pub struct Zone {
    #[command(subcommand)]
    turn: Turn,
}

#[derive(Subcommand)]
enum Turn {
    #[command(about = text().about_zone_fail())]
    Fail(Which),
    #[command(about = text().about_zone_restore())]
    Restore(Which),
}

#[derive(Args)]
struct Which {
    #[arg(value_name = "ZONE", value_parser = zone, help = text().help_which_zone())]
    zone: aws::Zone,
    #[command(flatten)]
    data: Data,
}

impl Zone {
    pub fn run(self) -> Result<(), Failure> {
        let (Which { zone, data }, question) = match self.turn {
            Turn::Fail(which) => {
                let zone = which.zone;
                (which, Ask::ZoneFail { zone })
            }
            Turn::Restore(which) => {
                let zone = which.zone;
                (which, Ask::ZoneRestore { zone })
            }
        };
        let data = data.folder()?;
        // Its guests are ended first, one after the other.
        let asked = || Connection::open(&data)?.patient()?.ask(question);
        match asked().map_err(Failure::of_ask(&data))? {
            Answer::Zone(ZoneTurn::Failed) => say(&text().zone_failed(zone)),
            Answer::Zone(ZoneTurn::Restored) => say(&text().zone_restored(zone)),
            Answer::Zone(ZoneTurn::TooFew) => {
                return Err(Failure::Said(text().zone_needed(zone)));
            }
            _ => {}
        }
        Ok(())
    }
}

/// By its letter, or its name in any region: the zones are the same in all.
fn zone(given: &str) -> Result<aws::Zone, String> {
    let is_named = |zone: &aws::Zone| {
        let region = given.strip_suffix(zone.letter());
        region.is_some_and(|region| region.is_empty() || region.parse::<aws::Region>().is_ok())
    };
    let named = aws::Zone::ALL.into_iter().find(is_named);
    named.ok_or_else(|| text().not_a_zone(given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_named_by_letter_or_as_aws_does() {
        let check = |given, expected| assert_eq!(zone(given).ok(), expected, "{given:?}");
        check("a", Some(aws::Zone::A));
        check("c", Some(aws::Zone::C));
        check("ap-northeast-2b", Some(aws::Zone::B));
        check("us-east-1a", Some(aws::Zone::A));
        for wrong in ["", "d", "B", "bb", "ap-northeast-2", "ap-northeast-2d", "apne2-az1", "nob"] {
            check(wrong, None);
        }
    }
}
