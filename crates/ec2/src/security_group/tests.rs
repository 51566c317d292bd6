use crate::testing::World;

async fn group(world: &World, vpc: &str, name: &str) -> String {
    let members = format!("GroupName={name}&GroupDescription=d&VpcId={vpc}");
    world.made("groupId", "CreateSecurityGroup", &members).await
}

const SSH: &str = "IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=22&IpPermissions.1.ToPort=22&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8&IpPermissions.1.IpRanges.1.Description=office";

#[tokio::test]
async fn rules_are_given_and_taken_in_every_form() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let id = group(&world, &vpc, "web").await;
    let mine = format!("GroupId={id}");
    let rule = world.must("AuthorizeSecurityGroupIngress", &format!("{mine}&{SSH}")).await;
    assert_eq!(World::text(&rule, "cidrIpv4"), "10.0.0.0/8");
    assert_eq!(World::text(&rule, "description"), "office");
    let (_, code, message) =
        world.refused("AuthorizeSecurityGroupIngress", &format!("{mine}&{SSH}")).await;
    assert_eq!(code, "InvalidPermission.Duplicate");
    assert_eq!(
        message,
        "the specified rule \"peer: 10.0.0.0/8, TCP, from port: 22, to port: 22, ALLOW\" already exists"
    );
    let flat = format!("{mine}&IpProtocol=tcp&FromPort=22&ToPort=22&CidrIp=10.0.0.0/8");
    let refused = world.refusal("AuthorizeSecurityGroupIngress", &flat).await;
    assert_eq!(refused, "InvalidPermission.Duplicate");
    world.must("RevokeSecurityGroupIngress", &flat).await;
    let (_, code, message) = world.refused("RevokeSecurityGroupIngress", &flat).await;
    assert_eq!(code, "InvalidPermission.NotFound");
    assert_eq!(message, "The specified rule does not exist in this security group.");
    world.must("AuthorizeSecurityGroupIngress", &flat).await;
    let shown = format!("Filter.1.Name=group-id&Filter.1.Value.1={id}");
    let rules = world.must("DescribeSecurityGroupRules", &shown).await;
    let egress = World::texts(&rules, "isEgress").into_iter();
    let ids = World::texts(&rules, "securityGroupRuleId");
    let (_, incoming) = egress.zip(ids).find(|(egress, _)| egress == "false").expect("there");
    let revoke = format!("{mine}&SecurityGroupRuleId.1={incoming}");
    let wrong = world.refusal("RevokeSecurityGroupEgress", &revoke).await;
    assert_eq!(wrong, "InvalidSecurityGroupRuleId.NotFound");
    world.must("RevokeSecurityGroupIngress", &revoke).await;
    let everything =
        format!("{mine}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0");
    world.must("RevokeSecurityGroupEgress", &everything).await;
    let ipv6 =
        format!("{mine}&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Ipv6Ranges.1.CidrIpv6=::/0");
    let refused = world.refusal("RevokeSecurityGroupEgress", &ipv6).await;
    assert_eq!(refused, "InvalidPermission.NotFound", "Terraform revokes it of every new group");
    let none = world.must("DescribeSecurityGroupRules", &shown).await;
    assert_eq!(World::texts(&none, "isEgress"), [""; 0]);
}

#[tokio::test]
async fn one_bad_permission_refuses_all() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let id = group(&world, &vpc, "web").await;
    let check = async |second: &str, expected: &str| {
        let members = format!("GroupId={id}&{SSH}&{second}");
        let code = world.refusal("AuthorizeSecurityGroupIngress", &members).await;
        assert_eq!(code, expected, "{second}");
    };
    let range = "IpPermissions.2.IpRanges.1.CidrIp=0.0.0.0/0";
    let second = |rest: &str| format!("IpPermissions.2.IpProtocol={rest}");
    check(&second(&format!("quic&{range}")), "InvalidParameterValue").await;
    check(&second(&format!("tcp&{range}")), "InvalidParameterValue").await;
    let ports = "IpPermissions.2.FromPort=90&IpPermissions.2.ToPort=80";
    check(&second(&format!("tcp&{range}&{ports}")), "InvalidParameterValue").await;
    let ports = "IpPermissions.2.FromPort=80&IpPermissions.2.ToPort=65536";
    check(&second(&format!("udp&{range}&{ports}")), "InvalidParameterValue").await;
    check(&second("-1&IpPermissions.2.IpRanges.1.CidrIp=ten"), "InvalidParameterValue").await;
    check(&second("-1&IpPermissions.2.Groups.1.GroupId=sg-0123"), "InvalidGroup.NotFound").await;
    let list = "-1&IpPermissions.2.PrefixListIds.1.PrefixListId=pl-1";
    assert_ne!(
        world
            .refusal(
                "AuthorizeSecurityGroupIngress",
                &format!("GroupId={id}&{SSH}&{}", second(list))
            )
            .await,
        ""
    );
    check(
        &format!("{range}&{}", second("-1&IpPermissions.2.IpRanges.2.CidrIp=0.0.0.0/0")),
        "InvalidPermission.Duplicate",
    )
    .await;
    let rules = world.must("DescribeSecurityGroups", &format!("GroupId.1={id}")).await;
    assert!(!rules.contains("10.0.0.0/8"), "{rules}");
    let bare = world.refusal("AuthorizeSecurityGroupIngress", &format!("GroupId={id}")).await;
    assert_eq!(bare, "MissingParameter");
}

