//! Volumes on this machine: as root, with loop devices and ext4. Everything made is removed,
//! also when a test fails.
#![cfg(target_os = "linux")]

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aws::Zone;
use host::linux::volume::{LinuxVolumes, VolumeLimits};
use host::{Error, GuestId, SnapshotId, Volume, VolumeContent, VolumeId, Volumes};

/// Three zones and a data folder, and what the kernel holds for them.
struct Place(tempfile::TempDir);

impl Place {
    /// `None`, loudly, where a test cannot run.
    fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() || !Path::new("/dev/loop-control").exists() {
            eprintln!("SKIPPED: this test needs root and loop devices");
            return None;
        }
        // As haneul has it.
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o077));
        // What cargo calls its folder may be a link.
        let target = Path::new(env!("CARGO_TARGET_TMPDIR")).canonicalize().expect("there");
        let folder = tempfile::tempdir_in(target).expect("made");
        for zone in ["a", "b", "c"] {
            fs::create_dir(folder.path().join(zone)).expect("made");
        }
        Some(Self(folder))
    }

    fn open(&self) -> LinuxVolumes {
        open(self.0.path())
    }

    fn mounts(&self) -> Vec<String> {
        let all = fs::read_to_string("/proc/self/mounts").expect("read");
        let points = all.lines().filter_map(|line| line.split(' ').nth(1));
        let ours = points.filter(|point| Path::new(point).starts_with(self.0.path()));
        ours.map(Into::into).collect()
    }

    fn loops(&self) -> Vec<String> {
        let devices = fs::read_dir("/sys/block").expect("listed");
        let ours = devices.filter_map(|device| {
            let device = device.ok()?;
            let file = fs::read_to_string(device.path().join("loop/backing_file")).ok()?;
            let is_ours = Path::new(&file).starts_with(self.0.path());
            is_ours.then(|| format!("/dev/{}", device.file_name().to_string_lossy()))
        });
        ours.collect()
    }

    /// The kernel ends a loop device when its last reader does.
    async fn holds_nothing(&self) {
        assert_eq!(self.mounts(), Vec::<String>::new());
        within_seconds(10, || self.loops().is_empty()).await;
    }

    fn data(&self, zone: char, id: &str) -> PathBuf {
        self.0.path().join(format!("{zone}/volumes/{id}/data"))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for mount in self.mounts() {
            let _ = Command::new("fsfreeze").args(["-u", &mount]).stderr(Stdio::null()).status();
            let _ = Command::new("umount").args(["-l", &mount]).status();
        }
        for device in self.loops() {
            let _ = Command::new("losetup").args(["-d", &device]).status();
        }
    }
}

fn open(folder: &Path) -> LinuxVolumes {
    let zones = ["a", "b", "c"].map(|zone| folder.join(zone));
    LinuxVolumes::open(folder.join("host"), zones).expect("opened")
}

async fn within_seconds(seconds: u64, is_so: impl Fn() -> bool) {
    let wait = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(seconds), wait).await.expect("in time");
}

fn volume(id: &str, size_gib: u32, content: VolumeContent) -> Volume {
    let (zone, iops, throughput_mib) = (Zone::A, Some(3000), Some(125));
    Volume { id: VolumeId(id.into()), zone, size_gib, content, iops, throughput_mib }
}

fn id(id: &str) -> VolumeId {
    VolumeId(id.into())
}

fn guest(id: &str) -> GuestId {
    GuestId(id.into())
}

fn snap(id: &str) -> SnapshotId {
    SnapshotId(id.into())
}

