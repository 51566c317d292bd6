//! Mounting a volume inside a guest. The kernel lets no guest's root mount a file system of
//! disks; so the call is held, and this process, which stays for it, mounts the volume for the
//! guest. All other mounts go on to the kernel.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, MoveMountFlags};
use rustix::thread::ThreadNameSpaceType;

use super::sys;

const KINDS: [&str; 3] = ["ext4", "xfs", "btrfs"];
/// What a guest may ask of a file system. Others are the machine's matter: an error on a
/// volume could be told to stop the whole machine.
const OPTIONS: [&str; 4] = ["discard", "nodiscard", "nouuid", "nofail"];
const PATH_BYTES_MAX: usize = 4096;
/// Changes of mounts that are there.
const CHANGES: libc::c_ulong = libc::MS_REMOUNT
    | libc::MS_BIND
    | libc::MS_MOVE
    | libc::MS_SHARED
    | libc::MS_PRIVATE
    | libc::MS_SLAVE
    | libc::MS_UNBINDABLE;
const CAP_SYS_ADMIN: u64 = 1 << 21;

/// Lets the kernel do the call.
const CONTINUE: u32 = 1;

/// A guest, as who mounts for it needs it.
pub struct Mounts {
    pub listener: OwnedFd,
    pub first_process: OwnedFd,
    pub users: OwnedFd,
}

/// Serves the guest's calls until it has ended.
pub fn serve(guest: &Mounts) {
    let Mounts { listener, users, .. } = guest;
    while let Ok(call) = receive(guest) {
        let answer = match Mount::read(listener, &call) {
            Ok(Some(mount)) => match in_a_process_of_its_own(&mount, users) {
                Ok(()) => respond(&call, 0, 0),
                Err(error) => respond(&call, -error, 0),
            },
            Ok(None) => respond(&call, 0, CONTINUE),
            Err(_) => respond(&call, -libc::EFAULT, 0),
        };
        // The caller may be gone.
        // SAFETY: the kernel reads the structure, which outlives the call.
        unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_SEND, &raw const answer)
        };
    }
}

fn receive(guest: &Mounts) -> io::Result<libc::seccomp_notif> {
    let Mounts { listener, first_process, .. } = guest;
    loop {
        let mut watched =
            [PollFd::new(first_process, PollFlags::IN), PollFd::new(listener, PollFlags::IN)];
        rustix::event::poll(&mut watched, None)?;
        let hung_up = watched[1].revents().intersects(PollFlags::HUP | PollFlags::ERR);
        // Some kernels keep the listener until this process's child, the first one, is buried.
        if hung_up || !watched[0].revents().is_empty() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        // SAFETY: all bytes zero is what the kernel wants to find there.
        let mut call: libc::seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: the kernel writes the structure, which outlives the call.
        let answer = unsafe {
            libc::ioctl(listener.as_raw_fd(), libc::SECCOMP_IOCTL_NOTIF_RECV, &raw mut call)
        };
        if answer == 0 {
            return Ok(call);
        }
        let error = io::Error::last_os_error();
        // The caller was ended before it was heard.
        if ![Some(libc::ENOENT), Some(libc::EINTR)].contains(&error.raw_os_error()) {
            return Err(error);
        }
    }
}

fn respond(call: &libc::seccomp_notif, error: i32, flags: u32) -> libc::seccomp_notif_resp {
    libc::seccomp_notif_resp { id: call.id, val: 0, error, flags }
}

/// A call that is ours to do.
struct Mount {
    pid: u32,
    source: String,
    target: String,
    kind: String,
    flags: libc::c_ulong,
    options: String,
}

impl Mount {
    /// `None` for one that is the kernel's to do.
    fn read(listener: &OwnedFd, call: &libc::seccomp_notif) -> io::Result<Option<Self>> {
        let [source, target, kind, flags, options, _] = call.data.args;
        if flags & CHANGES != 0 || kind == 0 {
            return Ok(None);
        }
        let mut memory = File::open(format!("/proc/{}/mem", call.pid))?;
        // Asked after opening: until here, the process could have become another one.
        // SAFETY: the kernel reads a number, which outlives the call.
        if unsafe {
            libc::ioctl(
                listener.as_raw_fd(),
                libc::SECCOMP_IOCTL_NOTIF_ID_VALID,
                &raw const call.id,
            )
        } != 0
        {
            return Err(io::Error::last_os_error());
        }
        let kind = string(&mut memory, kind)?;
        if !KINDS.contains(&kind.as_str()) {
            return Ok(None);
        }
        Ok(Some(Self {
            pid: call.pid,
            source: string(&mut memory, source)?,
            target: string(&mut memory, target)?,
            kind,
            flags,
            options: if options == 0 { String::new() } else { string(&mut memory, options)? },
        }))
    }
}

