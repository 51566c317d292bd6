//! Random operations against a small model: the same answers, and the same lists at the end.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::region::{READ, Region, text, texts};

const ACCOUNT_POLICIES: &str = "arn:aws:iam::123456789012:policy/";

/// Numbers name things; few users, so that operations meet, and enough groups and policies to
/// reach the quotas of ten.
#[derive(Clone, Copy, Debug)]
enum Step {
    CreateUser(u8),
    DeleteUser(u8),
    RenameUser(u8, u8),
    CreateGroup(u8),
    DeleteGroup(u8),
    Join(u8, u8),
    Leave(u8, u8),
    CreatePolicy(u8),
    DeletePolicy(u8),
    Attach(u8, u8),
    Detach(u8, u8),
    Bound(u8, u8),
    Unbound(u8),
    PutInline(u8, u8),
    DeleteInline(u8, u8),
    CreateKey(u8),
    DeleteKey(u8),
    AddVersion(u8),
    DropVersion(u8),
}

#[derive(Clone, Debug, Default)]
struct User {
    groups: BTreeSet<u8>,
    attached: BTreeSet<u8>,
    inline: BTreeSet<u8>,
    boundary: Option<u8>,
    keys: usize,
}

#[derive(Debug, Default)]
struct Model {
    users: BTreeMap<u8, User>,
    groups: BTreeSet<u8>,
    /// Numbers of versions; the first is the default.
    policies: BTreeMap<u8, BTreeSet<u32>>,
    next_version: BTreeMap<u8, u32>,
}

type Outcome = Result<(), &'static str>;

const NONE: Outcome = Err("NoSuchEntity");
const TAKEN: Outcome = Err("EntityAlreadyExists");
const CONFLICT: Outcome = Err("DeleteConflict");
const LIMIT: Outcome = Err("LimitExceeded");

impl Model {
    fn apply(&mut self, step: Step) -> Outcome {
        match step {
            Step::CreateUser(u) if self.users.contains_key(&u) => TAKEN,
            Step::CreateUser(u) => {
                self.users.insert(u, User::default());
                Ok(())
            }
            Step::DeleteUser(u) => match self.users.get(&u) {
                None => NONE,
                Some(user) if user.is_in_use() => CONFLICT,
                Some(_) => {
                    self.users.remove(&u);
                    Ok(())
                }
            },
            Step::RenameUser(u, to) => match self.users.contains_key(&to) {
                _ if !self.users.contains_key(&u) => NONE,
                true if u != to => TAKEN,
                _ => {
                    let user = self.users.remove(&u).unwrap_or_default();
                    self.users.insert(to, user);
                    Ok(())
                }
            },
            Step::CreateGroup(g) => {
                if self.groups.insert(g) {
                    Ok(())
                } else {
                    TAKEN
                }
            }
            Step::DeleteGroup(g) if self.users.values().any(|u| u.groups.contains(&g)) => CONFLICT,
            Step::DeleteGroup(g) => {
                if self.groups.remove(&g) {
                    Ok(())
                } else {
                    NONE
                }
            }
            Step::CreatePolicy(p) if self.policies.contains_key(&p) => TAKEN,
            Step::CreatePolicy(p) => {
                self.policies.insert(p, BTreeSet::from([1]));
                self.next_version.insert(p, 2);
                Ok(())
            }
            Step::DeletePolicy(p) => match self.policies.get(&p) {
                None => NONE,
                Some(_) if self.users.values().any(|user| user.uses(p)) => CONFLICT,
                Some(versions) if versions.len() > 1 => CONFLICT,
                Some(_) => {
                    self.policies.remove(&p);
                    Ok(())
                }
            },
            Step::AddVersion(p) => match self.policies.get_mut(&p) {
                None => NONE,
                Some(versions) if versions.len() == 5 => LIMIT,
                Some(versions) => {
                    let next = self.next_version.entry(p).or_insert(2);
                    versions.insert(*next);
                    *next += 1;
                    Ok(())
                }
            },
            Step::DropVersion(p) => match self.policies.get_mut(&p) {
                None => NONE,
                Some(versions) if versions.len() == 1 => CONFLICT,
                Some(versions) => {
                    versions.pop_last();
                    Ok(())
                }
            },
            other => self.apply_to_user(other),
        }
    }

