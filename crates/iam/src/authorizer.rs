//! The policy engine on IAM's records: what every service asks before it acts.
//!
//! A caller's policies are read and parsed once and then kept with the revision of every
//! record they came from. Each request asks the store for those revisions again, so a change
//! is in force with the first request after its acknowledgement, and a request whose policies
//! did not change parses nothing.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws::{BoxFuture, Call, Check, Decision, Identity, Principal};
use policy::{Applied, Context, Document, Kind, Named, Request, Requester, denial, evaluate};

use crate::Iam;
use crate::error::{Error, Result};

mod documents;
pub(crate) mod held;

#[cfg(test)]
pub(crate) mod tests;

use documents::Documents;
use held::{Held, HeldPolicy};

/// Implements [`aws::Authorizer`] for every service of the region.
pub struct Authorizer {
    iam: Iam,
    held: Mutex<HashMap<String, Arc<Held>>>,
    documents: Documents,
}

/// Callers whose policies are kept. When more are seen, all are forgotten and read again.
const HELD_MAX: usize = 4096;

impl Authorizer {
    pub fn new(iam: Iam) -> Self {
        Self { iam, held: Mutex::default(), documents: Documents::default() }
    }

    async fn decide(&self, call: &Call, check: &Check) -> Result<Decision> {
        let held = self.held(&call.identity).await?;
        let resource = self.resource_policies(check)?;
        let session = self.session_policies(&call.identity)?;

        let identity: Vec<Named<'_>> = held.identity.iter().map(HeldPolicy::named).collect();
        let session: Vec<Named<'_>> =
            session.iter().map(|document| Named { name: "session", document }).collect();
        let resource: Vec<Named<'_>> =
            resource.iter().map(|document| Named { name: "resource", document }).collect();
        let applied = Applied {
            identity: &identity,
            boundary: held.boundary.as_ref().map(HeldPolicy::named),
            session: &session,
            resource: &resource,
        };
        let context = Context {
            call: Some(call),
            principal_tags: &held.tags,
            resource_account: check.resource_account.as_ref().or(call.identity.account.as_ref()),
            given: &check.context,
        };
        let who = Requester::new(&call.identity);
        let request = Request::new(who, &check.action, &check.resource, context);
        let verdict = evaluate(&applied, &request).verdict;
        Ok(match denial(&request, verdict) {
            None => Decision::Allowed,
            Some(message) => Decision::Denied { message },
        })
    }

    /// What the caller's own policies are at this moment.
    async fn held(&self, identity: &Identity) -> Result<Arc<Held>> {
        let (kind, id, name) = match &identity.principal {
            Principal::User { id, name, .. } => ("user", id, name),
            Principal::AssumedRole { id, name, .. } => ("role", id, name),
            Principal::Anonymous | Principal::Root | Principal::Service(_) => {
                return Ok(Arc::default());
            }
        };
        let Some(account) = &identity.account else { return Ok(Arc::default()) };
        let key = [account.as_str(), kind, id, name].join("/");
        let kept = lock(&self.held).get(&key).cloned();
        if let Some(kept) = kept
            && kept.is_current(&self.iam).await?
        {
            return Ok(kept);
        }
        let found = match kind {
            "user" => Held::of_user(&self.iam, account, name, Some(id)).await?,
            _ => Held::of_role(&self.iam, account, name, Some(id)).await?,
        };
        // Credentials can outlive their user by the length of a request: it has no policies.
        let found = Arc::new(found.unwrap_or_default());
        let mut held = lock(&self.held);
        if held.len() >= HELD_MAX {
            held.clear();
        }
        held.insert(key, found.clone());
        drop(held);
        Ok(found)
    }

    fn resource_policies(&self, check: &Check) -> Result<Vec<Arc<Document>>> {
        // A trust policy is one that STS's actions ask about.
        let kind = if check.action.starts_with("sts:") { Kind::Trust } else { Kind::Resource };
        let texts = check.resource_policies.iter();
        texts.map(|text| self.documents.read(text, kind)).collect()
    }

    fn session_policies(&self, identity: &Identity) -> Result<Vec<Arc<Document>>> {
        let texts = identity.session.iter().flat_map(|session| &session.policies);
        texts.map(|text| self.documents.read(text, Kind::Session)).collect()
    }
}

/// A document that was checked when it was stored.
fn stored_document(text: &str, kind: Kind) -> Result<Document> {
    Document::parse(text, kind)
        .map_err(|refusal| Error::Internal(format!("a stored policy cannot be read: {refusal}")))
}

fn lock<T>(map: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    map.lock().expect("nothing under this lock panics")
}

impl aws::Authorizer for Authorizer {
    fn authorize<'a>(
        &'a self,
        call: &'a Call,
        check: &'a Check,
    ) -> BoxFuture<'a, std::result::Result<Decision, aws::Error>> {
        Box::pin(async move { Ok(self.decide(call, check).await?) })
    }
}
