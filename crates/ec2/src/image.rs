//! AMIs: an image of the host, who logs in there, and what the root volume begins with.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/AMIs.html>
//!
//! Every region has public ones under the names and owners that people search for
//! ([`public`]); they have no records. What accounts make themselves are a root volume's
//! snapshot over the same image of the host.

pub mod attribute;
pub mod copy;
pub mod describe;
pub mod public;
pub mod register;

use std::collections::BTreeSet;

use aws::{AccountId, Call, Timestamp};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::snapshot::{self, Snapshot};
use crate::volume::{Performance, RootOf};
use crate::{Ec2, id, scope, share};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub id: String,
    pub owner: AccountId,
    /// `amazon`, of its own public ones.
    pub owner_alias: Option<String>,
    pub name: String,
    pub description: String,
    pub created: Timestamp,
    pub root: RootOf,
    /// The first is the root's.
    pub blocks: Vec<Block>,
    /// Accounts that may run it, or `all`.
    pub shared_with: BTreeSet<String>,
    pub source_instance: Option<String>,
    /// The image that it is a copy of, and that one's region.
    pub source: Option<(String, String)>,
    /// Instances of it demand IMDSv2.
    pub imds_v2: bool,
}

impl Record for Image {
    const KIND: &'static str = "ec2.image";
    const FORMAT: u32 = 1;
}

/// A volume that instances of the image begin with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    pub device: String,
    pub snapshot: Option<String>,
    pub performance: Performance,
    pub delete_on_termination: bool,
}

/// How far an image is: as far as its snapshots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    Pending,
    Available,
    Failed(String),
}

impl State {
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Failed(_) => "failed",
        }
    }
}

impl Image {
    pub fn is_public(&self) -> bool {
        self.shared_with.contains(share::ALL)
    }

    pub fn root_device(&self) -> &str {
        &self.root.device
    }
}

fn missing(id: &str) -> Error {
    let message = format!("The image id '[{id}]' does not exist");
    Error::coded(id::IMAGE.not_found, message)
}

impl Ec2 {
    /// Of the account itself.
    ///
    /// # Errors
    /// `InvalidAMIID.NotFound`, `InvalidAMIID.Malformed`; `AuthFailure` for a public one.
    pub(crate) async fn own_image(&self, call: &Call, id: &str) -> Result<Stored<Image>> {
        id::IMAGE.check(id)?;
        if let Some(found) = self.records().get(&scope(call)?, id).await? {
            return Ok(found);
        }
        match public::named(&call.region, id) {
            Some(_) => {
                let message = format!("Not authorized for image:{id}");
                Err(Error::coded("AuthFailure", message))
            }
            None => Err(missing(id)),
        }
    }

    /// The account's own, a public one, or one that is shared with it.
    ///
    /// # Errors
    /// `InvalidAMIID.NotFound`, `InvalidAMIID.Malformed`.
    pub(crate) async fn visible_image(&self, call: &Call, id: &str) -> Result<Image> {
        id::IMAGE.check(id)?;
        if let Some(public) = public::named(&call.region, id) {
            return Ok(public);
        }
        if let Some(own) = self.records().get::<Image>(&scope(call)?, id).await? {
            return Ok(own.record);
        }
        let owner = self.owner_of_shared(&call.region, id).await?.ok_or_else(|| missing(id))?;
        let theirs = Scope::Regional(owner, call.region.clone());
        let image = self.records().get::<Image>(&theirs, id).await?.map(|stored| stored.record);
        let image = image.filter(|image| match call.account() {
            Ok(account) => share::is_with(&image.shared_with, account),
            Err(_) => false,
        });
        image.ok_or_else(|| missing(id))
    }

    /// The records of an image's snapshots, in its owner's scope.
    pub(crate) async fn snapshots_of(&self, call: &Call, image: &Image) -> Result<Vec<Snapshot>> {
        let scope = Scope::Regional(image.owner.clone(), call.region.clone());
        let mut found = Vec::new();
        for id in image.blocks.iter().filter_map(|block| block.snapshot.as_ref()) {
            let stored = self.records().get::<Snapshot>(&scope, id).await?;
            found.extend(stored.map(|stored| stored.record));
        }
        Ok(found)
    }

    pub(crate) async fn image_state(&self, call: &Call, image: &Image) -> Result<State> {
        let snapshots = self.snapshots_of(call, image).await?;
        Ok(state_of(&snapshots))
    }

    /// An image of the account that begins with this snapshot.
    pub(crate) async fn image_of_snapshot(
        &self,
        scope: &Scope,
        snapshot: &str,
    ) -> Result<Option<String>> {
        let all = self.all::<Image>(scope, "").await?;
        let has = |image: &Image| {
            image.blocks.iter().any(|block| block.snapshot.as_deref() == Some(snapshot))
        };
        Ok(all.into_iter().map(|stored| stored.record).find(has).map(|image| image.id))
    }
}

fn state_of(snapshots: &[Snapshot]) -> State {
    for snapshot in snapshots {
        match &snapshot.phase {
            snapshot::Phase::Failed(why) => return State::Failed(why.clone()),
            snapshot::Phase::Pending => return State::Pending,
            snapshot::Phase::Completed | snapshot::Phase::Deleting => {}
        }
    }
    State::Available
}

#[cfg(test)]
mod tests;