async fn finished(volumes: &LinuxVolumes, id: &SnapshotId) {
    let wait = async {
        loop {
            let all = volumes.snapshots().await.expect("listed");
            if all.iter().any(|seen| seen.id == *id && seen.percent == 100) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.expect("in time");
}

fn is_refused<T: std::fmt::Debug>(answer: Result<T, Error>) -> bool {
    matches!(answer, Err(Error::Refused(_)))
}

#[tokio::test]
async fn a_root_volume_is_as_big_as_it_says_and_no_bigger() {
    let Some(place) = Place::new() else { return };
    let volumes = place.open();
    let root = volume("vol-1", 1, VolumeContent::Root);
    volumes.ensure_volume(&root).await.expect("made");
    volumes.ensure_volume(&root).await.expect("is so");
    let on_disk = fs::metadata(place.data('a', "vol-1")).expect("there").blocks() * 512;
    assert!(on_disk < 8 << 20, "{on_disk} bytes before anything is written");
    let folder = volumes.mount_root(&id("vol-1"), &guest("i-1")).expect("mounted");
    assert_eq!(volumes.mount_root(&id("vol-1"), &guest("i-1")), Ok(folder.clone()));
    for name in ["upper", "work"] {
        assert_eq!(fs::metadata(folder.join(name)).expect("there").mode() & 0o7777, 0o755);
    }
    let told = rustix::fs::statvfs(&folder).expect("told");
    assert!(told.f_blocks * told.f_frsize > 950 << 20);
    assert!(told.f_bavail * 100 > told.f_bfree * 97, "nothing is reserved for the machine's root");
    assert!(told.f_flag.contains(rustix::fs::StatVfsMountFlags::NODEV));
    assert!(!told.f_flag.contains(rustix::fs::StatVfsMountFlags::NOSUID));
    let file = File::create(folder.join("upper/big")).expect("made");
    let fill = |bytes| rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::empty(), 0, bytes);
    fill(800 << 20).expect("there is room");
    assert_eq!(fill(1 << 30), Err(rustix::io::Errno::NOSPC));
    drop(file);
    assert!(is_refused(volumes.remove_volume(&id("vol-1")).await), "a guest has it");
    volumes.unmount_root(&id("vol-1")).expect("unmounted");
    volumes.unmount_root(&id("vol-1")).expect("is so");
    place.holds_nothing().await;
    let folder = volumes.mount_root(&id("vol-1"), &guest("i-2")).expect("mounted");
    assert!(folder.join("upper/big").exists());
    volumes.unmount_root(&id("vol-1")).expect("unmounted");
    volumes.remove_volume(&id("vol-1")).await.expect("removed");
    volumes.remove_volume(&id("vol-1")).await.expect("is so");
    assert_eq!(volumes.volumes().await, Ok(vec![]));
    assert!(!place.data('a', "vol-1").exists());
    place.holds_nothing().await;
}

#[tokio::test]
async fn a_volume_has_one_guest_also_after_a_restart() {
    let Some(place) = Place::new() else { return };
    let volumes = place.open();
    for name in ["vol-1", "vol-2", "vol-3"] {
        volumes.ensure_volume(&volume(name, 1, VolumeContent::Root)).await.expect("made");
    }
    let device = volumes.attach(&id("vol-1"), &guest("i-1")).expect("attached");
    assert_eq!(volumes.attach(&id("vol-1"), &guest("i-1")), Ok(device.clone()));
    assert!(is_refused(volumes.attach(&id("vol-1"), &guest("i-2"))));
    assert!(is_refused(volumes.attach(&id("vol-9"), &guest("i-2"))));
    assert!(is_refused(volumes.attach(&id("../vol-1"), &guest("i-2"))));
    let told = fs::metadata(&device.path).expect("there");
    assert_eq!(told.rdev(), rustix::fs::makedev(device.major, device.minor));
    volumes.attach(&id("vol-2"), &guest("i-2")).expect("attached");
    volumes.mount_root(&id("vol-3"), &guest("i-3")).expect("mounted");
    drop(volumes);

    let volumes = place.open();
    volumes.adopt(&[(id("vol-1"), guest("i-1"))]).expect("adopted");
    assert_eq!(place.mounts(), Vec::<String>::new());
    within_seconds(10, || place.loops().len() == 1).await;
    assert_eq!(volumes.attach(&id("vol-1"), &guest("i-1")), Ok(device));
    assert!(is_refused(volumes.attach(&id("vol-1"), &guest("i-2"))));
    let limits = VolumeLimits { iops: Some(3000), throughput_mib: Some(125) };
    assert_eq!(volumes.limits(&id("vol-2")), Ok(limits));
    volumes.detach(&id("vol-1")).expect("detached");
    volumes.attach(&id("vol-1"), &guest("i-2")).expect("attached");
    volumes.detach(&id("vol-1")).expect("detached");
    place.holds_nothing().await;
}

#[tokio::test]
async fn volumes_grow_while_they_are_used_and_never_shrink() {
    let Some(place) = Place::new() else { return };
    let volumes = place.open();
    volumes.ensure_volume(&volume("vol-data", 1, VolumeContent::Blank)).await.expect("made");
    volumes.ensure_volume(&volume("vol-root", 1, VolumeContent::Root)).await.expect("made");
    let device = volumes.attach(&id("vol-data"), &guest("i-1")).expect("attached");
    let folder = volumes.mount_root(&id("vol-root"), &guest("i-1")).expect("mounted");
    fs::write(folder.join("upper/file"), b"kept").expect("written");
    volumes.ensure_volume(&volume("vol-data", 3, VolumeContent::Blank)).await.expect("grown");
    volumes.ensure_volume(&volume("vol-root", 2, VolumeContent::Root)).await.expect("grown");
    let sectors = fs::read_to_string(format!("/sys/block/loop{}/size", device.minor));
    assert_eq!(sectors.expect("told").trim(), ((3_u64 << 30) / 512).to_string());
    let small = volume("vol-data", 2, VolumeContent::Blank);
    assert!(is_refused(volumes.ensure_volume(&small).await));
    assert!(is_refused(volumes.ensure_volume(&Volume { zone: Zone::B, ..small }).await));
    volumes.unmount_root(&id("vol-root")).expect("unmounted");
    let folder = volumes.mount_root(&id("vol-root"), &guest("i-1")).expect("mounted");
    let told = rustix::fs::statvfs(&folder).expect("told");
    assert!(told.f_blocks * told.f_frsize > 1900 << 20);
    assert_eq!(fs::read(folder.join("upper/file")).expect("read"), b"kept");
    let sizes = volumes.volumes().await.expect("listed");
    assert_eq!(sizes.iter().map(|seen| seen.size_gib).collect::<Vec<_>>(), [3, 2]);
    let limits = Volume { iops: None, ..volume("vol-data", 3, VolumeContent::Blank) };
    volumes.ensure_volume(&limits).await.expect("changed");
    assert_eq!(volumes.limits(&id("vol-data")).expect("told").iops, None);
    volumes.unmount_root(&id("vol-root")).expect("unmounted");
    volumes.detach(&id("vol-data")).expect("detached");
    place.holds_nothing().await;
}

/// The file that was synced before is whole, and what is written meanwhile breaks nothing.
#[tokio::test]
async fn a_snapshot_of_a_root_in_use_is_of_one_moment() {
    let Some(place) = Place::new() else { return };
    let volumes = place.open();
    volumes.ensure_volume(&volume("vol-1", 1, VolumeContent::Root)).await.expect("made");
    let folder = volumes.mount_root(&id("vol-1"), &guest("i-1")).expect("mounted");
    let known: Vec<u8> = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    fs::write(folder.join("upper/known"), &known).expect("written");
    let is_over = Arc::new(AtomicBool::new(false));
    let (at_work, upper) = (is_over.clone(), folder.join("upper"));
    let writer = std::thread::spawn(move || {
        let mut number = 0_u64;
        while !at_work.load(Ordering::Relaxed) {
            let name = format!("file-{}", number % 500);
            fs::write(upper.join(name), number.to_le_bytes()).expect("written");
            number += 1;
        }
        number
    });
    volumes.ensure_snapshot(&snap("snap-1"), &id("vol-1")).await.expect("taken");
    volumes.ensure_snapshot(&snap("snap-1"), &id("vol-1")).await.expect("is so");
    finished(&volumes, &snap("snap-1")).await;
    is_over.store(true, Ordering::Relaxed);
    assert!(writer.join().expect("wrote on") > 0);
    let seen = volumes.snapshots().await.expect("listed").remove(0);
    assert!(seen.size_gib == 1 && seen.own_bytes > 12_000_000, "{seen:?}");

    let made = volume("vol-2", 2, VolumeContent::Snapshot(snap("snap-1")));
    volumes.ensure_volume(&Volume { zone: Zone::C, ..made }).await.expect("made");
    let checked = Command::new("e2fsck").arg("-fn").arg(place.data('c', "vol-2")).output();
    let checked = checked.expect("e2fsck runs");
    assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stdout));
    let folder = volumes.mount_root(&id("vol-2"), &guest("i-2")).expect("mounted");
    assert!(fs::read(folder.join("upper/known")).expect("read") == known);
    let told = rustix::fs::statvfs(&folder).expect("told");
    assert!(told.f_blocks * told.f_frsize > 1900 << 20, "grown to the new volume");
    for name in ["vol-1", "vol-2"] {
        volumes.unmount_root(&id(name)).expect("unmounted");
        volumes.remove_volume(&id(name)).await.expect("removed");
    }
    let again = volume("vol-3", 1, VolumeContent::Snapshot(snap("snap-1")));
    volumes.ensure_volume(&again).await.expect("a snapshot needs no volume");
    volumes.remove_snapshot(&snap("snap-1")).await.expect("removed");
    volumes.remove_snapshot(&snap("snap-1")).await.expect("is so");
    let late = volume("vol-4", 1, VolumeContent::Snapshot(snap("snap-1")));
    assert!(is_refused(volumes.ensure_volume(&late).await));
    place.holds_nothing().await;
}

