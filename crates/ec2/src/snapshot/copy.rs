//! Copying snapshots, within a region and between two.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-copy-snapshot.html>

use aws::{Call, Region};

use super::{Phase, Snapshot};
use crate::error::{Error, Result, not_served};
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, scope};

/// The volume that a copy says it is of.
const NO_VOLUME: &str = "vol-ffffffff";

impl Snapshot {
    /// Another snapshot of the same bytes, for whoever calls, in the region of the call.
    pub(crate) fn copied(&self, ec2: &Ec2, call: &Call, description: &str) -> Result<Self> {
        Ok(Self {
            id: id::SNAPSHOT.new_id(&ec2.inner.random),
            owner: call.account()?.clone(),
            volume: NO_VOLUME.into(),
            description: description.into(),
            started: call.at,
            completed: None,
            percent: 0,
            phase: Phase::Pending,
            shared_with: Default::default(),
            taken_by: None,
            ..self.clone()
        })
    }
}

/// A region as a request names it.
pub(crate) fn region(name: &str) -> Result<Region> {
    let unknown = || Error::invalid_value(format!("Invalid region name: {name}"));
    name.parse().map_err(|_| unknown())
}

pub async fn copy(
    ec2: &Ec2,
    call: &Call,
    input: model::CopySnapshotRequest,
) -> Result<model::CopySnapshotResult> {
    not_served(
        "CopySnapshot",
        &[
            ("Encrypted", input.encrypted == Some(true)),
            ("KmsKeyId", input.kms_key_id.is_some()),
            ("DestinationOutpostArn", input.destination_outpost_arn.is_some()),
            ("CompletionDurationMinutes", input.completion_duration_minutes.is_some()),
            ("DestinationAvailabilityZone", input.destination_availability_zone.is_some()),
        ],
    )?;
    let tags = tag::specified(input.tag_specifications, id::SNAPSHOT)?;
    let description = input.description.unwrap_or_default();
    let there = Call { region: region(&input.source_region)?, ..call.clone() };
    let scope = scope(call)?;
    ec2.retry(async || {
        let source = ec2.usable_snapshot(&there, &input.source_snapshot_id).await?;
        let copy = source.record.copied(ec2, call, &description)?;
        let mut txn = ec2.records().transaction();
        // Its bytes go when it is deleted and nobody else uses them.
        txn.require_unchanged(&source);
        ec2.put_snapshot(&mut txn, &scope, &copy).await?;
        tag::create(&mut txn, &scope, &copy.id, &tags);
        txn.commit().await?;
        Ok(model::CopySnapshotResult {
            snapshot_id: Some(copy.id),
            tags: Tags { tags: tags.clone() }.shapes(),
        })
    })
    .await
}
