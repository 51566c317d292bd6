//! A template's data from and to its shapes.

use crate::block_device::{self, AskedBlock};
use crate::error::{Result, not_served};
use crate::launch::{
    AskedInterface, AskedMetadata, AskedProfile, Launch, other_than, some, tags_of,
};
use crate::model;

/// # Errors
/// For parameters that are not served.
pub(super) fn read(given: model::RequestLaunchTemplateData) -> Result<Launch> {
    refuse(&given)?;
    let blocks = given.block_device_mappings.unwrap_or_default().into_iter().map(block);
    let interfaces = given.network_interfaces.unwrap_or_default().into_iter().map(interface);
    let tags = given.tag_specifications.unwrap_or_default();
    let tags = tags.iter().map(|one| (one.resource_type.as_deref(), one.tags.as_deref()));
    let metadata = given.metadata_options.unwrap_or_default();
    Ok(Launch {
        image: given.image_id,
        instance_type: given.instance_type,
        key_name: given.key_name,
        user_data: some(given.user_data),
        zone: given.placement.and_then(|place| some(place.availability_zone)),
        subnet: None,
        private_address: None,
        groups: given.security_group_ids.unwrap_or_default(),
        group_names: given.security_groups.unwrap_or_default(),
        interfaces: interfaces.collect::<Result<_>>()?,
        blocks: block_device::checked(blocks.collect::<Result<_>>()?)?,
        profile: given
            .iam_instance_profile
            .map(|one| AskedProfile { name: one.name, arn: one.arn }),
        monitoring: given.monitoring.and_then(|one| one.enabled),
        ebs_optimized: given.ebs_optimized,
        credits: given.credit_specification.map(|one| one.cpu_credits),
        disable_api_termination: given.disable_api_termination,
        disable_api_stop: given.disable_api_stop,
        shutdown_behavior: given.instance_initiated_shutdown_behavior,
        metadata: AskedMetadata {
            tokens: metadata.http_tokens,
            hop_limit: metadata.http_put_response_hop_limit,
            endpoint: metadata.http_endpoint,
            tags: metadata.instance_metadata_tags,
        },
        tags: tags_of(tags),
        template: None,
    })
}

fn refuse(given: &model::RequestLaunchTemplateData) -> Result<()> {
    let place = given.placement.clone().unwrap_or_default();
    let named = |name: Option<String>| some(name).is_some();
    let dns = given.private_dns_name_options.clone().unwrap_or_default();
    let maintenance = given.maintenance_options.clone().unwrap_or_default();
    let metadata = given.metadata_options.clone().unwrap_or_default();
    let reservation = given.capacity_reservation_specification.as_ref();
    not_served(
        "CreateLaunchTemplate",
        &[
            ("LaunchTemplateData.KernelId", given.kernel_id.is_some()),
            ("LaunchTemplateData.RamDiskId", given.ram_disk_id.is_some()),
            (
                "LaunchTemplateData.ElasticGpuSpecifications",
                given.elastic_gpu_specifications.is_some(),
            ),
            (
                "LaunchTemplateData.ElasticInferenceAccelerators",
                given.elastic_inference_accelerators.is_some(),
            ),
            ("LaunchTemplateData.InstanceMarketOptions", given.instance_market_options.is_some()),
            ("LaunchTemplateData.CpuOptions", given.cpu_options.is_some()),
            ("LaunchTemplateData.LicenseSpecifications", given.license_specifications.is_some()),
            (
                "LaunchTemplateData.HibernationOptions.Configured",
                given.hibernation_options.as_ref().is_some_and(|one| one.configured == Some(true)),
            ),
            (
                "LaunchTemplateData.EnclaveOptions.Enabled",
                given.enclave_options.as_ref().is_some_and(|one| one.enabled == Some(true)),
            ),
            ("LaunchTemplateData.InstanceRequirements", given.instance_requirements.is_some()),
            ("LaunchTemplateData.Placement.Affinity", named(place.affinity)),
            ("LaunchTemplateData.Placement.AvailabilityZoneId", named(place.availability_zone_id)),
            ("LaunchTemplateData.Placement.GroupId", named(place.group_id)),
            ("LaunchTemplateData.Placement.GroupName", named(place.group_name)),
            ("LaunchTemplateData.Placement.HostId", named(place.host_id)),
            (
                "LaunchTemplateData.Placement.HostResourceGroupArn",
                named(place.host_resource_group_arn),
            ),
            (
                "LaunchTemplateData.Placement.PartitionNumber",
                place.partition_number.is_some_and(|number| number > 0),
            ),
            ("LaunchTemplateData.Placement.SpreadDomain", named(place.spread_domain)),
            ("LaunchTemplateData.Placement.Tenancy", other_than(place.tenancy, "default")),
            (
                "LaunchTemplateData.PrivateDnsNameOptions.HostnameType",
                other_than(dns.hostname_type, "ip-name"),
            ),
            (
                "LaunchTemplateData.PrivateDnsNameOptions.EnableResourceNameDnsARecord",
                dns.enable_resource_name_dns_a_record == Some(true),
            ),
            (
                "LaunchTemplateData.PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord",
                dns.enable_resource_name_dns_aaaa_record == Some(true),
            ),
            (
                "LaunchTemplateData.MaintenanceOptions.AutoRecovery",
                other_than(maintenance.auto_recovery, "default"),
            ),
            (
                "LaunchTemplateData.MetadataOptions.HttpProtocolIpv6",
                metadata.http_protocol_ipv6.as_deref() == Some("enabled"),
            ),
            (
                "LaunchTemplateData.CapacityReservationSpecification.CapacityReservationTarget",
                reservation.is_some_and(|one| one.capacity_reservation_target.is_some()),
            ),
            (
                "LaunchTemplateData.NetworkPerformanceOptions",
                given.network_performance_options.is_some(),
            ),
            ("LaunchTemplateData.Operator", given.operator.is_some()),
            ("LaunchTemplateData.SecondaryInterfaces", given.secondary_interfaces.is_some()),
        ],
    )
}

