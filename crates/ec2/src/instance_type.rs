//! Instance types: what each is by AWS's tables, and what a guest of it is given here.
//! <https://docs.aws.amazon.com/ec2/latest/instancetypes/instance-types.html>

mod table;

use aws::{Call, Zone};
use host::Limits;

use crate::error::{Error, Result};
use crate::filter::Filters;
use crate::tag::Tags;
use crate::{Ec2, model};

/// What AWS says of a type. None of these is bare metal, has disks of its own or a GPU; all are
/// of x86-64.
#[derive(Clone, Debug, PartialEq)]
pub struct InstanceType {
    pub name: String,
    pub vcpus: u32,
    pub memory_mib: u32,
    /// In AWS's words: `Up to 5 Gigabit`.
    pub network_performance: &'static str,
    /// At most, each way.
    pub network_mbit: u32,
    pub interfaces_max: u32,
    pub addresses_per_interface: u32,
    family: &'static table::Family,
}

/// A process takes some 20 KiB of the machine's own memory, whatever it does.
const PROCESSES_PER_MIB: u32 = 8;
const PROCESSES: std::ops::RangeInclusive<u32> = 1024..=65_536;
/// AWS's standard On-Demand quota is of vCPUs: as much as accounts with some history have.
pub const VCPUS_MAX: u32 = 256;

impl InstanceType {
    /// # Errors
    /// `Unsupported` for one that this machine cannot be or haneul does not know.
    pub fn named(name: &str) -> Result<Self> {
        if let Some(found) = table::all().find(|found| found.name == name) {
            return Ok(found);
        }
        let family = name.split('.').next().unwrap_or_default();
        let why = match table::ARM_FAMILIES.contains(&family) {
            true => "it has an ARM processor and this machine an x86_64 one",
            false => "haneul does not have it",
        };
        let message = format!(
            "Your requested instance type ({name}) is not supported in your requested Availability Zone: {why}."
        );
        Err(Error::coded("Unsupported", message))
    }

    /// What its guests may use.
    pub fn limits(&self) -> Limits {
        let processes = self.memory_mib.saturating_mul(PROCESSES_PER_MIB);
        Limits {
            cpus: self.vcpus,
            memory_mib: self.memory_mib,
            processes_max: processes.clamp(*PROCESSES.start(), *PROCESSES.end()),
            bandwidth_mbit: Some(self.network_mbit),
        }
    }

    pub fn is_burstable(&self) -> bool {
        self.family.name.starts_with('t')
    }

