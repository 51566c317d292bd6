//! Random operations against a small model: no two interfaces share an address, and who may
//! open a connection to whom by the machine's network is who may by the model.

use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

use host::{Network, Peer, Traffic};
use proptest::prelude::*;

use crate::testing::{ACCOUNT, World, call};

#[derive(Clone, Debug)]
enum Act {
    Create { subnet: usize, group: usize },
    Delete(usize),
    Regroup { interface: usize, group: usize },
    Authorize { group: usize, from: Option<usize>, port: u16 },
    Revoke { group: usize, from: Option<usize>, port: u16 },
}

const GROUPS: usize = 3;
const PORTS: [u16; 2] = [22, 80];

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let (group, port) = (0..GROUPS, proptest::sample::select(PORTS.to_vec()));
    let rule = (group.clone(), proptest::option::of(0..GROUPS), port);
    let act = prop_oneof![
        3 => (0..2_usize, group.clone()).prop_map(|(subnet, group)| Act::Create { subnet, group }),
        1 => (0..8_usize).prop_map(Act::Delete),
        1 => (0..8_usize, group).prop_map(|(interface, group)| Act::Regroup { interface, group }),
        3 => rule.clone().prop_map(|(group, from, port)| Act::Authorize { group, from, port }),
        1 => rule.prop_map(|(group, from, port)| Act::Revoke { group, from, port }),
    ];
    proptest::collection::vec(act, 1..25)
}

/// Whose group each interface has, and what each group lets in: from a group or from all.
#[derive(Default)]
struct Model {
    interfaces: Vec<(String, usize)>,
    rules: BTreeSet<(usize, Option<usize>, u16)>,
}

impl Model {
    fn may(&self, from: usize, to: usize, port: u16) -> bool {
        let (from, to) = (self.interfaces[from].1, self.interfaces[to].1);
        [None, Some(from)].iter().any(|source| self.rules.contains(&(to, *source, port)))
    }
}

/// What the host's traits promise of a network.
fn passes(network: &Network, from: &str, to: &str, port: u16) -> bool {
    let of = |id: &str| network.interfaces.iter().find(|one| one.interface.0 == id).expect("there");
    let (from, to) = (of(from), of(to));
    let rules = |one: &host::NetworkInterface, egress: bool| -> Vec<host::Rule> {
        let mine = network.groups.iter().filter(|group| one.groups.contains(&group.id));
        mine.flat_map(|group| if egress { &group.egress } else { &group.ingress })
            .cloned()
            .collect()
    };
    let lets = |rule: &host::Rule, peer: &host::NetworkInterface| {
        let traffic = match &rule.traffic {
            Traffic::All => true,
            Traffic::Tcp(ports) => ports.contains(&port),
            _ => false,
        };
        traffic
            && match &rule.peer {
                Peer::Block(block) => block.contains(&peer.private_address),
                Peer::Group(group) => peer.groups.contains(group),
            }
    };
    rules(from, true).iter().any(|rule| lets(rule, to))
        && rules(to, false).iter().any(|rule| lets(rule, from))
}

struct Played {
    world: World,
    vpc: String,
    subnets: Vec<String>,
    groups: Vec<String>,
    model: Model,
}

impl Played {
    async fn new() -> Self {
        let world = World::new();
        let vpc = world.vpc("10.0.0.0/16").await;
        let subnets =
            vec![world.subnet(&vpc, "10.0.0.0/28").await, world.subnet(&vpc, "10.0.0.16/28").await];
        let mut groups = Vec::new();
        for name in 0..GROUPS {
            let members = format!("GroupName=g{name}&GroupDescription=d&VpcId={vpc}");
            groups.push(world.made("groupId", "CreateSecurityGroup", &members).await);
        }
        Self { world, vpc, subnets, groups, model: Model::default() }
    }

    fn permission(&self, group: usize, from: Option<usize>, port: u16) -> String {
        let source = match from {
            Some(from) => format!("Groups.1.GroupId={}", self.groups[from]),
            None => "IpRanges.1.CidrIp=10.0.0.0/16".into(),
        };
        let group = &self.groups[group];
        let one = "IpPermissions.1";
        format!(
            "GroupId={group}&{one}.IpProtocol=tcp&{one}.FromPort={port}&{one}.ToPort={port}&{one}.{source}"
        )
    }

    async fn play(&mut self, act: Act) {
        let there = self.model.interfaces.len();
        match act {
            Act::Create { subnet, group } => {
                let (subnet, id) = (&self.subnets[subnet], &self.groups[group]);
                let members = format!("SubnetId={subnet}&SecurityGroupId.1={id}");
                // Eleven addresses may be too few.
                if let Ok(made) = self.world.serve("CreateNetworkInterface", &members).await {
                    let id = World::text(&made, "networkInterfaceId").to_owned();
                    self.model.interfaces.push((id, group));
                }
            }
            Act::Delete(at) if there > 0 => {
                let (id, _) = self.model.interfaces.remove(at % there);
                let members = format!("NetworkInterfaceId={id}");
                self.world.must("DeleteNetworkInterface", &members).await;
            }
            Act::Regroup { interface, group } if there > 0 => {
                let one = &mut self.model.interfaces[interface % there];
                one.1 = group;
                let members = format!(
                    "NetworkInterfaceId={}&SecurityGroupId.1={}",
                    one.0, self.groups[group]
                );
                self.world.must("ModifyNetworkInterfaceAttribute", &members).await;
            }
            Act::Delete(_) | Act::Regroup { .. } => (),
            Act::Authorize { group, from, port } => {
                let members = self.permission(group, from, port);
                let served = self.world.serve("AuthorizeSecurityGroupIngress", &members).await;
                assert_eq!(served.is_ok(), self.model.rules.insert((group, from, port)));
            }
            Act::Revoke { group, from, port } => {
                let members = self.permission(group, from, port);
                let served = self.world.serve("RevokeSecurityGroupIngress", &members).await;
                assert_eq!(served.is_ok(), self.model.rules.remove(&(group, from, port)));
            }
        }
    }

    async fn check(&self) {
        let scope = crate::scope(&call(ACCOUNT)).expect("signed");
        self.world.ec2.make_network(&scope, &self.vpc).await.expect("made");
        let network = self.world.host.network(&host::NetworkId(self.vpc.clone())).expect("made");
        let mut holders: BTreeMap<Ipv4Addr, usize> = BTreeMap::new();
        for one in &network.interfaces {
            *holders.entry(one.private_address).or_default() += 1;
        }
        assert!(holders.values().all(|holders| *holders == 1), "{holders:?}");
        let interfaces = &self.model.interfaces;
        assert_eq!(network.interfaces.len(), interfaces.len());
        for (at, (from, _)) in interfaces.iter().enumerate() {
            for (other, (to, _)) in interfaces.iter().enumerate() {
                for port in PORTS {
                    let expected = self.model.may(at, other, port);
                    assert_eq!(passes(&network, from, to, port), expected, "{from} {to} {port}");
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn random_operations_make_what_the_model_says(acts in acts()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.expect("a runtime").block_on(async {
            let mut played = Played::new().await;
            for act in acts {
                played.play(act).await;
            }
            played.check().await;
        });
    }
}
