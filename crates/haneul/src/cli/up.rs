//! `haneul up`.

use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws::{Clock, Random};
use clap::Args;
use s3::lifecycle::Day;
use tokio::signal::unix::{SignalKind, signal};

use super::{Data, Failure, chain, duration, say, text};
use crate::data_dir::{DataDir, DataDirError};
use crate::front_door::FrontDoor;
use crate::log;
use crate::machine::Machine;
use crate::region::{Options, Region, Running, StartError};
use crate::storage::Storage;

#[derive(Args)]
pub struct Up {
    #[command(flatten)]
    data: Data,
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4566", help = text().help_listen())]
    listen: SocketAddr,
    #[arg(long, value_name = "ADDRESS|off", default_value = "127.0.0.1", help = text().help_front_door())]
    front_door: String,
    #[arg(long, value_name = "DOMAIN", default_value = "localhost", value_parser = domain, help = text().help_domain())]
    domain: String,
    #[arg(long, value_name = "REGION", default_value = "ap-northeast-2", help = text().help_region())]
    region: aws::Region,
    #[arg(long = "zone", value_name = "DIR", help = text().help_zone())]
    zones: Vec<PathBuf>,
    #[arg(long, value_name = "DURATION", default_value = "1d", value_parser = day, help = text().help_day_length())]
    day_length: Day,
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = log::Format::Human, help = text().help_log())]
    log: log::Format,
}

impl Up {
    pub fn run(self) -> Result<(), Failure> {
        let wall = Arc::new(Clock::system());
        // To the end: what is logged is written when it is dropped.
        let _logging = log::start(self.log, wall.clone())?;
        prepare_process();
        let data = self.data.folder()?;
        let zones = given_zones(self.zones)?;
        let listen = self.listen;
        let front_door = FrontDoor::parse(&self.front_door)
            .map_err(|_| Failure::Said(text().not_a_front_door(&self.front_door)))?;
        let wants_browsers = front_door.is_some();
        let options = Options {
            storage: Storage::Folder { data: data.clone(), zones },
            machine: Machine::Own,
            listen,
            front_door,
            domain: self.domain,
            region: self.region,
            day: self.day_length,
            clock: Arc::new(Clock::system()),
            wall,
            random: Arc::new(Random::system()),
        };
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            let mut signals = Signals::new()?;
            let running = Region::start(options).await.map_err(|error| refusal(&data, &error))?;
            announce(&data, listen, &running);
            if wants_browsers && running.front_door().is_empty() {
                say(&format!("  {}: {}", text().warning(), text().front_door_taken()));
            }
            // Made after the start, so that `haneul ca` has something to show and the start
            // need not wait for it. A failure is logged where it happens; plain HTTP goes on.
            let _ = running.region().ca_pem().await;
            tokio::select! {
                () = running.stop_asked() => {}
                () = signals.next() => {}
            }
            tokio::select! {
                () = running.stop() => super::down::say_what_runs_on(&data),
                // Asked twice: the state survives what the impatient do.
                () = signals.next() => {}
            }
            Ok(())
        })
    }
}

/// What the whole process needs before it has threads.
fn prepare_process() {
    use rustix::fs::Mode;
    use rustix::process::{Resource, getrlimit, setrlimit, umask};
    // Whatever is written from here on, by whichever crate, is the owner's alone.
    umask(Mode::from_raw_mode(0o077));
    // Shells start programs with 1,024 file handles; a region serves more connections.
    let mut handles = getrlimit(Resource::Nofile);
    handles.current = handles.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, handles) {
        tracing::warn!(%error, "the limit of file handles could not be raised");
    }
}

/// One block that says where it listens and what to do next.
fn announce(data: &DataDir, listen: SocketAddr, running: &Running) {
    let text = text();
    let listeners: Vec<String> =
        running.addresses().iter().map(|address| format!("http://{address}")).collect();
    let quoted = super::env::shell_quoted(&data.path().to_string_lossy());
    let status = running.region();
    say(&format!("{}, {}", crate::version(), status.name()));
    say(&format!("  {}: {} (https too)", text.up_listens(), listeners.join(", ")));
    if !running.front_door().is_empty() {
        let browsers: Vec<String> = running.front_door().iter().map(ToString::to_string).collect();
        say(&format!("  {}: {}", text.up_front_door(), browsers.join(", ")));
    }
    say(&format!("  {}: {}", text.up_data(), data.path().display()));
    let warn = |sentence: &str| say(&format!("  {}: {sentence}", text.warning()));
    if !listen.ip().is_loopback() {
        warn(&text.listens_beyond_this_machine(&listen.to_string()));
    }
    if running.region().zone_folders().is_some_and(zones_share_a_device) {
        warn(text.zones_share_a_device());
    }
    for zone in running.region().zones() {
        let found = [&zone.found, &zone.objects_found].into_iter();
        for found in found.filter_map(|found| text.zone_report(found)) {
            warn(&format!("{}: {found}", zone.name));
        }
    }
    if let Some(key) = running.new_key() {
        super::account::show(data, key);
    }
    say(text.up_next());
    say(&format!("  eval \"$(haneul env --data {quoted})\""));
    say("  aws sts get-caller-identity");
    say(text.up_stop_hint());
}

fn refusal(data: &DataDir, error: &StartError) -> Failure {
    Failure::Said(match error {
        StartError::Folder(DataDirError::InUse(_)) => text().already_running(data.path()),
        error => text().cannot_start(&chain(error)),
    })
}

fn given_zones(given: Vec<PathBuf>) -> Result<Option<[PathBuf; 3]>, Failure> {
    if given.is_empty() {
        return Ok(None);
    }
    let count = given.len();
    let zones: [PathBuf; 3] =
        given.try_into().map_err(|_| Failure::Said(text().zones_are_three(count)))?;
    let absolute = |path: &PathBuf| std::path::absolute(path);
    let zones = [absolute(&zones[0])?, absolute(&zones[1])?, absolute(&zones[2])?];
    for (at, zone) in zones.iter().enumerate() {
        if zones[..at].iter().any(|other| same_folder(other, zone)) {
            return Err(Failure::Said(text().zones_are_distinct(zone)));
        }
    }
    Ok(Some(zones))
}

fn same_folder(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| std::fs::metadata(path).ok().map(|at| (at.dev(), at.ino()));
    one == other || place(one).is_some_and(|at| Some(at) == place(other))
}

fn zones_share_a_device(zones: &[PathBuf; 3]) -> bool {
    let devices: Vec<u64> =
        zones.iter().filter_map(|zone| std::fs::metadata(zone).ok()).map(|at| at.dev()).collect();
    devices.iter().enumerate().any(|(at, device)| devices[..at].contains(device))
}

fn domain(given: &str) -> Result<String, String> {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if given.len() <= 200 && given.split('.').all(label) {
        Ok(given.to_ascii_lowercase())
    } else {
        Err(text().not_a_domain(given))
    }
}

fn day(given: &str) -> Result<Day, String> {
    let length = duration::parse(given).and_then(Day::of);
    length.ok_or_else(|| text().not_a_day_length(given))
}

struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { interrupt, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
