//! An account's alias, unique among all accounts.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/console_account-alias.html>

use aws::{AccountId, Call};
use serde::{Deserialize, Serialize};
use state::{Record, Scope};

use crate::accounts::Account;
use crate::error::{Error, Missing, Result, Taken};
use crate::{Iam, model};

/// Whose an alias is; in haneul's own scope, by the alias.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAlias {
    pub account: AccountId,
}

impl Record for AccountAlias {
    const KIND: &'static str = "iam.account-alias";
    const FORMAT: u32 = 1;
}

/// A new alias takes the place of the account's old one.
pub async fn create(iam: &Iam, call: &Call, input: model::CreateAccountAliasRequest) -> Result<()> {
    let account = call.account()?;
    let alias = &input.account_alias;
    iam.retry(async || {
        let stored = iam.account_record(account).await?;
        if stored.record.alias.as_ref() == Some(alias) {
            return Ok(());
        }
        if iam.records.get::<AccountAlias>(&Scope::Haneul, alias).await?.is_some() {
            return Err(Error::EntityAlreadyExists(Taken::Alias(alias.clone())));
        }
        let mut txn = iam.records.transaction();
        if let Some(old) = &stored.record.alias
            && let Some(old) = iam.records.get::<AccountAlias>(&Scope::Haneul, old).await?
        {
            txn.delete(&old);
        }
        txn.create(&Scope::Haneul, alias, &AccountAlias { account: account.clone() });
        txn.update(&stored, &Account { alias: Some(alias.clone()), ..stored.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeleteAccountAliasRequest) -> Result<()> {
    let account = call.account()?;
    let alias = &input.account_alias;
    iam.retry(async || {
        let stored = iam.account_record(account).await?;
        if stored.record.alias.as_ref() != Some(alias) {
            return Err(Error::NoSuchEntity(Missing::Alias(alias.clone())));
        }
        let mut txn = iam.records.transaction();
        if let Some(old) = iam.records.get::<AccountAlias>(&Scope::Haneul, alias).await? {
            txn.delete(&old);
        }
        txn.update(&stored, &Account { alias: None, ..stored.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn list(
    iam: &Iam,
    call: &Call,
    input: model::ListAccountAliasesRequest,
) -> Result<model::ListAccountAliasesResponse> {
    let ask =
        iam.ask(call, "iam:ListAccountAliases", input.marker.as_deref(), input.max_items).await?;
    let account = iam.account_record(call.account()?).await?;
    let page = ask.cut(account.record.alias.into_iter().map(|alias| (alias.clone(), alias)));
    Ok(model::ListAccountAliasesResponse {
        is_truncated: Some(page.is_truncated()),
        account_aliases: page.items,
        marker: page.marker,
    })
}
