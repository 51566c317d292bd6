//! Accounts. AWS makes them outside IAM; haneul makes them with `haneul account create`.
//! <https://docs.aws.amazon.com/accounts/latest/reference/accounts-welcome.html>

use std::collections::BTreeSet;
use std::sync::Arc;

use aws::{AccountId, Arn, Random, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Records, Scope, Stored};

use crate::access_key::{AccessKey, Owner, Status};
use crate::error::{Error, Result};
use crate::policy_holder::scope;
use crate::{Iam, model};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub name: String,
    pub email: String,
    pub created: Timestamp,
    pub alias: Option<String>,
    /// Ids of the root user's access keys.
    pub access_keys: BTreeSet<String>,
}

impl Record for Account {
    const KIND: &'static str = "iam.account";
    const FORMAT: u32 = 1;
}

/// What a new account is made of. A missing `id` is drawn at random.
#[derive(Clone, Debug, Default)]
pub struct NewAccount {
    pub id: Option<AccountId>,
    pub name: String,
    pub email: String,
}

/// A key that is shown this once. Without `Debug`, so that no log line can carry it.
pub struct RootAccessKey {
    pub access_key_id: String,
    pub secret_access_key: String,
}

/// The region's accounts, for the binary. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    records: Records,
    random: Arc<Random>,
}

/// How many accounts one region keeps.
pub const ACCOUNTS_MAX: usize = 10_000;

impl Accounts {
    pub fn new(records: Records, random: Arc<Random>) -> Self {
        Self { records, random }
    }

    /// Makes an account with an access key of its root user.
    ///
    /// # Errors
    /// `EntityAlreadyExists` for a taken id, `ValidationError` for a name or email of no
    /// letters or too many.
    pub async fn create(&self, new: NewAccount, at: Timestamp) -> Result<(Account, RootAccessKey)> {
        check_text("name", &new.name, 50)?;
        check_text("email", &new.email, 64)?;
        self.records
            .retry(async || {
                let id = match &new.id {
                    Some(id) => id.clone(),
                    None => self.free_id().await?,
                };
                if self.get(&id).await?.is_some() {
                    return Err(Error::EntityAlreadyExists(crate::error::Taken::Account(id)));
                }
                let (key_id, key) = AccessKey::new(&self.random, &id, Owner::Root, at);
                let account = Account {
                    id: id.clone(),
                    name: new.name.clone(),
                    email: new.email.clone(),
                    created: at.to_whole_secs(),
                    alias: None,
                    access_keys: BTreeSet::from([key_id.clone()]),
                };
                let mut txn = self.records.transaction();
                txn.create(&Scope::Haneul, id.as_str(), &account);
                txn.create(&scope(&id), &key_id, &key);
                txn.commit().await?;
                let shown = RootAccessKey {
                    access_key_id: key_id,
                    secret_access_key: key.secret.reveal().into(),
                };
                Ok((account, shown))
            })
            .await
    }

    /// The root user's oldest active access key, for the owner of the region's data who lost
    /// what was shown at its creation.
    pub async fn root_access_key(&self, id: &AccountId) -> Result<Option<RootAccessKey>> {
        let Some(account) = self.get(id).await? else { return Ok(None) };
        let mut keys = Vec::new();
        for key_id in account.access_keys {
            let key = self.records.get::<AccessKey>(&scope(id), &key_id).await?;
            keys.extend(key.map(|key| (key.record.created, key_id, key.record)));
        }
        keys.retain(|(_, _, key)| key.status == Status::Active);
        let oldest = keys.into_iter().min_by_key(|(created, ..)| *created);
        Ok(oldest.map(|(_, access_key_id, key)| RootAccessKey {
            access_key_id,
            secret_access_key: key.secret.reveal().into(),
        }))
    }

    pub async fn get(&self, id: &AccountId) -> Result<Option<Account>> {
        let found = self.records.get::<Account>(&Scope::Haneul, id.as_str()).await?;
        Ok(found.map(|found| found.record))
    }

    /// Every account, in the order of their ids.
    pub async fn list(&self) -> Result<Vec<Account>> {
        let page = self.records.list::<Account>(&Scope::Haneul, "", None, ACCOUNTS_MAX).await?;
        Ok(page.items.into_iter().map(|stored| stored.record).collect())
    }

    async fn free_id(&self) -> Result<AccountId> {
        loop {
            // AWS's ids do not begin with a zero either, more often than not: people paste
            // them into tools that read numbers.
            let id = format!("{:012}", 100_000_000_000 + self.random.next_u64() % 900_000_000_000);
            let id: AccountId = id.parse().map_err(|e| Error::Internal(format!("{e}")))?;
            if self.get(&id).await?.is_none() {
                return Ok(id);
            }
        }
    }
}

fn check_text(member: &str, text: &str, letters_max: usize) -> Result<()> {
    let letters = text.chars().count();
    if (1..=letters_max).contains(&letters) && !text.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Error::constraint(
        member,
        &format!("Member must have length between 1 and {letters_max}, inclusive"),
    ))
}

impl Iam {
    pub(crate) async fn account_record(&self, account: &AccountId) -> Result<Stored<Account>> {
        let found = self.records.get(&Scope::Haneul, account.as_str()).await?;
        found.ok_or_else(|| Error::Internal(format!("the account {account} has no record")))
    }

    /// GetUser of the root user, whose name is the account's alias, if anything.
    pub(crate) async fn root_user(&self, account: &AccountId) -> Result<model::User> {
        let record = self.account_record(account).await?.record;
        Ok(model::User {
            path: String::new(),
            user_name: record.alias.unwrap_or_default(),
            user_id: account.to_string(),
            arn: Arn::iam(account.as_str(), "root").to_string(),
            create_date: record.created,
            password_last_used: None,
            permissions_boundary: None,
            tags: None,
        })
    }
}
