mod crash;
mod interfaces;
mod property;

use std::time::Duration;

use host::{GuestId, GuestStatus, VolumeId};

use crate::testing::World;

/// An image's id, and instances of it.
pub(super) async fn image(world: &World) -> String {
    let debian = "Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-*";
    World::text(&world.must("DescribeImages", debian).await, "imageId").to_owned()
}

async fn run(world: &World, members: &str) -> String {
    let image = image(world).await;
    let members = format!("ImageId={image}&InstanceType=t3.micro&MinCount=1&MaxCount=1&{members}");
    let answer = world.must("RunInstances", &members).await;
    World::text(&answer, "instanceId").to_owned()
}

async fn until(world: &World, id: &str, state: &str) -> String {
    let named = format!("InstanceId.1={id}");
    world.until("DescribeInstances", &named, &format!("<name>{state}</name>")).await
}

#[tokio::test(start_paused = true)]
async fn an_instance_lives_from_its_launch_to_its_end() {
    let world = World::new();
    world.host.slow_down(Duration::from_millis(5), Duration::from_secs(1));
    let running = world.reconcile();
    let key = world.must("CreateKeyPair", "KeyName=mine&KeyType=ed25519").await;
    assert!(key.contains("PRIVATE KEY"));
    let tags = "TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value=web&TagSpecification.2.ResourceType=volume&TagSpecification.2.Tag.1.Key=Name&TagSpecification.2.Tag.1.Value=disk";
    let id = run(&world, &format!("KeyName=mine&UserData=IyEvYmluL3NoCg%3D%3D&{tags}")).await;
    let first = world.must("DescribeInstances", &format!("InstanceId.1={id}")).await;
    assert_eq!(World::text(&first, "code"), "0");
    let up = until(&world, &id, "running").await;
    let guest = world.host.asked(&GuestId(id.clone())).expect("there");
    assert_eq!((guest.limits.memory_mib, guest.interfaces.len()), (1024, 1));
    let address = World::text(&up, "privateIpAddress").to_owned();
    assert_eq!(guest.interfaces[0].private_address.to_string(), address);
    assert_eq!(guest.hostname, format!("ip-{}", address.replace('.', "-")));
    let public = World::text(&up, "publicIp").to_owned();
    assert!(public.starts_with("198.18."), "{public}");
    let volume = World::text(&up, "volumeId").to_owned();
    assert_eq!(guest.volumes[0].volume, VolumeId(volume.clone()));
    world
        .until("DescribeVolumes", &format!("VolumeId.1={volume}"), "<status>attached</status>")
        .await;
    let found = world.must("DescribeVolumes", "Filter.1.Name=tag:Name&Filter.1.Value.1=disk").await;
    assert!(found.contains("<status>in-use</status>"), "{found}");
    let named = format!("InstanceId.1={id}");
    let ok = "<reachability>";
    let status = world.until("DescribeInstanceStatus", &named, "<status>ok</status>").await;
    assert!(status.contains("<status>passed</status>") || status.contains(ok), "{status}");
    let console = world.must("GetConsoleOutput", &format!("InstanceId={id}")).await;
    assert!(!World::text(&console, "output").is_empty());
    // Reboot: the same guest, one generation later.
    world.must("RebootInstances", &named).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let again = world.host.asked(&GuestId(id.clone())).expect("there");
    assert!(again.generation > guest.generation);
    let stopped = world.must("StopInstances", &named).await;
    assert!(stopped.contains("<name>stopping</name>") && stopped.contains("<code>16</code>"));
    let down = until(&world, &id, "stopped").await;
    assert!(!down.contains("<publicIp>"), "{down}");
    assert!(down.contains("Client.UserInitiatedShutdown"), "{down}");
    assert_eq!(World::text(&down, "privateIpAddress"), address);
    world.must("StartInstances", &named).await;
    let up = until(&world, &id, "running").await;
    assert!(up.contains("<publicIp>198.18."), "{up}");
    let protect = format!("InstanceId={id}&DisableApiTermination.Value=true");
    world.must("ModifyInstanceAttribute", &protect).await;
    let refused = world.refused("TerminateInstances", &named).await;
    assert_eq!(refused.1, "OperationNotPermitted");
    world.must("ModifyInstanceAttribute", &protect.replace("true", "false")).await;
    world.must("TerminateInstances", &named).await;
    let gone = until(&world, &id, "terminated").await;
    assert!(!gone.contains("<privateIpAddress>"), "{gone}");
    world.until("DescribeVolumes", "", "<volumeSet></volumeSet>").await;
    assert_eq!(world.host.truth(), (vec![], vec![]));
    // Seen for an hour.
    world.ec2.inner.clock.advance(Duration::from_secs(3700));
    world.until("DescribeInstances", "", "<reservationSet></reservationSet>").await;
    assert_eq!(world.refused("DescribeInstances", &named).await.1, "InvalidInstanceID.NotFound");
    assert_eq!(World::texts(&world.must("DescribeTags", "").await, "key"), [""; 0]);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn volumes_come_and_go_while_it_runs_and_while_it_does_not() {
    let world = World::new();
    let running = world.reconcile();
    let id = run(&world, "Placement.AvailabilityZone=ap-northeast-2b").await;
    until(&world, &id, "running").await;
    let made = world.must("CreateVolume", "AvailabilityZone=ap-northeast-2b&Size=1").await;
    let volume = World::text(&made, "volumeId").to_owned();
    let named = format!("VolumeId.1={volume}");
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    let other = world.must("CreateVolume", "AvailabilityZone=ap-northeast-2a&Size=1").await;
    let other = World::text(&other, "volumeId").to_owned();
    let there = format!("VolumeId.1={other}");
    world.until("DescribeVolumes", &there, "<status>available</status>").await;
    let wrong = format!("VolumeId={other}&InstanceId={id}&Device=/dev/sdf");
    assert_eq!(world.refused("AttachVolume", &wrong).await.1, "InvalidVolume.ZoneMismatch");
    let attach = format!("VolumeId={volume}&InstanceId={id}&Device=/dev/sdf");
    let attaching = world.must("AttachVolume", &attach).await;
    assert_eq!(World::text(&attaching, "status"), "attaching");
    assert_eq!(world.refused("AttachVolume", &attach).await.1, "VolumeInUse");
    assert_eq!(world.refused("DeleteVolume", &format!("VolumeId={volume}")).await.1, "VolumeInUse");
    world.until("DescribeVolumes", &named, "<status>attached</status>").await;
    let guest = || world.host.asked(&GuestId(id.clone())).expect("there");
    assert_eq!(guest().volumes.len(), 2);
    world.must("DetachVolume", &format!("VolumeId={volume}")).await;
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    assert_eq!(guest().volumes.len(), 1);
    world.must("StopInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "stopped").await;
    world.must("AttachVolume", &attach).await;
    world.until("DescribeVolumes", &named, "<status>attached</status>").await;
    world.must("DetachVolume", &format!("VolumeId={volume}")).await;
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    world.must("DeleteVolume", &format!("VolumeId={volume}")).await;
    world.must("StartInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "running").await;
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_image_of_an_instance_begins_others() {
    let world = World::new();
    world.host.slow_down(Duration::ZERO, Duration::from_secs(1));
    let running = world.reconcile();
    let id = run(&world, "").await;
    until(&world, &id, "running").await;
    let before = world.host.asked(&GuestId(id.clone())).expect("there").generation;
    let made = world.must("CreateImage", &format!("InstanceId={id}&Name=golden")).await;
    let image = World::text(&made, "imageId").to_owned();
    let named = format!("ImageId.1={image}");
    world.until("DescribeImages", &named, "<imageState>available</imageState>").await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let after = world.host.asked(&GuestId(id.clone())).expect("there").generation;
    assert!(after > before, "it was restarted for it");
    let snapshot =
        World::text(&world.must("DescribeImages", &named).await, "snapshotId").to_owned();
    let refused = world.refused("DeleteSnapshot", &format!("SnapshotId={snapshot}")).await;
    assert_eq!(refused.1, "InvalidSnapshot.InUse");
    let second = format!("InstanceId={id}&Name=second&NoReboot=true");
    world.must("CreateImage", &second).await;
    let generation = world.host.asked(&GuestId(id.clone())).expect("there").generation;
    assert_eq!(generation, after);
    let members = format!("ImageId={image}&InstanceType=t3.micro&MinCount=2&MaxCount=2");
    let answer = world.must("RunInstances", &members).await;
    for id in World::texts(&answer, "instanceId") {
        until(&world, &id, "running").await;
    }
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_ends_by_itself_goes_where_it_was_told_to() {
    let world = World::new();
    let running = world.reconcile();
    let check = async |behavior: &str, state: &str| {
        let members = format!("InstanceInitiatedShutdownBehavior={behavior}");
        let id = run(&world, &members).await;
        until(&world, &id, "running").await;
        world.host.end_guest(&GuestId(id.clone()));
        let shown = world
            .until("DescribeInstances", &format!("InstanceId.1={id}"), "InstanceInitiatedShutdown")
            .await;
        assert!(shown.contains("Client.InstanceInitiatedShutdown: Instance initiated shutdown"));
        until(&world, &id, state).await;
    };
    check("stop", "stopped").await;
    check("terminate", "terminated").await;
    running.stop().await;
}

/// As AWS shows a broken zone: still running and impaired, and well again after.
#[tokio::test(start_paused = true)]
async fn a_zone_without_power_impairs_its_instances() {
    let world = World::new();
    let running = world.reconcile();
    let woken = crate::reconcilers::wake_for_guests(world.ec2.clone(), running.waker());
    let woken = tokio::spawn(woken);
    let id = run(&world, "Placement.AvailabilityZone=ap-northeast-2c").await;
    let named = format!("InstanceId.1={id}");
    until(&world, &id, "running").await;
    world.until("DescribeInstanceStatus", &named, "<status>ok</status>").await;
    world.host.fail_zone(aws::Zone::C);
    let both = "Filter.1.Name=system-status.status&Filter.1.Value.1=";
    let impaired = format!("{both}impaired");
    let status = world.until("DescribeInstanceStatus", &impaired, &id).await;
    assert!(status.contains("<name>running</name>"), "{status}");
    world.host.heal_zone(aws::Zone::C);
    world.until("DescribeInstanceStatus", &format!("{both}ok"), &id).await;
    let status = world.must("DescribeInstanceStatus", &named).await;
    assert!(status.contains("<status>ok</status>"), "{status}");
    let guest = world.host.truth().0.remove(0);
    assert_eq!(guest.status, GuestStatus::Running);
    woken.abort();
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_launched_is_refused() {
    let world = World::new();
    let image = image(&world).await;
    let one = format!("ImageId={image}&MinCount=1&MaxCount=1");
    let check = async |members: String, code: &str| {
        let refused = world.refused("RunInstances", &members).await;
        assert_eq!(refused.1, code, "{members}: {}", refused.2);
    };
    check("ImageId=ami-12345678&MinCount=1&MaxCount=1".into(), "InvalidAMIID.NotFound").await;
    check(format!("{one}&InstanceType=t4g.micro"), "Unsupported").await;
    let micro = format!("{one}&InstanceType=t3.micro");
    check(format!("{micro}&KeyName=none"), "InvalidKeyPair.NotFound").await;
    check(format!("{micro}&SubnetId=subnet-12345678"), "InvalidSubnetID.NotFound").await;
    check(format!("{micro}&SecurityGroupId.1=sg-12345678"), "InvalidGroup.NotFound").await;
    check(format!("{micro}&UserData=%25"), "InvalidUserData.Malformed").await;
    let large = "A".repeat(22_000);
    check(format!("{micro}&UserData={large}"), "InvalidParameterValue").await;
    check(
        format!("ImageId={image}&InstanceType=m7i.48xlarge&MinCount=2&MaxCount=2"),
        "VcpuLimitExceeded",
    )
    .await;
    check(format!("{micro}&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.VolumeSize=4"), "InvalidBlockDeviceMapping").await;
    for parameter in [
        "InstanceMarketOptions.MarketType=spot",
        "HibernationOptions.Configured=true",
        "Placement.Tenancy=dedicated",
        "PrivateDnsNameOptions.HostnameType=resource-name",
        "PrivateDnsNameOptions.EnableResourceNameDnsARecord=true",
        "MaintenanceOptions.AutoRecovery=disabled",
    ] {
        assert_eq!(world.refused("RunInstances", &format!("{micro}&{parameter}")).await.0, 400);
    }
    world.host.limit(None, host::Room { cpus: 1, memory_mib: 100 });
    check(micro.clone(), "InsufficientInstanceCapacity").await;
    world.host.limit(Some("no kernel"), host::Room { cpus: 1, memory_mib: 10_000 });
    let lacks = world.refused("RunInstances", &micro).await;
    assert_eq!((lacks.1.as_str(), lacks.2.as_str()), ("Unsupported", "no kernel"));
    assert_eq!(
        world.refused("DescribeInstances", "InstanceId.1=i-12345678").await.1,
        "InvalidInstanceID.NotFound"
    );
    assert_eq!(
        world.refused("DescribeInstances", "InstanceId.1=x").await.1,
        "InvalidInstanceID.Malformed"
    );
}

#[tokio::test(start_paused = true)]
async fn the_same_launch_twice_is_one_and_a_broken_image_ends_it() {
    let world = World::new();
    let id = run(&world, "ClientToken=once").await;
    assert_eq!(run(&world, "ClientToken=once").await, id);
    world.host.break_image(host::ImageId(crate::image::public::SYSTEM.into()), "no init");
    let running = world.reconcile();
    let gone = until(&world, &id, "terminated").await;
    assert!(gone.contains("Server.InternalError: no init"), "{gone}");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn attributes_are_read_and_set() {
    let world = World::new();
    let running = world.reconcile();
    let id = run(&world, "MetadataOptions.HttpTokens=required&Monitoring.Enabled=true").await;
    let shown = until(&world, &id, "running").await;
    assert_eq!(World::text(&shown, "httpTokens"), "required");
    let options = format!("InstanceId={id}&HttpPutResponseHopLimit=3&InstanceMetadataTags=enabled");
    let options = world.must("ModifyInstanceMetadataOptions", &options).await;
    assert_eq!(World::text(&options, "httpPutResponseHopLimit"), "3");
    let bad = format!("InstanceId={id}&HttpPutResponseHopLimit=65");
    assert_eq!(world.refused("ModifyInstanceMetadataOptions", &bad).await.0, 400);
    let larger = format!("InstanceId={id}&InstanceType.Value=t3.small");
    let refused = world.refused("ModifyInstanceAttribute", &larger).await;
    assert_eq!(refused.1, "IncorrectInstanceState");
    world.must("StopInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "stopped").await;
    world.must("ModifyInstanceAttribute", &larger).await;
    let attribute = format!("InstanceId={id}&Attribute=instanceType");
    let attribute = world.must("DescribeInstanceAttribute", &attribute).await;
    assert!(attribute.contains("<value>t3.small</value>"), "{attribute}");
    world
        .must("ModifyInstanceAttribute", &format!("InstanceId={id}&SourceDestCheck.Value=false"))
        .await;
    let shown = world.must("DescribeInstances", "Filter.1.Name=source-dest-check&Filter.1.Value.1=false&Filter.2.Name=instance-type&Filter.2.Value.1=t3.*").await;
    assert!(shown.contains(&id), "{shown}");
    let credits = world.must("DescribeInstanceCreditSpecifications", "").await;
    assert_eq!(World::text(&credits, "cpuCredits"), "unlimited");
    world.must("UnmonitorInstances", &format!("InstanceId.1={id}")).await;
    let uefi = world.refused("GetInstanceUefiData", &format!("InstanceId={id}")).await;
    assert_eq!(uefi.1, "UnsupportedOperation");
    world.must("StartInstances", &format!("InstanceId.1={id}")).await;
    until(&world, &id, "running").await;
    assert_eq!(world.host.asked(&GuestId(id)).expect("there").limits.memory_mib, 2048);
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn an_instance_is_told_about_itself() {
    let world = World::new();
    let running = world.reconcile();
    world.must("CreateKeyPair", "KeyName=mine&KeyType=ed25519").await;
    let id = run(
        &world,
        "KeyName=mine&UserData=aGVsbG8%3D&MetadataOptions.InstanceMetadataTags=enabled",
    )
    .await;
    let shown = until(&world, &id, "running").await;
    let (vpc, address) = (World::text(&shown, "vpcId"), World::text(&shown, "privateIpAddress"));
    let call = crate::testing::call(crate::testing::ACCOUNT);
    let address = address.parse().expect("an address");
    let facts = world.ec2.facts(&call, vpc, address).await.expect("answers").expect("there");
    assert_eq!(facts.instance_id, id);
    assert_eq!(facts.login_user.as_deref(), Some("admin"));
    assert_eq!(facts.user_data.as_deref(), Some(&b"hello"[..]));
    assert_eq!(facts.public_keys[0].0, "mine");
    assert_eq!(facts.interfaces[0].private_address, address);
    assert_eq!(facts.tags, Some(Default::default()));
    let nobody = world.ec2.facts(&call, vpc, [10, 9, 9, 9].into()).await.expect("answers");
    assert_eq!(nobody, None);
    running.stop().await;
}
