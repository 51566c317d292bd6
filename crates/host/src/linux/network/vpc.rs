//! One network's namespace, as this process knows it.

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;

use ipnet::Ipv4Net;

use super::failed;
use super::name::Tag;
use super::namespace::{self, Namespace, nft, set};
use super::netlink::Netlink;
use super::route::LINK_LOCAL;
use super::router::{PublicChange, Router, router_settings};
use super::rules::Rules;
use super::service::{self, Opened};
use crate::{Error, Network, NetworkId, Result};

#[derive(Default)]
pub(super) struct Vpc {
    namespace: Option<Namespace>,
    /// What the kernel holds, once this process has made it so.
    made: Option<Made>,
    /// Which router it was joined to, and the link's index there.
    joined: Option<(Arc<Router>, u32)>,
    /// Of sockets that this process has opened.
    services: BTreeSet<Ipv4Addr>,
}

struct Made {
    network: Network,
    rules: Rules,
}

/// What the namespace had beside its tables.
#[derive(Default)]
struct Before {
    own: Vec<Ipv4Addr>,
    forwarders: Vec<u32>,
    public: Vec<Ipv4Addr>,
}

impl Vpc {
    /// The namespace, if the network has been made, by this process or an earlier one.
    pub(super) fn namespace(&mut self, tag: &Tag, id: &NetworkId) -> Result<&Namespace> {
        self.find(tag, id).map_err(failed("a namespace"))?;
        self.namespace.as_ref().ok_or_else(|| Error::Refused(format!("there is no network {id}")))
    }

    /// Forgets what it knows when the name has become another's.
    fn find(&mut self, tag: &Tag, id: &NetworkId) -> io::Result<()> {
        let name = tag.network(id).map_err(io::Error::other)?;
        let named = Namespace::named(&name)?;
        let same = match (&named, &self.namespace) {
            (Some(named), Some(held)) => named.is(held)?,
            _ => false,
        };
        if !same {
            *self = Self { namespace: named, ..Self::default() };
        }
        Ok(())
    }

    pub(super) fn ensure(
        &mut self,
        tag: &Tag,
        network: &Network,
        router: &Arc<Router>,
    ) -> Result<()> {
        self.find(tag, &network.id).map_err(failed("a namespace"))?;
        let joined = self.joined.as_ref().is_some_and(|(same, _)| Arc::ptr_eq(same, router));
        if joined && self.made.as_ref().is_some_and(|made| made.network == *network) {
            return Ok(());
        }
        let rules = Rules::of(network)?;
        self.make(tag, network, rules, router).map_err(failed("a network"))
    }

    fn make(
        &mut self,
        tag: &Tag,
        network: &Network,
        rules: Rules,
        router: &Arc<Router>,
    ) -> io::Result<()> {
        let id = &network.id;
        let namespace = match self.namespace.take() {
            Some(namespace) => namespace,
            None => Namespace::make(&tag.network(id).map_err(io::Error::other)?, prepare)?,
        };
        // Unknown until all of it has been done.
        let mut old = self.made.take().map(|made| made.rules);
        let namespace = self.namespace.insert(namespace);
        let link = match &self.joined {
            Some((same, link)) if Arc::ptr_eq(same, router) => *link,
            _ => {
                old = None;
                router.join(id, namespace)?
            }
        };
        self.joined = Some((router.clone(), link));
        let before = match &old {
            Some(old) => Before::of(old),
            None => Before::read(namespace, router, link)?,
        };
        let (gone, new) = differences(&before.public, &rules.public);
        router.change_public(link, PublicChange::Remove(&gone))?;
        let services = &self.services;
        namespace.run(|| match &old {
            Some(old) => change(&before, &rules, services, &rules.since(old)),
            None => change(&before, &rules, services, &rules.whole()),
        })?;
        router.change_public(link, PublicChange::Add(&new))?;
        self.made = Some(Made { network: network.clone(), rules });
        Ok(())
    }