fn block(given: model::LaunchTemplateBlockDeviceMappingRequest) -> Result<AskedBlock> {
    let ebs = given.ebs.unwrap_or_default();
    not_served(
        "CreateLaunchTemplate",
        &[
            ("BlockDeviceMapping.VirtualName", given.virtual_name.is_some()),
            ("BlockDeviceMapping.Ebs.Encrypted", ebs.encrypted == Some(true)),
            ("BlockDeviceMapping.Ebs.KmsKeyId", ebs.kms_key_id.is_some()),
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
}

fn interface(
    given: model::LaunchTemplateInstanceNetworkInterfaceSpecificationRequest,
) -> Result<AskedInterface> {
    let count = |count: Option<i32>| count.is_some_and(|count| count > 0);
    let listed = given.private_ip_addresses.unwrap_or_default();
    not_served(
        "CreateLaunchTemplate",
        &[
            ("NetworkInterface.Ipv6AddressCount", count(given.ipv6_address_count)),
            ("NetworkInterface.Ipv6Addresses", given.ipv6_addresses.is_some()),
            (
                "NetworkInterface.SecondaryPrivateIpAddressCount",
                count(given.secondary_private_ip_address_count),
            ),
            ("NetworkInterface.PrivateIpAddresses", listed.len() > 1),
            (
                "NetworkInterface.AssociateCarrierIpAddress",
                given.associate_carrier_ip_address == Some(true),
            ),
            ("NetworkInterface.InterfaceType", other_than(given.interface_type, "interface")),
            ("NetworkInterface.Ipv4Prefixes", given.ipv4_prefixes.is_some()),
            ("NetworkInterface.Ipv6Prefixes", given.ipv6_prefixes.is_some()),
            ("NetworkInterface.PrimaryIpv6", given.primary_ipv6 == Some(true)),
            ("NetworkInterface.EnaSrdSpecification", given.ena_srd_specification.is_some()),
            ("NetworkInterface.EnaQueueCount", count(given.ena_queue_count)),
            (
                "NetworkInterface.ConnectionTrackingSpecification",
                given.connection_tracking_specification.is_some(),
            ),
            ("NetworkInterface.Ipv4PrefixCount", count(given.ipv4_prefix_count)),
            ("NetworkInterface.Ipv6PrefixCount", count(given.ipv6_prefix_count)),
            ("NetworkInterface.NetworkCardIndex", count(given.network_card_index)),
        ],
    )?;
    Ok(AskedInterface {
        id: given.network_interface_id,
        device_index: given.device_index.unwrap_or_default(),
        subnet: given.subnet_id,
        private_address: given
            .private_ip_address
            .or_else(|| listed.into_iter().find_map(|one| one.private_ip_address)),
        groups: given.groups.unwrap_or_default(),
        description: given.description,
        public: given.associate_public_ip_address,
        delete_on_termination: given.delete_on_termination,
    })
}

pub(super) fn shape(launch: &Launch) -> model::ResponseLaunchTemplateData {
    let list = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let metadata = &launch.metadata;
    model::ResponseLaunchTemplateData {
        image_id: launch.image.clone(),
        instance_type: launch.instance_type.clone(),
        key_name: launch.key_name.clone(),
        user_data: launch.user_data.clone(),
        ebs_optimized: launch.ebs_optimized,
        security_group_ids: list(&launch.groups),
        security_groups: list(&launch.group_names),
        disable_api_termination: launch.disable_api_termination,
        disable_api_stop: launch.disable_api_stop,
        instance_initiated_shutdown_behavior: launch.shutdown_behavior.clone(),
        placement: launch.zone.clone().map(|zone| model::LaunchTemplatePlacement {
            availability_zone: Some(zone),
            ..Default::default()
        }),
        monitoring: launch
            .monitoring
            .map(|enabled| model::LaunchTemplatesMonitoring { enabled: Some(enabled) }),
        credit_specification: launch
            .credits
            .clone()
            .map(|credits| model::CreditSpecification { cpu_credits: Some(credits) }),
        iam_instance_profile: launch.profile.as_ref().map(|profile| {
            model::LaunchTemplateIamInstanceProfileSpecification {
                arn: profile.arn.clone(),
                name: profile.name.clone(),
            }
        }),
        metadata_options: (*metadata != AskedMetadata::default()).then(|| {
            model::LaunchTemplateInstanceMetadataOptions {
                state: Some("pending".into()),
                http_tokens: metadata.tokens.clone(),
                http_put_response_hop_limit: metadata.hop_limit,
                http_endpoint: metadata.endpoint.clone(),
                instance_metadata_tags: metadata.tags.clone(),
                ..Default::default()
            }
        }),
        block_device_mappings: (!launch.blocks.is_empty())
            .then(|| launch.blocks.iter().map(block_shape).collect()),
        network_interfaces: (!launch.interfaces.is_empty())
            .then(|| launch.interfaces.iter().map(interface_shape).collect()),
        tag_specifications: (!launch.tags.is_empty()).then(|| {
            let shape = |(kind, tags): (&String, &std::collections::BTreeMap<String, String>)| {
                let tags = crate::tag::Tags { tags: tags.clone() };
                model::LaunchTemplateTagSpecification {
                    resource_type: Some(kind.clone()),
                    tags: tags.shapes(),
                }
            };
            launch.tags.iter().map(shape).collect()
        }),
        ..Default::default()
    }
}

fn block_shape(block: &AskedBlock) -> model::LaunchTemplateBlockDeviceMapping {
    model::LaunchTemplateBlockDeviceMapping {
        device_name: Some(block.device.clone()),
        no_device: block.none.then(String::new),
        ebs: (!block.none).then(|| model::LaunchTemplateEbsBlockDevice {
            delete_on_termination: block.delete_on_termination,
            iops: block.iops,
            snapshot_id: block.snapshot.clone(),
            volume_size: block.size_gib,
            volume_type: block.volume_type.clone(),
            throughput: block.throughput_mib,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn interface_shape(
    one: &AskedInterface,
) -> model::LaunchTemplateInstanceNetworkInterfaceSpecification {
    model::LaunchTemplateInstanceNetworkInterfaceSpecification {
        network_interface_id: one.id.clone(),
        device_index: Some(one.device_index),
        subnet_id: one.subnet.clone(),
        private_ip_address: one.private_address.clone(),
        groups: (!one.groups.is_empty()).then(|| one.groups.clone()),
        description: one.description.clone(),
        associate_public_ip_address: one.public,
        delete_on_termination: one.delete_on_termination,
        ..Default::default()
    }
}
