//! Who may assume a role.
//!
//! A trust policy names users and roles by ARN; AWS keeps their unique ids behind the names,
//! so that a user deleted and made again under the same name is not trusted. Answers show the
//! name of today, or the bare id once the entity is gone.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::collections::BTreeMap;

use aws::{AccountId, Arn};
use policy::{Document, Kind, PrincipalName};
use serde::{Deserialize, Serialize};
use state::Stored;

use crate::Iam;
use crate::accounts::Account;
use crate::document;
use crate::error::{Error, Result};
use crate::name;
use crate::policy_holder::scope;
use crate::quota::Quota;
use crate::role::Role;
use crate::user::User;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrustPolicy {
    /// As it was handed in.
    document: String,
    /// The unique ids of the users and roles it names, by ARN.
    ids: BTreeMap<String, String>,
}

impl TrustPolicy {
    /// For a role of haneul's own making, which trusts one service.
    pub(crate) fn of_service(service: &str) -> Self {
        let document = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
        );
        Self { document, ids: BTreeMap::new() }
    }

    /// The document that the policy engine judges: unique ids instead of names.
    ///
    /// # Errors
    /// When the stored document is damaged.
    pub fn judged(&self) -> Result<String> {
        let id_of = |name: &PrincipalName| match name {
            PrincipalName::Arn(arn) => self.ids.get(arn).cloned().map(PrincipalName::UniqueId),
            _ => None,
        };
        Ok(self.parsed()?.with_principals(id_of).to_json())
    }

    fn parsed(&self) -> Result<Document> {
        Document::parse(&self.document, Kind::Trust)
            .map_err(|refusal| Error::Internal(format!("a stored trust policy: {refusal}")))
    }
}

impl Iam {
    /// Reads a trust policy and looks up whom it names.
    ///
    /// # Errors
    /// `MalformedPolicyDocument`; `LimitExceeded` when it is too long.
    pub(crate) async fn trust_policy(&self, document: String) -> Result<TrustPolicy> {
        let parsed = Document::parse(&document, Kind::Trust)?;
        document::check_size(&document, Quota::AclSizePerRole)?;
        let mut ids = BTreeMap::new();
        for principal in parsed.principals() {
            match principal {
                PrincipalName::Arn(arn) => {
                    if let Some(id) = self.principal_id(arn).await? {
                        ids.insert(arn.clone(), id);
                    }
                }
                // Ids are never typed by hand; AWS refuses one that has no entity any more.
                PrincipalName::UniqueId(id) => return Err(invalid_principal(id)),
                _ => {}
            }
        }
        Ok(TrustPolicy { document, ids })
    }

    /// The unique id behind a user's or role's ARN. `None` for a session's ARN, and for an
    /// account that this region does not have: nobody can come from there.
    async fn principal_id(&self, text: &str) -> Result<Option<String>> {
        let Ok(arn) = text.parse::<Arn>() else { return Err(invalid_principal(text)) };
        let Ok(account) = arn.account.parse::<AccountId>() else { return Ok(None) };
        let known: Option<Stored<Account>> =
            self.records.get(&state::Scope::Haneul, account.as_str()).await?;
        if known.is_none() || arn.service != "iam" {
            return Ok(None);
        }
        let scope = scope(&account);
        let key = name::key(arn.resource.rsplit('/').next().unwrap_or_default());
        let (found, id) = if arn.resource.starts_with("user/") {
            let user: Option<Stored<User>> = self.records.get(&scope, &key).await?;
            user.map(|user| (user.record.arn(&account), user.record.id)).unwrap_or_default()
        } else {
            let role: Option<Stored<Role>> = self.records.get(&scope, &key).await?;
            role.map(|role| (role.record.arn(&account), role.record.id)).unwrap_or_default()
        };
        if found == text { Ok(Some(id)) } else { Err(invalid_principal(text)) }
    }

    /// The document as answers show it, percent-encoded.
    pub(crate) async fn shown_trust(&self, trust: &TrustPolicy) -> Result<String> {
        let mut changed = BTreeMap::new();
        for (arn, id) in &trust.ids {
            let today = self.name_of(arn, id).await?;
            if today.as_ref() != Some(arn) {
                let shown =
                    today.map_or_else(|| PrincipalName::UniqueId(id.clone()), PrincipalName::Arn);
                changed.insert(arn.clone(), shown);
            }
        }
        if changed.is_empty() {
            return Ok(document::encode(&trust.document));
        }
        let shown = trust.parsed()?.with_principals(|name| match name {
            PrincipalName::Arn(arn) => changed.get(arn).cloned(),
            _ => None,
        });
        Ok(document::encode(&shown.to_json()))
    }

    /// The ARN that the entity of this unique id has today.
    async fn name_of(&self, arn: &str, id: &str) -> Result<Option<String>> {
        let Ok(arn) = arn.parse::<Arn>() else { return Ok(None) };
        let Ok(account) = arn.account.parse::<AccountId>() else { return Ok(None) };
        let scope = scope(&account);
        if arn.resource.starts_with("user/") {
            let user = self.user_by_id(&scope, id).await?;
            return Ok(user.map(|user| user.record.arn(&account)));
        }
        let key = name::key(arn.resource.rsplit('/').next().unwrap_or_default());
        let role: Option<Stored<Role>> = self.records.get(&scope, &key).await?;
        Ok(role.filter(|role| role.record.id == id).map(|role| role.record.arn(&account)))
    }
}

fn invalid_principal(name: &str) -> Error {
    Error::MalformedPolicyDocument(format!("Invalid principal in policy: \"AWS\":\"{name}\""))
}
