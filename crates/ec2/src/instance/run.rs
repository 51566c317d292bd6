//! RunInstances.
//! <https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html>

use std::collections::BTreeMap;

use aws::Call;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use state::{Scope, Transaction};

use super::health::GuestOwner;
use super::{
    AttachPhase, Attached, Instance, MetadataOptions, Phase, Profile, ShutdownBehavior, credits,
};
use crate::block_device::{self, AskedBlock};
use crate::error::{Error, Result};
use crate::id::Kind;
use crate::image::{Image, State};
use crate::instance_type::{InstanceType, VCPUS_MAX};
use crate::launch::{AskedInterface, Launch};
use crate::network_interface::plan::{NewInterface, Plan};
use crate::network_interface::{self, Attachment};
use crate::region::zone_named;
use crate::security_group::SecurityGroup;
use crate::subnet::Subnet;
use crate::tag;
use crate::volume::{Content, NewVolume, RootOf, Volume};
use crate::{Ec2, client_token, id, model};

/// Before base64.
const USER_DATA_BYTES_MAX: usize = 16 * 1024;
const TAGGED: &[Kind] = &[id::INSTANCE, id::VOLUME, id::NETWORK_INTERFACE];
/// What AWS launches when nothing is said.
const TYPE: &str = "m1.small";

/// A launch that was read and found possible, but for the network.
struct Ready {
    launch: Launch,
    image: Image,
    instance_type: InstanceType,
    blocks: Vec<NewBlock>,
    key: Option<(String, String)>,
    profile: Option<Profile>,
    metadata: MetadataOptions,
    credits: Option<String>,
    shutdown: ShutdownBehavior,
    tags: BTreeMap<String, BTreeMap<String, String>>,
    reservation: String,
    token: Option<String>,
}

#[derive(Clone)]
struct NewBlock {
    device: String,
    performance: crate::volume::Performance,
    content: Content,
    root: Option<RootOf>,
    delete_on_termination: bool,
}

pub async fn run(
    ec2: &Ec2,
    call: &Call,
    input: model::RunInstancesRequest,
) -> Result<model::Reservation> {
    ec2.check_machine()?;
    let launch = Launch::of_request(&input)?;
    let launch = match &input.launch_template {
        Some(template) => launch.over(ec2.template_asked(call, template).await?),
        None => launch,
    };
    let scope = ec2.settled(call).await?;
    let token = client_token::of("RunInstances", input.client_token.as_deref(), &input);
    let mut ready = read(ec2, call, launch).await?;
    ready.token = input.client_token.clone().filter(|token| !token.is_empty());
    let count = ec2.count(&scope, &ready.instance_type, input.min_count, input.max_count).await?;
    let instances = ec2
        .retry(async || {
            if let Some(ids) = ec2.all_made_before(&scope, token.as_ref()).await? {
                let all = ec2.named_or_all::<Instance>(&scope, id::INSTANCE, Some(ids)).await?;
                return Ok(all.into_iter().map(|stored| stored.record).collect());
            }
            let mut txn = ec2.records().transaction();
            let mut plan = Plan::new(ec2, &scope);
            let mut instances = Vec::new();
            for index in 0..count {
                instances.push(one(ec2, call, &scope, &mut txn, &mut plan, &ready, index).await?);
            }
            plan.finish(&mut txn);
            let ids = instances.iter().map(|one: &Instance| one.id.clone()).collect();
            client_token::keep_all(&mut txn, &scope, token.as_ref(), ids);
            txn.commit().await?;
            Ok(instances)
        })
        .await?;
    Ok(ec2.around(call).await?.reservation(&instances))
}