#[tokio::test]
async fn a_device_that_is_written_to_is_read_while_its_guest_stands_still() {
    let Some(place) = Place::new() else { return };
    let volumes = place.open();
    volumes.ensure_volume(&volume("vol-1", 1, VolumeContent::Blank)).await.expect("made");
    let device = volumes.attach(&id("vol-1"), &guest("i-1")).expect("attached");
    let raw = OpenOptions::new().write(true).open(&device.path).expect("opened");
    raw.write_all_at(&vec![7; 20 << 20], 300 << 20).expect("written");
    // A guest: it holds the lock while it runs.
    let turn = Arc::new((std::sync::Mutex::new(()), AtomicBool::new(false)));
    let (at_work, path) = (turn.clone(), device.path.clone());
    let writer = std::thread::spawn(move || {
        let device = OpenOptions::new().write(true).open(path).expect("opened");
        let mut number = 0_u64;
        while !at_work.1.load(Ordering::Relaxed) {
            let running = at_work.0.lock().expect("not poisoned");
            for at in PLACES {
                device.write_all_at(&number.to_le_bytes(), at).expect("written");
            }
            device.sync_data().expect("synced");
            drop(running);
            std::thread::yield_now();
            number += 1;
        }
    });
    // On a slow machine the writer may rest for long enough.
    match volumes.ensure_snapshot(&snap("snap-1"), &id("vol-1")).await {
        Ok(()) => volumes.remove_snapshot(&snap("snap-1")).await.expect("removed"),
        Err(error) => assert!(matches!(error, Error::Unavailable(_)), "{error:?}"),
    }
    let pauser = turn.clone();
    volumes.pause_with(Box::new(move |guest, act| {
        assert_eq!(guest.0, "i-1");
        let _paused = pauser.0.lock().expect("not poisoned");
        act();
    }));
    volumes.ensure_snapshot(&snap("snap-1"), &id("vol-1")).await.expect("taken");
    turn.1.store(true, Ordering::Relaxed);
    writer.join().expect("wrote on");
    finished(&volumes, &snap("snap-1")).await;
    let made = volume("vol-2", 1, VolumeContent::Snapshot(snap("snap-1")));
    volumes.ensure_volume(&made).await.expect("made");
    let data = File::open(place.data('a', "vol-2")).expect("there");
    let numbers = PLACES.map(|at| {
        let mut number = [0; 8];
        data.read_exact_at(&mut number, at).expect("read");
        u64::from_le_bytes(number)
    });
    assert_eq!(numbers, [numbers[0]; 4], "written as one, read as one");
    drop(raw);
    volumes.detach(&id("vol-1")).expect("detached");
    assert!(is_refused(volumes.mount_root(&id("vol-2"), &guest("i-1"))), "no file system");
    place.holds_nothing().await;
}

