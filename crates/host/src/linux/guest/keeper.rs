//! The parent of all first processes: one small process a region, with one thread.
//!
//! haneul has many threads, so it must not fork; and it may be killed, but somebody must be
//! there to learn how a guest ended. The keeper splits itself for every job, adopts what the
//! jobs leave behind, and remembers ends until haneul asks. It stays while haneul is connected
//! or a guest lives. Should it be killed, guests live on and only their exit codes are lost.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags};
use rustix::process::WaitOptions;

use super::spec::{Ended, Job};
use super::{device, start, sys};

pub const ARGUMENT: &str = "__guest-keeper";

/// Ends that nobody has asked for.
const ENDS_MAX: usize = 10_000;
/// haneul writes its job at once.
const JOB_TIMEOUT: Duration = Duration::from_secs(10);
/// What has ended is noticed by the keeper in milliseconds.
const ENDED_TIMEOUT: Duration = Duration::from_secs(2);
/// The kernel ends what was killed in milliseconds.
const END_TIMEOUT: Duration = Duration::from_secs(10);

/// haneul's side.
#[derive(Debug)]
pub struct Keeper {
    socket: PathBuf,
    region: String,
    stays: Mutex<Option<UnixStream>>,
}

impl Keeper {
    /// The keeper of this folder that runs this very binary; another binary has another.
    pub fn of(folder: &Path, region: &str) -> io::Result<Self> {
        let own = std::fs::metadata("/proc/self/exe")?;
        let name = format!("keeper-{:x}-{:x}-{:x}", own.ino(), own.mtime(), own.size());
        Ok(Self { socket: folder.join(name), region: region.into(), stays: Mutex::new(None) })
    }

    pub fn job(&self, job: &Job) -> io::Result<BufReader<UnixStream>> {
        let stream = match self.connect() {
            Ok(stream) => stream,
            Err(_) => self.begin()?,
        };
        send(&stream, job)
    }

    /// Asks without starting a keeper: a new one would know nothing.
    pub fn ended(&self, pid: i32) -> Ended {
        let ask = || -> io::Result<Ended> {
            let mut answer = send(&self.connect()?, &Job::Ended { pid })?;
            answer.get_ref().set_read_timeout(Some(ENDED_TIMEOUT))?;
            read(&mut answer)
        };
        ask().unwrap_or(Ended::Unknown)
    }

    /// Holds a keeper that is there.
    pub fn hold(&self) {
        if let Ok(stream) = self.connect()
            && send(&stream, &Job::Stay).is_ok()
        {
            *self.stays.lock().expect("no holder panics") = Some(stream);
        }
    }

    /// What ended while nobody was there to ask, and was not asked for since, is of no use.
    pub fn forget(&self, except: Vec<i32>) {
        if let Ok(stream) = self.connect() {
            // A keeper that is gone remembers nothing.
            let _ = send(&stream, &Job::Forget { except });
        }
    }

    fn connect(&self) -> io::Result<UnixStream> {
        let (_folder, path) = short(&self.socket)?;
        UnixStream::connect(path)
    }

    fn begin(&self) -> io::Result<UnixStream> {
        let mut stays = self.stays.lock().expect("no holder panics");
        if let Ok(stream) = self.connect() {
            return Ok(stream);
        }
        let removed = std::fs::remove_file(&self.socket);
        if let Err(error) = removed
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let (_folder, path) = short(&self.socket)?;
        let listener = UnixListener::bind(path)?;
        let status = Command::new("/proc/self/exe")
            .args([ARGUMENT, &self.region])
            .current_dir("/")
            .env_clear()
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            return Err(io::Error::other(format!("the keeper of guests: {status}")));
        }
        let stay = self.connect()?;
        send(&stay, &Job::Stay)?;
        *stays = Some(stay);
        self.connect()
    }
}

/// Ends the region's keepers, of whatever binary, and the starters, which are split off from
/// them and so have their command line. Returns when there is none.
pub fn end_all(region: &str) -> io::Result<()> {
    let end = Instant::now() + END_TIMEOUT;
    loop {
        let found = all_of(region)?;
        if found.is_empty() {
            return Ok(());
        }
        for process in &found {
            // It may have ended meanwhile.
            let _ = rustix::process::pidfd_send_signal(process, rustix::process::Signal::KILL);
        }
        let left =
            |process: &OwnedFd| !wait(process, end.saturating_duration_since(Instant::now()));
        if found.iter().any(left) {
            return Err(io::Error::other("a process that keeps guests does not end"));
        }
    }
}

