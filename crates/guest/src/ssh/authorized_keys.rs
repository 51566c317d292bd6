//! The keys that open a user's door, and what each of them may do.

use std::fs::{self, File};
use std::io::{self, Read};
use std::net::IpAddr;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use ipnet::IpNet;
use russh::keys::PublicKey;
use russh::keys::ssh_key::public::KeyData;

use super::account::Account;

/// What a session that a key opened may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    /// Run instead of whatever is asked for.
    pub(super) command: Option<String>,
    pub(super) terminal: bool,
    pub(super) forwarding: bool,
}

const FILES: [&str; 2] = [".ssh/authorized_keys", ".ssh/authorized_keys2"];
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What this key may do according to the user's own files; `None` when it opens nothing.
pub(super) fn grant(
    root: &Path,
    account: &Account,
    key: &PublicKey,
    source: IpAddr,
) -> Option<Grant> {
    let home = account.home_in(root);
    FILES.iter().find_map(|name| {
        let text = read_trusted(&home, name, account.uid).ok()?;
        grant_in(&text, key, source)
    })
}

/// What this key may do according to these lines.
pub(super) fn grant_in(text: &str, key: &PublicKey, source: IpAddr) -> Option<Grant> {
    text.lines().find_map(|line| {
        let line = Line::parse(line)?;
        (line.key == *key.key_data()).then(|| line.options.grant(source))?
    })
}

/// Reads a file that nobody but the user and root can have written.
fn read_trusted(home: &Path, name: &str, uid: u32) -> io::Result<String> {
    let path = fs::canonicalize(home.join(name))?;
    let home = fs::canonicalize(home)?;
    let trusted = |file: &fs::Metadata| [0, uid].contains(&file.uid()) && file.mode() & 0o022 == 0;
    let refused = || io::Error::from(io::ErrorKind::PermissionDenied);
    // Whoever may write to a folder on the way may put another file there. Above the home, and
    // for links out of it, all folders up to the root count.
    for folder in path.ancestors().skip(1) {
        if !trusted(&fs::metadata(folder)?) {
            return Err(refused());
        }
        if folder == home {
            break;
        }
    }
    // A pipe in its place would wait for a writer.
    let nonblocking = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let flags = nonblocking.bits().cast_signed();
    let file = File::options().read(true).custom_flags(flags).open(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() || !trusted(&metadata) || metadata.len() > FILE_BYTES_MAX {
        return Err(refused());
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

struct Line {
    options: Options,
    key: KeyData,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Options {
    command: Option<String>,
    from: Vec<String>,
    no_terminal: bool,
    no_forwarding: bool,
    /// It bounds the key in a way that nothing here keeps to.
    unknown: bool,
}

impl Line {
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        // Options may themselves look like a key, so that what stands first decides.
        if let Some(key) = key(line) {
            return Some(Self { options: Options::default(), key });
        }
        let end = end_of_options(line)?;
        let key = key(line[end..].trim_start())?;
        Some(Self { options: Options::parse(&line[..end])?, key })
    }
}

fn key(text: &str) -> Option<KeyData> {
    let mut words = text.split_ascii_whitespace();
    let (kind, base64) = (words.next()?, words.next()?);
    let key = PublicKey::from_openssh(&format!("{kind} {base64}")).ok()?;
    Some(key.key_data().clone())
}

/// The first space that no quotes hold.
fn end_of_options(line: &str) -> Option<usize> {
    let mut quoted = false;
    let mut escaped = false;
    for (index, byte) in line.bytes().enumerate() {
        match byte {
            b'\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            b'"' if !escaped => quoted = !quoted,
            b' ' | b'\t' if !quoted => return Some(index),
            _ => {}
        }
        escaped = false;
    }
    None
}

impl Options {
    fn parse(text: &str) -> Option<Self> {
        let mut options = Self::default();
        for option in split(text) {
            let (name, value) = match option.split_once('=') {
                Some((name, value)) => (name, Some(unquote(value)?)),
                None => (option, None),
            };
            options.set(&name.to_ascii_lowercase(), value);
        }
        Some(options)
    }

    fn set(&mut self, name: &str, value: Option<String>) {
        match (name, value) {
            ("command", Some(command)) => self.command = Some(command),
            ("from", Some(list)) => self.from = list.split(',').map(str::to_owned).collect(),
            ("restrict", None) => (self.no_terminal, self.no_forwarding) = (true, true),
            ("no-pty", None) => self.no_terminal = true,
            ("pty", None) => self.no_terminal = false,
            ("no-port-forwarding", None) => self.no_forwarding = true,
            ("port-forwarding", None) => self.no_forwarding = false,
            // They forbid or allow what is never done here, or, as with sshd's settings as they
            // are installed, never obeyed.
            (
                "no-agent-forwarding"
                | "agent-forwarding"
                | "no-x11-forwarding"
                | "x11-forwarding"
                | "no-user-rc"
                | "user-rc",
                None,
            )
            | ("environment", Some(_)) => {}
            _ => self.unknown = true,
        }
    }

    fn grant(self, source: IpAddr) -> Option<Grant> {
        let refused = self.unknown || !(self.from.is_empty() || comes_from(&self.from, source));
        (!refused).then_some(Grant {
            command: self.command,
            terminal: !self.no_terminal,
            forwarding: !self.no_forwarding,
        })
    }
}

/// At the commas that no quotes hold.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'\\' if quoted && !escaped => {
                escaped = true;
                continue;
            }
            b'"' if !escaped => quoted = !quoted,
            b',' if !quoted => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
        escaped = false;
    }
    parts.push(&text[start..]);
    parts
}

/// Only a quote can be escaped; any other backslash stays.
fn unquote(value: &str) -> Option<String> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    Some(inside.replace("\\\"", "\""))
}

/// Any pattern matches and none that begins with `!` does. Names of hosts never match: what a
/// name server says of an address is not asked.
fn comes_from(patterns: &[String], source: IpAddr) -> bool {
    let matches = |pattern: &str| match pattern.parse::<IpNet>() {
        Ok(net) => net.contains(&source),
        Err(_) => wildcard(pattern.as_bytes(), source.to_string().as_bytes()),
    };
    let not = patterns.iter().filter_map(|pattern| pattern.strip_prefix('!'));
    !not.clone().any(matches)
        && patterns.iter().any(|pattern| !pattern.starts_with('!') && matches(pattern))
}

fn wildcard(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(byte) if *byte == b'?' || *byte == text[t] => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((at, from)) = star else { return false };
                star = Some((at, from + 1));
                p = at + 1;
                t = from + 1;
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
#[path = "authorized_keys_tests.rs"]
mod tests;
