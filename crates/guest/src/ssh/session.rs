//! A session: one process of the user and the channel that is its input and output.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex, Weak};

use bytes::BytesMut;
use russh::server::{Handle, Msg};
use russh::{ChannelWriteHalf, Sig};
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::termios::Winsize;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::net::unix::pipe::{Receiver, Sender};
use tokio::process::{Child, Command};

use super::account::Account;
use super::inbox::Inbox;
use super::login::Login;
use super::terminal::{Master, Resizer, Terminal, Wanted};
use super::user_process::{self, Purpose};

const READ_BYTES: usize = 32 << 10;
/// Standard error among the kinds of a channel's data.
const STDERR: u32 = 1;
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
const VARIABLES_MAX: usize = 64;
const VARIABLE_BYTES_MAX: usize = 4096;

/// What the client asks for before it starts the session.
#[derive(Default)]
pub(super) struct Preparation {
    pub(super) terminal: Option<Wanted>,
    variables: BTreeMap<String, String>,
}

impl Preparation {
    /// Whether the variable is one that a client may set.
    pub(super) fn set_variable(&mut self, name: &str, value: &str) -> bool {
        let letters = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let welcome = (name == "LANG" || name.starts_with("LC_"))
            && name.bytes().all(letters)
            && name.len() + value.len() <= VARIABLE_BYTES_MAX
            && !value.contains('\0')
            && self.variables.len() < VARIABLES_MAX;
        if welcome {
            self.variables.insert(name.into(), value.into());
        }
        welcome
    }
}

/// What the connection can reach of a running session.
#[derive(Clone, Default)]
pub(super) struct Reach(Arc<Mutex<Reached>>);

#[derive(Default)]
struct Reached {
    /// Until the process has been waited for; its number may be another's afterwards.
    process: Option<Pid>,
    /// Held by the session, so that the terminal hangs up when it ends.
    resizer: Weak<Resizer>,
    ended: bool,
}

impl Reach {
    fn with<T>(&self, work: impl FnOnce(&mut Reached) -> T) -> T {
        work(&mut self.0.lock().expect("nothing panics while it is held"))
    }

    pub(super) fn ended(&self) -> bool {
        self.with(|reached| reached.ended)
    }

    pub(super) fn resize(&self, size: Winsize) {
        if let Some(resizer) = self.with(|reached| reached.resizer.upgrade()) {
            resizer.resize(size);
        }
    }

    /// The process leads a group of its own.
    pub(super) fn signal(&self, signal: &Sig) {
        let Some(signal) = number(signal) else { return };
        self.with(|reached| reached.process.map(|pid| kill_process_group(pid, signal)));
    }
}

pub(super) struct Session {
    child: Child,
    /// Until they are at work.
    ends: Option<Ends>,
    /// What fills the process's pipe.
    input: Option<Aborted>,
    inbox: Arc<Inbox>,
    channel: ChannelWriteHalf<Msg>,
    connection: Handle,
    reach: Reach,
}

/// The channel a session is to be on.
pub(super) struct Place {
    pub(super) inbox: Arc<Inbox>,
    pub(super) channel: ChannelWriteHalf<Msg>,
    pub(super) connection: Handle,
    pub(super) reach: Reach,
}

impl Session {
    pub(super) fn start(
        login: &Login,
        purpose: Purpose,
        preparation: &Preparation,
        place: Place,
    ) -> io::Result<Self> {
        let (purpose, original) = forced(login, purpose);
        let wanted = preparation.terminal.as_ref().filter(|_| purpose != Purpose::Sftp);
        let root = &login.root;
        let terminal =
            wanted.map(|wanted| Terminal::open(wanted, &login.account, root)).transpose()?;
        let home = login.account.home_in(root);
        let tty = terminal.as_ref().map(|terminal| terminal.path.as_path());
        let mut command = user_process::command(&login.account, &home, &purpose, tty);
        command.envs(&preparation.variables);
        command.env("USER", &login.account.name).env("LOGNAME", &login.account.name);
        command.env("HOME", &home).env("SHELL", &login.account.shell).env("PATH", PATH);
        command.env("SSH_CLIENT", login.ssh_client());
        command.env("SSH_CONNECTION", login.ssh_connection());
        if let Some(original) = original {
            command.env("SSH_ORIGINAL_COMMAND", original);
        }
        let mut command = Command::from(command);
        let mut ours = None;
        match (&terminal, wanted) {
            (Some(terminal), Some(wanted)) => {
                command.env("SSH_TTY", &terminal.path).env("TERM", &wanted.term);
                command.stdin(terminal.slave.try_clone()?);
                command.stdout(terminal.slave.try_clone()?);
                command.stderr(terminal.slave.try_clone()?);
            }
            _ => {
                let (pipes, [stdin, stdout, stderr]) = Pipes::open(&login.account)?;
                command.stdin(stdin).stdout(stdout).stderr(stderr);
                ours = Some(Ends::Pipes(pipes));
            }
        }
        let child = command.spawn()?;
        let ends = ours.or(terminal.map(|terminal| Ends::Terminal(terminal.master)));
        place.reach.with(|reached| {
            reached.process = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
            if let Some(Ends::Terminal(master)) = &ends {
                reached.resizer = Arc::downgrade(&master.size);
            }
        });
        let Place { inbox, channel, connection, reach } = place;
        Ok(Self { child, ends, input: None, inbox, channel, connection, reach })
    }

