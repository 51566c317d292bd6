//! Client tokens: the same request sent again makes nothing new.
//! <https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html>

use std::fmt::Debug;

use aws_lc_rs::digest::{SHA256, digest};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Transaction};

use crate::Ec2;
use crate::error::{Error, Result};

/// By `OPERATION/TOKEN`: what the request made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClientToken {
    pub ids: Vec<String>,
    /// A digest of the request, so that another one with the same token is told from it.
    pub request: String,
}

impl Record for ClientToken {
    const KIND: &'static str = "ec2.client-token";
    const FORMAT: u32 = 1;
}

/// AWS's limit of a token.
const LETTERS_MAX: usize = 64;

/// A request that has a token.
pub struct Token {
    key: String,
    letters: usize,
    request: String,
}

/// `None` of a request without a token.
pub fn of(operation: &str, token: Option<&str>, request: &impl Debug) -> Option<Token> {
    let token = token.filter(|token| !token.is_empty())?;
    let digest = digest(&SHA256, format!("{request:?}").as_bytes());
    let request = digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    Some(Token { key: format!("{operation}/{token}"), letters: token.chars().count(), request })
}

impl Ec2 {
    /// The resource that this request made when it was sent before.
    ///
    /// # Errors
    /// `IdempotentParameterMismatch` when another request had the token.
    pub(crate) async fn made_before(
        &self,
        scope: &Scope,
        token: Option<&Token>,
    ) -> Result<Option<String>> {
        let all = self.all_made_before(scope, token).await?;
        Ok(all.and_then(|ids| ids.into_iter().next()))
    }

    /// The same of a request that makes several.
    ///
    /// # Errors
    /// As [`Self::made_before`].
    pub(crate) async fn all_made_before(
        &self,
        scope: &Scope,
        token: Option<&Token>,
    ) -> Result<Option<Vec<String>>> {
        let Some(token) = token else { return Ok(None) };
        if token.letters > LETTERS_MAX {
            let message = format!("Client token can not be longer than {LETTERS_MAX} characters.");
            return Err(Error::InvalidParameterValue(message));
        }
        let found = self.records().get::<ClientToken>(scope, &token.key).await?;
        match found.map(|stored| stored.record) {
            Some(before) if before.request == token.request => Ok(Some(before.ids)),
            Some(_) => {
                let message = "Client token already used before with other parameters.";
                Err(Error::coded("IdempotentParameterMismatch", message))
            }
            None => Ok(None),
        }
    }
}

/// Conflicts when the same request has made something by now.
pub fn keep(txn: &mut Transaction, scope: &Scope, token: Option<&Token>, id: &str) {
    keep_all(txn, scope, token, vec![id.into()]);
}

/// The same for several.
pub fn keep_all(txn: &mut Transaction, scope: &Scope, token: Option<&Token>, ids: Vec<String>) {
    if let Some(token) = token {
        txn.create(scope, &token.key, &ClientToken { ids, request: token.request.clone() });
    }
}

/// What was made with it is gone.
///
/// # Errors
/// When the records cannot be read.
pub async fn forget(
    ec2: &Ec2,
    txn: &mut Transaction,
    scope: &Scope,
    operation: &str,
    token: &str,
) -> std::result::Result<(), state::records::Error> {
    let key = format!("{operation}/{token}");
    if let Some(kept) = ec2.records().get::<ClientToken>(scope, &key).await? {
        txn.delete(&kept);
    }
    Ok(())
}
