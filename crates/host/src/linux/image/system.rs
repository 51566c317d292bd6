//! This machine as an image: its `/usr`, and a skeleton made anew around it.
//!
//! What is in the skeleton says nothing of the machine: of `/etc`, the files that are as their
//! packages brought them, a few that packages make from such files, and those written here.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use super::accounts::Accounts;
use super::farm::{Farm, copy, make_like};
use super::packages::{self, Conffile};
use super::progress::Progress;
use super::tree::{Tree, is_below_link};
use crate::linux::durable::failed;
use crate::{Error, Result};

/// Linking takes nearly all the time.
const FARM_PERCENT: u64 = 90;

/// Kernels and their sources are of no use in a guest; the third is the machine's own
/// configuration.
const LEFT_OUT: [&str; 4] = ["lib/modules", "lib/firmware", "local/etc", "src"];

/// Made by packages from what other packages bring: links to programs, lists of libraries and
/// of certificates.
const MADE_BY_PACKAGES: [&str; 11] = [
    "alternatives",
    "ca-certificates.conf",
    "fonts/conf.d",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "shells",
    "ssl/certs",
    "apt/keyrings",
    "apt/trusted.gpg",
    "apt/trusted.gpg.d",
];

/// Packages' own memory, without which their scripts fail.
const MEMORY: [&str; 5] = ["pam", "emacsen-common", "sgml-base", "xml-core", "shells.state"];

const DPKG: [&str; 6] =
    ["status", "diversions", "statoverride", "arch", "alternatives", "triggers"];

/// Copies that packages keep of files which their scripts put in place.
const FROM_SHARE: [(&str, &str); 7] = [
    ("base-files/profile", "etc/profile"),
    ("base-files/motd", "etc/motd"),
    ("base-files/dot.bashrc", "root/.bashrc"),
    ("base-files/dot.profile", "root/.profile"),
    ("adduser/adduser.conf", "etc/adduser.conf"),
    ("openssh/sshd_config", "etc/ssh/sshd_config"),
    ("ca-certificates/ca-certificates.conf", "etc/ca-certificates.conf"),
];

const FOLDERS: [(&str, u32); 20] = [
    ("boot", 0o755),
    ("dev", 0o755),
    ("etc", 0o755),
    ("home", 0o755),
    ("media", 0o755),
    ("mnt", 0o755),
    ("opt", 0o755),
    ("proc", 0o555),
    ("root", 0o700),
    ("run", 0o755),
    ("srv", 0o755),
    ("sys", 0o555),
    ("tmp", 0o1777),
    ("var", 0o755),
    ("var/cache/apt/archives/partial", 0o700),
    ("var/lib/apt/lists/partial", 0o700),
    ("var/lib/misc", 0o755),
    ("var/log", 0o755),
    ("var/spool", 0o755),
    ("var/tmp", 0o1777),
];

const FILES: [(&str, &str); 16] = [
    ("etc/environment", ""),
    ("etc/fstab", ""),
    ("etc/machine-id", ""),
    ("etc/resolv.conf", ""),
    ("etc/subuid", ""),
    ("etc/subgid", ""),
    ("etc/timezone", "Etc/UTC\n"),
    ("etc/default/locale", "LANG=C.UTF-8\n"),
    ("etc/hosts", "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"),
    (
        "etc/nsswitch.conf",
        "passwd: files\ngroup: files\nshadow: files\ngshadow: files\nhosts: files dns\n\
         networks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n",
    ),
    // Packages start their services when they are installed; those of the machine were not
    // installed by the guest's user.
    ("etc/systemd/system-preset/00-guest.preset", "disable *\n"),
    (
        "etc/pam.d/common-auth",
        "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\n\
         auth required pam_permit.so\n",
    ),
    (
        "etc/pam.d/common-account",
        "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\n\
         account requisite pam_deny.so\naccount required pam_permit.so\n",
    ),
    (
        "etc/pam.d/common-password",
        "password [success=1 default=ignore] pam_unix.so obscure yescrypt\n\
         password requisite pam_deny.so\npassword required pam_permit.so\n",
    ),
    (
        "etc/pam.d/common-session",
        "session required pam_unix.so\n-session optional pam_systemd.so\n",
    ),
    ("etc/pam.d/common-session-noninteractive", "session required pam_unix.so\n"),
];

