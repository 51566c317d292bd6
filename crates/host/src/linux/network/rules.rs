//! A network's rules: from what a VPC is to tables of nft, without touching anything.
//!
//! A packet from an interface is held against its own address first (`checked`), then its
//! subnet's routes mark it (`routed`), the kernel routes it, and in `gated` it meets the
//! sender's egress rules, then the receiver's ingress rules. The two gates are independent:
//! what matches an egress rule goes on to `arrived`, and only there can it be accepted.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;
use std::ops::RangeInclusive;

use ipnet::Ipv4Net;

use super::name::{UPLINK, group_name, interface_device, short_hash, subnet_chain};
use super::route::{LINK_LOCAL, ranges};
use super::table::{Chain, Set, Table};
use crate::{
    GroupId, Network, NetworkId, NetworkInterface, Peer, Result, RouteTarget, Rule, Subnet, Traffic,
};

/// The mark of packets for an internet gateway. NAT gateways have the numbers after it,
/// interfaces that forward their own address, which is larger than all these.
const INTERNET_MARK: u32 = 1;
const GATEWAY_MARKS: &str = "1-65535";

/// What the kernel is to hold for a network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rules {
    pub vpc: Table,
    /// A guest that claims others' addresses by ARP is not heard.
    pub arp: Table,
    /// The subnets' routers.
    pub gateways: BTreeSet<Ipv4Addr>,
    /// Addresses that are routed from outside to this network.
    pub public: BTreeSet<Ipv4Addr>,
    /// Interfaces that routes lead to, by address.
    pub forwarders: BTreeSet<Ipv4Addr>,
}

impl Rules {
    pub(super) fn of(network: &Network) -> Result<Self> {
        let mut draft = Draft {
            network,
            devices: devices(network),
            table: Table::new("inet vpc"),
            nat: nat_marks(network),
        };
        draft.addresses();
        draft.checks();
        draft.routes();
        draft.gates()?;
        draft.translations();
        let public = draft.public().collect();
        let vpc = draft.table;
        Ok(Self {
            arp: arp(&vpc),
            vpc,
            gateways: network.subnets.iter().filter_map(|subnet| gateway(subnet.block)).collect(),
            public,
            forwarders: forwarders(network),
        })
    }

    /// Of a network that has nothing, to be tried.
    pub(super) fn empty() -> Self {
        let network = Network {
            id: NetworkId(String::new()),
            blocks: Vec::new(),
            subnets: Vec::new(),
            interfaces: Vec::new(),
            groups: Vec::new(),
        };
        Self::of(&network).expect("nothing of it is refused")
    }

    pub(super) fn whole(&self) -> String {
        self.vpc.whole() + &self.arp.whole()
    }

    pub(super) fn since(&self, old: &Self) -> String {
        self.vpc.since(&old.vpc) + &self.arp.since(&old.arp)
    }
}

/// A subnet's router has its first address.
pub(super) fn gateway(block: Ipv4Net) -> Option<Ipv4Addr> {
    block.hosts().next()
}

struct Draft<'a> {
    network: &'a Network,
    /// With their devices, as nft quotes them.
    devices: Vec<(String, &'a NetworkInterface)>,
    table: Table,
    nat: BTreeMap<Ipv4Addr, u32>,
}

