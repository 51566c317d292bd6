use crate::testing::World;

#[tokio::test]
async fn a_vpc_is_found_again_with_its_tags() {
    let world = World::new();
    let tag = "TagSpecification.1.ResourceType=vpc&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web";
    let created = world.must("CreateVpc", &format!("CidrBlock=10.0.0.0/16&{tag}")).await;
    let id = World::text(&created, "vpcId").to_owned();
    assert!(created.contains("<cidrBlock>10.0.0.0/16</cidrBlock>"), "{created}");
    let found = world.must("DescribeVpcs", "Filter.1.Name=tag:Name&Filter.1.Value.1=w*").await;
    assert!(found.contains(&id));
    let none = world.must("DescribeVpcs", "Filter.1.Name=tag:Name&Filter.1.Value.1=x*").await;
    assert!(!none.contains(&id));
    world.must("DeleteTags", &format!("ResourceId.1={id}")).await;
    assert_eq!(World::texts(&world.must("DescribeTags", "").await, "key"), [""; 0]);
    let (_, code, message) = world.refused("DescribeVpcs", "VpcId.1=vpc-0123").await;
    assert_eq!(code, "InvalidVpcID.NotFound");
    assert_eq!(message, "The vpc ID 'vpc-0123' does not exist");
    world.must("DeleteVpc", &format!("VpcId={id}")).await;
    assert_eq!(world.refusal("DeleteVpc", &format!("VpcId={id}")).await, "InvalidVpcID.NotFound");
    let dry = world.refused("CreateVpc", "CidrBlock=10.0.0.0/16&DryRun=true").await;
    assert_eq!((dry.0, dry.1.as_str()), (412, "DryRunOperation"));
    assert_eq!(world.refusal("CreateVpc", "CidrBlock=10.0.0.0/8").await, "InvalidVpc.Range");
    assert_eq!(world.refusal("CreateVpc", "CidrBlock=ten").await, "InvalidParameterValue");
}

#[tokio::test]
async fn a_vpc_comes_with_its_own_and_goes_with_nothing_else() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let mine = format!("Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}");
    for (operation, element) in [
        ("DescribeRouteTables", "routeTableId"),
        ("DescribeNetworkAcls", "networkAclId"),
        ("DescribeSecurityGroups", "groupName"),
    ] {
        let there = world.must(operation, &mine).await;
        assert!(there.contains(element), "{there}");
    }
    let main = format!("{mine}&Filter.2.Name=association.main&Filter.2.Value.1=true");
    let tables = world.must("DescribeRouteTables", &main).await;
    assert_eq!(World::text(&tables, "gatewayId"), "local");
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let delete = format!("VpcId={vpc}");
    let (_, code, message) = world.refused("DeleteVpc", &delete).await;
    assert_eq!(code, "DependencyViolation");
    assert_eq!(message, format!("The vpc '{vpc}' has dependencies and cannot be deleted."));
    world.must("DeleteSubnet", &format!("SubnetId={subnet}")).await;
    let group = format!("GroupName=g&GroupDescription=d&VpcId={vpc}");
    let group = world.made("groupId", "CreateSecurityGroup", &group).await;
    assert_eq!(world.refusal("DeleteVpc", &delete).await, "DependencyViolation");
    world.must("DeleteSecurityGroup", &format!("GroupId={group}")).await;
    let gateway = world.gateway(&vpc).await;
    assert_eq!(world.refusal("DeleteVpc", &delete).await, "DependencyViolation");
    let detach = format!("VpcId={vpc}&InternetGatewayId={gateway}");
    world.must("DetachInternetGateway", &detach).await;
    world.must("DeleteVpc", &delete).await;
    for operation in ["DescribeRouteTables", "DescribeNetworkAcls", "DescribeSecurityGroups"] {
        assert!(!world.must(operation, &mine).await.contains(&vpc), "{operation}");
    }
}

#[tokio::test]
async fn attributes_are_set_one_at_a_time() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let ask = async |attribute: &str, expected: &str| {
        let members = format!("VpcId={vpc}&Attribute={attribute}");
        let answer = world.must("DescribeVpcAttribute", &members).await;
        assert_eq!(World::text(&answer, "value"), expected, "{answer}");
    };
    ask("enableDnsSupport", "true").await;
    ask("enableDnsHostnames", "false").await;
    ask("enableNetworkAddressUsageMetrics", "false").await;
    let on = format!("VpcId={vpc}&EnableDnsHostnames.Value=true");
    world.must("ModifyVpcAttribute", &on).await;
    ask("enableDnsHostnames", "true").await;
    let both = format!("{on}&EnableDnsSupport.Value=false");
    assert_eq!(world.refusal("ModifyVpcAttribute", &both).await, "InvalidParameterCombination");
}

#[tokio::test]
async fn blocks_are_added_and_taken_away() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/24").await;
    let add = async |block: &str| {
        world.serve("AssociateVpcCidrBlock", &format!("VpcId={vpc}&CidrBlock={block}")).await
    };
    let second = add("10.1.0.0/24").await.expect("added");
    let second = World::text(&second, "associationId").to_owned();
    assert_eq!(add("10.1.0.0/25").await.expect_err("overlaps").code, "InvalidVpc.Conflict");
    let subnet = world.subnet(&vpc, "10.1.0.0/28").await;
    let take = format!("AssociationId={second}");
    let refused = world.refusal("DisassociateVpcCidrBlock", &take).await;
    assert_eq!(refused, "InvalidCidrBlock.InUse");
    world.must("DeleteSubnet", &format!("SubnetId={subnet}")).await;
    world.must("DisassociateVpcCidrBlock", &take).await;
    let left = world.must("DescribeVpcs", &format!("VpcId.1={vpc}")).await;
    assert_eq!(World::texts(&left, "associationId").len(), 1);
    let first = format!("AssociationId={}", World::text(&left, "associationId"));
    let refused = world.refusal("DisassociateVpcCidrBlock", &first).await;
    assert_eq!(refused, "OperationNotPermitted");
}
