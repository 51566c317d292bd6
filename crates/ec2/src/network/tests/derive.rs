//! From records to the machine's network, by table.

use std::net::Ipv4Addr;

use aws::{Random, Zone};
use host::{Peer, RouteTarget, Rule, Traffic};

use crate::address::{Address, Association as Elastic};
use crate::internet_gateway::InternetGateway;
use crate::nat_gateway::{NatGateway, NatGatewayState};
use crate::network::derive::Landscape;
use crate::network_interface::{Attachment, NetworkInterface};
use crate::route_table::{Association, Origin, Route, RouteTable, Target};
use crate::security_group::SecurityGroup;
use crate::security_group::permission::{Permission, Protocol, Source};
use crate::security_group::rule::{Direction, Rule as GroupRule};
use crate::subnet::Subnet;
use crate::testing::{ACCOUNT, AT};
use crate::vpc::Vpc;
use crate::vpc_block::BlockAssociation;

const PUBLIC: Ipv4Addr = Ipv4Addr::new(198, 18, 0, 20);

/// A public subnet with a gateway and a NAT gateway, a private one, an instance's interface
/// in each.
fn landscape() -> Landscape {
    let random = Random::seeded(1);
    let block = BlockAssociation::new(&random, "10.0.0.0/16".parse().expect("valid"));
    let owner: aws::AccountId = ACCOUNT.parse().expect("valid");
    let vpc = Vpc {
        id: "vpc-1".into(),
        owner: owner.clone(),
        blocks: vec![block],
        is_default: false,
        instance_tenancy: "default".into(),
        dhcp_options_id: "default".into(),
        enable_dns_support: true,
        enable_dns_hostnames: true,
        enable_network_address_usage_metrics: false,
    };
    let subnet = |id: &str, block: &str| Subnet {
        id: id.into(),
        ..Subnet::new(&random, &vpc, Zone::A, block.parse().expect("valid"))
    };
    let table = |id: &str, subnet: Option<&str>, target: Target| {
        let association = Association { id: id.into(), subnet_id: subnet.map(Into::into) };
        let route = route("0.0.0.0/0", target);
        let (routes, associations) = (vec![route], vec![association]);
        RouteTable { id: id.into(), routes, associations, ..RouteTable::new(&random, &vpc) }
    };
    let nat = NatGateway {
        id: "nat-1".into(),
        vpc_id: vpc.id.clone(),
        subnet_id: "public".into(),
        owner: owner.clone(),
        state: NatGatewayState::Available,
        created: AT,
        deleted: None,
        interface_id: "eni-nat".into(),
        private_address: Ipv4Addr::new(10, 0, 0, 4),
        public_address: PUBLIC,
        allocation_id: "eipalloc-1".into(),
        association_id: "eipassoc-1".into(),
    };
    Landscape {
        subnets: vec![subnet("public", "10.0.0.0/24"), subnet("private", "10.0.1.0/24")],
        tables: vec![
            table("rtb-1", Some("public"), Target::Gateway("igw-1".into())),
            table("rtb-2", None, Target::NatGateway("nat-1".into())),
        ],
        gateways: vec![InternetGateway { id: "igw-1".into(), owner, vpc_id: Some(vpc.id.clone()) }],
        nat_gateways: vec![nat],
        interfaces: vec![interface("eni-1", "public", 5), interface("eni-2", "private", 6)],
        groups: Vec::new(),
        addresses: Vec::new(),
        vpc,
    }
}

fn route(destination: &str, target: Target) -> Route {
    Route { destination: destination.parse().expect("valid"), target, origin: Origin::CreateRoute }
}

fn interface(id: &str, subnet: &str, last: u8) -> NetworkInterface {
    NetworkInterface {
        id: id.into(),
        vpc_id: "vpc-1".into(),
        subnet_id: subnet.into(),
        zone: Zone::A,
        owner: ACCOUNT.parse().expect("valid"),
        description: String::new(),
        interface_type: "interface".into(),
        requester_id: None,
        groups: vec!["sg-1".into()],
        mac: [2, 0, 0, 0, 0, last],
        private_address: Ipv4Addr::new(10, 0, 0, last),
        public_address: None,
        source_dest_check: true,
        attachment: Some(Attachment {
            id: "eni-attach-1".into(),
            instance_id: Some("i-1".into()),
            device_index: 0,
            delete_on_termination: true,
            attached_at: AT,
            phase: Default::default(),
        }),
    }
}

