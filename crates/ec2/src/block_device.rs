//! Block device mappings as requests have them.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/block-device-mapping-concepts.html>

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, not_served};
use crate::model;
use crate::volume::Performance;
use crate::volume::performance::Asked;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedBlock {
    pub device: String,
    /// The image's is not wanted.
    pub none: bool,
    pub snapshot: Option<String>,
    pub size_gib: Option<i32>,
    pub volume_type: Option<String>,
    pub iops: Option<i32>,
    pub throughput_mib: Option<i32>,
    pub delete_on_termination: Option<bool>,
}

/// # Errors
/// For a device without a name or named twice, an encrypted one, an ephemeral one.
pub fn read(
    operation: &'static str,
    given: Option<Vec<model::BlockDeviceMapping>>,
) -> Result<Vec<AskedBlock>> {
    let read = |given: model::BlockDeviceMapping| {
        let ebs = given.ebs.unwrap_or_default();
        not_served(
            operation,
            &[
                ("BlockDeviceMapping.VirtualName", given.virtual_name.is_some()),
                ("BlockDeviceMapping.Ebs.Encrypted", ebs.encrypted == Some(true)),
                ("BlockDeviceMapping.Ebs.KmsKeyId", ebs.kms_key_id.is_some()),
                ("BlockDeviceMapping.Ebs.OutpostArn", ebs.outpost_arn.is_some()),
            ],
        )?;
        Ok(AskedBlock {
            device: given.device_name.unwrap_or_default(),
            none: given.no_device.is_some(),
            snapshot: ebs.snapshot_id,
            size_gib: ebs.volume_size,
            volume_type: ebs.volume_type,
            iops: ebs.iops,
            throughput_mib: ebs.throughput,
            delete_on_termination: ebs.delete_on_termination,
        })
    };
    let blocks = given.into_iter().flatten().map(read).collect::<Result<_>>()?;
    checked(blocks)
}

/// # Errors
/// For a device without a name or named twice.
pub fn checked(blocks: Vec<AskedBlock>) -> Result<Vec<AskedBlock>> {
    let invalid = |message| Err(Error::coded("InvalidBlockDeviceMapping", message));
    let names: BTreeSet<_> = blocks.iter().map(|block| &block.device).collect();
    if names.contains(&String::new()) {
        return invalid("A block device mapping has no device name");
    }
    if names.len() < blocks.len() {
        return invalid("A device name is used twice in the block device mappings");
    }
    Ok(blocks)
}

impl AskedBlock {
    /// What the volume will be: as asked, else as the image says.
    ///
    /// # Errors
    /// For what no volume can be.
    pub fn performance(&self, image: Option<&Performance>, size_min: u32) -> Result<Performance> {
        let image_type = image.map(|image| image.volume_type.as_str());
        let volume_type = self.volume_type.as_deref().or(image_type);
        // Speeds are the image's only while the type is.
        let same = image.filter(|image| volume_type == Some(image.volume_type.as_str()));
        let same = same.filter(|image| image.volume_type.takes_iops());
        let number = |number: u32| i32::try_from(number).ok();
        let asked = Asked {
            volume_type,
            size_gib: self.size_gib.or(image.and_then(|image| number(image.size_gib))),
            iops: self.iops.or(same.and_then(|image| number(image.iops?))),
            throughput_mib: self
                .throughput_mib
                .or(same.and_then(|image| number(image.throughput_mib?))),
        };
        if asked.size_gib.is_none() && size_min == 0 {
            return Err(Error::MissingParameter("size/snapshot"));
        }
        Performance::new(&asked, size_min)
    }
}
