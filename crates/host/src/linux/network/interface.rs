//! Interfaces: one end of a veth in a guest, the other in its network's namespace.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::time::Duration;

use ipnet::Ipv4Net;
use socket2::{Domain, Protocol, Socket, Type};

use super::in_background;
use super::link::{End, KernelRoute, Link};
use super::name::interface_device;
use super::namespace::{Namespace, set};
use super::netlink::Netlink;
use crate::{Interface, InterfaceId};

/// A device that has just come up loses what is sent in its first moments.
const ECHO_REQUESTS_MAX: u32 = 3;
const ANSWER_TIMEOUT: Duration = Duration::from_millis(400);

pub(super) fn plug(
    network: &Namespace,
    interface: &Interface,
    guest: &Namespace,
    name: &str,
    mbit: Option<u32>,
) -> io::Result<()> {
    let there = guest.run(|| Netlink::open()?.link(name))?;
    network.run(|| near_side(interface, guest, name, there.as_ref(), mbit))?;
    guest.run(|| far_side(interface, name, mbit))
}

/// The name is free at once; the devices end soon.
pub(super) fn unplug(network: &Namespace, id: &InterfaceId) -> io::Result<()> {
    let device = interface_device(id);
    let (found, mut netlink) = network.run(|| {
        let mut netlink = Netlink::open()?;
        let found = netlink.link(&device)?;
        if let Some(link) = &found {
            netlink.name_owner(link.index, "")?;
        }
        Ok((found, netlink))
    })?;
    if let Some(link) = found {
        in_background(move || netlink.delete_link(link.index));
    }
    Ok(())
}

/// The ids of interfaces that guests have.
pub(super) fn plugged(network: &Namespace) -> io::Result<Vec<InterfaceId>> {
    let links = network.run(|| Netlink::open()?.links())?;
    let owned = links.into_iter().filter_map(|link| Some((link.alias?, link.name)));
    let owned = owned.map(|(alias, name)| (InterfaceId(alias), name));
    Ok(owned.filter(|(id, name)| interface_device(id) == *name).map(|(id, _)| id).collect())
}

/// Sends echo requests until one is answered.
pub(super) fn answers(network: &Namespace, address: Ipv4Addr) -> io::Result<bool> {
    // Type and code; the kernel writes the rest.
    const ECHO_REQUEST: [u8; 8] = [8, 0, 0, 0, 0, 0, 0, 1];
    let socket = network.run(|| Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::ICMPV4)))?;
    socket.set_read_timeout(Some(ANSWER_TIMEOUT))?;
    socket.connect(&SocketAddrV4::new(address, 0).into())?;
    let mut buffer = [std::mem::MaybeUninit::uninit(); 64];
    let mut ask = || socket.send(&ECHO_REQUEST).is_ok() && socket.recv(&mut buffer).is_ok();
    Ok((0..ECHO_REQUESTS_MAX).any(|_| ask()))
}

fn near_side(
    interface: &Interface,
    guest: &Namespace,
    name: &str,
    there: Option<&Link>,
    mbit: Option<u32>,
) -> io::Result<()> {
    let device = interface_device(&interface.interface);
    let mut netlink = Netlink::open()?;
    let index = match netlink.link(&device)? {
        Some(link) if is_pair(&link, there) => link.index,
        found => {
            if let Some(link) = found {
                netlink.delete_link(link.index)?;
            }
            let [near, far] =
                [End { name: &device, mac: None }, End { name, mac: Some(interface.mac) }];
            netlink.make_veth(&near, &far, guest.as_fd())?;
            netlink.link(&device)?.ok_or(io::ErrorKind::NotFound)?.index
        }
    };
    netlink.name_owner(index, &interface.interface.0)?;
    // Answers for the subnet's other addresses at once; the kernel's own wait is up to 0.8 s.
    set(&format!("ipv4/neigh/{device}/proxy_delay"), "0")?;
    netlink.limit(index, mbit)?;
    netlink.up(index)?;
    let address = interface.private_address;
    netlink.add_neighbour(index, address, interface.mac)?;
    netlink.add_route(&KernelRoute::new(address.into(), index))?;
    // For routes that lead to this interface; their packets are marked with its address.
    let through = KernelRoute::new(Ipv4Net::default(), index).via(address);
    netlink.add_route(&KernelRoute { table: address.into(), ..through })
}

fn far_side(interface: &Interface, name: &str, mbit: Option<u32>) -> io::Result<()> {
    let mut netlink = Netlink::open()?;
    let index = netlink.link(name)?.ok_or(io::ErrorKind::NotFound)?.index;
    let address = Ipv4Net::new(interface.private_address, interface.prefix_len);
    netlink.add_address(index, address.map_err(io::Error::other)?)?;
    netlink.limit(index, mbit)?;
    netlink.up(index)?;
    if name != "eth0" {
        return Ok(());
    }
    netlink.add_route(&KernelRoute::new(Ipv4Net::default(), index).via(interface.gateway))
}

/// Whether they are the two ends of one veth.
fn is_pair(near: &Link, far: Option<&Link>) -> bool {
    far.is_some_and(|far| near.peer == Some(far.index) && far.peer == Some(near.index))
}
