//! Sockets in a network's namespace, for what answers guests there.

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};

use super::namespace::nft;

/// What guests reach in the namespace itself. A table of its own: it changes with the sockets,
/// not with the rules.
const TABLE: &str = "add table inet service
delete table inet service
table inet service {
set sockets { type inet_proto . ipv4_addr . inet_service; }
chain input { type filter hook input priority 0; policy drop;
iifname \"lo\" accept
ct state established,related accept
meta l4proto . ip daddr . th dport @sockets accept
icmp type echo-request accept
}
}
";

pub(super) struct Opened<T> {
    socket: T,
    address: SocketAddrV4,
    protocol: &'static str,
}

pub(super) fn listen(address: SocketAddrV4) -> io::Result<Opened<TcpListener>> {
    let socket = TcpListener::bind(address)?;
    let port = socket.local_addr()?.port();
    Ok(Opened { socket, address: SocketAddrV4::new(*address.ip(), port), protocol: "tcp" })
}

pub(super) fn bind(address: SocketAddrV4) -> io::Result<Opened<UdpSocket>> {
    let socket = UdpSocket::bind(address)?;
    let port = socket.local_addr()?.port();
    Ok(Opened { socket, address: SocketAddrV4::new(*address.ip(), port), protocol: "udp" })
}

/// Lets guests through to it.
pub(super) fn admit<T>(opened: Opened<T>) -> io::Result<T> {
    let (address, protocol) = (opened.address, opened.protocol);
    let (ip, port): (&Ipv4Addr, u16) = (address.ip(), address.port());
    nft(&format!("add element inet service sockets {{ {protocol} . {ip} . {port} }}\n"))?;
    Ok(opened.socket)
}

/// Nobody is let through. Sockets that were open before do not answer until they are opened
/// again, and that is after every restart.
pub(super) fn close_all() -> io::Result<()> {
    nft(TABLE)
}
