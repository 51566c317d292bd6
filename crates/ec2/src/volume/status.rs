//! Whether volumes can be read and written. A host's volume can or is not there.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumeStatus.html>

use aws::Call;

use super::{Phase, Volume};
use crate::error::Result;
use crate::filter::Filters;
use crate::tag::Tags;
use crate::{Ec2, id, model, scope};

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVolumeStatusRequest,
) -> Result<model::DescribeVolumeStatusResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeVolumeStatus", token, size).await?;
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<Volume>(&scope, id::VOLUME, input.volume_ids).await? {
        let volume = stored.record;
        let status = match volume.phase {
            Phase::Available => "ok",
            Phase::Failed(_) => "impaired",
            Phase::Creating | Phase::Deleting => "insufficient-data",
        };
        let zone = volume.zone.name(&call.region);
        let values = |name: &str| match name {
            "availability-zone" => Some(vec![zone.clone()]),
            "availability-zone-id" => Some(vec![volume.zone.id(&call.region)]),
            "volume-status.status" => Some(vec![status.into()]),
            "volume-status.details-name" => Some(vec!["io-enabled".into()]),
            _ => None,
        };
        if filters.pass(&Tags::default(), values)? {
            let id = volume.id.clone();
            found.push((id, shape(&volume, status, call)));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeVolumeStatusResult {
        volume_statuses: Some(page.items),
        next_token: page.next_token,
    })
}

fn shape(volume: &Volume, status: &str, call: &Call) -> model::VolumeStatusItem {
    let enabled = if status == "ok" { "passed" } else { "failed" };
    model::VolumeStatusItem {
        volume_id: Some(volume.id.clone()),
        availability_zone: Some(volume.zone.name(&call.region)),
        availability_zone_id: Some(volume.zone.id(&call.region)),
        volume_status: Some(model::VolumeStatusInfo {
            status: Some(status.into()),
            details: Some(vec![model::VolumeStatusDetails {
                name: Some("io-enabled".into()),
                status: Some(enabled.into()),
            }]),
        }),
        actions: Some(Vec::new()),
        events: Some(Vec::new()),
        ..Default::default()
    }
}
