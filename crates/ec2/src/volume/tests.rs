use crate::testing::World;

#[tokio::test(start_paused = true)]
async fn a_volume_is_made_modified_and_deleted() {
    let world = World::new();
    let running = world.reconcile();
    let made = world.must("CreateVolume", "AvailabilityZone=ap-northeast-2b&Size=10&VolumeType=gp3&TagSpecification.1.ResourceType=volume&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b").await;
    assert_eq!(World::text(&made, "status"), "creating");
    assert_eq!(World::text(&made, "iops"), "3000");
    assert_eq!(World::text(&made, "throughput"), "125");
    let id = World::text(&made, "volumeId").to_owned();
    let named = format!("VolumeId.1={id}");
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    let host = world.host.volume(&host::VolumeId(id.clone())).expect("there");
    assert_eq!((host.zone, host.size_gib, host.iops), (aws::Zone::B, 10, Some(3000)));
    let bigger = format!("VolumeId={id}&Size=20&Iops=4000");
    let modified = world.must("ModifyVolume", &bigger).await;
    assert_eq!(World::text(&modified, "modificationState"), "modifying");
    let state = "<modificationState>completed</modificationState>";
    world.until("DescribeVolumesModifications", &named, state).await;
    let host = world.host.volume(&host::VolumeId(id.clone())).expect("there");
    assert_eq!((host.size_gib, host.iops), (20, Some(4000)));
    let again = world.refused("ModifyVolume", &bigger).await;
    assert_eq!(again.1, "VolumeModificationRateExceeded");
    let found = world
        .must(
            "DescribeVolumes",
            "Filter.1.Name=tag:a&Filter.1.Value.1=b&Filter.2.Name=size&Filter.2.Value.1=20",
        )
        .await;
    assert!(found.contains(&id));
    let status = world.must("DescribeVolumeStatus", &named).await;
    assert!(status.contains("<status>ok</status>"), "{status}");
    world.must("ModifyVolumeAttribute", &format!("VolumeId={id}&AutoEnableIO.Value=true")).await;
    let attribute = format!("VolumeId={id}&Attribute=autoEnableIO");
    let attribute = world.must("DescribeVolumeAttribute", &attribute).await;
    assert_eq!(World::text(&attribute, "value"), "true");
    world.must("DeleteVolume", &format!("VolumeId={id}")).await;
    world.until("DescribeVolumes", "", "<volumeSet></volumeSet>").await;
    assert_eq!(world.host.volume(&host::VolumeId(id)), None);
    assert_eq!(World::texts(&world.must("DescribeTags", "").await, "key"), [""; 0]);
    running.stop().await;
}

#[tokio::test]
async fn what_no_volume_can_be_is_refused() {
    let world = World::new();
    let check = async |members: &str, code: &str| {
        let refused = world.refused("CreateVolume", members).await;
        assert_eq!((refused.0, refused.1.as_str()), (400, code), "{members}: {}", refused.2);
    };
    let zone = "AvailabilityZone=ap-northeast-2a";
    check("Size=1", "MissingParameter").await;
    check(zone, "MissingParameter").await;
    check("AvailabilityZone=ap-northeast-2x&Size=1", "InvalidParameterValue").await;
    check(&format!("{zone}&Size=0"), "InvalidParameterValue").await;
    check(&format!("{zone}&Size=4&VolumeType=io1"), "MissingParameter").await;
    check(&format!("{zone}&SnapshotId=snap-12345678"), "InvalidSnapshot.NotFound").await;
    assert_eq!(
        world.refused("CreateVolume", &format!("{zone}&Size=1&Encrypted=true")).await.0,
        400
    );
    let missing = world.refused("DescribeVolumes", "VolumeId.1=vol-12345678").await;
    assert_eq!(missing.1, "InvalidVolume.NotFound");
    assert_eq!(missing.2, "The volume 'vol-12345678' does not exist");
    assert_eq!(world.refused("DeleteVolume", "VolumeId=x").await.1, "InvalidVolume.Malformed");
}

#[tokio::test]
async fn the_same_request_twice_makes_one_volume() {
    let world = World::new();
    let members = "AvailabilityZone=ap-northeast-2a&Size=1&ClientToken=once";
    let one = world.must("CreateVolume", members).await;
    let two = world.must("CreateVolume", members).await;
    assert_eq!(World::text(&one, "volumeId"), World::text(&two, "volumeId"));
    let other = "AvailabilityZone=ap-northeast-2a&Size=2&ClientToken=once";
    assert_eq!(world.refused("CreateVolume", other).await.1, "IdempotentParameterMismatch");
}