impl Draft<'_> {
    fn public(&self) -> impl Iterator<Item = Ipv4Addr> {
        let held = self.network.interfaces.iter().filter_map(|one| one.public_address);
        held.chain(self.nat.keys().copied())
    }

    /// Who has which address.
    fn addresses(&mut self) {
        let mut pairs = Set::new("type ipv4_addr . ipv4_addr;");
        let mut own = Set::new("type ifname . ipv4_addr;");
        let mut free = Set::new("type ifname;");
        let mut has_public = Set::new("type ipv4_addr;");
        let mut public_of = Set::new("type ipv4_addr : ipv4_addr;");
        let mut private_of = Set::new("type ipv4_addr : ipv4_addr;");
        for (device, one) in &self.devices {
            let private = one.private_address.to_string();
            own.elements.insert(format!("{device} . {private}"), None);
            if !one.source_dest_check {
                free.elements.insert(device.clone(), None);
            }
            if let Some(public) = one.public_address {
                pairs.elements.insert(format!("{public} . {private}"), None);
                has_public.elements.insert(private.clone(), None);
                public_of.elements.insert(private.clone(), Some(public.to_string()));
                private_of.elements.insert(public.to_string(), Some(private));
            }
        }
        let mut public = Set::new("type ipv4_addr;");
        public.elements.extend(self.public().map(|address| (address.to_string(), None)));
        for (name, set) in [
            ("pairs", pairs),
            ("public", public),
            ("own", own),
            ("free", free),
            ("has-public", has_public),
            ("public-of", public_of),
            ("private-of", private_of),
        ] {
            self.table.sets.insert(name.into(), set);
        }
    }

    fn checks(&mut self) {
        let mut checked = vec![
            "meta nfproto != ipv4 drop".to_owned(),
            "iifname \"lo\" accept".into(),
            "iifname . ip saddr @own accept".into(),
            "iifname @free accept".into(),
        ];
        let source = self.blocks().map(|blocks| format!(" ip saddr != {blocks}"));
        let source = source.unwrap_or_default();
        checked.push(format!("iifname \"{UPLINK}\"{source} ip daddr @public accept"));
        let hook = "type filter hook prerouting priority -300; policy drop;";
        self.hook("checked", hook, checked);
        // An interface that forwards may send others' addresses, but services in the network
        // know who asks by the address.
        let own = ["iifname \"lo\" accept", "iifname . ip saddr @own accept"];
        let hook = "type filter hook input priority -10; policy drop;";
        self.hook("served", hook, own.map(Into::into).into());
    }

    fn routes(&mut self) {
        let mut subnet_of = Set::new("type ifname : verdict;");
        for (device, one) in &self.devices {
            let subnets = self.network.subnets.iter();
            let mut subnets = subnets.filter(|subnet| subnet.block.contains(&one.private_address));
            if let Some(subnet) = subnets.next() {
                let verdict = format!("goto {}", subnet_chain(subnet.block));
                subnet_of.elements.insert(device.clone(), Some(verdict));
            }
        }
        self.table.sets.insert("subnet-of".into(), subnet_of);
        let hook = "type filter hook prerouting priority -150; policy accept;";
        self.hook("routed", hook, vec!["iifname vmap @subnet-of".into()]);
        self.targets();
        for subnet in &self.network.subnets {
            self.chain(subnet_chain(subnet.block), self.subnet(subnet));
        }
    }

    fn subnet(&self, subnet: &Subnet) -> Vec<String> {
        let mut rules = vec![format!("ip daddr {LINK_LOCAL} return")];
        rules.extend(self.blocks().map(|blocks| format!("ip daddr {blocks} return")));
        let ranges = ranges(&subnet.routes, &self.network.blocks);
        let steps: Vec<String> = ranges
            .into_iter()
            .filter_map(|(range, target)| {
                let (chain, _) = self.target(target)?;
                Some(match range.start() == range.end() {
                    true => format!("{} : goto {chain}", range.start()),
                    false => format!("{}-{} : goto {chain}", range.start(), range.end()),
                })
            })
            .collect();
        if !steps.is_empty() {
            rules.push(format!("ip daddr vmap {{ {} }}", steps.join(", ")));
        }
        rules.push("drop".into());
        rules
    }

    fn targets(&mut self) {
        let all = self.network.subnets.iter().flat_map(|subnet| &subnet.routes);
        let all: BTreeSet<_> = all.filter_map(|route| self.target(&route.target)).collect();
        for (chain, mark) in all {
            let sender = if mark == INTERNET_MARK { "ip saddr @has-public " } else { "" };
            let rules = vec![format!("{sender}meta mark set {mark} accept"), "drop".into()];
            self.chain(chain, rules);
        }
    }

    /// The chain that packets for the target go to, and their mark; `None` for a blackhole.
    fn target(&self, target: &RouteTarget) -> Option<(String, u32)> {
        match target {
            RouteTarget::Internet => Some(("to.internet".into(), INTERNET_MARK)),
            RouteTarget::Nat(address) => Some((format!("to.nat.{address}"), self.nat[address])),
            RouteTarget::Interface(id) => {
                let one = self.network.interfaces.iter().find(|one| &one.interface == id)?;
                let address = one.private_address;
                Some((format!("to.interface.{address}"), address.into()))
            }
            RouteTarget::Blackhole => None,
        }
    }

    fn gates(&mut self) -> Result<()> {
        let gated = vec![
            format!("oifname \"{UPLINK}\" meta mark {GATEWAY_MARKS} goto tracked"),
            "oifname . ip daddr @own goto tracked".into(),
            "oifname @free goto tracked".into(),
        ];
        self.hook("gated", "type filter hook forward priority 0; policy drop;", gated);
        let mut tracked = self.moved();
        tracked.extend([
            "ct state vmap { established : accept, related : accept, invalid : drop }".into(),
            format!("iifname \"{UPLINK}\" goto arrived"),
            "iifname vmap @egress-of".into(),
            "drop".into(),
        ]);
        self.chain("tracked".into(), tracked);
        let arrived = vec![
            format!("oifname \"{UPLINK}\" accept"),
            "oifname vmap @ingress-of".into(),
            "drop".into(),
        ];
        self.chain("arrived".into(), arrived);
        self.gate("egress", |group| &group.egress, "ip daddr", "goto arrived")?;
        self.gate("ingress", |group| &group.ingress, "ip saddr", "accept")?;
        self.members()
    }

    /// A connection ends when its public address becomes another's, or its route leads
    /// elsewhere: it would go on under the translation that it began with.
    fn moved(&self) -> Vec<String> {
        let came = "ct original ip daddr";
        let left = "ct state established ct direction original ct reply ip daddr";
        let mut rules = vec![
            format!("iifname \"{UPLINK}\" ct direction original {came} . ip daddr != @pairs drop"),
            format!("oifname \"{UPLINK}\" ct direction reply {came} . ip saddr != @pairs drop"),
            format!(
                "oifname \"{UPLINK}\" meta mark {INTERNET_MARK} {left} . ip saddr != @pairs drop"
            ),
        ];
        for (address, mark) in &self.nat {
            rules.push(format!("oifname \"{UPLINK}\" meta mark {mark} {left} != {address} drop"));
        }
        rules
    }

    fn gate(
        &mut self,
        gate: &str,
        rules: impl Fn(&crate::SecurityGroup) -> &Vec<Rule>,
        peer: &str,
        verdict: &str,
    ) -> Result<()> {
        for group in &self.network.groups {
            let matches = rules(group).iter().filter_map(|rule| matched(rule, peer, verdict));
            let matches = matches.collect::<Result<_>>()?;
            self.chain(group_name(gate, &group.id)?, matches);
        }
        let known: BTreeSet<&GroupId> = self.network.groups.iter().map(|group| &group.id).collect();
        let mut of = Set::new("type ifname : verdict;");
        // Many interfaces have the same groups.
        let mut verdicts: BTreeMap<BTreeSet<&GroupId>, String> = BTreeMap::new();
        for (device, one) in &self.devices {
            let groups = one.groups.iter().filter(|group| known.contains(group)).collect();
            let verdict = match verdicts.entry(groups) {
                Entry::Occupied(found) => found.into_mut(),
                Entry::Vacant(new) => {
                    let mut rules = Vec::new();
                    for group in new.key() {
                        rules.push(format!("jump {}", group_name(gate, group)?));
                    }
                    rules.push("drop".into());
                    let name = format!("{gate}s.{}", short_hash(&rules.join(" ")));
                    let verdict = format!("goto {name}");
                    self.table.chains.insert(name, Chain { hook: None, rules });
                    new.insert(verdict)
                }
            };
            of.elements.insert(device.clone(), Some(verdict.clone()));
        }
        self.table.sets.insert(format!("{gate}-of"), of);
        Ok(())
    }

    /// The private addresses in each group that a rule names.
    fn members(&mut self) -> Result<()> {
        let rules =
            self.network.groups.iter().flat_map(|one| one.ingress.iter().chain(&one.egress));
        let named: BTreeSet<_> = rules
            .filter_map(|rule| match &rule.peer {
                Peer::Group(group) => Some(group),
                Peer::Block(_) => None,
            })
            .collect();
        for group in named {
            let mut set = Set::new("type ipv4_addr;");
            let members = self.network.interfaces.iter().filter(|one| one.groups.contains(group));
            set.elements.extend(members.map(|one| (one.private_address.to_string(), None)));
            self.table.sets.insert(group_name("members", group)?, set);
        }
        Ok(())
    }

    fn translations(&mut self) {
        let inward = vec![format!("iifname \"{UPLINK}\" dnat ip to ip daddr map @private-of")];
        self.hook("inward", "type nat hook prerouting priority -100;", inward);
        let internet = "snat ip to ip saddr map @public-of";
        let mut outward =
            vec![format!("oifname \"{UPLINK}\" meta mark {INTERNET_MARK} {internet}")];
        for (address, mark) in &self.nat {
            outward.push(format!("oifname \"{UPLINK}\" meta mark {mark} snat ip to {address}"));
        }
        self.hook("outward", "type nat hook postrouting priority 100;", outward);
    }

    fn blocks(&self) -> Option<String> {
        let blocks = Ipv4Net::aggregate(&self.network.blocks);
        let blocks: Vec<_> = blocks.iter().map(ToString::to_string).collect();
        (!blocks.is_empty()).then(|| format!("{{ {} }}", blocks.join(", ")))
    }

    fn chain(&mut self, name: String, rules: Vec<String>) {
        self.table.chains.insert(name, Chain { hook: None, rules });
    }

    fn hook(&mut self, name: &str, hook: &'static str, rules: Vec<String>) {
        self.table.chains.insert(name.into(), Chain { hook: Some(hook), rules });
    }
}

