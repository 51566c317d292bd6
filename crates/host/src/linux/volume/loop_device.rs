//! Loop devices: block devices whose bytes are a file's.
//!
//! <https://man7.org/linux/man-pages/man4/loop.4.html>

#![allow(unsafe_code, reason = "ioctls that have no safe wrapper")]

use std::ffi::c_void;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FileType, Mode, makedev, mknodat};
use rustix::io::Errno;
use rustix::ioctl::{Ioctl, IoctlOutput, NoArg, Opcode, Setter, ioctl};

use super::Device;

const LOOP_CLR_FD: Opcode = 0x4C01;
const LOOP_SET_CAPACITY: Opcode = 0x4C07;
const LOOP_CONFIGURE: Opcode = 0x4C0A;
const LOOP_CTL_GET_FREE: Opcode = 0x4C82;
const LO_FLAGS_DIRECT_IO: u32 = 16;
const LOOP_MAJOR: u32 = 7;
/// Others take free devices too, between our asking and our taking.
const ATTEMPTS_MAX: usize = 100;

/// The device of this file; a new one unless it has one.
pub(crate) fn attach(file: &Path) -> io::Result<Device> {
    if let Some(device) = find(file)? {
        return Ok(device);
    }
    let backing = OpenOptions::new().read(true).write(true).open(file)?;
    for _ in 0..ATTEMPTS_MAX {
        let number = free_number()?;
        let device = open(number, OpenOptions::new().read(true).write(true))?;
        match configure(&device, &backing) {
            Ok(()) => return Ok(described(number)),
            Err(Errno::BUSY) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(io::Error::other("other programs took every loop device that was free"))
}

/// Looks among all devices for the one of this file.
pub(crate) fn find(file: &Path) -> io::Result<Option<Device>> {
    let mut found = attached()?.into_iter().filter(|(_, backing)| backing == file);
    Ok(found.next().map(|(number, _)| described(number)))
}

/// Numbers and files of all loop devices that have a file.
pub(crate) fn attached() -> io::Result<Vec<(u32, PathBuf)>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/sys/block")? {
        let name = entry?.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_prefix("loop")) else {
            continue;
        };
        let told = fs::read_to_string(format!("/sys/block/loop{number}/loop/backing_file"));
        if let (Ok(number), Ok(told)) = (number.parse(), told) {
            all.push((number, PathBuf::from(told.trim_end_matches('\n'))));
        }
    }
    Ok(all)
}

/// What the device does not have yet is written first. Whoever still has it open keeps it
/// until closing it.
pub(crate) fn detach(number: u32) -> io::Result<()> {
    let device = open_to_ask(number)?;
    device.sync_all()?;
    // SAFETY: LOOP_CLR_FD takes no argument.
    match unsafe { ioctl(&device, NoArg::<LOOP_CLR_FD>::new()) } {
        Ok(()) | Err(Errno::NXIO) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Tells the device that its file has grown.
pub(crate) fn grown(number: u32) -> io::Result<()> {
    // SAFETY: LOOP_SET_CAPACITY takes no argument.
    Ok(unsafe { ioctl(open_to_ask(number)?, NoArg::<LOOP_SET_CAPACITY>::new()) }?)
}

/// What was written to the device is in its file when this returns.
pub(crate) fn flush(number: u32) -> io::Result<()> {
    open_to_ask(number)?.sync_all()
}

/// Sectors that were ever written to the device and discarded, and requests under way. A flush
/// counts as a request to write, of nothing.
pub(crate) fn writes(number: u32) -> io::Result<[u64; 3]> {
    let text = fs::read_to_string(format!("/sys/block/loop{number}/stat"))?;
    let fields: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // <https://docs.kernel.org/block/stat.html>
    let at = |index: usize| fields.get(index).copied().unwrap_or_default();
    Ok([at(6), at(13), at(8)])
}

fn described(number: u32) -> Device {
    let path = PathBuf::from(format!("/dev/loop{number}"));
    Device { path, major: LOOP_MAJOR, minor: number }
}

/// Some kernels let nobody write to a device that is mounted.
fn open_to_ask(number: u32) -> io::Result<File> {
    open(number, OpenOptions::new().read(true))
}

/// Machines without devtmpfs have only some nodes.
fn open(number: u32, options: &OpenOptions) -> io::Result<File> {
    let path = described(number).path;
    if !path.exists() {
        let mode = Mode::RUSR | Mode::WUSR;
        let made = mknodat(
            rustix::fs::CWD,
            &path,
            FileType::BlockDevice,
            mode,
            makedev(LOOP_MAJOR, number),
        );
        match made {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
    }
    let device = options.open(&path)?;
    let told = device.metadata()?;
    if !told.file_type().is_block_device() || told.rdev() != makedev(LOOP_MAJOR, number) {
        return Err(io::Error::other(format!("{} is no loop device", path.display())));
    }
    Ok(device)
}

fn free_number() -> io::Result<u32> {
    let control = OpenOptions::new().read(true).write(true).open("/dev/loop-control")?;
    // SAFETY: LOOP_CTL_GET_FREE takes no argument and answers a number.
    Ok(unsafe { ioctl(control, GetFree) }?)
}

fn configure(device: &File, backing: &File) -> rustix::io::Result<()> {
    let fd = u32::try_from(backing.as_fd().as_raw_fd()).map_err(|_| Errno::BADF)?;
    let mut config = LoopConfig { fd, ..LoopConfig::default() };
    config.info.flags = LO_FLAGS_DIRECT_IO;
    // SAFETY: LOOP_CONFIGURE reads a `struct loop_config`, which LoopConfig is laid out as.
    match unsafe { ioctl(device, Setter::<LOOP_CONFIGURE, _>::new(config)) } {
        // The file system cannot: tmpfs, some network ones.
        Err(Errno::INVAL) => {
            config.info.flags = 0;
            // SAFETY: as above.
            unsafe { ioctl(device, Setter::<LOOP_CONFIGURE, _>::new(config)) }
        }
        other => other,
    }
}

struct GetFree;

// SAFETY: no argument is read or written; the answer is the call's return value.
unsafe impl Ioctl for GetFree {
    type Output = u32;
    const IS_MUTATING: bool = false;

    fn opcode(&self) -> Opcode {
        LOOP_CTL_GET_FREE
    }

    fn as_ptr(&mut self) -> *mut c_void {
        std::ptr::null_mut()
    }

    unsafe fn output_from_ptr(out: IoctlOutput, _: *mut c_void) -> rustix::io::Result<u32> {
        u32::try_from(out).map_err(|_| Errno::INVAL)
    }
}

/// `struct loop_config` of linux/loop.h.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct LoopConfig {
    fd: u32,
    block_size: u32,
    info: LoopInfo,
    reserved: [u64; 8],
}

/// `struct loop_info64`.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct LoopInfo {
    device_inode_rdevice_offset_limit: [u64; 5],
    number_and_encryption: [u32; 3],
    flags: u32,
    names_and_key: [[u64; 4]; 5],
    init: [u64; 2],
}

const _: () = assert!(size_of::<LoopConfig>() == 304 && size_of::<LoopInfo>() == 232);
