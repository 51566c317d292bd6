//! Furnishing a guest from inside its namespaces, until its first program is executed.
//!
//! From the pivot on, every path is the guest's own: whatever its root left there, a link out
//! of it leads back into it.

use std::ffi::CString;
use std::io::{PipeReader, PipeWriter, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags};
use rustix::mount::{
    MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags, UnmountFlags,
};
use rustix::process::{fchdir, pivot_root};
use rustix::thread::CapabilitySet;

use super::spec::Start;
use super::start::At;
use super::{device, seccomp, sys};

/// What a guest has of this machine.
pub struct Handed {
    pub layers: Vec<OwnedFd>,
    pub root: OwnedFd,
    pub kit: OwnedFd,
    pub nodes: Vec<(String, OwnedFd)>,
    pub facts: Vec<(String, OwnedFd)>,
    pub console: OwnedFd,
}

/// Any folder of this machine: here the guest's file system is put together.
const STAGE: &str = "/tmp";

/// What of the machine shows through in `/proc` and `/sys`. None of it could be written by a
/// guest's root; covering it keeps it from being read.
const MASKED_FILES: [&str; 9] = [
    "proc/diskstats",
    "proc/kcore",
    "proc/key-users",
    "proc/keys",
    "proc/latency_stats",
    "proc/partitions",
    "proc/sched_debug",
    "proc/sysrq-trigger",
    "proc/timer_list",
];
const MASKED_FOLDERS: [&str; 9] = [
    "proc/acpi",
    "proc/asound",
    "proc/scsi",
    "sys/block",
    "sys/class/block",
    "sys/class/dmi",
    "sys/devices/virtual/dmi",
    "sys/devices/virtual/powercap",
    "sys/firmware",
];
const READ_ONLY: [&str; 4] = ["proc/bus", "proc/fs", "proc/irq", "proc/sys"];

/// Of the whole kernel, or of what a guest has no business with even in its own namespaces.
const DROPPED: [CapabilitySet; 15] = [
    CapabilitySet::AUDIT_CONTROL,
    CapabilitySet::AUDIT_READ,
    CapabilitySet::BLOCK_SUSPEND,
    CapabilitySet::BPF,
    CapabilitySet::CHECKPOINT_RESTORE,
    CapabilitySet::LINUX_IMMUTABLE,
    CapabilitySet::MAC_ADMIN,
    CapabilitySet::MAC_OVERRIDE,
    CapabilitySet::PERFMON,
    CapabilitySet::SYS_MODULE,
    CapabilitySet::SYS_RAWIO,
    CapabilitySet::SYS_RESOURCE,
    CapabilitySet::SYS_TIME,
    CapabilitySet::SYSLOG,
    CapabilitySet::WAKE_ALARM,
];

const ENVIRONMENT: [&str; 4] = [
    "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME=/root",
    "TERM=linux",
    "container=haneul",
];

/// Becomes the guest's first process, or says why not and ends.
pub fn run(
    spec: &Start,
    handed: Handed,
    hears_mapped: PipeReader,
    hears_go: PipeReader,
    mut says_failure: PipeWriter,
    says_listener: PipeWriter,
) -> ! {
    let Err(error) = furnish(spec, handed, hears_mapped, hears_go, says_listener);
    let _ = says_failure.write_all(error.as_bytes());
    sys::exit(127)
}

fn furnish(
    spec: &Start,
    handed: Handed,
    mut hears_mapped: PipeReader,
    mut hears_go: PipeReader,
    mut says_listener: PipeWriter,
) -> Result<std::convert::Infallible, String> {
    hears_mapped.read_exact(&mut [0]).at("user namespace")?;
    become_root()?;
    rustix::system::sethostname(spec.hostname.as_bytes()).at("hostname")?;
    let first_boot = overlay(&handed)?;
    enter(handed.kit, handed.nodes, handed.facts)?;
    for node in &spec.nodes {
        device::link(node)?;
    }
    if let Some(files) = first_boot {
        files.write(spec)?;
    }
    sys::bring_up("lo").at("loopback")?;
    let command = strings(spec.command.iter().map(String::as_str))?;
    let environment = strings(ENVIRONMENT.into_iter())?;
    for capability in DROPPED {
        rustix::thread::remove_capability_from_bounding_set(capability).at("capabilities")?;
    }
    let null = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty());
    sys::place(&null.at("/dev/null")?, 0).at("standard input")?;
    sys::place(&handed.console, 1).at("console")?;
    sys::place(&handed.console, 2).at("console")?;
    hears_go.read_exact(&mut [0]).at("haneul gave up")?;
    sys::reset_signals();
    let flags = libc::SECCOMP_FILTER_FLAG_NEW_LISTENER;
    let listener = sys::filter_calls(&seccomp::program(), flags).at("seccomp")?;
    let number = listener.as_ref().map_or(-1, AsRawFd::as_raw_fd);
    says_listener.write_all(&number.to_ne_bytes()).at("listener")?;
    // Until the starter has it too: it closes here with the next step.
    hears_go.read_exact(&mut [0]).at("haneul gave up")?;
    Err(format!("{}: {}", spec.command.join(" "), sys::execute(&command, &environment)))
}