fn string(memory: &mut File, address: u64) -> io::Result<String> {
    memory.seek(SeekFrom::Start(address))?;
    let mut bytes = vec![0; PATH_BYTES_MAX];
    // It may end before the page that the rest would be on.
    let mut length = memory.read(&mut bytes)?;
    if let Some(end) = bytes[..length].iter().position(|byte| *byte == 0) {
        length = end;
    } else {
        return Err(io::ErrorKind::InvalidData.into());
    }
    bytes.truncate(length);
    String::from_utf8(bytes).map_err(io::Error::other)
}

/// Because it enters the guest's namespace and cannot come back. The error is a number.
fn in_a_process_of_its_own(mount: &Mount, users: &OwnedFd) -> Result<(), i32> {
    match sys::split(0) {
        Ok(sys::Side::Child) => {
            let done = perform(mount, users);
            sys::exit(done.map_or_else(|error| error.raw_os_error().unwrap_or(libc::EIO), |()| 0))
        }
        Ok(sys::Side::Parent(pid)) => {
            let waited = rustix::process::waitpid(Some(pid), rustix::process::WaitOptions::empty());
            match waited.ok().flatten().and_then(|(_, status)| status.exit_status()) {
                Some(0) => Ok(()),
                Some(error) => Err(error),
                None => Err(libc::EIO),
            }
        }
        Err(_) => Err(libc::EAGAIN),
    }
}

fn perform(mount: &Mount, users: &OwnedFd) -> io::Result<()> {
    let refused = || io::Error::from_raw_os_error(libc::EPERM);
    let own = format!("/proc/{}", mount.pid);
    if !may_mount(&std::fs::read_to_string(format!("{own}/status"))?)
        || !same(&File::open(format!("{own}/ns/user"))?, users)?
    {
        return Err(refused());
    }
    let options: Vec<&str> = mount.options.split(',').filter(|option| !option.is_empty()).collect();
    if options.iter().any(|option| !OPTIONS.contains(option)) {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    enter(&own)?;
    let system = rustix::mount::fsopen(&*mount.kind, FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_set_string(&system, "source", &*mount.source)?;
    if mount.flags & libc::MS_RDONLY != 0 {
        rustix::mount::fsconfig_set_flag(&system, "ro")?;
    }
    if mount.kind == "ext4" {
        // Also over what the volume itself says, which may be to stop the machine.
        rustix::mount::fsconfig_set_string(&system, "errors", "remount-ro")?;
    }
    for option in options.into_iter().filter(|option| *option != "nofail") {
        rustix::mount::fsconfig_set_flag(&system, option)?;
    }
    rustix::mount::fsconfig_create(&system)?;
    let tree = rustix::mount::fsmount(&system, FsMountFlags::FSMOUNT_CLOEXEC, attributes(mount))?;
    sys::map_ids(tree.as_fd(), users.as_fd())?;
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_SYMLINKS;
    rustix::mount::move_mount(&tree, "", CWD, &*mount.target, flags)?;
    Ok(())
}

fn may_mount(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & CAP_SYS_ADMIN != 0)
}

fn same(one: &File, other: &OwnedFd) -> io::Result<bool> {
    let (one, other) = (rustix::fs::fstat(one)?, rustix::fs::fstat(other)?);
    Ok((one.st_dev, one.st_ino) == (other.st_dev, other.st_ino))
}

/// Paths mean what they mean to the caller.
fn enter(own: &str) -> io::Result<()> {
    let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open(format!("{own}/root"), folder, Mode::empty())?;
    let here = rustix::fs::open(format!("{own}/cwd"), folder, Mode::empty())?;
    let mounts = File::open(format!("{own}/ns/mnt"))?;
    rustix::thread::move_into_thread_name_spaces(mounts.as_fd(), ThreadNameSpaceType::MOUNT)?;
    rustix::process::fchdir(&root)?;
    rustix::process::chroot(".")?;
    rustix::process::fchdir(&here)?;
    Ok(())
}

fn attributes(mount: &Mount) -> MountAttrFlags {
    let mut attributes = MountAttrFlags::MOUNT_ATTR_NODEV;
    for (flag, attribute) in [
        (libc::MS_RDONLY, MountAttrFlags::MOUNT_ATTR_RDONLY),
        (libc::MS_NOSUID, MountAttrFlags::MOUNT_ATTR_NOSUID),
        (libc::MS_NOEXEC, MountAttrFlags::MOUNT_ATTR_NOEXEC),
        (libc::MS_NOATIME, MountAttrFlags::MOUNT_ATTR_NOATIME),
    ] {
        if mount.flags & flag != 0 {
            attributes |= attribute;
        }
    }
    attributes
}
