//! What is remembered of a volume beside its bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::linux::durable;

const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) format: u32,
    pub(crate) iops: Option<u32>,
    pub(crate) throughput_mib: Option<u32>,
    /// Only the kernel ever wrote its file system. What a guest could write to as a device is
    /// checked before the kernel reads it.
    pub(crate) is_trusted: bool,
}

impl Record {
    pub(crate) fn new(iops: Option<u32>, throughput_mib: Option<u32>) -> Self {
        Self { format: FORMAT, iops, throughput_mib, is_trusted: false }
    }

    /// Of the volume's folder.
    pub(crate) fn read(folder: &Path) -> io::Result<Self> {
        let record: Self = serde_json::from_slice(&fs::read(path(folder))?)?;
        match record.format {
            FORMAT => Ok(record),
            newer => Err(io::Error::other(format!("the volume is of format {newer}"))),
        }
    }

    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        durable::write(&path(folder), &serde_json::to_vec(self)?)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("volume.json")
}