fn strings<'a>(strings: impl Iterator<Item = &'a str>) -> Result<Vec<CString>, String> {
    strings.map(|s| CString::new(s).at("the command")).collect()
}

fn become_root() -> Result<(), String> {
    let (user, group) = (rustix::fs::Uid::ROOT, rustix::fs::Gid::ROOT);
    rustix::thread::set_thread_groups(&[]).at("groups")?;
    rustix::thread::set_thread_res_gid(group, group, group).at("group")?;
    rustix::thread::set_thread_res_uid(user, user, user).at("user")?;
    let _ = rustix::process::setsid();
    rustix::process::umask(Mode::from_raw_mode(0o022));
    Ok(())
}

/// Puts layers and root volume together at `root` in the stage, which becomes the working
/// folder. Answers what the guest's files do not say yet.
fn overlay(handed: &Handed) -> Result<Option<FirstBoot>, String> {
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    rustix::mount::mount_change("/", private).at("private mounts")?;
    rustix::mount::mount("tmpfs", STAGE, "tmpfs", MountFlags::NODEV, c"size=1m").at("stage")?;
    rustix::process::chdir(STAGE).at("stage")?;
    let mut lower = Vec::new();
    for (number, layer) in handed.layers.iter().enumerate() {
        let name = number.to_string();
        attach(layer, &name, &Kind::Folder)?;
        lower.push(name);
    }
    attach(&handed.root, "volume", &Kind::Folder)?;
    for folder in ["volume/upper", "volume/work"] {
        // A volume may have been written by another guest: a link would lead to this machine.
        let kind = Path::new(folder).symlink_metadata().at(folder)?.file_type();
        if !kind.is_dir() {
            return Err(format!("{folder}: not a folder"));
        }
    }
    let first_boot = FirstBoot::look("volume/upper/etc");
    make_folder("root")?;
    let options =
        format!("lowerdir={},upperdir=volume/upper,workdir=volume/work,userxattr", lower.join(":"));
    let options = CString::new(options).at("overlay")?;
    rustix::mount::mount("overlay", "root", "overlay", MountFlags::empty(), &*options)
        .at("overlay")?;
    Ok(first_boot)
}

/// Makes the overlay the root, furnishes it and lets go of the machine's file systems. Those
/// are let go of last, because a guest may mount `/proc` and `/sys` only while it sees others.
fn enter(
    kit: OwnedFd,
    nodes: Vec<(String, OwnedFd)>,
    facts: Vec<(String, OwnedFd)>,
) -> Result<(), String> {
    let folder = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
    let machine = rustix::fs::open("/", folder, Mode::empty()).at("root")?;
    let root = rustix::fs::open("root", folder, Mode::empty()).at("root")?;
    fchdir(&root).at("root")?;
    // The machine's root comes to lie upon the new one, and needs no folder in it.
    pivot_root(".", ".").at("pivot_root")?;
    fchdir(&root).at("root")?;
    system_folders()?;
    devices(nodes)?;
    mount("tmpfs", "run", MountFlags::NOSUID | MountFlags::NODEV, c"mode=755,size=20%")?;
    make_folder("run/lock")?;
    sys::make_read_only(std::os::fd::AsFd::as_fd(&kit)).at("kit")?;
    attach(&kit, "run/haneul", &Kind::Folder)?;
    for (path, fact) in facts {
        if Path::new(&path).exists() {
            attach(&fact, &path, &Kind::There)?;
        }
    }
    fchdir(&machine).at("root")?;
    rustix::mount::unmount(".", UnmountFlags::DETACH).at("the machine's root")?;
    rustix::process::chdir("/").at("root")
}

fn system_folders() -> Result<(), String> {
    let quiet = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC;
    mount("proc", "proc", quiet, c"")?;
    mount("sysfs", "sys", quiet | MountFlags::RDONLY, c"")?;
    let net = clone_of("proc/sys/net")?;
    for path in READ_ONLY {
        if Path::new(path).exists() {
            let tree = clone_of(path)?;
            sys::make_read_only(std::os::fd::AsFd::as_fd(&tree)).at(path)?;
            attach(&tree, path, &Kind::There)?;
        }
    }
    attach(&net, "proc/sys/net", &Kind::There)?;
    Ok(())
}

