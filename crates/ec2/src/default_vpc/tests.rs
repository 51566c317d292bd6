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

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_who_come_first_find_the_same_one() {
    let records = Records::new(Arc::new(Memory::new()));
    let host = Arc::new(FakeHost::default());
    let look = |seed| {
        let world = World::on(records.clone(), host.clone(), seed);
        tokio::spawn(async move { world.must("DescribeVpcs", "").await })
    };
    let looks: Vec<_> = (0..8).map(look).collect();
    let mut ids = Vec::new();
    for look in looks {
        ids.extend(World::texts(&look.await.expect("runs"), "vpcId"));
    }
    assert_eq!(ids.len(), 8);
    ids.dedup();
    assert_eq!(ids.len(), 1);
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
