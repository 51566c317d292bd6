//! The request as conditions and policy variables see it: keys and their values.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use std::borrow::Cow;

use aws::{AccountId, Call, Identity, Principal, Timestamp};

/// Values of condition keys. Keys about the caller and the request are computed when a policy
/// asks for them; most policies ask for none, and an evaluation should not pay for them.
#[derive(Clone, Copy, Debug)]
pub struct Context<'a> {
    /// The caller and the request; `None` in a simulation, which knows only `given`.
    pub call: Option<&'a Call>,
    /// The tags of the calling user or role. A session's own tags are taken from `call` and
    /// go before these.
    pub principal_tags: &'a [(String, String)],
    /// Who owns the resource; `None` when nobody says.
    pub resource_account: Option<&'a AccountId>,
    /// Values of service and resource keys; they go before computed ones of the same name.
    pub given: &'a [(String, Vec<String>)],
}

/// What a request says for one key.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values<'a> {
    Absent,
    One(Cow<'a, str>),
    Many(&'a [String]),
}

impl<'a> Context<'a> {
    /// Only these values, and nothing about a caller.
    pub fn of_values(given: &'a [(String, Vec<String>)]) -> Self {
        Self { call: None, principal_tags: &[], resource_account: None, given }
    }

    /// Whether the request says something for a key.
    pub fn has(&self, key: &str) -> bool {
        self.values(&key.to_lowercase()) != Values::Absent
    }

    /// `key` is in lower case: names of keys are compared without their case.
    pub(crate) fn values(&self, key: &str) -> Values<'a> {
        if let Some((_, values)) = self.given.iter().find(|(k, _)| k.eq_ignore_ascii_case(key)) {
            return match values.as_slice() {
                [] => Values::Absent,
                [one] => Values::One(one.into()),
                many => Values::Many(many),
            };
        }
        let computed = key.strip_prefix("aws:").and_then(|name| self.computed(name));
        computed.map_or(Values::Absent, Values::One)
    }

    /// The value of a key that has exactly one, as a policy variable needs it.
    pub(crate) fn single(&self, key: &str) -> Option<Cow<'a, str>> {
        match self.values(key) {
            Values::One(value) => Some(value),
            Values::Absent | Values::Many(_) => None,
        }
    }

    fn computed(&self, name: &str) -> Option<Cow<'a, str>> {
        let call = self.call?;
        if let Some(tag) = name.strip_prefix("principaltag/") {
            return self.principal_tag(tag);
        }
        match name {
            "currenttime" => Some(call.at.to_whole_secs().to_iso8601().into()),
            "epochtime" => Some(call.at.as_secs().to_string().into()),
            "securetransport" => Some(flag(call.secure_transport)),
            "sourceip" => call.source_ip.map(|ip| ip.to_canonical().to_string().into()),
            "useragent" => call.user_agent.as_deref().map(Cow::from),
            "referer" => call.referer.as_deref().map(Cow::from),
            "requestedregion" => Some(call.region.as_str().into()),
            "viaawsservice" => Some(flag(call.via.is_some())),
            "calledvia" | "calledviafirst" | "calledvialast" => call.via.map(Cow::from),
            "resourceaccount" => self.resource_account.map(|id| id.as_str().into()),
            _ => about_principal(&call.identity, name)
                .or_else(|| about_session(&call.identity, call.at, name)),
        }
    }

    fn principal_tag(&self, key: &str) -> Option<Cow<'a, str>> {
        let session = self.call?.identity.session.as_ref();
        let session_tags = session.map_or(&[][..], |session| &session.tags);
        let mut tags = session_tags.iter().chain(self.principal_tags);
        tags.find(|(k, _)| k.eq_ignore_ascii_case(key)).map(|(_, value)| value.into())
    }
}

fn flag(set: bool) -> Cow<'static, str> {
    if set { "true".into() } else { "false".into() }
}

fn about_principal<'a>(identity: &'a Identity, name: &str) -> Option<Cow<'a, str>> {
    let principal = &identity.principal;
    match name {
        "username" => match principal {
            Principal::User { name, .. } => Some(name.into()),
            _ => None,
        },
        "userid" => identity.user_id().map(Cow::from),
        "principalarn" => identity.principal_arn().map(Into::into),
        "principalaccount" => match principal {
            Principal::Anonymous => Some("anonymous".into()),
            Principal::Service(_) => None,
            _ => identity.account.as_ref().map(|id| id.as_str().into()),
        },
        "principaltype" => match principal {
            Principal::Anonymous => Some("Anonymous".into()),
            Principal::Root => Some("Account".into()),
            Principal::User { .. } => Some("User".into()),
            Principal::AssumedRole { .. } => Some("AssumedRole".into()),
            Principal::Service(_) => None,
        },
        "principalisawsservice" => Some(flag(matches!(principal, Principal::Service(_)))),
        "principalservicename" | "principalservicenameslist" => match principal {
            Principal::Service(service) => Some(service.into()),
            _ => None,
        },
        _ => None,
    }
}

/// What a policy can know of a principal before it makes a request; keys as AWS spells them.
pub fn principal_keys(identity: &Identity) -> Vec<(String, String)> {
    let names = ["username", "userid", "PrincipalArn", "PrincipalAccount", "PrincipalType"];
    let value = |name: &str| about_principal(identity, &name.to_lowercase());
    let known = names.iter().filter_map(|name| Some((name, value(name)?)));
    // Of a role there is no session yet, and so no session name.
    let known = known.filter(|(_, value)| !value.is_empty() && !value.ends_with(':'));
    known.map(|(name, value)| (format!("aws:{name}"), value.into_owned())).collect()
}

/// Keys that only temporary credentials bring; `MultiFactorAuthPresent` too is absent, and not
/// false, for long-term ones.
fn about_session<'a>(identity: &'a Identity, at: Timestamp, name: &str) -> Option<Cow<'a, str>> {
    let session = identity.session.as_ref()?;
    match name {
        "tokenissuetime" => Some(session.issued_at.to_whole_secs().to_iso8601().into()),
        "multifactorauthpresent" => Some(flag(session.mfa)),
        "multifactorauthage" if session.mfa => {
            Some(at.since(session.issued_at).as_secs().to_string().into())
        }
        "sourceidentity" => session.source_identity.as_deref().map(Cow::from),
        _ => None,
    }
}
