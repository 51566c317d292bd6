use host::Volumes as _;

use crate::testing::{World, call};

async fn volume(world: &World) -> String {
    let made = world.must("CreateVolume", "AvailabilityZone=ap-northeast-2a&Size=3").await;
    let id = World::text(&made, "volumeId").to_owned();
    let named = format!("VolumeId.1={id}");
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    id
}

async fn snapshot(world: &World, volume: &str) -> String {
    let made = world.must("CreateSnapshot", &format!("VolumeId={volume}&Description=d")).await;
    assert_eq!(World::text(&made, "status"), "pending");
    let id = World::text(&made, "snapshotId").to_owned();
    let named = format!("SnapshotId.1={id}");
    world.until("DescribeSnapshots", &named, "<status>completed</status>").await;
    id
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_taken_shared_copied_and_its_bytes_go_with_its_last_user() {
    let world = World::new();
    world.host.slow_down(std::time::Duration::ZERO, std::time::Duration::from_secs(2));
    let running = world.reconcile();
    let volume = volume(&world).await;
    let first = snapshot(&world, &volume).await;
    let found = world
        .must("DescribeSnapshots", "Owner.1=self&Filter.1.Name=volume-size&Filter.1.Value.1=3")
        .await;
    assert_eq!(World::texts(&found, "progress"), ["100%"]);
    let copied = world
        .must("CopySnapshot", &format!("SourceRegion=ap-northeast-2&SourceSnapshotId={first}"))
        .await;
    let second = World::text(&copied, "snapshotId").to_owned();
    let named = format!("SnapshotId.1={second}");
    world.until("DescribeSnapshots", &named, "<status>completed</status>").await;
    // Made of the snapshot, at least as large.
    let small = format!("AvailabilityZone=ap-northeast-2b&Size=2&SnapshotId={first}");
    assert_eq!(world.refused("CreateVolume", &small).await.1, "InvalidBlockDeviceMapping");
    let made = world
        .must("CreateVolume", &format!("AvailabilityZone=ap-northeast-2b&SnapshotId={first}"))
        .await;
    assert_eq!(World::text(&made, "size"), "3");
    let id = World::text(&made, "volumeId").to_owned();
    let named = format!("VolumeId.1={id}");
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    // Another account sees it only when it is shared.
    let other = call("210987654321");
    let named = format!("SnapshotId.1={first}");
    assert!(world.serve_as(&other, "DescribeSnapshots", &named).await.is_err());
    let share = format!("SnapshotId={first}&CreateVolumePermission.Add.1.UserId=210987654321");
    world.must("ModifySnapshotAttribute", &share).await;
    let seen = world.serve_as(&other, "DescribeSnapshots", &named).await.expect("shared");
    assert!(seen.contains(&first));
    let asked = format!("SnapshotId={first}&Attribute=createVolumePermission");
    let shown = world.must("DescribeSnapshotAttribute", &asked).await;
    assert_eq!(World::texts(&shown, "userId"), ["210987654321"]);
    let bytes = async || world.host.snapshots().await.expect("answers").len();
    world.must("DeleteSnapshot", &format!("SnapshotId={first}")).await;
    assert_eq!(
        world.refused("DeleteSnapshot", &format!("SnapshotId={first}")).await.1,
        "InvalidSnapshot.NotFound"
    );
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(bytes().await, 1, "the copy has them");
    world.must("DeleteSnapshot", &format!("SnapshotId={second}")).await;
    tokio::time::sleep(std::time::Duration::from_secs(5)).await;
    assert_eq!(bytes().await, 0);
    running.stop().await;
}
