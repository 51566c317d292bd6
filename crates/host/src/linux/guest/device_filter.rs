//! Which devices a guest may open, where cgroups are v2: there it is a small program that the
//! kernel asks. It says yes to a list.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::Path;

use super::start::NODES;

const PROG_LOAD: libc::c_int = 5;
const PROG_ATTACH: libc::c_int = 8;
const TYPE_CGROUP_DEVICE: u32 = 15;
const ATTACH_CGROUP_DEVICE: u32 = 6;
const BLOCK: i32 = 1;
const CHARACTER: i32 = 2;
/// Of terminals; all minors.
const PTS: i32 = 136;

/// An instruction of the kernel's machine.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Line {
    code: u8,
    /// Destination in the low half, source in the high one.
    registers: u8,
    offset: i16,
    value: i32,
}

/// `union bpf_attr`, as loading reads it; zeros for what it may have besides.
#[repr(C)]
#[derive(Default)]
struct Load {
    kind: u32,
    lines: u32,
    program: u64,
    licence: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel: u32,
    flags: u32,
}

#[repr(C)]
struct Attach {
    group: u32,
    program: u32,
    kind: u32,
    flags: u32,
}

/// Replaces the group's filter by one for the harmless nodes and these block devices.
pub fn set(group: &Path, disks: &[(u32, u32)]) -> io::Result<()> {
    let mut allowed = vec![(CHARACTER, 5, Some(2)), (CHARACTER, PTS, None)];
    for node in NODES {
        let there = std::fs::metadata(Path::new("/dev").join(node))?;
        let number = std::os::unix::fs::MetadataExt::rdev(&there);
        let number = (rustix::fs::major(number), rustix::fs::minor(number));
        allowed.push((CHARACTER, signed(number.0)?, Some(signed(number.1)?)));
    }
    for (major, minor) in disks {
        allowed.push((BLOCK, signed(*major)?, Some(signed(*minor)?)));
    }
    attach(group, &load(&program(&allowed))?)
}

fn signed(number: u32) -> io::Result<i32> {
    i32::try_from(number).map_err(io::Error::other)
}

/// Reads `access_type`, `major` and `minor` of its context, compares, and answers 1 or 0.
fn program(allowed: &[(i32, i32, Option<i32>)]) -> Vec<Line> {
    let line = |code, registers, offset, value| Line { code, registers, offset, value };
    let mut lines = vec![
        line(0x61, 0x12, 0, 0), // r2 = the access and, in its low half, the kind
        line(0x54, 0x02, 0, 0xffff),
        line(0x61, 0x13, 4, 0), // r3 = major
        line(0x61, 0x14, 8, 0), // r4 = minor
    ];
    for (kind, major, minor) in allowed {
        let after = if minor.is_some() { 4 } else { 3 };
        lines.push(line(0x55, 0x02, after, *kind));
        lines.push(line(0x55, 0x03, after - 1, *major));
        if let Some(minor) = minor {
            lines.push(line(0x55, 0x04, 2, *minor));
        }
        lines.extend([line(0xb7, 0, 0, 1), line(0x95, 0, 0, 0)]);
    }
    lines.extend([line(0xb7, 0, 0, 0), line(0x95, 0, 0, 0)]);
    lines
}

fn load(program: &[Line]) -> io::Result<OwnedFd> {
    let licence = c"Apache-2.0";
    let attributes = Load {
        kind: TYPE_CGROUP_DEVICE,
        lines: u32::try_from(program.len()).map_err(io::Error::other)?,
        program: program.as_ptr().addr() as u64,
        licence: licence.as_ptr().addr() as u64,
        ..Load::default()
    };
    // SAFETY: the kernel reads the program and the licence, which outlive the call.
    let answer = unsafe {
        libc::syscall(libc::SYS_bpf, PROG_LOAD, &raw const attributes, size_of::<Load>())
    };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let fd = i32::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel made this descriptor for us just now.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Without flags, so that the group has this program alone and its children cannot add one
/// that overrides it.
fn attach(group: &Path, program: &OwnedFd) -> io::Result<()> {
    let group = std::fs::File::open(group)?;
    let attributes = Attach {
        group: group.as_raw_fd().cast_unsigned(),
        program: program.as_raw_fd().cast_unsigned(),
        kind: ATTACH_CGROUP_DEVICE,
        flags: 0,
    };
    // SAFETY: the kernel reads the structure, which outlives the call.
    let answer = unsafe {
        libc::syscall(libc::SYS_bpf, PROG_ATTACH, &raw const attributes, size_of::<Attach>())
    };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs the program as the kernel does: whether this access is allowed.
    fn verdict(lines: &[Line], access: i32, kind: i32, major: i32, minor: i32) -> bool {
        let mut registers = [0_i32; 5];
        let context = [access << 16 | kind, major, minor];
        let mut at = 0;
        loop {
            let line = lines[at];
            at += 1;
            let to = usize::from(line.registers & 0xf);
            match line.code {
                0x61 => registers[to] = context[usize::try_from(line.offset).unwrap() / 4],
                0x54 => registers[to] &= line.value,
                0x55 if registers[to] != line.value => {
                    at += usize::try_from(line.offset).unwrap();
                }
                0x55 => {}
                0xb7 => registers[to] = line.value,
                0x95 => return registers[0] == 1,
                code => panic!("{code:#x}"),
            }
        }
    }

    #[test]
    fn what_may_be_opened() {
        let allowed = [(CHARACTER, 1, Some(3)), (CHARACTER, PTS, None), (BLOCK, 7, Some(2))];
        let lines = program(&allowed);
        let asked = |kind, major, minor| verdict(&lines, 6, kind, major, minor);
        assert!(asked(CHARACTER, 1, 3) && asked(CHARACTER, PTS, 9) && asked(BLOCK, 7, 2));
        assert!(!asked(CHARACTER, 1, 5) && !asked(BLOCK, 1, 3) && !asked(BLOCK, 7, 3));
        assert!(!asked(CHARACTER, 10, 200));
    }

    #[test]
    fn the_kernel_takes_it() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: programs for cgroups need root");
            return;
        }
        let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap();
        let v2 = mounts.lines().find(|line| line.contains(" - cgroup2 "));
        let Some(tree) = v2.and_then(|line| line.split(' ').nth(4)) else {
            eprintln!("skipped: no cgroup v2 here");
            return;
        };
        let group = Path::new(tree).join(format!("hnl-filter-{}", std::process::id()));
        std::fs::create_dir(&group).unwrap();
        let first = set(&group, &[]);
        let second = set(&group, &[(7, 1), (7, 2)]);
        let opens = || {
            let script = format!(
                "echo 0 >{}/cgroup.procs; true </dev/null && ! true </dev/kmsg",
                group.display()
            );
            std::process::Command::new("sh").args(["-c", &script]).status().unwrap().success()
        };
        let holds = opens();
        std::fs::remove_dir(&group).unwrap();
        first.unwrap();
        second.unwrap();
        assert!(holds, "null opens and another device does not");
    }
}
