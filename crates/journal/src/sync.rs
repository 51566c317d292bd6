//! What threads share and wait on: the standard library's, or the same from shuttle, which
//! runs threads in orders that it draws from a seed (`tests/orders.rs`).

#[cfg(not(all(test, shuttle)))]
pub(crate) use std::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};

#[cfg(all(test, shuttle))]
pub(crate) use shuttle::{
    sync::{Condvar, Mutex, MutexGuard, mpsc},
    thread,
};