    /// `standard` for T2, `unlimited` for later ones.
    pub fn default_credits(&self) -> Option<&'static str> {
        self.is_burstable().then_some(match self.family.name {
            "t2" => "standard",
            _ => "unlimited",
        })
    }

    fn threads_per_core(&self) -> u32 {
        match self.vcpus {
            1 => 1,
            _ if self.is_xen() => 1,
            _ => 2,
        }
    }

    pub fn cores(&self) -> u32 {
        self.vcpus / self.threads_per_core()
    }

    pub fn threads(&self) -> u32 {
        self.threads_per_core()
    }

    pub fn is_xen(&self) -> bool {
        self.family.name == "t2"
    }

    pub fn hypervisor(&self) -> &'static str {
        if self.is_xen() { "xen" } else { "nitro" }
    }

    fn is_free_tier(&self) -> bool {
        matches!(self.name.as_str(), "t2.micro" | "t3.micro")
    }

    fn shape(&self) -> model::InstanceTypeInfo {
        let texts = |texts: &[&str]| Some(texts.iter().map(|&text| text.into()).collect());
        model::InstanceTypeInfo {
            instance_type: Some(self.name.clone()),
            current_generation: Some(true),
            free_tier_eligible: Some(self.is_free_tier()),
            supported_usage_classes: texts(&["on-demand"]),
            supported_root_device_types: texts(&["ebs"]),
            supported_virtualization_types: texts(&["hvm"]),
            bare_metal: Some(false),
            hypervisor: Some(self.hypervisor().into()),
            processor_info: Some(self.processor()),
            v_cpu_info: Some(self.vcpu_shape()),
            memory_info: Some(model::MemoryInfo { size_in_mi_b: Some(self.memory_mib.into()) }),
            instance_storage_supported: Some(false),
            ebs_info: Some(self.ebs()),
            network_info: Some(self.network()),
            placement_group_info: Some(model::PlacementGroupInfo {
                supported_strategies: Some(Vec::new()),
            }),
            hibernation_supported: Some(false),
            burstable_performance_supported: Some(self.is_burstable()),
            dedicated_hosts_supported: Some(false),
            auto_recovery_supported: Some(false),
            supported_boot_modes: texts(&["legacy-bios"]),
            nitro_enclaves_support: Some("unsupported".into()),
            nitro_tpm_support: Some("unsupported".into()),
            ..Default::default()
        }
    }

    fn processor(&self) -> model::ProcessorInfo {
        model::ProcessorInfo {
            supported_architectures: Some(vec!["x86_64".into()]),
            sustained_clock_speed_in_ghz: self.family.clock_ghz,
            manufacturer: Some(self.family.manufacturer.into()),
            ..Default::default()
        }
    }

    fn vcpu_shape(&self) -> model::VCpuInfo {
        let number = |number: u32| i32::try_from(number).ok();
        model::VCpuInfo {
            default_v_cpus: number(self.vcpus),
            default_cores: number(self.cores()),
            default_threads_per_core: number(self.threads_per_core()),
            ..Default::default()
        }
    }

    fn ebs(&self) -> model::EbsInfo {
        let optimized = if self.is_xen() { "unsupported" } else { "default" };
        model::EbsInfo {
            ebs_optimized_support: Some(optimized.into()),
            encryption_support: Some("unsupported".into()),
            nvme_support: Some(if self.is_xen() { "unsupported" } else { "required" }.into()),
            ..Default::default()
        }
    }

    fn network(&self) -> model::NetworkInfo {
        let number = |number: u32| i32::try_from(number).ok();
        model::NetworkInfo {
            network_performance: Some(self.network_performance.into()),
            maximum_network_interfaces: number(self.interfaces_max),
            maximum_network_cards: Some(1),
            default_network_card_index: Some(0),
            network_cards: Some(vec![model::NetworkCardInfo {
                network_card_index: Some(0),
                network_performance: Some(self.network_performance.into()),
                maximum_network_interfaces: number(self.interfaces_max),
                ..Default::default()
            }]),
            ipv4_addresses_per_interface: number(self.addresses_per_interface),
            ipv6_addresses_per_interface: Some(0),
            ipv6_supported: Some(false),
            ena_support: Some(if self.is_xen() { "unsupported" } else { "required" }.into()),
            efa_supported: Some(false),
            encryption_in_transit_supported: Some(false),
            ..Default::default()
        }
    }

    fn filter_values(&self, name: &str) -> Option<Vec<String>> {
        let one = |value: String| Some(vec![value]);
        match name {
            "auto-recovery-supported"
            | "bare-metal"
            | "dedicated-hosts-supported"
            | "hibernation-supported"
            | "instance-storage-supported"
            | "network-info.efa-supported"
            | "network-info.ipv6-supported"
            | "network-info.encryption-in-transit-supported" => one("false".into()),
            "burstable-performance-supported" => one(self.is_burstable().to_string()),
            "current-generation" => one("true".into()),
            "free-tier-eligible" => one(self.is_free_tier().to_string()),
            "hypervisor" => one(self.hypervisor().into()),
            "instance-type" => one(self.name.clone()),
            "memory-info.size-in-mib" => one(self.memory_mib.to_string()),
            "network-info.network-performance" => one(self.network_performance.into()),
            "network-info.maximum-network-interfaces" => one(self.interfaces_max.to_string()),
            "network-info.maximum-network-cards" => one("1".into()),
            "network-info.ipv4-addresses-per-interface" => {
                one(self.addresses_per_interface.to_string())
            }
            "network-info.ena-support" => self.network().ena_support.and_then(one),
            "ebs-info.ebs-optimized-support" => self.ebs().ebs_optimized_support.and_then(one),
            "ebs-info.encryption-support" => self.ebs().encryption_support.and_then(one),
            "ebs-info.nvme-support" => self.ebs().nvme_support.and_then(one),
            "nitro-enclaves-support" | "nitro-tpm-support" => one("unsupported".into()),
            "processor-info.supported-architecture" => one("x86_64".into()),
            "processor-info.manufacturer" => one(self.family.manufacturer.into()),
            "processor-info.sustained-clock-speed-in-ghz" => {
                Some(self.family.clock_ghz.iter().map(ToString::to_string).collect())
            }
            "supported-boot-mode" => one("legacy-bios".into()),
            "supported-root-device-type" => one("ebs".into()),
            "supported-usage-class" => one("on-demand".into()),
            "supported-virtualization-type" => one("hvm".into()),
            "vcpu-info.default-cores" => one(self.cores().to_string()),
            "vcpu-info.default-threads-per-core" => one(self.threads_per_core().to_string()),
            "vcpu-info.default-vcpus" => one(self.vcpus.to_string()),
            _ => None,
        }
    }
}

