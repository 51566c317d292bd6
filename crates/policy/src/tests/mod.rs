//! Tables of AWS's documented behaviour, and properties that hold for any policy.

mod conditions;
mod decisions;
mod denials;
mod documents;
mod properties;
mod speed;

use aws::{AccountId, Call, Identity, Principal, Session, Timestamp};

use super::*;

pub(crate) const OWN: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";

pub(crate) fn account(id: &str) -> AccountId {
    id.parse().expect("an account id")
}

pub(crate) fn user(id: &str, name: &str) -> Identity {
    Identity {
        account: Some(account(id)),
        principal: Principal::User {
            id: format!("AIDA{}", name.to_uppercase()),
            path: "/".into(),
            name: name.into(),
        },
        access_key_id: None,
        session: None,
    }
}

pub(crate) fn role(id: &str, name: &str, session_name: &str) -> Identity {
    Identity {
        account: Some(account(id)),
        principal: Principal::AssumedRole {
            id: format!("AROA{}", name.to_uppercase()),
            path: "/".into(),
            name: name.into(),
            session_name: session_name.into(),
        },
        access_key_id: None,
        session: Some(session()),
    }
}

pub(crate) fn service(name: &str) -> Identity {
    Identity {
        account: Some(account(OWN)),
        principal: Principal::Service(name.into()),
        access_key_id: None,
        session: None,
    }
}

pub(crate) fn session() -> Session {
    Session {
        issued_at: Timestamp::from_secs(1_799_999_000),
        expires_at: Timestamp::from_secs(1_800_003_600),
        mfa: false,
        policies: Vec::new(),
        tags: Vec::new(),
        transitive_tag_keys: Vec::new(),
        source_identity: None,
    }
}

pub(crate) fn call(identity: &Identity) -> Call {
    Call {
        request_id: "r".into(),
        identity: identity.clone(),
        region: "eu-west-1".parse().expect("a region"),
        at: Timestamp::from_secs(1_800_000_000),
        source_ip: Some([203, 0, 113, 7].into()),
        user_agent: Some("aws-cli/2".into()),
        referer: None,
        host: None,
        signature: None,
        secure_transport: true,
        via: None,
    }
}

/// A question built up in the words of the tables.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) call: Call,
    action: String,
    resource: String,
    owner: Option<AccountId>,
    identity: Vec<Document>,
    boundary: Option<Document>,
    session: Vec<Document>,
    on_resource: Vec<Document>,
    given: Vec<(String, Vec<String>)>,
    tags: Vec<(String, String)>,
}

impl Ask {
    pub(crate) fn new(who: &Identity, action: &str, resource: &str) -> Self {
        Self {
            call: call(who),
            action: action.into(),
            resource: resource.into(),
            owner: None,
            identity: Vec::new(),
            boundary: None,
            session: Vec::new(),
            on_resource: Vec::new(),
            given: Vec::new(),
            tags: Vec::new(),
        }
    }

    pub(crate) fn identity(mut self, statements: &str) -> Self {
        self.identity.push(parse(statements, Kind::Inline));
        self
    }

    pub(crate) fn boundary(mut self, statements: &str) -> Self {
        self.boundary = Some(parse(statements, Kind::Managed));
        self
    }

    pub(crate) fn session(mut self, statements: &str) -> Self {
        self.session.push(parse(statements, Kind::Session));
        self
    }

    pub(crate) fn on_resource(mut self, statements: &str) -> Self {
        self.on_resource.push(parse(statements, Kind::Resource));
        self
    }

    pub(crate) fn trust(mut self, statements: &str) -> Self {
        self.on_resource.push(parse(statements, Kind::Trust));
        self
    }

    pub(crate) fn owned_by(mut self, owner: &str) -> Self {
        self.owner = Some(account(owner));
        self
    }

    pub(crate) fn key(mut self, key: &str, values: &[&str]) -> Self {
        self.given.push((key.into(), values.iter().map(|v| (*v).into()).collect()));
        self
    }

    pub(crate) fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.push((key.into(), value.into()));
        self
    }

    pub(crate) fn verdict(&self) -> Verdict {
        self.with(|applied, request| evaluate(applied, request).verdict)
    }

    pub(crate) fn denial(&self) -> Option<String> {
        self.with(|applied, request| denial(request, evaluate(applied, request).verdict))
    }

    pub(crate) fn with<T>(&self, ask: impl FnOnce(&Applied<'_>, &Request<'_>) -> T) -> T {
        fn named(document: &Document) -> Named<'_> {
            Named { name: "p", document }
        }
        let identity: Vec<_> = self.identity.iter().map(named).collect();
        let session: Vec<_> = self.session.iter().map(named).collect();
        let on_resource: Vec<_> = self.on_resource.iter().map(named).collect();
        let applied = Applied {
            identity: &identity,
            boundary: self.boundary.as_ref().map(named),
            session: &session,
            resource: &on_resource,
        };
        let context = Context {
            call: Some(&self.call),
            principal_tags: &self.tags,
            resource_account: self.owner.as_ref(),
            given: &self.given,
        };
        let who = Requester::new(&self.call.identity);
        ask(&applied, &Request::new(who, &self.action, &self.resource, context))
    }
}

/// A document of version 2012-10-17 around one statement or several.
pub(crate) fn parse(statements: &str, kind: Kind) -> Document {
    let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
    Document::parse(&text, kind).unwrap_or_else(|refusal| panic!("{refusal}: {text}"))
}

pub(crate) const ALLOW_ALL: &str = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
pub(crate) const ALLOWED: Verdict = Verdict::Allowed;