fn devices(nodes: Vec<(String, OwnedFd)>) -> Result<(), String> {
    mount("tmpfs", "dev", MountFlags::NOSUID | MountFlags::NOEXEC, c"mode=755,size=1m")?;
    for (name, node) in nodes {
        attach(&node, &format!("dev/{name}"), &Kind::File)?;
    }
    let quiet = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount("devpts", "dev/pts", quiet, c"newinstance,ptmxmode=0666,mode=620,gid=5")?;
    mount("tmpfs", "dev/shm", quiet | MountFlags::NODEV, c"mode=1777")?;
    mount("mqueue", "dev/mqueue", quiet | MountFlags::NODEV, c"")?;
    for (link, target) in [
        ("dev/ptmx", "pts/ptmx"),
        ("dev/fd", "/proc/self/fd"),
        ("dev/stdin", "/proc/self/fd/0"),
        ("dev/stdout", "/proc/self/fd/1"),
        ("dev/stderr", "/proc/self/fd/2"),
        ("dev/core", "/proc/kcore"),
    ] {
        symlink(target, link).at(link)?;
    }
    mask()
}

fn mask() -> Result<(), String> {
    for file in MASKED_FILES.into_iter().filter(|file| Path::new(file).exists()) {
        attach(&clone_of("dev/null")?, file, &Kind::There)?;
    }
    for folder in MASKED_FOLDERS.into_iter().filter(|folder| Path::new(folder).is_dir()) {
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        rustix::mount::mount("tmpfs", folder, "tmpfs", flags, c"size=4k,mode=555").at(folder)?;
    }
    Ok(())
}

fn mount(
    kind: &str,
    path: &str,
    flags: MountFlags,
    options: &std::ffi::CStr,
) -> Result<(), String> {
    make_folder(path)?;
    rustix::mount::mount(kind, path, kind, flags, options).at(format_args!("mount {path}"))
}

fn clone_of(path: &str) -> Result<OwnedFd, String> {
    let flags = OpenTreeFlags::OPEN_TREE_CLONE | OpenTreeFlags::OPEN_TREE_CLOEXEC;
    rustix::mount::open_tree(CWD, path, flags).at(path)
}

enum Kind {
    Folder,
    File,
    There,
}

fn attach(tree: &OwnedFd, path: &str, kind: &Kind) -> Result<(), String> {
    match kind {
        Kind::Folder => make_folder(path)?,
        Kind::File => drop(std::fs::File::create(path).at(path)?),
        Kind::There => {}
    }
    let flags = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH;
    rustix::mount::move_mount(tree, "", CWD, path, flags).at(format_args!("attach {path}"))
}

fn make_folder(path: &str) -> Result<(), String> {
    match std::fs::create_dir(path) {
        Err(_) if Path::new(path).is_dir() => Ok(()),
        made => made.at(path),
    }
}

/// The files that name a guest, which its image cannot know. Written once: then they are its
/// own.
struct FirstBoot {
    missing: Vec<&'static str>,
}

impl FirstBoot {
    fn look(folder: &str) -> Option<Self> {
        let there = |name: &&str| Path::new(folder).join(name).symlink_metadata().is_ok();
        let mut missing = vec!["hostname", "hosts", "resolv.conf"];
        missing.retain(|name| !there(name));
        (!missing.is_empty()).then_some(Self { missing })
    }

    fn write(&self, spec: &Start) -> Result<(), String> {
        make_folder("/etc")?;
        let name = &spec.hostname;
        for file in &self.missing {
            let text = match *file {
                "hostname" => format!("{name}\n"),
                "hosts" => hosts(name, spec.address.as_deref()),
                _ => "nameserver 169.254.169.253\n".to_owned(),
            };
            let path = Path::new("/etc").join(file);
            // Some images have a link to where their own resolver would write.
            let _ = std::fs::remove_file(&path);
            std::fs::write(&path, text).at(path.display())?;
            let readable = std::fs::Permissions::from_mode(0o644);
            std::fs::set_permissions(&path, readable).at(path.display())?;
        }
        Ok(())
    }
}

fn hosts(name: &str, address: Option<&str>) -> String {
    let own = address.unwrap_or("127.0.1.1");
    let short = name.split('.').next().unwrap_or(name);
    let names = if short == name { name.to_owned() } else { format!("{name} {short}") };
    format!("127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n{own} {names}\n")
}
