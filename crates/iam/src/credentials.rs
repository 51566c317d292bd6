//! The secrets behind access key ids, for whoever verifies signatures.

use std::sync::Arc;

use aws::{
    AccountId, BoxFuture, Credential, CredentialError, Credentials, Identity, Principal, Session,
    Timestamp,
};
use state::{Scope, Stored};

use crate::Iam;
use crate::access_key::{AccessKey, Owner, Status};
use crate::decoded::Decoded;
use crate::error::Error;
use crate::id::{self, KeyKind, UniqueId};
use crate::name;
use crate::policy_holder::scope;
use crate::role::Role;
use crate::sts::session::{Holder, Seal, SealedSession};
use crate::user::User;

/// Finds credentials. The store is asked each time, and only what has not changed there is not
/// decoded again; so a deleted key, user or role is refused by the very next request.
pub struct Keyring {
    iam: Iam,
    seal: Arc<Seal>,
    keys: Decoded<AccessKey>,
    ids: Decoded<UniqueId>,
    users: Decoded<User>,
}

/// A session policy that allows nothing, in place of a managed one deleted meanwhile: leaving
/// it out would widen the session.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}"#;

type Found<T> = Result<T, CredentialError>;

impl Keyring {
    pub fn new(iam: Iam, seal: Arc<Seal>) -> Self {
        let (keys, ids, users) = (Decoded::default(), Decoded::default(), Decoded::default());
        Self { iam, seal, keys, ids, users }
    }

    async fn long_term(&self, access_key_id: &str, account: AccountId) -> Found<Credential> {
        let scope = scope(&account);
        let key = self.keys.get(&self.iam.records, &scope, access_key_id).await.map_err(failed)?;
        let key = key.filter(|key| key.status == Status::Active);
        let key = key.ok_or(CredentialError::UnknownKey)?;
        let principal = match &key.owner {
            Owner::Root => Principal::Root,
            Owner::User(id) => {
                self.user(&scope, id).await?.ok_or(CredentialError::UnknownKey)?.principal()
            }
        };
        Ok(Credential {
            secret_access_key: key.secret.reveal().into(),
            identity: Identity {
                account: Some(account),
                principal,
                access_key_id: Some(access_key_id.into()),
                session: None,
            },
        })
    }

    async fn temporary(
        &self,
        access_key_id: &str,
        token: &str,
        now: Timestamp,
    ) -> Found<Credential> {
        let sealed = self.seal.read(access_key_id, token).ok_or(CredentialError::InvalidToken)?;
        if now >= sealed.expires_at {
            return Err(CredentialError::Expired);
        }
        let principal = self.holder(&sealed).await?.ok_or(CredentialError::InvalidToken)?;
        let policies = self.session_policies(&sealed).await?;
        Ok(Credential {
            secret_access_key: sealed.secret_access_key.reveal().into(),
            identity: Identity {
                account: Some(sealed.account),
                principal,
                access_key_id: Some(access_key_id.into()),
                session: Some(Session {
                    issued_at: sealed.issued_at,
                    expires_at: sealed.expires_at,
                    mfa: false,
                    policies,
                    tags: sealed.tags,
                    transitive_tag_keys: sealed.transitive_tag_keys,
                    source_identity: sealed.source_identity,
                }),
            },
        })
    }

    /// The session's principal as it is today; `None` when it was deleted, also when another
    /// was made under its name.
    async fn holder(&self, sealed: &SealedSession) -> Found<Option<Principal>> {
        let scope = scope(&sealed.account);
        match &sealed.holder {
            Holder::Root => Ok(Some(Principal::Root)),
            Holder::User { id } => Ok(self.user(&scope, id).await?.map(|user| user.principal())),
            Holder::Role { id, name, session_name } => {
                let role: Option<Stored<Role>> =
                    self.iam.records.get(&scope, &name::key(name)).await.map_err(failed)?;
                let role = role.map(|role| role.record).filter(|role| role.id == *id);
                Ok(role.map(|role| Principal::AssumedRole {
                    id: role.id,
                    path: role.path,
                    name: role.name,
                    session_name: session_name.clone(),
                }))
            }
        }
    }

    /// The user who has this unique id now, whatever the name.
    async fn user(&self, scope: &Scope, id: &str) -> Found<Option<Arc<User>>> {
        let records = &self.iam.records;
        let Some(found) = self.ids.get(records, scope, id).await.map_err(failed)? else {
            return Ok(None);
        };
        let user = self.users.get(records, scope, &found.key).await.map_err(failed)?;
        Ok(user.filter(|user| user.id == id))
    }

    async fn session_policies(&self, sealed: &SealedSession) -> Found<Vec<String>> {
        let mut policies: Vec<String> = sealed.policy.iter().cloned().collect();
        for arn in &sealed.policy_arns {
            let document = self.iam.managed_document(&sealed.account, arn).await;
            policies.push(document.map_err(failed)?.unwrap_or_else(|| NOTHING.into()));
        }
        Ok(policies)
    }
}

fn failed(error: impl Into<Error>) -> CredentialError {
    CredentialError::Failed(error.into().into())
}

impl Credentials for Keyring {
    fn find<'a>(
        &'a self,
        access_key_id: &'a str,
        session_token: Option<&'a str>,
        now: Timestamp,
    ) -> BoxFuture<'a, Result<Credential, CredentialError>> {
        Box::pin(async move {
            match (id::read_access_key(access_key_id), session_token) {
                (None, _) => Err(CredentialError::UnknownKey),
                (Some((KeyKind::LongTerm, account)), None) => {
                    self.long_term(access_key_id, account).await
                }
                (Some((KeyKind::Temporary, _)), Some(token)) => {
                    self.temporary(access_key_id, token, now).await
                }
                (Some(_), _) => Err(CredentialError::InvalidToken),
            }
        })
    }
}