    fn apply_to_user(&mut self, step: Step) -> Outcome {
        let (Step::Join(u, _)
        | Step::Leave(u, _)
        | Step::Attach(u, _)
        | Step::Detach(u, _)
        | Step::Bound(u, _)
        | Step::Unbound(u)
        | Step::PutInline(u, _)
        | Step::DeleteInline(u, _)
        | Step::CreateKey(u)
        | Step::DeleteKey(u)) = step
        else {
            unreachable!("the other steps are about no user")
        };
        let Some(user) = self.users.get_mut(&u) else { return NONE };
        match step {
            Step::Join(_, g) | Step::Leave(_, g) if !self.groups.contains(&g) => return NONE,
            Step::Join(_, g) => return add(&mut user.groups, g, 10),
            Step::Leave(_, g) => drop(user.groups.remove(&g)),
            Step::Attach(_, p) | Step::Bound(_, p) if !self.policies.contains_key(&p) => {
                return NONE;
            }
            Step::Attach(_, p) => return add(&mut user.attached, p, 10),
            Step::Detach(_, p) => {
                if !user.attached.remove(&p) {
                    return NONE;
                }
            }
            Step::Bound(_, p) => user.boundary = Some(p),
            Step::Unbound(_) => {
                if user.boundary.take().is_none() {
                    return NONE;
                }
            }
            Step::PutInline(_, p) => drop(user.inline.insert(p)),
            Step::DeleteInline(_, p) => {
                if !user.inline.remove(&p) {
                    return NONE;
                }
            }
            Step::CreateKey(_) if user.keys == 2 => return LIMIT,
            Step::CreateKey(_) => user.keys += 1,
            Step::DeleteKey(_) if user.keys == 0 => return NONE,
            _ => user.keys -= 1,
        }
        Ok(())
    }
}

fn add(set: &mut BTreeSet<u8>, item: u8, max: usize) -> Outcome {
    if !set.contains(&item) && set.len() == max {
        return LIMIT;
    }
    set.insert(item);
    Ok(())
}

impl User {
    fn is_in_use(&self) -> bool {
        let sets = [&self.groups, &self.attached, &self.inline];
        self.keys > 0 || sets.iter().any(|set| !set.is_empty())
    }

    fn uses(&self, policy: u8) -> bool {
        self.attached.contains(&policy) || self.boundary == Some(policy)
    }
}

/// Sends a step to the region. A user's name changes its case from step to step.
async fn send(region: &Region, step: Step, at: usize) -> Result<String, String> {
    let user =
        |u: u8| format!("UserName={}{u}", if at.is_multiple_of(2) { "user" } else { "USER" });
    let arn = |p: u8| format!("{ACCOUNT_POLICIES}p{p}");
    let request = match step {
        Step::CreateUser(u) => format!("CreateUser {}", user(u)),
        Step::DeleteUser(u) => format!("DeleteUser {}", user(u)),
        Step::RenameUser(u, to) => format!("UpdateUser {} New{}", user(u), user(to)),
        Step::CreateGroup(g) => format!("CreateGroup GroupName=g{g}"),
        Step::DeleteGroup(g) => format!("DeleteGroup GroupName=g{g}"),
        Step::Join(u, g) => format!("AddUserToGroup {} GroupName=g{g}", user(u)),
        Step::Leave(u, g) => format!("RemoveUserFromGroup {} GroupName=g{g}", user(u)),
        Step::CreatePolicy(p) => format!("CreatePolicy PolicyName=p{p} PolicyDocument={READ}"),
        Step::DeletePolicy(p) => format!("DeletePolicy PolicyArn={}", arn(p)),
        Step::Attach(u, p) => format!("AttachUserPolicy {} PolicyArn={}", user(u), arn(p)),
        Step::Detach(u, p) => format!("DetachUserPolicy {} PolicyArn={}", user(u), arn(p)),
        Step::Bound(u, p) => {
            format!("PutUserPermissionsBoundary {} PermissionsBoundary={}", user(u), arn(p))
        }
        Step::Unbound(u) => format!("DeleteUserPermissionsBoundary {}", user(u)),
        Step::PutInline(u, p) => {
            format!("PutUserPolicy {} PolicyName=i{p} PolicyDocument={READ}", user(u))
        }
        Step::DeleteInline(u, p) => format!("DeleteUserPolicy {} PolicyName=i{p}", user(u)),
        Step::CreateKey(u) => format!("CreateAccessKey {}", user(u)),
        Step::DeleteKey(u) => {
            let keys = region.ask(&format!("ListAccessKeys {}", user(u))).await?;
            let keys = texts(&keys, "AccessKeyId");
            let unknown = "AKIAIOSFODNN7EXAMPLE".to_owned();
            let key = keys.into_iter().next().unwrap_or(unknown);
            format!("DeleteAccessKey {} AccessKeyId={key}", user(u))
        }
        Step::AddVersion(p) => {
            format!("CreatePolicyVersion PolicyArn={} PolicyDocument={READ}", arn(p))
        }
        Step::DropVersion(p) => {
            let versions = region.ask(&format!("ListPolicyVersions PolicyArn={}", arn(p))).await?;
            let newest = text(&versions, "VersionId").to_owned();
            format!("DeletePolicyVersion PolicyArn={} VersionId={newest}", arn(p))
        }
    };
    region.ask(&request).await
}

