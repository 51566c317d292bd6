//! The decision, by AWS's evaluation logic.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>
//!
//! An explicit deny anywhere wins. Within one account the caller needs an allow either from its
//! identity policies, cut down to what its boundary and its session policies allow too, or from
//! the resource's policy: one that names the user, the session or everyone gives by itself, one
//! that names the session's role gives what boundary and session policies leave of it, and one
//! that names the account only lets that account's identity policies decide. Across accounts
//! both sides must allow.

use crate::document::{Document, Effect, Statement};
use crate::principal::Grant;
use crate::request::Request;

/// A document with the name it is reported by.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    pub name: &'a str,
    pub document: &'a Document,
}

/// Every policy that has a say in one request.
#[derive(Clone, Copy, Debug, Default)]
pub struct Applied<'a> {
    /// The user's own and its groups', or the role's.
    pub identity: &'a [Named<'a>],
    pub boundary: Option<Named<'a>>,
    /// Empty when none was passed; otherwise what any of them allows.
    pub session: &'a [Named<'a>],
    /// The policies attached to the resource (a bucket's policy, what its access control list
    /// grants), weighed as if they were one.
    pub resource: &'a [Named<'a>],
}

/// The kinds of policy that can refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layer {
    Identity,
    Boundary,
    Session,
    Resource,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Allowed,
    ExplicitDeny(Layer),
    /// Nothing denies, and this layer does not allow.
    ImplicitDeny(Layer),
}

/// The verdict and every statement that applied to the request, whatever its effect.
#[derive(Clone, Debug)]
pub struct Outcome<'a> {
    pub verdict: Verdict,
    pub matched: Vec<Matched<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Matched<'a> {
    pub layer: Layer,
    pub policy: Named<'a>,
    pub statement: &'a Statement,
}

impl Outcome<'_> {
    pub fn is_allowed(&self) -> bool {
        self.verdict == Verdict::Allowed
    }
}

pub fn evaluate<'a>(applied: &Applied<'a>, request: &Request<'_>) -> Outcome<'a> {
    let mut matched = Vec::new();
    let mut of_principal = |layer, policies: &[Named<'a>]| {
        let mut found = Found::default();
        for policy in policies {
            for statement in policy.document.statements().iter().filter(|s| s.applies(request)) {
                found.add(statement.effect());
                matched.push(Matched { layer, policy: *policy, statement });
            }
        }
        found
    };
    let identity = of_principal(Layer::Identity, applied.identity);
    let boundary = applied.boundary.map(|policy| of_principal(Layer::Boundary, &[policy]));
    let session =
        (!applied.session.is_empty()).then(|| of_principal(Layer::Session, applied.session));
    let resource = FoundOnResource::of(applied.resource, request, &mut matched);

    let denied = [
        (resource.denied && !may_mend_bucket_policy(request), Layer::Resource),
        (identity.denied, Layer::Identity),
        (boundary.as_ref().is_some_and(|found| found.denied), Layer::Boundary),
        (session.as_ref().is_some_and(|found| found.denied), Layer::Session),
    ];
    let verdict = match denied.iter().find(|(denied, _)| *denied) {
        Some((_, layer)) => Verdict::ExplicitDeny(*layer),
        None => {
            let allows = |found: Option<Found>| found.is_none_or(|found| found.allowed);
            let sides = Sides {
                identity: identity.allowed || request.who.is_root(),
                boundary: allows(boundary),
                session: allows(session),
                resource: resource.grant,
                must_name: !applied.resource.is_empty() && request.action_parts().0 == "kms",
            };
            match sides.first_refusal(request) {
                None => Verdict::Allowed,
                Some(layer) => Verdict::ImplicitDeny(layer),
            }
        }
    };
    Outcome { verdict, matched }
}

/// What each side allows when nothing is denied.
struct Sides {
    identity: bool,
    boundary: bool,
    session: bool,
    resource: Option<Grant>,
    /// A key's policy and a role's trust are the resource policies without which identity
    /// policies give nothing even in their own account.
    must_name: bool,
}

impl Sides {
    /// The layer whose missing allow stops the request.
    fn first_refusal(&self, request: &Request<'_>) -> Option<Layer> {
        if !request.who.has_identity_policies() {
            return (self.resource.is_none()).then_some(Layer::Resource);
        }
        let same_account = request.is_same_account();
        let given = if same_account { self.resource } else { None };
        if given == Some(Grant::Direct) {
            return None;
        }
        let needs_resource = !same_account || self.must_name || request.is_assuming_role();
        [
            (self.identity || given == Some(Grant::Role), Layer::Identity),
            (self.boundary, Layer::Boundary),
            (self.session, Layer::Session),
            (!needs_resource || self.resource.is_some(), Layer::Resource),
        ]
        .into_iter()
        .find_map(|(allowed, layer)| (!allowed).then_some(layer))
    }
}

/// What one layer's statements said.
#[derive(Default)]
struct Found {
    allowed: bool,
    denied: bool,
}

impl Found {
    fn add(&mut self, effect: Effect) {
        match effect {
            Effect::Allow => self.allowed = true,
            Effect::Deny => self.denied = true,
        }
    }
}

#[derive(Default)]
struct FoundOnResource {
    grant: Option<Grant>,
    denied: bool,
}

impl FoundOnResource {
    fn of<'a>(policies: &[Named<'a>], request: &Request<'_>, to: &mut Vec<Matched<'a>>) -> Self {
        let mut found = Self::default();
        let statements = policies
            .iter()
            .flat_map(|policy| policy.document.statements().iter().map(move |one| (policy, one)));
        for (policy, statement) in statements {
            let Some(principal) = &statement.principal else { continue };
            let named = match statement.effect() {
                Effect::Allow => principal.grant(&request.who),
                Effect::Deny => principal.denies(&request.who).then_some(Grant::Direct),
            };
            if named.is_none() || !statement.applies(request) {
                continue;
            }
            to.push(Matched { layer: Layer::Resource, policy: *policy, statement });
            match statement.effect() {
                Effect::Allow => found.grant = found.grant.max(named),
                Effect::Deny => found.denied = true,
            }
        }
        found
    }
}

/// The owner's root user can always read, replace and delete a bucket's policy, or one mistake
/// would close the bucket to everyone for good.
/// <https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html>
fn may_mend_bucket_policy(request: &Request<'_>) -> bool {
    const MENDING: [&str; 3] = ["getbucketpolicy", "putbucketpolicy", "deletebucketpolicy"];
    let (service, action) = request.action_parts();
    request.who.is_root()
        && request.is_same_account()
        && service == "s3"
        && MENDING.contains(&action)
}
