//! The process of a session on its way from root to the user: it leaves the server's session,
//! takes the terminal, becomes the user, and then is the user's shell.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use rustix::process::{Gid, Uid};

use super::account::Account;
use super::sftp;

/// What a session is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    Shell,
    Command(OsString),
    Sftp,
}

/// All that the process must know, as words on its command line.
#[derive(Debug, PartialEq, Eq)]
struct Order {
    uid: u32,
    gid: u32,
    groups: Vec<u32>,
    home: PathBuf,
    shell: PathBuf,
    terminal: bool,
    purpose: Purpose,
}

/// A command that becomes the user and does what the session is for. Its environment is the
/// user's; its standard input is the terminal when there is one.
pub(super) fn command(
    account: &Account,
    home: &Path,
    purpose: &Purpose,
    terminal: Option<&Path>,
) -> Command {
    let mut command = crate::init::own_command(crate::SESSION);
    let groups: Vec<String> = account.groups.iter().map(u32::to_string).collect();
    command.env_clear();
    command.args([account.uid.to_string(), account.gid.to_string(), groups.join(",")]);
    command.arg(home).arg(&account.shell).arg(if terminal.is_some() { TERMINAL } else { PIPES });
    match purpose {
        Purpose::Shell => command.arg("shell"),
        Purpose::Sftp => command.arg("sftp"),
        Purpose::Command(line) => command.arg("command").arg(line),
    };
    command
}

const TERMINAL: &str = "terminal";
const PIPES: &str = "pipes";

/// Only comes back when something went wrong, or when the session needed no other program.
pub(crate) fn run(words: impl Iterator<Item = OsString>) -> ExitCode {
    let Some(order) = Order::read(words) else {
        eprintln!("haneul: this is not for use by hand");
        return ExitCode::FAILURE;
    };
    if let Err(error) = order.become_user() {
        eprintln!("haneul: the session could not be given to its user: {error}");
        return ExitCode::FAILURE;
    }
    if order.purpose == Purpose::Sftp {
        return sftp::serve();
    }
    let Err(error) = order.start_shell();
    eprintln!("{}: {error}", order.shell.display());
    ExitCode::from(126)
}

impl Order {
    fn read(mut words: impl Iterator<Item = OsString>) -> Option<Self> {
        let mut text = || words.next()?.into_string().ok();
        let (uid, gid) = (text()?.parse().ok()?, text()?.parse().ok()?);
        let groups = text()?.split(',').map(|id| id.parse().ok()).collect::<Option<_>>()?;
        let (home, shell) = (words.next()?.into(), words.next()?.into());
        let terminal = words.next()? == TERMINAL;
        let purpose = match words.next()?.to_str()? {
            "shell" => Purpose::Shell,
            "sftp" => Purpose::Sftp,
            "command" => Purpose::Command(words.next()?),
            _ => return None,
        };
        Some(Self { uid, gid, groups, home, shell, terminal, purpose })
    }

    /// This process has one thread, so that what is said of the thread holds for all of it.
    fn become_user(&self) -> io::Result<()> {
        rustix::process::setsid()?;
        if self.terminal {
            rustix::process::ioctl_tiocsctty(io::stdin())?;
        }
        let groups: Vec<Gid> = self.groups.iter().map(|id| Gid::from_raw(*id)).collect();
        let (uid, gid) = (Uid::from_raw(self.uid), Gid::from_raw(self.gid));
        rustix::thread::set_thread_groups(&groups)?;
        rustix::thread::set_thread_res_gid(gid, gid, gid)?;
        rustix::thread::set_thread_res_uid(uid, uid, uid)?;
        rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
        if std::env::set_current_dir(&self.home).is_err() {
            eprintln!("Could not chdir to home directory {}", self.home.display());
            std::env::set_current_dir("/")?;
        }
        Ok(())
    }

    fn start_shell(&self) -> Result<Infallible, io::Error> {
        let name = self.shell.file_name().unwrap_or(OsStr::new("sh"));
        let mut shell = Command::new(&self.shell);
        match &self.purpose {
            Purpose::Command(line) => {
                shell.arg0(name).arg("-c").arg(line);
            }
            Purpose::Shell | Purpose::Sftp => {
                self.greet();
                shell.arg0(OsStr::from_bytes(&[b"-", name.as_bytes()].concat()));
            }
        }
        Err(shell.exec())
    }

    fn greet(&self) {
        if !self.terminal || self.home.join(".hushlogin").exists() {
            return;
        }
        for file in ["/run/motd.dynamic", "/etc/motd"] {
            if let Ok(text) = std::fs::read(file) {
                let _ = io::Write::write_all(&mut io::stdout(), &text);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ordered_arrives() {
        let account = Account {
            name: "me".into(),
            uid: 1000,
            gid: 1001,
            groups: vec![1001, 4],
            home: "/home/me".into(),
            shell: "/bin/bash".into(),
        };
        for purpose in [
            Purpose::Shell,
            Purpose::Sftp,
            Purpose::Command("".into()),
            Purpose::Command(OsStr::from_bytes(b"echo \xff 'a b'\n").into()),
        ] {
            let tty = Some(Path::new("/dev/pts/0")).filter(|_| purpose == Purpose::Shell);
            let command = command(&account, Path::new("/home/me"), &purpose, tty);
            let mut words = command.get_args().map(OsStr::to_owned);
            words.find(|word| word == crate::SESSION).expect("the work");
            let order = Order::read(words).expect("read");
            let expected = Order {
                uid: 1000,
                gid: 1001,
                groups: vec![1001, 4],
                home: "/home/me".into(),
                shell: "/bin/bash".into(),
                terminal: tty.is_some(),
                purpose,
            };
            assert_eq!(order, expected);
        }
        assert_eq!(Order::read(["0", "0", "0"].map(OsString::from).into_iter()), None);
    }
}
