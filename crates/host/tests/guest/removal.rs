//! A region is taken off the machine, whatever moment its haneul was killed at.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use host::linux::LinuxHost;
use host::{Generation, Guests, Host, Networks, VolumeContent, Volumes};

use super::machine::Holdings;
use super::whole::{guest, network, options, settle_image, volume};

pub const ARGUMENT: &str = "be-removed";
/// Between nothing and a guest's whole start and end.
const DELAYS_MS: [u64; 7] = [0, 40, 90, 160, 300, 500, 900];
const SCRIPT: &str = "trap 'exit 0' PWR; while :; do sleep 0.05; done";

/// Starts and stops a guest until somebody ends this process.
pub fn be_killed(folder: &Path) -> ! {
    let options = options(folder, SCRIPT);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let host = LinuxHost::open(&options).unwrap();
        assert_eq!(host.lacks(), None);
        settle_image(&host).await;
        println!("open");
        for round in 1.. {
            host.ensure_volume(&volume("vol-root", VolumeContent::Root)).await.unwrap();
            host.ensure_volume(&volume("vol-data", VolumeContent::Blank)).await.unwrap();
            host.ensure_network(&network()).await.unwrap();
            let mut guest = guest();
            guest.generation = Generation(1_000 * u64::from(std::process::id()) + round);
            host.ensure_guest(&guest).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
            let grace = Duration::from_millis(30 * (round % 2));
            host.stop_guest(&guest.id, guest.generation, grace).await.unwrap();
        }
    });
    unreachable!("somebody ends this process");
}

pub fn a_region_is_taken_off_the_machine() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path(), SCRIPT);
    let before = (Holdings::now(), of_region(&options.name, folder.path()));
    assert!(before.1.is_empty(), "{before:?}");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut ran = 0;
    for delay in DELAYS_MS {
        let mut haneul = Command::new("/proc/self/exe")
            .arg(ARGUMENT)
            .arg(folder.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(haneul.stdout.take().unwrap()).read_line(&mut said).unwrap();
        assert_eq!(said, "open\n");
        runtime.block_on(async { tokio::time::sleep(Duration::from_millis(delay)).await });
        haneul.kill().unwrap();
        haneul.wait().unwrap();
        ran += LinuxHost::running(&options).unwrap();
        LinuxHost::remove_all(&options).unwrap();
        assert_eq!(of_region(&options.name, folder.path()), BTreeSet::new(), "after {delay} ms");
        assert_eq!(LinuxHost::running(&options).unwrap(), 0);
        assert!(before.0.is_regained());
        LinuxHost::remove_all(&options).unwrap();
    }
    assert!(ran > 0, "no guest ran at any of the moments");
}

/// Whatever the kernel keeps under the region's name or of its folder.
fn of_region(name: &str, folder: &Path) -> BTreeSet<String> {
    let name = format!("hnl-{name}");
    let mut all = BTreeSet::new();
    let mut trees = vec!["/run".into(), "/run/netns".into(), "/sys/class/net".into()];
    trees.push("/sys/fs/cgroup".into());
    trees.extend(std::fs::read_dir("/sys/fs/cgroup").unwrap().flatten().map(|tree| tree.path()));
    for tree in trees {
        let entries = std::fs::read_dir(&tree).into_iter().flatten().flatten();
        let names = entries.map(|entry| entry.path().display().to_string());
        all.extend(names.filter(|path| path.contains(&name)));
    }
    let folder = folder.to_str().unwrap();
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
    all.extend(mounts.lines().filter(|line| line.contains(folder)).map(str::to_owned));
    for disk in std::fs::read_dir("/sys/block").unwrap().flatten() {
        let file = std::fs::read_to_string(disk.path().join("loop/backing_file"));
        all.extend(file.ok().filter(|file| file.contains(folder)));
    }
    for process in std::fs::read_dir("/proc").unwrap().flatten() {
        let said = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let said = String::from_utf8_lossy(&said).replace('\0', " ");
        all.extend(Some(said).filter(|said| said.contains(&name)));
    }
    all
}
