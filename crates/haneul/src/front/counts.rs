//! How many requests were answered, and how.

use std::sync::atomic::{AtomicU64, Ordering};

use http::StatusCode;

use crate::admin::Counts;

#[derive(Debug, Default)]
pub struct Counters {
    answered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
}

impl Counters {
    pub fn count(&self, status: StatusCode) {
        let counter = match status.as_u16() {
            0..400 => &self.answered,
            400..500 => &self.refused,
            _ => &self.failed,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            answered: read(&self.answered),
            refused: read(&self.refused),
            failed: read(&self.failed),
        }
    }
}
