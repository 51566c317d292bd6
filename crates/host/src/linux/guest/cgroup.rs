//! Limits and ends of everything that a guest runs, by cgroups.
//!
//! A machine has the controllers in one tree (v2), in a tree each (v1), or some here and some
//! there. A guest has a group in every tree that matters; a process is in all of them before
//! the guest's first instruction, and what it starts is born there.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::device_filter;
use super::start::NODES;
use crate::Limits;

const CONTROLLERS_V1: [&str; 8] =
    ["blkio", "cpu", "cpuacct", "cpuset", "devices", "freezer", "memory", "pids"];
const CONTROLLERS_V2: [&str; 5] = ["cpu", "cpuset", "io", "memory", "pids"];
const PERIOD_US: u64 = 100_000;

/// Where this machine has its controllers.
#[derive(Clone, Debug)]
pub struct Cgroups {
    /// Of each v1 controller, this region's folder in its tree.
    v1: BTreeMap<&'static str, PathBuf>,
    /// This region's folder in the v2 tree.
    v2: Option<PathBuf>,
}

/// The groups of one guest.
#[derive(Clone, Debug)]
pub struct Group {
    v1: BTreeMap<&'static str, PathBuf>,
    v2: Option<PathBuf>,
}

/// How fast a guest may read and write a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    pub iops: Option<u32>,
    pub bytes_per_second: Option<u64>,
}

impl Cgroups {
    pub fn find(region: &str) -> io::Result<Self> {
        Ok(Self::parse(&std::fs::read_to_string("/proc/self/mountinfo")?, region))
    }

    fn parse(mounts: &str, region: &str) -> Self {
        let mut found = Self { v1: BTreeMap::new(), v2: None };
        for mount in mounts.lines() {
            let Some((place, kind)) = mount.split_once(" - ") else { continue };
            let Some(path) = place.split(' ').nth(4) else { continue };
            let folder = Path::new(path).join(region);
            let mut kind = kind.split(' ');
            match kind.next() {
                Some("cgroup2") if found.v2.is_none() => found.v2 = Some(folder),
                Some("cgroup") => {
                    let options = kind.nth(1).unwrap_or_default();
                    for option in options.split(',') {
                        if let Some(name) = CONTROLLERS_V1.iter().find(|name| **name == option) {
                            found.v1.entry(name).or_insert_with(|| folder.clone());
                        }
                    }
                }
                _ => {}
            }
        }
        found
    }

    /// What limits would not hold here.
    pub fn lacks(&self) -> Vec<&'static str> {
        let v2 = self.v2.as_ref().and_then(|folder| {
            std::fs::read_to_string(folder.parent()?.join("cgroup.controllers")).ok()
        });
        let v2 = v2.unwrap_or_default();
        let there = |name: &&str| {
            self.v1.contains_key(name) || v2.split_whitespace().any(|there| there == *name)
        };
        ["cpu", "memory", "pids"].into_iter().filter(|name| !there(name)).collect()
    }

    /// The region's folders, with what guests' groups need switched on.
    pub fn prepare(&self) -> io::Result<()> {
        for folder in self.folders() {
            make(folder)?;
        }
        if let Some(set) = self.v1.get("cpuset") {
            inherit_cpus(set)?;
        }
        if let Some(folder) = &self.v2 {
            for folder in folder.parent().into_iter().chain([folder.as_path()]) {
                for controller in CONTROLLERS_V2 {
                    // Refused for one that v1 has; what is missing is told by `lacks`.
                    let _ = std::fs::write(
                        folder.join("cgroup.subtree_control"),
                        format!("+{controller}"),
                    );
                }
            }
        }
        Ok(())
    }

    pub fn group(&self, guest: &str) -> Group {
        Group {
            v1: self.v1.iter().map(|(name, folder)| (*name, folder.join(guest))).collect(),
            v2: self.v2.as_ref().map(|folder| folder.join(guest)),
        }
    }

    /// Guests that have a group, whoever started them.
    pub fn guests(&self) -> Vec<String> {
        let mut names = std::collections::BTreeSet::new();
        for folder in self.folders() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    names.insert(entry.file_name().to_string_lossy().into_owned());
                }
            }
        }
        names.into_iter().collect()
    }

    pub fn exist(&self) -> bool {
        self.folders().any(|folder| folder.exists())
    }

    /// Removes the region's folders when no guest is left.
    pub fn remove(&self) {
        for folder in self.folders() {
            let _ = std::fs::remove_dir(folder);
        }
    }

    fn folders(&self) -> impl Iterator<Item = &PathBuf> {
        unique(&self.v1, &self.v2)
    }
}

