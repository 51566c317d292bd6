//! Instances: computers.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html>
//!
//! A handler writes what is wanted and raises the generation; the [`reconciler`] brings the
//! guest there and writes what it saw. Interfaces are in their own records, which say whose
//! they are; the volumes it has are here.

pub mod attachment;
pub mod attribute;
pub mod console;
pub mod create_image;
pub mod credits;
pub mod describe;
pub mod health;
pub mod metadata_options;
pub mod monitoring;
pub mod next_step;
pub mod profile;
pub mod reconciler;
pub mod run;
pub mod state_change;
pub mod status;

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use aws::{AccountId, Timestamp, Zone};
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Result};
use crate::volume::RootOf;
use crate::{Ec2, id};

pub use metadata_options::MetadataOptions;
pub use profile::Profile;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub id: String,
    pub owner: AccountId,
    pub reservation: String,
    pub launch_index: i32,
    pub client_token: Option<String>,
    pub image: String,
    /// The host's image and who logs in there.
    pub root: RootOf,
    pub instance_type: String,
    pub zone: Zone,
    pub vpc: String,
    pub subnet: String,
    /// Of the first interface.
    pub private_address: Ipv4Addr,
    /// Each start gives it a public address, each stop takes it back.
    pub public_on_start: bool,
    pub key_name: Option<String>,
    pub public_key: Option<String>,
    /// Base64.
    pub user_data: Option<String>,
    pub profile: Option<Profile>,
    pub metadata: MetadataOptions,
    pub monitoring: bool,
    pub ebs_optimized: bool,
    pub credits: Option<String>,
    pub disable_api_termination: bool,
    pub disable_api_stop: bool,
    pub shutdown_behavior: ShutdownBehavior,
    pub volumes: Vec<Attached>,
    /// Interfaces that come or go, by their ids; how is in their own records.
    #[serde(default)]
    pub changing: BTreeSet<String>,
    pub launched: Timestamp,
    pub phase: Phase,
    /// When the phase began.
    pub since: Timestamp,
    /// Raised with everything that is to happen to the guest.
    pub generation: u64,
    /// The newest generation that was seen to run.
    pub ran: u64,
    /// Its end does not wait for what runs inside.
    pub force: bool,
    /// The host does not answer for it.
    pub unseen: bool,
    pub reason: Option<Reason>,
    /// `User initiated (2026-11-22 10:40:53 GMT)`.
    pub transition: String,
    /// Snapshots to be taken while it does not run, before its next start.
    pub snapshots: Vec<ToSnapshot>,
}

impl Record for Instance {
    const KIND: &'static str = "ec2.instance";
    const FORMAT: u32 = 1;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    Pending,
    Running,
    Stopping,
    Stopped,
    ShuttingDown,
    Terminated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ShutdownBehavior {
    Stop,
    Terminate,
}

/// A volume that the instance has or is to have. The root is the one under its device's name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attached {
    pub volume: String,
    pub device: String,
    pub delete_on_termination: bool,
    pub at: Timestamp,
    pub phase: AttachPhase,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttachPhase {
    Attaching,
    #[default]
    Attached,
    Detaching,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    pub code: String,
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToSnapshot {
    /// The host's name for the snapshot.
    pub host: String,
    pub volume: String,
}

impl Phase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::ShuttingDown => "shutting-down",
            Self::Terminated => "terminated",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
        }
    }

    pub fn code(self) -> i32 {
        match self {
            Self::Pending => 0,
            Self::Running => 16,
            Self::ShuttingDown => 32,
            Self::Terminated => 48,
            Self::Stopping => 64,
            Self::Stopped => 80,
        }
    }

    /// Whether it is gone or going for good.
    pub fn is_over(self) -> bool {
        matches!(self, Self::ShuttingDown | Self::Terminated)
    }
}

impl AttachPhase {
    pub fn name(self) -> &'static str {
        match self {
            Self::Attaching => "attaching",
            Self::Attached => "attached",
            Self::Detaching => "detaching",
        }
    }
}

impl ShutdownBehavior {
    pub fn name(self) -> &'static str {
        match self {
            Self::Stop => "stop",
            Self::Terminate => "terminate",
        }
    }

    /// # Errors
    /// `InvalidParameterValue` for another word.
    pub fn named(name: &str) -> Result<Self> {
        match name {
            "stop" => Ok(Self::Stop),
            "terminate" => Ok(Self::Terminate),
            other => Err(Error::invalid_value(format!(
                "Value ({other}) for parameter instanceInitiatedShutdownBehavior is invalid."
            ))),
        }
    }
}

impl Reason {
    pub fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// `Client.UserInitiatedShutdown: User initiated shutdown`, in AWS's form.
    pub fn coded(code: &str, message: impl std::fmt::Display) -> Self {
        Self::new(code, format!("{code}: {message}"))
    }
}

impl Instance {
    pub fn root_volume(&self) -> Option<&Attached> {
        self.volumes.iter().find(|volume| volume.device == self.root.device)
    }

    /// The root first, and without those that are to be detached.
    pub fn wanted_volumes(&self) -> Vec<&Attached> {
        let wanted = self.volumes.iter().filter(|one| one.phase != AttachPhase::Detaching);
        let mut wanted: Vec<_> = wanted.collect();
        wanted.sort_by_key(|volume| volume.device != self.root.device);
        wanted
    }

    /// In another phase since `now`, for a guest of the next generation.
    pub fn next(&self, phase: Phase, now: Timestamp) -> Self {
        let generation = self.generation + 1;
        Self { phase, since: now, generation, unseen: false, ..self.clone() }
    }
}

impl Ec2 {
    /// # Errors
    /// `InvalidInstanceID.NotFound`, `InvalidInstanceID.Malformed`.
    pub(crate) async fn instance(&self, scope: &Scope, id: &str) -> Result<Stored<Instance>> {
        id::INSTANCE.check(id)?;
        let found = self.records().get(scope, id).await?;
        found.ok_or_else(|| Error::not_found(id::INSTANCE, id))
    }
}

#[cfg(test)]
mod tests;