const PLACES: [u64; 4] = [0, 64 << 20, 512 << 20, 1000 << 20];

#[tokio::test]
async fn what_a_killed_process_froze_is_thawed() {
    let Some(place) = Place::new() else { return };
    let volumes = place.open();
    volumes.ensure_volume(&volume("vol-1", 1, VolumeContent::Root)).await.expect("made");
    let folder = volumes.mount_root(&id("vol-1"), &guest("i-1")).expect("mounted");
    let frozen = Command::new("fsfreeze").arg("-f").arg(&folder).status();
    assert!(frozen.expect("fsfreeze runs").success());
    drop(volumes);
    let volumes = place.open();
    volumes.adopt(&[(id("vol-1"), guest("i-1"))]).expect("adopted");
    fs::write(folder.join("upper/file"), b"written").expect("thawed");
    assert_eq!(volumes.mount_root(&id("vol-1"), &guest("i-1")), Ok(folder));
    volumes.unmount_root(&id("vol-1")).expect("unmounted");
    place.holds_nothing().await;
}

const CHILD: &str = "HANEUL_VOLUME_TEST_CHILD";

/// Writes to a volume's file, takes snapshots, makes roots, removes; says what was answered.
#[tokio::test]
async fn child() {
    let Ok(folder) = std::env::var(CHILD) else { return };
    let volumes = open(Path::new(&folder));
    let say = |line: String| {
        let mut out = std::io::stdout();
        writeln!(out, "\n{line}").and_then(|()| out.flush()).expect("heard");
    };
    let data = Path::new(&folder).join("a/volumes/vol-0/data");
    let first = volume("vol-0", 1, VolumeContent::Blank);
    volumes.ensure_volume(&first).await.expect("made");
    let taken = volumes.snapshots().await.expect("listed");
    let next = taken.iter().filter_map(|seen| seen.id.0[5..].parse::<u64>().ok()).max();
    for number in next.map_or(0, |last| last + 1).. {
        write_content(&OpenOptions::new().write(true).open(&data).expect("there"), number);
        let id = snap(&format!("snap-{number}"));
        volumes.ensure_snapshot(&id, &first.id).await.expect("taken");
        say(format!("taken {number}"));
        let root = volume(&format!("vol-{}", number + 1), 1, VolumeContent::Root);
        volumes.ensure_volume(&root).await.expect("made");
        say(format!("made {}", number + 1));
        if number >= 3 {
            say(format!("removing {}", number - 3));
            let old = snap(&format!("snap-{}", number - 3));
            volumes.remove_snapshot(&old).await.expect("removed");
            volumes.remove_volume(&VolumeId(format!("vol-{}", number - 2))).await.expect("removed");
        }
    }
}

