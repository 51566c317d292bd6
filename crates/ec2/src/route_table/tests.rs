use crate::testing::World;

#[tokio::test]
async fn routes_are_made_replaced_and_deleted() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let table = world.made("routeTableId", "CreateRouteTable", &format!("VpcId={vpc}")).await;
    let gateway = world.gateway(&vpc).await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let interface = format!("SubnetId={subnet}");
    let interface = world.made("networkInterfaceId", "CreateNetworkInterface", &interface).await;
    let anywhere = format!("RouteTableId={table}&DestinationCidrBlock=0.0.0.0/0");
    let out = format!("{anywhere}&GatewayId={gateway}");
    world.must("CreateRoute", &out).await;
    world.must("CreateRoute", &out).await;
    let other = format!("{anywhere}&NetworkInterfaceId={interface}");
    let (_, code, message) = world.refused("CreateRoute", &other).await;
    assert_eq!(code, "RouteAlreadyExists");
    assert_eq!(message, "The route identified by 0.0.0.0/0 already exists.");
    let states = async || {
        let shown = world.must("DescribeRouteTables", &format!("RouteTableId.1={table}")).await;
        World::texts(&shown, "state")
    };
    assert_eq!(states().await, ["active", "active"]);
    world.must("ReplaceRoute", &other).await;
    assert_eq!(states().await, ["active", "blackhole"], "nobody has the interface");
    let check = async |operation: &str, members: &str, expected: &str| {
        let members = format!("RouteTableId={table}&{members}");
        assert_eq!(world.refusal(operation, &members).await, expected, "{operation} {members}");
    };
    let to = format!("GatewayId={gateway}");
    check("CreateRoute", &format!("DestinationCidrBlock=10.0.0.0/16&{to}"), "RouteAlreadyExists")
        .await;
    check(
        "CreateRoute",
        "DestinationCidrBlock=1.0.0.0/8&GatewayId=igw-0123",
        "InvalidGatewayID.NotFound",
    )
    .await;
    check(
        "CreateRoute",
        "DestinationCidrBlock=1.0.0.0/8&NatGatewayId=nat-0123",
        "InvalidGatewayID.NotFound",
    )
    .await;
    check("CreateRoute", "DestinationCidrBlock=1.0.0.0/8", "InvalidParameterCombination").await;
    check("ReplaceRoute", &format!("DestinationCidrBlock=1.0.0.0/8&{to}"), "InvalidParameterValue")
        .await;
    check("DeleteRoute", "DestinationCidrBlock=1.0.0.0/8", "InvalidRoute.NotFound").await;
    check("DeleteRoute", "DestinationCidrBlock=10.0.0.0/16", "InvalidParameterValue").await;
    let detached = world.made("internetGatewayId", "CreateInternetGateway", "").await;
    let members = format!("DestinationCidrBlock=1.0.0.0/8&GatewayId={detached}");
    check("CreateRoute", &members, "InvalidParameterValue").await;
    world.must("ReplaceRoute", &out).await;
    world.must("DetachInternetGateway", &format!("VpcId={vpc}&InternetGatewayId={gateway}")).await;
    assert_eq!(states().await, ["active", "blackhole"], "the gateway is not attached");
    world.must("DeleteRoute", &anywhere).await;
    assert_eq!(states().await, ["active"]);
}

#[tokio::test]
async fn a_subnet_has_one_table_and_a_vpc_one_main_table() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let table = world.made("routeTableId", "CreateRouteTable", &format!("VpcId={vpc}")).await;
    let second = world.made("routeTableId", "CreateRouteTable", &format!("VpcId={vpc}")).await;
    let associate = |table: &str| format!("RouteTableId={table}&SubnetId={subnet}");
    let id = world.made("associationId", "AssociateRouteTable", &associate(&table)).await;
    let again = world.made("associationId", "AssociateRouteTable", &associate(&table)).await;
    assert_eq!(id, again);
    let refused = world.refusal("AssociateRouteTable", &associate(&second)).await;
    assert_eq!(refused, "Resource.AlreadyAssociated");
    let delete = format!("RouteTableId={table}");
    assert_eq!(world.refusal("DeleteRouteTable", &delete).await, "DependencyViolation");
    let replace = format!("AssociationId={id}&RouteTableId={second}");
    let new = world.made("newAssociationId", "ReplaceRouteTableAssociation", &replace).await;
    world.must("DeleteRouteTable", &delete).await;
    world.must("DisassociateRouteTable", &format!("AssociationId={new}")).await;
    let gone = world.refusal("DisassociateRouteTable", &format!("AssociationId={new}")).await;
    assert_eq!(gone, "InvalidAssociationID.NotFound");

    let main = format!(
        "Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}&Filter.2.Name=association.main&Filter.2.Value.1=true"
    );
    let before = world.must("DescribeRouteTables", &main).await;
    let association = World::text(&before, "routeTableAssociationId").to_owned();
    let first = World::text(&before, "routeTableId").to_owned();
    let disassociate = format!("AssociationId={association}");
    let refused = world.refusal("DisassociateRouteTable", &disassociate).await;
    assert_eq!(refused, "InvalidParameterValue");
    let refused = world.refusal("DeleteRouteTable", &format!("RouteTableId={first}")).await;
    assert_eq!(refused, "DependencyViolation");
    let replace = format!("AssociationId={association}&RouteTableId={second}");
    world.must("ReplaceRouteTableAssociation", &replace).await;
    let after = world.must("DescribeRouteTables", &main).await;
    assert_eq!(World::text(&after, "routeTableId"), second);
    world.must("DeleteRouteTable", &format!("RouteTableId={first}")).await;
}

#[tokio::test]
async fn the_same_client_token_makes_one_table() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let members = format!("VpcId={vpc}&ClientToken=once");
    let first = world.made("routeTableId", "CreateRouteTable", &members).await;
    assert_eq!(world.made("routeTableId", "CreateRouteTable", &members).await, first);
    let other = world.vpc("10.1.0.0/16").await;
    let another = format!("VpcId={other}&ClientToken=once");
    let refused = world.refusal("CreateRouteTable", &another).await;
    assert_eq!(refused, "IdempotentParameterMismatch");
}
