//! The policies that a user, group or role holds, parsed, and the records they came from.

use std::sync::Arc;

use aws::AccountId;
use bytes::Bytes;
use policy::{Document, Kind, Named};
use state::{Key, Record, Revision, Scope, Stored};

use super::stored_document;
use crate::error::Result;
use crate::group::Group;
use crate::id::UniqueId;
use crate::managed_policy::ManagedPolicy;
use crate::name::{self, PolicyArn, PolicyOwner};
use crate::policy_holder::{Policies, PolicyHolder, scope};
use crate::policy_version::{PolicyVersion, version_key};
use crate::role::Role;
use crate::user::User;
use crate::{Iam, aws_managed_policy};

#[derive(Debug, Default)]
pub(crate) struct Held {
    /// The holder's own and, for a user, its groups'.
    pub(crate) identity: Vec<HeldPolicy>,
    pub(crate) boundary: Option<HeldPolicy>,
    pub(crate) tags: Vec<(String, String)>,
    /// The holder's unique id and path.
    pub(crate) id: String,
    pub(crate) path: String,
    reads: Vec<Read>,
}

#[derive(Clone, Debug)]
pub(crate) struct HeldPolicy {
    /// As the simulator reports it: a managed policy's name, `user_bob_name` for an inline one.
    pub(crate) name: String,
    pub(crate) document: Arc<Document>,
}

/// One look at a record, also at one that was not there.
#[derive(Debug)]
struct Read {
    key: Bytes,
    revision: Option<Revision>,
}

/// A boundary whose policy is gone allows nothing: its absence must not set anyone free.
const NOTHING: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;

impl HeldPolicy {
    pub(crate) fn named(&self) -> Named<'_> {
        Named { name: &self.name, document: &self.document }
    }
}

impl Held {
    /// `None` when there is no such user, or when `id` is given and its name went to another.
    pub(crate) async fn of_user(
        iam: &Iam,
        account: &AccountId,
        name: &str,
        id: Option<&str>,
    ) -> Result<Option<Self>> {
        let mut gather = Gather::of(iam, account);
        let Some(user) = gather.get::<User>(&name::key(name)).await? else { return Ok(None) };
        let user = user.record;
        if id.is_some_and(|id| id != user.id) {
            return Ok(None);
        }
        gather.policies::<User>(&user.name, &user.policies).await?;
        for group in &user.groups {
            let Some(found) = gather.get::<UniqueId>(group).await? else { continue };
            if let Some(group) = gather.get::<Group>(&found.record.key).await? {
                gather.policies::<Group>(&group.record.name, &group.record.policies).await?;
            }
        }
        let tags = user.tags.iter().map(|(key, value)| (key.into(), value.into())).collect();
        gather.bound(user.boundary.as_deref()).await?;
        Ok(Some(Self { id: user.id, path: user.path, tags, ..gather.held }))
    }

    /// As [`Self::of_user`].
    pub(crate) async fn of_role(
        iam: &Iam,
        account: &AccountId,
        name: &str,
        id: Option<&str>,
    ) -> Result<Option<Self>> {
        let mut gather = Gather::of(iam, account);
        let Some(role) = gather.get::<Role>(&name::key(name)).await? else { return Ok(None) };
        let role = role.record;
        if id.is_some_and(|id| id != role.id) {
            return Ok(None);
        }
        gather.policies::<Role>(&role.name, &role.policies).await?;
        let tags = role.tags.iter().map(|(key, value)| (key.into(), value.into())).collect();
        gather.bound(role.boundary.as_deref()).await?;
        Ok(Some(Self { id: role.id, path: role.path, tags, ..gather.held }))
    }

    pub(crate) async fn of_group(
        iam: &Iam,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<Self>> {
        let mut gather = Gather::of(iam, account);
        let Some(group) = gather.get::<Group>(&name::key(name)).await? else { return Ok(None) };
        let group = group.record;
        gather.policies::<Group>(&group.name, &group.policies).await?;
        Ok(Some(Self { id: group.id, path: group.path, ..gather.held }))
    }

    /// Whether no record that this came from has changed.
    pub(crate) async fn is_current(&self, iam: &Iam) -> Result<bool> {
        // What was never found has no records whose change could be seen.
        if self.reads.is_empty() {
            return Ok(false);
        }
        for read in &self.reads {
            let found =
                iam.records.store().get(&read.key).await.map_err(state::records::Error::from)?;
            if found.map(|found| found.modified) != read.revision {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Reads records of one account and notes which.
struct Gather<'a> {
    iam: &'a Iam,
    account: &'a AccountId,
    scope: Scope,
    held: Held,
}

impl<'a> Gather<'a> {
    fn of(iam: &'a Iam, account: &'a AccountId) -> Self {
        Self { iam, account, scope: scope(account), held: Held::default() }
    }

    async fn get<R: Record>(&mut self, id: &str) -> Result<Option<Stored<R>>> {
        let found: Option<Stored<R>> = self.iam.records.get(&self.scope, id).await?;
        let key = Key::new(&self.scope, R::KIND, id).encode();
        self.held.reads.push(Read { key, revision: found.as_ref().map(|found| found.revision) });
        Ok(found)
    }

    async fn policies<H: PolicyHolder>(&mut self, holder: &str, own: &Policies) -> Result<()> {
        for (name, text) in &own.inline {
            let document = Arc::new(stored_document(text, Kind::Inline)?);
            let name = format!("{}_{holder}_{name}", H::NOUN);
            self.held.identity.push(HeldPolicy { name, document });
        }
        for arn in &own.attached {
            // A policy deleted in the midst of this request gives nothing.
            if let Some(policy) = self.managed(arn).await? {
                self.held.identity.push(policy);
            }
        }
        Ok(())
    }

    async fn managed(&mut self, arn: &str) -> Result<Option<HeldPolicy>> {
        let Some(parsed) = PolicyArn::parse(arn) else { return Ok(None) };
        let document = match &parsed.owner {
            PolicyOwner::Aws => {
                let policy = aws_managed_policy::find(&parsed.path, &parsed.name);
                policy.map(|policy| stored_document(policy.document, Kind::Managed)).transpose()?
            }
            PolicyOwner::Customer(owner) if owner == self.account => {
                self.customer(&parsed.name, arn).await?
            }
            PolicyOwner::Customer(_) => None,
        };
        let name = parsed.name;
        Ok(document.map(|document| HeldPolicy { name, document: Arc::new(document) }))
    }

    async fn customer(&mut self, name: &str, arn: &str) -> Result<Option<Document>> {
        let key = name::key(name);
        let policy = self.get::<ManagedPolicy>(&key).await?;
        let Some(policy) = policy.filter(|policy| policy.record.arn(self.account) == arn) else {
            return Ok(None);
        };
        let version = version_key(&key, policy.record.default_version);
        // A version never changes; which one is in force is said by the policy's own record.
        let version: Option<Stored<PolicyVersion>> =
            self.iam.records.get(&self.scope, &version).await?;
        version.map(|version| stored_document(&version.record.document, Kind::Managed)).transpose()
    }

    async fn bound(&mut self, boundary: Option<&str>) -> Result<()> {
        let Some(arn) = boundary else { return Ok(()) };
        self.held.boundary = match self.managed(arn).await? {
            Some(policy) => Some(policy),
            None => {
                let document = Arc::new(stored_document(NOTHING, Kind::Managed)?);
                Some(HeldPolicy { name: arn.into(), document })
            }
        };
        Ok(())
    }
}