/// Some chunks change with each number, some with every third, some never.
fn write_content(file: &File, number: u64) {
    for at in 0..8_u64 {
        let number = if at < 3 { number } else { number / 3 * (at % 2) };
        let bytes = vec![u8::try_from(number % 255 + 1).expect("small"); 700_000];
        file.write_all_at(&bytes, at * (70 << 20)).expect("written");
    }
}

/// What was answered and not asked to be removed since.
#[derive(Default)]
struct Answered {
    snapshots: BTreeSet<u64>,
    volumes: BTreeSet<u64>,
}

impl Answered {
    fn read(&mut self, line: &str) {
        let Some((what, Ok(number))) =
            line.split_once(' ').map(|(what, number)| (what, number.parse::<u64>()))
        else {
            return;
        };
        match what {
            "taken" => _ = self.snapshots.insert(number),
            "made" => _ = self.volumes.insert(number),
            "removing" => {
                self.snapshots.remove(&number);
                self.volumes.remove(&(number + 1));
            }
            _ => {}
        }
    }
}

#[tokio::test]
async fn kill_9_leaves_nothing_half_done() {
    let Some(place) = Place::new() else { return };
    let mut answered = Answered::default();
    for round in 0..6_u64 {
        run_child(&place, Duration::from_millis(150 + 330 * round), &mut answered).await;
        let volumes = place.open();
        volumes.adopt(&[]).expect("adopted");
        let there = volumes.volumes().await.expect("listed");
        for number in std::mem::take(&mut answered.volumes) {
            let wanted = id(&format!("vol-{number}"));
            assert!(there.iter().any(|seen| seen.id == wanted), "{wanted} was answered");
        }
        for seen in there.iter().filter(|seen| seen.id.0 != "vol-0") {
            let data = File::open(place.data('a', &seen.id.0)).expect("there");
            let mut magic = [0; 2];
            data.read_exact_at(&mut magic, 1024 + 0x38).expect("read");
            assert_eq!(magic, [0x53, 0xef], "{} is whole", seen.id);
            volumes.remove_volume(&seen.id).await.expect("removed");
        }
        for number in &answered.snapshots {
            check_snapshot(&place, &volumes, *number).await;
        }
    }
    assert!(!answered.snapshots.is_empty(), "the child got somewhere");
    let volumes = place.open();
    for seen in volumes.snapshots().await.expect("listed") {
        finished(&volumes, &seen.id).await;
        volumes.remove_snapshot(&seen.id).await.expect("removed");
    }
    for zone in ["a", "b", "c"] {
        for shelf in fs::read_dir(place.0.path().join(zone).join("snapshots/chunks")).into_iter() {
            let chunks = shelf.map(|shelf| fs::read_dir(shelf.expect("there").path()));
            assert_eq!(chunks.map(|all| all.expect("listed").count()).sum::<usize>(), 0);
        }
    }
}