const LINKS: [(&str, &str); 5] = [
    ("etc/localtime", "/usr/share/zoneinfo/Etc/UTC"),
    ("etc/mtab", "../proc/self/mounts"),
    ("etc/os-release", "../usr/lib/os-release"),
    ("var/lock", "/run/lock"),
    ("var/run", "/run"),
];

/// Whether this machine can be an image.
pub(crate) fn check(machine: &Path) -> Result<()> {
    if !machine.join("var/lib/dpkg/status").exists() {
        return Err(Error::Refused(
            "this machine is no Debian or Ubuntu, so its /usr makes no image: use a container \
             image instead"
                .into(),
        ));
    }
    if !fs::symlink_metadata(machine.join("bin")).is_ok_and(|told| told.is_symlink()) {
        return Err(Error::Refused(
            "/bin of this machine is a folder of its own: install the package usrmerge".into(),
        ));
    }
    Ok(())
}

/// Builds the tree of the machine whose root is `machine` in the folder `to`, which is made.
pub(crate) fn build(machine: &Path, to: &Path, progress: &Progress) -> Result<()> {
    check(machine)?;
    let usr = machine.join("usr");
    let takes = |path: &Path, told: &Metadata| is_shown(&usr, path, told);
    let tree = Tree::new(to).map_err(failed("make the image's folder"))?;
    let farm = Farm::new(progress, &takes, FARM_PERCENT);
    farm.plant(&usr, &to.join("usr")).map_err(failed("link /usr"))?;
    skeleton(machine, &tree).map_err(failed("make the image's skeleton"))?;
    progress.set(95);
    Ok(())
}

/// Of `/usr`, what every user of the machine may read. Programs that packages let a group alone
/// run are no secret; what an administrator hides in `/usr/local` may be one.
fn is_shown(usr: &Path, path: &Path, told: &Metadata) -> bool {
    let below = path.strip_prefix(usr).unwrap_or(path);
    if LEFT_OUT.iter().any(|left_out| below == Path::new(left_out)) {
        return false;
    }
    !below.starts_with("local") || told.is_symlink() || told.mode() & 0o004 != 0
}

fn skeleton(machine: &Path, tree: &Tree) -> io::Result<()> {
    for (path, mode) in FOLDERS {
        tree.folder(path, mode)?;
    }
    for entry in fs::read_dir(machine)? {
        let entry = entry?;
        let (name, told) = (entry.file_name(), entry.metadata()?);
        let target = if told.is_symlink() { fs::read_link(entry.path())? } else { continue };
        if let (Some(name), true) = (name.to_str(), target.starts_with("usr")) {
            tree.link(name, &target)?;
        }
    }
    packages_files(machine, tree)?;
    for path in MADE_BY_PACKAGES {
        mirror(&machine.join("etc").join(path), tree, &format!("etc/{path}"))?;
    }
    for path in MEMORY {
        mirror(&machine.join("var/lib").join(path), tree, &format!("var/lib/{path}"))?;
    }
    for (path, text) in FILES {
        tree.file(path, 0o644, text.as_bytes())?;
    }
    for (path, target) in LINKS {
        tree.link(path, Path::new(target))?;
    }
    for (share, path) in FROM_SHARE {
        let kept = fs::read(machine.join("usr/share").join(share));
        if let (Ok(bytes), false) = (kept, tree.has(path)) {
            tree.file(path, 0o644, &bytes)?;
        }
    }
    accounts(machine, tree)?;
    sources(machine, tree)
}