/// Reads what was asked for; changes nothing.
async fn read(ec2: &Ec2, call: &Call, launch: Launch) -> Result<Ready> {
    let image = launch.image.as_deref().ok_or(Error::MissingParameter("ImageId"))?;
    let image = ec2.visible_image(call, image).await?;
    if ec2.image_state(call, &image).await? != State::Available {
        let message = format!("Image {} is not available", image.id);
        return Err(Error::coded("InvalidAMIID.Unavailable", message));
    }
    let instance_type = InstanceType::named(launch.instance_type.as_deref().unwrap_or(TYPE))?;
    if let Some(data) = &launch.user_data {
        check_user_data(data)?;
    }
    let key = match &launch.key_name {
        Some(name) => {
            let pair = ec2.key_pair_named(&crate::scope(call)?, name).await?.record;
            Some((pair.name, pair.public_key))
        }
        None => None,
    };
    let profile = match &launch.profile {
        Some(asked) => Some(ec2.profile(call, asked).await?),
        None => None,
    };
    let shutdown = launch.shutdown_behavior.as_deref().map(ShutdownBehavior::named);
    Ok(Ready {
        blocks: blocks(ec2, call, &image, &launch.blocks).await?,
        key,
        profile,
        metadata: MetadataOptions::new(&launch.metadata, image.imds_v2)?,
        credits: credits::of_new(launch.credits.as_deref(), &instance_type)?,
        shutdown: shutdown.transpose()?.unwrap_or(ShutdownBehavior::Stop),
        tags: tags_of_all(&launch)?,
        reservation: ec2.inner.random.resource_id("r"),
        token: None,
        image,
        instance_type,
        launch,
    })
}

/// # Errors
/// `InvalidUserData.Malformed`; `InvalidParameterValue` when it is too much.
pub(super) fn check_user_data(data: &str) -> Result<()> {
    let compact: String = data.chars().filter(|letter| !letter.is_ascii_whitespace()).collect();
    let Ok(bytes) = STANDARD.decode(compact) else {
        let message = "Invalid BASE64 encoding of user data.";
        return Err(Error::coded("InvalidUserData.Malformed", message));
    };
    if bytes.len() > USER_DATA_BYTES_MAX {
        let message = "User data is limited to 16384 bytes";
        return Err(Error::InvalidParameterValue(message.into()));
    }
    Ok(())
}

/// Those that were asked for, and AWS's own by which its clients find an instance's template.
fn tags_of_all(launch: &Launch) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let mut tags = checked_tags(&launch.tags)?;
    if let Some((id, version)) = &launch.template {
        let own = tags.entry(id::INSTANCE.resource_type.into()).or_default();
        own.insert("aws:ec2launchtemplate:id".into(), id.clone());
        own.insert("aws:ec2launchtemplate:version".into(), version.to_string());
    }
    Ok(tags)
}

fn checked_tags(
    tags: &BTreeMap<String, BTreeMap<String, String>>,
) -> Result<BTreeMap<String, BTreeMap<String, String>>> {
    let shape = |(resource_type, tags): (&String, &BTreeMap<String, String>)| {
        let tag = |(key, value): (&String, &String)| model::Tag {
            key: Some(key.clone()),
            value: Some(value.clone()),
        };
        model::TagSpecification {
            resource_type: Some(resource_type.clone()),
            tags: Some(tags.iter().map(tag).collect()),
        }
    };
    let given = tag::specified_for(Some(tags.iter().map(shape).collect()), TAGGED)?;
    Ok(given.into_iter().map(|(kind, tags)| (kind.resource_type.into(), tags)).collect())
}

/// The image's blocks, changed by and added to as asked. The root comes first.
async fn blocks(
    ec2: &Ec2,
    call: &Call,
    image: &Image,
    asked: &[AskedBlock],
) -> Result<Vec<NewBlock>> {
    block_device::checked(asked.to_vec())?;
    let snapshots = ec2.snapshots_of(call, image).await?;
    let mut blocks = Vec::new();
    for block in &image.blocks {
        let change = asked.iter().find(|one| one.device == block.device);
        let is_root = block.device == image.root.device;
        if change.is_some_and(|one| one.none) && !is_root {
            continue;
        }
        let snapshot = snapshots.iter().find(|one| Some(&one.id) == block.snapshot.as_ref());
        let content = match snapshot {
            Some(one) => Content::Snapshot { id: one.id.clone(), host: one.host.clone() },
            None if is_root => Content::Root,
            None => Content::Blank,
        };
        let size_min = block
            .snapshot
            .as_ref()
            .map_or(if is_root { block.performance.size_gib } else { 0 }, |_| {
                snapshot.map_or(0, |one| one.size_gib)
            });
        let default = AskedBlock::default();
        let change = change.unwrap_or(&default);
        if is_root && change.snapshot.is_some() && change.snapshot != block.snapshot {
            let message = format!(
                "snapshotId can only be modified on EBS devices other than the root {}",
                block.device
            );
            return Err(Error::coded("InvalidBlockDeviceMapping", message));
        }
        blocks.push(NewBlock {
            device: block.device.clone(),
            performance: change.performance(Some(&block.performance), size_min)?,
            root: is_root.then(|| image.root.clone()),
            content,
            delete_on_termination: change
                .delete_on_termination
                .unwrap_or(block.delete_on_termination),
        });
    }
    for one in asked {
        if one.none || image.blocks.iter().any(|block| block.device == one.device) {
            continue;
        }
        super::attachment::check_device(&one.device)?;
        let (content, root, size_min) = match &one.snapshot {
            Some(snapshot) => ec2.content_of(call, snapshot).await?,
            None => (Content::Blank, None, 0),
        };
        blocks.push(NewBlock {
            device: one.device.clone(),
            performance: one.performance(None, size_min)?,
            content,
            root,
            delete_on_termination: one.delete_on_termination.unwrap_or(true),
        });
    }
    blocks.sort_by_key(|block| block.device != image.root.device);
    Ok(blocks)
}

