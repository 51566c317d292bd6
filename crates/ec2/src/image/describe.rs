//! Finding images.

use std::collections::BTreeMap;

use aws::{AccountId, Call};
use state::Scope;

use super::{Block, Image, State, public, state_of};
use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::snapshot::Snapshot;
use crate::tag::Tags;
use crate::{Ec2, id, model, scope, share};

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeImagesRequest,
) -> Result<model::DescribeImagesResult> {
    let account = call.account()?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeImages", token, size).await?;
    let named = input.image_ids.unwrap_or_default();
    for id in &named {
        ec2.visible_image(call, id).await?;
    }
    let owners = input.owners.unwrap_or_default();
    let users = input.executable_users.unwrap_or_default();
    let mut tags = ec2.tags_of(&scope(call)?, id::IMAGE).await?;
    let mut found = Vec::new();
    for (image, state) in ec2.visible_images(call).await? {
        let wanted = (named.is_empty() || named.contains(&image.id))
            && (owners.is_empty() || owners.iter().any(|owner| is_owner(owner, &image, account)))
            && (users.is_empty() || users.iter().any(|user| may_run(user, &image, account)));
        let tags = match image.owner == *account {
            true => tags.remove(&image.id).unwrap_or_default(),
            false => Tags::default(),
        };
        if wanted && filters.pass(&tags, |name| filter_values(&image, &state, name))? {
            found.push((image.id.clone(), shape(&image, &state, &tags)));
        }
    }
    let page = ask.cut(found);
    Ok(model::DescribeImagesResult { images: Some(page.items), next_token: page.next_token })
}

fn is_owner(owner: &str, image: &Image, account: &AccountId) -> bool {
    match owner {
        "self" => image.owner == *account,
        "amazon" | "aws-marketplace" => image.owner_alias.as_deref() == Some(owner),
        id => image.owner.as_str() == id,
    }
}

fn may_run(user: &str, image: &Image, account: &AccountId) -> bool {
    match user {
        "self" => image.shared_with.contains(account.as_str()),
        user => image.shared_with.contains(user),
    }
}

impl Ec2 {
    /// The account's own, the public ones and those shared with it, in the order of their ids.
    async fn visible_images(&self, call: &Call) -> Result<Vec<(Image, State)>> {
        let account = call.account()?;
        let scope = scope(call)?;
        let snapshots = self.all::<Snapshot>(&scope, "").await?;
        let snapshots: BTreeMap<String, Snapshot> =
            snapshots.into_iter().map(|stored| (stored.key.id, stored.record)).collect();
        let mut all: Vec<(Image, State)> = Vec::new();
        all.extend(public::all(&call.region).into_iter().map(|image| (image, State::Available)));
        for stored in self.all::<Image>(&scope, "").await? {
            let ids = stored.record.blocks.iter().filter_map(|block| block.snapshot.as_ref());
            let mine: Vec<_> = ids.filter_map(|id| snapshots.get(id).cloned()).collect();
            all.push((stored.record, state_of(&mine)));
        }
        for (id, owner) in self.shared(&call.region, id::IMAGE).await? {
            let theirs = Scope::Regional(owner.clone(), call.region.clone());
            if owner != *account
                && let Some(stored) = self.records().get::<Image>(&theirs, &id).await?
                && share::is_with(&stored.record.shared_with, account)
            {
                let state = self.image_state(call, &stored.record).await?;
                all.push((stored.record, state));
            }
        }
        all.sort_by(|one, two| one.0.id.cmp(&two.0.id));
        Ok(all)
    }
}

impl Block {
    pub(super) fn shape(&self) -> model::BlockDeviceMapping {
        let number = |number: u32| i32::try_from(number).ok();
        model::BlockDeviceMapping {
            device_name: Some(self.device.clone()),
            ebs: Some(model::EbsBlockDevice {
                delete_on_termination: Some(self.delete_on_termination),
                encrypted: Some(false),
                iops: self.performance.iops.and_then(number),
                snapshot_id: self.snapshot.clone(),
                throughput: self.performance.throughput_mib.and_then(number),
                volume_size: number(self.performance.size_gib),
                volume_type: Some(self.performance.volume_type.as_str().into()),
                ..Default::default()
            }),
            ..Default::default()
        }
    }
}

