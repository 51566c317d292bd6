//! Who asks, and the Principal and NotPrincipal elements that name them.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use aws::{AccountId, Identity, Principal};

/// A caller with the names under which policies may know it.
#[derive(Clone, Debug)]
pub struct Requester<'a> {
    identity: &'a Identity,
    /// The user's, the root's or the session's ARN.
    arn: Option<String>,
    /// The assumed role's own ARN.
    role_arn: Option<String>,
}

impl<'a> Requester<'a> {
    pub fn new(identity: &'a Identity) -> Self {
        let role_arn = match identity.principal {
            Principal::AssumedRole { .. } => identity.principal_arn(),
            _ => None,
        };
        Self { identity, arn: identity.arn(), role_arn }
    }

    pub fn identity(&self) -> &'a Identity {
        self.identity
    }

    pub fn is_root(&self) -> bool {
        self.identity.principal == Principal::Root
    }

    /// Whether policies can be attached to it. Services and strangers have only what a
    /// resource's policy gives them.
    pub(crate) fn has_identity_policies(&self) -> bool {
        !matches!(self.identity.principal, Principal::Anonymous | Principal::Service(_))
    }

    /// The account whose policies govern the caller.
    pub(crate) fn account(&self) -> Option<&'a AccountId> {
        self.identity.account.as_ref().filter(|_| self.has_identity_policies())
    }

    /// The caller as AWS's refusals name it.
    pub(crate) fn name(&self) -> &str {
        match (&self.identity.principal, &self.arn) {
            (Principal::Service(service), _) => service,
            (_, Some(arn)) => arn,
            (_, None) => "anonymous",
        }
    }
}

/// How directly a resource's policy names the caller, which decides what else must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Grant {
    /// The account: its administrator's policies decide.
    Account,
    /// The role a session was made from: boundary and session policies still limit.
    Role,
    /// The user, the session, the service, or everyone.
    Direct,
}

/// Principal or NotPrincipal.
#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalElement {
    pub(crate) negated: bool,
    /// `"*"` written without a kind.
    pub(crate) everyone: bool,
    pub(crate) names: Vec<PrincipalName>,
}

/// One name in a Principal element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PrincipalName {
    /// `"AWS": "*"`: everyone, the unauthenticated too.
    Everyone,
    /// A bare account id or its root ARN.
    Account(AccountId),
    /// A user, role, assumed-role session or federated user.
    Arn(String),
    /// The unique id that IAM puts in place of a user's or role's ARN.
    UniqueId(String),
    Service(String),
    Federated(String),
    /// An account by [`AccountId::canonical_user_id`].
    CanonicalUser(String),
}

impl PrincipalName {
    /// `None` when AWS refuses such a name.
    pub(crate) fn parse(kind: &str, value: &str) -> Option<Self> {
        match kind {
            "AWS" => Self::parse_aws(value),
            "Service" => value.contains('.').then(|| Self::Service(value.into())),
            "Federated" => (!value.is_empty()).then(|| Self::Federated(value.into())),
            "CanonicalUser" => {
                let valid = value.len() == 64 && value.bytes().all(|b| b.is_ascii_hexdigit());
                valid.then(|| Self::CanonicalUser(value.into()))
            }
            _ => None,
        }
    }

    fn parse_aws(value: &str) -> Option<Self> {
        if value == "*" {
            return Some(Self::Everyone);
        }
        if let Ok(account) = value.parse() {
            return Some(Self::Account(account));
        }
        let unique = ["AIDA", "AROA"].iter().any(|prefix| value.starts_with(prefix));
        if unique && value.bytes().all(|b| b.is_ascii_alphanumeric()) {
            return Some(Self::UniqueId(value.into()));
        }
        let arn: aws::Arn = value.parse().ok()?;
        let account = arn.account.parse::<AccountId>();
        let (kind, name) = arn.resource.split_once('/').unwrap_or((&arn.resource, ""));
        // No wildcard can stand for a part of a name.
        if !arn.region.is_empty() || value.contains(['*', '?']) {
            return None;
        }
        match (arn.service.as_str(), kind, account) {
            ("iam", "root", Ok(account)) if name.is_empty() => Some(Self::Account(account)),
            ("iam", "user" | "role", Ok(_)) if !name.is_empty() => Some(Self::Arn(value.into())),
            // CloudFront's origin access identities, which bucket policies name.
            ("iam", "user", Err(_)) if arn.account == "cloudfront" => Some(Self::Arn(value.into())),
            ("sts", "assumed-role", Ok(_)) if name.contains('/') => Some(Self::Arn(value.into())),
            ("sts", "federated-user", Ok(_)) if !name.is_empty() => Some(Self::Arn(value.into())),
            _ => None,
        }
    }

