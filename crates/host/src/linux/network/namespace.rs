//! Network namespaces with names, where `ip netns` keeps them too.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::mount::{MountPropagationFlags, UnmountFlags, mount_bind, mount_change, unmount};
use rustix::thread::{LinkNameSpaceType, UnshareFlags, move_into_link_name_space, unshare_unsafe};

const FOLDER: &str = "/run/netns";
/// Of the file system that namespaces are files of.
const NSFS_MAGIC: u64 = 0x6e73_6673;

pub(super) struct Namespace(File);

impl Namespace {
    /// The calling thread's.
    pub(super) fn here() -> io::Result<Self> {
        Ok(Self(File::open("/proc/thread-self/ns/net")?))
    }

    pub(super) fn of_process(pid: u32) -> io::Result<Self> {
        Ok(Self(File::open(format!("/proc/{pid}/ns/net"))?))
    }

    pub(super) fn named(name: &str) -> io::Result<Option<Self>> {
        match File::open(path(name)) {
            Ok(file) if is_namespace(&file)? => Ok(Some(Self(file))),
            // A name whose namespace is gone, or was never bound to it.
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A new one, named when `prepare` has been through in it.
    pub(super) fn make(
        name: &str,
        prepare: impl FnOnce() -> io::Result<()> + Send,
    ) -> io::Result<Self> {
        share_folder()?;
        let path = path(name);
        drop(File::create(&path)?);
        in_a_new_one(|| {
            prepare()?;
            mount_bind("/proc/thread-self/ns/net", &path)?;
            Self::here()
        })
    }

    /// Runs it on a thread that is inside. What it starts is inside too.
    pub(super) fn run<T: Send>(
        &self,
        inside: impl FnOnce() -> io::Result<T> + Send,
    ) -> io::Result<T> {
        on_thread(|| {
            move_into_link_name_space(self.0.as_fd(), Some(LinkNameSpaceType::Network))?;
            inside()
        })
    }

    pub(super) fn duplicate(&self) -> io::Result<Self> {
        Ok(Self(self.0.try_clone()?))
    }

    pub(super) fn is(&self, other: &Self) -> io::Result<bool> {
        let [one, other] = [self.0.metadata()?, other.0.metadata()?];
        Ok((one.dev(), one.ino()) == (other.dev(), other.ino()))
    }
}

impl AsFd for Namespace {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Runs it in a namespace that ends with it unless it is given a name.
pub(super) fn in_a_new_one<T: Send>(
    inside: impl FnOnce() -> io::Result<T> + Send,
) -> io::Result<T> {
    on_thread(|| {
        // SAFETY: only the network is another's afterwards; the thread's files are shared as
        // they were, which is what could have been unsafe.
        #[allow(unsafe_code)]
        unsafe {
            unshare_unsafe(UnshareFlags::NEWNET)?;
        }
        inside()
    })
}

pub(super) fn names() -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(FOLDER) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

/// The name goes at once; the kernel ends the namespace when nobody is in it, in its own time.
pub(super) fn remove(name: &str) -> io::Result<()> {
    let path = path(name);
    // A crash between two binds of one name would leave several.
    while unmount(&path, UnmountFlags::DETACH).is_ok() {}
    match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a setting of the calling thread's namespace.
pub(super) fn set(setting: &str, value: &str) -> io::Result<()> {
    let path = Path::new("/proc/sys/net").join(setting);
    fs::write(&path, value).map_err(|error| say(&path.display().to_string(), &error))
}

/// As [`set`], where a kernel without IPv6 lacks it.
pub(super) fn set_if_there(setting: &str, value: &str) -> io::Result<()> {
    match Path::new("/proc/sys/net").join(setting).exists() {
        true => set(setting, value),
        false => Ok(()),
    }
}

/// Gives nft a script, in the calling thread's namespace.
pub(super) fn nft(script: &str) -> io::Result<()> {
    if script.is_empty() {
        return Ok(());
    }
    let binary =
        nft_binary().ok_or_else(|| io::Error::other("there is no nft; install nftables"))?;
    let mut child = Command::new(binary)
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let written = stdin.write_all(script.as_bytes());
    drop(stdin);
    let output = child.wait_with_output()?;
    if output.status.success() {
        return written;
    }
    let text = String::from_utf8_lossy(&output.stderr);
    let first: Vec<&str> = text.lines().take(3).collect();
    Err(io::Error::other(format!("nft: {}", first.join(" "))))
}

pub(super) fn nft_binary() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Users who are not root often lack the system's folders in theirs.
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into(), "/sbin".into()]);
    folders.map(|folder| folder.join("nft")).find(|binary| binary.is_file())
}

pub(super) fn say(what: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{what}: {error}"))
}

fn path(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn is_namespace(file: &File) -> io::Result<bool> {
    let kind = rustix::fs::fstatfs(file)?.f_type;
    Ok(u64::try_from(kind).is_ok_and(|kind| kind == NSFS_MAGIC))
}

/// A mount point that is shared, as `ip netns` makes it: else a name that is taken away here
/// would keep its namespace alive in the mount namespaces of others.
fn share_folder() -> io::Result<()> {
    fs::create_dir_all(FOLDER)?;
    let shared = MountPropagationFlags::SHARED | MountPropagationFlags::REC;
    if mount_change(FOLDER, shared).is_err() {
        mount_bind(FOLDER, FOLDER)?;
        mount_change(FOLDER, shared)?;
    }
    Ok(())
}

/// The thread is not used again: what it moved into ends with it.
fn on_thread<T: Send>(work: impl FnOnce() -> io::Result<T> + Send) -> io::Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("netns".into()).spawn_scoped(scope, work)?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
