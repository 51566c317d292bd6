//! Changing size, type and speed of a volume while it is used.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modify-volume.html>

use std::time::Duration;

use aws::{Call, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Performance, Phase, Volume, performance};
use crate::error::{Error, Result, not_served};
use crate::filter::Filters;
use crate::tag::Tags;
use crate::{Ec2, id, model, scope};

/// The last one of a volume.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Modification {
    pub original: Performance,
    pub target: Performance,
    pub started: Timestamp,
    pub ended: Option<Timestamp>,
    pub failed: Option<String>,
}

/// AWS's rest between two modifications of a volume.
const REST: Duration = Duration::from_secs(6 * 3600);

impl Modification {
    fn state(&self) -> &'static str {
        match (&self.failed, self.ended) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "completed",
            (None, None) => "modifying",
        }
    }

    fn shape(&self, id: &str) -> model::VolumeModification {
        let number = |number: u32| i32::try_from(number).ok();
        model::VolumeModification {
            volume_id: Some(id.into()),
            modification_state: Some(self.state().into()),
            status_message: self.failed.clone(),
            target_size: number(self.target.size_gib),
            target_iops: self.target.iops.and_then(number),
            target_volume_type: Some(self.target.volume_type.as_str().into()),
            target_throughput: self.target.throughput_mib.and_then(number),
            target_multi_attach_enabled: Some(false),
            original_size: number(self.original.size_gib),
            original_iops: self.original.iops.and_then(number),
            original_volume_type: Some(self.original.volume_type.as_str().into()),
            original_throughput: self.original.throughput_mib.and_then(number),
            original_multi_attach_enabled: Some(false),
            progress: Some(if self.ended.is_some() { 100 } else { 0 }),
            start_time: Some(self.started),
            end_time: self.ended,
            ..Default::default()
        }
    }
}

pub async fn modify(
    ec2: &Ec2,
    call: &Call,
    input: model::ModifyVolumeRequest,
) -> Result<model::ModifyVolumeResult> {
    let multi = input.multi_attach_enabled == Some(true);
    not_served("ModifyVolume", &[("MultiAttachEnabled", multi)])?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let volume = ec2.volume(&scope, &input.volume_id).await?;
        let now = &volume.record;
        if now.phase != Phase::Available {
            let message = format!("Volume {} is {}", now.id, now.state());
            return Err(Error::IncorrectState(message));
        }
        check_rest(now, call.at)?;
        let asked = performance::Asked {
            volume_type: input.volume_type.as_deref(),
            size_gib: input.size,
            iops: input.iops,
            throughput_mib: input.throughput,
        };
        let original = now.performance;
        let target = original.modified(&asked)?;
        let modification =
            Modification { original, target, started: call.at, ended: None, failed: None };
        let shape = modification.shape(&now.id);
        let modification = Some(modification);
        let mut txn = ec2.records().transaction();
        txn.update(&volume, &Volume { performance: target, modification, ..now.clone() });
        txn.commit().await?;
        Ok(model::ModifyVolumeResult { volume_modification: Some(shape) })
    })
    .await
}

fn check_rest(volume: &Volume, now: Timestamp) -> Result<()> {
    let Some(last) = &volume.modification else { return Ok(()) };
    let id = &volume.id;
    let Some(ended) = last.ended else {
        let message = format!("Volume {id} is already being modified.");
        return Err(Error::coded("IncorrectModificationState", message));
    };
    if last.failed.is_none() && now < ended + REST {
        let message = format!(
            "You've reached the maximum modification rate per volume limit. Wait at least 6 hours between modifications per EBS volume. Last modification of {id} ended at {ended}."
        );
        return Err(Error::coded("VolumeModificationRateExceeded", message));
    }
    Ok(())
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVolumesModificationsRequest,
) -> Result<model::DescribeVolumesModificationsResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeVolumesModifications", token, size).await?;
    let named = input.volume_ids.clone().unwrap_or_default();
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<Volume>(&scope, id::VOLUME, input.volume_ids).await? {
        let volume = stored.record;
        let Some(modification) = &volume.modification else {
            if named.contains(&volume.id) {
                let message = format!("Modification for volume '{}' does not exist.", volume.id);
                return Err(Error::coded("InvalidVolumeModification.NotFound", message));
            }
            continue;
        };
        let shape = modification.shape(&volume.id);
        let values = |name: &str| {
            let number = |number: Option<i32>| number.map(|n| n.to_string());
            let value = match name {
                "volume-id" => shape.volume_id.clone(),
                "modification-state" => shape.modification_state.clone(),
                "original-iops" => number(shape.original_iops),
                "original-size" => number(shape.original_size),
                "original-volume-type" => shape.original_volume_type.clone(),
                "start-time" => Some(modification.started.to_iso8601()),
                "target-iops" => number(shape.target_iops),
                "target-size" => number(shape.target_size),
                "target-volume-type" => shape.target_volume_type.clone(),
                _ => return None,
            };
            Some(value.into_iter().collect())
        };
        if filters.pass(&Tags::default(), values)? {
            found.push((volume.id.clone(), shape));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeVolumesModificationsResult {
        volumes_modifications: Some(page.items),
        next_token: page.next_token,
    })
}