fn arp(vpc: &Table) -> Table {
    let mut arp = Table::new("arp vpc");
    for set in ["own", "free"] {
        arp.sets.insert(set.into(), vpc.sets[set].clone());
    }
    let rules = vec![
        "iifname . arp saddr ip @own accept".into(),
        // May have addresses that we do not know. The machine remembers whoever asked, in one
        // table for all its namespaces.
        "iifname @free limit rate 20/second accept".into(),
    ];
    let hook = Some("type filter hook input priority 0; policy drop;");
    arp.chains.insert("heard".into(), Chain { hook, rules });
    arp
}

fn devices(network: &Network) -> Vec<(String, &NetworkInterface)> {
    let quoted = |one: &NetworkInterface| format!("\"{}\"", interface_device(&one.interface));
    network.interfaces.iter().map(|one| (quoted(one), one)).collect()
}

fn nat_marks(network: &Network) -> BTreeMap<Ipv4Addr, u32> {
    let routes = network.subnets.iter().flat_map(|subnet| &subnet.routes);
    let gateways: BTreeSet<Ipv4Addr> = routes
        .filter_map(|route| match route.target {
            RouteTarget::Nat(address) => Some(address),
            _ => None,
        })
        .collect();
    gateways.into_iter().zip(INTERNET_MARK + 1..).collect()
}

