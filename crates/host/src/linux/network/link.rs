//! Links, addresses, routes and rules, each as one request.

use std::io;
use std::net::Ipv4Addr;
use std::os::fd::{AsRawFd, BorrowedFd};

use ipnet::Ipv4Net;

use super::netlink::{Netlink, Request, Verb, kind};

const LINK_HEAD: usize = 16;
const ADDRESS_HEAD: usize = 8;
const ROUTE_HEAD: usize = 12;

const INET: u8 = 2;
const STATIC: u8 = 4;
const MAIN_TABLE: u32 = 254;

/// As long as both ends of a veth have one hardware address and no ARP, each sends to the
/// other whatever the next hop is called.
const SHARED_MAC: [u8; 6] = [0x02, 0x68, 0x6e, 0x6c, 0x00, 0x01];
const UP: u32 = 0x1;
const NO_ARP: u32 = 0x80;

pub(super) struct Link {
    pub index: u32,
    /// Of the other end of a veth, in its own namespace.
    pub peer: Option<u32>,
    pub alias: Option<String>,
    pub name: String,
}

#[derive(Clone, Copy)]
pub(super) enum RouteKind {
    Unicast = 1,
    Local = 2,
    Blackhole = 6,
}

pub(super) struct KernelRoute {
    pub destination: Ipv4Net,
    pub kind: RouteKind,
    pub device: Option<u32>,
    /// Taken for a neighbour on the device whatever the routes say.
    pub via: Option<Ipv4Addr>,
    pub source: Option<Ipv4Addr>,
    pub table: u32,
}

impl KernelRoute {
    pub(super) fn new(destination: Ipv4Net, device: u32) -> Self {
        Self {
            destination,
            kind: RouteKind::Unicast,
            device: Some(device),
            via: None,
            source: None,
            table: MAIN_TABLE,
        }
    }

    pub(super) fn via(self, via: Ipv4Addr) -> Self {
        Self { via: Some(via), ..self }
    }

    fn request(&self, kind: u16, verb: Verb) -> Request {
        const LINK_SCOPE: u8 = 253;
        const HOST_SCOPE: u8 = 254;
        const ON_LINK: u32 = 4;
        let scope = match (self.kind, self.via) {
            (RouteKind::Local, _) => HOST_SCOPE,
            (RouteKind::Unicast, None) => LINK_SCOPE,
            _ => 0,
        };
        // The table's number is an attribute, for it may be larger than a byte.
        let mut head =
            vec![INET, self.destination.prefix_len(), 0, 0, 0, STATIC, scope, self.kind as u8];
        let flags = if self.via.is_some() { ON_LINK } else { 0 };
        head.extend(flags.to_ne_bytes());
        let mut request =
            Request::new(kind, verb, &head).attribute(1, &self.destination.addr().octets());
        if let Some(device) = self.device {
            request = request.number(4, device);
        }
        if let Some(via) = self.via {
            request = request.attribute(5, &via.octets());
        }
        if let Some(source) = self.source {
            request = request.attribute(7, &source.octets());
        }
        request.number(15, self.table)
    }
}

/// One end of a veth that is to be.
pub(super) struct End<'a> {
    pub name: &'a str,
    pub mac: Option<[u8; 6]>,
}

fn link_head(index: u32, flags: u32) -> Vec<u8> {
    let mut head = vec![0; 4];
    head.extend(index.to_ne_bytes());
    head.extend(flags.to_ne_bytes());
    // Which of the flags to change.
    head.extend(flags.to_ne_bytes());
    head
}

impl Netlink {
    pub(super) fn link(&mut self, name: &str) -> io::Result<Option<Link>> {
        let request = Request::new(kind::GET_LINK, Verb::Plain, &link_head(0, 0)).text(3, name);
        match self.ask(request) {
            Ok(answers) => Ok(answers.iter().map(link).next()),
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::NODEV.raw_os_error()) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    pub(super) fn links(&mut self) -> io::Result<Vec<Link>> {
        let answers = self.ask(Request::new(kind::GET_LINK, Verb::Dump, &link_head(0, 0)))?;
        Ok(answers.iter().map(link).collect())
    }

    /// The other end is made in `namespace`.
    pub(super) fn make_veth(
        &mut self,
        near: &End<'_>,
        far: &End<'_>,
        namespace: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let descriptor = namespace.as_raw_fd().to_ne_bytes();
        let end = |request: Request, end: &End<'_>| {
            let request = request.text(3, end.name);
            match end.mac {
                Some(mac) => request.attribute(1, &mac),
                None => request,
            }
        };
        let request = Request::new(kind::NEW_LINK, Verb::Create, &link_head(0, 0));
        let request = end(request, near).nest(18, |info| {
            info.text(1, "veth").nest(2, |data| {
                data.nest(1, |peer| {
                    end(peer.bytes(&link_head(0, 0)), far).attribute(28, &descriptor)
                })
            })
        });
        self.tell(request)
    }

