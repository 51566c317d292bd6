//! Giving volumes to instances and taking them back.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-attaching-volume.html>

use aws::Call;

use super::{AttachPhase, Attached, Instance, Phase};
use crate::error::{Error, Result, not_served};
use crate::volume::{self, Volume};
use crate::{Ec2, model, scope};

impl Attached {
    pub(crate) fn shape(&self, instance: &str) -> model::VolumeAttachment {
        model::VolumeAttachment {
            volume_id: Some(self.volume.clone()),
            instance_id: Some(instance.into()),
            device: Some(self.device.clone()),
            state: Some(self.phase.name().into()),
            attach_time: Some(self.at),
            delete_on_termination: Some(self.delete_on_termination),
            ..Default::default()
        }
    }
}

pub async fn attach(
    ec2: &Ec2,
    call: &Call,
    input: model::AttachVolumeRequest,
) -> Result<model::VolumeAttachment> {
    let card = input.ebs_card_index.is_some_and(|index| index > 0);
    not_served("AttachVolume", &[("EbsCardIndex", card)])?;
    let scope = scope(call)?;
    check_device(&input.device)?;
    ec2.retry(async || {
        let stored = ec2.volume(&scope, &input.volume_id).await?;
        let held = ec2.instance(&scope, &input.instance_id).await?;
        let (volume, instance) = (&stored.record, &held.record);
        check_free(volume)?;
        if !matches!(instance.phase, Phase::Pending | Phase::Running | Phase::Stopped) {
            let (id, state) = (&instance.id, instance.phase.name());
            let message = format!("Instance '{id}' is not 'running'. It is '{state}'.");
            return Err(Error::coded("IncorrectState", message));
        }
        if volume.zone != instance.zone {
            let message = format!(
                "The volume '{}' is not in the same availability zone as instance '{}'",
                volume.id, instance.id
            );
            return Err(Error::coded("InvalidVolume.ZoneMismatch", message));
        }
        if instance.volumes.iter().any(|one| one.device == input.device) {
            let message = format!(
                "Invalid value '{}' for unixDevice. Attachment point {} is already in use",
                input.device, input.device
            );
            return Err(Error::InvalidParameterValue(message));
        }
        let attached = Attached {
            volume: volume.id.clone(),
            device: input.device.clone(),
            delete_on_termination: false,
            at: call.at,
            phase: AttachPhase::Attaching,
        };
        let shape = attached.shape(&instance.id);
        let mut now = instance.clone();
        now.volumes.push(attached);
        let mut txn = ec2.records().transaction();
        txn.update(&stored, &Volume { instance: Some(instance.id.clone()), ..volume.clone() });
        txn.update(&held, &now);
        txn.commit().await?;
        Ok(shape)
    })
    .await
}

pub(super) fn check_device(device: &str) -> Result<()> {
    let rest = device.strip_prefix("/dev/").unwrap_or(device);
    let named = rest.starts_with("sd") || rest.starts_with("xvd");
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    if named && rest.len() <= 8 && rest.bytes().all(fits) {
        return Ok(());
    }
    let message = format!(
        "Value ({device}) for parameter device is invalid. {device} is not a valid EBS device name."
    );
    Err(Error::InvalidParameterValue(message))
}

fn check_free(volume: &Volume) -> Result<()> {
    let id = &volume.id;
    if let Some(instance) = &volume.instance {
        let message = format!("{id} is already attached to an instance: {instance}");
        return Err(Error::coded("VolumeInUse", message));
    }
    if volume.phase != volume::Phase::Available {
        let message = format!("Volume '{id}' is in the '{}' state.", volume.state());
        return Err(Error::coded("IncorrectState", message));
    }
    Ok(())
}

pub async fn detach(
    ec2: &Ec2,
    call: &Call,
    input: model::DetachVolumeRequest,
) -> Result<model::VolumeAttachment> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let volume = ec2.volume(&scope, &input.volume_id).await?.record;
        let free = || {
            let message = format!("Volume '{}' is in the '{}' state.", volume.id, volume.state());
            Error::coded("IncorrectState", message)
        };
        let id = volume.instance.clone().ok_or_else(free)?;
        let held = ec2.instance(&scope, &id).await?;
        let mut now = held.record.clone();
        let elsewhere = |asked: &Option<String>, is: &str| {
            asked.as_deref().is_some_and(|asked| !asked.is_empty() && asked != is)
        };
        let one = now.volumes.iter_mut().find(|one| one.volume == volume.id);
        let one = one.ok_or_else(free)?;
        if elsewhere(&input.instance_id, &id) || elsewhere(&input.device, &one.device) {
            let message = format!(
                "The volume '{}' is not attached to instance '{}' as device '{}'.",
                volume.id,
                input.instance_id.as_deref().unwrap_or(&id),
                input.device.as_deref().unwrap_or(&one.device)
            );
            return Err(Error::coded("InvalidAttachment.NotFound", message));
        }
        if one.device == held.record.root.device && held.record.phase != Phase::Stopped {
            let message =
                format!("Unable to detach root volume '{}' from instance '{id}'", volume.id);
            return Err(Error::coded("OperationNotPermitted", message));
        }
        one.phase = AttachPhase::Detaching;
        let shape = one.shape(&id);
        let mut txn = ec2.records().transaction();
        txn.update(&held, &now);
        txn.commit().await?;
        Ok(shape)
    })
    .await
}

impl Ec2 {
    /// Which instance has each volume, and how.
    pub(crate) async fn attachments(
        &self,
        scope: &state::Scope,
    ) -> Result<std::collections::BTreeMap<String, (String, Attached)>> {
        let all = self.all::<Instance>(scope, "").await?.into_iter();
        let of = |instance: Instance| {
            let id = instance.id;
            instance.volumes.into_iter().map(move |one| (one.volume.clone(), (id.clone(), one)))
        };
        Ok(all.flat_map(|stored| of(stored.record)).collect())
    }
}