/// Folders and links that packages have below `/etc` and `/var`, their configuration as they
/// brought it, and dpkg's memory of them.
fn packages_files(machine: &Path, tree: &Tree) -> io::Result<()> {
    let dpkg = machine.join("var/lib/dpkg");
    let status = fs::read(dpkg.join("status"))?;
    for path in packages::paths(&dpkg)? {
        let below = path.trim_start_matches('/');
        let Ok(told) = fs::symlink_metadata(machine.join(below)) else { continue };
        if is_below_link(machine, below) {
            continue;
        }
        // Links of these folders say which services the machine starts.
        let is_service = below.starts_with("etc/systemd/system/") || below.starts_with("etc/rc");
        if told.is_dir() && told.uid() < 1000 && !tree.has(below) {
            tree.parents(below)?;
            make_like(&tree.path(below), &told)?;
        } else if told.is_symlink() && !is_service {
            tree.link(below, &fs::read_link(machine.join(below))?)?;
        }
    }
    for conffile in Conffile::all(&String::from_utf8_lossy(&status)) {
        let below = conffile.path.trim_start_matches('/');
        let from = machine.join(below);
        let Ok(told) = fs::symlink_metadata(&from) else { continue };
        let is_plain = told.is_file() && !is_below_link(machine, below);
        if is_plain && fs::read(&from).is_ok_and(|bytes| conffile.is_unchanged(&bytes)) {
            tree.parents(below)?;
            copy(&from, &tree.path(below), &told)?;
        }
    }
    for path in DPKG {
        mirror(&dpkg.join(path), tree, &format!("var/lib/dpkg/{path}"))?;
    }
    for folder in ["info", "updates", "parts"] {
        tree.folder(&format!("var/lib/dpkg/{folder}"), 0o755)?;
    }
    for entry in fs::read_dir(dpkg.join("info"))? {
        let entry = entry?;
        let to = tree.path("var/lib/dpkg/info").join(entry.file_name());
        if fs::hard_link(entry.path(), &to).is_err() {
            copy(&entry.path(), &to, &entry.metadata()?)?;
        }
    }
    Ok(())
}

/// Copies a file, a link or a folder, without what others may not read. Does nothing when there
/// is none.
fn mirror(from: &Path, tree: &Tree, path: &str) -> io::Result<()> {
    let Ok(told) = fs::symlink_metadata(from) else { return Ok(()) };
    if !told.is_symlink() && told.mode() & 0o004 == 0 {
        return Ok(());
    }
    if !told.is_dir() {
        tree.parents(path)?;
        tree.clear(path)?;
        return if told.is_file() || told.is_symlink() {
            copy(from, &tree.path(path), &told)
        } else {
            Ok(())
        };
    }
    tree.folder(path, 0o755)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        if let Some(name) = entry.file_name().to_str() {
            mirror(&entry.path(), tree, &format!("{path}/{name}"))?;
        }
    }
    Ok(())
}

fn accounts(machine: &Path, tree: &Tree) -> io::Result<()> {
    let read = |name: &str| fs::read_to_string(machine.join("etc").join(name));
    let accounts = Accounts::new(&read("passwd")?, &read("group")?);
    tree.file("etc/passwd", 0o644, accounts.passwd.as_bytes())?;
    tree.file("etc/group", 0o644, accounts.group.as_bytes())?;
    for (path, text) in [("etc/shadow", &accounts.shadow), ("etc/gshadow", &accounts.gshadow)] {
        tree.file(path, 0o640, text.as_bytes())?;
        std::os::unix::fs::chown(tree.path(path), None, Some(accounts.gid("shadow")))?;
    }
    Ok(())
}

/// Where packages come from; not what the machine shows there to be let in.
fn sources(machine: &Path, tree: &Tree) -> io::Result<()> {
    let apt = machine.join("etc/apt");
    let mut files: BTreeSet<String> = ["sources.list".to_owned()].into();
    for entry in fs::read_dir(apt.join("sources.list.d")).into_iter().flatten() {
        let name = entry?.file_name();
        let name =
            name.to_str().filter(|name| name.ends_with(".list") || name.ends_with(".sources"));
        files.extend(name.map(|name| format!("sources.list.d/{name}")));
    }
    tree.folder("etc/apt/sources.list.d", 0o755)?;
    for file in files {
        if let Ok(text) = fs::read_to_string(apt.join(&file)) {
            let text = packages::without_passwords(&text);
            tree.file(&format!("etc/apt/{file}"), 0o644, text.as_bytes())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