/// Writes one instance, its interfaces and its volumes into the transaction.
async fn one(
    ec2: &Ec2,
    call: &Call,
    scope: &Scope,
    txn: &mut Transaction,
    plan: &mut Plan<'_>,
    ready: &Ready,
    index: i32,
) -> Result<Instance> {
    let launch = &ready.launch;
    let instance_id = id::INSTANCE.new_id(&ec2.inner.random);
    let asked = asked_interfaces(ec2, scope, call, launch).await?;
    let first_subnet = ec2.subnet(scope, &asked.subnet.id).await?.record;
    let mut private_address = None;
    for interface in &asked.interfaces {
        let attachment = Attachment {
            id: ec2.inner.random.resource_id("eni-attach"),
            instance_id: Some(instance_id.clone()),
            device_index: interface.device_index,
            delete_on_termination: interface
                .delete_on_termination
                .unwrap_or(interface.id.is_none()),
            attached_at: call.at,
            phase: AttachPhase::Attached,
        };
        let made =
            interface_of(ec2, scope, txn, plan, &asked, interface, attachment, ready).await?;
        if interface.device_index == 0 {
            private_address = Some(made);
        }
    }
    let private_address = private_address.ok_or_else(|| {
        Error::InvalidParameterValue("A network interface with device index 0 is needed".into())
    })?;
    let volumes = volumes(ec2, call, scope, txn, ready, &first_subnet, &instance_id)?;
    let instance = Instance {
        id: instance_id,
        owner: call.account()?.clone(),
        reservation: ready.reservation.clone(),
        launch_index: index,
        client_token: ready.token.clone(),
        image: ready.image.id.clone(),
        root: ready.image.root.clone(),
        instance_type: ready.instance_type.name.clone(),
        zone: first_subnet.zone,
        vpc: first_subnet.vpc_id.clone(),
        subnet: first_subnet.id.clone(),
        private_address,
        public_on_start: asked.public,
        key_name: ready.key.as_ref().map(|(name, _)| name.clone()),
        public_key: ready.key.as_ref().map(|(_, key)| key.clone()),
        user_data: launch.user_data.clone(),
        profile: ready.profile.clone(),
        metadata: ready.metadata.clone(),
        monitoring: launch.monitoring == Some(true),
        ebs_optimized: launch.ebs_optimized == Some(true),
        credits: ready.credits.clone(),
        disable_api_termination: launch.disable_api_termination == Some(true),
        disable_api_stop: launch.disable_api_stop == Some(true),
        shutdown_behavior: ready.shutdown,
        volumes,
        changing: Default::default(),
        launched: call.at,
        phase: Phase::Pending,
        since: call.at,
        generation: 1,
        ran: 0,
        force: false,
        unseen: false,
        reason: None,
        transition: String::new(),
        snapshots: Vec::new(),
    };
    txn.create(scope, &instance.id, &instance);
    let owner = GuestOwner { account: instance.owner.clone(), region: call.region.clone() };
    txn.create(&Scope::Haneul, &instance.id, &owner);
    tag_new(txn, scope, &instance.id, ready, id::INSTANCE);
    Ok(instance)
}

