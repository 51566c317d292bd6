//! How far a build has come, and whether anybody still wants it.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

#[derive(Default)]
pub(crate) struct Progress {
    percent: AtomicU8,
    is_cancelled: AtomicBool,
}

impl Progress {
    /// It never goes back, and 100 is said by the image being there.
    pub(crate) fn set(&self, percent: u64) {
        let percent = u8::try_from(percent).unwrap_or(99).min(99);
        self.percent.fetch_max(percent, Ordering::Relaxed);
    }

    pub(crate) fn percent(&self) -> u8 {
        self.percent.load(Ordering::Relaxed)
    }

    pub(crate) fn cancel(&self) {
        self.is_cancelled.store(true, Ordering::Relaxed);
    }

    /// An error as soon as the image is not wanted any more.
    pub(crate) fn check(&self) -> io::Result<()> {
        match self.is_cancelled.load(Ordering::Relaxed) {
            true => Err(io::Error::other("it is not wanted any more")),
            false => Ok(()),
        }
    }
}
