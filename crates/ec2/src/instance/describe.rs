//! How instances are shown and found.

use std::collections::BTreeMap;

use aws::{Call, Region};
use state::Scope;

use super::{Attached, Instance, Phase};
use crate::error::Result;
use crate::filter::Filters;
use crate::instance_type::InstanceType;
use crate::network_interface::NetworkInterface;
use crate::network_interface::view::View;
use crate::tag::Tags;
use crate::{Ec2, dns_name, id, model, scope};

/// What is read once for many instances.
pub(super) struct Around {
    region: Region,
    view: View,
    /// By instance id, the first device first.
    interfaces: BTreeMap<String, Vec<NetworkInterface>>,
    pub(super) tags: BTreeMap<String, Tags>,
}

impl Ec2 {
    pub(super) async fn around(&self, call: &Call) -> Result<Around> {
        let scope: Scope = scope(call)?;
        let mut interfaces: BTreeMap<String, Vec<NetworkInterface>> = BTreeMap::new();
        for stored in self.all::<NetworkInterface>(&scope, "").await? {
            if let Some(instance) = stored.record.instance_id() {
                interfaces.entry(instance.into()).or_default().push(stored.record);
            }
        }
        for held in interfaces.values_mut() {
            held.sort_by_key(|one| one.attachment.as_ref().map(|held| held.device_index));
        }
        let view = self.interface_view(call).await?;
        let tags = self.tags_of(&scope, id::INSTANCE).await?;
        Ok(Around { region: call.region.clone(), view, interfaces, tags })
    }
}

/// `ip-10-0-0-5`.
pub fn hostname(instance: &Instance) -> String {
    format!("ip-{}", instance.private_address.to_string().replace('.', "-"))
}

impl Around {
    fn interfaces(&self, instance: &Instance) -> &[NetworkInterface] {
        self.interfaces.get(&instance.id).map(Vec::as_slice).unwrap_or_default()
    }

    fn tags(&self, instance: &Instance) -> Tags {
        self.tags.get(&instance.id).cloned().unwrap_or_default()
    }

    /// In a list of one, where the member has several.
    pub(super) fn reservation(&self, instances: &[Instance]) -> model::Reservation {
        let first = instances.first();
        model::Reservation {
            reservation_id: first.map(|one| one.reservation.clone()),
            owner_id: first.map(|one| one.owner.to_string()),
            groups: Some(Vec::new()),
            instances: Some(instances.iter().map(|one| self.shape(one)).collect()),
            ..Default::default()
        }
    }

    pub(super) fn shape(&self, instance: &Instance) -> model::Instance {
        let text = |text: &str| Some(text.to_owned());
        let gone = instance.phase == Phase::Terminated;
        let interfaces = self.interfaces(instance);
        let first = interfaces.first();
        let instance_type = InstanceType::named(&instance.instance_type).ok();
        let private_name = dns_name::private(instance.private_address, &self.region);
        let of_subnet = |value: &str| (!gone).then(|| value.to_owned());
        model::Instance {
            instance_id: text(&instance.id),
            image_id: text(&instance.image),
            instance_type: text(&instance.instance_type),
            state: Some(instance.phase.shape()),
            state_reason: instance.reason.as_ref().map(|reason| model::StateReason {
                code: Some(reason.code.clone()),
                message: Some(reason.message.clone()),
            }),
            state_transition_reason: Some(instance.transition.clone()),
            ami_launch_index: Some(instance.launch_index),
            launch_time: Some(instance.launched),
            usage_operation_update_time: Some(instance.launched),
            key_name: instance.key_name.clone(),
            client_token: Some(instance.client_token.clone().unwrap_or_default()),
            architecture: text("x86_64"),
            hypervisor: text("xen"),
            virtualization_type: text("hvm"),
            platform_details: text("Linux/UNIX"),
            usage_operation: text("RunInstances"),
            current_instance_boot_mode: text("legacy-bios"),
            root_device_name: text(&instance.root.device),
            root_device_type: text("ebs"),
            block_device_mappings: Some(instance.volumes.iter().map(block).collect()),
            ebs_optimized: Some(instance.ebs_optimized),
            ena_support: Some(true),
            product_codes: Some(Vec::new()),
            cpu_options: instance_type.map(|known| model::CpuOptions {
                core_count: i32::try_from(known.cores()).ok(),
                threads_per_core: i32::try_from(known.threads()).ok(),
                ..Default::default()
            }),
            placement: Some(model::Placement {
                availability_zone: Some(instance.zone.name(&self.region)),
                availability_zone_id: Some(instance.zone.id(&self.region)),
                group_name: text(""),
                tenancy: text("default"),
                ..Default::default()
            }),
            monitoring: Some(monitoring(instance.monitoring)),
            iam_instance_profile: instance.profile.as_ref().map(|profile| profile.shape()),
            subnet_id: of_subnet(&instance.subnet),
            vpc_id: of_subnet(&instance.vpc),
            private_ip_address: (!gone).then(|| instance.private_address.to_string()),
            private_dns_name: Some(if gone { String::new() } else { private_name }),
            public_ip_address: first
                .and_then(|one| self.view.public_address(one))
                .map(|address| address.to_string()),
            public_dns_name: Some(
                first.and_then(|one| self.view.public_dns_name(one)).unwrap_or_default(),
            ),
            security_groups: Some(first.map(|one| self.view.groups(one)).unwrap_or_default()),
            source_dest_check: first.map(|one| one.source_dest_check),
            network_interfaces: Some(interfaces.iter().map(|one| self.interface(one)).collect()),
            metadata_options: Some(instance.metadata.shape()),
            capacity_reservation_specification: Some(
                model::CapacityReservationSpecificationResponse {
                    capacity_reservation_preference: text("open"),
                    ..Default::default()
                },
            ),
            hibernation_options: Some(model::HibernationOptions { configured: Some(false) }),
            enclave_options: Some(model::EnclaveOptions { enabled: Some(false) }),
            maintenance_options: Some(model::InstanceMaintenanceOptions {
                auto_recovery: text("default"),
                ..Default::default()
            }),
            private_dns_name_options: Some(model::PrivateDnsNameOptionsResponse {
                hostname_type: text("ip-name"),
                enable_resource_name_dns_a_record: Some(false),
                enable_resource_name_dns_aaaa_record: Some(false),
            }),
            tags: self.tags(instance).shapes(),
            ..Default::default()
        }
    }