fn all_of(region: &str) -> io::Result<Vec<OwnedFd>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
        if is_of(pid, region)
            && let Some(process) = start_time(pid).and_then(|started| process(pid, started))
            // Again, now that the number cannot become another process's.
            && is_of(pid, region)
        {
            found.push(process);
        }
    }
    Ok(found)
}

/// Anybody can have such a command line, a guest too; only this machine's root is believed.
fn is_of(pid: i32, region: &str) -> bool {
    let folder = PathBuf::from(format!("/proc/{pid}"));
    let said = std::fs::read(folder.join("cmdline")).unwrap_or_default();
    let mut words = said.split(|byte| *byte == 0).skip(1);
    words.next() == Some(ARGUMENT.as_bytes())
        && words.next() == Some(region.as_bytes())
        && std::fs::metadata(folder).is_ok_and(|own| own.uid() == 0)
}

/// A name of the socket that fits the kernel's 108 bytes, valid while the descriptor is held.
fn short(socket: &Path) -> io::Result<(OwnedFd, PathBuf)> {
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::Error::other("the keeper's socket has no folder"));
    };
    let folder = OwnedFd::from(std::fs::File::open(folder)?);
    let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
    Ok((folder, path))
}

fn send(stream: &UnixStream, job: &Job) -> io::Result<BufReader<UnixStream>> {
    say(stream, job)?;
    Ok(BufReader::new(stream.try_clone()?))
}

/// The next line that the other side says.
pub fn read<T: serde::de::DeserializeOwned>(from: &mut BufReader<UnixStream>) -> io::Result<T> {
    let mut line = String::new();
    if from.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(serde_json::from_str(&line)?)
}

pub fn say<T: serde::Serialize>(mut to: &UnixStream, what: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    to.write_all(&line)
}

/// The keeper's side: what [`Keeper::begin`] runs, with the listener as standard input.
pub fn run() -> ! {
    match sys::split(0) {
        Ok(sys::Side::Child) => {}
        Ok(sys::Side::Parent(_)) => sys::exit(0),
        Err(_) => sys::exit(1),
    }
    sys::exit(i32::from(Watch::begin().and_then(Watch::run).is_err()))
}

struct Watch {
    listener: UnixListener,
    signals: OwnedFd,
    stays: Vec<UnixStream>,
    jobs: BTreeSet<i32>,
    ends: BTreeMap<i32, Ended>,
    asked: Vec<(i32, UnixStream)>,
}

