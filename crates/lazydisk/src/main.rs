//! `lazydisk FOLDER...`: mounts a disk of one machine on each folder, until its input ends.
//!
//! A file system with a page cache that never writes back by itself: what was not synced is
//! lost, or kept in part, when the power is cut. Data in pages of 4 KiB, each by itself; names
//! likewise, until their folder was synced. It is asked by lines on its input and answers each
//! with one line: see [`Order`].

mod dice;
mod file;
mod machine;
mod mount;
mod tree;

use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use fuser::MountOption;

use machine::Machine;
use mount::Mount;
use tree::{Ignored, Kind};

/// A line of the input.
enum Order {
    /// `freeze N`: after N more writes, syncs and changes of names nothing is done or answered.
    Freeze(u64),
    /// `wait SECONDS`: until that is so; `frozen`, or `running` if it is not in this time.
    Wait(u64),
    /// `cut SEED [KEPT]`: the power goes; everything fails until `start`. KEPT in 8 of what was
    /// not synced is kept, a share that the seed draws if it is not given. Answers what was lost.
    Cut { seed: u64, keep_in_8: Option<u64> },
    /// `start`: the power is there.
    Start,
    /// `ignore files PREFIX`, `ignore folders PREFIX`: syncs of those succeed and do nothing.
    Ignore(Ignored),
    /// `heed`: no sync is ignored any more.
    Heed,
    /// `unsynced`: what a power cut could change, as `DISK:PATH`.
    Unsynced,
    /// `syncs PREFIX`: for each disk, how often files of such paths were synced.
    Syncs(String),
}

impl Order {
    fn parse(line: &str) -> Option<Order> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |word: &str| word.parse::<u64>().ok();
        let ignored = |of, prefix: &str| Order::Ignore(Ignored { of, prefix: prefix.to_owned() });
        Some(match words[..] {
            ["freeze", changes] => Order::Freeze(number(changes)?),
            ["wait", seconds] => Order::Wait(number(seconds)?),
            ["cut", seed] => Order::Cut { seed: number(seed)?, keep_in_8: None },
            ["cut", seed, kept] => Order::Cut { seed: number(seed)?, keep_in_8: number(kept) },
            ["start"] => Order::Start,
            ["ignore", "files", prefix] => ignored(Kind::Files, prefix),
            ["ignore", "folders", prefix] => ignored(Kind::Folders, prefix),
            ["heed"] => Order::Heed,
            ["unsynced"] => Order::Unsynced,
            ["syncs", prefix] => Order::Syncs(prefix.to_owned()),
            _ => return None,
        })
    }

    fn carry_out(self, machine: &Machine) -> String {
        let done = || "done".to_owned();
        match self {
            Order::Freeze(changes) => {
                machine.freeze_after(changes);
                done()
            }
            Order::Wait(seconds) => {
                let froze = machine.froze_within(Duration::from_secs(seconds));
                if froze { "frozen" } else { "running" }.to_owned()
            }
            Order::Cut { seed, keep_in_8 } => {
                let lost = machine.cut(seed, keep_in_8);
                format!("{} {}", lost.pages, lost.changes)
            }
            Order::Start => {
                machine.start();
                done()
            }
            Order::Ignore(what) => {
                machine.ignore(&what);
                done()
            }
            Order::Heed => {
                machine.heed_all();
                done()
            }
            Order::Unsynced => machine.unsynced().join(" "),
            Order::Syncs(prefix) => {
                let counts: Vec<String> =
                    machine.syncs(&prefix).iter().map(u64::to_string).collect();
                counts.join(" ")
            }
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lazydisk: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let folders: Vec<String> = std::env::args().skip(1).collect();
    let machine = Arc::new(Machine::new(folders.len()));
    let mut options = fuser::Config::default();
    options.mount_options = vec![MountOption::FSName("lazydisk".into())];
    let mut mounted = Vec::new();
    for (disk, folder) in folders.iter().enumerate() {
        let mount = Mount { machine: machine.clone(), disk };
        mounted.push(fuser::spawn_mount(mount, folder, &options)?);
    }
    let served = serve(&machine);
    // Whoever waits for a frozen disk could keep it from being unmounted.
    machine.start();
    for session in mounted {
        session.umount_and_join()?;
    }
    served
}

fn serve(machine: &Machine) -> io::Result<()> {
    let mut output = io::stdout();
    writeln!(output, "mounted")?;
    output.flush()?;
    for line in io::stdin().lock().lines() {
        let answer = match Order::parse(&line?) {
            Some(order) => order.carry_out(machine),
            None => "unknown order".to_owned(),
        };
        writeln!(output, "{answer}")?;
        output.flush()?;
    }
    Ok(())
}
