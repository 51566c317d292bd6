//! What the kernel makes of a network's tables, for one first packet of a connection: enough
//! of nft and of routing to read what [`super::Rules`] writes.

use std::net::Ipv4Addr;

use super::model::{From, Outcome, Packet, Way};
use super::{Network, Rules, interface_device};
use crate::linux::network::table::Chain;

struct Kernel<'a> {
    rules: &'a Rules,
    iif: String,
    oif: String,
    /// Where the packet wanted to go before it was translated.
    original: Ipv4Addr,
    packet: Packet,
    mark: u32,
}

enum Verdict {
    Accept,
    Drop,
    Return,
    Continue,
}

pub(super) fn decide(network: &Network, rules: &Rules, packet: &Packet) -> Outcome {
    let device = |index: usize| interface_device(&network.interfaces[index].interface);
    let iif = match packet.from {
        From::Interface(index) => device(index),
        From::Outside => "up".into(),
    };
    let packet = packet.clone();
    let original = packet.destination;
    let mut kernel = Kernel { rules, iif, oif: String::new(), original, packet, mark: 0 };
    for chain in ["checked", "routed", "inward"] {
        if !kernel.hook(chain) {
            return Outcome::Dropped;
        }
    }
    let to = kernel.packet.destination;
    if rules.gateways.contains(&to) {
        return if kernel.hook("served") { Outcome::Served } else { Outcome::Dropped };
    }
    let through = match rules.forwarders.contains(&Ipv4Addr::from(kernel.mark)) {
        true => Ipv4Addr::from(kernel.mark),
        false => to,
    };
    let at = network.interfaces.iter().position(|one| one.private_address == through);
    let way = at.map_or(Way::Uplink, Way::Interface);
    kernel.oif = at.map_or("up".into(), device);
    for chain in ["gated", "outward"] {
        if !kernel.hook(chain) {
            return Outcome::Dropped;
        }
    }
    Outcome::Out { way, source: kernel.packet.source, destination: kernel.packet.destination }
}

