mod kernel;
mod model;
mod nft;

use proptest::prelude::*;
use proptest::sample::{Index, select, subsequence};

use super::*;
use crate::{InterfaceId, Route, SecurityGroup};
use model::{From, Packet};

fn address(text: &str) -> Ipv4Addr {
    text.parse().unwrap()
}

fn block(text: &str) -> Ipv4Net {
    text.parse().unwrap()
}

fn check_rule(rule: Rule, expected: Option<&str>) {
    let found = matched(&rule, "ip saddr", "accept").map(|rule| rule.unwrap());
    assert_eq!(found.as_deref(), expected);
}

#[test]
fn rules_as_nft_says_them() {
    use Traffic::{All, Icmp, Protocol, Tcp, Udp};
    let any = || Peer::Block(block("0.0.0.0/0"));
    let some = || Peer::Block(block("10.1.2.3/24"));
    let group = || Peer::Group(GroupId("sg-1".into()));
    let check = |traffic, peer, expected| check_rule(Rule { traffic, peer }, Some(expected));
    check(All, any(), "accept");
    check(All, some(), "ip saddr 10.1.2.0/24 accept");
    check(All, group(), "ip saddr @members.sg-1 accept");
    check(Tcp(22..=22), any(), "meta l4proto 6 th dport 22 accept");
    check(Udp(53..=60), group(), "ip saddr @members.sg-1 meta l4proto 17 th dport 53-60 accept");
    check(Tcp(0..=u16::MAX), any(), "meta l4proto 6 accept");
    check(Icmp { kind: None, code: None }, any(), "meta l4proto 1 accept");
    let unreachable = Icmp { kind: Some(3), code: Some(4) };
    check(unreachable, any(), "meta l4proto 1 icmp type 3 icmp code 4 accept");
    check(Protocol(47), any(), "meta l4proto 47 accept");
    #[allow(clippy::reversed_empty_ranges)]
    check_rule(Rule { traffic: Tcp(5..=3), peer: any() }, None);
}

#[test]
fn ids_that_are_no_words_are_refused() {
    let group = SecurityGroup { id: GroupId("sg }".into()), ingress: vec![], egress: vec![] };
    let empty = Network {
        id: NetworkId("vpc-1".into()),
        blocks: vec![],
        subnets: vec![],
        interfaces: vec![],
        groups: vec![],
    };
    assert!(Rules::of(&empty).is_ok());
    assert!(Rules::of(&Network { groups: vec![group], ..empty.clone() }).is_err());
    let peer = Peer::Group(GroupId("sg;".into()));
    let rule = Rule { traffic: Traffic::All, peer };
    let group = SecurityGroup { id: GroupId("sg-1".into()), ingress: vec![rule], egress: vec![] };
    assert!(Rules::of(&Network { groups: vec![group], ..empty }).is_err());
}

/// Few addresses, so that they meet.
const PRIVATE: [&str; 6] =
    ["10.0.1.10", "10.0.1.11", "10.0.2.10", "10.0.2.11", "10.0.3.10", "10.1.0.5"];
const PUBLIC: [&str; 4] = ["198.18.1.1", "198.18.1.2", "198.18.1.3", "198.18.1.4"];
const ELSEWHERE: [&str; 6] =
    ["203.0.113.5", "203.0.113.6", "192.0.2.1", "10.9.9.9", "169.254.169.254", "10.0.1.1"];
const DESTINATIONS: [&str; 6] = [
    "0.0.0.0/0",
    "203.0.113.0/24",
    "203.0.113.5/32",
    "198.18.0.0/16",
    "198.18.1.2/32",
    "10.0.0.0/8",
];

fn any_peer() -> impl Strategy<Value = Peer> {
    let blocks = vec!["0.0.0.0/0", "10.0.1.0/24", "203.0.113.5/32", "198.18.0.0/16"];
    prop_oneof![
        3 => select(blocks).prop_map(|text| Peer::Block(block(text))),
        1 => (0..4).prop_map(|number| Peer::Group(GroupId(format!("sg-{number}")))),
    ]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let ports = || select(vec![22..=22, 0..=u16::MAX, 20..=80, 80..=80]);
    let kind = select(vec![None, Some(8), Some(3)]);
    let traffic = prop_oneof![
        Just(Traffic::All),
        ports().prop_map(Traffic::Tcp),
        ports().prop_map(Traffic::Udp),
        (kind.clone(), kind).prop_map(|(kind, code)| Traffic::Icmp { kind, code }),
        Just(Traffic::Protocol(47)),
    ];
    (traffic, any_peer()).prop_map(|(traffic, peer)| Rule { traffic, peer })
}