pub async fn describe(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInstanceTypesRequest,
) -> Result<model::DescribeInstanceTypesResult> {
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeInstanceTypes", token, size).await?;
    let named = input.instance_types.unwrap_or_default();
    let unknown: Vec<_> =
        named.iter().filter(|name| !table::all().any(|found| found.name == **name)).collect();
    if !unknown.is_empty() {
        let message = format!("The following supplied instance types do not exist: {unknown:?}");
        return Err(Error::coded("InvalidInstanceType", message.replace('"', "")));
    }
    let mut found = Vec::new();
    for one in table::all().filter(|one| named.is_empty() || named.contains(&one.name)) {
        if filters.pass(&Tags::default(), |name| one.filter_values(name))? {
            found.push((one.name.clone(), one.shape()));
        }
    }
    found.sort_by(|one, two| one.0.cmp(&two.0));
    let page = ask.cut(found);
    Ok(model::DescribeInstanceTypesResult {
        instance_types: Some(page.items),
        next_token: page.next_token,
    })
}

/// Every type is offered in every zone.
pub async fn describe_offerings(
    ec2: &Ec2,
    call: &Call,
    input: model::DescribeInstanceTypeOfferingsRequest,
) -> Result<model::DescribeInstanceTypeOfferingsResult> {
    let filters = Filters::read(input.filters)?;
    let (token, size) = (input.next_token.as_deref(), input.max_results);
    let ask = ec2.ask(call, "DescribeInstanceTypeOfferings", token, size).await?;
    let kind = input.location_type.unwrap_or_else(|| "region".into());
    let locations: Vec<String> = match kind.as_str() {
        "region" => vec![call.region.to_string()],
        "availability-zone" => Zone::ALL.map(|zone| zone.name(&call.region)).into(),
        "availability-zone-id" => Zone::ALL.map(|zone| zone.id(&call.region)).into(),
        "outpost" => Vec::new(),
        other => return Err(Error::invalid_value(format!("Invalid location type: {other}"))),
    };
    let mut found = Vec::new();
    for one in table::all() {
        for location in &locations {
            let values = |name: &str| match name {
                "instance-type" => Some(vec![one.name.clone()]),
                "location" => Some(vec![location.clone()]),
                _ => None,
            };
            if filters.pass(&Tags::default(), values)? {
                let offering = model::InstanceTypeOffering {
                    instance_type: Some(one.name.clone()),
                    location_type: Some(kind.clone()),
                    location: Some(location.clone()),
                };
                found.push((format!("{location}/{}", one.name), offering));
            }
        }
    }
    found.sort_by(|one, two| one.0.cmp(&two.0));
    let page = ask.cut(found);
    Ok(model::DescribeInstanceTypeOfferingsResult {
        instance_type_offerings: Some(page.items),
        next_token: page.next_token,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn types_are_what_aws_says() {
        let check = |name: &str, vcpus: u32, memory_mib: u32, network: &str| {
            let found = InstanceType::named(name).expect(name);
            assert_eq!((found.vcpus, found.memory_mib), (vcpus, memory_mib), "{name}");
            assert_eq!(found.network_performance, network, "{name}");
        };
        check("t2.micro", 1, 1024, "Low to Moderate");
        check("t3.nano", 2, 512, "Up to 5 Gigabit");
        check("t3a.2xlarge", 8, 32_768, "Up to 5 Gigabit");
        check("m5.large", 2, 8192, "Up to 10 Gigabit");
        check("m6i.32xlarge", 128, 524_288, "50 Gigabit");
        check("m7i.48xlarge", 192, 786_432, "50 Gigabit");
        check("c5.9xlarge", 36, 73_728, "12 Gigabit");
        check("c6i.xlarge", 4, 8192, "Up to 12.5 Gigabit");
        check("r5.12xlarge", 48, 393_216, "12 Gigabit");
        check("r7i.2xlarge", 8, 65_536, "Up to 12.5 Gigabit");
        let micro = InstanceType::named("t3.micro").expect("known").limits();
        assert_eq!((micro.cpus, micro.memory_mib, micro.processes_max), (2, 1024, 8192));
        assert_eq!(micro.bandwidth_mbit, Some(5000));
        let names: std::collections::BTreeSet<_> = table::all().map(|one| one.name).collect();
        assert_eq!(names.len(), table::all().count(), "each once");
        for lacking in ["t4g.micro", "t3", "p5.48xlarge"] {
            let refused = aws::Error::from(InstanceType::named(lacking).expect_err(lacking));
            assert_eq!(refused.code, "Unsupported");
        }
    }

    #[tokio::test]
    async fn types_and_offerings_are_found_by_filters() {
        let world = World::new();
        let found = world.must("DescribeInstanceTypes", "InstanceType.1=t3.micro").await;
        assert_eq!(World::text(&found, "sizeInMiB"), "1024");
        assert_eq!(World::text(&found, "defaultVCpus"), "2");
        let two = "Filter.1.Name=vcpu-info.default-vcpus&Filter.1.Value.1=2&Filter.2.Name=instance-type&Filter.2.Value.1=m*";
        let found = world.must("DescribeInstanceTypes", two).await;
        assert_eq!(World::texts(&found, "instanceType"), ["m5.large", "m6i.large", "m7i.large"]);
        let page = world.must("DescribeInstanceTypes", "MaxResults=5").await;
        assert_eq!(World::texts(&page, "instanceType").len(), 5);
        let refused = world.refused("DescribeInstanceTypes", "InstanceType.1=x1.16xlarge").await;
        assert_eq!(refused.1, "InvalidInstanceType");
        assert_eq!(refused.2, "The following supplied instance types do not exist: [x1.16xlarge]");
        let zones =
            "LocationType=availability-zone&Filter.1.Name=instance-type&Filter.1.Value.1=t3.micro";
        let found = world.must("DescribeInstanceTypeOfferings", zones).await;
        let expected = ["ap-northeast-2a", "ap-northeast-2b", "ap-northeast-2c"];
        assert_eq!(World::texts(&found, "location"), expected);
        let bad =
            world.refused("DescribeInstanceTypes", "Filter.1.Name=color&Filter.1.Value.1=red");
        assert_eq!(bad.await.1, "InvalidParameterValue");
    }
}