    /// Until the process has ended and all it said is sent, or until the client leaves. A
    /// process outlives its client unless it minds a hung up terminal or a closed pipe.
    pub(super) async fn run(mut self) {
        let inbox = self.inbox.clone();
        let ended = tokio::select! {
            ended = self.carry() => Some(ended),
            () = inbox.closed() => None,
        };
        if ended.is_none()
            && let Some(input) = &mut self.input
        {
            // What a client sent before it left is still the process's.
            let _ = (&mut input.0).await;
        }
        inbox.end();
        self.reach.with(|reached| (reached.process, reached.ended) = (None, true));
        if let Some(status) = ended {
            self.report(status).await;
        }
    }

    async fn carry(&mut self) -> io::Result<ExitStatus> {
        let (channel, inbox) = (&self.channel, self.inbox.clone());
        match self.ends.take() {
            Some(Ends::Terminal(Master { from, to, size })) => {
                // A terminal has no end of input: our side stays open when the client's has ended.
                let input = Aborted(tokio::spawn(async move { inbox.write_to(to).await }));
                send_terminal(&from, channel).await;
                drop((input, from, size));
                self.child.wait().await
            }
            Some(Ends::Pipes(Pipes { stdin, stdout, stderr })) => {
                self.input =
                    Some(Aborted(tokio::spawn(async move { inbox.write_to(stdin).await })));
                tokio::join!(send(stdout, channel, None), send(stderr, channel, Some(STDERR)));
                self.child.wait().await
            }
            None => self.child.wait().await,
        }
    }

    /// What cannot be sent has nobody who waits for it.
    async fn report(self, status: io::Result<ExitStatus>) {
        let _ = self.channel.eof().await;
        let status = status.ok();
        match (status.and_then(|s| s.code()), status.and_then(|s| s.signal())) {
            (Some(code), _) => {
                let _ = self.channel.exit_status(code.cast_unsigned()).await;
            }
            (None, Some(signal)) => {
                let (id, name) = (self.channel.id(), name(signal));
                let dumped = status.is_some_and(|status| status.core_dumped());
                let sent = self.connection.exit_signal_request(
                    id,
                    name,
                    dumped,
                    String::new(),
                    String::new(),
                );
                let _ = sent.await;
            }
            (None, None) => {}
        }
        let _ = self.channel.close().await;
    }
}

/// Our ends of what a process reads and writes.
enum Ends {
    Terminal(Master),
    Pipes(Pipes),
}

struct Pipes {
    stdin: Sender,
    stdout: Receiver,
    stderr: Receiver,
}

impl Pipes {
    /// With the ends of the process, in the usual order.
    fn open(account: &Account) -> io::Result<(Self, [Stdio; 3])> {
        let (read, stdin) = io::pipe()?;
        let (stdout, write) = io::pipe()?;
        let (stderr, write_errors) = io::pipe()?;
        for end in [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()] {
            // Programs open `/dev/stderr` by its name.
            std::os::unix::fs::fchown(end, Some(account.uid), Some(account.gid))?;
        }
        let ours = Self {
            stdin: Sender::from_owned_fd(stdin.into())?,
            stdout: Receiver::from_owned_fd(stdout.into())?,
            stderr: Receiver::from_owned_fd(stderr.into())?,
        };
        Ok((ours, [read.into(), write.into(), write_errors.into()]))
    }
}

