use super::region::{EC2, Region, texts};

#[tokio::test]
async fn a_profile_holds_one_role() {
    let region = Region::new().await;
    for role in ["one", "two"] {
        region.must(&format!("CreateRole RoleName={role} AssumeRolePolicyDocument={EC2}")).await;
    }
    region.must("CreateInstanceProfile InstanceProfileName=P").await;
    let taken = "409 EntityAlreadyExists Instance Profile p already exists.";
    region.check("CreateInstanceProfile InstanceProfileName=p", Err(taken)).await;
    let no_profile = "404 NoSuchEntity Instance Profile none cannot be found.";
    let no_role = "404 NoSuchEntity The role with name none cannot be found.";
    for operation in ["AddRoleToInstanceProfile", "RemoveRoleFromInstanceProfile"] {
        let request = format!("{operation} InstanceProfileName=none RoleName=one");
        region.check(&request, Err(no_profile)).await;
        let request = format!("{operation} InstanceProfileName=p RoleName=none");
        region.check(&request, Err(no_role)).await;
    }
    region.must("AddRoleToInstanceProfile InstanceProfileName=p RoleName=one").await;
    let limit = "409 LimitExceeded Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
    region.check("AddRoleToInstanceProfile InstanceProfileName=p RoleName=two", Err(limit)).await;
    let absent = "404 NoSuchEntity Role two in Instance Profile p cannot be found.";
    region
        .check("RemoveRoleFromInstanceProfile InstanceProfileName=p RoleName=two", Err(absent))
        .await;
    let held =
        "409 DeleteConflict Cannot delete entity, must remove roles from instance profile first.";
    region.check("DeleteInstanceProfile InstanceProfileName=p", Err(held)).await;

    region.must("CreateInstanceProfile InstanceProfileName=q").await;
    region.must("AddRoleToInstanceProfile InstanceProfileName=q RoleName=one").await;
    let profiles = region.must("ListInstanceProfilesForRole RoleName=one").await;
    assert_eq!(texts(&profiles, "InstanceProfileName"), ["P", "q"]);
    assert_eq!(texts(&profiles, "RoleName"), ["one", "one"]);
    for profile in ["p", "q"] {
        let request = format!("InstanceProfileName={profile} RoleName=one");
        region.must(&format!("RemoveRoleFromInstanceProfile {request}")).await;
        region.must(&format!("DeleteInstanceProfile InstanceProfileName={profile}")).await;
    }
    region.must("DeleteRole RoleName=one").await;
}
