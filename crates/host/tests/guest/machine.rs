//! A region for a test: images and volumes are folders, interfaces are bare pairs.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::Zone;
use host::linux::guest::Runner;
use host::linux::guest::parts::{Disk, Parts};
use host::linux::{Init, Options};
use host::{
    Error, Generation, Guest, GuestId, GuestSeen, GuestStatus, Guests, ImageId, Interface,
    InterfaceId, Limits, Result, VolumeId, VolumeMount,
};

/// Programs of this machine that the guests' image has.
const PROGRAMS: &[&str] = &[
    "sh",
    "cat",
    "ls",
    "id",
    "mount",
    "umount",
    "mknod",
    "sleep",
    "ip",
    "ps",
    "dd",
    "hostname",
    "grep",
    "head",
    "tail",
    "nproc",
    "stat",
    "mkdir",
    "rm",
    "ln",
    "touch",
    "true",
    "unshare",
    "readlink",
    "blockdev",
    "wc",
    "sort",
    "cut",
    "env",
    "date",
    "chmod",
    "dmesg",
    "python3",
    "mkfs.ext4",
    "setpriv",
];

/// A volume that cannot be attached now.
pub const BROKEN: &str = "broken";

/// No test waits longer for anything.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Region {
    pub runtime: tokio::runtime::Runtime,
    pub runner: Option<Arc<Runner>>,
    pub parts: Arc<Folders>,
    pub options: Options,
    folder: Option<tempfile::TempDir>,
}

impl Region {
    /// Whose guests run this script as their first process.
    pub fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        make_image(&folder.path().join("image"));
        let mut region = Self::at(folder.path(), script);
        region.folder = Some(folder);
        region
    }

    /// As when haneul is started by somebody else, in a folder that was a region's before.
    pub fn at(folder: &Path, script: &str) -> Self {
        let data = folder.to_owned();
        let name = folder.file_name().unwrap().to_string_lossy().replace('.', "");
        let options = Options {
            data: data.join("host"),
            zones: ["a", "b", "c"].map(|zone| data.join(zone)),
            public_pool: "198.18.0.0/16".parse().unwrap(),
            name: name.replace("tmp", "gt"),
            init: Init {
                binary: std::fs::canonicalize("/bin/sh").unwrap(),
                arguments: vec!["-c".into(), script.into()],
            },
        };
        std::fs::create_dir_all(&options.data).unwrap();
        let parts = Arc::new(Folders { folder: data, disks: Mutex::default() });
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let mut region = Self { runtime, runner: None, parts, options, folder: None };
        region.open();
        region
    }

    /// As when haneul is started, again.
    pub fn open(&mut self) {
        let _inside = self.runtime.enter();
        self.runner = None;
        let parts: Arc<dyn Parts> = self.parts.clone();
        self.runner = Some(Runner::open(&self.options, parts).unwrap());
    }

    /// As when haneul is killed: nobody tidies up, and its tasks are gone.
    pub fn abandon(&mut self) {
        self.runner = None;
        let new = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        std::mem::replace(&mut self.runtime, new).shutdown_background();
    }

    pub fn runner(&self) -> &Runner {
        self.runner.as_deref().unwrap()
    }

    pub fn ensure(&self, guest: &Guest) -> Result<()> {
        self.runtime.block_on(self.runner().ensure_guest(guest))
    }

    pub fn stop(&self, id: &str, generation: u64, grace: Duration) -> Result<()> {
        let id = GuestId(id.into());
        self.runtime.block_on(self.runner().stop_guest(&id, Generation(generation), grace))
    }

    pub fn remove(&self, id: &str, generation: u64) -> Result<()> {
        let id = GuestId(id.into());
        self.runtime.block_on(self.runner().remove_guest(&id, Generation(generation)))
    }

    pub fn seen(&self, id: &str) -> Option<GuestSeen> {
        self.runtime.block_on(self.runner().guest(&GuestId(id.into()))).unwrap()
    }

    pub fn status(&self, id: &str) -> Option<GuestStatus> {
        self.seen(id).map(|seen| seen.status)
    }

    pub fn console(&self, id: &str) -> String {
        let bytes = self.runtime.block_on(self.runner().console(&GuestId(id.into()))).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Waits until the guest has written this.
    pub fn hear(&self, id: &str, text: &str) -> String {
        let heard = || Some(self.console(id)).filter(|said| said.contains(text));
        self.until(heard).unwrap_or_else(|| panic!("no {text:?} in {:?}", self.console(id)))
    }

    pub fn until<T>(&self, mut look: impl FnMut() -> Option<T>) -> Option<T> {
        let end = std::time::Instant::now() + PATIENCE;
        while std::time::Instant::now() < end {
            if let Some(found) = look() {
                return Some(found);
            }
            self.runtime.block_on(async { tokio::time::sleep(Duration::from_millis(5)).await });
        }
        None
    }

    /// The guest's own line that begins with this word and a space.
    pub fn fact(&self, id: &str, word: &str) -> String {
        let console = self.console(id);
        let line = console.lines().find_map(|line| line.strip_prefix(word)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("no {word:?} in {console}")).trim().to_owned()
    }

    /// The keeper and the starters, which are of one program and the same words.
    pub fn keepers(&self) -> Vec<i32> {
        let words = format!("__guest-keeper\0hnl-{}\0", self.options.name);
        let is_one = |pid: &i32| {
            let said = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&said).ends_with(&words)
        };
        let names = std::fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
        names.filter_map(|name| name.to_str()?.parse().ok()).filter(is_one).collect()
    }

    /// The guest's first process, as this machine knows it.
    pub fn pid(&self, id: &str) -> i32 {
        let file = self.parts.folder.join(format!("host/guests/{id}.json"));
        let record: serde_json::Value =
            serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        i32::try_from(record["life"]["process"]["pid"].as_i64().unwrap()).unwrap()
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let Some(runner) = self.runner.take() else { return };
        let all = self.runtime.block_on(runner.guests()).unwrap_or_default();
        for guest in all {
            let removed = self.runtime.block_on(runner.remove_guest(&guest.id, Generation(1000)));
            if !std::thread::panicking() {
                removed.unwrap();
            }
        }
        runner.close();
    }
}

