use crate::testing::{World, call};

#[tokio::test]
async fn the_images_that_people_search_for_are_found() {
    let world = World::new();
    let check = async |owner: &str, pattern: &str, device: &str| {
        let members = format!(
            "Owner.1={owner}&Filter.1.Name=name&Filter.1.Value.1={pattern}&Filter.2.Name=virtualization-type&Filter.2.Value.1=hvm&Filter.3.Name=root-device-type&Filter.3.Value.1=ebs&Filter.4.Name=architecture&Filter.4.Value.1=x86_64&Filter.5.Name=state&Filter.5.Value.1=available"
        );
        let found = world.must("DescribeImages", &members).await;
        assert_eq!(World::texts(&found, "imageId").len(), 1, "{pattern}: {found}");
        assert_eq!(World::text(&found, "rootDeviceName"), device);
        assert!(World::text(&found, "description").starts_with("This machine's own /usr"));
        World::text(&found, "imageId").to_owned()
    };
    check("amazon", "al2023-ami-2023.*-kernel-6.1-x86_64", "/dev/xvda").await;
    check("amazon", "al2023-ami-*-x86_64", "/dev/xvda").await;
    check("amazon", "amzn2-ami-hvm-*-x86_64-gp2", "/dev/xvda").await;
    check("099720109477", "ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-amd64-server-*", "/dev/sda1")
        .await;
    check(
        "099720109477",
        "ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-amd64-server-*",
        "/dev/sda1",
    )
    .await;
    let id = check("136693071363", "debian-12-amd64-*", "/dev/xvda").await;
    let again = World::new().must("DescribeImages", &format!("ImageId.1={id}")).await;
    assert!(again.contains("debian-12"), "the id stays with region and name");
    let refused = world.refused("DeregisterImage", &format!("ImageId={id}")).await;
    assert_eq!(refused.1, "AuthFailure");
    let missing = world.refused("DescribeImages", "ImageId.1=ami-12345678").await;
    assert_eq!(missing.1, "InvalidAMIID.NotFound");
    assert_eq!(missing.2, "The image id '[ami-12345678]' does not exist");
    assert_eq!(world.refused("DescribeImages", "ImageId.1=x").await.1, "InvalidAMIID.Malformed");
    let mine = world.must("DescribeImages", "Owner.1=self").await;
    assert_eq!(World::texts(&mine, "imageId"), [""; 0]);
}

#[tokio::test]
async fn a_public_image_is_copied_shared_and_deregistered() {
    let world = World::new();
    let debian = "Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-*";
    let found = world.must("DescribeImages", debian).await;
    let source = World::text(&found, "imageId").to_owned();
    let copy =
        format!("SourceRegion=ap-northeast-2&SourceImageId={source}&Name=mine&ClientToken=t");
    let copied = world.must("CopyImage", &copy).await;
    let id = World::text(&copied, "imageId").to_owned();
    assert_eq!(World::text(&world.must("CopyImage", &copy).await, "imageId"), id, "the token");
    let taken = format!("SourceRegion=ap-northeast-2&SourceImageId={source}&Name=mine");
    assert_eq!(world.refused("CopyImage", &taken).await.1, "InvalidAMIName.Duplicate");
    let mine = world.must("DescribeImages", "Owner.1=self&ExecutableBy.1=self").await;
    assert_eq!(World::texts(&mine, "imageId"), [""; 0], "not shared with itself");
    let other = call("210987654321");
    let named = format!("ImageId.1={id}");
    assert!(world.serve_as(&other, "DescribeImages", &named).await.is_err());
    let add = format!("ImageId={id}&LaunchPermission.Add.1.UserId=210987654321");
    world.must("ModifyImageAttribute", &add).await;
    let seen = world.serve_as(&other, "DescribeImages", "ExecutableBy.1=self").await;
    assert!(seen.expect("shared").contains(&id));
    let shown = format!("ImageId={id}&Attribute=launchPermission");
    let shown = world.must("DescribeImageAttribute", &shown).await;
    assert_eq!(World::texts(&shown, "userId"), ["210987654321"]);
    let remove = format!(
        "ImageId={id}&OperationType=remove&UserId.1=210987654321&Attribute=launchPermission"
    );
    world.must("ModifyImageAttribute", &remove).await;
    assert!(world.serve_as(&other, "DescribeImages", &named).await.is_err());
    let describe = format!("ImageId={id}&Attribute=description&Value=words");
    world.must("ModifyImageAttribute", &describe).await;
    assert!(
        world.must("DescribeImages", &named).await.contains("<description>words</description>")
    );
    let tag = format!("ResourceId.1={id}&Tag.1.Key=k&Tag.1.Value=v");
    world.must("CreateTags", &tag).await;
    world.must("DeregisterImage", &format!("ImageId={id}")).await;
    assert_eq!(world.refused("DescribeImages", &named).await.1, "InvalidAMIID.NotFound");
    world.must("CopyImage", &taken).await;
}

#[tokio::test(start_paused = true)]
async fn an_image_is_registered_of_a_root_volume_s_snapshot_alone() {
    let world = World::new();
    let running = world.reconcile();
    let made = world.must("CreateVolume", "AvailabilityZone=ap-northeast-2a&Size=1").await;
    let volume = World::text(&made, "volumeId").to_owned();
    let named = format!("VolumeId.1={volume}");
    world.until("DescribeVolumes", &named, "<status>available</status>").await;
    let made = world.must("CreateSnapshot", &format!("VolumeId={volume}")).await;
    let snapshot = World::text(&made, "snapshotId").to_owned();
    let named = format!("SnapshotId.1={snapshot}");
    world.until("DescribeSnapshots", &named, "<status>completed</status>").await;
    let register = format!(
        "Name=blank&RootDeviceName=/dev/xvda&BlockDeviceMapping.1.DeviceName=/dev/xvda&BlockDeviceMapping.1.Ebs.SnapshotId={snapshot}"
    );
    assert_eq!(world.refused("RegisterImage", &register).await.1, "InvalidBlockDeviceMapping");
    running.stop().await;
}
