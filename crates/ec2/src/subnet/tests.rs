use crate::testing::World;

#[tokio::test]
async fn subnets_lie_inside_their_vpc_and_beside_each_other() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let create = async |block: &str, expected: Option<&str>| {
        let served = world.serve("CreateSubnet", &format!("VpcId={vpc}&CidrBlock={block}")).await;
        assert_eq!(
            served.err().map(|error| error.code.into_owned()).as_deref(),
            expected,
            "{block}"
        );
    };
    create("10.0.1.0/24", None).await;
    create("10.0.1.0/24", Some("InvalidSubnet.Conflict")).await;
    create("10.0.1.128/25", Some("InvalidSubnet.Conflict")).await;
    create("10.0.0.0/22", Some("InvalidSubnet.Conflict")).await;
    create("10.1.0.0/24", Some("InvalidSubnet.Range")).await;
    create("10.0.2.0/29", Some("InvalidSubnet.Range")).await;
    create("10.0.0.0/8", Some("InvalidSubnet.Range")).await;
    create("subnet", Some("InvalidParameterValue")).await;
    create("10.0.2.0/28", None).await;
    let subnets = world
        .must("DescribeSubnets", &format!("Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}"))
        .await;
    let mut free = World::texts(&subnets, "availableIpAddressCount");
    free.sort();
    assert_eq!(free, ["11", "251"]);
    let mut zones = World::texts(&subnets, "availabilityZone");
    zones.sort();
    assert_eq!(zones, ["ap-northeast-2a", "ap-northeast-2b"], "spread when none is asked for");
    let elsewhere = format!("VpcId={vpc}&CidrBlock=10.0.3.0/24&AvailabilityZone=us-east-1a");
    assert_eq!(world.refusal("CreateSubnet", &elsewhere).await, "InvalidParameterValue");
    let id = "SubnetId.1=subnet-0123";
    assert_eq!(world.refusal("DescribeSubnets", id).await, "InvalidSubnetID.NotFound");
}

#[tokio::test]
async fn a_subnet_with_an_interface_stays() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnet = world.subnet(&vpc, "10.0.1.0/24").await;
    let modify = format!("SubnetId={subnet}&MapPublicIpOnLaunch.Value=true");
    world.must("ModifySubnetAttribute", &modify).await;
    let members = format!("SubnetId={subnet}");
    let interface = world.made("networkInterfaceId", "CreateNetworkInterface", &members).await;
    let shown = world.must("DescribeSubnets", &format!("SubnetId.1={subnet}")).await;
    assert_eq!(World::text(&shown, "availableIpAddressCount"), "250");
    assert_eq!(World::text(&shown, "mapPublicIpOnLaunch"), "true");
    let (_, code, message) = world.refused("DeleteSubnet", &members).await;
    assert_eq!(code, "DependencyViolation");
    assert_eq!(message, format!("The subnet '{subnet}' has dependencies and cannot be deleted."));
    world.must("DeleteNetworkInterface", &format!("NetworkInterfaceId={interface}")).await;
    world.must("DeleteSubnet", &members).await;
    assert_eq!(world.refusal("DeleteSubnet", &members).await, "InvalidSubnetID.NotFound");
}
