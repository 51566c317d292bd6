//! The facts of whoever asks, from the records.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use aws::{Call, Identity};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use state::Scope;

use super::{Facts, InterfaceFacts, Options, ProfileFacts};
use crate::error::{Error, Result};
use crate::instance::Instance;
use crate::network_interface::NetworkInterface;
use crate::network_interface::view::View;
use crate::{Ec2, dns_name};

impl Ec2 {
    /// Of the instance that has this private address in this VPC of the scope. `call` gives
    /// time and region; it acts for the scope's account itself.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn facts(
        &self,
        call: &Call,
        vpc_id: &str,
        address: Ipv4Addr,
    ) -> Result<Option<Facts>> {
        let scope = crate::scope(call)?;
        let is = |one: &NetworkInterface| one.vpc_id == vpc_id && one.private_address == address;
        let all = self.all::<NetworkInterface>(&scope, "").await?;
        let found = all.into_iter().find(|stored| is(&stored.record));
        let Some(id) = found.and_then(|stored| Some(stored.record.instance_id()?.to_owned()))
        else {
            return Ok(None);
        };
        let Some(instance) = self.records().get::<Instance>(&scope, &id).await? else {
            return Ok(None);
        };
        Ok(Some(self.facts_of(call, &scope, &instance.record).await?))
    }

    async fn facts_of(&self, call: &Call, scope: &Scope, instance: &Instance) -> Result<Facts> {
        let view = self.interface_view(call).await?;
        let mut interfaces = Vec::new();
        for stored in self.interfaces_of(scope, &instance.id).await? {
            interfaces.push(self.interface_facts(scope, &view, &stored.record).await?);
        }
        let tags = match instance.metadata.tags {
            true => Some(self.tags(scope, &instance.id).await?.tags),
            false => None,
        };
        let user_data = instance.user_data.as_ref().map(|data| {
            let letters = data.chars().filter(|letter| !letter.is_ascii_whitespace());
            STANDARD.decode(letters.collect::<String>())
        });
        let user_data = user_data.transpose();
        let user_data = user_data.map_err(|error| Error::Internal(error.to_string()))?;
        let key = instance.key_name.clone().zip(instance.public_key.clone());
        Ok(Facts {
            account: instance.owner.clone(),
            region: call.region.clone(),
            zone: instance.zone,
            instance_id: instance.id.clone(),
            instance_type: instance.instance_type.clone(),
            image_id: instance.image.clone(),
            launch_index: u32::try_from(instance.launch_index).unwrap_or_default(),
            reservation_id: instance.reservation.clone(),
            launched_at: instance.launched,
            private_dns_name: dns_name::private(instance.private_address, &call.region),
            security_groups: interfaces
                .first()
                .map(|first: &InterfaceFacts| first.security_groups.clone())
                .unwrap_or_default(),
            interfaces,
            block_devices: block_devices(instance),
            public_keys: key.into_iter().collect(),
            user_data,
            profile: self.profile_facts(call, instance).await?,
            tags,
            login_user: Some(instance.root.login_user.clone()),
            options: Options {
                is_enabled: instance.metadata.enabled,
                needs_token: instance.metadata.tokens_required,
                hop_limit: instance.metadata.hop_limit,
            },
        })
    }

    async fn interface_facts(
        &self,
        scope: &Scope,
        view: &View,
        one: &NetworkInterface,
    ) -> Result<InterfaceFacts> {
        let index = one.attachment.as_ref().map(|held| held.device_index).unwrap_or_default();
        let names = view.groups(one).into_iter().filter_map(|group| group.group_name);
        let vpc = self.vpc(scope, &one.vpc_id).await?.record;
        Ok(InterfaceFacts {
            id: one.id.clone(),
            mac: one.mac_address(),
            device_number: u32::try_from(index).unwrap_or_default(),
            private_address: one.private_address,
            private_dns_name: view.private_dns_name(one).unwrap_or_default(),
            public_address: view.public_address(one),
            public_dns_name: view.public_dns_name(one),
            security_group_ids: one.groups.clone(),
            security_groups: names.collect(),
            subnet_id: one.subnet_id.clone(),
            subnet_block: self.subnet(scope, &one.subnet_id).await?.record.block,
            vpc_id: one.vpc_id.clone(),
            vpc_blocks: vpc.blocks.iter().map(|one| one.block).collect(),
        })
    }

    /// The role is the one that the profile has now.
    async fn profile_facts(
        &self,
        call: &Call,
        instance: &Instance,
    ) -> Result<Option<ProfileFacts>> {
        let Some(profile) = &instance.profile else { return Ok(None) };
        let call = call.under(Identity::root(instance.owner.clone()));
        let now = self.iam_profile(&call, profile.name()).await?;
        let role = now.and_then(|now| now.roles.into_iter().next());
        Ok(Some(ProfileFacts {
            arn: profile.arn.clone(),
            id: profile.id.clone(),
            role_arn: role.map(|role| role.arn),
        }))
    }
}

/// `ami` and `root` are the root volume; others are counted.
fn block_devices(instance: &Instance) -> BTreeMap<String, String> {
    let root = &instance.root.device;
    let mut devices =
        BTreeMap::from([("ami".to_owned(), root.clone()), ("root".to_owned(), root.clone())]);
    let others = instance.volumes.iter().filter(|volume| volume.device != *root);
    for (index, volume) in others.enumerate() {
        devices.insert(format!("ebs{}", index + 1), volume.device.clone());
    }
    devices
}
