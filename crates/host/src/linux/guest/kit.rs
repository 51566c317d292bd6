//! What every guest is given to begin with: the program of its first process, its loader and
//! its libraries, so that it runs upon any image.

use std::fs::Permissions;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::linux::Init;

/// Where guests see it.
const PLACE: &str = "/run/haneul";

#[derive(Clone, Debug)]
pub struct Kit {
    pub folder: PathBuf,
    pub command: Vec<String>,
}

impl Kit {
    /// Made once for each version of the program. Running guests keep the one they have.
    pub fn make(folder: &Path, init: &Init) -> io::Result<Self> {
        let there = std::fs::metadata(&init.binary)?;
        let mut version = DefaultHasher::new();
        (&init.binary, there.ino(), there.size(), there.mtime(), there.mtime_nsec())
            .hash(&mut version);
        let kit = folder.join(format!("{:016x}", version.finish()));
        let loader = loader(&std::fs::read(&init.binary)?)?;
        if !kit.exists() {
            std::fs::create_dir_all(folder)?;
            let draft = folder.join("draft");
            let _ = std::fs::remove_dir_all(&draft);
            fill(&draft, &init.binary, loader.as_deref())?;
            std::fs::rename(&draft, &kit)?;
        }
        let mut command = match loader {
            Some(_) => vec![format!("{PLACE}/ld.so"), "--library-path".into(), PLACE.into()],
            None => Vec::new(),
        };
        command.push(format!("{PLACE}/haneul"));
        command.extend(init.arguments.iter().cloned());
        Ok(Self { folder: kit, command })
    }
}

fn fill(draft: &Path, binary: &Path, loader: Option<&str>) -> io::Result<()> {
    std::fs::create_dir(draft)?;
    // For everybody in the guest, whatever haneul's umask is.
    std::fs::set_permissions(draft, Permissions::from_mode(0o755))?;
    std::fs::copy(binary, draft.join("haneul"))?;
    let Some(loader) = loader else { return Ok(()) };
    std::fs::copy(loader, draft.join("ld.so"))?;
    let listed = Command::new(loader).arg("--list").arg(binary).output()?;
    if !listed.status.success() {
        return Err(io::Error::other(format!("{loader} --list {}", binary.display())));
    }
    for library in libraries(&String::from_utf8_lossy(&listed.stdout)) {
        std::fs::copy(&library, draft.join(library.file_name().unwrap_or_default()))?;
    }
    Ok(())
}

/// Files that a loader's list names: `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x…)`.
fn libraries(list: &str) -> Vec<PathBuf> {
    let path = |line: &str| -> Option<PathBuf> {
        let (_, path) = line.split_once(" => ")?;
        let path = path.rsplit_once(" (").map_or(path, |(path, _)| path);
        path.starts_with('/').then(|| PathBuf::from(path))
    };
    list.lines().filter_map(path).collect()
}

/// The loader that a 64-bit little-endian ELF program asks for; `None` for a static one.
fn loader(program: &[u8]) -> io::Result<Option<String>> {
    const PT_INTERP: u64 = 3;
    let number = |at: usize, bytes: usize| -> Option<u64> {
        let slice = program.get(at..at.checked_add(bytes)?)?;
        Some(slice.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    };
    let read = || -> Option<Option<String>> {
        if program.get(..6)? != b"\x7fELF\x02\x01" {
            return None;
        }
        let (table, size, count) = (number(32, 8)?, number(54, 2)?, number(56, 2)?);
        for header in 0..count {
            let at = usize::try_from(table.checked_add(header * size)?).ok()?;
            if number(at, 4)? == PT_INTERP {
                let start = usize::try_from(number(at + 8, 8)?).ok()?;
                let length = usize::try_from(number(at + 32, 8)?).ok()?;
                let name = program.get(start..start.checked_add(length)?)?;
                let name = name.strip_suffix(b"\0").unwrap_or(name);
                return Some(Some(String::from_utf8_lossy(name).into_owned()));
            }
        }
        Some(None)
    };
    read().ok_or_else(|| io::Error::other("the guests' first program is no 64-bit program"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_loader_lists() {
        let list = "\tlinux-vdso.so.1 (0x00007ffd)\n\
                    \tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f52)\n\
                    \t/lib64/ld-linux-x86-64.so.2 (0x00007f53)\n";
        assert_eq!(libraries(list), [PathBuf::from("/lib/x86_64-linux-gnu/libc.so.6")]);
    }

    #[test]
    fn loaders_of_programs() {
        let own = std::fs::read("/proc/self/exe").unwrap();
        let found = loader(&own).unwrap();
        assert!(found.is_none_or(|loader| Path::new(&loader).exists()));
        assert!(loader(b"#!/bin/sh\n").is_err());
        assert!(loader(b"\x7fELF\x02\x01").is_err());
    }
}
