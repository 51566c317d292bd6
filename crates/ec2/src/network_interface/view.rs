//! How interfaces are shown: with the names, groups and public addresses that are in other
//! records.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use aws::{Call, Region};

use crate::address::Address;
use crate::error::Result;
use crate::security_group::SecurityGroup;
use crate::tag::Tags;
use crate::vpc::Vpc;
use crate::{Ec2, dns_name, model, scope};

use super::{Attachment, NetworkInterface};

/// What is read once for many interfaces.
pub struct View {
    region: Region,
    /// By group id.
    names: BTreeMap<String, String>,
    /// By interface id.
    elastic: BTreeMap<String, Address>,
    with_hostnames: BTreeSet<String>,
}

impl Ec2 {
    /// # Errors
    /// When the store does not answer.
    pub(crate) async fn interface_view(&self, call: &Call) -> Result<View> {
        let scope = scope(call)?;
        let groups = self.all::<SecurityGroup>(&scope, "").await?.into_iter();
        let elastic = self.all::<Address>(&scope, "").await?.into_iter();
        let associated =
            |address: Address| Some((address.association.as_ref()?.interface_id.clone(), address));
        let vpcs = self.all::<Vpc>(&scope, "").await?.into_iter();
        Ok(View {
            region: call.region.clone(),
            names: groups.map(|one| (one.record.id, one.record.name)).collect(),
            elastic: elastic.filter_map(|stored| associated(stored.record)).collect(),
            with_hostnames: vpcs
                .filter(|vpc| vpc.record.enable_dns_hostnames)
                .map(|vpc| vpc.record.id)
                .collect(),
        })
    }
}

impl View {
    pub fn public_address(&self, one: &NetworkInterface) -> Option<Ipv4Addr> {
        let elastic = self.elastic.get(&one.id).map(|address| address.public_address);
        elastic.or(one.public_address)
    }

    pub fn public_dns_name(&self, one: &NetworkInterface) -> Option<String> {
        let address = self.public_address(one)?;
        let named = self.with_hostnames.contains(&one.vpc_id);
        named.then(|| dns_name::public(address, &self.region))
    }

    pub fn private_dns_name(&self, one: &NetworkInterface) -> Option<String> {
        Some(dns_name::private(one.private_address, &self.region))
    }

    pub fn groups(&self, one: &NetworkInterface) -> Vec<model::GroupIdentifier> {
        let group = |id: &String| model::GroupIdentifier {
            group_id: Some(id.clone()),
            group_name: self.names.get(id).cloned(),
        };
        one.groups.iter().map(group).collect()
    }

    pub fn association(
        &self,
        one: &NetworkInterface,
    ) -> Option<model::NetworkInterfaceAssociation> {
        let public_ip = self.public_address(one)?;
        let elastic = self.elastic.get(&one.id);
        Some(model::NetworkInterfaceAssociation {
            allocation_id: elastic.map(|address| address.allocation_id.clone()),
            association_id: elastic
                .and_then(|address| Some(address.association.as_ref()?.id.clone())),
            // Of an address that is AWS's own, `amazon`.
            ip_owner_id: Some(elastic.map_or("amazon".into(), |_| one.owner.to_string())),
            public_dns_name: self.public_dns_name(one),
            public_ip: Some(public_ip.to_string()),
            ..Default::default()
        })
    }

