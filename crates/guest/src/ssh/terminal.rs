//! Pseudo-terminals, as the client's own terminal is.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use russh::Pty;
use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{
    ControlModes, InputModes, LocalModes, OptionalActions, OutputModes, SpecialCodeIndex, Termios,
    Winsize, tcgetattr, tcsetattr, tcsetwinsize,
};
use tokio::net::unix::pipe::{Receiver, Sender};

use super::account::Account;

/// What a client asked for.
pub(super) struct Wanted {
    pub(super) term: String,
    pub(super) size: Winsize,
    pub(super) modes: Vec<(Pty, u32)>,
}

pub(super) struct Terminal {
    pub(super) master: Master,
    /// The side of the process.
    pub(super) slave: OwnedFd,
    /// As the process sees it.
    pub(super) path: PathBuf,
}

/// Our side; the terminal hangs up when all of it is gone. Reading and writing it is as with
/// pipes.
pub(super) struct Master {
    pub(super) from: Receiver,
    pub(super) to: Sender,
    pub(super) size: Arc<Resizer>,
}

pub(super) struct Resizer(OwnedFd);

impl Terminal {
    pub(super) fn open(wanted: &Wanted, account: &Account, root: &Path) -> io::Result<Self> {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let master = openpt(flags)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        let name = ptsname(&master, Vec::new())?.into_bytes();
        let path = PathBuf::from(std::ffi::OsString::from_vec(name));
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let slave = rustix::fs::open(&path, flags, Mode::empty())?;
        let group = tty_group(root);
        chown(&path, Some(account.uid), Some(group.unwrap_or(account.gid)))?;
        // Messages of `wall` and `write` come by the group.
        let mode = if group.is_some() { 0o620 } else { 0o600 };
        rustix::fs::fchmod(&slave, Mode::from_raw_mode(mode))?;
        let mut termios = tcgetattr(&slave)?;
        wanted.modes.iter().for_each(|(code, value)| set_mode(&mut termios, *code, *value));
        tcsetattr(&slave, OptionalActions::Now, &termios)?;
        tcsetwinsize(&slave, wanted.size)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let master = Master {
            from: Receiver::from_owned_fd_unchecked(master.try_clone()?)?,
            to: Sender::from_owned_fd_unchecked(master.try_clone()?)?,
            size: Arc::new(Resizer(master)),
        };
        Ok(Self { master, slave, path })
    }
}

impl Resizer {
    pub(super) fn resize(&self, size: Winsize) {
        // The process may be gone.
        let _ = tcsetwinsize(&self.0, size);
    }
}

/// No screen is larger, and programs multiply what they are told.
const CELLS_MAX: u32 = 4096;

pub(super) fn size(columns: u32, rows: u32, width: u32, height: u32) -> Winsize {
    let cells = |count: u32| u16::try_from(count.min(CELLS_MAX)).unwrap_or_default();
    let pixels = |count: u32| u16::try_from(count).unwrap_or_default();
    Winsize {
        ws_col: cells(columns),
        ws_row: cells(rows),
        ws_xpixel: pixels(width),
        ws_ypixel: pixels(height),
    }
}

fn tty_group(root: &Path) -> Option<u32> {
    let groups = std::fs::read_to_string(root.join("etc/group")).ok()?;
    let line = groups.lines().find(|line| line.starts_with("tty:"))?;
    line.split(':').nth(2)?.parse().ok()
}

/// Of the modes that RFC 4254 numbers, those that Linux has.
fn set_mode(termios: &mut Termios, code: Pty, value: u32) {
    if let Some(index) = special(code) {
        // 255 means that no key does it.
        let byte = u8::try_from(value).unwrap_or(u8::MAX);
        termios.special_codes[index] = if byte == u8::MAX { 0 } else { byte };
    } else if let Some(flag) = input(code) {
        termios.input_modes.set(flag, value != 0);
    } else if let Some(flag) = local(code) {
        termios.local_modes.set(flag, value != 0);
    } else if let Some(flag) = output(code) {
        termios.output_modes.set(flag, value != 0);
    } else if let Some(flag) = control(code) {
        match code {
            // Bits of a number, not flags: eight or seven, whichever was asked for.
            Pty::CS7 | Pty::CS8 if value == 0 => {}
            Pty::CS7 | Pty::CS8 => {
                termios.control_modes.remove(ControlModes::CSIZE);
                termios.control_modes.insert(flag);
            }
            _ => termios.control_modes.set(flag, value != 0),
        }
    } else if value != 0 {
        // A speed means nothing here; some programs show it.
        let _ = match code {
            Pty::TTY_OP_ISPEED => termios.set_input_speed(value),
            Pty::TTY_OP_OSPEED => termios.set_output_speed(value),
            _ => Ok(()),
        };
    }
}

