//! What the kernel offers and no crate of ours wraps. The only `unsafe` of the launcher.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::process::Pid;

/// Whose code goes on after a process was split.
pub enum Side {
    Parent(Pid),
    Child,
}

/// Splits the process. `flags` are namespaces (`CLONE_NEW…`) that the child begins in.
///
/// Only for a process with one thread: the child goes on with the parent's memory, and a lock
/// that another thread held would stay locked in it.
pub fn split(flags: i32) -> io::Result<Side> {
    let flags = u64::from(flags.cast_unsigned());
    let arguments = libc::clone_args {
        flags,
        exit_signal: u64::from(libc::SIGCHLD.cast_unsigned()),
        pidfd: 0,
        child_tid: 0,
        parent_tid: 0,
        stack: 0,
        stack_size: 0,
        tls: 0,
        set_tid: 0,
        set_tid_size: 0,
        cgroup: 0,
    };
    // SAFETY: no memory is shared and no stack is given, so this is fork(2) into namespaces;
    // callers have one thread.
    let answer = unsafe {
        libc::syscall(libc::SYS_clone3, &raw const arguments, size_of::<libc::clone_args>())
    };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let pid = i32::try_from(answer).map_err(io::Error::other)?;
    Ok(Pid::from_raw(pid).map_or(Side::Child, Side::Parent))
}

/// Closes every descriptor after the standard streams but this one, which gets another number.
/// For a process that was split off and uses nothing else of what it was born with.
pub fn keep_only(fd: &impl AsFd) -> io::Result<OwnedFd> {
    const KEPT: i32 = 3;
    // SAFETY: what these numbers belonged to is not used again in this process, not even
    // dropped: it ends with `exit`.
    unsafe {
        if fd.as_fd().as_raw_fd() != KEPT
            && libc::dup3(fd.as_fd().as_raw_fd(), KEPT, libc::O_CLOEXEC) < 0
        {
            return Err(io::Error::last_os_error());
        }
        checked(libc::syscall(libc::SYS_close_range, KEPT + 1, libc::c_uint::MAX, 0))?;
        Ok(OwnedFd::from_raw_fd(KEPT))
    }
}

/// Ends the process without running what the parent's memory registered for its exit.
pub fn exit(code: i32) -> ! {
    // SAFETY: never returns and touches no memory.
    unsafe { libc::_exit(code) }
}

/// Leaves namespaces of its own thread. For processes with one thread.
pub fn unshare(flags: rustix::thread::UnshareFlags) -> io::Result<()> {
    // SAFETY: no caller asks for `FILES`, and there is one thread.
    unsafe { rustix::thread::unshare_unsafe(flags) }.map_err(io::Error::from)
}

/// Lets the ids on disk of a detached mount appear as the user namespace maps them.
pub fn map_ids(mount: BorrowedFd<'_>, namespace: BorrowedFd<'_>) -> io::Result<()> {
    let namespace = u64::from(namespace.as_raw_fd().cast_unsigned());
    set_attributes(mount, libc::MOUNT_ATTR_IDMAP, namespace)
}

pub fn make_read_only(mount: BorrowedFd<'_>) -> io::Result<()> {
    set_attributes(mount, libc::MOUNT_ATTR_RDONLY, 0)
}

fn set_attributes(mount: BorrowedFd<'_>, set: u64, namespace: u64) -> io::Result<()> {
    let attributes =
        libc::mount_attr { attr_set: set, attr_clr: 0, propagation: 0, userns_fd: namespace };
    // SAFETY: the path is an empty C string and the structure outlives the call.
    let answer = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            mount.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_RECURSIVE,
            &raw const attributes,
            size_of::<libc::mount_attr>(),
        )
    };
    checked(answer)
}