/// Controllers that are mounted together have one folder.
fn unique<'a>(
    v1: &'a BTreeMap<&'static str, PathBuf>,
    v2: &'a Option<PathBuf>,
) -> impl Iterator<Item = &'a PathBuf> {
    let mut folders: Vec<&PathBuf> = v1.values().chain(v2).collect();
    folders.sort();
    folders.dedup();
    folders.into_iter()
}

impl Group {
    /// Makes the groups, closed: no devices but the harmless ones.
    pub fn create(&self, limits: &Limits, cpus: &[u32]) -> io::Result<()> {
        for folder in unique(&self.v1, &self.v2) {
            make(folder)?;
        }
        self.deny_devices()?;
        self.limit_cpu(limits.cpus, cpus)?;
        let memory = (u64::from(limits.memory_mib) << 20).to_string();
        match self.v1.get("memory") {
            Some(folder) => {
                set(folder, "memory.limit_in_bytes", &memory)?;
                // Only where swap is counted.
                let _ = set(folder, "memory.memsw.limit_in_bytes", &memory);
            }
            None => {
                self.set_v2("memory.max", &memory)?;
                let _ = self.set_v2("memory.swap.max", "0");
                // So that one process of a guest is ended and not all.
                let _ = self.set_v2("memory.oom.group", "0");
            }
        }
        self.set("pids", "pids.max", &limits.processes_max.to_string())
    }

    fn limit_cpu(&self, count: u32, cpus: &[u32]) -> io::Result<()> {
        let quota = u64::from(count) * PERIOD_US;
        match self.v1.get("cpu") {
            Some(folder) => {
                set(folder, "cpu.cfs_period_us", &PERIOD_US.to_string())?;
                set(folder, "cpu.cfs_quota_us", &quota.to_string())?;
                set(folder, "cpu.shares", &(1024 * u64::from(count)).to_string())?;
            }
            None => {
                self.set_v2("cpu.max", &format!("{quota} {PERIOD_US}"))?;
                let weight = (100 * u64::from(count)).clamp(1, 10_000);
                self.set_v2("cpu.weight", &weight.to_string())?;
            }
        }
        let list = cpus.iter().map(u32::to_string).collect::<Vec<_>>().join(",");
        if let Some(folder) = self.v1.get("cpuset") {
            inherit_cpus(folder)?;
            if !list.is_empty() {
                set(folder, "cpuset.cpus", &list)?;
            }
        } else if !list.is_empty() {
            // Only where the controller is there: without it, all processors are seen.
            let _ = self.set_v2("cpuset.cpus", &list);
        }
        Ok(())
    }

    fn deny_devices(&self) -> io::Result<()> {
        let Some(folder) = self.v1.get("devices") else {
            return self.v2.as_ref().map_or(Ok(()), |folder| device_filter::set(folder, &[]));
        };
        set(folder, "devices.deny", "a")?;
        for node in NODES {
            let number = std::fs::metadata(Path::new("/dev").join(node))?;
            let number = std::os::unix::fs::MetadataExt::rdev(&number);
            let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
            set(folder, "devices.allow", &format!("c {major}:{minor} rwm"))?;
        }
        for terminal in ["c 5:2 rwm", "c 136:* rwm"] {
            set(folder, "devices.allow", terminal)?;
        }
        Ok(())
    }