impl Watch {
    #[allow(unsafe_code)]
    fn begin() -> io::Result<Self> {
        let _ = rustix::process::setsid();
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        sys::adopt_orphans()?;
        // SAFETY: the standard input is the listener, by `Keeper::begin`, and nothing else uses it.
        let listener = unsafe { OwnedFd::from_raw_fd(0) };
        // Not 0: what is started from here gets another standard input.
        let moved = rustix::io::fcntl_dupfd_cloexec(&listener, 3)?;
        drop(listener);
        sys::place(&std::fs::File::open("/dev/null")?, 0)?;
        let listener = UnixListener::from(moved);
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            signals: sys::watch_children()?,
            stays: Vec::new(),
            jobs: BTreeSet::new(),
            ends: BTreeMap::new(),
            asked: Vec::new(),
        })
    }

    fn run(mut self) -> io::Result<()> {
        let mut begun = false;
        loop {
            let children = self.reap()?;
            self.answer();
            begun |= !self.stays.is_empty() || children;
            if begun && !children && self.stays.is_empty() && self.ends.is_empty() {
                return Ok(());
            }
            self.wait()?;
            self.drop_closed();
            while let Ok((stream, _)) = self.listener.accept() {
                // A client that says nothing sensible is only dropped.
                let _ = self.serve(stream);
            }
        }
    }

    fn wait(&self) -> io::Result<()> {
        let mut watched = vec![
            PollFd::new(&self.listener, PollFlags::IN),
            PollFd::new(&self.signals, PollFlags::IN),
        ];
        watched.extend(self.stays.iter().map(|stay| PollFd::new(stay, PollFlags::IN)));
        match rustix::event::poll(&mut watched, None) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut signal = [0_u8; 1024];
        while rustix::io::read(&self.signals, &mut signal).is_ok_and(|read| read > 0) {}
        Ok(())
    }

    fn drop_closed(&mut self) {
        self.stays.retain(|mut stay| {
            let open = |error: io::Error| error.kind() == io::ErrorKind::WouldBlock;
            stay.read(&mut [0; 16]).map_or_else(open, |read| read > 0)
        });
    }

    fn serve(&mut self, stream: UnixStream) -> io::Result<()> {
        stream.set_nonblocking(false)?;
        stream.set_read_timeout(Some(JOB_TIMEOUT))?;
        let mut lines = BufReader::new(stream);
        let job: Job = read(&mut lines)?;
        lines.get_ref().set_read_timeout(None)?;
        match job {
            Job::Stay => {
                lines.get_ref().set_nonblocking(true)?;
                self.stays.push(lines.into_inner());
            }
            Job::Ended { pid } => {
                self.reap()?;
                self.asked.push((pid, lines.into_inner()));
                self.answer();
            }
            Job::Forget { except } => {
                self.reap()?;
                self.ends.retain(|pid, _| except.contains(pid));
            }
            job => match sys::split(0)? {
                sys::Side::Parent(pid) => {
                    self.jobs.insert(pid.as_raw_nonzero().get());
                }
                sys::Side::Child => sys::exit(i32::from(begin_work(job, lines).is_err())),
            },
        }
        Ok(())
    }

    /// Whether there are children still.
    fn reap(&mut self) -> io::Result<bool> {
        loop {
            let (pid, status) = match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some(ended)) => ended,
                Ok(None) => return Ok(true),
                Err(rustix::io::Errno::CHILD) => return Ok(false),
                Err(error) => return Err(error.into()),
            };
            let pid = pid.as_raw_nonzero().get();
            if self.jobs.remove(&pid) {
                continue;
            }
            let code = status.exit_status().map(Ended::Code);
            let signal = status.terminating_signal().map(Ended::Signal);
            self.ends.insert(pid, code.or(signal).unwrap_or(Ended::Unknown));
            if self.ends.len() > ENDS_MAX {
                self.ends.pop_first();
            }
        }
    }

    fn answer(&mut self) {
        let ends = &mut self.ends;
        self.asked.retain(|(pid, stream)| {
            let ended = match ends.remove(pid) {
                Some(ended) => ended,
                None if Path::new(&format!("/proc/{pid}")).exists() => return true,
                None => Ended::Unknown,
            };
            let _ = say(stream, &ended);
            false
        });
    }
}

/// A starter lives as long as its guest: it must not keep the keeper's socket open, or haneul
/// would find a keeper where none is.
fn begin_work(job: Job, lines: BufReader<UnixStream>) -> Result<(), String> {
    let kept = sys::keep_only(lines.get_ref()).map_err(|error| error.to_string())?;
    std::mem::forget(lines);
    work(job, BufReader::new(UnixStream::from(kept)))
}

fn work(job: Job, mut lines: BufReader<UnixStream>) -> Result<(), String> {
    let done = match job {
        Job::Start(spec) => return start::run(&spec, &mut lines),
        Job::AddNode { pid, start_time, user, node } => device::add(pid, start_time, user, &node),
        Job::RemoveNode { pid, start_time, user, node } => {
            device::remove(pid, start_time, user, &node)
        }
        Job::Stay | Job::Ended { .. } | Job::Forget { .. } => return Ok(()),
    };
    say(lines.get_ref(), &done).map_err(|error| error.to_string())
}

/// Of a process that is there: what tells it from a later one of the same number.
pub fn start_time(pid: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut fields = fields.split(' ');
    let ended = fields.next()? == "Z";
    let start_time = fields.nth(18)?.parse().ok()?;
    (!ended).then_some(start_time)
}

/// The process, if it runs still.
pub fn process(pid: i32, started: u64) -> Option<OwnedFd> {
    let raw = rustix::process::Pid::from_raw(pid)?;
    let fd = rustix::process::pidfd_open(raw, rustix::process::PidfdFlags::empty()).ok()?;
    // After opening: the number could be another process's until here, not from here on.
    (start_time(pid) == Some(started)).then_some(fd)
}

/// Whether the process ended before the time was over.
pub fn wait(process: &impl AsFd, timeout: Duration) -> bool {
    let timeout = rustix::event::Timespec::try_from(timeout).ok();
    let mut watched = [PollFd::new(process, PollFlags::IN)];
    matches!(rustix::event::poll(&mut watched, timeout.as_ref()), Ok(1))
}
