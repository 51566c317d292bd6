//! The file system of root volumes: made, checked, grown, mounted and held still.

#![allow(unsafe_code, reason = "ioctls that have no safe wrapper")]

use std::collections::HashSet;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::io::Errno;
use rustix::ioctl::{NoArg, Opcode, ioctl};
use rustix::mount::{MountFlags, MountPropagationFlags, UnmountFlags};

use super::Device;
use crate::linux::durable::failed;
use crate::{Error, Result};

const FIFREEZE: Opcode = 0xC004_5877;
const FITHAW: Opcode = 0xC004_5878;

/// No tables are written before they are used: 8 GiB take a few MiB of the machine's disk.
const MKFS: [&str; 10] = [
    "-q",
    "-F",
    "-m",
    "0",
    "-L",
    "root",
    "-J",
    "size=16",
    "-E",
    "lazy_itable_init=1,lazy_journal_init=1,nodiscard",
];

/// Discards give back to the machine what a guest deletes. Tables are not zeroed behind its
/// back; a damaged file system is not written to.
const OPTIONS: &std::ffi::CStr = c"noinit_itable,discard,errors=remount-ro";

/// On a file of zeros.
pub(crate) fn make(file: &Path) -> Result<()> {
    let (code, said) = run("mkfs.ext4", &MKFS, file)?;
    match code {
        0 => Ok(()),
        _ => Err(Error::Unavailable(format!("mkfs.ext4 ended with {code}: {said}"))),
    }
}

/// What the superblock of a file system says; `None` when there is no ext4.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Superblock {
    pub(crate) size_bytes: u64,
    /// The kernel met something wrong.
    pub(crate) has_errors: bool,
}

/// <https://docs.kernel.org/filesystems/ext4/super.html>
pub(crate) fn superblock(device: &Path) -> io::Result<Option<Superblock>> {
    let mut bytes = [0; 1024];
    File::open(device)?.read_exact_at(&mut bytes, 1024)?;
    let u32_at = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|byte| bytes[at + byte]));
    if bytes[0x38..0x3a] != [0x53, 0xef] {
        return Ok(None);
    }
    let has_64bit = u32_at(0x60) & 0x80 != 0;
    let high = if has_64bit { u64::from(u32_at(0x150)) << 32 } else { 0 };
    let blocks = high | u64::from(u32_at(0x4));
    let Some(block_bytes) = 1024_u64.checked_shl(u32_at(0x18)) else { return Ok(None) };
    let size_bytes = blocks.saturating_mul(block_bytes);
    Ok(Some(Superblock { size_bytes, has_errors: bytes[0x3a] & 2 != 0 }))
}

/// Looks at everything and mends what can be mended without asking. Not while it is mounted.
pub(crate) fn check(device: &Path) -> Result<()> {
    // 1 and 2: mended.
    match run("e2fsck", &["-f", "-p"], device)? {
        (0..=2, _) => Ok(()),
        (code, said) => Err(Error::Refused(format!(
            "the file system is damaged beyond what can be mended alone \
             (e2fsck ended with {code}: {said})"
        ))),
    }
}

/// To the size of its device, which must be bigger. Not while it is mounted, and only after
/// [`check`].
pub(crate) fn grow(device: &Path) -> Result<()> {
    match run("resize2fs", &[], device)? {
        (0, _) => Ok(()),
        (code, said) => Err(Error::Unavailable(format!("resize2fs ended with {code}: {said}"))),
    }
}

