use std::sync::Arc;

use host::fake::FakeHost;
use state::{Memory, Records};

use crate::testing::World;

#[tokio::test]
async fn a_region_has_a_default_vpc_as_soon_as_anybody_looks() {
    let world = World::new();
    let vpcs = world.must("DescribeVpcs", "").await;
    assert_eq!(World::text(&vpcs, "cidrBlock"), "172.31.0.0/16");
    assert_eq!(World::text(&vpcs, "isDefault"), "true");
    let subnets = world.must("DescribeSubnets", "").await;
    let mut blocks = World::texts(&subnets, "cidrBlock");
    blocks.sort();
    assert_eq!(blocks, ["172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"]);
    assert_eq!(World::texts(&subnets, "availableIpAddressCount"), ["4091"; 3]);
    assert_eq!(World::texts(&subnets, "mapPublicIpOnLaunch"), ["true"; 3]);
    let tables = world.must("DescribeRouteTables", "").await;
    assert_eq!(World::texts(&tables, "destinationCidrBlock"), ["172.31.0.0/16", "0.0.0.0/0"]);
    assert!(!tables.contains("blackhole"), "{tables}");
    let gateways = world.must("DescribeInternetGateways", "").await;
    assert_eq!(World::text(&gateways, "vpcId"), World::text(&vpcs, "vpcId"));
    let groups = world.must("DescribeSecurityGroups", "").await;
    assert_eq!(World::texts(&groups, "groupName"), ["default"]);
    let options = world.must("DescribeDhcpOptions", "").await;
    assert_eq!(
        World::texts(&options, "value"),
        ["ap-northeast-2.compute.internal", "AmazonProvidedDNS"]
    );
    let attributes = world.must("DescribeAccountAttributes", "AttributeName.1=default-vpc").await;
    assert_eq!(World::text(&attributes, "attributeValue"), World::text(&vpcs, "vpcId"));
}

#[tokio::test]
async fn all_who_come_first_find_the_same_one() {
    let records = Records::new(Arc::new(Memory::new()));
    let host = Arc::new(FakeHost::default());
    let worlds: Vec<_> = (0..8).map(|n| World::on(records.clone(), host.clone(), n)).collect();
    let mut seen = Vec::new();
    for world in &worlds {
        seen.push(world.must("DescribeVpcs", ""));
    }
    let mut ids = Vec::new();
    for answer in futures(seen).await {
        ids.extend(World::texts(&answer, "vpcId"));
    }
    ids.dedup();
    assert_eq!(ids.len(), 1);
}

async fn futures<F: Future>(all: Vec<F>) -> Vec<F::Output> {
    let mut all: Vec<_> = all.into_iter().map(Box::pin).collect();
    let mut done: Vec<Option<F::Output>> = all.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (future, done) in all.iter_mut().zip(&mut done) {
            if done.is_none()
                && let std::task::Poll::Ready(output) = future.as_mut().poll(context)
            {
                *done = Some(output);
            }
        }
        match done.iter().all(Option::is_some) {
            true => std::task::Poll::Ready(()),
            false => std::task::Poll::Pending,
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

#[tokio::test]
async fn whoever_deleted_it_makes_it_again_himself() {
    let world = World::new();
    let vpcs = world.must("DescribeVpcs", "").await;
    let vpc = World::text(&vpcs, "vpcId").to_owned();
    assert_eq!(world.refusal("CreateDefaultVpc", "").await, "DefaultVpcAlreadyExists");
    let subnets = world.must("DescribeSubnets", "").await;
    for subnet in World::texts(&subnets, "subnetId") {
        world.must("DeleteSubnet", &format!("SubnetId={subnet}")).await;
    }
    let zone = "AvailabilityZone=ap-northeast-2b";
    let again = world.must("CreateDefaultSubnet", zone).await;
    assert_eq!(World::text(&again, "cidrBlock"), "172.31.0.0/20");
    let twice = world.refusal("CreateDefaultSubnet", zone).await;
    assert_eq!(twice, "DefaultSubnetAlreadyExistsInAvailabilityZone");
    let subnet = World::text(&again, "subnetId");
    world.must("DeleteSubnet", &format!("SubnetId={subnet}")).await;
    let gateways = world.must("DescribeInternetGateways", "").await;
    let gateway = World::text(&gateways, "internetGatewayId");
    let detach = format!("InternetGatewayId={gateway}&VpcId={vpc}");
    world.must("DetachInternetGateway", &detach).await;
    world.must("DeleteVpc", &format!("VpcId={vpc}")).await;
    assert_eq!(World::texts(&world.must("DescribeVpcs", "").await, "vpcId"), [""; 0]);
    assert_eq!(world.refusal("CreateDefaultSubnet", zone).await, "DefaultVpcDoesNotExist");
    world.must("CreateDefaultVpc", "").await;
    assert_eq!(World::texts(&world.must("DescribeSubnets", "").await, "subnetId").len(), 3);
}
