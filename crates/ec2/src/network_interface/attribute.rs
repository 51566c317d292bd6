//! What of an interface is read and set one by one.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html>

use aws::Call;

use crate::error::{Error, Result, refuse};
use crate::{Ec2, model, scope};

use super::plan::Plan;
use super::refuse_managed;

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeNetworkInterfaceAttributeRequest,
) -> Result<model::DescribeNetworkInterfaceAttributeResult> {
    let scope = scope(call)?;
    let one = ec2.network_interface(&scope, &input.network_interface_id).await?.record;
    let view = ec2.interface_view(call).await?;
    let mut answer = model::DescribeNetworkInterfaceAttributeResult {
        network_interface_id: Some(one.id.clone()),
        ..Default::default()
    };
    match input.attribute.as_deref() {
        Some("description") => {
            answer.description = Some(model::AttributeValue { value: Some(one.description) });
        }
        Some("groupSet") => answer.groups = Some(view.groups(&one)),
        Some("sourceDestCheck") => {
            let value = Some(one.source_dest_check);
            answer.source_dest_check = Some(model::AttributeBooleanValue { value });
        }
        Some("attachment") => {
            answer.attachment = one.attachment.as_ref().map(|held| held.shape(&one));
        }
        Some("associatePublicIpAddress") => {
            answer.associate_public_ip_address = Some(one.public_address.is_some());
        }
        Some(other) => {
            let message = format!("Value ({other}) for parameter attribute is invalid.");
            return Err(Error::InvalidParameterValue(message));
        }
        None => return Err(Error::MissingParameter("attribute")),
    }
    Ok(answer)
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyNetworkInterfaceAttributeRequest,
) -> Result<()> {
    refuse(
        "ModifyNetworkInterfaceAttribute",
        &[
            ("EnaSrdSpecification", input.ena_srd_specification.is_some()),
            ("EnablePrimaryIpv6", input.enable_primary_ipv6 == Some(true)),
            ("ConnectionTrackingSpecification", input.connection_tracking_specification.is_some()),
            ("AssociatePublicIpAddress", input.associate_public_ip_address.is_some()),
            ("AssociatedSubnetIds", input.associated_subnet_ids.is_some()),
        ],
    )?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.network_interface(&scope, &input.network_interface_id).await?;
        refuse_managed(&stored.record)?;
        let mut txn = ec2.records().transaction();
        let mut plan = Plan::new(ec2, &scope);
        plan.enter(&stored.record.vpc_id).await?;
        let mut one = stored.record.clone();
        if let Some(groups) = &input.groups {
            one.groups = plan.groups(&one.vpc_id, groups.clone()).await?;
        }
        if let Some(value) = input.description.as_ref().and_then(|value| value.value.clone()) {
            one.description = value;
        }
        if let Some(value) = input.source_dest_check.as_ref().and_then(|value| value.value) {
            one.source_dest_check = value;
        }
        if let Some(changes) = &input.attachment {
            let asked = changes.attachment_id.as_deref();
            let held = one.attachment.as_mut().filter(|held| asked == Some(held.id.as_str()));
            let missing = || {
                let id = asked.unwrap_or_default();
                let message = format!("The networkInterfaceAttachment ID '{id}' does not exist");
                Error::coded("InvalidAttachmentID.NotFound", message)
            };
            let held = held.ok_or_else(missing)?;
            held.delete_on_termination =
                changes.delete_on_termination.unwrap_or(held.delete_on_termination);
        }
        plan.update(&mut txn, &stored, &one).await?;
        plan.finish(&mut txn);
        txn.commit().await?;
        Ok(())
    })
    .await
}
