//! The names that AWS gives to addresses.
//! <https://docs.aws.amazon.com/vpc/latest/userguide/vpc-dns.html>

use std::net::Ipv4Addr;

use aws::Region;

/// The oldest region's names are without its own.
const OLDEST: &str = "us-east-1";

/// `ap-northeast-2.compute.internal`.
pub fn internal_domain(region: &Region) -> String {
    match region.as_str() {
        OLDEST => "ec2.internal".into(),
        region => format!("{region}.compute.internal"),
    }
}

/// `ip-10-0-0-5.ap-northeast-2.compute.internal`.
pub fn private(address: Ipv4Addr, region: &Region) -> String {
    format!("ip-{}.{}", dashed(address), internal_domain(region))
}

/// `ap-northeast-2.compute.amazonaws.com`.
pub fn public_domain(region: &Region) -> String {
    match region.as_str() {
        OLDEST => "compute-1.amazonaws.com".into(),
        region => format!("{region}.compute.amazonaws.com"),
    }
}

/// `ec2-198-18-0-5.ap-northeast-2.compute.amazonaws.com`.
pub fn public(address: Ipv4Addr, region: &Region) -> String {
    format!("ec2-{}.{}", dashed(address), public_domain(region))
}

fn dashed(address: Ipv4Addr) -> String {
    address.to_string().replace('.', "-")
}