/// A task that does not outlive its holder.
struct Aborted(tokio::task::JoinHandle<()>);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Until nobody has the other side open any more, which is an error here.
async fn send_terminal(from: &Receiver, channel: &ChannelWriteHalf<Msg>) {
    let mut buffer = BytesMut::new();
    while from.readable().await.is_ok() {
        buffer.reserve(READ_BYTES);
        match from.try_read_buf(&mut buffer) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
            Ok(0) | Err(_) => return,
        }
        if channel.data_bytes(buffer.split().freeze()).await.is_err() {
            return;
        }
    }
}

/// Sends all that comes, no faster than the client takes it.
pub(super) async fn send(
    mut from: impl AsyncRead + Unpin,
    channel: &ChannelWriteHalf<Msg>,
    kind: Option<u32>,
) {
    let mut buffer = BytesMut::new();
    loop {
        buffer.reserve(READ_BYTES);
        match from.read_buf(&mut buffer).await {
            Ok(1..) => {}
            Ok(0) | Err(_) => return,
        }
        let bytes = buffer.split().freeze();
        let sent = match kind {
            None => channel.data_bytes(bytes).await,
            Some(kind) => channel.extended_data_bytes(kind, bytes).await,
        };
        if sent.is_err() {
            return;
        }
    }
}

/// What the key allows instead of what was asked for, and what that was.
fn forced(login: &Login, asked: Purpose) -> (Purpose, Option<OsString>) {
    let Some(command) = &login.grant.command else { return (asked, None) };
    let purpose = match command.as_str() {
        SFTP => Purpose::Sftp,
        command => Purpose::Command(command.into()),
    };
    let original = match asked {
        Purpose::Shell => None,
        Purpose::Command(line) => Some(line),
        Purpose::Sftp => Some(SFTP.into()),
    };
    (purpose, original)
}

/// sshd's name for the server of files that it brings along.
const SFTP: &str = "internal-sftp";

/// A command as it came; no program can be given a NUL.
pub(super) fn command_line(bytes: &[u8]) -> Option<Purpose> {
    (!bytes.contains(&0)).then(|| Purpose::Command(OsString::from_vec(bytes.to_vec())))
}

const SIGNALS: [(Signal, Sig); 12] = [
    (Signal::ABORT, Sig::ABRT),
    (Signal::ALARM, Sig::ALRM),
    (Signal::FPE, Sig::FPE),
    (Signal::HUP, Sig::HUP),
    (Signal::ILL, Sig::ILL),
    (Signal::INT, Sig::INT),
    (Signal::KILL, Sig::KILL),
    (Signal::PIPE, Sig::PIPE),
    (Signal::QUIT, Sig::QUIT),
    (Signal::SEGV, Sig::SEGV),
    (Signal::TERM, Sig::TERM),
    (Signal::USR1, Sig::USR1),
];

fn number(name: &Sig) -> Option<Signal> {
    if let Sig::Custom(name) = name {
        return (name == "USR2").then_some(Signal::USR2);
    }
    let same = |other: &Sig| std::mem::discriminant(other) == std::mem::discriminant(name);
    SIGNALS.iter().find(|(_, other)| same(other)).map(|(signal, _)| *signal)
}

fn name(number: i32) -> Sig {
    if number == Signal::USR2.as_raw() {
        return Sig::Custom("USR2".into());
    }
    let found = SIGNALS.iter().find(|(signal, _)| signal.as_raw() == number);
    // As sshd says of a signal that the standard does not name.
    found.map_or_else(|| Sig::Custom("SIG@openssh.com".into()), |(_, name)| name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_languages_are_taken_from_clients() {
        let mut preparation = Preparation::default();
        for (name, value, expected) in [
            ("LANG", "ko_KR.UTF-8", true),
            ("LC_ALL", "C", true),
            ("LD_PRELOAD", "x", false),
            ("LC_X=LD_PRELOAD", "x", false),
            ("LANGUAGE", "ko", false),
            ("PATH", "/tmp", false),
            ("LC_LONG", &"x".repeat(5000), false),
            ("LC_NUL", "a\0b", false),
        ] {
            assert_eq!(preparation.set_variable(name, value), expected, "{name}");
        }
    }

    #[test]
    fn signals_have_their_names() {
        for (signal, _) in &SIGNALS {
            assert_eq!(number(&name(signal.as_raw())), Some(*signal));
        }
        assert_eq!(number(&Sig::Custom("USR2".into())), Some(Signal::USR2));
        assert_eq!(number(&Sig::Custom("STOP".into())), None);
    }
}
