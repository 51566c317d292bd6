//! From the records of a VPC to what the machine enforces. Pure.

use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use crate::address::Address;
use crate::internet_gateway::InternetGateway;
use crate::nat_gateway::NatGateway;
use crate::network_interface::NetworkInterface;
use crate::route_table::{RouteTable, Target};
use crate::security_group::SecurityGroup;
use crate::security_group::permission::{ICMP, Permission, Protocol, Source, TCP, UDP};
use crate::security_group::rule::Direction;
use crate::subnet::Subnet;
use crate::vpc::Vpc;

/// Every record of one VPC that packets depend on.
#[derive(Clone, Debug)]
pub struct Landscape {
    pub vpc: Vpc,
    pub subnets: Vec<Subnet>,
    pub tables: Vec<RouteTable>,
    /// Attached to it.
    pub gateways: Vec<InternetGateway>,
    pub nat_gateways: Vec<NatGateway>,
    pub interfaces: Vec<NetworkInterface>,
    pub groups: Vec<SecurityGroup>,
    /// Associated in it.
    pub addresses: Vec<Address>,
}

impl Landscape {
    pub fn network(&self) -> host::Network {
        host::Network {
            id: host::NetworkId(self.vpc.id.clone()),
            blocks: self.vpc.blocks.iter().map(|block| block.block).collect(),
            subnets: self.subnets.iter().map(|subnet| self.subnet(subnet)).collect(),
            interfaces: self.interfaces.iter().map(|one| self.interface(one)).collect(),
            groups: self.groups.iter().map(group).collect(),
        }
    }

    fn subnet(&self, subnet: &Subnet) -> host::Subnet {
        let table = self.table_of(subnet);
        let routes = table.into_iter().flat_map(|table| &table.routes);
        let route = |route: &crate::route_table::Route| host::Route {
            destination: route.destination,
            target: self.target(route.destination, &route.target),
        };
        host::Subnet { block: subnet.block, routes: routes.map(route).collect() }
    }

    /// The table that names the subnet, else the main one.
    fn table_of(&self, subnet: &Subnet) -> Option<&RouteTable> {
        let of = |id: Option<&String>| {
            let has = |table: &&RouteTable| {
                table.associations.iter().any(|one| one.subnet_id.as_ref() == id)
            };
            self.tables.iter().find(has)
        };
        of(Some(&subnet.id)).or_else(|| of(None))
    }

    fn target(&self, destination: Ipv4Net, target: &Target) -> host::RouteTarget {
        let found = match target {
            Target::Gateway(id) => {
                let there = self.gateways.iter().any(|gateway| gateway.id == *id);
                there.then_some(host::RouteTarget::Internet)
            }
            Target::NatGateway(id) => {
                let nat = self.nat_gateways.iter().find(|nat| nat.id == *id && nat.forwards());
                let out = nat.filter(|nat| self.reaches_out(&nat.subnet_id, destination));
                out.map(|nat| host::RouteTarget::Nat(nat.public_address))
            }
            Target::NetworkInterface(id) => {
                let held = |one: &&NetworkInterface| one.id == *id && one.instance_id().is_some();
                let found = self.interfaces.iter().find(held);
                found.map(|one| host::RouteTarget::Interface(host::InterfaceId(one.id.clone())))
            }
        };
        found.unwrap_or(host::RouteTarget::Blackhole)
    }

    /// Whether the subnet's own routes lead through the internet gateway there.
    fn reaches_out(&self, subnet_id: &str, destination: Ipv4Net) -> bool {
        let subnet = self.subnets.iter().find(|subnet| subnet.id == subnet_id);
        let table = subnet.and_then(|subnet| self.table_of(subnet));
        let routes = table.into_iter().flat_map(|table| &table.routes);
        let covers = routes.filter(|route| route.destination.contains(&destination));
        let longest = covers.max_by_key(|route| route.destination.prefix_len());
        longest.is_some_and(|route| match &route.target {
            Target::Gateway(id) => self.gateways.iter().any(|gateway| gateway.id == *id),
            _ => false,
        })
    }

    fn interface(&self, one: &NetworkInterface) -> host::NetworkInterface {
        let elastic = self.addresses.iter().find(|address| {
            address.association.as_ref().is_some_and(|held| held.interface_id == one.id)
        });
        let public = elastic.map(|address| address.public_address).or(one.public_address);
        // A NAT gateway's address is its routes' own; a gateway that is gone leads nobody in.
        let public = public.filter(|_| one.requester_id.is_none() && !self.gateways.is_empty());
        host::NetworkInterface {
            interface: host::InterfaceId(one.id.clone()),
            private_address: one.private_address,
            public_address: public,
            groups: one.groups.iter().cloned().map(host::GroupId).collect(),
            source_dest_check: one.source_dest_check,
        }
    }
}

fn group(group: &SecurityGroup) -> host::SecurityGroup {
    let rules =
        |direction| group.rules(direction).filter_map(|one| rule(&one.permission)).collect();
    host::SecurityGroup {
        id: host::GroupId(group.id.clone()),
        ingress: rules(Direction::Ingress),
        egress: rules(Direction::Egress),
    }
}

/// `None` of a rule that no packet of IPv4 meets.
fn rule(permission: &Permission) -> Option<host::Rule> {
    let peer = match &permission.source {
        Source::Ipv4(block) => host::Peer::Block(*block),
        Source::Group(id) => host::Peer::Group(host::GroupId(id.clone())),
        Source::Ipv6(_) => return None,
    };
    Some(host::Rule { traffic: traffic(permission)?, peer })
}

fn traffic(permission: &Permission) -> Option<host::Traffic> {
    // Of ICMP -1 stands for all.
    let number = |value: Option<i32>| value.and_then(|value| u8::try_from(value).ok());
    Some(match permission.protocol {
        Protocol::All => host::Traffic::All,
        Protocol::Number(TCP) => host::Traffic::Tcp(ports(permission)?),
        Protocol::Number(UDP) => host::Traffic::Udp(ports(permission)?),
        Protocol::Number(ICMP) => {
            let kind = number(permission.from_port);
            host::Traffic::Icmp { kind, code: kind.and_then(|_| number(permission.to_port)) }
        }
        Protocol::Number(other) => host::Traffic::Protocol(other),
    })
}

fn ports(permission: &Permission) -> Option<RangeInclusive<u16>> {
    let from = u16::try_from(permission.from_port?).ok()?;
    Some(from..=u16::try_from(permission.to_port?).ok()?)
}
