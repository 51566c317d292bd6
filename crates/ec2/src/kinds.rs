//! Every kind of record of this crate, for [`state::open()`].

use state::Kind;

use crate::address::Address;
use crate::client_token::ClientToken;
use crate::default_vpc::Settlement;
use crate::dhcp_options::DhcpOptions;
use crate::image::Image;
use crate::instance::Instance;
use crate::instance::health::{GuestOwner, Health};
use crate::internet_gateway::InternetGateway;
use crate::key_pair::KeyPair;
use crate::launch_template::{LaunchTemplate, Version};
use crate::name::Name;
use crate::nat_gateway::NatGateway;
use crate::network::Network;
use crate::network_acl::NetworkAcl;
use crate::network_interface::NetworkInterface;
use crate::page::PageSecret;
use crate::public_address::PublicAddress;
use crate::route_table::RouteTable;
use crate::security_group::SecurityGroup;
use crate::share::Shared;
use crate::snapshot::Snapshot;
use crate::snapshot::data::SnapshotData;
use crate::subnet::Subnet;
use crate::tag::Tags;
use crate::volume::Volume;
use crate::vpc::Vpc;

/// A kind that is missing here would be neither migrated nor refused when it is too new.
pub fn kinds() -> Vec<Kind> {
    let mut kinds = vec![Kind::of::<Tags>(), Kind::of::<PageSecret>(), Kind::of::<Vpc>()];
    kinds.extend(networks());
    // Computers and their disks.
    kinds.extend([Kind::of::<Name>(), Kind::of::<ClientToken>(), Kind::of::<Shared>()]);
    kinds.extend([Kind::of::<KeyPair>(), Kind::of::<Image>(), Kind::of::<Volume>()]);
    kinds.extend([Kind::of::<Snapshot>(), Kind::of::<SnapshotData>(), Kind::of::<Instance>()]);
    kinds.extend([Kind::of::<Health>(), Kind::of::<GuestOwner>()]);
    kinds.extend([Kind::of::<LaunchTemplate>(), Kind::of::<Version>()]);
    kinds
}

fn networks() -> Vec<Kind> {
    vec![
        Kind::of::<Address>(),
        Kind::of::<DhcpOptions>(),
        Kind::of::<InternetGateway>(),
        Kind::of::<NatGateway>(),
        Kind::of::<Network>(),
        Kind::of::<NetworkAcl>(),
        Kind::of::<NetworkInterface>(),
        Kind::of::<PublicAddress>(),
        Kind::of::<RouteTable>(),
        Kind::of::<SecurityGroup>(),
        Kind::of::<Settlement>(),
        Kind::of::<Subnet>(),
    ]
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn records_in(folder: &Path) -> usize {
        let entries = std::fs::read_dir(folder).expect("sources").map(|entry| entry.expect("read"));
        entries
            .map(|entry| match entry.path() {
                path if path.is_dir() => records_in(&path),
                path => {
                    let source = std::fs::read_to_string(path).expect("text");
                    source.lines().filter(|line| line.starts_with("impl Record for ")).count()
                }
            })
            .sum()
    }

    #[test]
    fn every_record_of_the_crate_is_listed() {
        let sources = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        assert_eq!(kinds().len(), records_in(&sources));
    }
}
