//! The one attribute that volumes have beside product codes.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumeAttribute.html>

use aws::Call;

use super::Volume;
use crate::error::{Error, Result};
use crate::{Ec2, model, scope};

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVolumeAttributeRequest,
) -> Result<model::DescribeVolumeAttributeResult> {
    let volume = ec2.volume(&scope(call)?, &input.volume_id).await?.record;
    let mut result =
        model::DescribeVolumeAttributeResult { volume_id: Some(volume.id), ..Default::default() };
    match input.attribute.as_str() {
        "autoEnableIO" => {
            let value = Some(volume.auto_enable_io);
            result.auto_enable_io = Some(model::AttributeBooleanValue { value });
        }
        "productCodes" => result.product_codes = Some(Vec::new()),
        other => {
            let message = format!("Value ({other}) for parameter attribute is invalid.");
            return Err(Error::InvalidParameterValue(message));
        }
    }
    Ok(result)
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyVolumeAttributeRequest,
) -> Result<()> {
    let scope = scope(call)?;
    let value = input.auto_enable_io.and_then(|value| value.value);
    let auto_enable_io = value.ok_or(Error::MissingParameter("AutoEnableIO.Value"))?;
    ec2.retry(async || {
        let volume = ec2.volume(&scope, &input.volume_id).await?;
        let mut txn = ec2.records().transaction();
        txn.update(&volume, &Volume { auto_enable_io, ..volume.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}