    /// A socket in the namespace, at an address that is the network's own.
    pub(super) fn open<T: Send>(
        &mut self,
        tag: &Tag,
        id: &NetworkId,
        address: SocketAddrV4,
        open: impl FnOnce(SocketAddrV4) -> io::Result<Opened<T>> + Send,
    ) -> Result<T> {
        self.namespace(tag, id)?;
        if self.made.is_none() {
            return Err(Error::Unavailable(format!("{id} has not been ensured since the start")));
        }
        if !self.may_serve(*address.ip()) {
            return Err(Error::Refused(format!("no service of {id} can have {}", address.ip())));
        }
        let namespace = self.namespace(tag, id)?;
        let opened = namespace.run(|| {
            own(&mut Netlink::open()?, *address.ip(), Ownership::Take)?;
            service::admit(open(address)?)
        });
        let opened = opened.map_err(failed("a socket in a network"))?;
        self.services.insert(*address.ip());
        Ok(opened)
    }
}

impl Vpc {
    /// Link-local, or of the network and nobody's.
    fn may_serve(&self, address: Ipv4Addr) -> bool {
        let of_network = |made: &Made| {
            let mut interfaces = made.network.interfaces.iter();
            made.network.blocks.iter().any(|block| block.contains(&address))
                && !interfaces.any(|one| one.private_address == address)
        };
        LINK_LOCAL.contains(&address) || self.made.as_ref().is_some_and(of_network)
    }
}

impl Before {
    fn of(rules: &Rules) -> Self {
        Self {
            own: rules.gateways.iter().copied().collect(),
            forwarders: rules.forwarders.iter().map(|address| u32::from(*address)).collect(),
            public: rules.public.iter().copied().collect(),
        }
    }

    fn read(namespace: &Namespace, router: &Router, link: u32) -> io::Result<Self> {
        let (own, forwarders) = namespace.run(|| {
            let mut netlink = Netlink::open()?;
            let loopback = netlink.link("lo")?.ok_or(io::ErrorKind::NotFound)?;
            let own = netlink.addresses(loopback.index)?;
            let own = own.iter().map(Ipv4Net::addr).filter(|address| !address.is_loopback());
            Ok((own.collect(), netlink.mark_rules()?))
        })?;
        Ok(Self { own, forwarders, public: router.public_through(link)? })
    }
}

/// In an order in which nothing passes that neither the old nor the new rules allow.
fn change(
    before: &Before,
    rules: &Rules,
    services: &BTreeSet<Ipv4Addr>,
    script: &str,
) -> io::Result<()> {
    let mut netlink = Netlink::open()?;
    let (gone, new) = differences(&before.own, &rules.gateways);
    for address in new {
        own(&mut netlink, address, Ownership::Take)?;
    }
    let forwarders = rules.forwarders.iter().map(|address| u32::from(*address)).collect();
    let (old_marks, new_marks) = differences(&before.forwarders, &forwarders);
    for mark in new_marks {
        netlink.add_mark_rule(mark, mark)?;
    }
    nft(script)?;
    for mark in old_marks {
        netlink.delete_mark_rule(mark, mark)?;
    }
    let unused = |address: &Ipv4Addr| !services.contains(address) && !LINK_LOCAL.contains(address);
    for address in gone.into_iter().filter(unused) {
        own(&mut netlink, address, Ownership::Leave)?;
    }
    Ok(())
}

enum Ownership {
    Take,
    Leave,
}

/// Whether the namespace itself has the address.
fn own(netlink: &mut Netlink, address: Ipv4Addr, ownership: Ownership) -> io::Result<()> {
    let loopback = netlink.link("lo")?.ok_or(io::ErrorKind::NotFound)?.index;
    match ownership {
        Ownership::Take => netlink.add_address(loopback, address.into()),
        Ownership::Leave => netlink.delete_address(loopback, address.into()),
    }
}

/// What is there and not wanted, and what is wanted and not there.
fn differences<T: Copy + Ord>(there: &[T], wanted: &BTreeSet<T>) -> (Vec<T>, Vec<T>) {
    let there: BTreeSet<T> = there.iter().copied().collect();
    (there.difference(wanted).copied().collect(), wanted.difference(&there).copied().collect())
}

fn prepare() -> io::Result<()> {
    router_settings()?;
    set("ipv4/conf/default/proxy_arp", "1")?;
    // For the echo requests by which a guest is asked whether it is there.
    set("ipv4/ping_group_range", "0 0")?;
    service::close_all()?;
    // Nothing passes before the rules are there.
    nft("add table inet vpc\nadd chain inet vpc checked { type filter hook prerouting priority -300; policy drop; }\n")
        .map_err(|error| namespace::say("the first table", &error))
}
