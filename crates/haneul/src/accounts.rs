//! The region's accounts and the root access keys that its owner holds.

use aws::{AccountId, Clock, Error};
use iam::Accounts;
use iam::accounts::{NewAccount, RootAccessKey};

use crate::data_dir::DataDir;
use crate::keyring::{self, Account, RootKey};

/// The account that a new region begins with.
const FIRST_NAME: &str = "main";

/// Makes the first account of a new region; its root key is to be shown, this once. Where
/// accounts are and the folder's keys are lost, the keys are taken from the state again.
///
/// # Errors
/// When the state or the folder cannot be read or written.
pub async fn prepare(
    accounts: &Accounts,
    data: Option<&DataDir>,
    clock: &Clock,
) -> Result<Option<RootKey>, Error> {
    let known = accounts.list().await?;
    if known.is_empty() {
        return create(accounts, data, clock, FIRST_NAME.into(), None).await.map(Some);
    }
    let Some(data) = data else { return Ok(None) };
    if keyring::read(data).map_err(Error::internal)?.is_empty() {
        for account in known {
            if let Some(key) = accounts.root_access_key(&account.id).await? {
                let account = Account { id: account.id, name: account.name };
                keyring::add(data, &root_key(account, key)).map_err(Error::internal)?;
            }
        }
    }
    Ok(None)
}

/// # Errors
/// For a taken id or an unfit name, and when the state or the folder cannot be written.
pub async fn create(
    accounts: &Accounts,
    data: Option<&DataDir>,
    clock: &Clock,
    name: String,
    id: Option<AccountId>,
) -> Result<RootKey, Error> {
    let email = "root@localhost".into();
    let new = NewAccount { id, name, email };
    let (account, key) = accounts.create(new, clock.now()).await?;
    let key = root_key(Account { id: account.id, name: account.name }, key);
    if let Some(data) = data {
        keyring::add(data, &key).map_err(Error::internal)?;
    }
    Ok(key)
}

/// # Errors
/// When the state cannot be read.
pub async fn list(accounts: &Accounts) -> Result<Vec<Account>, Error> {
    let accounts = accounts.list().await?;
    Ok(accounts.into_iter().map(|account| Account { id: account.id, name: account.name }).collect())
}

fn root_key(account: Account, key: RootAccessKey) -> RootKey {
    let RootAccessKey { access_key_id, secret_access_key } = key;
    RootKey { account, access_key_id, secret_access_key }
}
