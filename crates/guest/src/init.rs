//! The first process of a guest: starts what the boot needs, reaps what is orphaned, and ends
//! the guest in order when it is asked to.
//!
//! It does one thing at a time and holds next to nothing in memory: a machine full of idle
//! guests pays for each of them. Whatever is larger is another process, started when needed.

mod door;
mod own;
pub mod power;

use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, WaitOptions, getppid, kill_process, wait};
use signal_hook::consts::{SIGCHLD, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::low_level::pipe;

use self::door::Door;

pub(crate) use own::own_command;

/// The guest ended as it was asked to, from inside or from outside.
pub const POWERED_OFF: u8 = 0;
/// The guest wants to be started again.
pub const REBOOT: u8 = 100;

/// Linux's, sent when the power fails; not among those that signal-hook names.
const SIGPWR: i32 = 30;
/// What processes have between the request to end and the end.
const TERM_GRACE: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    PowerOff,
    Reboot,
}

/// The signals that mean something to the first process, each as a byte on a pipe.
struct Signals {
    children: UnixStream,
    power_off: UnixStream,
    reboot: UnixStream,
    open_door: UnixStream,
}

pub fn run() -> ExitCode {
    match live() {
        Ok(End::PowerOff) => ExitCode::from(POWERED_OFF),
        Ok(End::Reboot) => ExitCode::from(REBOOT),
        Err(error) => {
            eprintln!("haneul: the first process of the guest cannot go on: {error}");
            ExitCode::FAILURE
        }
    }
}

fn live() -> io::Result<End> {
    let mut signals = Signals::catch()?;
    power::install_commands();
    let mut boot = match own_command(crate::BOOT).spawn() {
        Ok(child) => Some(Pid::from_child(&child)),
        Err(error) => {
            eprintln!("haneul: the boot could not be started: {error}");
            None
        }
    };
    let mut door: Option<Door> = None;
    let end = loop {
        // A boot that failed must not lock out whoever could mend it.
        if door.is_none() && (drain(&mut signals.open_door) || boot.is_none()) {
            door = Some(Door::open());
        }
        let listener = door.as_ref().and_then(Door::listener);
        if let Some(end) = signals.wait(None, listener)? {
            break end;
        }
        reap(|pid, code| {
            boot.take_if(|boot| *boot == pid);
            if let Some(door) = &mut door {
                door.left(pid, code);
            }
        });
        if let Some(door) = &mut door {
            door.welcome();
        }
    };
    println!("haneul: the system is going down");
    end_all(&mut signals)?;
    Ok(end)
}

/// Asks the first process, from the boot that it started, to let users in: their keys are in
/// place.
pub(crate) fn open_door() {
    if let Some(first) = getppid() {
        // Without it, the door opens when the boot is over.
        let _ = kill_process(first, Signal::USR1);
    }
}

impl Signals {
    fn catch() -> io::Result<Self> {
        let listen = |numbers: &[i32]| {
            let (read, write) = UnixStream::pair()?;
            read.set_nonblocking(true)?;
            for number in numbers {
                pipe::register(*number, write.try_clone()?)?;
            }
            Ok::<_, io::Error>(read)
        };
        Ok(Self {
            children: listen(&[SIGCHLD])?,
            power_off: listen(&[SIGTERM, SIGPWR])?,
            // A terminal's Ctrl-Alt-Del reaches the first process as SIGINT.
            reboot: listen(&[SIGINT, SIGUSR2])?,
            open_door: listen(&[SIGUSR1])?,
        })
    }

    /// Waits for something to do, or for a request to end; `None` for the first and when the
    /// time is over.
    fn wait(
        &mut self,
        limit: Option<Duration>,
        listener: Option<BorrowedFd<'_>>,
    ) -> io::Result<Option<End>> {
        let limit = limit.map(|limit| Timespec {
            tv_sec: limit.as_secs().try_into().unwrap_or(i64::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        });
        let children = self.children.as_fd();
        let all = [
            children,
            self.power_off.as_fd(),
            self.reboot.as_fd(),
            self.open_door.as_fd(),
            listener.unwrap_or(children),
        ];
        let mut ready = all.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN));
        match poll(&mut ready, limit.as_ref()) {
            Ok(_) => {}
            Err(rustix::io::Errno::INTR) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        drain(&mut self.children);
        if drain(&mut self.power_off) {
            return Ok(Some(End::PowerOff));
        }
        Ok(drain(&mut self.reboot).then_some(End::Reboot))
    }
}

/// Whether anything was there.
fn drain(stream: &mut UnixStream) -> bool {
    let mut bytes = [0; 64];
    let mut any = false;
    while matches!(stream.read(&mut bytes), Ok(1..)) {
        any = true;
    }
    any
}

/// Takes leave of every child that has ended, adopted ones too: with its exit code, if it had
/// one. Whether some are left.
fn reap(mut left: impl FnMut(Pid, Option<i32>)) -> bool {
    loop {
        match wait(WaitOptions::NOHANG) {
            Ok(Some((pid, status))) => left(pid, status.exit_status()),
            Ok(None) => return true,
            Err(_) => return false,
        }
    }
}

/// Asks everything to end, and ends what does not.
fn end_all(signals: &mut Signals) -> io::Result<()> {
    signal_all(Signal::TERM);
    // A stopped process hears of it only when it goes on.
    signal_all(Signal::CONT);
    let deadline = Instant::now() + TERM_GRACE;
    while reap(|_, _| {}) {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            signal_all(Signal::KILL);
            break;
        }
        signals.wait(Some(left), None)?;
    }
    rustix::fs::sync();
    Ok(())
}

fn signal_all(signal: Signal) {
    let Ok(processes) = std::fs::read_dir("/proc") else { return };
    let names = processes.flatten().filter_map(|entry| entry.file_name().into_string().ok());
    let pids = names.filter_map(|name| Pid::from_raw(name.parse().ok()?));
    for pid in pids.filter(|pid| *pid != Pid::INIT) {
        // It may have ended meanwhile.
        let _ = kill_process(pid, signal);
    }
}