    /// The block devices, as major and minor, that the guest may use from now on.
    pub fn allow_disks(&self, disks: &[(u32, u32)], gone: Option<(u32, u32)>) -> io::Result<()> {
        let Some(folder) = self.v1.get("devices") else {
            return self.v2.as_ref().map_or(Ok(()), |folder| device_filter::set(folder, disks));
        };
        for (major, minor) in disks {
            set(folder, "devices.allow", &format!("b {major}:{minor} rw"))?;
        }
        if let Some((major, minor)) = gone {
            set(folder, "devices.deny", &format!("b {major}:{minor} rwm"))?;
        }
        Ok(())
    }

    /// Limits what the guest reads from and writes to a block device.
    pub fn set_pace(&self, (major, minor): (u32, u32), pace: Pace) -> io::Result<()> {
        let iops = pace.iops.map(u64::from);
        if let Some(folder) = self.v1.get("blkio") {
            for (name, value) in [
                ("read_iops", iops),
                ("write_iops", iops),
                ("read_bps", pace.bytes_per_second),
                ("write_bps", pace.bytes_per_second),
            ] {
                let line = format!("{major}:{minor} {}", value.unwrap_or(0));
                set(folder, &format!("blkio.throttle.{name}_device"), &line)?;
            }
            return Ok(());
        }
        let max = |value: Option<u64>| value.map_or("max".to_owned(), |value| value.to_string());
        let (iops, bytes) = (max(iops), max(pace.bytes_per_second));
        let line = format!("{major}:{minor} riops={iops} wiops={iops} rbps={bytes} wbps={bytes}");
        // Some kernels come without this controller; a volume is then as fast as the disk.
        let _ = self.set_v2("io.max", &line);
        Ok(())
    }

    /// A process enters the guest by writing to all of these.
    pub fn doors(&self) -> Vec<PathBuf> {
        unique(&self.v1, &self.v2).map(|folder| folder.join("cgroup.procs")).collect()
    }

