//! Interfaces that are attached to instances and detached again.

use host::GuestId;

use super::{run, until};
use crate::testing::World;

/// An interface in the subnet of the instance.
async fn interface(world: &World, instance: &str) -> String {
    let shown = world.must("DescribeInstances", &format!("InstanceId.1={instance}")).await;
    let subnet = World::text(&shown, "subnetId");
    let members = format!("SubnetId={subnet}");
    world.made("networkInterfaceId", "CreateNetworkInterface", &members).await
}

#[tokio::test(start_paused = true)]
async fn they_come_and_go_while_it_runs_and_while_it_does_not() {
    let world = World::new();
    let running = world.reconcile();
    let id = run(&world, "").await;
    until(&world, &id, "running").await;
    let interface = interface(&world, &id).await;
    let named = format!("NetworkInterfaceId.1={interface}");
    let asked = format!("NetworkInterfaceId={interface}&InstanceId={id}&DeviceIndex=1");
    let guest = || world.host.asked(&GuestId(id.clone())).expect("there");
    let generation = guest().generation;

    let attachment = world.made("attachmentId", "AttachNetworkInterface", &asked).await;
    let shown = world.must("DescribeNetworkInterfaces", &named).await;
    assert!(shown.contains("<status>attaching</status>"), "{shown}");
    world.until("DescribeNetworkInterfaces", &named, "<status>attached</status>").await;
    assert_eq!((guest().interfaces.len(), guest().generation), (2, generation));
    assert_eq!(guest().interfaces[1].interface.0, interface);
    let shown = world.must("DescribeInstances", &format!("InstanceId.1={id}")).await;
    assert!(shown.contains(&attachment), "{shown}");

    let detach = format!("AttachmentId={attachment}");
    world.must("DetachNetworkInterface", &detach).await;
    world.until("DescribeNetworkInterfaces", &named, "<status>available</status>").await;
    assert_eq!((guest().interfaces.len(), guest().generation), (1, generation));
    let again = world.refusal("DetachNetworkInterface", &detach).await;
    assert_eq!(again, "InvalidAttachmentID.NotFound");

    world.must("StopInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "stopped").await;
    let attachment = world.made("attachmentId", "AttachNetworkInterface", &asked).await;
    world.until("DescribeNetworkInterfaces", &named, "<status>attached</status>").await;
    world.must("StartInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "running").await;
    assert_eq!(guest().interfaces.len(), 2);
    world.must("StopInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "stopped").await;
    world.must("DetachNetworkInterface", &format!("AttachmentId={attachment}")).await;
    world.until("DescribeNetworkInterfaces", &named, "<status>available</status>").await;
    world.must("DeleteNetworkInterface", &format!("NetworkInterfaceId={interface}")).await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_is_coming_when_its_instance_ends_is_free_again() {
    let world = World::new();
    let running = world.reconcile();
    let id = run(&world, "").await;
    until(&world, &id, "running").await;
    let interface = interface(&world, &id).await;
    let asked = format!("NetworkInterfaceId={interface}&InstanceId={id}&DeviceIndex=1");
    world.must("AttachNetworkInterface", &asked).await;
    world.must("TerminateInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "terminated").await;
    let named = format!("NetworkInterfaceId.1={interface}");
    world.until("DescribeNetworkInterfaces", &named, "<status>available</status>").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_does_not_fit_together_is_refused() {
    let world = World::new();
    let running = world.reconcile();
    let id = run(&world, "").await;
    let shown = until(&world, &id, "running").await;
    let (first, own) = (
        World::text(&shown, "networkInterfaceId").to_owned(),
        World::text(&shown, "attachmentId").to_owned(),
    );
    let free = interface(&world, &id).await;
    let (vpc, other) = (world.vpc("10.9.0.0/16").await, "10.9.0.0/24");
    let subnet = world.subnet(&vpc, other).await;
    let elsewhere = format!("SubnetId={subnet}");
    let elsewhere = world.made("networkInterfaceId", "CreateNetworkInterface", &elsewhere).await;
    let check = async |interface: &str, index: i32, code: &str| {
        let members = format!("NetworkInterfaceId={interface}&InstanceId={id}&DeviceIndex={index}");
        assert_eq!(world.refusal("AttachNetworkInterface", &members).await, code);
    };
    check(&first, 1, "InvalidNetworkInterface.InUse").await;
    check(&free, 0, "InvalidParameterValue").await;
    check(&elsewhere, 1, "InvalidParameterCombination").await;
    check("eni-12345678", 1, "InvalidNetworkInterfaceID.NotFound").await;
    let refused = world.refusal("DetachNetworkInterface", &format!("AttachmentId={own}")).await;
    assert_eq!(refused, "OperationNotPermitted");
    world.must("TerminateInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "terminated").await;
    check(&free, 1, "IncorrectState").await;
    running.stop().await;
}
