//! What an instance wrote to its console.

use aws::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::error::{Error, Result};
use crate::{Ec2, model, scope};

/// Always the latest: there is no delay here as in AWS.
pub async fn output(
    ec2: &Ec2,
    call: &Call,
    input: model::GetConsoleOutputRequest,
) -> Result<model::GetConsoleOutputResult> {
    let instance = ec2.instance(&scope(call)?, &input.instance_id).await?.record;
    let console = match ec2.inner.host.console(&instance.guest_id()).await {
        Ok(console) => console,
        // Nothing was written by a guest that is not there.
        Err(host::Error::Refused(_)) => Vec::new(),
        Err(other) => return Err(Error::Internal(other.to_string())),
    };
    Ok(model::GetConsoleOutputResult {
        instance_id: Some(instance.id),
        timestamp: Some(call.at.to_whole_secs()),
        output: (!console.is_empty()).then(|| STANDARD.encode(console)),
    })
}

/// None boots by UEFI.
pub async fn uefi_data(
    ec2: &Ec2,
    call: &Call,
    input: model::GetInstanceUefiDataRequest,
) -> Result<model::GetInstanceUefiDataResult> {
    let instance = ec2.instance(&scope(call)?, &input.instance_id).await?.record;
    let message = format!("The instance '{}' does not support UEFI data.", instance.id);
    Err(Error::coded("UnsupportedOperation", message))
}