    fn interface(&self, one: &NetworkInterface) -> model::InstanceNetworkInterface {
        let association =
            self.view.association(one).map(|given| model::InstanceNetworkInterfaceAssociation {
                ip_owner_id: given.ip_owner_id,
                public_dns_name: given.public_dns_name,
                public_ip: given.public_ip,
                ..Default::default()
            });
        let private_dns_name = self.view.private_dns_name(one);
        let address = model::InstancePrivateIpAddress {
            association: association.clone(),
            primary: Some(true),
            private_dns_name: private_dns_name.clone(),
            private_ip_address: Some(one.private_address.to_string()),
        };
        let attachment = one.attachment.as_ref();
        model::InstanceNetworkInterface {
            association,
            attachment: attachment.map(|held| model::InstanceNetworkInterfaceAttachment {
                attach_time: Some(held.attached_at),
                attachment_id: Some(held.id.clone()),
                delete_on_termination: Some(held.delete_on_termination),
                device_index: Some(held.device_index),
                network_card_index: Some(0),
                status: Some(held.phase.name().into()),
                ..Default::default()
            }),
            description: Some(one.description.clone()),
            groups: Some(self.view.groups(one)),
            interface_type: Some(one.interface_type.clone()),
            ipv6_addresses: Some(Vec::new()),
            mac_address: Some(one.mac_address()),
            network_interface_id: Some(one.id.clone()),
            owner_id: Some(one.owner.to_string()),
            private_dns_name,
            private_ip_address: Some(one.private_address.to_string()),
            private_ip_addresses: Some(vec![address]),
            source_dest_check: Some(one.source_dest_check),
            status: Some("in-use".into()),
            subnet_id: Some(one.subnet_id.clone()),
            vpc_id: Some(one.vpc_id.clone()),
            ..Default::default()
        }
    }

