//! The region's router: a namespace between the machine and the networks. Forwarding is on in
//! there; the machine gets one device and one route, and none of its settings change.
//!
//! Packets for public addresses are routed. TCP for anywhere else is handed to
//! [`super::outside`]; nothing else leaves.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::AsFd;

use ipnet::Ipv4Net;
use socket2::{Domain, Protocol, Socket, Type};

use super::link::{KernelRoute, RouteKind};
use super::name::{MACHINE, Tag, UPLINK, network_device};
use super::namespace::{Namespace, nft, set, set_if_there};
use super::netlink::Netlink;
use crate::NetworkId;

/// Next hops on links where nobody asks who they are.
const ROUTER_HOP: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 1);
const NETWORK_HOP: Ipv4Addr = Ipv4Addr::new(169, 254, 0, 2);

/// Nothing else listens in the router.
const OUTSIDE_PORT: u16 = 1080;
const OUTSIDE_BACKLOG: i32 = 1024;
const OUTSIDE_MARK: u32 = 1;
const OUTSIDE_TABLE: u32 = 100;

pub(super) struct Router {
    namespace: Namespace,
}

impl Router {
    /// Finds it or makes it, with its link to the machine.
    pub(super) fn ensure(tag: &Tag, pool: Ipv4Net, machine: &Namespace) -> io::Result<Self> {
        let name = tag.router();
        let namespace = match Namespace::named(&name)? {
            Some(namespace) => namespace,
            None => Namespace::make(&name, prepare)?,
        };
        let Reserved { machine: near, router: far } = Reserved::of(pool);
        let device = tag.machine_device();
        let index = cable(machine, &device, &namespace, MACHINE)?.near;
        machine.run(|| {
            let mut netlink = Netlink::open()?;
            netlink.add_address(index, near.into())?;
            netlink.add_route(&KernelRoute {
                source: Some(near),
                ..KernelRoute::new(pool, index).via(far)
            })
        })?;
        namespace.run(|| settle(pool, near, far))?;
        Ok(Self { namespace })
    }

    pub(super) fn is_named(&self, tag: &Tag) -> io::Result<bool> {
        match Namespace::named(&tag.router())? {
            Some(named) => named.is(&self.namespace),
            None => Ok(false),
        }
    }

    /// Where packets that no public address takes arrive.
    pub(super) fn listen(&self) -> io::Result<TcpListener> {
        self.namespace.run(|| {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
            socket.set_reuse_address(true)?;
            socket.set_ip_transparent_v4(true)?;
            socket.set_nonblocking(true)?;
            socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, OUTSIDE_PORT).into())?;
            socket.listen(OUTSIDE_BACKLOG)?;
            Ok(socket.into())
        })
    }

    /// Joins the network's namespace to this one. Answers with the link's index here.
    pub(super) fn join(&self, id: &NetworkId, network: &Namespace) -> io::Result<u32> {
        let cable = cable(&self.namespace, &network_device(id), network, UPLINK)?;
        network.run(|| {
            set(&format!("ipv4/conf/{UPLINK}/rp_filter"), "1")?;
            let route = KernelRoute::new(Ipv4Net::default(), cable.far).via(ROUTER_HOP);
            Netlink::open()?.add_route(&route)
        })?;
        Ok(cable.near)
    }

    /// Cuts the network off, soon.
    pub(super) fn leave(&self, id: &NetworkId) -> io::Result<()> {
        let device = network_device(id);
        let found =
            self.namespace.run(|| Ok((Netlink::open()?.link(&device)?, Netlink::open()?)))?;
        if let (Some(link), netlink) = found {
            let mut netlink = netlink;
            super::in_background(move || netlink.delete_link(link.index));
        }
        Ok(())
    }

    pub(super) fn change_public(&self, link: u32, change: PublicChange<'_>) -> io::Result<()> {
        self.namespace.run(|| {
            let mut netlink = Netlink::open()?;
            let route =
                |address: &Ipv4Addr| KernelRoute::new((*address).into(), link).via(NETWORK_HOP);
            match change {
                PublicChange::Add(addresses) => {
                    addresses.iter().try_for_each(|address| netlink.add_route(&route(address)))
                }
                PublicChange::Remove(addresses) => {
                    addresses.iter().try_for_each(|address| netlink.delete_route(&route(address)))
                }
            }
        })
    }

    pub(super) fn public_through(&self, link: u32) -> io::Result<Vec<Ipv4Addr>> {
        self.namespace.run(|| Netlink::open()?.routed_through(link))
    }
}

