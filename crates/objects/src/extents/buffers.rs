//! Buffers that are used again: taking half a megabyte from the system anew for each part read
//! costs as much as reading it, for the pages are cleared first.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;

/// Buffers of one length.
pub(crate) struct Pool {
    bytes: usize,
    kept_max: usize,
    free: Mutex<Vec<Vec<u8>>>,
}

/// A buffer that goes back to its pool when dropped. What it holds at first is left from
/// earlier uses.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    pool: Arc<Pool>,
}

impl Pool {
    pub(crate) fn new(bytes: usize, kept_max: usize) -> Arc<Pool> {
        Arc::new(Pool { bytes, kept_max, free: Mutex::default() })
    }

    pub(crate) fn take(self: &Arc<Pool>) -> Buffer {
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; self.bytes]);
        Buffer { bytes, pool: self.clone() }
    }
}

impl Buffer {
    pub(crate) fn freeze(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl std::ops::Deref for Buffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let mut free = self.pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < self.pool.kept_max {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}