async fn check_lists(region: &Region, model: &Model) {
    let names = |kind: &str, set: &mut dyn Iterator<Item = u8>| -> BTreeSet<String> {
        set.map(|number| format!("{kind}{number}")).collect()
    };
    let listed = |answer: &str, element: &str| -> BTreeSet<String> {
        texts(answer, element).iter().map(|name| name.to_lowercase()).collect()
    };
    let users = region.must("ListUsers").await;
    assert_eq!(listed(&users, "UserName"), names("user", &mut model.users.keys().copied()));
    for (number, user) in &model.users {
        let of = format!("UserName=user{number}");
        let groups = region.must(&format!("ListGroupsForUser {of}")).await;
        assert_eq!(listed(&groups, "GroupName"), names("g", &mut user.groups.iter().copied()));
        let attached = region.must(&format!("ListAttachedUserPolicies {of}")).await;
        assert_eq!(listed(&attached, "PolicyName"), names("p", &mut user.attached.iter().copied()));
        let inline = region.must(&format!("ListUserPolicies {of}")).await;
        assert_eq!(listed(&inline, "member"), names("i", &mut user.inline.iter().copied()));
        let keys = region.must(&format!("ListAccessKeys {of}")).await;
        assert_eq!(texts(&keys, "AccessKeyId").len(), user.keys);
    }
    for group in &model.groups {
        let found = region.must(&format!("GetGroup GroupName=g{group}")).await;
        let members = model.users.iter().filter(|(_, user)| user.groups.contains(group));
        assert_eq!(listed(&found, "UserName"), names("user", &mut members.map(|(u, _)| *u)));
    }
    for policy in model.policies.keys() {
        let found = region.must(&format!("GetPolicy PolicyArn={ACCOUNT_POLICIES}p{policy}")).await;
        let attached = model.users.values().filter(|user| user.attached.contains(policy)).count();
        let bounding = model.users.values().filter(|user| user.boundary == Some(*policy)).count();
        assert_eq!(text(&found, "AttachmentCount"), attached.to_string());
        assert_eq!(text(&found, "PermissionsBoundaryUsageCount"), bounding.to_string());
    }
    let summary = region.must("GetAccountSummary").await;
    for (key, count) in [
        ("Users", model.users.len()),
        ("Groups", model.groups.len()),
        ("Policies", model.policies.len()),
    ] {
        assert!(summary.contains(&format!("<key>{key}</key><value>{count}</value>")), "{key}");
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (user, many) = (0..3u8, 0..12u8);
    let pair = (user.clone(), many.clone());
    let step = prop_oneof![
        2 => user.clone().prop_map(Step::CreateUser),
        1 => user.clone().prop_map(Step::DeleteUser),
        1 => (user.clone(), user.clone()).prop_map(|(u, to)| Step::RenameUser(u, to)),
        4 => many.clone().prop_map(Step::CreateGroup),
        1 => many.clone().prop_map(Step::DeleteGroup),
        6 => pair.clone().prop_map(|(u, g)| Step::Join(u, g)),
        1 => pair.clone().prop_map(|(u, g)| Step::Leave(u, g)),
        4 => many.clone().prop_map(Step::CreatePolicy),
        1 => many.clone().prop_map(Step::DeletePolicy),
        6 => pair.clone().prop_map(|(u, p)| Step::Attach(u, p)),
        1 => pair.clone().prop_map(|(u, p)| Step::Detach(u, p)),
        1 => pair.clone().prop_map(|(u, p)| Step::Bound(u, p)),
        1 => user.clone().prop_map(Step::Unbound),
        1 => pair.clone().prop_map(|(u, p)| Step::PutInline(u, p % 3)),
        1 => pair.prop_map(|(u, p)| Step::DeleteInline(u, p % 3)),
        1 => user.clone().prop_map(Step::CreateKey),
        1 => user.prop_map(Step::DeleteKey),
        2 => many.clone().prop_map(|p| Step::AddVersion(p % 2)),
        1 => many.prop_map(|p| Step::DropVersion(p % 2)),
    ];
    proptest::collection::vec(step, 1..150)
}

#[test]
fn random_operations_agree_with_a_model() {
    let cases = if std::env::var_os("HANEUL_SOAK").is_some() { 1000 } else { 12 };
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    proptest!(ProptestConfig::with_cases(cases), |(steps in steps())| {
        runtime.block_on(async {
            let (region, mut model) = (Region::new().await, Model::default());
            for (at, step) in steps.into_iter().enumerate() {
                let answer = send(&region, step, at).await;
                let code = answer.map(|_| ()).map_err(|refusal| {
                    refusal.split(' ').nth(1).expect("a code").to_owned()
                });
                let expected = model.apply(step).map_err(str::to_owned);
                assert_eq!(code, expected, "{at}: {step:?}");
            }
            check_lists(&region, &model).await;
        });
    });
}