    /// The device's alias, which may be longer than its name. None when it is empty.
    pub(super) fn name_owner(&mut self, index: u32, owner: &str) -> io::Result<()> {
        let request = Request::new(kind::NEW_LINK, Verb::Plain, &link_head(index, 0));
        self.tell(request.attribute(20, owner.as_bytes()))
    }

    /// As [`Netlink::make_veth`], between two routers: without ARP. [`Netlink::up_without_arp`]
    /// is to follow on both sides.
    pub(super) fn make_cable(
        &mut self,
        near: &str,
        far: &str,
        namespace: BorrowedFd<'_>,
    ) -> io::Result<()> {
        let [near, far] = [near, far].map(|name| End { name, mac: Some(SHARED_MAC) });
        self.make_veth(&near, &far, namespace)
    }

    pub(super) fn up(&mut self, index: u32) -> io::Result<()> {
        self.tell(Request::new(kind::NEW_LINK, Verb::Plain, &link_head(index, UP)))
    }

    pub(super) fn up_without_arp(&mut self, index: u32) -> io::Result<()> {
        self.tell(Request::new(kind::NEW_LINK, Verb::Plain, &link_head(index, UP | NO_ARP)))
    }

    pub(super) fn delete_link(&mut self, index: u32) -> io::Result<()> {
        self.remove(Request::new(kind::DELETE_LINK, Verb::Plain, &link_head(index, 0)))
    }

    pub(super) fn delete_named(&mut self, name: &str) -> io::Result<()> {
        match self.link(name)? {
            Some(link) => self.delete_link(link.index),
            None => Ok(()),
        }
    }

    pub(super) fn add_address(&mut self, index: u32, address: Ipv4Net) -> io::Result<()> {
        self.tell(address_request(kind::NEW_ADDRESS, Verb::Replace, index, address))
    }

    pub(super) fn delete_address(&mut self, index: u32, address: Ipv4Net) -> io::Result<()> {
        self.remove(address_request(kind::DELETE_ADDRESS, Verb::Plain, index, address))
    }

    pub(super) fn addresses(&mut self, index: u32) -> io::Result<Vec<Ipv4Net>> {
        let head = [INET, 0, 0, 0, 0, 0, 0, 0];
        let answers = self.ask(Request::new(kind::GET_ADDRESS, Verb::Dump, &head))?;
        let ours = answers.iter().filter(|answer| answer.fixed(4) == index.to_ne_bytes());
        Ok(ours
            .filter_map(|answer| {
                let address: [u8; 4] = answer.attribute(ADDRESS_HEAD, 2)?.try_into().ok()?;
                Ipv4Net::new(address.into(), answer.fixed::<2>(0)[1]).ok()
            })
            .collect())
    }

    pub(super) fn add_route(&mut self, route: &KernelRoute) -> io::Result<()> {
        self.tell(route.request(kind::NEW_ROUTE, Verb::Replace))
    }

    /// Only where it leads to the same device.
    pub(super) fn delete_route(&mut self, route: &KernelRoute) -> io::Result<()> {
        self.remove(route.request(kind::DELETE_ROUTE, Verb::Plain))
    }

    /// The addresses that have a route of their own through the device.
    pub(super) fn routed_through(&mut self, index: u32) -> io::Result<Vec<Ipv4Addr>> {
        let mut head = vec![0; ROUTE_HEAD];
        head[0] = INET;
        let answers = self.ask(Request::new(kind::GET_ROUTE, Verb::Dump, &head))?;
        let through = answers.iter().filter(|answer| {
            answer.fixed::<2>(0)[1] == 32 && answer.number(ROUTE_HEAD, 4) == Some(index)
        });
        Ok(through
            .filter_map(|answer| {
                let address: [u8; 4] = answer.attribute(ROUTE_HEAD, 1)?.try_into().ok()?;
                Some(address.into())
            })
            .collect())
    }

    /// Whether packets to the address would leave this namespace.
    pub(super) fn leads_away(&mut self, address: Ipv4Addr) -> io::Result<bool> {
        let head = [INET, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        let request = Request::new(kind::GET_ROUTE, Verb::Plain, &head);
        let answers = self.ask(request.attribute(1, &address.octets()))?;
        let kind = answers.first().map(|answer| answer.fixed::<1>(7)[0]);
        Ok(kind == Some(RouteKind::Unicast as u8))
    }

    /// Who has the address on the device, so that nobody needs to be asked.
    pub(super) fn add_neighbour(
        &mut self,
        index: u32,
        address: Ipv4Addr,
        mac: [u8; 6],
    ) -> io::Result<()> {
        const PERMANENT: u16 = 0x80;
        let mut head = vec![INET, 0, 0, 0];
        head.extend(index.to_ne_bytes());
        head.extend(PERMANENT.to_ne_bytes());
        head.extend([0, 0]);
        let request = Request::new(kind::NEW_NEIGHBOUR, Verb::Replace, &head);
        self.tell(request.attribute(1, &address.octets()).attribute(2, &mac))
    }

    /// Packets with the mark are routed by the table of the same number.
    pub(super) fn add_mark_rule(&mut self, mark: u32, table: u32) -> io::Result<()> {
        match self.tell(mark_rule(kind::NEW_RULE, Verb::Create, mark, table)) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        }
    }

