//! Who may be logged in as: the users of `/etc/passwd` with their groups.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Account {
    pub(super) name: String,
    pub(super) uid: u32,
    pub(super) gid: u32,
    pub(super) groups: Vec<u32>,
    pub(super) home: PathBuf,
    pub(super) shell: PathBuf,
}

/// What says that nobody may enter as this user.
const NO_SHELLS: [&str; 2] = ["nologin", "false"];
const GROUPS_MAX: usize = 4096;

impl Account {
    /// The user of this name, when there is one who may log in.
    pub(super) fn find(root: &Path, name: &str) -> io::Result<Option<Self>> {
        let passwd = fs::read(root.join("etc/passwd"))?;
        let groups = fs::read(root.join("etc/group")).unwrap_or_default();
        Ok(parse(&passwd, &groups, name))
    }

    /// Where the user's home is for us; the user sees it at `home`.
    pub(super) fn home_in(&self, root: &Path) -> PathBuf {
        root.join(self.home.strip_prefix("/").unwrap_or(&self.home))
    }
}

fn parse(passwd: &[u8], groups: &[u8], name: &str) -> Option<Account> {
    if name.is_empty() {
        return None;
    }
    let fields = lines(passwd).find(|fields| fields[0] == name.as_bytes())?;
    let [_, _, uid, gid, _, home, shell] = fields[..].try_into().ok()?;
    let (uid, gid) = (number(uid)?, number(gid)?);
    let shell = if shell.is_empty() { b"/bin/sh" } else { shell };
    let account = Account {
        name: name.into(),
        uid,
        gid,
        groups: groups_of(groups, name, gid),
        home: path(home),
        shell: path(shell),
    };
    let word = account.shell.file_name()?.to_str()?;
    let enters = account.home.is_absolute() && account.shell.is_absolute();
    (enters && !NO_SHELLS.contains(&word)).then_some(account)
}

fn groups_of(groups: &[u8], name: &str, first: u32) -> Vec<u32> {
    let mut found = vec![first];
    for fields in lines(groups) {
        let [_, _, gid, members] = fields[..] else { continue };
        let Some(gid) = number(gid) else { continue };
        let member = members.split(|byte| *byte == b',').any(|member| member == name.as_bytes());
        if member && !found.contains(&gid) && found.len() < GROUPS_MAX {
            found.push(gid);
        }
    }
    found
}

fn lines(text: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.contains(&0));
    lines.map(|line| line.split(|byte| *byte == b':').collect())
}

fn number(digits: &[u8]) -> Option<u32> {
    // A sign is no part of an id, and the last number means "no id".
    let digits = std::str::from_utf8(digits).ok()?;
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse())?;
    number.ok().filter(|id| *id != u32::MAX)
}

fn path(bytes: &[u8]) -> PathBuf {
    OsStr::from_bytes(bytes).into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASSWD: &[u8] = b"root:x:0:0:root:/root:/bin/bash\n\
        daemon:x:1:1::/usr/sbin:/usr/sbin/nologin\n\
        sync:x:4:65534:sync:/bin:/bin/false\n\
        ec2-user:x:1000:1001:EC2:/home/ec2-user:/bin/bash\n\
        plain:x:1002:1002::/home/plain:\n\
        short:x:1003:1003\n\
        signed:x:+1004:1004::/home/signed:/bin/sh\n\
        nobody:x:4294967295:1::/:/bin/sh\n\
        here:x:1005:1005:::/bin/sh\n";
    const GROUP: &[u8] =
        b"root:x:0:\nwheel:x:10:ec2-user,root\nadm:x:4:other,ec2-user\nlike:x:5:ec2\n\nbad";

    #[test]
    fn only_who_may_enter_is_found() {
        let check = |name: &str, expected: Option<(u32, u32, &[u32], &str)>| {
            let found = parse(PASSWD, GROUP, name);
            let found = found
                .as_ref()
                .map(|a| (a.uid, a.gid, a.groups.as_slice(), a.shell.to_str().expect("text")));
            assert_eq!(found, expected, "{name}");
        };
        check("root", Some((0, 0, &[0, 10], "/bin/bash")));
        check("ec2-user", Some((1000, 1001, &[1001, 10, 4], "/bin/bash")));
        check("plain", Some((1002, 1002, &[1002], "/bin/sh")));
        for nobody in ["daemon", "sync", "short", "signed", "nobody", "here", "", "x", "root:x"] {
            check(nobody, None);
        }
    }

    proptest! {
        #[test]
        fn no_bytes_break_it(text in proptest::collection::vec(any::<u8>(), 0..300), name in ".{0,8}") {
            let _ = parse(&text, &text, &name);
            let _ = parse(&[b"a:x:", &text[..]].concat(), &[b"g:x:", &text[..]].concat(), "a");
        }
    }
}
