//! Snapshots of volumes.
//! <https://docs.aws.amazon.com/ebs/latest/userguide/ebs-snapshots.html>
//!
//! A copy shares the host's bytes with what it was copied from: the host's snapshot is removed
//! when the last record that uses it is.

pub mod copy;
pub mod data;
pub mod permission;
pub mod reconciler;

use std::collections::BTreeSet;

use aws::{AccountId, Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result, not_served};
use crate::filter::Filters;
use crate::tag::{self, Tags};
use crate::volume::{self, RootOf, Volume};
use crate::{Ec2, id, model, scope, share};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub id: String,
    pub owner: AccountId,
    /// `vol-ffffffff` of a copy, as in AWS.
    pub volume: String,
    pub size_gib: u32,
    pub description: String,
    pub started: Timestamp,
    pub completed: Option<Timestamp>,
    pub percent: u8,
    pub phase: Phase,
    /// The host's name for it.
    pub host: String,
    pub root: Option<RootOf>,
    /// Accounts that may make volumes of it, or `all`.
    pub shared_with: BTreeSet<String>,
    /// An instance takes it between its end and its next start; nobody else does.
    pub taken_by: Option<String>,
}

impl Record for Snapshot {
    const KIND: &'static str = "ec2.snapshot";
    const FORMAT: u32 = 1;
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Pending,
    Completed,
    Deleting,
    Failed(String),
}

impl Snapshot {
    pub fn state(&self) -> &'static str {
        match self.phase {
            Phase::Pending => "pending",
            Phase::Completed | Phase::Deleting => "completed",
            Phase::Failed(_) => "error",
        }
    }

    /// Of a volume, now, in the phase `Pending`.
    pub fn of(ec2: &Ec2, call: &Call, volume: &Volume, description: &str) -> Self {
        let id = id::SNAPSHOT.new_id(&ec2.inner.random);
        Self {
            host: id.clone(),
            id,
            owner: volume.owner.clone(),
            volume: volume.id.clone(),
            size_gib: volume.performance.size_gib,
            description: description.into(),
            started: call.at,
            completed: None,
            percent: 0,
            phase: Phase::Pending,
            root: volume.root.clone(),
            shared_with: BTreeSet::new(),
            taken_by: None,
        }
    }

    fn state_message(&self) -> Option<String> {
        match &self.phase {
            Phase::Failed(why) => Some(why.clone()),
            _ => None,
        }
    }

    pub(crate) fn shape(&self, tags: &Tags) -> model::Snapshot {
        model::Snapshot {
            snapshot_id: Some(self.id.clone()),
            volume_id: Some(self.volume.clone()),
            volume_size: i32::try_from(self.size_gib).ok(),
            state: Some(self.state().into()),
            state_message: self.state_message(),
            start_time: Some(self.started),
            completion_time: self.completed,
            progress: Some(format!("{}%", self.percent)),
            owner_id: Some(self.owner.to_string()),
            description: Some(self.description.clone()),
            encrypted: Some(false),
            storage_tier: Some("standard".into()),
            tags: tags.shapes(),
            ..Default::default()
        }
    }

    pub(crate) fn info(&self, tags: &Tags) -> model::SnapshotInfo {
        model::SnapshotInfo {
            snapshot_id: Some(self.id.clone()),
            volume_id: Some(self.volume.clone()),
            volume_size: i32::try_from(self.size_gib).ok(),
            state: Some(self.state().into()),
            start_time: Some(self.started),
            progress: Some(String::new()),
            owner_id: Some(self.owner.to_string()),
            description: Some(self.description.clone()),
            encrypted: Some(false),
            tags: tags.shapes(),
            ..Default::default()
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        let value = match name {
            "description" => self.description.clone(),
            "encrypted" => "false".into(),
            "owner-alias" => return Some(Vec::new()),
            "owner-id" => self.owner.to_string(),
            "progress" => format!("{}%", self.percent),
            "snapshot-id" => self.id.clone(),
            "start-time" => self.started.to_iso8601(),
            "status" => self.state().into(),
            "storage-tier" => "standard".into(),
            "volume-id" => self.volume.clone(),
            "volume-size" => self.size_gib.to_string(),
            _ => return None,
        };
        Some(vec![value])
    }
}

impl Ec2 {
    /// Of the account itself.
    ///
    /// # Errors
    /// `InvalidSnapshot.NotFound`, `InvalidSnapshot.Malformed`.
    pub(crate) async fn snapshot(&self, scope: &Scope, id: &str) -> Result<Stored<Snapshot>> {
        id::SNAPSHOT.check(id)?;
        let found = self.records().get::<Snapshot>(scope, id).await?;
        let found = found.filter(|found| found.record.phase != Phase::Deleting);
        found.ok_or_else(|| missing(id))
    }

    /// The account's own, or one that is shared with it.
    ///
    /// # Errors
    /// As [`Self::snapshot`].
    pub(crate) async fn visible_snapshot(&self, call: &Call, id: &str) -> Result<Stored<Snapshot>> {
        let own = self.snapshot(&scope(call)?, id).await;
        match own {
            Err(Error::Coded { .. } | Error::NotFound { .. }) => {}
            other => return other,
        }
        let owner = self.owner_of_shared(&call.region, id).await?.ok_or_else(|| missing(id))?;
        let theirs = Scope::Regional(owner, call.region.clone());
        let snapshot = self.snapshot(&theirs, id).await?;
        match share::is_with(&snapshot.record.shared_with, call.account()?) {
            true => Ok(snapshot),
            false => Err(missing(id)),
        }
    }