fn special(code: Pty) -> Option<SpecialCodeIndex> {
    Some(match code {
        Pty::VINTR => SpecialCodeIndex::VINTR,
        Pty::VQUIT => SpecialCodeIndex::VQUIT,
        Pty::VERASE => SpecialCodeIndex::VERASE,
        Pty::VKILL => SpecialCodeIndex::VKILL,
        Pty::VEOF => SpecialCodeIndex::VEOF,
        Pty::VEOL => SpecialCodeIndex::VEOL,
        Pty::VEOL2 => SpecialCodeIndex::VEOL2,
        Pty::VSTART => SpecialCodeIndex::VSTART,
        Pty::VSTOP => SpecialCodeIndex::VSTOP,
        Pty::VSUSP => SpecialCodeIndex::VSUSP,
        Pty::VREPRINT => SpecialCodeIndex::VREPRINT,
        Pty::VWERASE => SpecialCodeIndex::VWERASE,
        Pty::VLNEXT => SpecialCodeIndex::VLNEXT,
        Pty::VDISCARD => SpecialCodeIndex::VDISCARD,
        _ => return None,
    })
}

fn input(code: Pty) -> Option<InputModes> {
    Some(match code {
        Pty::IGNPAR => InputModes::IGNPAR,
        Pty::PARMRK => InputModes::PARMRK,
        Pty::INPCK => InputModes::INPCK,
        Pty::ISTRIP => InputModes::ISTRIP,
        Pty::INLCR => InputModes::INLCR,
        Pty::IGNCR => InputModes::IGNCR,
        Pty::ICRNL => InputModes::ICRNL,
        Pty::IUCLC => InputModes::IUCLC,
        Pty::IXON => InputModes::IXON,
        Pty::IXANY => InputModes::IXANY,
        Pty::IXOFF => InputModes::IXOFF,
        Pty::IMAXBEL => InputModes::IMAXBEL,
        Pty::IUTF8 => InputModes::IUTF8,
        _ => return None,
    })
}

fn local(code: Pty) -> Option<LocalModes> {
    Some(match code {
        Pty::ISIG => LocalModes::ISIG,
        Pty::ICANON => LocalModes::ICANON,
        Pty::XCASE => LocalModes::XCASE,
        Pty::ECHO => LocalModes::ECHO,
        Pty::ECHOE => LocalModes::ECHOE,
        Pty::ECHOK => LocalModes::ECHOK,
        Pty::ECHONL => LocalModes::ECHONL,
        Pty::NOFLSH => LocalModes::NOFLSH,
        Pty::TOSTOP => LocalModes::TOSTOP,
        Pty::IEXTEN => LocalModes::IEXTEN,
        Pty::ECHOCTL => LocalModes::ECHOCTL,
        Pty::ECHOKE => LocalModes::ECHOKE,
        Pty::PENDIN => LocalModes::PENDIN,
        _ => return None,
    })
}

fn output(code: Pty) -> Option<OutputModes> {
    Some(match code {
        Pty::OPOST => OutputModes::OPOST,
        Pty::OLCUC => OutputModes::OLCUC,
        Pty::ONLCR => OutputModes::ONLCR,
        Pty::OCRNL => OutputModes::OCRNL,
        Pty::ONOCR => OutputModes::ONOCR,
        Pty::ONLRET => OutputModes::ONLRET,
        _ => return None,
    })
}

fn control(code: Pty) -> Option<ControlModes> {
    Some(match code {
        Pty::CS7 => ControlModes::CS7,
        Pty::CS8 => ControlModes::CS8,
        Pty::PARENB => ControlModes::PARENB,
        Pty::PARODD => ControlModes::PARODD,
        _ => return None,
    })
}
