//! Copying images, within a region and between two.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html>

use std::collections::BTreeSet;

use aws::Call;

use super::describe::check_name;
use super::register::put;
use super::{Image, State};
use crate::client_token;
use crate::error::{Error, Result, not_served};
use crate::snapshot::copy::region;
use crate::tag;
use crate::{Ec2, id, model, scope};

pub async fn copy(
    ec2: &Ec2,
    call: &Call,
    input: model::CopyImageRequest,
) -> Result<model::CopyImageResult> {
    not_served(
        "CopyImage",
        &[
            ("Encrypted", input.encrypted == Some(true)),
            ("KmsKeyId", input.kms_key_id.is_some()),
            ("DestinationOutpostArn", input.destination_outpost_arn.is_some()),
            ("DestinationAvailabilityZone", input.destination_availability_zone.is_some()),
            (
                "SnapshotCopyCompletionDurationMinutes",
                input.snapshot_copy_completion_duration_minutes.is_some(),
            ),
        ],
    )?;
    let token = client_token::of("CopyImage", input.client_token.as_deref(), &input);
    let mut given =
        tag::specified_for(input.tag_specifications.clone(), &[id::IMAGE, id::SNAPSHOT])?;
    let mut tags_for = |kind| {
        let at = given.iter().position(|(other, _)| *other == kind)?;
        Some(given.swap_remove(at).1)
    };
    let mut image_tags = tags_for(id::IMAGE).unwrap_or_default();
    let snapshot_tags = tags_for(id::SNAPSHOT).unwrap_or_default();
    let there = Call { region: region(&input.source_region)?, ..call.clone() };
    let scope = scope(call)?;
    if input.copy_image_tags == Some(true) {
        let theirs = ec2.tags(&crate::scope(&there)?, &input.source_image_id).await?.tags;
        let missing = theirs.into_iter().filter(|(key, _)| !image_tags.contains_key(key));
        image_tags.extend(missing.collect::<Vec<_>>());
    }
    ec2.retry(async || {
        if let Some(before) = ec2.made_before(&scope, token.as_ref()).await? {
            return Ok(model::CopyImageResult { image_id: Some(before) });
        }
        check_name(ec2, &scope, &input.name).await?;
        let source = ec2.visible_image(&there, &input.source_image_id).await?;
        if ec2.image_state(&there, &source).await? != State::Available {
            let message = format!("Image {} is not available", source.id);
            return Err(Error::coded("InvalidAMIID.Unavailable", message));
        }
        let mut txn = ec2.records().transaction();
        let mut image = Image {
            id: id::IMAGE.new_id(&ec2.inner.random),
            owner: call.account()?.clone(),
            owner_alias: None,
            name: input.name.clone(),
            description: input.description.clone().unwrap_or_default(),
            created: call.at,
            shared_with: BTreeSet::new(),
            source_instance: None,
            source: Some((source.id.clone(), there.region.to_string())),
            ..source.clone()
        };
        let owners = state::Scope::Regional(source.owner.clone(), there.region.clone());
        for block in &mut image.blocks {
            let Some(id) = &block.snapshot else { continue };
            let theirs = ec2.snapshot(&owners, id).await?;
            let description =
                format!("Copied for DestinationAmi {} from SourceAmi {}", image.id, source.id);
            let copy = theirs.record.copied(ec2, call, &description)?;
            txn.require_unchanged(&theirs);
            ec2.put_snapshot(&mut txn, &scope, &copy).await?;
            tag::create(&mut txn, &scope, &copy.id, &snapshot_tags);
            block.snapshot = Some(copy.id);
        }
        put(&mut txn, &scope, &image);
        tag::create(&mut txn, &scope, &image.id, &image_tags);
        client_token::keep(&mut txn, &scope, token.as_ref(), &image.id);
        txn.commit().await?;
        Ok(model::CopyImageResult { image_id: Some(image.id) })
    })
    .await
}
