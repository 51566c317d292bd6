//! Snapshots of all volumes of an instance: for themselves, and as an image.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/creating-an-ami-ebs.html>

use std::collections::BTreeSet;

use aws::Call;
use state::{Scope, Stored};

use super::{Attached, Instance, Phase, ToSnapshot};
use crate::block_device;
use crate::error::{Error, Result, not_served};
use crate::image::describe::check_name;
use crate::image::register::put;
use crate::image::{Block, Image};
use crate::snapshot::{self, Snapshot};
use crate::tag::{self, Tags};
use crate::volume::Volume;
use crate::{Ec2, id, model, scope};

impl Ec2 {
    /// The volumes of an instance with how it has them, the root first.
    async fn volumes_of(
        &self,
        scope: &Scope,
        instance: &Instance,
    ) -> Result<Vec<(Attached, Stored<Volume>)>> {
        let mut found = Vec::new();
        for one in instance.wanted_volumes() {
            let volume = self.volume(scope, &one.volume).await?;
            snapshot::check_volume(&volume.record)?;
            found.push((one.clone(), volume));
        }
        Ok(found)
    }
}

/// Unless told not to, the instance is restarted, and what was running is on the disk. A
/// running one's snapshots are taken by its reconciler, between the two.
pub async fn create_image(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateImageRequest,
) -> Result<model::CreateImageResult> {
    let local = input.snapshot_location.as_deref() == Some("local");
    not_served("CreateImage", &[("SnapshotLocation", local)])?;
    let asked = block_device::read("CreateImage", input.block_device_mappings)?;
    let given = tag::specified_for(input.tag_specifications, &[id::IMAGE, id::SNAPSHOT])?;
    let tags_for = |kind| {
        let found = given.iter().find(|(other, _)| *other == kind);
        found.map(|(_, tags)| tags.clone()).unwrap_or_default()
    };
    let scope = scope(call)?;
    ec2.retry(async || {
        check_name(ec2, &scope, &input.name).await?;
        let stored = ec2.instance(&scope, &input.instance_id).await?;
        let instance = &stored.record;
        if !matches!(instance.phase, Phase::Running | Phase::Stopped) {
            let message = format!(
                "The instance '{}' is not in the 'running' or 'stopped' state.",
                instance.id
            );
            return Err(Error::IncorrectState(message));
        }
        let restart = instance.phase == Phase::Running && input.no_reboot != Some(true);
        let image_id = id::IMAGE.new_id(&ec2.inner.random);
        let mut txn = ec2.records().transaction();
        let (mut blocks, mut to_take) = (Vec::new(), instance.snapshots.clone());
        for (one, volume) in ec2.volumes_of(&scope, instance).await? {
            let change = asked.iter().find(|asked| asked.device == one.device);
            if change.is_some_and(|change| change.none) && one.device != instance.root.device {
                continue;
            }
            let description = format!("Created by CreateImage({}) for {image_id}", instance.id);
            let mut snapshot = Snapshot::of(ec2, call, &volume.record, &description);
            if restart {
                snapshot.taken_by = Some(instance.id.clone());
                let (host, volume) = (snapshot.host.clone(), one.volume.clone());
                to_take.push(ToSnapshot { host, volume });
            }
            txn.require_unchanged(&volume);
            ec2.put_snapshot(&mut txn, &scope, &snapshot).await?;
            tag::create(&mut txn, &scope, &snapshot.id, &tags_for(id::SNAPSHOT));
            let default = block_device::AskedBlock::default();
            let change = change.unwrap_or(&default);
            let now = &volume.record.performance;
            blocks.push(Block {
                device: one.device.clone(),
                snapshot: Some(snapshot.id),
                performance: change.performance(Some(now), now.size_gib)?,
                delete_on_termination: change
                    .delete_on_termination
                    .unwrap_or(one.delete_on_termination),
            });
        }
        let image = Image {
            id: image_id,
            owner: call.account()?.clone(),
            owner_alias: None,
            name: input.name.clone(),
            description: input.description.clone().unwrap_or_default(),
            created: call.at,
            root: instance.root.clone(),
            blocks,
            shared_with: BTreeSet::new(),
            source_instance: Some(instance.id.clone()),
            source: None,
            imds_v2: instance.metadata.tokens_required,
        };
        put(&mut txn, &scope, &image);
        tag::create(&mut txn, &scope, &image.id, &tags_for(id::IMAGE));
        match restart {
            true => {
                let now = instance.next(Phase::Running, instance.since);
                txn.update(&stored, &Instance { snapshots: to_take, ..now })
            }
            false => txn.require_unchanged(&stored),
        };
        txn.commit().await?;
        Ok(model::CreateImageResult { image_id: Some(image.id) })
    })
    .await
}

pub async fn create_snapshots(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateSnapshotsRequest,
) -> Result<model::CreateSnapshotsResult> {
    let local = input.location.as_deref() == Some("local");
    not_served(
        "CreateSnapshots",
        &[("OutpostArn", input.outpost_arn.is_some()), ("Location", local)],
    )?;
    let tags = tag::specified(input.tag_specifications, id::SNAPSHOT)?;
    let which = input.instance_specification;
    let excluded = which.exclude_data_volume_ids.unwrap_or_default();
    let description = input.description.unwrap_or_default();
    let copy_tags = input.copy_tags_from_source.as_deref() == Some("volume");
    let scope = scope(call)?;
    ec2.retry(async || {
        let stored = ec2.instance(&scope, &which.instance_id).await?;
        let mut txn = ec2.records().transaction();
        txn.require_unchanged(&stored);
        let mut shapes = Vec::new();
        for (one, volume) in ec2.volumes_of(&scope, &stored.record).await? {
            let is_root = one.device == stored.record.root.device;
            if excluded.contains(&one.volume) || is_root && which.exclude_boot_volume == Some(true)
            {
                continue;
            }
            let snapshot = Snapshot::of(ec2, call, &volume.record, &description);
            let mut all = tags.clone();
            if copy_tags {
                all.extend(ec2.tags(&scope, &one.volume).await?.tags);
            }
            txn.require_unchanged(&volume);
            ec2.put_snapshot(&mut txn, &scope, &snapshot).await?;
            tag::create(&mut txn, &scope, &snapshot.id, &all);
            shapes.push(snapshot.info(&Tags { tags: all }));
        }
        txn.commit().await?;
        Ok(model::CreateSnapshotsResult { snapshots: Some(shapes) })
    })
    .await
}
