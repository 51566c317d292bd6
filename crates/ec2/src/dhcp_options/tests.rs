use crate::testing::World;

#[tokio::test]
async fn options_in_use_stay() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let given = "DhcpConfiguration.1.Key=domain-name&DhcpConfiguration.1.Value.1=example.com";
    let options = world.made("dhcpOptionsId", "CreateDhcpOptions", given).await;
    let associate = |id: &str| format!("DhcpOptionsId={id}&VpcId={vpc}");
    world.must("AssociateDhcpOptions", &associate(&options)).await;
    let shown = world.must("DescribeVpcs", &format!("VpcId.1={vpc}")).await;
    assert_eq!(World::text(&shown, "dhcpOptionsId"), options);
    let delete = format!("DhcpOptionsId={options}");
    assert_eq!(world.refusal("DeleteDhcpOptions", &delete).await, "DependencyViolation");
    world.must("AssociateDhcpOptions", &associate("default")).await;
    world.must("DeleteDhcpOptions", &delete).await;
    let refused = world.refusal("DeleteDhcpOptions", &delete).await;
    assert_eq!(refused, "InvalidDhcpOptionsID.NotFound");
    let bad = "DhcpConfiguration.1.Key=color&DhcpConfiguration.1.Value.1=red";
    assert_eq!(world.refusal("CreateDhcpOptions", bad).await, "InvalidParameterValue");
}