pub fn guest(id: &str, generation: u64) -> Guest {
    Guest {
        id: GuestId(id.into()),
        generation: Generation(generation),
        zone: Zone::A,
        image: ImageId("image".into()),
        hostname: format!("host-{id}"),
        volumes: vec![VolumeMount {
            volume: VolumeId(format!("root-{id}")),
            device: "/dev/xvda".into(),
        }],
        interfaces: Vec::new(),
        limits: Limits { cpus: 1, memory_mib: 64, processes_max: 50, bandwidth_mbit: None },
    }
}

pub struct Folders {
    pub folder: PathBuf,
    /// Loop devices that are attached, by volume.
    pub disks: Mutex<std::collections::BTreeMap<String, (u32, u32, PathBuf)>>,
}

impl Parts for Folders {
    fn adopt(&self, _: &[(VolumeId, GuestId)]) -> Result<()> {
        Ok(())
    }

    fn forget(&self, _: &GuestId) {}

    fn layers(&self, image: &ImageId, _: &GuestId) -> Result<Vec<PathBuf>> {
        let layer = self.folder.join(&image.0);
        match layer.exists() {
            true => Ok(vec![layer]),
            false => Err(Error::Refused(format!("there is no image {image}"))),
        }
    }

    fn attach(&self, volume: &VolumeId, _: &GuestId) -> Result<Disk> {
        if volume.0 == BROKEN {
            return Err(Error::Unavailable("told to fail".into()));
        }
        let mut disks = self.disks.lock().unwrap();
        if !disks.contains_key(&volume.0) {
            let file = self.folder.join(&volume.0);
            std::fs::File::options()
                .create(true)
                .write(true)
                .truncate(false)
                .open(&file)
                .unwrap()
                .set_len(16 << 20)
                .unwrap();
            let device = output(Command::new("losetup").args(["--find", "--show"]).arg(&file));
            let there = std::fs::metadata(&device).unwrap();
            let number = std::os::unix::fs::MetadataExt::rdev(&there);
            let number = (rustix::fs::major(number), rustix::fs::minor(number));
            disks.insert(volume.0.clone(), (number.0, number.1, device.into()));
        }
        let (major, minor, _) = disks[&volume.0];
        Ok(Disk { major, minor, pace: Default::default() })
    }

    fn detach(&self, volume: &VolumeId) -> Result<()> {
        if let Some((_, _, device)) = self.disks.lock().unwrap().remove(&volume.0) {
            output(Command::new("losetup").arg("--detach").arg(device));
        }
        Ok(())
    }

    fn mount_root(&self, volume: &VolumeId, _: &GuestId) -> Result<(PathBuf, Option<Disk>)> {
        let root = self.folder.join("roots").join(&volume.0);
        for folder in ["upper", "work"] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        Ok((root, None))
    }

    fn unmount_root(&self, _: &VolumeId) -> Result<()> {
        Ok(())
    }