fn forwarders(network: &Network) -> BTreeSet<Ipv4Addr> {
    let routes = network.subnets.iter().flat_map(|subnet| &subnet.routes);
    let named: BTreeSet<_> = routes
        .filter_map(|route| match &route.target {
            RouteTarget::Interface(id) => Some(id),
            _ => None,
        })
        .collect();
    let interfaces = network.interfaces.iter().filter(|one| named.contains(&one.interface));
    interfaces.map(|one| one.private_address).collect()
}

/// `None` for a rule that nothing can match.
fn matched(rule: &Rule, peer: &str, verdict: &str) -> Option<Result<String>> {
    let peer = match &rule.peer {
        Peer::Block(block) if block.prefix_len() == 0 => String::new(),
        Peer::Block(block) => format!("{peer} {} ", block.trunc()),
        Peer::Group(group) => match group_name("members", group) {
            Ok(members) => format!("{peer} @{members} "),
            Err(error) => return Some(Err(error)),
        },
    };
    let ports = |protocol: u8, range: &RangeInclusive<u16>| match (*range.start(), *range.end()) {
        (0, u16::MAX) => Some(format!("meta l4proto {protocol} ")),
        (one, same) if one == same => Some(format!("meta l4proto {protocol} th dport {one} ")),
        (first, last) if first < last => {
            Some(format!("meta l4proto {protocol} th dport {first}-{last} "))
        }
        _ => None,
    };
    let traffic = match &rule.traffic {
        Traffic::All => String::new(),
        Traffic::Tcp(range) => ports(6, range)?,
        Traffic::Udp(range) => ports(17, range)?,
        Traffic::Icmp { kind, code } => {
            let kind = kind.map(|kind| format!("icmp type {kind} ")).unwrap_or_default();
            let code = code.map(|code| format!("icmp code {code} ")).unwrap_or_default();
            format!("meta l4proto 1 {kind}{code}")
        }
        Traffic::Protocol(number) => format!("meta l4proto {number} "),
    };
    Some(Ok(format!("{peer}{traffic}{verdict}")))
}

#[cfg(test)]
mod tests;
