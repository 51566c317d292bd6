//! Access keys of users and of the root user.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html>

use aws::{AccountId, Call, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::accounts::Account;
use crate::error::{Error, Limit, Missing, Result};
use crate::id::{self, KeyKind};
use crate::last_used::KeyUse;
use crate::policy_holder::scope;
use crate::quota::Quota;
use crate::secret::Secret;
use crate::user::{User, named_or_caller};
use crate::{Iam, model};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    pub owner: Owner,
    /// Kept readable: a signature can only be checked with the secret itself.
    pub secret: Secret,
    pub status: Status,
    pub created: Timestamp,
    /// As of the last time it was written down; see [`crate::last_used`].
    pub last_used: Option<KeyUse>,
}

impl Record for AccessKey {
    const KIND: &'static str = "iam.access-key";
    const FORMAT: u32 = 1;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Owner {
    Root,
    /// A user's unique id.
    User(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Active,
    Inactive,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "Active",
            Self::Inactive => "Inactive",
        }
    }

    fn parse(text: &str) -> Result<Self> {
        match text {
            "Active" => Ok(Self::Active),
            "Inactive" => Ok(Self::Inactive),
            _ => Err(Error::constraint("status", "Member must satisfy enum value set")),
        }
    }
}

impl AccessKey {
    /// A new active key and its id.
    pub(crate) fn new(
        random: &aws::Random,
        account: &AccountId,
        owner: Owner,
        at: Timestamp,
    ) -> (String, Self) {
        let key = Self {
            owner,
            secret: Secret::new(id::secret(random)),
            status: Status::Active,
            created: at.to_whole_secs(),
            last_used: None,
        };
        (id::access_key(random, KeyKind::LongTerm, account), key)
    }

    fn shape(&self, id: String, owner_name: &str) -> model::AccessKeyMetadata {
        model::AccessKeyMetadata {
            user_name: Some(owner_name.into()),
            access_key_id: Some(id),
            status: Some(self.status.as_str().into()),
            create_date: Some(self.created),
        }
    }
}

/// Whose keys an operation is about.
enum KeyOwner {
    Root(Box<Stored<Account>>),
    User(Box<Stored<User>>),
}

impl KeyOwner {
    async fn find(iam: &Iam, call: &Call, name: Option<String>) -> Result<Self> {
        let account = call.account()?;
        if name.is_none() && call.identity.principal == Principal::Root {
            return Ok(Self::Root(Box::new(iam.account_record(account).await?)));
        }
        let name = named_or_caller(&call.identity, name)?;
        Ok(Self::User(Box::new(iam.user(&scope(account), &name).await?)))
    }

    fn owner(&self) -> Owner {
        match self {
            Self::Root(_) => Owner::Root,
            Self::User(user) => Owner::User(user.record.id.clone()),
        }
    }

    /// As answers show it; AWS shows the root user's keys so.
    fn owner_name(&self) -> &str {
        match self {
            Self::Root(_) => "<root_account>",
            Self::User(user) => &user.record.name,
        }
    }

    fn ids(&self) -> &std::collections::BTreeSet<String> {
        match self {
            Self::Root(account) => &account.record.access_keys,
            Self::User(user) => &user.record.access_keys,
        }
    }

    /// Writes the owner's record with another list of keys.
    fn write(
        &self,
        txn: &mut state::Transaction,
        change: impl FnOnce(&mut std::collections::BTreeSet<String>),
    ) {
        match self {
            Self::Root(stored) => {
                let mut account = stored.record.clone();
                change(&mut account.access_keys);
                txn.update(stored.as_ref(), &account);
            }
            Self::User(stored) => {
                let mut user = stored.record.clone();
                change(&mut user.access_keys);
                txn.update(stored.as_ref(), &user);
            }
        }
    }

