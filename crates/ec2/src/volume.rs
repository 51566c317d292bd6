//! EBS volumes.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volumes.html>
//!
//! A volume's record says what it should be; who has it attached is in the instance's.

pub mod attribute;
pub mod modification;
pub mod performance;
pub mod reconciler;
pub mod status;

use aws::{AccountId, Call, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::client_token;
use crate::error::{Error, Result, not_served};
use crate::filter::Filters;
use crate::instance::Attached;
use crate::region::zone_named;
use crate::tag::{self, Tags};
use crate::{Ec2, id, model, scope};

pub use performance::{Performance, VolumeType};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume {
    pub id: String,
    pub owner: AccountId,
    pub zone: Zone,
    pub performance: Performance,
    pub content: Content,
    /// Of an instance's root, and of volumes made of such a one's snapshot.
    pub root: Option<RootOf>,
    pub created: Timestamp,
    pub phase: Phase,
    /// The one instance that has it.
    pub instance: Option<String>,
    pub modification: Option<modification::Modification>,
    pub auto_enable_io: bool,
    pub client_token: Option<String>,
}

impl Record for Volume {
    const KIND: &'static str = "ec2.volume";
    const FORMAT: u32 = 1;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Content {
    Blank,
    Root,
    Snapshot {
        id: String,
        /// The host's name for it.
        host: String,
    },
}

/// What a root volume is a delta over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootOf {
    /// The host's name of the image.
    pub image: String,
    pub login_user: String,
    pub device: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Creating,
    Available,
    Deleting,
    /// It cannot be made.
    Failed(String),
}

impl Volume {
    pub fn state(&self) -> &'static str {
        match (&self.phase, &self.instance) {
            (Phase::Failed(_), _) => "error",
            (Phase::Deleting, _) => "deleting",
            (Phase::Creating, _) => "creating",
            (Phase::Available, None) => "available",
            (Phase::Available, Some(_)) => "in-use",
        }
    }

    pub fn snapshot_id(&self) -> Option<&str> {
        match &self.content {
            Content::Snapshot { id, .. } => Some(id),
            _ => None,
        }
    }

    fn shape(
        &self,
        call: &Call,
        tags: &Tags,
        attached: Option<&(String, Attached)>,
    ) -> model::Volume {
        let number = |number: u32| i32::try_from(number).ok();
        model::Volume {
            volume_id: Some(self.id.clone()),
            size: number(self.performance.size_gib),
            snapshot_id: Some(self.snapshot_id().unwrap_or_default().into()),
            availability_zone: Some(self.zone.name(&call.region)),
            availability_zone_id: Some(self.zone.id(&call.region)),
            state: Some(self.state().into()),
            create_time: Some(self.created),
            attachments: Some(attached.iter().map(|(instance, one)| one.shape(instance)).collect()),
            encrypted: Some(false),
            iops: self.performance.iops.and_then(number),
            throughput: self.performance.throughput_mib.and_then(number),
            volume_type: Some(self.performance.volume_type.as_str().into()),
            multi_attach_enabled: Some(false),
            tags: tags.shapes(),
            ..Default::default()
        }
    }

    fn filter_values(
        &self,
        call: &Call,
        attached: Option<&(String, Attached)>,
        name: &str,
    ) -> Option<Vec<String>> {
        let one = |value: String| Some(vec![value]);
        if let Some(name) = name.strip_prefix("attachment.") {
            let Some((instance, attached)) = attached else { return Some(Vec::new()) };
            return one(match name {
                "attach-time" => attached.at.to_iso8601(),
                "delete-on-termination" => attached.delete_on_termination.to_string(),
                "device" => attached.device.clone(),
                "instance-id" => instance.clone(),
                "status" => attached.phase.name().into(),
                _ => return None,
            });
        }
        match name {
            "availability-zone" => one(self.zone.name(&call.region)),
            "availability-zone-id" => one(self.zone.id(&call.region)),
            "create-time" => one(self.created.to_iso8601()),
            "encrypted" | "fast-restored" | "multi-attach-enabled" => one("false".into()),
            "size" => one(self.performance.size_gib.to_string()),
            "snapshot-id" => Some(self.snapshot_id().into_iter().map(Into::into).collect()),
            "status" => one(self.state().into()),
            "volume-id" => one(self.id.clone()),
            "volume-type" => one(self.performance.volume_type.as_str().into()),
            _ => None,
        }
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidVolume.NotFound`, `InvalidVolume.Malformed`.
    pub(crate) async fn volume(&self, scope: &Scope, id: &str) -> Result<Stored<Volume>> {
        id::VOLUME.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::VOLUME, id))
    }

    /// What a new volume holds when it is made of a snapshot: its content, the root it was and
    /// the least size it must have.
    ///
    /// # Errors
    /// `InvalidSnapshot.NotFound`, `IncorrectState` while the snapshot is not complete.
    pub(crate) async fn content_of(
        &self,
        call: &Call,
        snapshot: &str,
    ) -> Result<(Content, Option<RootOf>, u32)> {
        let snapshot = self.usable_snapshot(call, snapshot).await?.record;
        let content = Content::Snapshot { id: snapshot.id, host: snapshot.host };
        Ok((content, snapshot.root, snapshot.size_gib))
    }
}

/// A volume that is asked for, by whatever operation.
pub struct NewVolume {
    pub zone: Zone,
    pub performance: Performance,
    pub content: Content,
    pub root: Option<RootOf>,
}

impl NewVolume {
    /// In the phase `Creating`.
    pub fn record(self, ec2: &Ec2, call: &Call) -> Result<Volume> {
        Ok(Volume {
            id: id::VOLUME.new_id(&ec2.inner.random),
            owner: call.account()?.clone(),
            zone: self.zone,
            performance: self.performance,
            content: self.content,
            root: self.root,
            created: call.at,
            phase: Phase::Creating,
            instance: None,
            modification: None,
            auto_enable_io: false,
            client_token: None,
        })
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateVolumeRequest,
) -> Result<model::Volume> {
    not_served(
        "CreateVolume",
        &[
            ("Encrypted", input.encrypted == Some(true)),
            ("KmsKeyId", input.kms_key_id.is_some()),
            ("MultiAttachEnabled", input.multi_attach_enabled == Some(true)),
            ("OutpostArn", input.outpost_arn.is_some()),
            ("VolumeInitializationRate", input.volume_initialization_rate.is_some()),
            ("Operator", input.operator.is_some()),
        ],
    )?;
    let scope = scope(call)?;
    let token = client_token::of("CreateVolume", input.client_token.as_deref(), &input);
    let zone = zone(call, input.availability_zone.as_deref(), input.availability_zone_id)?;
    let tags = tag::specified(input.tag_specifications, id::VOLUME)?;
    let (content, root, size_min) = match &input.snapshot_id {
        Some(snapshot) => ec2.content_of(call, snapshot).await?,
        None if input.size.is_none() => return Err(Error::MissingParameter("size/snapshot")),
        None => (Content::Blank, None, 0),
    };
    let asked = performance::Asked {
        volume_type: input.volume_type.as_deref(),
        size_gib: input.size,
        iops: input.iops,
        throughput_mib: input.throughput,
    };
    let performance = Performance::new(&asked, size_min)?;
    let mut volume = NewVolume { zone, performance, content, root }.record(ec2, call)?;
    volume.client_token.clone_from(&input.client_token);
    let made = ec2
        .retry(async || {
            if let Some(before) = ec2.made_before(&scope, token.as_ref()).await? {
                return Ok(Some(before));
            }
            let mut txn = ec2.records().transaction();
            txn.create(&scope, &volume.id, &volume);
            tag::create(&mut txn, &scope, &volume.id, &tags);
            client_token::keep(&mut txn, &scope, token.as_ref(), &volume.id);
            txn.commit().await?;
            Ok(None)
        })
        .await?;
    match made {
        Some(id) => {
            let volume = ec2.volume(&scope, &id).await?.record;
            let tags = ec2.tags(&scope, &id).await?;
            Ok(volume.shape(call, &tags, None))
        }
        None => Ok(volume.shape(call, &Tags { tags }, None)),
    }
}

fn zone(call: &Call, name: Option<&str>, id: Option<String>) -> Result<Zone> {
    if let Some(name) = name {
        return zone_named(&call.region, name);
    }
    let id = id.ok_or(Error::MissingParameter("AvailabilityZone"))?;
    let found = Zone::ALL.into_iter().find(|zone| zone.id(&call.region) == id);
    found.ok_or_else(|| Error::invalid_value(format!("Invalid availability zone-id: [{id}]")))
}

pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteVolumeRequest) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let volume = ec2.volume(&scope, &input.volume_id).await?;
        let id = &input.volume_id;
        if let Some(instance) = &volume.record.instance {
            let message = format!("Volume {id} is currently attached to {instance}");
            return Err(Error::coded("VolumeInUse", message));
        }
        if volume.record.phase == Phase::Deleting {
            return Ok(());
        }
        let mut txn = ec2.records().transaction();
        txn.update(&volume, &Volume { phase: Phase::Deleting, ..volume.record.clone() });
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeVolumesRequest,
) -> Result<model::DescribeVolumesResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeVolumes", token, size).await?;
    let mut tags = ec2.tags_of(&scope, id::VOLUME).await?;
    let attachments = ec2.attachments(&scope).await?;
    let mut found = Vec::new();
    for stored in ec2.named_or_all::<Volume>(&scope, id::VOLUME, input.volume_ids).await? {
        let volume = stored.record;
        let tags = tags.remove(&volume.id).unwrap_or_default();
        let attached = attachments.get(&volume.id);
        if filters.pass(&tags, |name| volume.filter_values(call, attached, name))? {
            found.push((volume.id.clone(), volume.shape(call, &tags, attached)));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeVolumesResult { volumes: Some(page.items), next_token: page.next_token })
}

#[cfg(test)]
mod tests;
