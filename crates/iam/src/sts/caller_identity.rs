//! Who asks.
//! <https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html>

use aws::Call;

use crate::error::Result;
use crate::sts::model;

pub fn get(call: &Call) -> Result<model::GetCallerIdentityResponse> {
    let account = call.account()?;
    Ok(model::GetCallerIdentityResponse {
        user_id: call.identity.user_id(),
        account: Some(account.to_string()),
        arn: call.identity.arn(),
    })
}
