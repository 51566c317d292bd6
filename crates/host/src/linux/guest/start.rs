//! Making a guest's namespaces, from outside: a process of its own, with one thread.

use std::fmt::Display;
use std::io::{self, BufRead, BufReader, PipeReader, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{FsMountFlags, FsOpenFlags, MountAttrFlags, OpenTreeFlags};
use rustix::thread::UnshareFlags;

use super::inside::{self, Handed};
use super::keeper::{say, start_time};
use super::mounts::{self, Mounts};
use super::spec::{GO, Node, Progress, Start, USERS};
use super::sys;

/// Device nodes of this machine that a guest has too.
pub const NODES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

const NAMESPACES: i32 = libc::CLONE_NEWUSER
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// The group of disks, on every Linux.
const DISK: u32 = 6;

/// Says which step failed.
pub trait At<T> {
    fn at(self, step: impl Display) -> Result<T, String>;
}

impl<T, E: Display> At<T> for Result<T, E> {
    fn at(self, step: impl Display) -> Result<T, String> {
        self.map_err(|error| format!("{step}: {error}"))
    }
}

pub fn run(spec: &Start, lines: &mut BufReader<UnixStream>) -> Result<(), String> {
    let haneul = lines.get_ref().try_clone().at("the connection")?;
    let started = begin(spec, &haneul, lines);
    let progress = match &started {
        Ok(_) => Progress::Runs,
        Err(error) => Progress::Failed(error.clone()),
    };
    say(&haneul, &progress).at("answer")?;
    let _ = haneul.shutdown(std::net::Shutdown::Both);
    mounts::serve(&started?);
    Ok(())
}

fn begin(
    spec: &Start,
    haneul: &UnixStream,
    lines: &mut BufReader<UnixStream>,
) -> Result<Mounts, String> {
    let handed = hand(spec)?;
    for group in &spec.cgroups {
        std::fs::write(group, "0").at(group.display())?;
    }
    restart_clock();
    let (failure, says_failure) = io::pipe().at("pipe")?;
    let (hears_mapped, mut mapped) = io::pipe().at("pipe")?;
    let (hears_go, mut go) = io::pipe().at("pipe")?;
    let (mut hears_listener, says_listener) = io::pipe().at("pipe")?;
    let first = match sys::split(NAMESPACES).at("new namespaces")? {
        sys::Side::Child => {
            // Else the child would wait for itself when this process is gone.
            drop((mapped, go, failure, hears_listener));
            inside::run(spec, handed, hears_mapped, hears_go, says_failure, says_listener)
        }
        sys::Side::Parent(first) => first.as_raw_nonzero().get(),
    };
    drop((says_failure, hears_mapped, hears_go, says_listener));
    let mut guide = || -> Result<Mounts, String> {
        map_users(first, spec.user)?;
        let users = handed.map_ids(first)?;
        mapped.write_all(b"m").at("first process")?;
        let start_time = start_time(first).ok_or("the first process is gone")?;
        say(haneul, &Progress::Born { pid: first, start_time }).at("answer")?;
        let mut line = String::new();
        lines.read_line(&mut line).at("haneul")?;
        if line != GO {
            return Err("haneul gave up".into());
        }
        go.write_all(b"g").at("first process")?;
        let (first_process, listener) = listener(first, &mut hears_listener)?;
        go.write_all(b"g").at("first process")?;
        Ok(Mounts { listener, first_process, users })
    };
    let guided = guide();
    if guided.is_err()
        && let Some(first) = rustix::process::Pid::from_raw(first)
    {
        let _ = rustix::process::kill_process(first, rustix::process::Signal::KILL);
    }
    // What the first process says is the cause; what this one felt of it, a consequence.
    match (said(failure), guided) {
        (said, _) if !said.is_empty() => Err(said),
        (_, guided) => guided,
    }
}

/// The first process, and a copy of the descriptor that its mounts are heard by.
fn listener(first: i32, hears: &mut PipeReader) -> Result<(OwnedFd, OwnedFd), String> {
    let mut number = [0; 4];
    hears.read_exact(&mut number).at("listener")?;
    let first = rustix::process::Pid::from_raw(first).ok_or("the first process is gone")?;
    let first = rustix::process::pidfd_open(first, rustix::process::PidfdFlags::empty());
    let first = first.at("first process")?;
    let none = rustix::process::PidfdGetfdFlags::empty();
    let listener = rustix::process::pidfd_getfd(&first, i32::from_ne_bytes(number), none);
    Ok((first, listener.at("listener")?))
}

/// Why the first process gave up. It says nothing when it became the guest's.
fn said(mut failure: PipeReader) -> String {
    let mut said = Vec::new();
    let _ = failure.read_to_end(&mut said);
    String::from_utf8_lossy(&said).into_owned()
}

/// Opens all that the guest gets of this machine, while its paths still mean this machine's.
fn hand(spec: &Start) -> Result<Handed, String> {
    let mut layers = Vec::new();
    for layer in &spec.layers {
        layers.push(tree(layer)?);
    }
    let mut nodes = Vec::new();
    for name in NODES {
        nodes.push((name.to_owned(), tree(&Path::new("/dev").join(name))?));
    }
    for node in &spec.nodes {
        nodes.push((node.name.clone(), device(node, spec.user)?));
    }
    let mut facts = Vec::new();
    for (source, target) in &spec.facts {
        facts.push((target.clone(), tree(source)?));
    }
    Ok(Handed {
        layers,
        root: tree(&spec.root)?,
        kit: tree(&spec.kit)?,
        nodes,
        facts,
        console: console(&spec.console, spec.user).at(spec.console.display())?,
    })
}

/// A mount of its own, nowhere yet.
fn tree(path: &Path) -> Result<OwnedFd, String> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, path, flags).at(path.display())
}

