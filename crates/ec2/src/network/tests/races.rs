//! Several processes at once on one store: what must stay true of a VPC does.

use std::sync::Arc;

use aws::Error;
use host::fake::FakeHost;
use state::{Memory, Records};

use crate::testing::World;

struct Region {
    records: Records,
    host: Arc<FakeHost>,
}

impl Region {
    fn new() -> Self {
        Self { records: Records::new(Arc::new(Memory::new())), host: Arc::default() }
    }

    fn world(&self, seed: u64) -> World {
        World::on(self.records.clone(), self.host.clone(), seed)
    }

    /// Sends all at once, each from a process of its own.
    async fn at_once(&self, requests: Vec<(&'static str, String)>) -> Vec<Result<String, Error>> {
        let send = |(seed, (operation, members)): (usize, (&'static str, String))| {
            let world = self.world(1000 + u64::try_from(seed).expect("few"));
            tokio::spawn(async move { world.serve(operation, &members).await })
        };
        let tasks: Vec<_> = requests.into_iter().enumerate().map(send).collect();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("runs"));
        }
        answers
    }
}

fn served(answers: &[Result<String, Error>]) -> usize {
    answers.iter().filter(|answer| answer.is_ok()).count()
}

const ROUNDS: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn subnets_that_overlap_are_not_both_made() {
    for round in 0..ROUNDS {
        let region = Region::new();
        let vpc = region.world(round).vpc("10.0.0.0/16").await;
        let create = |block: &str| ("CreateSubnet", format!("VpcId={vpc}&CidrBlock={block}"));
        let blocks = ["10.0.0.0/24", "10.0.0.0/25", "10.0.0.128/25", "10.0.0.0/23"];
        let answers = region.at_once(blocks.map(create).into()).await;
        let made = served(&answers);
        assert!(made == 1 || made == 2, "{answers:?}");
        let halves = answers[1].is_ok() && answers[2].is_ok();
        assert_eq!(made == 2, halves, "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_is_left_in_a_vpc_that_is_gone() {
    for round in 0..ROUNDS {
        let region = Region::new();
        let world = region.world(round);
        let vpc = world.vpc("10.0.0.0/16").await;
        let group = format!("GroupName=g&GroupDescription=d&VpcId={vpc}");
        let answers = region
            .at_once(vec![
                ("DeleteVpc", format!("VpcId={vpc}")),
                ("CreateSubnet", format!("VpcId={vpc}&CidrBlock=10.0.0.0/24")),
                ("CreateSecurityGroup", group),
                ("CreateRouteTable", format!("VpcId={vpc}")),
            ])
            .await;
        let expected = if answers[0].is_ok() { 0 } else { served(&answers[1..]) };
        assert_eq!(served(&answers[1..]), expected, "{answers:?}");
        assert!(answers[0].is_ok() || expected > 0, "{answers:?}");
        for operation in ["DescribeSubnets", "DescribeSecurityGroups", "DescribeRouteTables"] {
            let there = world.must(operation, "").await;
            assert!(answers[0].is_err() || !there.contains(&vpc), "{there}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_group_is_not_deleted_while_somebody_puts_it_on() {
    for round in 0..ROUNDS {
        let region = Region::new();
        let world = region.world(round);
        let vpc = world.vpc("10.0.0.0/16").await;
        let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
        let group = format!("GroupName=g&GroupDescription=d&VpcId={vpc}");
        let group = world.made("groupId", "CreateSecurityGroup", &group).await;
        let answers = region
            .at_once(vec![
                ("DeleteSecurityGroup", format!("GroupId={group}")),
                ("CreateNetworkInterface", format!("SubnetId={subnet}&SecurityGroupId.1={group}")),
            ])
            .await;
        assert_eq!(served(&answers), 1, "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn addresses_are_given_once_and_up_to_the_quota() {
    for _ in 0..ROUNDS {
        let region = Region::new();
        let answers = region.at_once(vec![("AllocateAddress", String::new()); 8]).await;
        assert_eq!(served(&answers), 5, "{answers:?}");
        let mut addresses: Vec<_> =
            answers.iter().flatten().map(|answer| World::text(answer, "publicIp")).collect();
        addresses.sort_unstable();
        addresses.dedup();
        assert_eq!(addresses.len(), 5);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_vpc_gets_one_gateway_and_a_gateway_one_vpc() {
    for round in 0..ROUNDS {
        let region = Region::new();
        let world = region.world(round);
        let (vpc, other) = (world.vpc("10.0.0.0/16").await, world.vpc("10.1.0.0/16").await);
        let first = world.made("internetGatewayId", "CreateInternetGateway", "").await;
        let second = world.made("internetGatewayId", "CreateInternetGateway", "").await;
        let attach = |gateway: &str, vpc: &str| {
            ("AttachInternetGateway", format!("InternetGatewayId={gateway}&VpcId={vpc}"))
        };
        let requests = vec![attach(&first, &vpc), attach(&second, &vpc), attach(&first, &other)];
        let answers = region.at_once(requests).await;
        let alone = answers[0].is_ok();
        assert_eq!(answers[1].is_ok(), !alone, "{answers:?}");
        assert_eq!(answers[2].is_ok(), !alone, "{answers:?}");
    }
}