impl Kernel<'_> {
    fn hook(&mut self, name: &str) -> bool {
        let chain = &self.rules.vpc.chains[name];
        let policy = !chain.hook.unwrap().contains("policy drop");
        match self.chain(chain) {
            Verdict::Accept => true,
            Verdict::Drop => false,
            Verdict::Return | Verdict::Continue => policy,
        }
    }

    fn chain(&mut self, chain: &Chain) -> Verdict {
        for rule in &chain.rules {
            let words = words(rule);
            match self.rule(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
                Verdict::Continue => {}
                verdict => return verdict,
            }
        }
        Verdict::Continue
    }

    /// What follows a `goto` does not happen; what follows a `jump` that came to nothing does.
    fn verdict(&mut self, words: &[&str]) -> Verdict {
        match words {
            ["accept"] => Verdict::Accept,
            ["drop"] => Verdict::Drop,
            ["return"] => Verdict::Return,
            ["goto", chain] => match self.chain(&self.rules.vpc.chains[*chain]) {
                Verdict::Continue => Verdict::Return,
                verdict => verdict,
            },
            ["jump", chain] => match self.chain(&self.rules.vpc.chains[*chain]) {
                Verdict::Return => Verdict::Continue,
                verdict => verdict,
            },
            other => panic!("no verdict: {other:?}"),
        }
    }

    fn rule(&mut self, words: &[&str]) -> Verdict {
        let (matches, rest) = match words {
            ["meta", "nfproto", "!=", "ipv4", rest @ ..] => (false, rest),
            // A first packet has no connection yet, and goes the way that its connection will.
            ["ct", "state", "established", ..] | ["ct", "direction", "reply", ..] => {
                return Verdict::Continue;
            }
            ["ct", "direction", "original", rest @ ..] => (true, rest),
            ["ct", "original", "ip", "daddr", ".", "ip", "daddr", "!=", set, rest @ ..] => {
                let key = format!("{} . {}", self.original, self.packet.destination);
                (!self.is_in(set, &key), rest)
            }
            ["ct", "state", "vmap", states] => {
                assert!(!states.contains("new"));
                return Verdict::Continue;
            }
            [side @ ("iifname" | "oifname"), ".", "ip", field, set, rest @ ..] => {
                let key = format!("\"{}\" . {}", self.device(side), self.address(field));
                (self.is_in(set, &key), rest)
            }
            [side @ ("iifname" | "oifname"), "vmap", map] => {
                let key = format!("\"{}\"", self.device(side));
                let verdict = self.rules.vpc.sets[&map[1..]].elements.get(&key).cloned().flatten();
                return match verdict {
                    Some(verdict) => self.verdict(&verdict.split(' ').collect::<Vec<_>>()),
                    None => Verdict::Continue,
                };
            }
            [side @ ("iifname" | "oifname"), name, rest @ ..] => {
                let key = format!("\"{}\"", self.device(side));
                (if name.starts_with('@') { self.is_in(name, &key) } else { key == *name }, rest)
            }
            ["ip", field, "vmap", map] => {
                let address = self.address(field);
                let inner = map.trim_matches(['{', '}', ' ']);
                for element in inner.split(", ") {
                    let (range, verdict) = element.split_once(" : ").unwrap();
                    if within(range, address) {
                        return self.verdict(&verdict.split(' ').collect::<Vec<_>>());
                    }
                }
                return Verdict::Continue;
            }
            ["ip", field, "!=", set, rest @ ..] => (!self.has(self.address(field), set), rest),
            ["ip", field, set, rest @ ..] => (self.has(self.address(field), set), rest),
            ["meta", "mark", "set", mark, rest @ ..] => {
                self.mark = mark.parse().unwrap();
                (true, rest)
            }
            ["meta", "mark", range, rest @ ..] => (number_within(range, self.mark), rest),
            ["meta", "l4proto", number, rest @ ..] => {
                (number_within(number, self.packet.protocol.into()), rest)
            }
            ["th", "dport", range, rest @ ..] => {
                (number_within(range, self.packet.port.into()), rest)
            }
            ["icmp", "type", kind, rest @ ..] => {
                (number_within(kind, self.packet.icmp.0.into()), rest)
            }
            ["icmp", "code", code, rest @ ..] => {
                (number_within(code, self.packet.icmp.1.into()), rest)
            }
            ["dnat", "ip", "to", "ip", "daddr", "map", map] => {
                let found = self.mapped(map, self.packet.destination);
                self.packet.destination = found.unwrap_or(self.packet.destination);
                return if found.is_some() { Verdict::Accept } else { Verdict::Continue };
            }
            ["snat", "ip", "to", "ip", "saddr", "map", map] => {
                let found = self.mapped(map, self.packet.source);
                self.packet.source = found.unwrap_or(self.packet.source);
                return if found.is_some() { Verdict::Accept } else { Verdict::Continue };
            }
            ["snat", "ip", "to", address] => {
                self.packet.source = address.parse().unwrap();
                return Verdict::Accept;
            }
            verdict => return self.verdict(verdict),
        };
        if matches { self.rule(rest) } else { Verdict::Continue }
    }

    fn device(&self, side: &str) -> &str {
        if side == "iifname" { &self.iif } else { &self.oif }
    }

    fn address(&self, field: &str) -> Ipv4Addr {
        if field == "saddr" { self.packet.source } else { self.packet.destination }
    }

    fn is_in(&self, set: &str, key: &str) -> bool {
        self.rules.vpc.sets[&set[1..]].elements.contains_key(key)
    }

    fn has(&self, address: Ipv4Addr, set: &str) -> bool {
        match set.as_bytes()[0] {
            b'@' => self.is_in(set, &address.to_string()),
            b'{' => set.trim_matches(['{', '}', ' ']).split(", ").any(|one| within(one, address)),
            _ => within(set, address),
        }
    }

    fn mapped(&self, map: &str, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let elements = &self.rules.vpc.sets[&map[1..]].elements;
        elements.get(&address.to_string()).map(|value| value.as_ref().unwrap().parse().unwrap())
    }
}

/// What is in braces is one word.
fn words(rule: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for word in rule.split(' ') {
        match words.last_mut() {
            Some(last) if last.starts_with('{') && !last.ends_with('}') => {
                last.push(' ');
                last.push_str(word);
            }
            _ => words.push(word.into()),
        }
    }
    words
}

fn within(range: &str, address: Ipv4Addr) -> bool {
    if let Some((first, last)) = range.split_once('-') {
        let [first, last]: [Ipv4Addr; 2] = [first, last].map(|end| end.parse().unwrap());
        return (first..=last).contains(&address);
    }
    match range.contains('/') {
        true => range.parse::<ipnet::Ipv4Net>().unwrap().contains(&address),
        false => range.parse::<Ipv4Addr>().unwrap() == address,
    }
}

fn number_within(range: &str, number: u32) -> bool {
    let (first, last) = range.split_once('-').unwrap_or((range, range));
    (first.parse().unwrap()..=last.parse().unwrap()).contains(&number)
}
