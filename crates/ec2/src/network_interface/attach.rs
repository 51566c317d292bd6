//! Giving interfaces to instances and taking them back, also while they run.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/network-interface-attachments.html>

use aws::Call;
use state::{Scope, Stored};

use super::plan::Plan;
use super::{Attachment, NetworkInterface, refuse_managed};
use crate::error::{Error, Result, not_served};
use crate::instance::{AttachPhase, Instance, Phase};
use crate::instance_type::InstanceType;
use crate::{Ec2, model, scope};

pub async fn attach(
    ec2: &Ec2,
    call: &Call,
    input: model::AttachNetworkInterfaceRequest,
) -> Result<model::AttachNetworkInterfaceResult> {
    let count = |count: Option<i32>| count.is_some_and(|count| count > 0);
    not_served(
        "AttachNetworkInterface",
        &[
            ("NetworkCardIndex", count(input.network_card_index)),
            ("EnaSrdSpecification", input.ena_srd_specification.is_some()),
            ("EnaQueueCount", count(input.ena_queue_count)),
        ],
    )?;
    let scope = scope(call)?;
    let attachment = Attachment {
        id: ec2.inner.random.resource_id("eni-attach"),
        instance_id: Some(input.instance_id.clone()),
        device_index: input.device_index,
        delete_on_termination: false,
        attached_at: call.at,
        phase: AttachPhase::Attaching,
    };
    ec2.retry(async || {
        let stored = ec2.network_interface(&scope, &input.network_interface_id).await?;
        refuse_managed(&stored.record)?;
        let held = ec2.instance(&scope, &input.instance_id).await?;
        check(ec2, &scope, &stored.record, &held.record, input.device_index).await?;
        let mut now = stored.record.clone();
        now.attachment = Some(attachment.clone());
        commit(ec2, &scope, &stored, &now, &held).await
    })
    .await?;
    Ok(model::AttachNetworkInterfaceResult {
        attachment_id: Some(attachment.id),
        network_card_index: Some(0),
    })
}

/// # Errors
/// As AWS's, for what cannot be together.
async fn check(
    ec2: &Ec2,
    scope: &Scope,
    interface: &NetworkInterface,
    instance: &Instance,
    index: i32,
) -> Result<()> {
    if interface.attachment.is_some() {
        let message = format!("Interface: [{}] in use.", interface.id);
        return Err(Error::coded("InvalidNetworkInterface.InUse", message));
    }
    if !matches!(instance.phase, Phase::Running | Phase::Stopped) {
        let (id, state) = (&instance.id, instance.phase.name());
        let message = format!("The instance '{id}' is not in a valid state: it is '{state}'.");
        return Err(Error::IncorrectState(message));
    }
    if interface.zone != instance.zone || interface.vpc_id != instance.vpc {
        let message = "You may not attach a network interface to an instance if they are not in the same VPC and availability zone";
        return Err(Error::InvalidParameterCombination(message.into()));
    }
    let held = ec2.interfaces_of(scope, &instance.id).await?;
    let at = |one: &Stored<NetworkInterface>| {
        one.record.attachment.as_ref().map(|attachment| attachment.device_index)
    };
    if index < 1 || held.iter().any(|one| at(one) == Some(index)) {
        let message = format!(
            "Instance '{}' already has an interface attached at device index '{index}'.",
            instance.id
        );
        return Err(Error::InvalidParameterValue(message));
    }
    let most = InstanceType::named(&instance.instance_type)?.interfaces_max;
    if held.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
        let message = format!(
            "Interface count {} exceeds the limit for {}",
            held.len() + 1,
            instance.instance_type
        );
        return Err(Error::coded("AttachmentLimitExceeded", message));
    }
    Ok(())
}

pub async fn detach(
    ec2: &Ec2,
    call: &Call,
    input: model::DetachNetworkInterfaceRequest,
) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let (stored, attachment) = attached(ec2, &scope, &input.attachment_id).await?;
        let Some(instance) = &attachment.instance_id else {
            return Err(Error::coded(
                "AuthFailure",
                "You do not have permission to access the specified resource.",
            ));
        };
        if attachment.device_index == 0 {
            let message =
                "The network interface at device index 0 and networkCard index 0 cannot be detached.";
            return Err(Error::coded("OperationNotPermitted", message));
        }
        if attachment.phase == AttachPhase::Detaching {
            return Ok(());
        }
        let held = ec2.instance(&scope, instance).await?;
        let mut now = stored.record.clone();
        now.attachment = Some(Attachment { phase: AttachPhase::Detaching, ..attachment });
        commit(ec2, &scope, &stored, &now, &held).await
    })
    .await
}

async fn attached(
    ec2: &Ec2,
    scope: &Scope,
    id: &str,
) -> Result<(Stored<NetworkInterface>, Attachment)> {
    for stored in ec2.all::<NetworkInterface>(scope, "").await? {
        let held = stored.record.attachment.clone();
        if let Some(attachment) = held.filter(|held| held.id == id) {
            return Ok((stored, attachment));
        }
    }
    let message = format!("The networkInterfaceAttachment ID '{id}' does not exist");
    Err(Error::coded("InvalidAttachmentID.NotFound", message))
}

/// The instance is told, whose reconciler makes it so and says so.
async fn commit(
    ec2: &Ec2,
    scope: &Scope,
    stored: &Stored<NetworkInterface>,
    now: &NetworkInterface,
    held: &Stored<Instance>,
) -> Result<()> {
    let mut txn = ec2.records().transaction();
    let mut plan = Plan::new(ec2, scope);
    plan.update(&mut txn, stored, now).await?;
    plan.finish(&mut txn);
    let mut instance = held.record.clone();
    instance.changing.insert(now.id.clone());
    txn.update(held, &instance);
    txn.commit().await?;
    Ok(())
}
