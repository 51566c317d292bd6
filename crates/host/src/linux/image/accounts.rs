//! The accounts of a system image: the machine's system users, whom nobody can log in as. The
//! machine's people are left out.

use std::collections::BTreeSet;

/// Debian gives people ids from here on.
const FIRST_PERSON: u32 = 1000;
/// `nobody` and `nogroup`.
const NOBODY: u32 = 65534;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accounts {
    pub(crate) passwd: String,
    pub(crate) shadow: String,
    pub(crate) group: String,
    pub(crate) gshadow: String,
}

impl Accounts {
    /// Of the machine's `/etc/passwd` and `/etc/group`.
    pub(crate) fn new(passwd: &str, group: &str) -> Self {
        let (mut users, mut accounts) = (BTreeSet::new(), Self::empty());
        for line in passwd.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, uid, gid, about, home, shell] = fields[..] else { continue };
            if is_system(uid) && users.insert(name) {
                accounts.passwd += &format!("{name}:x:{uid}:{gid}:{about}:{home}:{shell}\n");
                accounts.shadow += &format!("{name}:*:19000:0:99999:7:::\n");
            }
        }
        for line in group.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, gid, members] = fields[..] else { continue };
            if is_system(gid) {
                let members = members.split(',').filter(|member| users.contains(member));
                let members = members.collect::<Vec<_>>().join(",");
                accounts.group += &format!("{name}:x:{gid}:{members}\n");
                accounts.gshadow += &format!("{name}:*::{members}\n");
            }
        }
        accounts
    }

    fn empty() -> Self {
        let [passwd, shadow, group, gshadow] = Default::default();
        Self { passwd, shadow, group, gshadow }
    }

    /// The id of a group by its name; root's when there is none.
    pub(crate) fn gid(&self, name: &str) -> u32 {
        let ids =
            self.group.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(":x:"));
        let mut ids = ids.filter_map(|rest| rest.split(':').next()?.parse().ok());
        ids.next().unwrap_or(0)
    }
}

fn is_system(id: &str) -> bool {
    id.parse().is_ok_and(|id: u32| id < FIRST_PERSON || id == NOBODY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_and_their_passwords_stay_out() {
        let accounts = Accounts::new(
            "root:$6$secret:0:0:root:/root:/bin/bash\n\
             _apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n\
             alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n\
             nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
             +@netgroup\n",
            "root:x:0:\nshadow:x:42:\nsudo:$1$x:27:alice,_apt\nalice:x:1000:\nnogroup:x:65534:\n",
        );
        assert_eq!(
            accounts.passwd,
            "root:x:0:0:root:/root:/bin/bash\n\
             _apt:x:42:65534::/nonexistent:/usr/sbin/nologin\n\
             nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
        );
        assert_eq!(accounts.group, "root:x:0:\nshadow:x:42:\nsudo:x:27:_apt\nnogroup:x:65534:\n");
        assert!(accounts.shadow.starts_with("root:*:"));
        assert_eq!(accounts.gshadow.lines().nth(2), Some("sudo:*::_apt"));
        assert_eq!((accounts.gid("shadow"), accounts.gid("absent")), (42, 0));
        let all = format!("{accounts:?}");
        assert!(!all.contains("alice") && !all.contains('$'), "{all}");
    }
}
