//! A Debian release by debootstrap, from the mirror that the machine itself uses.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::packages::{mirror, without_passwords};
use super::progress::Progress;
use super::tree::Tree;
use crate::linux::durable::failed;
use crate::{Error, Result};

/// Of what debootstrap said, when it fails.
const LINES_SHOWN: usize = 5;

pub(crate) fn check(release: &str) -> Result<()> {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit();
    if release.is_empty() || release.len() > 32 || !release.bytes().all(plain) {
        return Err(Error::Refused(format!("{release:?} is no Debian release")));
    }
    program().map(|_| ())
}

pub(crate) fn build(release: &str, to: &Path, progress: &Progress) -> Result<()> {
    check(release)?;
    let mirror = mirror(&sources())
        .ok_or_else(|| Error::Refused("/etc/apt names no mirror of Debian".into()))?;
    let mut child = start(release, to, &mirror)?;
    let said = follow(&mut child, progress);
    let status = child.wait().map_err(failed("wait for debootstrap"))?;
    progress.check().map_err(failed("build the image"))?;
    if !status.success() {
        let last = said[said.len().saturating_sub(LINES_SHOWN)..].join("; ");
        return Err(Error::Unavailable(format!("debootstrap ended with {status}: {last}")));
    }
    forget_machine(to).map_err(failed("clear the image"))
}

/// In namespaces of its own, which end with it: what it mounts cannot stay behind, also when
/// this process is killed.
fn start(release: &str, to: &Path, mirror: &str) -> Result<Child> {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", "unshare", "--mount", "--pid", "--fork"]);
    command.args(["--kill-child", "--mount-proc", "--"]);
    // Ours lets nobody read.
    command.args(["sh", "-c", "umask 022; exec \"$0\" \"$@\""]).arg(program()?);
    command.args(["--variant=minbase", release]).arg(to).arg(mirror);
    command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).stdout(Stdio::piped());
    // debootstrap fetches by wget, which does not read apt's settings.
    if let Some(proxy) = proxy() {
        command.env("http_proxy", proxy);
    }
    command.stderr(Stdio::null()).spawn().map_err(failed("start debootstrap"))
}

/// Its lines, while they tell how far it is.
fn follow(child: &mut Child, progress: &Progress) -> Vec<String> {
    let Some(out) = child.stdout.take() else { return Vec::new() };
    let mut said: Vec<String> = Vec::new();
    for line in BufReader::new(out).lines().map_while(std::result::Result::ok) {
        if progress.check().is_err() {
            let _ = child.kill();
        }
        // A minimal Debian is about 90 packages, each retrieved, extracted, unpacked and
        // configured.
        let lines = u64::try_from(said.len()).unwrap_or(u64::MAX);
        progress.set((lines / 6).min(95));
        said.push(line);
    }
    said
}

/// debootstrap puts the machine's own there, so that the network works in it.
fn forget_machine(to: &Path) -> std::io::Result<()> {
    let tree = Tree::at(to);
    for path in ["etc/machine-id", "etc/resolv.conf"] {
        tree.file(path, 0o644, b"")?;
    }
    tree.clear("etc/hostname")?;
    if let Ok(sources) = fs::read_to_string(tree.path("etc/apt/sources.list")) {
        let sources = without_passwords(&sources);
        tree.file("etc/apt/sources.list", 0o644, sources.as_bytes())?;
    }
    for folder in ["var/cache/apt/archives", "var/log"] {
        for entry in fs::read_dir(to.join(folder))? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
    }
    Ok(())
}

fn program() -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let mut programs = folders.map(|folder| folder.join("debootstrap"));
    programs.find(|program| program.is_file()).ok_or_else(|| {
        Error::Refused("debootstrap is missing: install the package debootstrap".into())
    })
}

fn sources() -> String {
    let apt = Path::new("/etc/apt");
    let more = fs::read_dir(apt.join("sources.list.d")).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = more.map(|entry| entry.path()).collect();
    files.sort();
    files.insert(0, apt.join("sources.list"));
    let texts: Vec<String> =
        files.iter().filter_map(|file| fs::read_to_string(file).ok()).collect();
    texts.join("\n\n")
}

fn proxy() -> Option<String> {
    let arguments = ["dump", "--format", "%v", "Acquire::http::Proxy"];
    let told = Command::new("apt-config").args(arguments).output().ok()?;
    String::from_utf8(told.stdout)
        .ok()
        .map(|proxy| proxy.trim().to_owned())
        .filter(|it| !it.is_empty())
}
