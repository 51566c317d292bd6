//! The facts, family by family.

use super::InstanceType;

#[derive(Debug, PartialEq)]
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) manufacturer: &'static str,
    pub(super) clock_ghz: Option<f64>,
    sizes: Sizes,
}

#[derive(Debug, PartialEq)]
enum Sizes {
    /// Each with its own memory in MiB.
    Own(&'static [(Size, u32)]),
    /// All with so many GiB for each vCPU.
    PerVcpu(u32, &'static [Size]),
}

#[derive(Debug, PartialEq)]
struct Size {
    name: &'static str,
    vcpus: u32,
    network: Network,
    interfaces: u32,
    addresses: u32,
}

/// In AWS's words, and at most in Mbit/s.
type Network = (&'static str, u32);

const LOW: Network = ("Low to Moderate", 1000);
const MODERATE: Network = ("Moderate", 1000);
const TO_5: Network = ("Up to 5 Gigabit", 5000);
const TO_10: Network = ("Up to 10 Gigabit", 10_000);
const G10: Network = ("10 Gigabit", 10_000);
const G12: Network = ("12 Gigabit", 12_000);
const TO_12_5: Network = ("Up to 12.5 Gigabit", 12_500);
const G12_5: Network = ("12.5 Gigabit", 12_500);
const G18_75: Network = ("18.75 Gigabit", 18_750);
const G20: Network = ("20 Gigabit", 20_000);
const G25: Network = ("25 Gigabit", 25_000);
const G37_5: Network = ("37.5 Gigabit", 37_500);
const G50: Network = ("50 Gigabit", 50_000);

const fn size(
    name: &'static str,
    vcpus: u32,
    network: Network,
    interfaces: u32,
    addresses: u32,
) -> Size {
    Size { name, vcpus, network, interfaces, addresses }
}

const T2: Sizes = Sizes::Own(&[
    (size("nano", 1, LOW, 2, 2), 512),
    (size("micro", 1, LOW, 2, 2), 1024),
    (size("small", 1, LOW, 3, 4), 2048),
    (size("medium", 2, LOW, 3, 6), 4096),
    (size("large", 2, LOW, 3, 12), 8192),
    (size("xlarge", 4, MODERATE, 3, 15), 16_384),
    (size("2xlarge", 8, MODERATE, 3, 15), 32_768),
]);
const T3: Sizes = Sizes::Own(&[
    (size("nano", 2, TO_5, 2, 2), 512),
    (size("micro", 2, TO_5, 2, 2), 1024),
    (size("small", 2, TO_5, 3, 4), 2048),
    (size("medium", 2, TO_5, 3, 6), 4096),
    (size("large", 2, TO_5, 3, 12), 8192),
    (size("xlarge", 4, TO_5, 4, 15), 16_384),
    (size("2xlarge", 8, TO_5, 4, 15), 32_768),
]);
const T3A: Sizes = Sizes::Own(&[
    (size("nano", 2, TO_5, 2, 2), 512),
    (size("micro", 2, TO_5, 2, 2), 1024),
    (size("small", 2, TO_5, 2, 4), 2048),
    (size("medium", 2, TO_5, 3, 6), 4096),
    (size("large", 2, TO_5, 3, 12), 8192),
    (size("xlarge", 4, TO_5, 4, 15), 16_384),
    (size("2xlarge", 8, TO_5, 4, 15), 32_768),
]);
/// M5 and R5.
const FIFTH: &[Size] = &[
    size("large", 2, TO_10, 3, 10),
    size("xlarge", 4, TO_10, 4, 15),
    size("2xlarge", 8, TO_10, 4, 15),
    size("4xlarge", 16, TO_10, 8, 30),
    size("8xlarge", 32, G10, 8, 30),
    size("12xlarge", 48, G12, 8, 30),
    size("16xlarge", 64, G20, 15, 50),
    size("24xlarge", 96, G25, 15, 50),
];
const C5: &[Size] = &[
    size("large", 2, TO_10, 3, 10),
    size("xlarge", 4, TO_10, 4, 15),
    size("2xlarge", 8, TO_10, 4, 15),
    size("4xlarge", 16, TO_10, 8, 30),
    size("9xlarge", 36, G12, 8, 30),
    size("12xlarge", 48, G12, 8, 30),
    size("18xlarge", 72, G25, 15, 50),
    size("24xlarge", 96, G25, 15, 50),
];
const SIXTH: &[Size] = &[
    size("large", 2, TO_12_5, 3, 10),
    size("xlarge", 4, TO_12_5, 4, 15),
    size("2xlarge", 8, TO_12_5, 4, 15),
    size("4xlarge", 16, TO_12_5, 8, 30),
    size("8xlarge", 32, G12_5, 8, 30),
    size("12xlarge", 48, G18_75, 8, 30),
    size("16xlarge", 64, G25, 15, 50),
    size("24xlarge", 96, G37_5, 15, 50),
    size("32xlarge", 128, G50, 15, 50),
];
const SEVENTH: &[Size] = &[
    size("large", 2, TO_12_5, 3, 10),
    size("xlarge", 4, TO_12_5, 4, 15),
    size("2xlarge", 8, TO_12_5, 4, 15),
    size("4xlarge", 16, TO_12_5, 8, 30),
    size("8xlarge", 32, G12_5, 8, 30),
    size("12xlarge", 48, G18_75, 8, 30),
    size("16xlarge", 64, G25, 15, 50),
    size("24xlarge", 96, G37_5, 15, 50),
    size("48xlarge", 192, G50, 15, 50),
];

const fn intel(name: &'static str, clock_ghz: Option<f64>, sizes: Sizes) -> Family {
    Family { name, manufacturer: "Intel", clock_ghz, sizes }
}

static FAMILIES: &[Family] = &[
    // T2's clock differs from size to size.
    intel("t2", None, T2),
    intel("t3", Some(2.5), T3),
    Family { name: "t3a", manufacturer: "AMD", clock_ghz: Some(2.2), sizes: T3A },
    intel("m5", Some(3.1), Sizes::PerVcpu(4, FIFTH)),
    intel("m6i", Some(3.5), Sizes::PerVcpu(4, SIXTH)),
    intel("m7i", Some(3.2), Sizes::PerVcpu(4, SEVENTH)),
    intel("c5", Some(3.4), Sizes::PerVcpu(2, C5)),
    intel("c6i", Some(3.5), Sizes::PerVcpu(2, SIXTH)),
    intel("c7i", Some(3.2), Sizes::PerVcpu(2, SEVENTH)),
    intel("r5", Some(3.1), Sizes::PerVcpu(8, FIFTH)),
    intel("r6i", Some(3.5), Sizes::PerVcpu(8, SIXTH)),
    intel("r7i", Some(3.2), Sizes::PerVcpu(8, SEVENTH)),
];

/// Those of AWS's own processor that people ask for first.
pub(super) const ARM_FAMILIES: &[&str] = &[
    "t4g", "m6g", "m6gd", "m7g", "m7gd", "m8g", "c6g", "c6gd", "c6gn", "c7g", "c7gd", "c7gn",
    "c8g", "r6g", "r6gd", "r7g", "r7gd", "r8g", "a1", "x2gd", "im4gn", "is4gen", "i4g", "g5g",
];

pub(super) fn all() -> impl Iterator<Item = InstanceType> {
    FAMILIES.iter().flat_map(|family| -> Vec<InstanceType> {
        match &family.sizes {
            Sizes::Own(sizes) => {
                sizes.iter().map(|(size, memory)| instance_type(family, size, *memory)).collect()
            }
            Sizes::PerVcpu(gib, sizes) => sizes
                .iter()
                .map(|size| instance_type(family, size, size.vcpus * gib * 1024))
                .collect(),
        }
    })
}

fn instance_type(family: &'static Family, size: &Size, memory_mib: u32) -> InstanceType {
    InstanceType {
        name: format!("{}.{}", family.name, size.name),
        vcpus: size.vcpus,
        memory_mib,
        network_performance: size.network.0,
        network_mbit: size.network.1,
        interfaces_max: size.interfaces,
        addresses_per_interface: size.addresses,
        family,
    }
}
