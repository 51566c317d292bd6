//! What an instance is asked to be: by RunInstances, by a launch template, or by both.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::block_device::{self, AskedBlock};
use crate::error::{Error, Result, not_served};
use crate::model;

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Launch {
    pub image: Option<String>,
    pub instance_type: Option<String>,
    pub key_name: Option<String>,
    /// As it was sent: base64.
    pub user_data: Option<String>,
    pub zone: Option<String>,
    pub subnet: Option<String>,
    pub private_address: Option<String>,
    pub groups: Vec<String>,
    pub group_names: Vec<String>,
    pub interfaces: Vec<AskedInterface>,
    pub blocks: Vec<AskedBlock>,
    pub profile: Option<AskedProfile>,
    pub monitoring: Option<bool>,
    pub ebs_optimized: Option<bool>,
    pub credits: Option<String>,
    pub disable_api_termination: Option<bool>,
    pub disable_api_stop: Option<bool>,
    pub shutdown_behavior: Option<String>,
    pub metadata: AskedMetadata,
    /// By the type of resource.
    pub tags: BTreeMap<String, BTreeMap<String, String>>,
    /// The id and version of the template that it is of.
    #[serde(skip)]
    pub template: Option<(String, i64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedInterface {
    /// One that is there already.
    pub id: Option<String>,
    pub device_index: i32,
    pub subnet: Option<String>,
    pub private_address: Option<String>,
    pub groups: Vec<String>,
    pub description: Option<String>,
    pub public: Option<bool>,
    pub delete_on_termination: Option<bool>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedProfile {
    pub name: Option<String>,
    pub arn: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedMetadata {
    pub tokens: Option<String>,
    pub hop_limit: Option<i32>,
    pub endpoint: Option<String>,
    pub tags: Option<String>,
}

impl Launch {
    /// What RunInstances asks for itself.
    ///
    /// # Errors
    /// For parameters that are not served.
    pub fn of_request(input: &model::RunInstancesRequest) -> Result<Self> {
        refuse_request(input)?;
        let operation = "RunInstances";
        let interfaces = input.network_interfaces.iter().flatten().map(AskedInterface::of);
        let profile = input.iam_instance_profile.as_ref();
        let metadata = input.metadata_options.as_ref();
        let tags = input.tag_specifications.iter().flatten();
        let tags = tags.map(|one| (one.resource_type.as_deref(), one.tags.as_deref()));
        Ok(Self {
            image: input.image_id.clone(),
            instance_type: input.instance_type.clone(),
            key_name: input.key_name.clone(),
            user_data: some(input.user_data.clone()),
            zone: input.placement.clone().and_then(|place| some(place.availability_zone)),
            subnet: input.subnet_id.clone(),
            private_address: input.private_ip_address.clone(),
            groups: input.security_group_ids.clone().unwrap_or_default(),
            group_names: input.security_groups.clone().unwrap_or_default(),
            interfaces: interfaces.collect::<Result<_>>()?,
            blocks: block_device::read(operation, input.block_device_mappings.clone())?,
            profile: profile
                .map(|one| AskedProfile { name: one.name.clone(), arn: one.arn.clone() }),
            monitoring: input.monitoring.as_ref().map(|monitoring| monitoring.enabled),
            ebs_optimized: input.ebs_optimized,
            credits: input.credit_specification.as_ref().map(|one| one.cpu_credits.clone()),
            disable_api_termination: input.disable_api_termination,
            disable_api_stop: input.disable_api_stop,
            shutdown_behavior: input.instance_initiated_shutdown_behavior.clone(),
            metadata: metadata.map(AskedMetadata::of).unwrap_or_default(),
            tags: tags_of(tags),
            template: None,
        })
    }

    /// Of what a request asks for, and of a template for the rest.
    #[must_use]
    pub fn over(self, template: Self) -> Self {
        let list = |own: Vec<String>, other: Vec<String>| if own.is_empty() { other } else { own };
        let mut blocks = self.blocks;
        for block in template.blocks {
            if !blocks.iter().any(|own| own.device == block.device) {
                blocks.push(block);
            }
        }
        let mut tags = template.tags;
        tags.extend(self.tags);
        let with_groups = !self.groups.is_empty() || !self.group_names.is_empty();
        let template_names = if with_groups { Vec::new() } else { template.group_names };
        Self {
            image: self.image.or(template.image),
            instance_type: self.instance_type.or(template.instance_type),
            key_name: self.key_name.or(template.key_name),
            user_data: self.user_data.or(template.user_data),
            zone: self.zone.or(template.zone),
            subnet: self.subnet.or(template.subnet),
            private_address: self.private_address.or(template.private_address),
            groups: if with_groups { self.groups } else { template.groups },
            group_names: list(self.group_names, template_names),
            interfaces: match self.interfaces.is_empty() {
                true => template.interfaces,
                false => self.interfaces,
            },
            blocks,
            profile: self.profile.or(template.profile),
            monitoring: self.monitoring.or(template.monitoring),
            ebs_optimized: self.ebs_optimized.or(template.ebs_optimized),
            credits: self.credits.or(template.credits),
            disable_api_termination: self
                .disable_api_termination
                .or(template.disable_api_termination),
            disable_api_stop: self.disable_api_stop.or(template.disable_api_stop),
            shutdown_behavior: self.shutdown_behavior.or(template.shutdown_behavior),
            metadata: AskedMetadata {
                tokens: self.metadata.tokens.or(template.metadata.tokens),
                hop_limit: self.metadata.hop_limit.or(template.metadata.hop_limit),
                endpoint: self.metadata.endpoint.or(template.metadata.endpoint),
                tags: self.metadata.tags.or(template.metadata.tags),
            },
            tags,
            template: template.template,
        }
    }
}

/// An empty text is none: Terraform sends all names of a placement, and user data.
pub fn some(name: Option<String>) -> Option<String> {
    name.filter(|name| !name.is_empty())
}

/// The tags for each type of resource.
pub fn tags_of<'a>(
    given: impl Iterator<Item = (Option<&'a str>, Option<&'a [model::Tag]>)>,
) -> BTreeMap<String, BTreeMap<String, String>> {
    let mut tags: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for (resource_type, given) in given {
        let of = tags.entry(resource_type.unwrap_or_default().into()).or_default();
        for tag in given.unwrap_or_default() {
            of.insert(tag.key.clone().unwrap_or_default(), tag.value.clone().unwrap_or_default());
        }
    }
    tags
}

/// Whether a choice is made that is not the one haneul has.
pub fn other_than(choice: Option<String>, only: &str) -> bool {
    some(choice).is_some_and(|choice| choice != only)
}

fn refuse_request(input: &model::RunInstancesRequest) -> Result<()> {
    let place = input.placement.clone().unwrap_or_default();
    let count = |count: Option<i32>| count.is_some_and(|count| count > 0);
    let named = |name: Option<String>| some(name).is_some();
    let dns = input.private_dns_name_options.clone().unwrap_or_default();
    let maintenance = input.maintenance_options.clone().unwrap_or_default();
    not_served(
        "RunInstances",
        &[
            ("PrivateDnsNameOptions.HostnameType", other_than(dns.hostname_type, "ip-name")),
            (
                "PrivateDnsNameOptions.EnableResourceNameDnsARecord",
                dns.enable_resource_name_dns_a_record == Some(true),
            ),
            (
                "PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord",
                dns.enable_resource_name_dns_aaaa_record == Some(true),
            ),
            ("MaintenanceOptions.AutoRecovery", other_than(maintenance.auto_recovery, "default")),
            ("Ipv6AddressCount", count(input.ipv6_address_count)),
            ("Ipv6Addresses", input.ipv6_addresses.is_some()),
            ("KernelId", input.kernel_id.is_some()),
            ("RamdiskId", input.ramdisk_id.is_some()),
            ("Placement.Affinity", named(place.affinity)),
            ("Placement.GroupName", named(place.group_name)),
            ("Placement.GroupId", named(place.group_id)),
            ("Placement.HostId", named(place.host_id)),
            ("Placement.HostResourceGroupArn", named(place.host_resource_group_arn)),
            ("Placement.PartitionNumber", count(place.partition_number)),
            ("Placement.SpreadDomain", named(place.spread_domain)),
            ("Placement.AvailabilityZoneId", named(place.availability_zone_id)),
            ("Placement.Tenancy", other_than(place.tenancy, "default")),
            ("ElasticGpuSpecification", input.elastic_gpu_specification.is_some()),
            ("ElasticInferenceAccelerators", input.elastic_inference_accelerators.is_some()),
            ("InstanceMarketOptions", input.instance_market_options.is_some()),
            ("CpuOptions", input.cpu_options.is_some()),
            ("LicenseSpecifications", input.license_specifications.is_some()),
            (
                "HibernationOptions.Configured",
                input.hibernation_options.as_ref().is_some_and(|one| one.configured == Some(true)),
            ),
            (
                "EnclaveOptions.Enabled",
                input.enclave_options.as_ref().is_some_and(|one| one.enabled == Some(true)),
            ),
            (
                "CapacityReservationSpecification.CapacityReservationTarget",
                input
                    .capacity_reservation_specification
                    .as_ref()
                    .is_some_and(|one| one.capacity_reservation_target.is_some()),
            ),
            ("EnablePrimaryIpv6", input.enable_primary_ipv6 == Some(true)),
            ("NetworkPerformanceOptions", input.network_performance_options.is_some()),
            ("Operator", input.operator.is_some()),
            ("SecondaryInterfaces", input.secondary_interfaces.is_some()),
            ("AdditionalInfo", input.additional_info.is_some()),
            (
                "MetadataOptions.HttpProtocolIpv6",
                input
                    .metadata_options
                    .as_ref()
                    .is_some_and(|one| one.http_protocol_ipv6.as_deref() == Some("enabled")),
            ),
        ],
    )
}

impl AskedInterface {
    fn of(given: &model::InstanceNetworkInterfaceSpecification) -> Result<Self> {
        let count = |count: Option<i32>| count.is_some_and(|count| count > 0);
        let listed = given.private_ip_addresses.clone().unwrap_or_default();
        not_served(
            "RunInstances",
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
                (
                    "NetworkInterface.InterfaceType",
                    given.interface_type.as_deref().is_some_and(|kind| kind != "interface"),
                ),
                ("NetworkInterface.NetworkCardIndex", count(given.network_card_index)),
                ("NetworkInterface.Ipv4Prefixes", given.ipv4_prefixes.is_some()),
                ("NetworkInterface.Ipv4PrefixCount", count(given.ipv4_prefix_count)),
                ("NetworkInterface.Ipv6Prefixes", given.ipv6_prefixes.is_some()),
                ("NetworkInterface.Ipv6PrefixCount", count(given.ipv6_prefix_count)),
                ("NetworkInterface.PrimaryIpv6", given.primary_ipv6 == Some(true)),
                ("NetworkInterface.EnaSrdSpecification", given.ena_srd_specification.is_some()),
                ("NetworkInterface.EnaQueueCount", count(given.ena_queue_count)),
                (
                    "NetworkInterface.ConnectionTrackingSpecification",
                    given.connection_tracking_specification.is_some(),
                ),
            ],
        )?;
        let listed = listed.into_iter().find_map(|one| one.private_ip_address);
        Ok(Self {
            id: given.network_interface_id.clone(),
            device_index: given
                .device_index
                .ok_or(Error::MissingParameter("NetworkInterface.DeviceIndex"))?,
            subnet: given.subnet_id.clone(),
            private_address: given.private_ip_address.clone().or(listed),
            groups: given.groups.clone().unwrap_or_default(),
            description: given.description.clone(),
            public: given.associate_public_ip_address,
            delete_on_termination: given.delete_on_termination,
        })
    }
}

impl AskedMetadata {
    fn of(given: &model::InstanceMetadataOptionsRequest) -> Self {
        Self {
            tokens: given.http_tokens.clone(),
            hop_limit: given.http_put_response_hop_limit,
            endpoint: given.http_endpoint.clone(),
            tags: given.instance_metadata_tags.clone(),
        }
    }
}