/// A device node that belongs to the guest's root. It lies in a file system of this machine's
/// root, because the kernel opens no nodes in one that a guest has mounted.
pub fn device(node: &Node, user: u32) -> Result<OwnedFd, String> {
    let memory = rustix::mount::fsopen("tmpfs", FsOpenFlags::FSOPEN_CLOEXEC).at("tmpfs")?;
    rustix::mount::fsconfig_set_string(&memory, "size", "4k").at("tmpfs")?;
    rustix::mount::fsconfig_create(&memory).at("tmpfs")?;
    let flags = FsMountFlags::FSMOUNT_CLOEXEC;
    let folder = rustix::mount::fsmount(&memory, flags, MountAttrFlags::MOUNT_ATTR_NOEXEC);
    let folder = folder.at("tmpfs")?;
    let owner = rustix::fs::Uid::from_raw(user);
    let disk = rustix::fs::Gid::from_raw(user + DISK);
    let kind = rustix::fs::FileType::BlockDevice;
    let number = rustix::fs::makedev(node.major, node.minor);
    rustix::fs::mknodat(&folder, "node", kind, Mode::from_raw_mode(0o660), number).at("mknod")?;
    rustix::fs::chownat(&folder, "node", Some(owner), Some(disk), rustix::fs::AtFlags::empty())
        .at("chown")?;
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(&folder, "node", flags).at("device node")
}

fn console(path: &Path, user: u32) -> io::Result<OwnedFd> {
    let file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(libc::O_NOFOLLOW)
        .open(path)?;
    // So that what it runs can open /dev/stderr.
    std::os::unix::fs::fchown(&file, Some(user), Some(user))?;
    Ok(file.into())
}

/// Lets the guest's uptime begin now. Only for looks: where the kernel cannot, it sees the
/// machine's.
fn restart_clock() {
    let uptime = rustix::time::clock_gettime(rustix::time::ClockId::Boottime).tv_sec;
    if sys::unshare(UnshareFlags::NEWTIME).is_ok() {
        let _ = std::fs::write("/proc/self/timens_offsets", format!("boottime -{uptime} 0"));
    }
}

fn map_users(pid: i32, user: u32) -> Result<(), String> {
    for map in ["uid_map", "gid_map"] {
        std::fs::write(format!("/proc/{pid}/{map}"), format!("0 {user} {USERS}")).at(map)?;
    }
    Ok(())
}

impl Handed {
    /// Answers the user namespace.
    fn map_ids(&self, pid: i32) -> Result<OwnedFd, String> {
        let path = format!("/proc/{pid}/ns/user");
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let namespace = rustix::fs::open(&path, flags, Mode::empty()).at(&path)?;
        for tree in self.layers.iter().chain([&self.root, &self.kit]) {
            sys::map_ids(tree.as_fd(), namespace.as_fd())
                .at("this file system has no idmapped mounts")?;
        }
        Ok(namespace)
    }
}
