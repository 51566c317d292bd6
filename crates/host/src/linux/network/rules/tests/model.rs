//! What AWS would do with one first packet of a connection, said as plainly as possible.

use std::net::Ipv4Addr;

use super::{Network, Peer, RouteTarget, Rule, Traffic};
use crate::NetworkInterface;
use crate::linux::network::route::{LINK_LOCAL, lookup};

#[derive(Clone, Debug)]
pub(super) struct Packet {
    pub from: From,
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub protocol: u8,
    pub port: u16,
    pub icmp: (u8, u8),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    Interface(usize),
    Outside,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    Interface(usize),
    Uplink,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Dropped,
    /// By the network itself.
    Served,
    Out {
        way: Way,
        source: Ipv4Addr,
        destination: Ipv4Addr,
    },
}

pub(super) fn decide(network: &Network, packet: &Packet) -> Outcome {
    carried(network, packet).unwrap_or(Outcome::Dropped)
}

fn carried(network: &Network, packet: &Packet) -> Option<Outcome> {
    let Packet { source, mut destination, .. } = *packet;
    let is_local = |address| network.blocks.iter().any(|block| block.contains(&address));
    let gateway =
        |address| network.subnets.iter().any(|one| one.block.hosts().next() == Some(address));
    let sender = match packet.from {
        From::Interface(index) => Some(&network.interfaces[index]),
        From::Outside => None,
    };
    match sender {
        Some(one) if one.source_dest_check && source != one.private_address => return None,
        None if is_local(source) => return None,
        _ => {}
    }
    if sender.is_none() {
        let mut all = network.interfaces.iter();
        let holder = all.find(|one| one.public_address == Some(destination))?;
        destination = holder.private_address;
    } else if gateway(destination) {
        let own = sender.is_some_and(|one| one.private_address == source);
        return own.then_some(Outcome::Served);
    }
    let mut translated = source;
    let at = |address| network.interfaces.iter().position(|one| one.private_address == address);
    let way = if is_local(destination) || LINK_LOCAL.contains(&destination) {
        Way::Interface(at(destination)?)
    } else {
        let own = sender?.private_address;
        let subnet = network.subnets.iter().find(|subnet| subnet.block.contains(&own))?;
        match lookup(&subnet.routes, &network.blocks, destination)? {
            RouteTarget::Blackhole => return None,
            RouteTarget::Internet => {
                translated = network.interfaces[at(source)?].public_address?;
                Way::Uplink
            }
            RouteTarget::Nat(address) => {
                translated = *address;
                Way::Uplink
            }
            RouteTarget::Interface(id) => {
                let all = network.interfaces.iter();
                let (index, one) = all.enumerate().find(|(_, one)| &one.interface == id)?;
                if one.source_dest_check {
                    return None;
                }
                Way::Interface(index)
            }
        }
    };
    let allowed = |one: &NetworkInterface, ingress: bool, peer| {
        let groups = network.groups.iter().filter(|group| one.groups.contains(&group.id));
        let mut rules =
            groups.flat_map(|group| if ingress { &group.ingress } else { &group.egress });
        rules.any(|rule| allows(network, rule, packet, peer))
    };
    if sender.is_some_and(|one| !allowed(one, false, destination)) {
        return None;
    }
    if let Way::Interface(index) = way
        && !allowed(&network.interfaces[index], true, source)
    {
        return None;
    }
    Some(Outcome::Out { way, source: translated, destination })
}

fn allows(network: &Network, rule: &Rule, packet: &Packet, peer: Ipv4Addr) -> bool {
    let traffic = match &rule.traffic {
        Traffic::All => true,
        Traffic::Tcp(ports) => packet.protocol == 6 && ports.contains(&packet.port),
        Traffic::Udp(ports) => packet.protocol == 17 && ports.contains(&packet.port),
        Traffic::Icmp { kind, code } => {
            packet.protocol == 1
                && kind.is_none_or(|kind| kind == packet.icmp.0)
                && code.is_none_or(|code| code == packet.icmp.1)
        }
        Traffic::Protocol(number) => packet.protocol == *number,
    };
    traffic
        && match &rule.peer {
            Peer::Block(block) => block.contains(&peer),
            Peer::Group(group) => {
                let mut members =
                    network.interfaces.iter().filter(|one| one.groups.contains(group));
                members.any(|one| one.private_address == peer)
            }
        }
}