/// Filters the system calls of this process and of all it starts. Without `no_new_privs`, so
/// that `sudo` works: the caller has CAP_SYS_ADMIN in its user namespace. A listener is
/// answered when `flags` ask for one.
pub fn filter_calls(program: &[libc::sock_filter], flags: u64) -> io::Result<Option<OwnedFd>> {
    let length = u16::try_from(program.len()).map_err(io::Error::other)?;
    let program = libc::sock_fprog { len: length, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel only reads the program, which outlives the call.
    let answer = unsafe {
        libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, flags, &raw const program)
    };
    if answer < 0 {
        return Err(io::Error::last_os_error());
    }
    let listens = flags & libc::SECCOMP_FILTER_FLAG_NEW_LISTENER != 0;
    let listener = i32::try_from(answer).map_err(io::Error::other)?;
    // SAFETY: the kernel made this descriptor for us just now.
    Ok(listens.then(|| unsafe { OwnedFd::from_raw_fd(listener) }))
}

/// Sets an interface up, in the network namespace of this process.
pub fn bring_up(interface: &str) -> io::Result<()> {
    let socket = rustix::net::socket(
        rustix::net::AddressFamily::INET,
        rustix::net::SocketType::DGRAM,
        None,
    )?;
    // SAFETY: all bytes zero is a valid value of this plain structure.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(interface.bytes().take(libc::IFNAMSIZ - 1)) {
        *to = from.cast_signed();
    }
    request.ifr_ifru.ifru_flags =
        i16::try_from(libc::IFF_UP | libc::IFF_RUNNING).map_err(io::Error::other)?;
    // SAFETY: SIOCSIFFLAGS reads an ifreq, which outlives the call.
    let answer = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    checked(answer.into())
}

/// A descriptor that becomes readable when a child has ended.
pub fn watch_children() -> io::Result<OwnedFd> {
    let set = children_signal();
    // SAFETY: the set is initialised; the new descriptor is ours.
    unsafe {
        if libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) < 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Undoes what this process does differently from a fresh one: a blocked SIGCHLD, and the
/// SIGPIPE that Rust's runtime ignores.
pub fn reset_signals() {
    let set = children_signal();
    // SAFETY: the set is initialised, and these change only this process's signals.
    unsafe {
        libc::sigprocmask(libc::SIG_UNBLOCK, &raw const set, std::ptr::null_mut());
        libc::signal(libc::SIGPIPE, libc::SIG_DFL);
    }
}

fn children_signal() -> libc::sigset_t {
    // SAFETY: sigemptyset initialises the whole set.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGCHLD);
        set
    }
}

/// Orphans of this process's descendants become its children.
pub fn adopt_orphans() -> io::Result<()> {
    // SAFETY: takes plain numbers.
    checked(unsafe { libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }.into())
}

/// Makes files as this user and group from now on, with the capabilities for all but files.
pub fn write_as(id: u32) {
    // SAFETY: takes plain numbers; the calls answer the former ids and cannot fail for root.
    unsafe {
        libc::setfsgid(id);
        libc::setfsuid(id);
    }
}

/// Makes `fd` the descriptor `number`, kept over exec.
pub fn place(fd: &impl AsFd, number: i32) -> io::Result<()> {
    // SAFETY: callers replace their standard streams, which nothing of Rust owns.
    checked(unsafe { libc::dup2(fd.as_fd().as_raw_fd(), number) }.into())
}

/// Becomes another program. Answers only when that failed.
pub fn execute(command: &[std::ffi::CString], environment: &[std::ffi::CString]) -> io::Error {
    let pointers = |strings: &[std::ffi::CString]| -> Vec<*const libc::c_char> {
        strings.iter().map(|s| s.as_ptr()).chain([std::ptr::null()]).collect()
    };
    let Some(program) = command.first() else {
        return io::Error::other("there is no command");
    };
    // SAFETY: both arrays end with a null pointer, and their strings outlive the call.
    unsafe {
        let (arguments, environment) = (pointers(command), pointers(environment));
        libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr());
    }
    io::Error::last_os_error()
}

fn checked(answer: libc::c_long) -> io::Result<()> {
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// A process that the runtime waits for. Within a runtime.
pub fn watch(process: OwnedFd) -> io::Result<tokio::io::unix::AsyncFd<OwnedFd>> {
    // SAFETY: an `OwnedFd` names the same open descriptor until it is dropped.
    unsafe { tokio::io::unix::AsyncFd::register(process) }.map_err(io::Error::from)
}