    /// The kind under which a document lists this name.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Everyone | Self::Account(_) | Self::Arn(_) | Self::UniqueId(_) => "AWS",
            Self::Service(_) => "Service",
            Self::Federated(_) => "Federated",
            Self::CanonicalUser(_) => "CanonicalUser",
        }
    }

    /// The name as a document spells it; an account as its root ARN, as AWS stores it.
    pub fn value(&self) -> String {
        match self {
            Self::Everyone => "*".into(),
            Self::Account(account) => aws::Arn::iam(account.as_str(), "root").to_string(),
            Self::Arn(name)
            | Self::UniqueId(name)
            | Self::Service(name)
            | Self::Federated(name)
            | Self::CanonicalUser(name) => name.clone(),
        }
    }

    fn grant(&self, who: &Requester<'_>) -> Option<Grant> {
        match self {
            Self::Everyone => Some(Grant::Direct),
            Self::Account(account) if who.account() == Some(account) => {
                Some(if who.is_root() { Grant::Direct } else { Grant::Account })
            }
            Self::Arn(arn) if who.arn.as_ref() == Some(arn) => Some(Grant::Direct),
            Self::Arn(arn) if who.role_arn.as_ref() == Some(arn) => Some(Grant::Role),
            Self::UniqueId(own) => match &who.identity.principal {
                Principal::User { id, .. } if id == own => Some(Grant::Direct),
                Principal::AssumedRole { id, .. } if id == own => Some(Grant::Role),
                _ => None,
            },
            Self::Service(own) => match &who.identity.principal {
                Principal::Service(service) if service.eq_ignore_ascii_case(own) => {
                    Some(Grant::Direct)
                }
                _ => None,
            },
            Self::CanonicalUser(id) => {
                let account = who.account()?;
                let named = account.canonical_user_id().eq_ignore_ascii_case(id);
                if named { Self::Account(account.clone()).grant(who) } else { None }
            }
            // haneul issues no federated sessions.
            Self::Account(_) | Self::Arn(_) | Self::Federated(_) => None,
        }
    }
}

impl PrincipalElement {
    /// Whether it was written NotPrincipal.
    pub fn is_negated(&self) -> bool {
        self.negated
    }

    /// Whether it lists everyone, the unauthenticated too, in either spelling: `"*"` or
    /// `{"AWS": "*"}`.
    pub fn lists_everyone(&self) -> bool {
        self.everyone || self.names.contains(&PrincipalName::Everyone)
    }

    pub fn names(&self) -> &[PrincipalName] {
        &self.names
    }

    /// How an Allow statement names `who`. NotPrincipal gives to everyone whom it names in no
    /// way at all.
    pub(crate) fn grant(&self, who: &Requester<'_>) -> Option<Grant> {
        match (self.negated, self.named(who)) {
            (false, named) => named,
            (true, None) => Some(Grant::Direct),
            (true, Some(_)) => None,
        }
    }

    /// Whether a Deny statement is about `who`. Only the caller's own name exempts it from a
    /// NotPrincipal: an account or a role listed beside it exempts no one else in there.
    pub(crate) fn denies(&self, who: &Requester<'_>) -> bool {
        let named = self.named(who);
        if self.negated { named != Some(Grant::Direct) } else { named.is_some() }
    }

    fn named(&self, who: &Requester<'_>) -> Option<Grant> {
        if self.everyone {
            return Some(Grant::Direct);
        }
        self.names.iter().filter_map(|name| name.grant(who)).max()
    }
}
