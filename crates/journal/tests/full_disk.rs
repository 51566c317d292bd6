//! Disks that are really full: small file systems, mounted for the test and gone after it. That
//! needs root and loop devices; without them the tests say so and prove nothing.

#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use bytes::Bytes;
use journal::{
    CommitError, Journal, Options, Recovery, Sequence, ZoneHealth, ZoneReport, open_folder,
};

const SMALL_BYTES: u64 = 24 << 20;
const PAYLOAD_BYTES: usize = 100_000;
const COMMITS_MAX: usize = 2_000;

/// A small ext4 on a file.
struct Mount(PathBuf);

impl Mount {
    fn new(root: &Path, name: &str) -> Option<Mount> {
        let (image, point) = (root.join(format!("{name}.image")), root.join(name));
        std::fs::File::create(&image).unwrap().set_len(SMALL_BYTES).unwrap();
        std::fs::create_dir(&point).unwrap();
        let made = run("mkfs.ext4", &["-q".as_ref(), "-F".as_ref(), image.as_ref()])
            && run("mount", &["-o".as_ref(), "loop".as_ref(), image.as_ref(), point.as_ref()]);
        if !made {
            eprintln!("SKIPPED: no small file system can be mounted here, so nothing is proved");
        }
        made.then_some(Mount(point))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A test that failed may still have files open there.
        let gone =
            run("umount", &[self.0.as_ref()]) || run("umount", &["-l".as_ref(), self.0.as_ref()]);
        assert!(gone || std::thread::panicking(), "{} stays mounted", self.0.display());
    }
}

fn run(program: &str, arguments: &[&Path]) -> bool {
    let output = Command::new(program).args(arguments).output();
    let why = match &output {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("{program}: {why}");
    false
}

fn open(zones: &[PathBuf]) -> (Journal, Recovery) {
    let disks: Vec<_> = zones.iter().map(|zone| open_folder(zone).unwrap()).collect();
    Journal::open(disks, Options { segment_bytes: 1 << 20, ..Options::new([7; 16]) }).unwrap()
}

fn payload(number: usize) -> Bytes {
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.resize(PAYLOAD_BYTES, 7);
    bytes.into()
}

/// Takes all the room there is but for about `left` bytes.
fn ballast(folder: &Path, left: usize) -> PathBuf {
    let path = folder.join("ballast");
    let mut file = std::fs::File::create(&path).unwrap();
    let mut bytes = 0;
    while file.write_all(&[1; 65_536]).and_then(|()| file.sync_data()).is_ok() {
        bytes += 65_536;
    }
    file.set_len(bytes - left.next_multiple_of(65_536) as u64).unwrap();
    file.sync_all().unwrap();
    path
}

/// Commits until it is refused; answers how many were taken before, and why not the next.
fn fill(journal: &Journal, from: usize) -> (usize, CommitError) {
    let refused = (from..COMMITS_MAX).find_map(|number| {
        journal.submit(payload(number)).wait().err().map(|error| (number, error))
    });
    refused.expect("the disk is full at some time")
}

fn check_holds(journal: &Journal, count: usize) {
    let found: Vec<_> = journal.read(Sequence(0)).unwrap().map(|f| f.unwrap().payload).collect();
    assert!(found.iter().eq((0..count).map(payload).collect::<Vec<_>>().iter()), "{count}");
}

#[test]
fn a_full_disk_refuses_loses_nothing_and_goes_on_when_there_is_room() {
    let root = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::new(root.path(), "all") else { return };
    let zones = ["a", "b", "c"].map(|zone| mount.0.join(zone));
    let (journal, _) = open(&zones);
    let ballast = ballast(&mount.0, 8 << 20);
    let (taken, error) = fill(&journal, 0);
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    assert!(taken > 0, "there was room for some");
    assert_eq!(journal.health(), [const { ZoneHealth::Healthy }; 3]);
    check_holds(&journal, taken);
    // Still full after a restart, still whole.
    drop(journal);
    let (journal, recovery) = open(&zones);
    assert_eq!(recovery.zones, [const { ZoneReport::Healthy }; 3]);
    drop(recovery);
    check_holds(&journal, taken);
    std::fs::remove_file(ballast).unwrap();
    let (more, error) = fill(&journal, taken);
    assert!(matches!(error, CommitError::Unavailable(_)), "{error}");
    assert!(more > taken, "room was used");
    check_holds(&journal, more);
    assert_eq!(journal.scrub().lost, []);
}

#[test]
fn one_full_zone_is_dropped_and_comes_back_with_room() {
    let root = tempfile::tempdir().unwrap();
    let Some(mount) = Mount::new(root.path(), "small") else { return };
    let zones = [root.path().join("a"), mount.0.join("b"), root.path().join("c")];
    let (journal, _) = open(&zones);
    let ballast = ballast(&mount.0, 2 << 20);
    let mut taken = 0;
    while journal.health()[1] == ZoneHealth::Healthy {
        journal.submit(payload(taken)).wait().unwrap();
        taken += 1;
        assert!(taken < COMMITS_MAX, "the small zone never filled up");
    }
    journal.submit(payload(taken)).wait().unwrap();
    let report = journal.tend(false);
    assert_eq!((report.returned.len(), report.away.len()), (0, 1), "{report:?}");
    std::fs::remove_file(ballast).unwrap();
    assert_eq!(journal.tend(false).returned.len(), 1);
    assert_eq!(journal.health(), [const { ZoneHealth::Healthy }; 3]);
    check_holds(&journal, taken + 1);
    drop(journal);
    // What came back is whole: it and one other are enough.
    std::fs::remove_dir_all(&zones[0]).unwrap();
    check_holds(&open(&zones).0, taken + 1);
}
