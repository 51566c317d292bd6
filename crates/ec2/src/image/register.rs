//! Making an image of a root volume's snapshot, and taking images back.

use std::collections::BTreeSet;

use aws::Call;
use state::{Scope, Transaction};

use super::describe::check_name;
use super::{Block, Image};
use crate::block_device::{self, AskedBlock};
use crate::error::{Error, Result, not_served};
use crate::tag;
use crate::volume::RootOf;
use crate::{Ec2, id, model, name, scope};

pub async fn register(
    ec2: &Ec2,
    call: &Call,
    input: model::RegisterImageRequest,
) -> Result<model::RegisterImageResult> {
    let other = |value: &Option<String>, only: &str| value.as_deref().is_some_and(|v| v != only);
    not_served(
        "RegisterImage",
        &[
            ("ImageLocation", input.image_location.is_some()),
            ("BillingProducts", input.billing_products.is_some()),
            ("BootMode", input.boot_mode.is_some()),
            ("TpmSupport", input.tpm_support.is_some()),
            ("UefiData", input.uefi_data.is_some()),
            ("KernelId", input.kernel_id.is_some()),
            ("RamdiskId", input.ramdisk_id.is_some()),
            ("Architecture", other(&input.architecture, "x86_64")),
            ("VirtualizationType", other(&input.virtualization_type, "hvm")),
        ],
    )?;
    let scope = scope(call)?;
    let tags = tag::specified(input.tag_specifications, id::IMAGE)?;
    let mut asked = block_device::read("RegisterImage", input.block_device_mappings)?;
    asked.retain(|block| !block.none);
    let device = input.root_device_name.unwrap_or_else(|| "/dev/sda1".into());
    let (blocks, root) = blocks(ec2, call, &asked, &device).await?;
    let image = Image {
        id: id::IMAGE.new_id(&ec2.inner.random),
        owner: call.account()?.clone(),
        owner_alias: None,
        name: input.name,
        description: input.description.unwrap_or_default(),
        created: call.at,
        root: RootOf { device, ..root },
        blocks,
        shared_with: BTreeSet::new(),
        source_instance: None,
        source: None,
        imds_v2: input.imds_support.is_some(),
    };
    ec2.retry(async || {
        check_name(ec2, &scope, &image.name).await?;
        let mut txn = ec2.records().transaction();
        put(&mut txn, &scope, &image);
        tag::create(&mut txn, &scope, &image.id, &tags);
        txn.commit().await?;
        Ok(())
    })
    .await?;
    Ok(model::RegisterImageResult { image_id: Some(image.id) })
}

async fn blocks(
    ec2: &Ec2,
    call: &Call,
    asked: &[AskedBlock],
    device: &str,
) -> Result<(Vec<Block>, RootOf)> {
    let mut root = None;
    let mut blocks = Vec::new();
    for block in asked {
        let mut size_min = 0;
        if let Some(id) = &block.snapshot {
            let snapshot = ec2.usable_snapshot(call, id).await?.record;
            size_min = snapshot.size_gib;
            if block.device == device {
                root = snapshot.root;
            }
        }
        blocks.push(Block {
            device: block.device.clone(),
            snapshot: block.snapshot.clone(),
            performance: block.performance(None, size_min)?,
            delete_on_termination: block.delete_on_termination.unwrap_or(true),
        });
    }
    blocks.sort_by_key(|block| block.device != device);
    let root = root.ok_or_else(|| {
        Error::coded(
            "InvalidBlockDeviceMapping",
            format!("The root device {device} needs a snapshot that was made of an instance's root volume"),
        )
    })?;
    Ok((blocks, root))
}

/// Creates the record and takes the name.
pub(crate) fn put(txn: &mut Transaction, scope: &Scope, image: &Image) {
    name::take(txn, scope, id::IMAGE, &image.name, &image.id);
    txn.create(scope, &image.id, image);
}

pub async fn deregister(
    ec2: &Ec2,
    call: &Call,
    input: model::DeregisterImageRequest,
) -> Result<model::DeregisterImageResult> {
    let delete_snapshots = input.delete_associated_snapshots == Some(true);
    not_served("DeregisterImage", &[("DeleteAssociatedSnapshots", delete_snapshots)])?;
    let scope = scope(call)?;
    ec2.retry(async || {
        let image = ec2.own_image(call, &input.image_id).await?;
        let mut txn = ec2.records().transaction();
        if let Some(named) = ec2.named(&scope, id::IMAGE, &image.record.name).await? {
            txn.delete(&named);
        }
        txn.delete(&image);
        ec2.unshare(&mut txn, &call.region, &input.image_id).await?;
        ec2.drop_tags(&mut txn, &scope, &input.image_id).await?;
        txn.commit().await?;
        Ok(model::DeregisterImageResult { r#return: Some(true), ..Default::default() })
    })
    .await
}