pub(super) enum PublicChange<'a> {
    Add(&'a [Ipv4Addr]),
    Remove(&'a [Ipv4Addr]),
}

/// The pool's first addresses, which nobody can be given.
pub(super) struct Reserved {
    pub machine: Ipv4Addr,
    pub router: Ipv4Addr,
}

impl Reserved {
    pub(super) fn of(pool: Ipv4Net) -> Self {
        let first = u32::from(pool.network());
        Self { machine: first.saturating_add(1).into(), router: first.saturating_add(2).into() }
    }
}

struct Cable {
    near: u32,
    far: u32,
}

/// A link between two routers that is there and up. One that leads elsewhere is replaced.
fn cable(near: &Namespace, name: &str, far: &Namespace, far_name: &str) -> io::Result<Cable> {
    let find = || far.run(|| Netlink::open()?.link(far_name));
    let before = find()?;
    let index = near.run(|| {
        let mut netlink = Netlink::open()?;
        match (netlink.link(name)?, &before) {
            (Some(link), Some(peer))
                if link.peer == Some(peer.index) && peer.peer == Some(link.index) =>
            {
                return netlink.up_without_arp(link.index).map(|()| link.index);
            }
            (Some(link), _) => netlink.delete_link(link.index)?,
            (None, _) => {}
        }
        if before.is_some() {
            // It leads to where an earlier haneul ran, which was in another namespace.
            far.run(|| Netlink::open()?.delete_named(far_name))?;
        }
        netlink.make_cable(name, far_name, far.as_fd())?;
        let link = netlink.link(name)?.ok_or(io::ErrorKind::NotFound)?;
        netlink.up_without_arp(link.index)?;
        Ok(link.index)
    })?;
    let peer = find()?.ok_or(io::ErrorKind::NotFound)?;
    far.run(|| Netlink::open()?.up_without_arp(peer.index))?;
    Ok(Cable { near: index, far: peer.index })
}

fn prepare() -> io::Result<()> {
    router_settings()?;
    // What comes from a network must have a source that is routed to it.
    set("ipv4/conf/default/rp_filter", "1")
}

/// What every namespace that forwards needs. The machine's own settings would be inherited.
pub(super) fn router_settings() -> io::Result<()> {
    set("ipv4/ip_forward", "1")?;
    for all in ["all", "default"] {
        for (setting, value) in [
            ("rp_filter", "0"),
            ("send_redirects", "0"),
            ("accept_redirects", "0"),
            ("accept_source_route", "0"),
            ("accept_local", "0"),
            ("route_localnet", "0"),
            ("proxy_arp", "0"),
            ("arp_ignore", "0"),
            ("arp_filter", "0"),
        ] {
            set(&format!("ipv4/conf/{all}/{setting}"), value)?;
        }
        set_if_there(&format!("ipv6/conf/{all}/disable_ipv6"), "1")?;
    }
    let mut netlink = Netlink::open()?;
    let loopback = netlink.link("lo")?.ok_or(io::ErrorKind::NotFound)?;
    netlink.up(loopback.index)
}

fn settle(pool: Ipv4Net, near: Ipv4Addr, far: Ipv4Addr) -> io::Result<()> {
    let mut netlink = Netlink::open()?;
    let machine = netlink.link(MACHINE)?.ok_or(io::ErrorKind::NotFound)?;
    let loopback = netlink.link("lo")?.ok_or(io::ErrorKind::NotFound)?;
    netlink.add_address(machine.index, far.into())?;
    netlink.add_route(&KernelRoute::new(near.into(), machine.index))?;
    netlink.add_route(&KernelRoute {
        kind: RouteKind::Blackhole,
        device: None,
        ..KernelRoute::new(pool, 0)
    })?;
    netlink.add_route(&KernelRoute {
        kind: RouteKind::Local,
        table: OUTSIDE_TABLE,
        ..KernelRoute::new(Ipv4Net::default(), loopback.index)
    })?;
    netlink.add_mark_rule(OUTSIDE_MARK, OUTSIDE_TABLE)?;
    nft(&rules(pool))
}

pub(super) fn rules(pool: Ipv4Net) -> String {
    let own = Reserved::of(pool).machine;
    // Connections are remembered where the machine is one side, and nowhere else: no guest can
    // fill the table that all networks share.
    format!(
        "add table inet wan\ndelete table inet wan\n\
         table inet wan {{\n\
         chain untracked {{ type filter hook prerouting priority -300; policy accept;\n\
         iifname != \"{MACHINE}\" ip daddr != {own} notrack\n\
         }}\n\
         chain sorted {{ type filter hook prerouting priority -150; policy drop;\n\
         meta nfproto != ipv4 drop\n\
         iifname \"lo\" accept\n\
         ip daddr {pool} accept\n\
         iifname \"{MACHINE}\" drop\n\
         meta l4proto tcp tproxy ip to 127.0.0.1:{OUTSIDE_PORT} meta mark set {OUTSIDE_MARK} accept\n\
         }}\n\
         chain gated {{ type filter hook forward priority 0; policy drop;\n\
         ct state established,related accept\n\
         oifname \"{MACHINE}\" drop\n\
         accept\n\
         }}\n\
         chain served {{ type filter hook input priority 0; policy drop;\n\
         iifname != \"{MACHINE}\" meta mark {OUTSIDE_MARK} accept\n\
         }}\n\
         }}\n"
    )
}