    /// As [`Self::visible_snapshot`], and volumes can be made of it.
    ///
    /// # Errors
    /// `IncorrectState` while it is not complete.
    pub(crate) async fn usable_snapshot(&self, call: &Call, id: &str) -> Result<Stored<Snapshot>> {
        let snapshot = self.visible_snapshot(call, id).await?;
        match snapshot.record.phase {
            Phase::Completed => Ok(snapshot),
            _ => {
                let state = snapshot.record.state();
                let message = format!("Snapshot is in invalid state - {state}");
                Err(Error::IncorrectState(message))
            }
        }
    }
}

fn missing(id: &str) -> Error {
    let message = format!("The snapshot '{id}' does not exist.");
    Error::coded(id::SNAPSHOT.not_found, message)
}

/// Only what is there and not going can be snapshotted.
pub(crate) fn check_volume(volume: &Volume) -> Result<()> {
    match &volume.phase {
        volume::Phase::Available => Ok(()),
        _ => {
            let message = format!("Volume '{}' is in state '{}'", volume.id, volume.state());
            Err(Error::IncorrectState(message))
        }
    }
}

pub async fn create(
    ec2: &Ec2,
    call: &Call,
    input: model::CreateSnapshotRequest,
) -> Result<model::Snapshot> {
    let local = input.location.as_deref() == Some("local");
    let outpost = input.outpost_arn.is_some();
    not_served("CreateSnapshot", &[("OutpostArn", outpost), ("Location", local)])?;
    let tags = tag::specified(input.tag_specifications, id::SNAPSHOT)?;
    let description = input.description.unwrap_or_default();
    let scope = scope(call)?;
    ec2.retry(async || {
        let volume = ec2.volume(&scope, &input.volume_id).await?;
        check_volume(&volume.record)?;
        let snapshot = Snapshot::of(ec2, call, &volume.record, &description);
        let mut txn = ec2.records().transaction();
        txn.require_unchanged(&volume);
        ec2.put_snapshot(&mut txn, &scope, &snapshot).await?;
        tag::create(&mut txn, &scope, &snapshot.id, &tags);
        txn.commit().await?;
        Ok(snapshot.shape(&Tags { tags: tags.clone() }))
    })
    .await
}

pub async fn delete(ec2: &Ec2, call: &Call, input: model::DeleteSnapshotRequest) -> Result<()> {
    let scope = scope(call)?;
    ec2.retry(async || {
        let snapshot = ec2.snapshot(&scope, &input.snapshot_id).await?;
        if let Some(image) = ec2.image_of_snapshot(&scope, &input.snapshot_id).await? {
            let message =
                format!("The snapshot {} is currently in use by {image}", input.snapshot_id);
            return Err(Error::coded("InvalidSnapshot.InUse", message));
        }
        let mut txn = ec2.records().transaction();
        txn.update(&snapshot, &Snapshot { phase: Phase::Deleting, ..snapshot.record.clone() });
        ec2.unshare(&mut txn, &call.region, &input.snapshot_id).await?;
        txn.commit().await?;
        Ok(())
    })
    .await
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeSnapshotsRequest,
) -> Result<model::DescribeSnapshotsResult> {
    let scope = scope(call)?;
    let account = call.account()?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeSnapshots", token, size).await?;
    let named = input.snapshot_ids.unwrap_or_default();
    for id in &named {
        ec2.visible_snapshot(call, id).await?;
    }
    let owners = input.owner_ids.unwrap_or_default();
    let users = input.restorable_by_user_ids.unwrap_or_default();
    let mut tags = ec2.tags_of(&scope, id::SNAPSHOT).await?;
    let mut found = Vec::new();
    for snapshot in ec2.visible_snapshots(call).await? {
        let owned = |owner: &String| {
            owner == "self" && snapshot.owner == *account || *owner == snapshot.owner.to_string()
        };
        let restorable = |user: &String| match user.as_str() {
            "self" => share::is_with(&snapshot.shared_with, account),
            user => snapshot.shared_with.contains(user),
        };
        let wanted = (named.is_empty() || named.contains(&snapshot.id))
            && (owners.is_empty() || owners.iter().any(owned))
            && (users.is_empty() || users.iter().any(restorable));
        let tags = match snapshot.owner == *account {
            true => tags.remove(&snapshot.id).unwrap_or_default(),
            false => Tags::default(),
        };
        if wanted && filters.pass(&tags, |name| snapshot.filter_values(name))? {
            found.push((snapshot.id.clone(), snapshot.shape(&tags)));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeSnapshotsResult { snapshots: Some(page.items), next_token: page.next_token })
}

impl Ec2 {
    /// The account's own and those shared with it, in the order of their ids.
    async fn visible_snapshots(&self, call: &Call) -> Result<Vec<Snapshot>> {
        let account = call.account()?;
        let own = self.all::<Snapshot>(&scope(call)?, "").await?;
        let mut all: Vec<Snapshot> = own.into_iter().map(|stored| stored.record).collect();
        for (id, owner) in self.shared(&call.region, id::SNAPSHOT).await? {
            let theirs = Scope::Regional(owner.clone(), call.region.clone());
            if owner != *account
                && let Some(stored) = self.records().get::<Snapshot>(&theirs, &id).await?
                && share::is_with(&stored.record.shared_with, account)
            {
                all.push(stored.record);
            }
        }
        all.retain(|snapshot| snapshot.phase != Phase::Deleting);
        all.sort_by(|one, two| one.id.cmp(&two.id));
        Ok(all)
    }
}

#[cfg(test)]
mod tests;