    fn plug(&self, card: &Interface, pid: i32, name: &str, _: Option<u32>) -> Result<()> {
        let outside = outside(&card.interface);
        if Path::new("/sys/class/net").join(&outside).exists() {
            return Ok(());
        }
        let pid = pid.to_string();
        output(
            Command::new("ip").args([
                "link", "add", &outside, "type", "veth", "peer", "name", name, "netns", &pid,
            ]),
        );
        Ok(())
    }

    fn unplug(&self, card: &InterfaceId) -> Result<()> {
        let outside = outside(card);
        // Gone with the guest's end of it, soon or already.
        let _ = Command::new("ip").args(["link", "delete", &outside]).output();
        Ok(())
    }

    fn answers(&self, _: &Interface) -> Result<bool> {
        Ok(true)
    }
}

fn outside(card: &InterfaceId) -> String {
    format!("hnlt-{}", card.0)
}

pub fn output(command: &mut Command) -> String {
    let done = command.output().unwrap();
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8_lossy(&done.stdout).trim().to_owned()
}

/// A few programs with their libraries, and the folders that a system has.
fn make_image(image: &Path) {
    for folder in ["usr/bin", "etc", "root", "tmp", "var", "proc", "sys", "dev", "run", "home"] {
        std::fs::create_dir_all(image.join(folder)).unwrap();
    }
    for link in ["bin", "sbin"] {
        std::os::unix::fs::symlink("usr/bin", image.join(link)).unwrap();
    }
    let mut libraries = BTreeSet::new();
    for program in PROGRAMS {
        let path = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];
        let mut path = path.iter().map(|folder| Path::new(folder).join(program));
        let Some(path) = path.find(|path| path.exists()) else { continue };
        std::fs::copy(&path, image.join("usr/bin").join(program)).unwrap();
        let list = Command::new("ldd").arg(&path).output().unwrap();
        let list = String::from_utf8_lossy(&list.stdout).into_owned();
        let words = list.split_whitespace().filter(|word| word.starts_with('/'));
        libraries.extend(words.map(PathBuf::from));
    }
    for library in libraries {
        let there = image.join(library.strip_prefix("/").unwrap());
        std::fs::create_dir_all(there.parent().unwrap()).unwrap();
        std::fs::copy(&library, there).unwrap();
    }
    std::fs::write(image.join("etc/passwd"), "root:x:0:0::/root:/bin/sh\n").unwrap();
}

/// What the machine holds that a guest could have left.
#[derive(Debug, PartialEq, Eq)]
pub struct Holdings {
    mounts: usize,
    groups: BTreeSet<PathBuf>,
    disks: BTreeSet<String>,
    links: BTreeSet<String>,
    facts: BTreeSet<String>,
    processes: usize,
}

impl Holdings {
    pub fn now() -> Self {
        let names = |folder: &str, prefix: &str| -> BTreeSet<String> {
            let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
            let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
            names.filter(|name| name.starts_with(prefix)).collect()
        };
        let mut groups = BTreeSet::new();
        for tree in std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten() {
            for group in std::fs::read_dir(tree.path()).into_iter().flatten().flatten() {
                if group.file_name().to_string_lossy().starts_with("hnl-gt") {
                    groups.insert(group.path());
                }
            }
        }
        let own = std::fs::read_link("/proc/self/exe").unwrap();
        let same = |pid: &String| {
            std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == own)
        };
        Self {
            mounts: std::fs::read_to_string("/proc/self/mountinfo")
                .unwrap()
                .lines()
                .filter(|line| line.contains("/host/roots/") || line.contains("hnl-gt"))
                .count(),
            groups,
            disks: loops_of_tests(),
            links: names("/sys/class/net", "hnlt-"),
            facts: names("/run", "hnl-gt")
                .iter()
                .flat_map(|region| names(&format!("/run/{region}"), ""))
                .collect(),
            processes: names("/proc", "").iter().filter(|pid| same(pid)).count(),
        }
    }

    /// The kernel takes a moment for some of it.
    pub fn is_regained(&self) -> bool {
        let end = std::time::Instant::now() + Duration::from_secs(5);
        loop {
            let now = Self::now();
            if now == *self {
                return true;
            }
            if std::time::Instant::now() > end {
                eprintln!("left over: {now:?} after {self:?}");
                return false;
            }
            std::thread::yield_now();
        }
    }
}

fn loops_of_tests() -> BTreeSet<String> {
    let entries = std::fs::read_dir("/sys/block").into_iter().flatten().flatten();
    let file = |path: PathBuf| std::fs::read_to_string(path.join("loop/backing_file")).ok();
    let files = entries.filter_map(|entry| file(entry.path()));
    files.filter(|file| file.contains("/data-")).collect()
}
