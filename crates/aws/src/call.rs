//! Who asks, and when: what an operation knows about its caller.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::{AccountId, Error, Region, Timestamp};

const IAM: &str = "arn:aws:iam::";

/// One request after authentication. Operations take all time and identity from here.
#[derive(Clone, Debug)]
pub struct Call {
    pub request_id: String,
    pub identity: Identity,
    /// The region of the signature's scope, or the default one for unsigned requests.
    pub region: Region,
    /// The region clock's time at arrival.
    pub at: Timestamp,
    /// `None` for a call from inside haneul.
    pub source_ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    pub referer: Option<String>,
    /// The host that the request was sent to, with its port, as the client wrote it.
    pub host: Option<String>,
    /// `None` when the request was not signed, and for a call from inside haneul.
    pub signature: Option<Signature>,
    /// Whether the request came over TLS.
    pub secure_transport: bool,
    /// The service that forwards the user's request, when one does (`ec2.amazonaws.com`).
    pub via: Option<&'static str>,
}

impl Call {
    /// The account that asks.
    ///
    /// # Errors
    /// `MissingAuthenticationToken` (403) for an unsigned request.
    pub fn account(&self) -> Result<&AccountId, Error> {
        self.identity.account.as_ref().ok_or_else(|| {
            Error::client(
                403,
                "MissingAuthenticationToken",
                "Request is missing Authentication Token",
            )
        })
    }
}

/// How a request was signed, as policies of S3 can ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    pub version: SignatureVersion,
    pub carrier: Carrier,
    /// Since it was made, by the machine's clock; version 2 does not say when.
    pub age_ms: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureVersion {
    V2,
    V4,
}

/// Where a signature stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carrier {
    Header,
    Query,
    /// A field of a browser's form.
    Form,
}

/// A verified caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// `None` only for [`Principal::Anonymous`].
    pub account: Option<AccountId>,
    pub principal: Principal,
    pub access_key_id: Option<String>,
    /// Present when the credentials are temporary.
    pub session: Option<Session>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Principal {
    Anonymous,
    /// The account's root user: allowed everything in its account.
    Root,
    /// `path` begins and ends with a slash.
    User {
        id: String,
        path: String,
        name: String,
    },
    AssumedRole {
        id: String,
        path: String,
        name: String,
        session_name: String,
    },
    /// An AWS service acting for itself, such as `ec2.amazonaws.com`.
    Service(String),
}

/// What temporary credentials carry beside their principal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    pub mfa: bool,
    /// Session policies' documents; the caller may do only what each set of these allows too.
    pub policies: Vec<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
}

impl Identity {
    pub fn anonymous() -> Self {
        Self { account: None, principal: Principal::Anonymous, access_key_id: None, session: None }
    }

    pub fn root(account: AccountId) -> Self {
        Self {
            account: Some(account),
            principal: Principal::Root,
            access_key_id: None,
            session: None,
        }
    }

    /// The ARN that GetCallerIdentity answers and policies compare with `aws:PrincipalArn`
    /// (for an assumed role the latter is the role's own: [`Self::principal_arn`]).
    ///
    /// In one piece, and not by [`crate::Arn`], because every request is logged with it.
    pub fn arn(&self) -> Option<String> {
        let account = self.account.as_ref()?.as_str();
        Some(match &self.principal {
            Principal::Anonymous | Principal::Service(_) => return None,
            Principal::Root => [IAM, account, ":root"].concat(),
            Principal::User { path, name, .. } => [IAM, account, ":user", path, name].concat(),
            Principal::AssumedRole { name, session_name, .. } => {
                ["arn:aws:sts::", account, ":assumed-role/", name, "/", session_name].concat()
            }
        })
    }

    /// The value of the condition key `aws:PrincipalArn`.
    pub fn principal_arn(&self) -> Option<String> {
        match &self.principal {
            Principal::AssumedRole { path, name, .. } => {
                Some([IAM, self.account.as_ref()?.as_str(), ":role", path, name].concat())
            }
            _ => self.arn(),
        }
    }

    /// The value of `aws:userid` and of GetCallerIdentity's `UserId`.
    pub fn user_id(&self) -> Option<String> {
        Some(match &self.principal {
            Principal::Anonymous => "anonymous".into(),
            Principal::Root => self.account.as_ref()?.to_string(),
            Principal::User { id, .. } => id.clone(),
            Principal::AssumedRole { id, session_name, .. } => format!("{id}:{session_name}"),
            Principal::Service(_) => return None,
        })
    }
}