fn shape(image: &Image, state: &State, tags: &Tags) -> model::Image {
    let text = |text: &str| Some(text.to_owned());
    let (source_id, source_region) = image.source.clone().unzip();
    model::Image {
        image_id: text(&image.id),
        image_location: Some(location(image)),
        image_type: text("machine"),
        image_owner_alias: image.owner_alias.clone(),
        owner_id: Some(image.owner.to_string()),
        name: text(&image.name),
        description: Some(image.description.clone()).filter(|text| !text.is_empty()),
        creation_date: Some(creation_date(image)),
        state: text(state.as_str()),
        state_reason: match state {
            State::Failed(why) => Some(model::StateReason {
                code: text("Client.InternalError"),
                message: Some(why.clone()),
            }),
            _ => None,
        },
        public: Some(image.is_public()),
        architecture: text("x86_64"),
        platform_details: text("Linux/UNIX"),
        usage_operation: text("RunInstances"),
        hypervisor: text("xen"),
        virtualization_type: text("hvm"),
        ena_support: Some(true),
        sriov_net_support: text("simple"),
        root_device_name: text(image.root_device()),
        root_device_type: text("ebs"),
        block_device_mappings: Some(image.blocks.iter().map(Block::shape).collect()),
        imds_support: image.imds_v2.then(|| "v2.0".into()),
        source_instance_id: image.source_instance.clone(),
        source_image_id: source_id,
        source_image_region: source_region,
        tags: tags.shapes(),
        ..Default::default()
    }
}

fn location(image: &Image) -> String {
    let owner = image.owner_alias.clone().unwrap_or_else(|| image.owner.to_string());
    format!("{owner}/{}", image.name)
}

/// With milliseconds, always.
fn creation_date(image: &Image) -> String {
    image.created.to_whole_secs().to_iso8601().replace('Z', ".000Z")
}

fn filter_values(image: &Image, state: &State, name: &str) -> Option<Vec<String>> {
    let one = |value: &str| Some(vec![value.to_owned()]);
    let shapes = || image.blocks.iter().map(Block::shape);
    let of_blocks = |value: fn(model::EbsBlockDevice) -> Option<String>| {
        Some(shapes().filter_map(|shape| value(shape.ebs?)).collect())
    };
    match name {
        "architecture" => one("x86_64"),
        "block-device-mapping.delete-on-termination" => {
            of_blocks(|ebs| Some(ebs.delete_on_termination?.to_string()))
        }
        "block-device-mapping.device-name" => {
            Some(image.blocks.iter().map(|block| block.device.clone()).collect())
        }
        "block-device-mapping.encrypted" => of_blocks(|_| Some("false".into())),
        "block-device-mapping.snapshot-id" => of_blocks(|ebs| ebs.snapshot_id),
        "block-device-mapping.volume-size" => of_blocks(|ebs| Some(ebs.volume_size?.to_string())),
        "block-device-mapping.volume-type" => of_blocks(|ebs| ebs.volume_type),
        "creation-date" => one(&creation_date(image)),
        "description" => one(&image.description),
        "ena-support" => one("true"),
        "hypervisor" => one("xen"),
        "image-id" => one(&image.id),
        "image-type" => one("machine"),
        "imds-support" => Some(image.imds_v2.then(|| "v2.0".into()).into_iter().collect()),
        "is-public" => one(&image.is_public().to_string()),
        "manifest-location" | "image-location" => one(&location(image)),
        "name" => one(&image.name),
        "owner-alias" => Some(image.owner_alias.clone().into_iter().collect()),
        "owner-id" => one(image.owner.as_str()),
        "platform-details" => one("Linux/UNIX"),
        "usage-operation" => one("RunInstances"),
        "root-device-name" => one(image.root_device()),
        "root-device-type" => one("ebs"),
        "source-instance-id" => Some(image.source_instance.clone().into_iter().collect()),
        "source-image-id" => Some(image.source.iter().map(|(id, _)| id.clone()).collect()),
        "source-image-region" => {
            Some(image.source.iter().map(|(_, region)| region.clone()).collect())
        }
        "state" => one(state.as_str()),
        "sriov-net-support" => one("simple"),
        "virtualization-type" => one("hvm"),
        // Nothing here has any of these.
        "boot-mode"
        | "kernel-id"
        | "platform"
        | "product-code"
        | "product-code.type"
        | "ramdisk-id"
        | "state-reason-code"
        | "state-reason-message"
        | "tpm-support" => Some(Vec::new()),
        _ => None,
    }
}

/// An image by its name, which is unique among the account's own.
pub(crate) async fn check_name(ec2: &Ec2, scope: &Scope, name: &str) -> Result<()> {
    let letters = name.chars().count();
    let fits = |letter: char| letter.is_ascii_alphanumeric() || " ()[]./-'@_".contains(letter);
    if !(3..=128).contains(&letters) || !name.chars().all(fits) {
        let message = "AMI names must be between 3 and 128 characters long, and may contain letters, numbers, '(', ')', '.', '-', '/', '_', '[', ']', '@', ''' and spaces";
        return Err(Error::coded("InvalidAMIName.Malformed", message));
    }
    if let Some(other) = ec2.named(scope, id::IMAGE, name).await? {
        let message = format!("AMI name {name} is already in use by AMI {}", other.record.id);
        return Err(Error::coded("InvalidAMIName.Duplicate", message));
    }
    Ok(())
}
