//! Whose account an access key is of.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetAccessKeyInfo.html>

use state::{Scope, Stored};

use crate::accounts::Account;
use crate::error::{Error, Result};
use crate::id;
use crate::sts::{Sts, model};

/// Says nothing of whether the key works, or still exists; that is so in AWS too.
pub async fn get(
    sts: &Sts,
    input: model::GetAccessKeyInfoRequest,
) -> Result<model::GetAccessKeyInfoResponse> {
    let invalid =
        || Error::ValidationError(format!("The access key id {} is invalid.", input.access_key_id));
    let (_, account) = id::read_access_key(&input.access_key_id).ok_or_else(invalid)?;
    let known: Option<Stored<Account>> =
        sts.iam.records.get(&Scope::Haneul, account.as_str()).await?;
    let account = known.ok_or_else(invalid)?.record.id;
    Ok(model::GetAccessKeyInfoResponse { account: Some(account.to_string()) })
}
