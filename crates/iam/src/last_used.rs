//! When an access key and a role were last used.
//!
//! Kept in memory by every request and written down by [`Iam::write_last_used`], which the
//! binary calls now and then and when it stops. So a crash forgets at most the uses since
//! then; AWS too says these times may lag, and a write per request would cost far more than
//! they are worth.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use aws::{AccountId, Call, Principal, Timestamp};
use serde::{Deserialize, Serialize};
use state::Stored;

use crate::Iam;
use crate::access_key::AccessKey;
use crate::error::Result;
use crate::id;
use crate::name;
use crate::policy_holder::scope;
use crate::role::Role;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    pub at: Timestamp,
    /// The signing name: `iam`, `s3`.
    pub service: String,
    pub region: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleUse {
    pub at: Timestamp,
    pub region: String,
}

#[derive(Default)]
pub(crate) struct LastUsed(Mutex<Uses>);

/// What is not written down yet.
#[derive(Default)]
struct Uses {
    keys: BTreeMap<String, KeyUse>,
    /// By account, role key and unique id.
    roles: BTreeMap<(AccountId, String, String), RoleUse>,
}

impl LastUsed {
    fn uses(&self) -> MutexGuard<'_, Uses> {
        self.0.lock().expect("noting a use does not panic")
    }

    pub(crate) fn key(&self, id: &str) -> Option<KeyUse> {
        self.uses().keys.get(id).cloned()
    }

    pub(crate) fn role(&self, account: &AccountId, role: &Role) -> Option<RoleUse> {
        let at = (account.clone(), name::key(&role.name), role.id.clone());
        self.uses().roles.get(&at).cloned()
    }
}

impl Iam {
    /// Notes that a verified request reached `service` (its signing name).
    pub fn note_use(&self, call: &Call, service: &str) {
        let Some(account) = &call.identity.account else { return };
        let at = call.at.to_whole_secs();
        let region = call.region.to_string();
        match &call.identity.principal {
            Principal::AssumedRole { id, name, .. } => {
                let role = (account.clone(), name::key(name), id.clone());
                self.last_used.uses().roles.insert(role, RoleUse { at, region });
            }
            Principal::Root | Principal::User { .. } if call.identity.session.is_none() => {
                if let Some(key) = &call.identity.access_key_id {
                    let used = KeyUse { at, service: service.into(), region };
                    self.last_used.uses().keys.insert(key.clone(), used);
                }
            }
            _ => {}
        }
    }

    /// Writes down the uses noted since the last time.
    ///
    /// # Errors
    /// When the store does not answer; what was not written is kept for the next time.
    pub async fn write_last_used(&self) -> Result<()> {
        let keys: Vec<_> = self.last_used.uses().keys.clone().into_iter().collect();
        for (id, used) in keys {
            self.write_key_use(&id, &used).await?;
            let mut uses = self.last_used.uses();
            if uses.keys.get(&id) == Some(&used) {
                uses.keys.remove(&id);
            }
        }
        let roles: Vec<_> = self.last_used.uses().roles.clone().into_iter().collect();
        for (role, used) in roles {
            self.write_role_use(&role, &used).await?;
            let mut uses = self.last_used.uses();
            if uses.roles.get(&role) == Some(&used) {
                uses.roles.remove(&role);
            }
        }
        Ok(())
    }

    async fn write_key_use(&self, id: &str, used: &KeyUse) -> Result<()> {
        let Some((_, account)) = id::read_access_key(id) else { return Ok(()) };
        let scope = scope(&account);
        self.retry(async || {
            let found: Option<Stored<AccessKey>> = self.records.get(&scope, id).await?;
            let Some(key) = found else { return Ok(()) };
            let mut txn = self.records.transaction();
            let last_used = Some(used.clone());
            txn.update(&key, &AccessKey { last_used, ..key.record.clone() });
            txn.commit().await?;
            Ok(())
        })
        .await
    }

    async fn write_role_use(
        &self,
        (account, key, id): &(AccountId, String, String),
        used: &RoleUse,
    ) -> Result<()> {
        let scope = scope(account);
        self.retry(async || {
            let found: Option<Stored<Role>> = self.records.get(&scope, key).await?;
            let Some(role) = found.filter(|role| role.record.id == *id) else { return Ok(()) };
            let mut txn = self.records.transaction();
            let last_used = Some(used.clone());
            txn.update(&role, &Role { last_used, ..role.record.clone() });
            txn.commit().await?;
            Ok(())
        })
        .await
    }
}