#[tokio::test]
async fn a_direction_has_sixty_rules_at_most() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let id = group(&world, &vpc, "web").await;
    let many = |from: usize, count: usize| {
        let range = |at: usize| {
            format!("IpPermissions.1.IpRanges.{}.CidrIp=10.0.{}.0/24", at + 1, from + at)
        };
        let ranges: Vec<String> = (0..count).map(range).collect();
        format!("GroupId={id}&IpPermissions.1.IpProtocol=-1&{}", ranges.join("&"))
    };
    let refused = world.refusal("AuthorizeSecurityGroupIngress", &many(0, 61)).await;
    assert_eq!(refused, "RulesPerSecurityGroupLimitExceeded");
    world.must("AuthorizeSecurityGroupIngress", &many(0, 60)).await;
    let refused = world.refusal("AuthorizeSecurityGroupIngress", &many(100, 1)).await;
    assert_eq!(refused, "RulesPerSecurityGroupLimitExceeded");
}

#[tokio::test]
async fn groups_that_are_named_or_worn_stay() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let (web, db) = (group(&world, &vpc, "web").await, group(&world, &vpc, "db").await);
    let again = format!("GroupName=web&GroupDescription=d&VpcId={vpc}");
    let refused = world.refusal("CreateSecurityGroup", &again).await;
    assert_eq!(refused, "InvalidGroup.Duplicate");
    let reserved = format!("GroupName=default&GroupDescription=d&VpcId={vpc}");
    assert_eq!(world.refusal("CreateSecurityGroup", &reserved).await, "InvalidParameterValue");
    let from_web = format!(
        "GroupId={db}&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=5432&IpPermissions.1.ToPort=5432&IpPermissions.1.Groups.1.GroupId={web}"
    );
    world.must("AuthorizeSecurityGroupIngress", &from_web).await;
    let delete = |id: &str| format!("GroupId={id}");
    let (_, code, message) = world.refused("DeleteSecurityGroup", &delete(&web)).await;
    assert_eq!(code, "DependencyViolation");
    assert_eq!(message, format!("resource {web} has a dependent object"));
    world.must("RevokeSecurityGroupIngress", &from_web).await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let members = format!("SubnetId={subnet}&SecurityGroupId.1={web}");
    let interface = world.made("networkInterfaceId", "CreateNetworkInterface", &members).await;
    assert_eq!(world.refusal("DeleteSecurityGroup", &delete(&web)).await, "DependencyViolation");
    world.must("DeleteNetworkInterface", &format!("NetworkInterfaceId={interface}")).await;
    world.must("DeleteSecurityGroup", &delete(&web)).await;
    assert_eq!(world.refusal("DeleteSecurityGroup", &delete(&web)).await, "InvalidGroup.NotFound");
    let default = format!(
        "Filter.1.Name=vpc-id&Filter.1.Value.1={vpc}&Filter.2.Name=group-name&Filter.2.Value.1=default"
    );
    let default = world.must("DescribeSecurityGroups", &default).await;
    let default = World::text(&default, "groupId");
    assert_eq!(world.refusal("DeleteSecurityGroup", &delete(default)).await, "CannotDelete");
}

#[tokio::test]
async fn rules_are_modified_described_and_tagged_by_their_ids() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let id = group(&world, &vpc, "web").await;
    let tags = "TagSpecification.1.ResourceType=security-group-rule&TagSpecification.1.Tag.1.Key=k&TagSpecification.1.Tag.1.Value=v";
    let made =
        world.must("AuthorizeSecurityGroupIngress", &format!("GroupId={id}&{SSH}&{tags}")).await;
    let rule = World::text(&made, "securityGroupRuleId").to_owned();
    assert_eq!(World::text(&made, "key"), "k");
    let one = "SecurityGroupRule.1.SecurityGroupRule";
    let modify = format!(
        "GroupId={id}&SecurityGroupRule.1.SecurityGroupRuleId={rule}&{one}.IpProtocol=udp&{one}.FromPort=53&{one}.ToPort=53&{one}.CidrIpv4=0.0.0.0/0&{one}.Description=names"
    );
    world.must("ModifySecurityGroupRules", &modify).await;
    let shown =
        world.must("DescribeSecurityGroupRules", &format!("SecurityGroupRuleId.1={rule}")).await;
    assert_eq!(World::text(&shown, "ipProtocol"), "udp");
    assert_eq!(World::text(&shown, "description"), "names");
    assert_eq!(World::text(&shown, "key"), "k", "tags stay");
    let update = format!(
        "GroupId={id}&IpPermissions.1.IpProtocol=udp&IpPermissions.1.FromPort=53&IpPermissions.1.ToPort=53&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0&IpPermissions.1.IpRanges.1.Description=dns"
    );
    world.must("UpdateSecurityGroupRuleDescriptionsIngress", &update).await;
    let shown = world.must("DescribeSecurityGroups", &format!("GroupId.1={id}")).await;
    assert!(shown.contains("<description>dns</description>"), "{shown}");
    world.must("CreateTags", &format!("ResourceId.1={rule}&Tag.1.Key=n&Tag.1.Value=m")).await;
    world
        .must("RevokeSecurityGroupIngress", &format!("GroupId={id}&SecurityGroupRuleId.1={rule}"))
        .await;
    assert_eq!(World::texts(&world.must("DescribeTags", "").await, "key"), [""; 0]);
}
