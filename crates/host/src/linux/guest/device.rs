//! A volume that comes and goes while its guest runs: done by a process that enters the
//! guest's mount namespace, and nothing else of it.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::CWD;
use rustix::mount::{MoveMountFlags, UnmountFlags};
use rustix::thread::ThreadNameSpaceType;

use super::keeper;
use super::spec::Node;
use super::start::{self, At};
use super::sys;

pub fn add(pid: i32, start_time: u64, user: u32, node: &Node) -> Result<(), String> {
    // Made while the paths are the machine's; the guest decides what its own lead to.
    let tree = start::device(node, user)?;
    enter(pid, start_time, user)?;
    let path = path(&node.name);
    if rustix::fs::stat(&path)
        .is_ok_and(|there| there.st_rdev == rustix::fs::makedev(node.major, node.minor))
    {
        return link(node);
    }
    drop(std::fs::File::create(&path).at(path.display())?);
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(&tree, "", CWD, &path, flags).at(path.display())?;
    link(node)
}

pub fn remove(pid: i32, start_time: u64, user: u32, node: &Node) -> Result<(), String> {
    enter(pid, start_time, user)?;
    for name in &node.links {
        let _ = std::fs::remove_file(path(name));
    }
    let path = path(&node.name);
    let _ = rustix::mount::unmount(&path, UnmountFlags::DETACH | UnmountFlags::NOFOLLOW);
    let _ = std::fs::remove_file(path);
    Ok(())
}

/// Also of a guest that is being furnished, in its own folder.
pub fn link(node: &Node) -> Result<(), String> {
    for name in &node.links {
        let path = path(name);
        let _ = std::fs::remove_file(&path);
        symlink(&node.name, &path).at(path.display())?;
    }
    Ok(())
}

fn path(name: &str) -> PathBuf {
    Path::new("/dev").join(name)
}

fn enter(pid: i32, start_time: u64, user: u32) -> Result<(), String> {
    let process: OwnedFd = keeper::process(pid, start_time).ok_or("the guest has ended")?;
    rustix::thread::move_into_thread_name_spaces(process.as_fd(), ThreadNameSpaceType::MOUNT)
        .at("the guest's mounts")?;
    // The guest's file systems know no root but their own.
    sys::write_as(user);
    Ok(())
}
