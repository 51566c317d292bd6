//! What dpkg knows of the machine's packages.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

use md5::{Digest, Md5};

/// A file of `/etc` as its package brought it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Conffile {
    pub(crate) path: String,
    md5: String,
}

impl Conffile {
    /// Of dpkg's `status`.
    pub(crate) fn all(status: &str) -> Vec<Self> {
        let (mut all, mut is_inside) = (Vec::new(), false);
        for line in status.lines() {
            let Some(line) = line.strip_prefix(' ') else {
                is_inside = line == "Conffiles:";
                continue;
            };
            let words: Vec<&str> = line.split(' ').collect();
            if let ([path, md5], true) = (&words[..], is_inside) {
                all.push(Self { path: (*path).into(), md5: (*md5).into() });
            }
        }
        all
    }

    /// Nobody changed it: it says nothing of this machine.
    pub(crate) fn is_unchanged(&self, bytes: &[u8]) -> bool {
        let sum: String = Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        sum == self.md5
    }
}

/// Every path below `/etc` and `/var` that is a package's, from dpkg's folder.
pub(crate) fn paths(dpkg: &Path) -> io::Result<BTreeSet<String>> {
    let mut paths = BTreeSet::new();
    for entry in fs::read_dir(dpkg.join("info"))? {
        let list = entry?.path();
        if list.extension().is_none_or(|extension| extension != "list") {
            continue;
        }
        let text = fs::read(list)?;
        let text = String::from_utf8_lossy(&text);
        let ours = |path: &&str| path.starts_with("/etc/") || path.starts_with("/var/");
        paths.extend(text.lines().filter(ours).map(String::from));
    }
    Ok(paths)
}

/// Without the names and passwords in addresses.
pub(crate) fn without_passwords(sources: &str) -> String {
    let mut safe = String::with_capacity(sources.len());
    let mut rest = sources;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        safe += before;
        let end = after.find(|c: char| c == '/' || c.is_whitespace()).unwrap_or(after.len());
        rest = after[..end].rfind('@').map_or(after, |at| &after[at + 1..]);
    }
    safe + rest
}

/// Where the machine itself gets its release from: the first address in its apt sources that
/// is no security or third-party archive.
pub(crate) fn mirror(sources: &str) -> Option<String> {
    let (mut addresses, mut suites) = (Vec::new(), Vec::new());
    for line in sources.lines().chain([""]) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first() {
            Some(&"deb") => {
                let mut plain = words[1..].iter().skip_while(|word| !word.contains("://"));
                let (address, suite) = (plain.next(), plain.next());
                if let (Some(address), true) = (address, suite.is_some_and(|one| is_main(one))) {
                    return Some((*address).into());
                }
            }
            Some(&"URIs:") => addresses = words[1..].to_vec(),
            Some(&"Suites:") => suites = words[1..].to_vec(),
            // Stanzas end with an empty line.
            None => {
                if let (Some(address), true) =
                    (addresses.first(), suites.iter().any(|one| is_main(one)))
                {
                    return Some((*address).into());
                }
                (addresses, suites) = (Vec::new(), Vec::new());
            }
            Some(_) => {}
        }
    }
    None
}

fn is_main(suite: &str) -> bool {
    !suite.contains(['-', '/']) && !suite.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conffiles_are_those_that_packages_still_have() {
        let status = "Package: one\nConffiles:\n /etc/one 900150983cd24fb0d6963f7d28e17f72\n \
                      /etc/old 900150983cd24fb0d6963f7d28e17f72 obsolete\nDescription: x\n /etc/no 1\n";
        let all = Conffile::all(status);
        assert_eq!(all.iter().map(|one| one.path.as_str()).collect::<Vec<_>>(), ["/etc/one"]);
        assert!(all[0].is_unchanged(b"abc") && !all[0].is_unchanged(b"abd"));
    }

    #[test]
    fn passwords_in_sources_stay_out() {
        let check = |sources, expected| assert_eq!(without_passwords(sources), expected);
        check("deb http://example.org/debian x main", "deb http://example.org/debian x main");
        check("deb https://me:s3@cr@example.org/a x", "deb https://example.org/a x");
        check(
            "URIs: http://t@a.example http://b.example/@x",
            "URIs: http://a.example http://b.example/@x",
        );
    }

    #[test]
    fn the_mirror_is_the_one_of_the_release() {
        let check = |sources, expected: Option<&str>| {
            assert_eq!(mirror(sources).as_deref(), expected, "{sources}");
        };
        check("", None);
        check("# deb http://no.example x main", None);
        check(
            "deb [signed-by=/a arch=amd64] http://a.example/debian bookworm main",
            Some("http://a.example/debian"),
        );
        check(
            "deb http://s.example bookworm-security main\ndeb http://a.example bookworm main",
            Some("http://a.example"),
        );
        check(
            "Types: deb\nURIs: http://s.example\nSuites: bookworm-security\n\nTypes: deb\nURIs: http://a.example/debian\nSuites: bookworm bookworm-updates\n",
            Some("http://a.example/debian"),
        );
        check("deb http://flat.example ./\n", None);
    }
}
