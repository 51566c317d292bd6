//! haneul is killed at any moment, again and again; the next one puts everything in order.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use host::{GuestStatus, Guests};

use super::life::card;
use super::machine::{Holdings, Region, guest};

pub const ARGUMENT: &str = "be-killed";
const KILLS: u64 = 15;
const GUESTS: u64 = 3;
const SCRIPT: &str = "trap 'exit 0' PWR; echo up; while :; do sleep 0.02; done";

/// Starts, stops and removes guests until somebody ends this process.
pub fn be_killed(folder: &Path) -> ! {
    let region = Region::at(folder, SCRIPT);
    println!("open");
    let newest = |id: &str| region.seen(id).map_or(0, |seen| seen.generation.0);
    for round in 0.. {
        for number in 0..GUESTS {
            let id = format!("i-{number}");
            let mut wanted = guest(&id, 1_000_000 * u64::from(std::process::id()) + round);
            wanted.interfaces = vec![card(&format!("{}{number}", &region.options.name[2..6]))];
            region.ensure(&wanted).unwrap();
            match (round + number) % 3 {
                0 => region.stop(&id, newest(&id), Duration::from_millis(30)).unwrap(),
                1 => region.stop(&id, newest(&id), Duration::ZERO).unwrap(),
                _ => {}
            }
        }
    }
    unreachable!("somebody ends this process");
}

pub fn nothing_is_left_after_kills() {
    let mut region = Region::new(SCRIPT);
    region.abandon();
    let before = Holdings::now();
    for kill in 0..KILLS {
        let mut haneul = Command::new("/proc/self/exe")
            .arg(ARGUMENT)
            .arg(&region.parts.folder)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(haneul.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "open\n");
        let delay = Duration::from_millis(kill * 67 % 311);
        region.runtime.block_on(async { tokio::time::sleep(delay).await });
        haneul.kill().unwrap();
        haneul.wait().unwrap();
    }
    region.open();
    let settled = || {
        let all = region.runtime.block_on(region.runner().guests()).unwrap();
        let begins = all.iter().any(|guest| guest.status == GuestStatus::Starting);
        (!begins).then_some(all)
    };
    for seen in region.until(settled).expect("nothing begins for ever") {
        region.remove(&seen.id.0, u64::MAX).unwrap();
    }
    region.abandon();
    assert!(before.is_regained());
    region.open();
}
