//! Networks: a VPC as the machine enforces it.
//!
//! A [`Network`] is the whole truth about one VPC; [`Networks::ensure_network`] makes the
//! machine so in one swap. What it does not allow does not pass.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::ops::RangeInclusive;

use aws::BoxFuture;
use ipnet::Ipv4Net;

use crate::{GroupId, InterfaceId, NetworkId, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    pub id: NetworkId,
    pub blocks: Vec<Ipv4Net>,
    pub subnets: Vec<Subnet>,
    /// Every interface that has an address in the network, whether a guest has it or not.
    pub interfaces: Vec<NetworkInterface>,
    pub groups: Vec<SecurityGroup>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subnet {
    pub block: Ipv4Net,
    /// The longest prefix wins; the network's own blocks are reached without a route.
    pub routes: Vec<Route>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    pub destination: Ipv4Net,
    pub target: RouteTarget,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RouteTarget {
    /// An internet gateway: for interfaces that have a public address.
    Internet,
    /// A NAT gateway, by the public address that its packets leave with.
    Nat(Ipv4Addr),
    /// An interface whose guest forwards.
    Interface(InterfaceId),
    Blackhole,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkInterface {
    pub interface: InterfaceId,
    pub private_address: Ipv4Addr,
    /// From the public pool: one to one with the private address, both ways.
    pub public_address: Option<Ipv4Addr>,
    pub groups: Vec<GroupId>,
    /// Whether packets must come from and go to its own address.
    pub source_dest_check: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecurityGroup {
    pub id: GroupId,
    pub ingress: Vec<Rule>,
    pub egress: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    pub traffic: Traffic,
    pub peer: Peer,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Traffic {
    All,
    Tcp(RangeInclusive<u16>),
    Udp(RangeInclusive<u16>),
    /// `None` for every type, every code.
    Icmp {
        kind: Option<u8>,
        code: Option<u8>,
    },
    /// Another protocol, by its number.
    Protocol(u8),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    Block(Ipv4Net),
    /// Whoever is in this group of the same network.
    Group(GroupId),
}

pub trait Networks: Send + Sync {
    /// Makes the network as described, in one swap; connections that stay allowed live on.
    /// Interfaces that no longer appear pass nothing.
    fn ensure_network<'a>(&'a self, network: &'a Network) -> BoxFuture<'a, Result<()>>;

    /// Refused while a guest has an interface there. Does nothing when there is none.
    fn remove_network<'a>(&'a self, id: &'a NetworkId) -> BoxFuture<'a, Result<()>>;

    fn networks(&self) -> BoxFuture<'_, Result<Vec<NetworkId>>>;

    /// The addresses that public and Elastic addresses are taken from, routed from the
    /// machine into its networks. Its first four and its last are the host's own.
    fn public_pool(&self) -> Ipv4Net;

    /// A socket that the network's guests reach: the metadata service, the resolver, the
    /// API. A link-local address is added to the network for it; so is the address after a
    /// subnet's router. Security groups do not apply to it.
    fn listen<'a>(
        &'a self,
        id: &'a NetworkId,
        address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<TcpListener>>;

    /// As [`Networks::listen`], for datagrams.
    fn bind<'a>(
        &'a self,
        id: &'a NetworkId,
        address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<UdpSocket>>;
}
