//! What a caller may do follows its records, from one request to the next.

use std::sync::Arc;

use aws::{AccountId, Authorizer as _, Principal, Random, Session, Timestamp};
use state::{Memory, Records};

use super::*;
use crate::model;
use crate::{attachment, group, inline_policy, managed_policy, permissions_boundary};
use crate::{policy_version, role, user};

/// An account with its root user, and the authorizer on its records.
pub(crate) struct World {
    pub(crate) iam: Iam,
    authorizer: Authorizer,
    pub(crate) root: Call,
}

pub(crate) fn account() -> AccountId {
    "111122223333".parse().expect("an account id")
}

pub(crate) fn call(identity: Identity) -> Call {
    Call {
        request_id: "r".into(),
        identity,
        region: "eu-west-1".parse().expect("a region"),
        at: Timestamp::from_secs(1_800_000_000),
        source_ip: None,
        user_agent: None,
        referer: None,
        host: None,
        signature: None,
        secure_transport: true,
        via: None,
    }
}

pub(crate) fn allow(action: &str) -> String {
    let statement = format!(r#"{{"Effect":"Allow","Action":"{action}","Resource":"*"}}"#);
    format!(r#"{{"Version":"2012-10-17","Statement":{statement}}}"#)
}

impl World {
    pub(crate) fn new() -> Self {
        let records = Records::new(Arc::new(Memory::new()));
        let iam = Iam::new(records, Arc::new(Random::seeded(1)));
        let root = call(Identity::root(account()));
        Self { authorizer: Authorizer::new(iam.clone()), iam, root }
    }

    pub(crate) async fn user(&self, name: &str) -> Call {
        let input = model::CreateUserRequest { user_name: name.into(), ..Default::default() };
        let made = user::create(&self.iam, &self.root, input).await.expect("a user");
        let id = made.user.expect("a user").user_id;
        let principal = Principal::User { id, path: "/".into(), name: name.into() };
        let account = Some(account());
        call(Identity { account, principal, access_key_id: None, session: None })
    }

    pub(crate) async fn role(&self, name: &str) -> Call {
        let trust = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow",
            "Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
        let input = model::CreateRoleRequest {
            role_name: name.into(),
            assume_role_policy_document: trust.into(),
            ..Default::default()
        };
        let made = role::create(&self.iam, &self.root, input).await.expect("a role");
        let principal = Principal::AssumedRole {
            id: made.role.role_id,
            path: "/".into(),
            name: name.into(),
            session_name: "s".into(),
        };
        let session = Session {
            issued_at: Timestamp::from_secs(1_799_999_000),
            expires_at: Timestamp::from_secs(1_800_003_600),
            mfa: false,
            policies: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
        };
        let account = Some(account());
        call(Identity { account, principal, access_key_id: None, session: Some(session) })
    }

    pub(crate) async fn put_inline(&self, user: &str, document: &str) {
        let input = model::PutUserPolicyRequest {
            user_name: user.into(),
            policy_name: "p".into(),
            policy_document: document.into(),
        };
        inline_policy::put_user(&self.iam, &self.root, input).await.expect("an inline policy");
    }

    pub(crate) async fn managed(&self, name: &str, document: &str) -> String {
        let input = model::CreatePolicyRequest {
            policy_name: name.into(),
            policy_document: document.into(),
            ..Default::default()
        };
        let made = managed_policy::create(&self.iam, &self.root, input).await.expect("a policy");
        made.policy.and_then(|policy| policy.arn).expect("its ARN")
    }

    async fn decide(&self, call: &Call, check: &Check) -> Decision {
        self.authorizer.authorize(call, check).await.expect("a decision")
    }

    async fn allows(&self, call: &Call, action: &str) -> bool {
        self.decide(call, &Check::new(action, "*")).await == Decision::Allowed
    }
}

#[tokio::test]
async fn inline_policies_count_from_the_request_after_they_change() {
    let world = World::new();
    let bob = world.user("bob").await;
    assert!(!world.allows(&bob, "s3:ListAllMyBuckets").await);
    world.put_inline("bob", &allow("s3:*")).await;
    assert!(world.allows(&bob, "s3:ListAllMyBuckets").await);
    assert!(world.allows(&bob, "s3:ListAllMyBuckets").await);
    world.put_inline("bob", &allow("ec2:*")).await;
    assert!(!world.allows(&bob, "s3:ListAllMyBuckets").await);
    let gone = model::DeleteUserPolicyRequest { user_name: "bob".into(), policy_name: "p".into() };
    inline_policy::delete_user(&world.iam, &world.root, gone).await.expect("deleted");
    assert!(!world.allows(&bob, "ec2:RunInstances").await);
}

#[tokio::test]
async fn managed_policies_count_with_the_version_in_force() {
    let world = World::new();
    let bob = world.user("bob").await;
    let arn = world.managed("m", &allow("s3:*")).await;
    let attach =
        || model::AttachUserPolicyRequest { user_name: "bob".into(), policy_arn: arn.clone() };
    attachment::attach_user(&world.iam, &world.root, attach()).await.expect("attached");
    assert!(world.allows(&bob, "s3:GetObject").await);

    let version = |default| model::CreatePolicyVersionRequest {
        policy_arn: arn.clone(),
        policy_document: allow("ec2:*"),
        set_as_default: Some(default),
    };
    policy_version::create(&world.iam, &world.root, version(false)).await.expect("a version");
    assert!(world.allows(&bob, "s3:GetObject").await);
    let in_force =
        model::SetDefaultPolicyVersionRequest { policy_arn: arn.clone(), version_id: "v2".into() };
    policy_version::set_default(&world.iam, &world.root, in_force).await.expect("set");
    assert!(!world.allows(&bob, "s3:GetObject").await);
    assert!(world.allows(&bob, "ec2:RunInstances").await);

    let detach = model::DetachUserPolicyRequest { user_name: "bob".into(), policy_arn: arn };
    attachment::detach_user(&world.iam, &world.root, detach).await.expect("detached");
    assert!(!world.allows(&bob, "ec2:RunInstances").await);
}

#[tokio::test]
async fn a_group_s_policies_are_its_members() {
    let world = World::new();
    let bob = world.user("bob").await;
    let create = model::CreateGroupRequest { group_name: "g".into(), ..Default::default() };
    group::create(&world.iam, &world.root, create).await.expect("a group");
    let put = model::PutGroupPolicyRequest {
        group_name: "g".into(),
        policy_name: "p".into(),
        policy_document: allow("s3:*"),
    };
    inline_policy::put_group(&world.iam, &world.root, put).await.expect("a policy");
    assert!(!world.allows(&bob, "s3:GetObject").await);
    let add = model::AddUserToGroupRequest { group_name: "g".into(), user_name: "bob".into() };
    group::add_user(&world.iam, &world.root, add).await.expect("a member");
    assert!(world.allows(&bob, "s3:GetObject").await);
    let rename = model::UpdateGroupRequest {
        group_name: "g".into(),
        new_group_name: Some("h".into()),
        ..Default::default()
    };
    group::update(&world.iam, &world.root, rename).await.expect("renamed");
    assert!(world.allows(&bob, "s3:GetObject").await);
    let put = model::PutGroupPolicyRequest {
        group_name: "h".into(),
        policy_name: "p".into(),
        policy_document: allow("ec2:*"),
    };
    inline_policy::put_group(&world.iam, &world.root, put).await.expect("a policy");
    assert!(!world.allows(&bob, "s3:GetObject").await);
    let remove =
        model::RemoveUserFromGroupRequest { group_name: "h".into(), user_name: "bob".into() };
    group::remove_user(&world.iam, &world.root, remove).await.expect("removed");
    assert!(!world.allows(&bob, "ec2:RunInstances").await);
}

#[tokio::test]
async fn boundaries_limit_and_set_free() {
    let world = World::new();
    let bob = world.user("bob").await;
    world.put_inline("bob", &allow("*")).await;
    let arn = world.managed("limit", &allow("s3:*")).await;
    let put = model::PutUserPermissionsBoundaryRequest {
        user_name: "bob".into(),
        permissions_boundary: arn,
    };
    permissions_boundary::put_user(&world.iam, &world.root, put).await.expect("a boundary");
    assert!(world.allows(&bob, "s3:GetObject").await);
    let denied = world.decide(&bob, &Check::new("ec2:RunInstances", "*")).await;
    let message = "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: \
                   ec2:RunInstances because no permissions boundary allows the ec2:RunInstances \
                   action";
    assert_eq!(denied, Decision::Denied { message: message.into() });
    let delete = model::DeleteUserPermissionsBoundaryRequest { user_name: "bob".into() };
    permissions_boundary::delete_user(&world.iam, &world.root, delete).await.expect("gone");
    assert!(world.allows(&bob, "ec2:RunInstances").await);
}

#[tokio::test]
async fn a_namesake_s_policies_are_not_inherited() {
    let world = World::new();
    let old = world.user("bob").await;
    assert!(!world.allows(&old, "s3:GetObject").await);
    let delete = model::DeleteUserRequest { user_name: "bob".into() };
    user::delete(&world.iam, &world.root, delete).await.expect("deleted");
    assert!(!world.allows(&old, "s3:GetObject").await);
    let new = world.user("bob").await;
    world.put_inline("bob", &allow("s3:*")).await;
    assert!(world.allows(&new, "s3:GetObject").await);
    assert!(!world.allows(&old, "s3:GetObject").await);
}

#[tokio::test]
async fn a_role_s_session_has_what_role_and_session_policies_both_allow() {
    let world = World::new();
    let mut session = world.role("r").await;
    assert!(!world.allows(&session, "s3:GetObject").await);
    let put = model::PutRolePolicyRequest {
        role_name: "r".into(),
        policy_name: "p".into(),
        policy_document: allow("s3:*"),
    };
    inline_policy::put_role(&world.iam, &world.root, put).await.expect("a policy");
    assert!(world.allows(&session, "s3:GetObject").await);
    let details = session.identity.session.as_mut().expect("a session");
    details.policies = vec![allow("s3:Get*")];
    assert!(world.allows(&session, "s3:GetObject").await);
    assert!(!world.allows(&session, "s3:PutObject").await);
    let details = session.identity.session.as_mut().expect("a session");
    details.policies.push(allow("s3:Put*"));
    assert!(world.allows(&session, "s3:PutObject").await);
}

#[tokio::test]
async fn tags_and_the_check_s_values_are_seen_by_conditions() {
    let world = World::new();
    let bob = world.user("bob").await;
    let statement = r#"{"Effect":"Allow","Action":"ec2:StartInstances","Resource":"*","Condition":
        {"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}"#;
    world
        .put_inline("bob", &format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#))
        .await;
    let start = Check::new("ec2:StartInstances", "arn:aws:ec2:eu-west-1:111122223333:instance/i-1");
    let tagged = start.clone().with("aws:ResourceTag/team", vec!["blue".into()]);
    assert_ne!(world.decide(&bob, &tagged).await, Decision::Allowed);
    let tag = model::TagUserRequest {
        user_name: "bob".into(),
        tags: vec![model::Tag { key: "Team".into(), value: "blue".into() }],
    };
    user::tag(&world.iam, &world.root, tag).await.expect("tagged");
    assert_eq!(world.decide(&bob, &tagged).await, Decision::Allowed);
    assert_ne!(world.decide(&bob, &start).await, Decision::Allowed);
}

#[tokio::test]
async fn resource_policies_and_owners_are_taken_from_the_check() {
    let world = World::new();
    let bob = world.user("bob").await;
    let mut check = Check::new("s3:GetObject", "arn:aws:s3:::b/k");
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
        "Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},"Resource":"arn:aws:s3:::b/*"}}"#;
    check.resource_policies = vec![policy.into()];
    assert_eq!(world.decide(&bob, &check).await, Decision::Allowed);
    check.resource_account = Some("444455556666".parse().expect("an account id"));
    assert_ne!(world.decide(&bob, &check).await, Decision::Allowed);
    world.put_inline("bob", &allow("s3:*")).await;
    assert_eq!(world.decide(&bob, &check).await, Decision::Allowed);
    // Several are one policy: any of them may allow or deny.
    check.resource_account = None;
    let other = policy.replace("Allow", "Deny").replace("b/*", "c/*");
    check.resource_policies.push(other.as_str().into());
    assert_eq!(world.decide(&bob, &check).await, Decision::Allowed);
    check.resource_policies.push(policy.replace("Allow", "Deny").into());
    assert_ne!(world.decide(&bob, &check).await, Decision::Allowed);
    check.resource_policies.push("{".into());
    assert!(world.authorizer.authorize(&bob, &check).await.is_err());
}

#[tokio::test]
async fn the_root_user_needs_no_policy() {
    let world = World::new();
    assert!(world.allows(&world.root, "iam:CreateUser").await);
    assert!(!world.allows(&call(Identity::anonymous()), "iam:CreateUser").await);
}

/// Not a benchmark: the number is printed for whoever asks with `--nocapture`.
#[tokio::test]
async fn an_unchanged_caller_s_request_parses_nothing() {
    let world = World::new();
    let bob = world.user("bob").await;
    let arn = world.managed("m", &allow("s3:*")).await;
    let attach = model::AttachUserPolicyRequest { user_name: "bob".into(), policy_arn: arn };
    attachment::attach_user(&world.iam, &world.root, attach).await.expect("attached");
    let first = world.authorizer.held(&bob.identity).await.expect("policies");
    let rounds = 1000;
    let started = std::time::Instant::now();
    for _ in 0..rounds {
        assert!(world.allows(&bob, "s3:GetObject").await);
    }
    eprintln!("{:?} for a decision", started.elapsed() / rounds);
    let again = world.authorizer.held(&bob.identity).await.expect("policies");
    assert!(Arc::ptr_eq(&first, &again));
}