fn tag_new(txn: &mut Transaction, scope: &Scope, id: &str, ready: &Ready, kind: Kind) {
    if let Some(tags) = ready.tags.get(kind.resource_type) {
        tag::create(txn, scope, id, tags);
    }
}

/// Where an instance is put.
struct Place {
    subnet: Subnet,
    interfaces: Vec<AskedInterface>,
    /// Whether its first interface has a public address.
    public: bool,
    groups: Vec<String>,
}

async fn asked_interfaces(ec2: &Ec2, scope: &Scope, call: &Call, launch: &Launch) -> Result<Place> {
    if !launch.interfaces.is_empty() {
        let twice = launch.subnet.is_some()
            || !launch.groups.is_empty()
            || !launch.group_names.is_empty()
            || launch.private_address.is_some();
        if twice {
            let message = "Network interfaces and an instance-level subnet ID, security groups or private address may not be specified on the same request";
            return Err(Error::InvalidParameterCombination(message.into()));
        }
    }
    let first = launch.interfaces.iter().find(|one| one.device_index == 0);
    let subnet = match first.and_then(|one| one.id.as_ref()) {
        Some(id) => Some(ec2.network_interface(scope, id).await?.record.subnet_id),
        None => first.and_then(|one| one.subnet.clone()).or_else(|| launch.subnet.clone()),
    };
    let zone = launch.zone.as_deref().map(|name| zone_named(&call.region, name)).transpose()?;
    let subnet = match subnet {
        Some(id) => ec2.subnet(scope, &id).await?.record,
        None => {
            let none = || {
                let message = "No default VPC for this user. Use a subnet of another VPC.";
                Error::coded("VPCIdNotSpecified", message)
            };
            ec2.default_subnet_in(scope, zone).await?.ok_or_else(none)?.record
        }
    };
    if zone.is_some_and(|zone| zone != subnet.zone) {
        let message =
            format!("The specified subnet '{}' is in another availability zone", subnet.id);
        return Err(Error::InvalidParameterValue(message));
    }
    let mut groups = launch.groups.clone();
    for name in &launch.group_names {
        groups.push(group_named(ec2, scope, &subnet.vpc_id, name).await?);
    }
    let public = first.and_then(|one| one.public).unwrap_or(subnet.map_public_ip_on_launch);
    let interfaces = match launch.interfaces.is_empty() {
        false => launch.interfaces.clone(),
        true => vec![AskedInterface {
            subnet: Some(subnet.id.clone()),
            private_address: launch.private_address.clone(),
            groups: groups.clone(),
            ..AskedInterface::default()
        }],
    };
    let made = first.is_none_or(|one| one.id.is_none());
    Ok(Place { subnet, interfaces, public: public && made, groups })
}

async fn group_named(ec2: &Ec2, scope: &Scope, vpc: &str, name: &str) -> Result<String> {
    let all = ec2.all::<SecurityGroup>(scope, "").await?.into_iter().map(|one| one.record);
    let found = all.into_iter().find(|group| group.vpc_id == vpc && group.name == name);
    found.map(|group| group.id).ok_or_else(|| {
        let message = format!("The security group '{name}' does not exist in VPC '{vpc}'");
        Error::coded("InvalidGroup.NotFound", message)
    })
}

/// Makes an interface or takes the one that is there; its private address.
#[expect(clippy::too_many_arguments, reason = "one interface of one instance of one request")]
async fn interface_of(
    ec2: &Ec2,
    scope: &Scope,
    txn: &mut Transaction,
    plan: &mut Plan<'_>,
    place: &Place,
    asked: &AskedInterface,
    attachment: Attachment,
    ready: &Ready,
) -> Result<std::net::Ipv4Addr> {
    if let Some(id) = &asked.id {
        let stored = ec2.network_interface(scope, id).await?;
        if stored.record.attachment.is_some() {
            let message = format!("Interface: [{id}] in use.");
            return Err(Error::coded("InvalidNetworkInterface.InUse", message));
        }
        if stored.record.zone != place.subnet.zone {
            let message = format!("Interface: [{id}] is in another availability zone");
            return Err(Error::InvalidParameterValue(message));
        }
        let mut now = stored.record.clone();
        now.attachment = Some(attachment);
        plan.update(txn, &stored, &now).await?;
        return Ok(now.private_address);
    }
    let address = asked.private_address.as_deref().map(network_interface::private_address);
    let groups = if asked.groups.is_empty() { &place.groups } else { &asked.groups };
    let new = NewInterface {
        subnet_id: asked.subnet.clone().unwrap_or_else(|| place.subnet.id.clone()),
        private_address: address.transpose()?,
        groups: groups.clone(),
        description: asked.description.clone().unwrap_or_default(),
        public: asked.device_index == 0 && place.public,
        attachment: Some(attachment),
        ..Default::default()
    };
    let interface = plan.create(txn, new).await?;
    if interface.zone != place.subnet.zone || interface.vpc_id != place.subnet.vpc_id {
        let message = "All interfaces of an instance must be in one availability zone";
        return Err(Error::InvalidParameterCombination(message.into()));
    }
    tag_new(txn, scope, &interface.id, ready, id::NETWORK_INTERFACE);
    Ok(interface.private_address)
}

