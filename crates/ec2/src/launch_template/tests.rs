use crate::testing::World;

#[tokio::test(start_paused = true)]
async fn versions_are_kept_and_instances_are_launched_of_them() {
    let world = World::new();
    let running = world.reconcile();
    let debian = "Owner.1=136693071363&Filter.1.Name=name&Filter.1.Value.1=debian-12-*";
    let image = World::text(&world.must("DescribeImages", debian).await, "imageId").to_owned();
    let data = format!(
        "LaunchTemplateData.ImageId={image}&LaunchTemplateData.InstanceType=t3.nano&LaunchTemplateData.TagSpecification.1.ResourceType=instance&LaunchTemplateData.TagSpecification.1.Tag.1.Key=from&LaunchTemplateData.TagSpecification.1.Tag.1.Value=template"
    );
    let members = format!("LaunchTemplateName=web&VersionDescription=one&{data}");
    let made = world.must("CreateLaunchTemplate", &members).await;
    let id = World::text(&made, "launchTemplateId").to_owned();
    let twice = world.refused("CreateLaunchTemplate", &members).await;
    assert_eq!(twice.1, "InvalidLaunchTemplateName.AlreadyExistsException");
    let larger = format!(
        "LaunchTemplateId={id}&SourceVersion=1&LaunchTemplateData.InstanceType=t3.small&LaunchTemplateData.BlockDeviceMapping.1.DeviceName=/dev/sdf&LaunchTemplateData.BlockDeviceMapping.1.Ebs.VolumeSize=2"
    );
    let second = world.must("CreateLaunchTemplateVersion", &larger).await;
    assert_eq!(World::text(&second, "versionNumber"), "2");
    assert_eq!(World::text(&second, "imageId"), image, "of its source");
    let all = format!("LaunchTemplateId={id}");
    let versions = world.must("DescribeLaunchTemplateVersions", &all).await;
    assert_eq!(World::texts(&versions, "versionNumber"), ["2", "1"]);
    assert_eq!(World::texts(&versions, "defaultVersion"), ["false", "true"]);
    let launch = |version: &str| {
        format!(
            "MinCount=1&MaxCount=1&LaunchTemplate.LaunchTemplateName=web&LaunchTemplate.Version={version}"
        )
    };
    let check = async |version: &str, instance_type: &str, volumes: usize| {
        let answer = world.must("RunInstances", &launch(version)).await;
        assert_eq!(World::text(&answer, "instanceType"), instance_type);
        assert_eq!(World::texts(&answer, "volumeId").len(), volumes);
        assert!(answer.contains("<value>template</value>"), "{answer}");
    };
    let of = format!("<key>aws:ec2launchtemplate:id</key><value>{id}</value>");
    assert!(world.must("RunInstances", &launch("$Latest")).await.contains(&of));
    check("$Default", "t3.nano", 1).await;
    check("$Latest", "t3.small", 2).await;
    check("1", "t3.nano", 1).await;
    let own = format!("{}&InstanceType=t3.micro", launch("2"));
    let answer = world.must("RunInstances", &own).await;
    assert_eq!(World::text(&answer, "instanceType"), "t3.micro");
    let missing = world.refused("RunInstances", &launch("9")).await;
    assert_eq!(missing.1, "InvalidLaunchTemplateId.VersionNotFound");
    world.must("ModifyLaunchTemplate", &format!("{all}&SetDefaultVersion=2")).await;
    let found = world.must("DescribeLaunchTemplates", "LaunchTemplateName.1=web").await;
    assert_eq!(World::text(&found, "defaultVersionNumber"), "2");
    let delete = format!("{all}&LaunchTemplateVersion.1=1&LaunchTemplateVersion.2=2");
    let deleted = world.must("DeleteLaunchTemplateVersions", &delete).await;
    assert_eq!(World::texts(&deleted, "versionNumber").len(), 2);
    assert!(deleted.contains("unexpectedError"), "the default stays: {deleted}");
    world.must("DeleteLaunchTemplate", &all).await;
    let gone = world.refused("DescribeLaunchTemplates", "LaunchTemplateName.1=web").await;
    assert_eq!(gone.1, "InvalidLaunchTemplateName.NotFoundException");
    let gone = world.refused("DescribeLaunchTemplates", &format!("LaunchTemplateId.1={id}")).await;
    assert_eq!(gone.1, "InvalidLaunchTemplateId.NotFound");
    running.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_no_instance_could_have_is_refused_and_an_empty_name_is_none() {
    let world = World::new();
    let create = |data: &str| format!("LaunchTemplateName=web&LaunchTemplateData.{data}");
    for data in [
        "Operator.Principal=somebody",
        "NetworkPerformanceOptions.BandwidthWeighting=vpc-1",
        "Placement.AvailabilityZoneId=apne2-az1",
        "Placement.Tenancy=host",
        "PrivateDnsNameOptions.HostnameType=resource-name",
        "MaintenanceOptions.AutoRecovery=disabled",
        "MetadataOptions.HttpProtocolIpv6=enabled",
        "NetworkInterface.1.InterfaceType=efa",
        "NetworkInterface.1.PrimaryIpv6=true",
    ] {
        assert_eq!(world.refused("CreateLaunchTemplate", &create(data)).await.0, 400, "{data}");
    }
    let empty = "Placement.GroupName=&LaunchTemplateData.Placement.AvailabilityZone=";
    let empty = create(&format!("{empty}&LaunchTemplateData.UserData="));
    world.must("CreateLaunchTemplate", &empty).await;
    let shown = world.must("DescribeLaunchTemplateVersions", "LaunchTemplateName=web").await;
    assert!(!shown.contains("<placement>") && !shown.contains("<userData>"), "{shown}");
}
