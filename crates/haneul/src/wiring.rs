//! Which services a region has, and what they stand on.

use std::sync::Arc;

use aws::{
    Authorizer, BoxFuture, Call, Check, Clock, Credential, CredentialError, Credentials, Decision,
    Error, Random, Region, Timestamp,
};

use crate::front::Parties;

/// The parties of a region without accounts: nobody's credentials are known.
pub fn parties(
    region: Region,
    domain: String,
    clock: Arc<Clock>,
    wall: Arc<Clock>,
    random: Arc<Random>,
) -> Parties {
    Parties {
        services: Vec::new(),
        credentials: Arc::new(NoAccounts),
        authorizer: Arc::new(NoAccounts),
        note_use: Box::new(|_, _| {}),
        region,
        domain,
        clock,
        wall,
        random,
    }
}

struct NoAccounts;

impl Credentials for NoAccounts {
    fn find<'a>(
        &'a self,
        _access_key_id: &'a str,
        _session_token: Option<&'a str>,
        _now: Timestamp,
    ) -> BoxFuture<'a, Result<Credential, CredentialError>> {
        Box::pin(async { Err(CredentialError::UnknownKey) })
    }
}

impl Authorizer for NoAccounts {
    fn authorize<'a>(
        &'a self,
        _call: &'a Call,
        check: &'a Check,
    ) -> BoxFuture<'a, Result<Decision, Error>> {
        let message = format!("nobody is authorized to perform: {}", check.action);
        Box::pin(async { Ok(Decision::Denied { message }) })
    }
}
