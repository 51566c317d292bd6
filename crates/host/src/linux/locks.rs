//! A lock for each name.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, RwLock};

#[derive(Default)]
pub(crate) struct Locks(Mutex<HashMap<String, Arc<RwLock<()>>>>);

impl Locks {
    /// Names that nobody holds are forgotten when another is asked for.
    pub(crate) fn of(&self, name: &str) -> Arc<RwLock<()>> {
        let mut locks = self.0.lock().expect("nothing that holds the locks panics");
        locks.retain(|other, lock| other == name || Arc::strong_count(lock) > 1);
        locks.entry(name.to_owned()).or_default().clone()
    }
}