    /// Processor time and memory used until now, in microseconds and bytes.
    pub fn used(&self) -> (u64, u64) {
        let number = |folder: &PathBuf, file: &str| -> Option<u64> {
            std::fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
        };
        let cpu_v1 = self.v1.get("cpuacct").and_then(|folder| number(folder, "cpuacct.usage"));
        let cpu = cpu_v1.map(|nanoseconds| nanoseconds / 1000).or_else(|| {
            let stat = std::fs::read_to_string(self.v2.as_ref()?.join("cpu.stat")).ok()?;
            stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())
        });
        let memory = match (self.v1.get("memory"), &self.v2) {
            (Some(folder), _) => number(folder, "memory.usage_in_bytes"),
            (None, Some(folder)) => number(folder, "memory.current"),
            (None, None) => None,
        };
        (cpu.unwrap_or(0), memory.unwrap_or(0))
    }

    pub fn processes(&self) -> Vec<i32> {
        let mut all = std::collections::BTreeSet::new();
        for door in self.doors() {
            let text = std::fs::read_to_string(door).unwrap_or_default();
            all.extend(text.lines().filter_map(|line| line.parse::<i32>().ok()));
        }
        // Of another process namespace, where this one cannot name it.
        all.remove(&0);
        all.into_iter().collect()
    }

    /// Ends all processes and waits until they are gone. New ones cannot outrun it: the kernel
    /// ends the group as one, or it is frozen meanwhile.
    pub fn kill(&self) -> io::Result<()> {
        for _ in 0..KILL_ROUNDS_MAX {
            let killed = self.set_v2("cgroup.kill", "1").is_ok();
            let processes = self.processes();
            if processes.is_empty() {
                return Ok(());
            }
            if !killed {
                self.freeze("FROZEN");
            }
            for pid in processes.into_iter().filter_map(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
            self.freeze("THAWED");
            pause();
        }
        Err(io::Error::other("some processes of the guest do not end"))
    }

    /// Lets all processes stand still until [`Group::resume`], and waits for that.
    pub fn pause(&self) {
        let stands = || -> bool {
            if self.set_v2("cgroup.freeze", "1").is_ok() {
                let events = self.v2.as_ref().map(|folder| folder.join("cgroup.events"));
                let events = events.and_then(|path| std::fs::read_to_string(path).ok());
                return events.is_some_and(|events| events.contains("frozen 1"));
            }
            self.freeze("FROZEN");
            let state = self.v1.get("freezer").map(|folder| folder.join("freezer.state"));
            let state = state.and_then(|path| std::fs::read_to_string(path).ok());
            state.is_none_or(|state| state.trim() == "FROZEN")
        };
        for _ in 0..PAUSE_ROUNDS_MAX {
            if stands() {
                return;
            }
            pause();
        }
    }

    pub fn resume(&self) {
        let _ = self.set_v2("cgroup.freeze", "0");
        self.freeze("THAWED");
    }

    fn freeze(&self, state: &str) {
        if let Some(folder) = self.v1.get("freezer") {
            let _ = set(folder, "freezer.state", state);
        }
    }

    /// Removes the groups, with those that the guest made in them. They must be empty.
    pub fn remove(&self) -> io::Result<()> {
        for folder in unique(&self.v1, &self.v2) {
            for round in 0..KILL_ROUNDS_MAX {
                match remove_tree(folder) {
                    // A process that has ended counts until the kernel has buried it.
                    Err(error) if error.kind() == io::ErrorKind::ResourceBusy => {
                        if round + 1 == KILL_ROUNDS_MAX {
                            return Err(error);
                        }
                        pause();
                    }
                    removed => {
                        removed?;
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    fn set(&self, controller: &str, file: &str, value: &str) -> io::Result<()> {
        match self.v1.get(controller) {
            Some(folder) => set(folder, file, value),
            None => self.set_v2(file, value),
        }
    }

    fn set_v2(&self, file: &str, value: &str) -> io::Result<()> {
        let folder = self.v2.as_ref().ok_or(io::ErrorKind::Unsupported)?;
        set(folder, file, value)
    }
}

/// About a second: what does not stand still then waits for a disk.
const PAUSE_ROUNDS_MAX: u32 = 500;
/// About five seconds.
const KILL_ROUNDS_MAX: u32 = 2500;

/// Waits without an event to wait for: the kernel tells nobody when a group of v1 is empty.
fn pause() {
    let two_ms = rustix::thread::Timespec { tv_sec: 0, tv_nsec: 2_000_000 };
    let _ = rustix::thread::nanosleep(&two_ms);
}

fn make(folder: &Path) -> io::Result<()> {
    match std::fs::create_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn remove_tree(folder: &Path) -> io::Result<()> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_tree(&entry.path())?;
        }
    }
    match std::fs::remove_dir(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A v1 cpuset takes no process before it is given processors and memory.
fn inherit_cpus(folder: &Path) -> io::Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    for file in ["cpuset.cpus", "cpuset.mems"] {
        let inherited = std::fs::read_to_string(parent.join(file))?;
        set(folder, file, inherited.trim())?;
    }
    Ok(())
}

fn set(folder: &Path, file: &str, value: &str) -> io::Result<()> {
    std::fs::write(folder.join(file), value)
        .map_err(|error| io::Error::new(error.kind(), format!("{file} = {value}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mounts: &str, v1: &[(&'static str, &str)], v2: Option<&str>) {
        let found = Cgroups::parse(mounts, "hnl-x");
        let expected: BTreeMap<_, _> =
            v1.iter().map(|(name, path)| (*name, PathBuf::from(path))).collect();
        assert_eq!(found.v1, expected);
        assert_eq!(found.v2, v2.map(PathBuf::from));
    }

    #[test]
    fn v2_alone() {
        check(
            "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n",
            &[],
            Some("/sys/fs/cgroup/hnl-x"),
        );
    }

    #[test]
    fn hybrid() {
        check(
            "31 25 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
             32 25 0:28 / /sys/fs/cgroup/cpu,cpuacct rw shared:1 - cgroup cgroup rw,cpu,cpuacct\n\
             33 25 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
             34 25 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n\
             35 25 0:31 / /proc rw - proc proc rw\n",
            &[
                ("cpu", "/sys/fs/cgroup/cpu,cpuacct/hnl-x"),
                ("cpuacct", "/sys/fs/cgroup/cpu,cpuacct/hnl-x"),
                ("memory", "/sys/fs/cgroup/memory/hnl-x"),
            ],
            Some("/sys/fs/cgroup/unified/hnl-x"),
        );
    }
}
