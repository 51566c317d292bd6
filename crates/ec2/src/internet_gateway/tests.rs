use crate::testing::World;

#[tokio::test]
async fn a_gateway_has_one_vpc_and_a_vpc_one_gateway() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let other = world.vpc("10.1.0.0/16").await;
    let gateway = world.gateway(&vpc).await;
    let at = |gateway: &str, vpc: &str| format!("InternetGatewayId={gateway}&VpcId={vpc}");
    let (_, code, message) = world.refused("AttachInternetGateway", &at(&gateway, &other)).await;
    assert_eq!(code, "Resource.AlreadyAssociated");
    assert_eq!(message, format!("resource {gateway} is already attached to network {vpc}"));
    let second = world.made("internetGatewayId", "CreateInternetGateway", "").await;
    let refused = world.refusal("AttachInternetGateway", &at(&second, &vpc)).await;
    assert_eq!(refused, "InvalidParameterValue");
    let refused = world.refusal("DetachInternetGateway", &at(&second, &vpc)).await;
    assert_eq!(refused, "Gateway.NotAttached");
    let delete = format!("InternetGatewayId={gateway}");
    let (_, code, message) = world.refused("DeleteInternetGateway", &delete).await;
    assert_eq!(code, "DependencyViolation");
    assert_eq!(
        message,
        format!("The internetGateway '{gateway}' has dependencies and cannot be deleted.")
    );
    world.must("DetachInternetGateway", &at(&gateway, &vpc)).await;
    world.must("DeleteInternetGateway", &delete).await;
    let refused = world.refusal("DeleteInternetGateway", &delete).await;
    assert_eq!(refused, "InvalidInternetGatewayID.NotFound");
}

#[tokio::test]
async fn a_gateway_stays_while_public_addresses_are_behind_it() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let members = format!("SubnetId={subnet}");
    let interface = world.made("networkInterfaceId", "CreateNetworkInterface", &members).await;
    let allocation = world.made("allocationId", "AllocateAddress", "Domain=vpc").await;
    let associate = format!("AllocationId={allocation}&NetworkInterfaceId={interface}");
    assert_eq!(world.refusal("AssociateAddress", &associate).await, "Gateway.NotAttached");
    let gateway = world.gateway(&vpc).await;
    let association = world.made("associationId", "AssociateAddress", &associate).await;
    let detach = format!("InternetGatewayId={gateway}&VpcId={vpc}");
    assert_eq!(world.refusal("DetachInternetGateway", &detach).await, "DependencyViolation");
    world.must("DisassociateAddress", &format!("AssociationId={association}")).await;
    world.must("DetachInternetGateway", &detach).await;
}