    /// The key of that id, when it is this owner's.
    async fn key(&self, iam: &Iam, scope: &Scope, id: &str) -> Result<Stored<AccessKey>> {
        let found: Option<Stored<AccessKey>> = iam.records.get(scope, id).await?;
        let found = found.filter(|key| key.record.owner == self.owner());
        found.ok_or_else(|| Error::NoSuchEntity(Missing::AccessKey(id.into())))
    }
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateAccessKeyRequest,
) -> Result<model::CreateAccessKeyResponse> {
    let account = call.account()?;
    let scope = scope(account);
    let (key_id, key, name) = iam
        .retry(async || {
            let holder = KeyOwner::find(iam, call, input.user_name.clone()).await?;
            if holder.ids().len() >= Quota::AccessKeysPerUser.max() {
                return Err(Error::LimitExceeded(Limit::Quota(Quota::AccessKeysPerUser)));
            }
            let (key_id, key) = AccessKey::new(&iam.random, account, holder.owner(), call.at);
            let mut txn = iam.records.transaction();
            txn.create(&scope, &key_id, &key);
            holder.write(&mut txn, |ids| {
                ids.insert(key_id.clone());
            });
            txn.commit().await?;
            Ok((key_id, key, holder.owner_name().to_owned()))
        })
        .await?;
    let access_key = model::AccessKey {
        user_name: name,
        access_key_id: key_id,
        status: key.status.as_str().into(),
        secret_access_key: key.secret.reveal().into(),
        create_date: Some(key.created),
    };
    Ok(model::CreateAccessKeyResponse { access_key })
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListAccessKeysRequest,
) -> Result<model::ListAccessKeysResponse> {
    let ask = iam.ask(call, "iam:ListAccessKeys", input.marker.as_deref(), input.max_items).await?;
    let holder = KeyOwner::find(iam, call, input.user_name).await?;
    let scope = scope(call.account()?);
    let mut keys = Vec::new();
    for id in holder.ids() {
        if let Some(key) = iam.records.get::<AccessKey>(&scope, id).await? {
            keys.push((id.clone(), key.record.shape(id.clone(), holder.owner_name())));
        }
    }
    let page = ask.cut(keys);
    Ok(model::ListAccessKeysResponse {
        is_truncated: Some(page.is_truncated()),
        access_key_metadata: page.items,
        marker: page.marker,
    })
}

pub async fn update(iam: &Iam, call: &Call, input: model::UpdateAccessKeyRequest) -> Result<()> {
    let scope = scope(call.account()?);
    let status = Status::parse(&input.status)?;
    iam.retry(async || {
        let holder = KeyOwner::find(iam, call, input.user_name.clone()).await?;
        let key = holder.key(iam, &scope, &input.access_key_id).await?;
        let mut txn = iam.records.transaction();
        txn.update(&key, &AccessKey { status, ..key.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeleteAccessKeyRequest) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let holder = KeyOwner::find(iam, call, input.user_name.clone()).await?;
        let key = holder.key(iam, &scope, &input.access_key_id).await?;
        let mut txn = iam.records.transaction();
        txn.delete(&key);
        holder.write(&mut txn, |ids| {
            ids.remove(&input.access_key_id);
        });
        txn.commit().await?;
        Ok(())
    })
    .await
}

/// When a key was last used, with AWS's `N/A` for one that never was.
pub async fn last_used(
    iam: &Iam,
    call: &Call,
    input: model::GetAccessKeyLastUsedRequest,
) -> Result<model::GetAccessKeyLastUsedResponse> {
    let account = call.account()?;
    let key: Option<Stored<AccessKey>> =
        iam.records.get(&scope(account), &input.access_key_id).await?;
    let Some(key) = key else {
        let caller = call.identity.arn().unwrap_or_default();
        return Err(Error::AccessDenied(format!(
            "User: {caller} is not authorized to perform iam:GetAccessKeyLastUsed on resource: access key {}",
            input.access_key_id
        )));
    };
    let user_name = match &key.record.owner {
        Owner::Root => None,
        Owner::User(id) => iam.user_by_id(&scope(account), id).await?.map(|user| user.record.name),
    };
    let used = iam.last_used.key(&input.access_key_id).or(key.record.last_used);
    let shape = match used {
        Some(used) => model::AccessKeyLastUsed {
            last_used_date: Some(used.at),
            service_name: used.service,
            region: used.region,
        },
        None => model::AccessKeyLastUsed {
            last_used_date: None,
            service_name: "N/A".into(),
            region: "N/A".into(),
        },
    };
    Ok(model::GetAccessKeyLastUsedResponse { user_name, access_key_last_used: Some(shape) })
}