/// Needs CAP_SYS_RESOURCE. False when the kernel does not let us.
pub(crate) fn grow_mounted(folder: &Path, size_bytes: u64) -> io::Result<bool> {
    let blocks = size_bytes / rustix::fs::statvfs(folder)?.f_bsize;
    match rustix::fs::ext4_ioc_resize_fs(File::open(folder)?, blocks) {
        Ok(()) => Ok(true),
        Err(Errno::PERM | Errno::OPNOTSUPP) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// No device file in it works, setuid programs do. Not seen in other mount namespaces.
pub(crate) fn mount(device: &Device, folder: &Path) -> io::Result<()> {
    rustix::mount::mount(&device.path, folder, "ext4", MountFlags::NODEV, OPTIONS)?;
    Ok(rustix::mount::mount_change(folder, MountPropagationFlags::PRIVATE)?)
}

/// A guest that still has it keeps it until it ends. Does nothing when nothing is mounted.
pub(crate) fn unmount(folder: &Path) -> io::Result<()> {
    for flags in [UnmountFlags::empty(), UnmountFlags::DETACH] {
        match rustix::mount::unmount(folder, flags) {
            Ok(()) | Err(Errno::INVAL | Errno::NOENT) => return Ok(()),
            Err(Errno::BUSY) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

pub(crate) fn is_mounted(device: &Device, folder: &Path) -> io::Result<bool> {
    let all = fs::read_to_string("/proc/self/mountinfo")?;
    Ok(mounts_of(device, &all).iter().any(|mount| mount == folder))
}

/// Where a file system on the device is mounted, in whatever mount namespace: one handle each.
pub(crate) fn mounts(device: &Device) -> io::Result<Vec<File>> {
    let (mut seen, mut handles) = (HashSet::new(), Vec::new());
    for entry in fs::read_dir("/proc")? {
        let process = entry?.path();
        let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
        if !process.file_name().and_then(|name| name.to_str()).is_some_and(is_number) {
            continue;
        }
        // Processes end while we look.
        let Ok(namespace) = fs::metadata(process.join("ns/mnt")) else { continue };
        if !seen.insert(namespace.ino()) {
            continue;
        }
        let Ok(all) = fs::read_to_string(process.join("mountinfo")) else { continue };
        let inside = |mount: &PathBuf| {
            let below = mount.strip_prefix("/").unwrap_or(mount);
            let handle = File::open(process.join("root").join(below)).ok()?;
            // Another mount may lie over this one.
            let there = handle.metadata().ok()?.dev();
            (there == rustix::fs::makedev(device.major, device.minor)).then_some(handle)
        };
        handles.extend(mounts_of(device, &all).iter().filter_map(inside));
    }
    Ok(handles)
}

/// A file system that takes no writes until this is dropped.
pub(crate) struct Frozen(Vec<File>);

impl Frozen {
    /// All that was written before is on the device, and nothing comes after.
    pub(crate) fn new(device: &Device) -> io::Result<Self> {
        let mut frozen = Self(Vec::new());
        for mount in mounts(device)? {
            // SAFETY: FIFREEZE takes no argument.
            match unsafe { ioctl(&mount, NoArg::<FIFREEZE>::new()) } {
                Ok(()) => frozen.0.push(mount),
                // The same file system, mounted elsewhere too.
                Err(Errno::BUSY) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(frozen)
    }

    pub(crate) fn is_any(&self) -> bool {
        !self.0.is_empty()
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.iter().for_each(thaw);
    }
}

/// Somebody who froze it may have been killed.
pub(crate) fn thaw_all(device: &Device) -> io::Result<()> {
    mounts(device)?.iter().for_each(thaw);
    Ok(())
}

fn thaw(mount: &File) {
    // SAFETY: FITHAW takes no argument. EINVAL: it was not frozen.
    let _ = unsafe { ioctl(mount, NoArg::<FITHAW>::new()) };
}

fn mounts_of(device: &Device, mountinfo: &str) -> Vec<PathBuf> {
    let number = format!("{}:{}", device.major, device.minor);
    let mount = |line: &str| {
        let mut words = line.split(' ').skip(2);
        let matches = words.next() == Some(&number);
        words.nth(1).filter(|_| matches).map(unescaped)
    };
    mountinfo.lines().filter_map(mount).collect()
}

/// Of everything that is mounted, the oldest first.
pub(crate) fn mount_points(mountinfo: &str) -> impl Iterator<Item = PathBuf> {
    mountinfo.lines().filter_map(|line| line.split(' ').nth(4)).map(unescaped)
}

fn unescaped(path: &str) -> PathBuf {
    PathBuf::from(path.replace("\\040", " "))
}

/// The exit status and what was said; -1 for a signal.
fn run(program: &str, arguments: &[&str], target: &Path) -> Result<(i32, String)> {
    // Services often have no sbin in their path.
    let places = ["/usr/sbin", "/sbin"].map(|folder| Path::new(folder).join(program));
    let found = places.into_iter().find(|path| path.exists());
    let mut command = Command::new(found.unwrap_or_else(|| program.into()));
    command.args(arguments).arg(target).stdin(Stdio::null());
    let done = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            Error::Refused(format!("{program} is missing: install the package e2fsprogs"))
        }
        _ => failed(program)(error),
    })?;
    let said = String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).trim().to_owned();
    Ok((done.status.code().unwrap_or(-1), said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_found_by_their_device() {
        let told = "36 35 7:3 / /mnt/with\\040space rw - ext4 /dev/loop3 rw\n\
                    37 35 7:30 / /other rw - ext4 /dev/loop30 rw\n";
        let device = |minor| Device { path: PathBuf::new(), major: 7, minor };
        assert_eq!(mounts_of(&device(3), told), [PathBuf::from("/mnt/with space")]);
        assert!(mounts_of(&device(4), told).is_empty());
    }

    #[test]
    fn a_file_of_zeros_has_no_file_system() {
        let file = tempfile::NamedTempFile::new().expect("made");
        file.as_file().set_len(1 << 20).expect("sized");
        assert_eq!(superblock(file.path()).expect("read"), None);
    }
}