    pub fn shape(&self, one: &NetworkInterface, tags: &Tags) -> model::NetworkInterface {
        let private_dns_name = self.private_dns_name(one);
        let address = model::NetworkInterfacePrivateIpAddress {
            association: self.association(one),
            primary: Some(true),
            private_dns_name: private_dns_name.clone(),
            private_ip_address: Some(one.private_address.to_string()),
        };
        let attachment = one.attachment.as_ref();
        model::NetworkInterface {
            association: self.association(one),
            attachment: attachment.map(|held| held.shape(one)),
            availability_zone: Some(one.zone.name(&self.region)),
            availability_zone_id: Some(one.zone.id(&self.region)),
            description: Some(one.description.clone()),
            groups: Some(self.groups(one)),
            interface_type: Some(one.interface_type.clone()),
            ipv6_addresses: Some(Vec::new()),
            mac_address: Some(one.mac_address()),
            network_interface_id: Some(one.id.clone()),
            owner_id: Some(one.owner.to_string()),
            private_dns_name,
            private_ip_address: Some(one.private_address.to_string()),
            private_ip_addresses: Some(vec![address]),
            requester_id: one.requester_id.clone(),
            requester_managed: Some(one.requester_id.is_some()),
            source_dest_check: Some(one.source_dest_check),
            status: Some(status(one).into()),
            subnet_id: Some(one.subnet_id.clone()),
            tag_set: tags.shapes(),
            vpc_id: Some(one.vpc_id.clone()),
            ..Default::default()
        }
    }

    pub fn filter_values(&self, one: &NetworkInterface, name: &str) -> Option<Vec<String>> {
        let association = || self.association(one);
        let attachment = one.attachment.as_ref();
        let value = match name {
            "network-interface-id" => Some(one.id.clone()),
            "vpc-id" => Some(one.vpc_id.clone()),
            "subnet-id" => Some(one.subnet_id.clone()),
            "owner-id" => Some(one.owner.to_string()),
            "description" => Some(one.description.clone()),
            "interface-type" => Some(one.interface_type.clone()),
            "mac-address" => Some(one.mac_address()),
            "status" => Some(status(one).into()),
            "availability-zone" => Some(one.zone.name(&self.region)),
            "availability-zone-id" => Some(one.zone.id(&self.region)),
            "source-dest-check" => Some(one.source_dest_check.to_string()),
            "requester-id" => one.requester_id.clone(),
            "requester-managed" => Some(one.requester_id.is_some().to_string()),
            "private-dns-name" => self.private_dns_name(one),
            "private-ip-address" | "addresses.private-ip-address" => {
                Some(one.private_address.to_string())
            }
            "addresses.primary" => Some("true".into()),
            "group-id" => return Some(one.groups.clone()),
            "group-name" => {
                return Some(self.groups(one).into_iter().filter_map(|g| g.group_name).collect());
            }
            "association.allocation-id" => association().and_then(|a| a.allocation_id),
            "association.association-id" => association().and_then(|a| a.association_id),
            "association.ip-owner-id" => association().and_then(|a| a.ip_owner_id),
            "association.public-ip" | "addresses.association.public-ip" => {
                association().and_then(|a| a.public_ip)
            }
            "association.public-dns-name" => association().and_then(|a| a.public_dns_name),
            "attachment.attachment-id" => attachment.map(|held| held.id.clone()),
            "attachment.instance-id" => one.instance_id().map(Into::into),
            "attachment.device-index" => attachment.map(|held| held.device_index.to_string()),
            "attachment.delete-on-termination" => {
                attachment.map(|held| held.delete_on_termination.to_string())
            }
            "attachment.status" => attachment.map(|held| held.phase.name().into()),
            "ipv6-addresses.ipv6-address" | "attachment.nat-gateway-id" => None,
            _ => return None,
        };
        Some(value.into_iter().collect())
    }
}

fn status(one: &NetworkInterface) -> &'static str {
    if one.attachment.is_some() { "in-use" } else { "available" }
}

impl Attachment {
    pub fn shape(&self, one: &NetworkInterface) -> model::NetworkInterfaceAttachment {
        let owner = match self.instance_id {
            Some(_) => one.owner.to_string(),
            None => "amazon-aws".into(),
        };
        model::NetworkInterfaceAttachment {
            attach_time: Some(self.attached_at),
            attachment_id: Some(self.id.clone()),
            delete_on_termination: Some(self.delete_on_termination),
            device_index: Some(self.device_index),
            network_card_index: Some(0),
            instance_id: self.instance_id.clone(),
            instance_owner_id: Some(owner),
            status: Some(self.phase.name().into()),
            ..Default::default()
        }
    }
}