    pub(super) fn delete_mark_rule(&mut self, mark: u32, table: u32) -> io::Result<()> {
        self.remove(mark_rule(kind::DELETE_RULE, Verb::Plain, mark, table))
    }

    pub(super) fn mark_rules(&mut self) -> io::Result<Vec<u32>> {
        let mut head = vec![0; ROUTE_HEAD];
        head[0] = INET;
        let answers = self.ask(Request::new(kind::GET_RULE, Verb::Dump, &head))?;
        Ok(answers.iter().filter_map(|answer| answer.number(ROUTE_HEAD, 10)).collect())
    }

    /// A token bucket on what leaves by the device; `None` takes it away.
    pub(super) fn limit(&mut self, index: u32, mbit: Option<u32>) -> io::Result<()> {
        let mut head = vec![0; 4];
        head.extend(index.to_ne_bytes());
        // The handle is the kernel's to choose, the parent is the device's root.
        head.extend(0_u32.to_ne_bytes());
        head.extend(u32::MAX.to_ne_bytes());
        head.extend(0_u32.to_ne_bytes());
        let Some(mbit) = mbit else {
            let request = Request::new(kind::DELETE_QDISC, Verb::Plain, &head);
            // A device that has only the kernel's own queue answers in several ways.
            return match self.remove(request) {
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                other => other,
            };
        };
        let bucket = bucket(mbit);
        let request = Request::new(kind::NEW_QDISC, Verb::Replace, &head).text(1, "tbf");
        self.tell(request.nest(2, |options| {
            let options = options.attribute(1, &bucket.parameters);
            options.attribute(4, &bucket.rate.to_ne_bytes()).number(6, bucket.burst)
        }))
    }
}

struct Bucket {
    /// Bytes a second.
    rate: u64,
    burst: u32,
    parameters: Vec<u8>,
}

fn bucket(mbit: u32) -> Bucket {
    /// Segments that are sent as one are up to this long.
    const BURST_MIN: u64 = 128 * 1024;
    const ETHERNET: u8 = 1;
    let rate = u64::from(mbit) * 125_000;
    let short = |number: u64| u32::try_from(number).unwrap_or(u32::MAX);
    // Two ticks of a slow timer at the rate; a queue of 50 ms behind it.
    let burst = short(BURST_MIN.max(rate / 125));
    let limit = burst.saturating_add(short((rate / 20).max(BURST_MIN)));
    let mut parameters = vec![0, ETHERNET, 0, 0, 0, 0, 0, 0];
    parameters.extend(short(rate).to_ne_bytes());
    // No peak rate.
    parameters.extend([0; 12]);
    parameters.extend(limit.to_ne_bytes());
    parameters.extend([0; 8]);
    Bucket { rate, burst, parameters }
}

fn link(answer: &super::netlink::Answer) -> Link {
    let text = |kind| {
        let bytes = answer.attribute(LINK_HEAD, kind)?;
        let bytes = bytes.strip_suffix(b"\0").unwrap_or(bytes);
        Some(String::from_utf8_lossy(bytes).into_owned())
    };
    Link {
        index: u32::from_ne_bytes(answer.fixed(4)),
        peer: answer.number(LINK_HEAD, 5),
        alias: text(20),
        name: text(3).unwrap_or_default(),
    }
}

fn address_request(kind: u16, verb: Verb, index: u32, address: Ipv4Net) -> Request {
    let mut head = vec![INET, address.prefix_len(), 0, 0];
    head.extend(index.to_ne_bytes());
    let octets = address.addr().octets();
    Request::new(kind, verb, &head).attribute(2, &octets).attribute(1, &octets)
}

fn mark_rule(kind: u16, verb: Verb, mark: u32, table: u32) -> Request {
    const TO_TABLE: u8 = 1;
    /// Before the main table's.
    const PRIORITY: u32 = 1000;
    let head = [INET, 0, 0, 0, 0, 0, 0, TO_TABLE, 0, 0, 0, 0];
    let request = Request::new(kind, verb, &head);
    request.number(6, PRIORITY).number(10, mark).number(15, table)
}