fn volumes(
    ec2: &Ec2,
    call: &Call,
    scope: &Scope,
    txn: &mut Transaction,
    ready: &Ready,
    subnet: &Subnet,
    instance: &str,
) -> Result<Vec<Attached>> {
    let mut attached = Vec::new();
    for block in ready.blocks.iter().cloned() {
        let NewBlock { device, performance, content, root, delete_on_termination } = block;
        let new = NewVolume { zone: subnet.zone, performance, content, root };
        let volume = Volume { instance: Some(instance.into()), ..new.record(ec2, call)? };
        txn.create(scope, &volume.id, &volume);
        tag_new(txn, scope, &volume.id, ready, id::VOLUME);
        attached.push(Attached {
            volume: volume.id,
            device,
            delete_on_termination,
            at: call.at,
            phase: AttachPhase::Attaching,
        });
    }
    Ok(attached)
}

impl Ec2 {
    /// # Errors
    /// `Unsupported` with what the machine lacks.
    pub(super) fn check_machine(&self) -> Result<()> {
        match self.inner.host.lacks() {
            None => Ok(()),
            Some(what) => Err(Error::coded("Unsupported", what)),
        }
    }

    /// Room for the guest of an instance that is started again.
    ///
    /// # Errors
    /// `InsufficientInstanceCapacity`. AWS's is a server's fault; SDKs would repeat one.
    pub(super) fn check_room(&self, instance: &Instance) -> Result<()> {
        let wanted = InstanceType::named(&instance.instance_type)?;
        match self.inner.host.room().memory_mib >= wanted.memory_mib {
            true => Ok(()),
            false => Err(no_room(&wanted)),
        }
    }

    /// How many of a type can be launched, between the least and the most.
    ///
    /// # Errors
    /// `InsufficientInstanceCapacity`, `VcpuLimitExceeded`, `InvalidParameterValue`.
    async fn count(
        &self,
        scope: &Scope,
        instance_type: &InstanceType,
        least: i32,
        most: i32,
    ) -> Result<i32> {
        if least < 1 || most < least {
            let message = format!("Invalid value for instance count: {least} to {most}");
            return Err(Error::InvalidParameterValue(message));
        }
        let mut used = 0;
        for stored in self.all::<Instance>(scope, "").await? {
            if matches!(stored.record.phase, Phase::Pending | Phase::Running | Phase::Stopping) {
                used += InstanceType::named(&stored.record.instance_type)?.vcpus;
            }
        }
        let quota = VCPUS_MAX.saturating_sub(used) / instance_type.vcpus;
        let room = self.inner.host.room().memory_mib / instance_type.memory_mib;
        let fits = |limit: u32| i32::try_from(limit).unwrap_or(i32::MAX).min(most);
        if fits(quota) < least {
            let message = format!(
                "You have requested more vCPU capacity than your current vCPU limit of {VCPUS_MAX} allows for the instance bucket that the specified instance type belongs to."
            );
            return Err(Error::coded("VcpuLimitExceeded", message));
        }
        if fits(room) < least {
            return Err(no_room(instance_type));
        }
        Ok(fits(room.min(quota)))
    }
}

fn no_room(instance_type: &InstanceType) -> Error {
    let message = format!(
        "We currently do not have sufficient {} capacity: this machine has less than {} MiB of memory left for guests.",
        instance_type.name, instance_type.memory_mib
    );
    Error::coded("InsufficientInstanceCapacity", message)
}
