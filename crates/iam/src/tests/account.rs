use super::region::{ACCOUNT, AT, EC2, READ, Region, account, text};
use crate::accounts::NewAccount;
use crate::policy_holder::scope;
use crate::usage::Usage;

#[tokio::test]
async fn an_account_has_no_more_than_its_quotas() {
    let region = Region::new().await;
    let full =
        Usage { users: 5000, groups: 300, roles: 1000, instance_profiles: 1000, policies: 1500 };
    let mut txn = region.records.transaction();
    txn.put_unconditionally(&scope(&account(ACCOUNT)), "usage", &full);
    txn.commit().await.expect("written");
    for (request, quota) in [
        ("CreateUser UserName=x".to_owned(), "UsersPerAccount: 5000"),
        ("CreateGroup GroupName=x".into(), "GroupsPerAccount: 300"),
        (format!("CreateRole RoleName=x AssumeRolePolicyDocument={EC2}"), "RolesPerAccount: 1000"),
        ("CreateInstanceProfile InstanceProfileName=x".into(), "InstanceProfilesPerAccount: 1000"),
        (format!("CreatePolicy PolicyName=x PolicyDocument={READ}"), "PoliciesPerAccount: 1500"),
    ] {
        let refusal = format!("409 LimitExceeded Cannot exceed quota for {quota}");
        region.check(&request, Err(&refusal)).await;
    }
}

#[tokio::test]
async fn a_marker_is_of_one_list_and_account() {
    let region = Region::new().await;
    for name in ["a", "b"] {
        region.must(&format!("CreateUser UserName={name}")).await;
        region.must(&format!("CreateGroup GroupName={name}")).await;
    }
    let page = region.must("ListUsers MaxItems=1").await;
    let marker = text(&page, "Marker");
    region.must(&format!("ListUsers Marker={marker}")).await;
    let invalid = "400 ValidationError Invalid Marker.";
    region.check(&format!("ListGroups Marker={marker}"), Err(invalid)).await;
    let (key, _) = region.add_account("210987654321").await;
    let other = region.signed(&key, None).await;
    let refused = region.ask_as(&other, &format!("ListUsers Marker={marker}")).await;
    assert_eq!(refused, Err(invalid.into()));
}

#[tokio::test]
async fn accounts_are_made_once_and_kept_apart() {
    let region = Region::new().await;
    region.must("CreateUser UserName=bob").await;
    let new = NewAccount { id: None, name: "other".into(), email: "a@b".into() };
    let (made, key) = region.accounts.create(new.clone(), AT).await.expect("created");
    let other = region.signed(&key.access_key_id, None).await;
    let users = region.ask_as(&other, "ListUsers").await.expect("listed");
    assert!(!users.contains("bob"));
    let taken = NewAccount { id: Some(made.id.clone()), ..new.clone() };
    assert!(region.accounts.create(taken, AT).await.is_err());
    for wrong in ["", "\u{7}", &"x".repeat(51)] {
        let wrong = NewAccount { name: wrong.into(), ..new.clone() };
        assert!(region.accounts.create(wrong, AT).await.is_err());
    }
    let listed = region.accounts.list().await.expect("listed");
    let mut expected = vec![account(ACCOUNT), made.id];
    expected.sort();
    assert_eq!(listed.into_iter().map(|account| account.id).collect::<Vec<_>>(), expected);
}