    pub(super) fn filter_values(&self, instance: &Instance, name: &str) -> Option<Vec<String>> {
        let one = |value: &str| Some(vec![value.to_owned()]);
        if let Some(rest) = name.strip_prefix("network-interface.") {
            // A name that only the attachment has differs in two words.
            let name = match rest {
                "addresses.association.ip-owner-id" => "association.ip-owner-id",
                other => other,
            };
            let interfaces = self.interfaces(instance);
            if interfaces.is_empty() {
                return Some(Vec::new());
            }
            let of_each = interfaces.iter().map(|one| self.view.filter_values(one, name));
            let values: Option<Vec<Vec<String>>> = of_each.collect();
            return values.map(|values| values.concat());
        }
        let first = self.interfaces(instance).first();
        let groups = || first.map(|one| self.view.groups(one)).unwrap_or_default().into_iter();
        let volumes = instance.volumes.iter();
        match name {
            "architecture" => one("x86_64"),
            "availability-zone" => one(&instance.zone.name(&self.region)),
            "availability-zone-id" => one(&instance.zone.id(&self.region)),
            "block-device-mapping.attach-time" => {
                Some(volumes.map(|one| one.at.to_iso8601()).collect())
            }
            "block-device-mapping.delete-on-termination" => {
                Some(volumes.map(|one| one.delete_on_termination.to_string()).collect())
            }
            "block-device-mapping.device-name" => {
                Some(volumes.map(|one| one.device.clone()).collect())
            }
            "block-device-mapping.status" => {
                Some(volumes.map(|one| one.phase.name().into()).collect())
            }
            "block-device-mapping.volume-id" => {
                Some(volumes.map(|one| one.volume.clone()).collect())
            }
            "client-token" => Some(instance.client_token.iter().cloned().collect()),
            "dns-name" => {
                Some(first.and_then(|one| self.view.public_dns_name(one)).into_iter().collect())
            }
            "ebs-optimized" => one(&instance.ebs_optimized.to_string()),
            "hypervisor" => one("xen"),
            "iam-instance-profile.arn" => {
                Some(instance.profile.iter().map(|profile| profile.arn.clone()).collect())
            }
            "iam-instance-profile.id" => {
                Some(instance.profile.iter().map(|profile| profile.id.clone()).collect())
            }
            "iam-instance-profile.name" => {
                let name = |profile: &super::Profile| profile.name().to_owned();
                Some(instance.profile.iter().map(name).collect())
            }
            "image-id" => one(&instance.image),
            "instance-id" => one(&instance.id),
            "instance-state-code" => one(&instance.phase.code().to_string()),
            "instance-state-name" => one(instance.phase.name()),
            "instance-type" => one(&instance.instance_type),
            "instance.group-id" => Some(groups().filter_map(|group| group.group_id).collect()),
            "instance.group-name" => Some(groups().filter_map(|group| group.group_name).collect()),
            "ip-address" => {
                let address = first.and_then(|one| self.view.public_address(one));
                Some(address.map(|address| address.to_string()).into_iter().collect())
            }
            "key-name" => Some(instance.key_name.iter().cloned().collect()),
            "launch-index" => one(&instance.launch_index.to_string()),
            "launch-time" => one(&instance.launched.to_iso8601()),
            "metadata-options.http-tokens" => {
                Some(instance.metadata.shape().http_tokens.into_iter().collect())
            }
            "metadata-options.http-endpoint" => {
                Some(instance.metadata.shape().http_endpoint.into_iter().collect())
            }
            "metadata-options.http-put-response-hop-limit" => {
                one(&instance.metadata.hop_limit.to_string())
            }
            "monitoring-state" => Some(monitoring(instance.monitoring).state.into_iter().collect()),
            "owner-id" => one(instance.owner.as_str()),
            "platform-details" => one("Linux/UNIX"),
            "private-dns-name" => one(&dns_name::private(instance.private_address, &self.region)),
            "private-ip-address" => one(&instance.private_address.to_string()),
            "reservation-id" => one(&instance.reservation),
            "root-device-name" => one(&instance.root.device),
            "root-device-type" => one("ebs"),
            "source-dest-check" => {
                Some(first.map(|one| one.source_dest_check.to_string()).into_iter().collect())
            }
            "state-reason-code" => {
                Some(instance.reason.iter().map(|reason| reason.code.clone()).collect())
            }
            "reason" => one(&instance.transition),
            "subnet-id" => one(&instance.subnet),
            "tenancy" => one("default"),
            "virtualization-type" => one("hvm"),
            "vpc-id" => one(&instance.vpc),
            // Nothing here has any of these.
            "affinity"
            | "capacity-reservation-id"
            | "host-id"
            | "instance-lifecycle"
            | "kernel-id"
            | "outpost-arn"
            | "placement-group-name"
            | "platform"
            | "product-code"
            | "product-code.type"
            | "ramdisk-id"
            | "requester-id"
            | "spot-instance-request-id" => Some(Vec::new()),
            _ => None,
        }
    }
}

pub(super) fn monitoring(on: bool) -> model::Monitoring {
    model::Monitoring { state: Some(if on { "enabled" } else { "disabled" }.into()) }
}

fn block(one: &Attached) -> model::InstanceBlockDeviceMapping {
    model::InstanceBlockDeviceMapping {
        device_name: Some(one.device.clone()),
        ebs: Some(model::EbsInstanceBlockDevice {
            attach_time: Some(one.at),
            delete_on_termination: Some(one.delete_on_termination),
            status: Some(one.phase.name().into()),
            volume_id: Some(one.volume.clone()),
            ..Default::default()
        }),
    }
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInstancesRequest,
) -> Result<model::DescribeInstancesResult> {
    let scope = scope(call)?;
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeInstances", token, size).await?;
    let all = ec2.named_or_all::<Instance>(&scope, id::INSTANCE, input.instance_ids).await?;
    let around = ec2.around(call).await?;
    let mut found = Vec::new();
    for stored in all {
        let instance = stored.record;
        let tags = around.tags(&instance);
        if filters.pass(&tags, |name| around.filter_values(&instance, name))? {
            found.push((instance.id.clone(), instance));
        }
    }
    let page = ask.cut(found);
    let mut reservations: BTreeMap<String, Vec<Instance>> = BTreeMap::new();
    for instance in page.items {
        reservations.entry(instance.reservation.clone()).or_default().push(instance);
    }
    let shapes = reservations.into_values().map(|mut of| {
        of.sort_by_key(|one| one.launch_index);
        around.reservation(&of)
    });
    Ok(model::DescribeInstancesResult {
        reservations: Some(shapes.collect()),
        next_token: page.next_token,
    })
}
