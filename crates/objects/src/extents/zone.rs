//! One zone's directory of extents, and what is believed of it.

use std::io;
use std::sync::{Arc, OnceLock};

use journal::{Disk, DiskFile};

/// A zone from when it was given until another is given in its place. Once out for writes it
/// stays so: what its files hold is read where it checks, and nothing is added.
pub(crate) struct Zone {
    pub(crate) number: usize,
    pub(crate) disk: Arc<dyn Disk>,
    /// Why nothing is written any more.
    out: OnceLock<String>,
}

/// Why a zone, or one file of it, cannot take a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The disk is full: this file is not written on, others may be.
    Full,
    /// The zone is out, or away.
    Out,
}

/// How a zone does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    Healthy,
    /// Read where it checks, not written: why.
    Out(String),
    /// Neither read nor written.
    Away,
}

impl Zone {
    pub(crate) fn new(number: usize, disk: Arc<dyn Disk>) -> Zone {
        Zone { number, disk, out: OnceLock::new() }
    }

    pub(crate) fn writable(&self) -> bool {
        self.out.get().is_none()
    }

    pub(crate) fn health(&self) -> Health {
        self.out.get().map_or(Health::Healthy, |why| Health::Out(why.clone()))
    }

    /// Nothing is written here any more.
    pub(crate) fn put_out(&self, why: &str) {
        // The first reason stays.
        let _ = self.out.set(why.to_owned());
    }

    /// Takes note of a failure: a full disk ends one file, all else the zone.
    pub(crate) fn fault(&self, what: &str, error: &io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::StorageFull
            | io::ErrorKind::QuotaExceeded
            | io::ErrorKind::FileTooLarge => Fault::Full,
            _ => {
                tracing::error!(zone = self.number, %error, what, "zone is out for writes");
                self.put_out(&format!("{what}: {error}"));
                Fault::Out
            }
        }
    }
}

/// An extent's file while it is written.
pub(crate) struct ZoneFile {
    pub(crate) zone: Arc<Zone>,
    pub(crate) name: String,
    file: Arc<dyn DiskFile>,
    /// Set once; after a failed write or sync nothing more of the file is believed.
    fault: OnceLock<Fault>,
    pub(crate) syncs: super::sync::Syncs,
}

impl ZoneFile {
    pub(crate) fn create(zone: Arc<Zone>, extent: u64) -> Result<ZoneFile, Fault> {
        if !zone.writable() {
            return Err(Fault::Out);
        }
        let name = file_name(extent);
        let file = zone.disk.create(&name);
        let file = file.map_err(|error| zone.fault("making an extent", &error))?;
        let syncs = super::sync::Syncs::default();
        Ok(ZoneFile { zone, name, file, fault: OnceLock::new(), syncs })
    }

    /// Why it takes no writes, if it does not.
    pub(crate) fn fault(&self) -> Option<Fault> {
        let out = || (!self.zone.writable()).then_some(Fault::Out);
        self.fault.get().copied().or_else(out)
    }

    pub(crate) fn write(&self, bytes: &[u8], offset: u64) -> Result<(), Fault> {
        self.attempt("writing an extent", |file| file.write_at(bytes, offset))
    }

    /// Does something with the file, unless it failed before; remembers when that fails.
    pub(crate) fn attempt(
        &self,
        what: &str,
        act: impl FnOnce(&dyn DiskFile) -> io::Result<()>,
    ) -> Result<(), Fault> {
        if let Some(fault) = self.fault() {
            return Err(fault);
        }
        act(&*self.file).map_err(|error| {
            let fault = self.zone.fault(what, &error);
            *self.fault.get_or_init(|| fault)
        })
    }
}

const PREFIX: &str = "extent-";

pub(crate) fn file_name(extent: u64) -> String {
    format!("{PREFIX}{extent:016x}")
}

/// The number in an extent's name; `None` for files that are not extents.
pub(crate) fn extent_number(name: &str) -> Option<u64> {
    let number = u64::from_str_radix(name.strip_prefix(PREFIX)?, 16).ok()?;
    (file_name(number) == name).then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbers_and_nothing_else() {
        let check = |name: &str, expected| assert_eq!(extent_number(name), expected, "{name}");
        check("extent-00000000000000ff", Some(255));
        check("extent-ffffffffffffffff", Some(u64::MAX));
        check("extent-00000000000000FF", None);
        check("extent-ff", None);
        check("extent-+0000000000000ff", None);
        check("identity", None);
    }
}