async fn run_child(place: &Place, lives: Duration, answered: &mut Answered) {
    let mut child = Command::new(std::env::current_exe().expect("known"))
        .args(["child", "--exact", "--nocapture"])
        .env(CHILD, place.0.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("started");
    let out = BufReader::new(child.stdout.take().expect("piped"));
    let reader = std::thread::spawn(move || out.lines().map_while(Result::ok).collect());
    tokio::time::sleep(lives).await;
    child.kill().expect("killed");
    child.wait().expect("ended");
    let said: Vec<String> = reader.join().expect("read");
    said.iter().for_each(|line| answered.read(line));
}

async fn check_snapshot(place: &Place, volumes: &LinuxVolumes, number: u64) {
    let id = snap(&format!("snap-{number}"));
    finished(volumes, &id).await;
    let made = volume("vol-check", 1, VolumeContent::Snapshot(id));
    volumes.ensure_volume(&made).await.expect("made");
    let expected = tempfile::tempfile_in(place.0.path()).expect("made");
    expected.set_len(1 << 30).expect("sized");
    write_content(&expected, number);
    let restored = File::open(place.data('a', "vol-check")).expect("there");
    for at in (0..8_u64).map(|at| at * (70 << 20)) {
        let [mut one, mut other] = [vec![0; 1 << 20], vec![0; 1 << 20]];
        restored.read_exact_at(&mut one, at).expect("read");
        expected.read_exact_at(&mut other, at).expect("read");
        assert!(one == other, "snap-{number} at {at}");
    }
    volumes.remove_volume(&made.id).await.expect("removed");
}
