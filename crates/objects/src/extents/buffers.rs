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

/// Goes back to its pool when dropped, if it is of one. What it holds at first may be left from
/// earlier uses.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    /// How much of it was asked for.
    length: usize,
    pool: Option<Arc<Pool>>,
}

impl Pool {
    pub(crate) fn new(bytes: usize, kept_max: usize) -> Arc<Pool> {
        Arc::new(Pool { bytes, kept_max, free: Mutex::default() })
    }

    /// At most as much as the pool's buffers have. For little, one of these would be a waste.
    pub(crate) fn take(self: &Arc<Pool>, length: usize) -> Buffer {
        debug_assert!(length <= self.bytes);
        if length < self.bytes / 4 {
            return Buffer { bytes: vec![0; length], length, pool: None };
        }
        let free = self.free.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let bytes = free.unwrap_or_else(|| vec![0; self.bytes]);
        Buffer { bytes, length, pool: Some(self.clone()) }
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
        &self.bytes[..self.length]
    }
}

impl std::ops::DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[..self.length]
    }
}

impl AsRef<[u8]> for Buffer {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let Some(pool) = &self.pool else { return };
        let mut free = pool.free.lock().unwrap_or_else(PoisonError::into_inner);
        if free.len() < pool.kept_max {
            free.push(std::mem::take(&mut self.bytes));
        }
    }
}
