//! `haneul status`.

use clap::Args;

use super::{Data, Failure, duration, say, text};
use crate::admin::client::ask;
use crate::admin::{self, Answer, Ask, ZoneHealth};
use crate::text::StatusHead;

#[derive(Args)]
pub struct Status {
    #[command(flatten)]
    data: Data,
    #[arg(long, help = text().help_json())]
    json: bool,
}

impl Status {
    pub fn run(self) -> Result<(), Failure> {
        let data = self.data.folder()?;
        let answer = ask(&data, Ask::Status).map_err(Failure::of_ask(&data))?;
        let Answer::Status(status) = answer else {
            return Ok(());
        };
        if self.json {
            say(&serde_json::to_string_pretty(&status).map_err(std::io::Error::from)?);
        } else {
            lines(&status).iter().for_each(|(head, line)| say(&row(head, line)));
        }
        Ok(())
    }
}

fn row(head: &str, line: &str) -> String {
    // Hangul is two columns wide.
    let width: usize = head.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum();
    format!("{head}{} {line}", " ".repeat(12usize.saturating_sub(width)))
}

fn lines(status: &admin::Status) -> Vec<(&'static str, String)> {
    let text = text();
    let mut lines = Vec::new();
    let mut line = |head, line: String| lines.push((text.status_head(head), line));
    let uptime = text.running_since(&duration::show(status.uptime_ms));
    line(
        StatusHead::Region,
        format!("{}, haneul {}, {uptime}, pid {}", status.region, status.version, status.pid),
    );
    let urls: Vec<_> = status.listeners.iter().map(|address| format!("http://{address}")).collect();
    line(StatusHead::Listens, format!("{} (https too)", urls.join(", ")));
    if !status.front_door.is_empty() {
        line(StatusHead::FrontDoor, status.front_door.join(", "));
    }
    line(StatusHead::Clock, text.clock(status.clock));
    for zone in &status.zones {
        let mut parts = vec![format!("{} ({})", zone.name, zone.id)];
        parts.push(match zone.failed_on_purpose {
            true => text.zone_failed_on_purpose(zone.letter),
            false => text.zone_health(&zone.health),
        });
        parts.extend(zone.folder.clone());
        if zone.failed_on_purpose {
            line(StatusHead::Zone, parts.join(", "));
            continue;
        }
        parts.extend(text.zone_report(&zone.found));
        let objects = [
            (zone.objects != ZoneHealth::Healthy).then(|| text.zone_health(&zone.objects)),
            text.zone_report(&zone.objects_found),
        ];
        let head = text.status_head(StatusHead::Objects);
        parts.extend(objects.into_iter().flatten().map(|said| format!("{head}: {said}")));
        line(StatusHead::Zone, parts.join(", "));
    }
    line(StatusHead::Store, text.store(&status.store));
    line(StatusHead::Objects, text.store(&status.objects));
    line(StatusHead::Services, status.services.join(", "));
    line(StatusHead::Accounts, status.accounts.to_string());
    let admin::Counts { answered, refused, failed } = status.requests;
    line(StatusHead::Requests, text.requests(answered, refused, failed));
    for unsupported in &status.unsupported {
        line(StatusHead::Unsupported, format!("{} × {}", unsupported.operation, unsupported.count));
    }
    lines
}
