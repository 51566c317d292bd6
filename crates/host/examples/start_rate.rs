//! How long it takes from the call to the first byte that a guest's first process writes, and
//! what many guests cost.
//!
//! ```sh
//! cargo run --release -p host --example start_rate [GUESTS]
//! ```
#![allow(clippy::unwrap_used)]

#[path = "../tests/guest/machine.rs"]
#[allow(dead_code)]
mod machine;

use std::time::{Duration, Instant};

use machine::{Region, guest};

const ROUNDS: usize = 20;

fn main() {
    host::linux::entry();
    let count = std::env::args().nth(1).and_then(|count| count.parse().ok()).unwrap_or(0_usize);
    let region = Region::new("echo up; while :; do sleep 1000 & wait; done");
    region.ensure(&guest("warm", 1)).unwrap();
    let mut starts = Vec::new();
    let mut stops = Vec::new();
    for round in 0..ROUNDS {
        let id = format!("i-{round}");
        starts.push(start(&region, &id));
        let begun = Instant::now();
        region.stop(&id, 1, Duration::ZERO).unwrap();
        stops.push(begun.elapsed());
    }
    report("start to first byte", starts);
    report("stop at once", stops);
    if count > 0 {
        many(&region, count);
    }
    println!("load {}", std::fs::read_to_string("/proc/loadavg").unwrap().trim());
}

fn start(region: &Region, id: &str) -> Duration {
    let console = region.parts.folder.join(format!("roots/root-{id}/console.{id}"));
    let begun = Instant::now();
    let seen = std::thread::spawn(move || {
        while !std::fs::metadata(&console).is_ok_and(|file| file.len() > 0) {
            std::thread::yield_now();
        }
        begun.elapsed()
    });
    region.ensure(&guest(id, 1)).unwrap();
    seen.join().unwrap()
}

fn many(region: &Region, count: usize) {
    let memory = || -> u64 {
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    };
    let (before, begun) = (memory(), Instant::now());
    region.runtime.block_on(async {
        let starts = (0..count).map(|number| {
            let runner = region.runner.clone().unwrap();
            tokio::spawn(async move {
                host::Guests::ensure_guest(&*runner, &guest(&format!("m-{number}"), 1)).await
            })
        });
        for start in starts.collect::<Vec<_>>() {
            start.await.unwrap().unwrap();
        }
    });
    let took = begun.elapsed();
    let each = before.saturating_sub(memory()) / u64::try_from(count).unwrap();
    println!(
        "{count} guests: {took:.1?}, {:.0} a second, {each} KiB each",
        f64::from(u32::try_from(count).unwrap()) / took.as_secs_f64()
    );
}

fn report(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |part: usize| times[(times.len() - 1) * part / 100];
    println!("{name}: min {:.1?}, median {:.1?}, p90 {:.1?}", at(0), at(50), at(90));
}