fn any_target() -> impl Strategy<Value = RouteTarget> {
    prop_oneof![
        3 => Just(RouteTarget::Internet),
        2 => select(vec!["198.18.2.1", "198.18.2.2"])
            .prop_map(|text| RouteTarget::Nat(address(text))),
        2 => (0..7).prop_map(|number| RouteTarget::Interface(InterfaceId(format!("eni-{number}")))),
        1 => Just(RouteTarget::Blackhole),
    ]
}

fn any_subnet(text: &'static str) -> impl Strategy<Value = Subnet> {
    let destinations = subsequence(&DESTINATIONS[..], 0..=4);
    (destinations, prop::collection::vec(any_target(), 4)).prop_map(move |(to, targets)| {
        let routes = to.into_iter().zip(targets);
        let routes = routes.map(|(to, target)| Route { destination: block(to), target });
        Subnet { block: block(text), routes: routes.collect() }
    })
}

fn any_network() -> impl Strategy<Value = Network> {
    let rules = || prop::collection::vec(any_rule(), 0..3);
    let groups = prop::collection::vec((rules(), rules()), 3);
    let of_each = (0..7_usize, subsequence(vec![0, 1, 2, 3], 0..=3), any::<bool>());
    let interfaces = prop::collection::vec(of_each, 6);
    (groups, interfaces, any_subnet("10.0.1.0/24"), any_subnet("10.0.2.0/24")).prop_map(
        |(groups, interfaces, one, other)| {
            let mut public = PUBLIC.map(|text| Some(address(text))).to_vec();
            public.resize(7, None);
            let sg = |number: usize| GroupId(format!("sg-{number}"));
            let interfaces = interfaces.into_iter().enumerate().map(
                |(number, (public_at, groups, source_dest_check))| NetworkInterface {
                    interface: InterfaceId(format!("eni-{number}")),
                    private_address: address(PRIVATE[number]),
                    // Taken, so that nobody else gets it.
                    public_address: public[public_at].take(),
                    groups: groups.into_iter().map(sg).collect(),
                    source_dest_check,
                },
            );
            let groups = groups.into_iter().enumerate();
            let groups = groups.map(|(number, (ingress, egress))| SecurityGroup {
                id: sg(number),
                ingress,
                egress,
            });
            Network {
                id: NetworkId("vpc-1".into()),
                blocks: vec![block("10.0.0.0/16"), block("10.1.0.0/24")],
                subnets: vec![one, other],
                interfaces: interfaces.collect(),
                groups: groups.collect(),
            }
        },
    )
}

fn any_packet() -> impl Strategy<Value = Packet> {
    let anywhere = || {
        let all = PRIVATE.iter().chain(&PUBLIC).chain(&ELSEWHERE).copied();
        select(all.collect::<Vec<_>>()).prop_map(address)
    };
    let from = prop_oneof![1 => Just(None), 3 => any::<Index>().prop_map(Some)];
    let protocol = select(vec![(6, 22), (6, 80), (6, 81), (17, 53), (1, 0), (47, 0)]);
    let icmp = select(vec![(8, 0), (3, 3), (3, 8)]);
    (from, any::<bool>(), anywhere(), anywhere(), protocol, icmp).prop_map(
        |(from, honest, source, destination, (protocol, port), icmp)| {
            let from = from.map(|index| index.index(PRIVATE.len()));
            let source = match from {
                Some(index) if honest => address(PRIVATE[index]),
                _ => source,
            };
            let from = from.map_or(From::Outside, From::Interface);
            Packet { from, source, destination, protocol, port, icmp }
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_packet_fares_as_aws_says(
        network in any_network(),
        packets in prop::collection::vec(any_packet(), 60),
    ) {
        let rules = Rules::of(&network).unwrap();
        for packet in packets {
            let expected = model::decide(&network, &packet);
            prop_assert_eq!(kernel::decide(&network, &rules, &packet), expected, "{:?}", packet);
        }
    }
}
