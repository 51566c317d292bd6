//! The root access keys that this data folder's owner was shown once, kept for `haneul env`.

use aws::AccountId;
use serde::{Deserialize, Serialize};

use crate::data_dir::{DataDir, DataDirError, read_json, write_json};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
}

/// An account's root user's access key. `Debug` leaves the secret out.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootKey {
    pub account: Account,
    pub access_key_id: String,
    pub secret_access_key: String,
}

impl std::fmt::Debug for RootKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RootKey")
            .field("account", &self.account)
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// The keys in the order of their accounts' creation.
///
/// # Errors
/// When the file is there and cannot be read.
pub fn read(data: &DataDir) -> Result<Vec<RootKey>, DataDirError> {
    Ok(read_json(&data.credentials())?.unwrap_or_default())
}

/// Adds a key, or replaces its account's.
///
/// # Errors
/// When the file cannot be read or written.
pub fn add(data: &DataDir, key: &RootKey) -> Result<(), DataDirError> {
    let mut keys = read(data)?;
    match keys.iter_mut().find(|kept| kept.account.id == key.account.id) {
        Some(kept) => kept.clone_from(key),
        None => keys.push(key.clone()),
    }
    write_json(&data.credentials(), &keys)
}