#[test]
fn routes_lead_where_their_targets_are() {
    let check = |change: fn(&mut Landscape), expected: [RouteTarget; 2]| {
        let mut landscape = landscape();
        change(&mut landscape);
        let network = landscape.network();
        let targets = network.subnets.iter().map(|subnet| subnet.routes[0].target.clone());
        assert_eq!(targets.collect::<Vec<_>>(), expected);
    };
    use RouteTarget::{Blackhole, Interface, Internet, Nat};
    check(|_| {}, [Internet, Nat(PUBLIC)]);
    check(|all| all.gateways.clear(), [Blackhole, Blackhole]);
    check(|all| all.nat_gateways[0].state = NatGatewayState::Pending, [Internet, Nat(PUBLIC)]);
    check(|all| all.nat_gateways[0].state = NatGatewayState::Deleting, [Internet, Blackhole]);
    check(|all| all.nat_gateways[0].subnet_id = "private".into(), [Internet, Blackhole]);
    check(
        |all| all.tables[0].routes.push(route("0.0.0.0/1", Target::NatGateway("nat-1".into()))),
        [Internet, Nat(PUBLIC)],
    );
    let to_interface = |all: &mut Landscape| {
        all.tables[1].routes[0].target = Target::NetworkInterface("eni-1".into());
    };
    check(to_interface, [Internet, Interface(host::InterfaceId("eni-1".into()))]);
    check(
        |all| {
            all.tables[1].routes[0].target = Target::NetworkInterface("eni-1".into());
            all.interfaces[0].attachment = None;
        },
        [Internet, Blackhole],
    );
    check(
        |all| {
            let associations = std::mem::take(&mut all.tables[0].associations);
            drop(associations);
        },
        [Blackhole, Blackhole],
    );
}

#[test]
fn a_public_address_needs_a_gateway() {
    let elastic = Ipv4Addr::new(198, 18, 0, 30);
    let check = |change: fn(&mut Landscape), expected: Option<Ipv4Addr>| {
        let mut landscape = landscape();
        change(&mut landscape);
        assert_eq!(landscape.network().interfaces[0].public_address, expected);
    };
    fn associate(all: &mut Landscape) {
        all.addresses.push(Address {
            allocation_id: "eipalloc-2".into(),
            public_address: Ipv4Addr::new(198, 18, 0, 30),
            owner: ACCOUNT.parse().expect("valid"),
            association: Some(Elastic {
                id: "eipassoc-2".into(),
                vpc_id: "vpc-1".into(),
                interface_id: "eni-1".into(),
                private_address: Ipv4Addr::new(10, 0, 0, 5),
            }),
        });
    }
    check(|_| {}, None);
    check(|all| all.interfaces[0].public_address = Some(PUBLIC), Some(PUBLIC));
    check(associate, Some(elastic));
    check(
        |all| {
            associate(all);
            all.gateways.clear();
        },
        None,
    );
    check(
        |all| {
            associate(all);
            all.interfaces[0].requester_id = Some("amazon-ec2-nat".into());
        },
        None,
    );
}

#[test]
fn permissions_become_traffic() {
    let check = |protocol: Protocol, ports: Option<(i32, i32)>, source: &str, expected| {
        let source = match source.parse() {
            Ok(block) => Source::Ipv4(block),
            Err(_) if source.contains(':') => Source::Ipv6(source.parse().expect("valid")),
            Err(_) => Source::Group(source.into()),
        };
        let (from_port, to_port) = ports.unzip();
        let permission = Permission { protocol, from_port, to_port, source };
        let mut landscape = landscape();
        landscape.groups = vec![SecurityGroup {
            id: "sg-1".into(),
            vpc_id: "vpc-1".into(),
            owner: ACCOUNT.parse().expect("valid"),
            name: "web".into(),
            description: "d".into(),
            rules: vec![GroupRule::new(&Random::seeded(1), Direction::Ingress, permission)],
        }];
        let network = landscape.network();
        let expected: Vec<Rule> = Option::into_iter(expected).collect();
        assert_eq!((&network.groups[0].ingress, network.groups[0].egress.len()), (&expected, 0));
    };
    let everywhere = || Peer::Block("0.0.0.0/0".parse().expect("valid"));
    let from_all = |traffic| Some(Rule { traffic, peer: everywhere() });
    let any = "0.0.0.0/0";
    let number = Protocol::Number;
    check(Protocol::All, None, any, from_all(Traffic::All));
    check(number(6), Some((22, 80)), any, from_all(Traffic::Tcp(22..=80)));
    check(number(17), Some((53, 53)), any, from_all(Traffic::Udp(53..=53)));
    let icmp = |kind, code| from_all(Traffic::Icmp { kind, code });
    check(number(1), Some((-1, -1)), any, icmp(None, None));
    check(number(1), Some((8, -1)), any, icmp(Some(8), None));
    check(number(1), Some((3, 4)), any, icmp(Some(3), Some(4)));
    check(number(1), Some((-1, 4)), any, icmp(None, None));
    check(number(50), None, any, from_all(Traffic::Protocol(50)));
    check(number(6), Some((22, 80)), "::/0", None);
    let group = Peer::Group(host::GroupId("sg-2".into()));
    check(Protocol::All, None, "sg-2", Some(Rule { traffic: Traffic::All, peer: group }));
}
