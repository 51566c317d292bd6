//! What a guest reads of its own size: files laid over those of `/proc` and `/sys` that tell of
//! the whole machine. haneul writes them anew every few seconds.

use std::fmt::Write as _;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::cgroup::Group;
use crate::Limits;

const FILES: [(&str, &str); 5] = [
    ("meminfo", "proc/meminfo"),
    ("stat", "proc/stat"),
    ("cpuinfo", "proc/cpuinfo"),
    ("swaps", "proc/swaps"),
    ("online", "sys/devices/system/cpu/online"),
];

#[derive(Clone, Debug)]
pub struct Facts {
    folder: PathBuf,
}

impl Facts {
    pub fn of(region: &str, guest: &str) -> Self {
        Self { folder: folder(region).join(guest) }
    }

    pub fn create(&self, limits: &Limits, cpus: &[u32]) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        let cpuinfo = std::fs::read_to_string("/proc/cpuinfo")?;
        self.write("cpuinfo", &cpuinfo_of(&cpuinfo, cpus))?;
        self.write("swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n")?;
        let list = cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        self.write("online", &format!("{list}\n"))?;
        self.update(limits, cpus, 0, (0, 0))
    }

    /// For the guest that has run for so long and used this much of time and memory.
    pub fn update(
        &self,
        limits: &Limits,
        cpus: &[u32],
        seconds: u64,
        (cpu_us, memory): (u64, u64),
    ) -> io::Result<()> {
        self.write("meminfo", &meminfo(limits.memory_mib, memory))?;
        self.write("stat", &stat(cpus, seconds, cpu_us))
    }

    pub fn refresh(&self, limits: &Limits, cpus: &[u32], group: &Group) -> io::Result<()> {
        let begun = std::fs::metadata(self.folder.join("cpuinfo"))?.modified()?;
        let seconds = begun.elapsed().unwrap_or_default().as_secs();
        self.update(limits, cpus, seconds, group.used())
    }

    /// Pairs of a file here and a place in the guest.
    pub fn files(&self) -> Vec<(PathBuf, String)> {
        FILES.map(|(name, place)| (self.folder.join(name), place.to_owned())).into()
    }

    pub fn remove(&self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }

    /// In place, because guests have this very file: one write, then what an older one left.
    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.folder.join(name);
        let mut file = File::options().write(true).create(true).truncate(false).open(path)?;
        // Whatever haneul's umask is, the guest reads them as its own kernel's.
        file.set_permissions(Permissions::from_mode(0o644))?;
        file.write_all(text.as_bytes())?;
        file.set_len(text.len() as u64)
    }
}

/// In memory on nearly every machine: nothing here is worth a disk's time.
pub fn folder(region: &str) -> PathBuf {
    Path::new("/run").join(region)
}

fn meminfo(limit_mib: u32, used_bytes: u64) -> String {
    let total = u64::from(limit_mib) << 10;
    let free = total.saturating_sub(used_bytes >> 10);
    let mut text = String::new();
    for (name, kib) in [
        ("MemTotal", total),
        ("MemFree", free),
        ("MemAvailable", free),
        ("Buffers", 0),
        ("Cached", 0),
        ("SwapCached", 0),
        ("SwapTotal", 0),
        ("SwapFree", 0),
        ("Shmem", 0),
        ("SReclaimable", 0),
    ] {
        let _ = writeln!(text, "{:<15} {kib:>9} kB", format!("{name}:"));
    }
    text
}

/// The machine's blocks of these processors, numbered from 0.
fn cpuinfo_of(all: &str, cpus: &[u32]) -> String {
    let mut text = String::new();
    for block in all.split("\n\n") {
        let number = |line: &str| -> Option<u32> {
            line.strip_prefix("processor")?.trim_start().strip_prefix(':')?.trim().parse().ok()
        };
        let Some(cpu) = block.lines().find_map(number) else { continue };
        if let Some(place) = cpus.iter().position(|own| *own == cpu) {
            for line in block.lines() {
                let _ = match number(line) {
                    Some(_) => writeln!(text, "processor\t: {place}"),
                    None => writeln!(text, "{line}"),
                };
            }
            text.push('\n');
        }
    }
    text
}

/// Ticks are hundredths of seconds, in every Linux.
fn stat(cpus: &[u32], seconds: u64, used_us: u64) -> String {
    let count = cpus.len().max(1) as u64;
    let (user, all) = (used_us / 10_000, seconds * 100);
    let line = |name: &str, user: u64, all: u64| {
        format!("{name} {user} 0 0 {} 0 0 0 0 0 0\n", all.saturating_sub(user))
    };
    let mut text = line("cpu ", user, all * count);
    for place in 0..count {
        text.push_str(&line(&format!("cpu{place}"), user / count, all));
    }
    let boot = rustix::time::clock_gettime(rustix::time::ClockId::Realtime).tv_sec;
    let boot = boot.saturating_sub_unsigned(seconds);
    text + &format!("intr 0\nctxt 0\nbtime {boot}\nprocesses 0\nprocs_running 1\nprocs_blocked 0\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_guest_reads() {
        let memory = meminfo(512, 12 << 20);
        assert!(memory.starts_with("MemTotal:          524288 kB\nMemFree:           512000 kB\n"));
        let all = "processor\t: 0\nmodel\t: a\n\nprocessor\t: 1\nmodel\t: b\n\n";
        assert_eq!(cpuinfo_of(all, &[1]), "processor\t: 0\nmodel\t: b\n\n");
        let stat = stat(&[0, 1], 10, 2_000_000);
        assert!(stat.starts_with("cpu  200 0 0 1800 0 0 0 0 0 0\ncpu0 100 0 0 900 0"), "{stat}");
    }
}
