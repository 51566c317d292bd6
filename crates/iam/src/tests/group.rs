use super::region::{READ, Region, text, texts};

#[tokio::test]
async fn members_join_once_and_leave_quietly() {
    let region = Region::new().await;
    region.must("CreateGroup GroupName=Staff Path=/a/").await;
    for name in ["carol", "bob"] {
        region.must(&format!("CreateUser UserName={name}")).await;
        for _ in 0..2 {
            region.must(&format!("AddUserToGroup GroupName=staff UserName={name}")).await;
        }
    }
    let page = region.must("GetGroup GroupName=staff MaxItems=1").await;
    assert_eq!(texts(&page, "UserName"), ["bob"]);
    let marker = text(&page, "Marker");
    let rest = region.must(&format!("GetGroup GroupName=staff Marker={marker}")).await;
    assert_eq!(texts(&rest, "UserName"), ["carol"]);
    for _ in 0..2 {
        region.must("RemoveUserFromGroup GroupName=staff UserName=bob").await;
    }
    let missing = "404 NoSuchEntity The group with name none cannot be found.";
    region.check("AddUserToGroup GroupName=none UserName=bob", Err(missing)).await;
    let missing = "404 NoSuchEntity The user with name eve cannot be found.";
    region.check("RemoveUserFromGroup GroupName=none UserName=eve", Err(missing)).await;
}

#[tokio::test]
async fn a_renamed_group_keeps_its_members() {
    let region = Region::new().await;
    region.must("CreateGroup GroupName=staff").await;
    region.must("CreateGroup GroupName=other").await;
    region.must("CreateUser UserName=bob").await;
    region.must("AddUserToGroup GroupName=staff UserName=bob").await;
    let taken = "409 EntityAlreadyExists Group with name Other already exists.";
    region.check("UpdateGroup GroupName=staff NewGroupName=Other", Err(taken)).await;
    region.must("UpdateGroup GroupName=staff NewGroupName=people").await;
    let group = region.must("GetGroup GroupName=people").await;
    assert_eq!(texts(&group, "UserName"), ["bob"]);
    let groups = region.must("ListGroupsForUser UserName=bob").await;
    assert_eq!(texts(&groups, "GroupName"), ["people"]);
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    let region = Region::new().await;
    region.must("CreateUser UserName=bob").await;
    for i in 0..11 {
        region.must(&format!("CreateGroup GroupName=g{i}")).await;
        let added = region.ask(&format!("AddUserToGroup GroupName=g{i} UserName=bob")).await;
        let limit = "409 LimitExceeded Cannot exceed quota for GroupsPerUser: 10";
        assert_eq!(added, if i < 10 { Ok(String::new()) } else { Err(limit.into()) });
    }
}

#[tokio::test]
async fn a_group_in_use_is_not_deleted() {
    let region = Region::new().await;
    region.must("CreateGroup GroupName=staff").await;
    region.must("CreateUser UserName=bob").await;
    region.must("AddUserToGroup GroupName=staff UserName=bob").await;
    region
        .must(&format!("PutGroupPolicy GroupName=staff PolicyName=p PolicyDocument={READ}"))
        .await;
    let conflict =
        |what: &str| format!("409 DeleteConflict Cannot delete entity, must {what} first.");
    region.check("DeleteGroup GroupName=staff", Err(&conflict("delete policies"))).await;
    region.must("DeleteGroupPolicy GroupName=staff PolicyName=p").await;
    region.check("DeleteGroup GroupName=staff", Err(&conflict("remove users from group"))).await;
    region.must("RemoveUserFromGroup GroupName=staff UserName=bob").await;
    region.must("DeleteGroup GroupName=staff").await;
}
