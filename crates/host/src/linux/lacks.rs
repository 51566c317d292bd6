//! Why no guest can run on this machine, and what to do about it.

use std::os::fd::AsFd;
use std::path::Path;

use rustix::mount::FsOpenFlags;

use super::guest::cgroup::Cgroups;

/// The first kernel that lays an overlay upon idmapped trees inside a user namespace.
const KERNEL_MIN: (u32, u32) = (5, 19);
/// `OVERLAYFS_SUPER_MAGIC`.
const OVERLAY: i64 = 0x794c_7630;

/// One sentence a line; `None` when nothing is missing.
pub(super) fn lacks(data: &Path, region: &str, networks: Option<String>) -> Option<String> {
    if !rustix::process::geteuid().is_root() {
        return Some("guests need root: start haneul as root".into());
    }
    let mut missing: Vec<String> = [kernel(), users(), overlay(), folder(data), cgroups(region)]
        .into_iter()
        .chain([networks, program("mkfs.ext4", "e2fsprogs")])
        .flatten()
        .collect();
    missing.dedup();
    (!missing.is_empty()).then(|| missing.join("\n"))
}

fn kernel() -> Option<String> {
    let release = rustix::system::uname().release().to_string_lossy().into_owned();
    let (major, minor) = KERNEL_MIN;
    (version(&release)? < KERNEL_MIN)
        .then(|| format!("the kernel is {release}: guests need {major}.{minor} or newer"))
}

fn version(release: &str) -> Option<(u32, u32)> {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn users() -> Option<String> {
    let max = std::fs::read_to_string("/proc/sys/user/max_user_namespaces").unwrap_or_default();
    let there = Path::new("/proc/self/ns/user").exists() && max.trim() != "0";
    (!there).then(|| {
        "the kernel gives no user namespaces: set user.max_user_namespaces with sysctl".into()
    })
}

/// Asking for it loads the module where it is one.
fn overlay() -> Option<String> {
    rustix::mount::fsopen("overlay", FsOpenFlags::FSOPEN_CLOEXEC).err().map(|error| {
        format!("the kernel has no overlay file system ({error}): load the module overlay")
    })
}

/// An overlay, as in most containers, has no idmapped mounts.
fn folder(data: &Path) -> Option<String> {
    let folder = std::fs::File::open(data).ok()?;
    let kind = rustix::fs::fstatfs(folder.as_fd()).ok()?.f_type;
    (kind == OVERLAY).then(|| {
        format!("{} lies on an overlay: put the data folder on a disk or volume", data.display())
    })
}

fn cgroups(region: &str) -> Option<String> {
    let groups = Cgroups::find(region).ok()?;
    let missing = groups.lacks();
    (!missing.is_empty()).then(|| {
        format!("the cgroup controllers {} are missing or not mounted", missing.join(", "))
    })
}

fn program(name: &str, package: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    let there = folders.into_iter().any(|folder| folder.join(name).exists());
    (!there).then(|| format!("{name} is missing: install the package {package}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_kernels() {
        assert_eq!(version("6.1.0-28-amd64"), Some((6, 1)));
        assert_eq!(version("5.10"), Some((5, 10)));
        assert_eq!(version("none"), None);
    }

    #[test]
    fn what_is_missing_says_how_to_get_it() {
        assert_eq!(program("sh", "dash"), None);
        assert!(program("no-such", "nothing").unwrap().contains("install the package nothing"));
    }
}
