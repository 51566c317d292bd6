//! The crash loop: a VPC gets an interface and a NAT gateway, loses both, and goes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::BoxFuture;
use host::Networks;
use host::fake::{self, FakeHost};
use state::reconcile::crash_loop::{self, Disturbance, Fate, Scenario, Tried};
use state::reconcile::{Reconcilers, Running};
use state::{Memory, Records, StateStore};

use crate::network::Network;
use crate::testing::World;

struct Story {
    store: Arc<dyn StateStore>,
    host: Arc<FakeHost>,
    disturbance: Arc<Mutex<Option<Arc<Disturbance>>>>,
    clock: Arc<aws::Clock>,
    /// Speaks for the user, undisturbed.
    world: World,
    made: tokio::sync::Mutex<Made>,
}

#[derive(Default)]
struct Made {
    vpc: String,
    subnet: String,
    interface: String,
    gateway: String,
    nat: String,
}

impl Story {
    fn new() -> Self {
        let disturbance: Arc<Mutex<Option<Arc<Disturbance>>>> = Arc::default();
        let asked = disturbance.clone();
        let host = FakeHost::judged(Box::new(move |_| {
            let disturbance = asked.lock().expect("not poisoned");
            match disturbance.as_ref().map_or(Fate::Happens, |disturbance| disturbance.strike()) {
                Fate::Happens => fake::Fate::Happens,
                Fate::HappensThenStops => fake::Fate::HappensThenHangs,
                Fate::Fails => fake::Fate::Fails,
                Fate::HappensUnheard => fake::Fate::LosesReply,
                Fate::Never => fake::Fate::Hangs,
            }
        }));
        host.slow_down(Duration::from_millis(5), Duration::ZERO);
        let (store, host): (Arc<dyn StateStore>, _) = (Arc::new(Memory::new()), Arc::new(host));
        let world = World::on(Records::new(store.clone()), host.clone(), 1);
        let made = Default::default();
        Self { store, host, disturbance, clock: crash_loop::clock(), world, made }
    }

    async fn furnish(&self, made: &mut Made) {
        let world = &self.world;
        made.vpc = world.vpc("10.0.0.0/16").await;
        made.gateway = world.gateway(&made.vpc).await;
        made.subnet = world.subnet(&made.vpc, "10.0.0.0/24").await;
        let subnet = format!("SubnetId={}", made.subnet);
        made.interface = world.made("networkInterfaceId", "CreateNetworkInterface", &subnet).await;
    }

    async fn open(&self, made: &mut Made) {
        let allocation = self.world.made("allocationId", "AllocateAddress", "").await;
        let create = format!("SubnetId={}&AllocationId={allocation}", made.subnet);
        made.nat = self.world.made("natGatewayId", "CreateNatGateway", &create).await;
    }

    async fn clear(&self, made: &Made) {
        let Made { vpc, subnet, interface, gateway, .. } = made;
        let detach = format!("InternetGatewayId={gateway}&VpcId={vpc}");
        for (operation, members) in [
            ("DeleteNetworkInterface", format!("NetworkInterfaceId={interface}")),
            ("DetachInternetGateway", detach),
            ("DeleteSubnet", format!("SubnetId={subnet}")),
            ("DeleteVpc", format!("VpcId={vpc}")),
        ] {
            self.world.must(operation, &members).await;
        }
    }

    /// The interfaces of the machine's network; none when there is no network.
    fn on_machine(&self, vpc: &str) -> Option<usize> {
        let network = self.host.network(&host::NetworkId(vpc.into()))?;
        Some(network.interfaces.len())
    }
}

impl Scenario for Story {
    fn store(&self) -> Arc<dyn StateStore> {
        self.store.clone()
    }

    fn start(&self, records: Records, disturbance: Arc<Disturbance>) -> Running {
        *self.disturbance.lock().expect("not poisoned") = Some(disturbance);
        let random = Arc::new(aws::Random::seeded(2));
        let (host, clock) = (self.host.clone(), self.clock.clone());
        let ec2 = crate::Ec2::new(records.clone(), host, clock, random, crate::testing::caller());
        crate::reconcilers::add(&ec2, Reconcilers::new(records, self.clock.clone())).start()
    }

    fn acts(&self) -> usize {
        4
    }

    fn act<'a>(&'a self, act: usize, _: &'a Records) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            let mut made = self.made.lock().await;
            match act {
                0 => self.furnish(&mut made).await,
                1 => self.open(&mut made).await,
                2 => {
                    let delete = format!("NatGatewayId={}", made.nat);
                    self.world.must("DeleteNatGateway", &delete).await;
                }
                _ => self.clear(&made).await,
            }
        })
    }

    fn arrived<'a>(
        &'a self,
        act: usize,
        records: &'a Records,
    ) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async move {
            let made = self.made.lock().await;
            let there = self.on_machine(&made.vpc);
            let shown = self.world.must("DescribeNatGateways", "").await;
            let states = World::texts(&shown, "state");
            let scope = crate::scope(&crate::testing::call(crate::testing::ACCOUNT));
            let scope = scope.expect("signed");
            let network = records.get::<Network>(&scope, &made.vpc).await.expect("answers");
            let as_wanted = match act {
                0 => there == Some(1),
                1 => there == Some(2) && states == ["available"],
                2 => there == Some(1) && states == ["deleted"],
                _ => there.is_none() && network.is_none(),
            };
            as_wanted.then_some(()).ok_or_else(|| format!("{there:?} {states:?} {network:?}"))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn networks_and_their_gateways_pass_the_crash_loop() {
    let tried = crash_loop::run(Story::new).await;
    assert!(tried.stops > 10, "{tried:?}");
    assert_eq!(tried, Tried { failures: tried.stops, lost_replies: tried.stops, ..tried });
}

#[tokio::test(start_paused = true)]
async fn a_vpc_that_nobody_is_in_costs_the_machine_nothing() {
    let story = Story::new();
    let running = story.start(Records::new(story.store()), Disturbance::none());
    story.world.must("DescribeVpcs", "").await;
    tokio::time::sleep(Duration::from_secs(200)).await;
    assert_eq!(story.host.networks().await, Ok(Vec::new()));
    running.stop().await;
}
