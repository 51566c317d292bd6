use std::collections::BTreeSet;
use std::sync::Arc;

use host::fake::FakeHost;
use state::{Memory, Records};

use crate::testing::World;

#[tokio::test]
async fn the_lowest_free_address_is_given() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnet = world.subnet(&vpc, "10.0.0.0/28").await;
    let create = async |rest: &str| {
        let made =
            world.serve("CreateNetworkInterface", &format!("SubnetId={subnet}{rest}")).await?;
        Ok::<_, aws::Error>((
            World::text(&made, "networkInterfaceId").to_owned(),
            World::text(&made, "privateIpAddress").to_owned(),
        ))
    };
    let (first, address) = create("").await.expect("room");
    assert_eq!(address, "10.0.0.4");
    assert_eq!(create("&PrivateIpAddress=10.0.0.6").await.expect("room").1, "10.0.0.6");
    assert_eq!(create("").await.expect("room").1, "10.0.0.5");
    assert_eq!(create("").await.expect("room").1, "10.0.0.7");
    let refused = async |rest: &str, expected: &str| {
        assert_eq!(create(rest).await.expect_err("refused").code, expected, "{rest}");
    };
    refused("&PrivateIpAddress=10.0.0.6", "InvalidIPAddress.InUse").await;
    refused("&PrivateIpAddress=10.0.0.3", "InvalidParameterValue").await;
    refused("&PrivateIpAddress=10.0.0.15", "InvalidParameterValue").await;
    refused("&PrivateIpAddress=10.0.1.5", "InvalidParameterValue").await;
    world.must("DeleteNetworkInterface", &format!("NetworkInterfaceId={first}")).await;
    assert_eq!(create("").await.expect("room").1, "10.0.0.4");
    for _ in 8..15 {
        create("").await.expect("room");
    }
    refused("", "InsufficientFreeAddressesInSubnet").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_shares_an_address_with_one_who_came_at_once() {
    let records = Records::new(Arc::new(Memory::new()));
    let host = Arc::new(FakeHost::default());
    let world = World::on(records.clone(), host.clone(), 0);
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let tasks: Vec<_> = (1..17)
        .map(|seed| {
            let (records, host, subnet) = (records.clone(), host.clone(), subnet.clone());
            tokio::spawn(async move {
                let world = World::on(records, host, seed);
                let members = format!("SubnetId={subnet}");
                world.made("privateIpAddress", "CreateNetworkInterface", &members).await
            })
        })
        .collect();
    let mut addresses = BTreeSet::new();
    for task in tasks {
        assert!(addresses.insert(task.await.expect("runs")));
    }
    assert_eq!(addresses.len(), 16);
}

#[tokio::test]
async fn attributes_are_read_and_set() {
    let world = World::new();
    let vpc = world.vpc("10.0.0.0/16").await;
    let subnet = world.subnet(&vpc, "10.0.0.0/24").await;
    let members = format!("SubnetId={subnet}&Description=mine");
    let made = world.must("CreateNetworkInterface", &members).await;
    let id = World::text(&made, "networkInterfaceId");
    assert_eq!(World::text(&made, "status"), "available");
    assert_eq!(World::text(&made, "privateDnsName"), "ip-10-0-0-4.ap-northeast-2.compute.internal");
    assert!(World::text(&made, "macAddress").starts_with("02:"));
    let group = format!("GroupName=g&GroupDescription=d&VpcId={vpc}");
    let group = world.made("groupId", "CreateSecurityGroup", &group).await;
    let mine = format!("NetworkInterfaceId={id}");
    for change in [
        format!("SecurityGroupId.1={group}"),
        "SourceDestCheck.Value=false".into(),
        "Description.Value=yours".into(),
    ] {
        world.must("ModifyNetworkInterfaceAttribute", &format!("{mine}&{change}")).await;
    }
    let ask = async |attribute: &str| {
        let members = format!("{mine}&Attribute={attribute}");
        world.must("DescribeNetworkInterfaceAttribute", &members).await
    };
    assert_eq!(World::text(&ask("description").await, "value"), "yours");
    assert_eq!(World::text(&ask("sourceDestCheck").await, "value"), "false");
    assert_eq!(World::text(&ask("groupSet").await, "groupId"), group);
    let filter = format!("Filter.1.Name=group-id&Filter.1.Value.1={group}");
    let found = world.must("DescribeNetworkInterfaces", &filter).await;
    assert_eq!(World::text(&found, "networkInterfaceId"), id);
    let elsewhere = world.vpc("10.9.0.0/16").await;
    let group = format!("GroupName=g&GroupDescription=d&VpcId={elsewhere}");
    let group = world.made("groupId", "CreateSecurityGroup", &group).await;
    let wrong = format!("{mine}&SecurityGroupId.1={group}");
    let refused = world.refusal("ModifyNetworkInterfaceAttribute", &wrong).await;
    assert_eq!(refused, "InvalidParameter");
}
