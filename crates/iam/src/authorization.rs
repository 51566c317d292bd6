//! What must be allowed before each operation of IAM.
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsidentityandaccessmanagementiam.html>
//!
//! [`row`] is the table: an operation without a row does not compile. What it names is looked
//! up here, for its path and its tags.

use aws::{AccountId, Call, Check};
use state::Stored;

use crate::access_key::{AccessKey, Owner};
use crate::error::Result;
use crate::managed_policy::Found;
use crate::model::{Input, Tag};
use crate::policy_holder::{PolicyHolder, scope};
use crate::role::Role;
use crate::service_linked_role;
use crate::sts::authorization::refuse_user_session;
use crate::tag::Tags;
use crate::user::{User, named_or_caller};
use crate::{Iam, name};

use Subject::{Account, Group, Key, List, Named, New, Policy, Principal, Profile, Task};

/// What an operation is about.
enum Subject<'a> {
    /// The account as a whole.
    Account,
    /// All entities of a kind under a path.
    List {
        kind: &'static str,
        prefix: Option<&'a str>,
    },
    New {
        kind: &'static str,
        path: Option<&'a str>,
        name: &'a str,
    },
    /// A user; the caller when none is named.
    Named(Option<&'a str>),
    Group(&'a str),
    Role(&'a str),
    Profile(&'a str),
    /// A managed policy's ARN.
    Policy(&'a str),
    /// A user's, group's or role's ARN.
    Principal(&'a str),
    /// An access key, which stands for its user.
    Key(&'a str),
    /// A deletion task of a service-linked role.
    Task(&'a str),
    ServiceRole {
        service: &'a str,
        suffix: Option<&'a str>,
    },
}

/// What else a policy may look at.
#[derive(Default)]
struct Facts<'a> {
    tags: Option<&'a [Tag]>,
    tag_keys: Option<&'a [String]>,
    /// The managed policy being attached or detached.
    policy_arn: Option<&'a str>,
    /// The boundary being set.
    boundary: Option<&'a str>,
    /// Whether the boundary that the entity has now is part of the question.
    shows_boundary: bool,
    service_name: Option<&'a str>,
}

struct Row<'a>(&'static str, Subject<'a>, Facts<'a>);

fn user(name: &str) -> Subject<'_> {
    Named(Some(name))
}

fn users(name: Option<&str>, all: Option<bool>) -> Subject<'_> {
    if all == Some(true) { List { kind: "user", prefix: None } } else { Named(name) }
}

fn plain<'a>(action: &'static str, subject: Subject<'a>) -> Row<'a> {
    Row(action, subject, Facts::default())
}

fn attach<'a>(action: &'static str, subject: Subject<'a>, policy_arn: &'a str) -> Row<'a> {
    let policy_arn = Some(policy_arn);
    Row(action, subject, Facts { policy_arn, shows_boundary: true, ..Facts::default() })
}

/// Inline policies and boundaries: whether they matter depends on the boundary there is.
fn bounded<'a>(action: &'static str, subject: Subject<'a>) -> Row<'a> {
    Row(action, subject, Facts { shows_boundary: true, ..Facts::default() })
}

fn bound<'a>(action: &'static str, subject: Subject<'a>, boundary: &'a str) -> Row<'a> {
    Row(action, subject, Facts { boundary: Some(boundary), ..Facts::default() })
}

fn tag<'a>(action: &'static str, subject: Subject<'a>, tags: &'a [Tag]) -> Row<'a> {
    Row(action, subject, Facts { tags: Some(tags), ..Facts::default() })
}

fn untag<'a>(action: &'static str, subject: Subject<'a>, keys: &'a [String]) -> Row<'a> {
    Row(action, subject, Facts { tag_keys: Some(keys), ..Facts::default() })
}

fn new<'a>(
    action: &'static str,
    kind: &'static str,
    path: &'a Option<String>,
    name: &'a str,
    tags: &'a Option<Vec<Tag>>,
    boundary: Option<&'a str>,
) -> Row<'a> {
    let subject = New { kind, path: path.as_deref(), name };
    Row(action, subject, Facts { tags: tags.as_deref(), boundary, ..Facts::default() })
}

fn list<'a>(action: &'static str, kind: &'static str, prefix: &'a Option<String>) -> Row<'a> {
    plain(action, List { kind, prefix: prefix.as_deref() })
}

/// The authorization table: one row for each operation.
#[rustfmt::skip]
#[expect(clippy::too_many_lines, reason = "a table, one line an operation")]
fn row(input: &Input) -> Row<'_> {
    match input {
        // users
        Input::CreateUser(i) => new("CreateUser", "user", &i.path, &i.user_name, &i.tags, i.permissions_boundary.as_deref()),
        Input::GetUser(i) => plain("GetUser", Named(i.user_name.as_deref())),
        Input::ListUsers(i) => list("ListUsers", "user", &i.path_prefix),
        Input::UpdateUser(i) => plain("UpdateUser", user(&i.user_name)),
        Input::DeleteUser(i) => plain("DeleteUser", user(&i.user_name)),
        Input::ListUserTags(i) => plain("ListUserTags", user(&i.user_name)),
        Input::ListGroupsForUser(i) => plain("ListGroupsForUser", user(&i.user_name)),
        Input::GetUserPolicy(i) => plain("GetUserPolicy", user(&i.user_name)),
        Input::ListUserPolicies(i) => plain("ListUserPolicies", user(&i.user_name)),
        Input::ListAttachedUserPolicies(i) => plain("ListAttachedUserPolicies", user(&i.user_name)),
        Input::PutUserPolicy(i) => bounded("PutUserPolicy", user(&i.user_name)),
        Input::DeleteUserPolicy(i) => bounded("DeleteUserPolicy", user(&i.user_name)),
        Input::DeleteUserPermissionsBoundary(i) => bounded("DeleteUserPermissionsBoundary", user(&i.user_name)),
        Input::PutUserPermissionsBoundary(i) => bound("PutUserPermissionsBoundary", user(&i.user_name), &i.permissions_boundary),
        Input::AttachUserPolicy(i) => attach("AttachUserPolicy", user(&i.user_name), &i.policy_arn),
        Input::DetachUserPolicy(i) => attach("DetachUserPolicy", user(&i.user_name), &i.policy_arn),
        Input::TagUser(i) => tag("TagUser", user(&i.user_name), &i.tags),
        Input::UntagUser(i) => untag("UntagUser", user(&i.user_name), &i.tag_keys),
        // what a user signs in with
        Input::CreateAccessKey(i) => plain("CreateAccessKey", Named(i.user_name.as_deref())),
        Input::ListAccessKeys(i) => plain("ListAccessKeys", Named(i.user_name.as_deref())),
        Input::UpdateAccessKey(i) => plain("UpdateAccessKey", Named(i.user_name.as_deref())),
        Input::DeleteAccessKey(i) => plain("DeleteAccessKey", Named(i.user_name.as_deref())),
        Input::CreateLoginProfile(i) => plain("CreateLoginProfile", Named(i.user_name.as_deref())),
        Input::GetLoginProfile(i) => plain("GetLoginProfile", Named(i.user_name.as_deref())),
        Input::DeleteLoginProfile(i) => plain("DeleteLoginProfile", Named(i.user_name.as_deref())),
        Input::ListMFADevices(i) => plain("ListMFADevices", Named(i.user_name.as_deref())),
        Input::ListVirtualMFADevices(_) => list("ListVirtualMFADevices", "mfa", &None),
        Input::ListSSHPublicKeys(i) => plain("ListSSHPublicKeys", Named(i.user_name.as_deref())),
        Input::ListSigningCertificates(i) => plain("ListSigningCertificates", Named(i.user_name.as_deref())),
        Input::ListServiceSpecificCredentials(i) => plain("ListServiceSpecificCredentials", users(i.user_name.as_deref(), i.all_users)),
        Input::UpdateLoginProfile(i) => plain("UpdateLoginProfile", user(&i.user_name)),
        Input::GetAccessKeyLastUsed(i) => plain("GetAccessKeyLastUsed", Key(&i.access_key_id)),
        // groups
        Input::CreateGroup(i) => new("CreateGroup", "group", &i.path, &i.group_name, &None, None),
        Input::ListGroups(i) => list("ListGroups", "group", &i.path_prefix),
        Input::GetGroup(i) => plain("GetGroup", Group(&i.group_name)),
        Input::UpdateGroup(i) => plain("UpdateGroup", Group(&i.group_name)),
        Input::DeleteGroup(i) => plain("DeleteGroup", Group(&i.group_name)),
        Input::AddUserToGroup(i) => plain("AddUserToGroup", Group(&i.group_name)),
        Input::RemoveUserFromGroup(i) => plain("RemoveUserFromGroup", Group(&i.group_name)),
        Input::PutGroupPolicy(i) => plain("PutGroupPolicy", Group(&i.group_name)),
        Input::GetGroupPolicy(i) => plain("GetGroupPolicy", Group(&i.group_name)),
        Input::ListGroupPolicies(i) => plain("ListGroupPolicies", Group(&i.group_name)),
        Input::DeleteGroupPolicy(i) => plain("DeleteGroupPolicy", Group(&i.group_name)),
        Input::ListAttachedGroupPolicies(i) => plain("ListAttachedGroupPolicies", Group(&i.group_name)),
        Input::AttachGroupPolicy(i) => attach("AttachGroupPolicy", Group(&i.group_name), &i.policy_arn),
        Input::DetachGroupPolicy(i) => attach("DetachGroupPolicy", Group(&i.group_name), &i.policy_arn),
        // roles
        Input::CreateRole(i) => new("CreateRole", "role", &i.path, &i.role_name, &i.tags, i.permissions_boundary.as_deref()),
        Input::ListRoles(i) => list("ListRoles", "role", &i.path_prefix),
        Input::GetRole(i) => plain("GetRole", Subject::Role(&i.role_name)),
        Input::UpdateRole(i) => plain("UpdateRole", Subject::Role(&i.role_name)),
        Input::UpdateRoleDescription(i) => plain("UpdateRoleDescription", Subject::Role(&i.role_name)),
        Input::UpdateAssumeRolePolicy(i) => plain("UpdateAssumeRolePolicy", Subject::Role(&i.role_name)),
        Input::DeleteRole(i) => plain("DeleteRole", Subject::Role(&i.role_name)),
        Input::ListRoleTags(i) => plain("ListRoleTags", Subject::Role(&i.role_name)),
        Input::GetRolePolicy(i) => plain("GetRolePolicy", Subject::Role(&i.role_name)),
        Input::ListRolePolicies(i) => plain("ListRolePolicies", Subject::Role(&i.role_name)),
        Input::ListAttachedRolePolicies(i) => plain("ListAttachedRolePolicies", Subject::Role(&i.role_name)),
        Input::ListInstanceProfilesForRole(i) => plain("ListInstanceProfilesForRole", Subject::Role(&i.role_name)),
        Input::DeleteServiceLinkedRole(i) => plain("DeleteServiceLinkedRole", Subject::Role(&i.role_name)),
        Input::PutRolePolicy(i) => bounded("PutRolePolicy", Subject::Role(&i.role_name)),
        Input::DeleteRolePolicy(i) => bounded("DeleteRolePolicy", Subject::Role(&i.role_name)),
        Input::DeleteRolePermissionsBoundary(i) => bounded("DeleteRolePermissionsBoundary", Subject::Role(&i.role_name)),
        Input::PutRolePermissionsBoundary(i) => bound("PutRolePermissionsBoundary", Subject::Role(&i.role_name), &i.permissions_boundary),
        Input::AttachRolePolicy(i) => attach("AttachRolePolicy", Subject::Role(&i.role_name), &i.policy_arn),
        Input::DetachRolePolicy(i) => attach("DetachRolePolicy", Subject::Role(&i.role_name), &i.policy_arn),
        Input::TagRole(i) => tag("TagRole", Subject::Role(&i.role_name), &i.tags),
        Input::UntagRole(i) => untag("UntagRole", Subject::Role(&i.role_name), &i.tag_keys),
        Input::CreateServiceLinkedRole(i) => service_role(&i.aws_service_name, i.custom_suffix.as_deref()),
        Input::GetServiceLinkedRoleDeletionStatus(i) => plain("GetServiceLinkedRoleDeletionStatus", Task(&i.deletion_task_id)),
        // instance profiles
        Input::CreateInstanceProfile(i) => new("CreateInstanceProfile", "instance-profile", &i.path, &i.instance_profile_name, &i.tags, None),
        Input::ListInstanceProfiles(i) => list("ListInstanceProfiles", "instance-profile", &i.path_prefix),
        Input::GetInstanceProfile(i) => plain("GetInstanceProfile", Profile(&i.instance_profile_name)),
        Input::DeleteInstanceProfile(i) => plain("DeleteInstanceProfile", Profile(&i.instance_profile_name)),
        Input::AddRoleToInstanceProfile(i) => plain("AddRoleToInstanceProfile", Profile(&i.instance_profile_name)),
        Input::RemoveRoleFromInstanceProfile(i) => plain("RemoveRoleFromInstanceProfile", Profile(&i.instance_profile_name)),
        Input::ListInstanceProfileTags(i) => plain("ListInstanceProfileTags", Profile(&i.instance_profile_name)),
        Input::TagInstanceProfile(i) => tag("TagInstanceProfile", Profile(&i.instance_profile_name), &i.tags),
        Input::UntagInstanceProfile(i) => untag("UntagInstanceProfile", Profile(&i.instance_profile_name), &i.tag_keys),
        // managed policies
        Input::CreatePolicy(i) => new("CreatePolicy", "policy", &i.path, &i.policy_name, &i.tags, None),
        Input::GetPolicy(i) => plain("GetPolicy", Policy(&i.policy_arn)),
        Input::DeletePolicy(i) => plain("DeletePolicy", Policy(&i.policy_arn)),
        Input::CreatePolicyVersion(i) => plain("CreatePolicyVersion", Policy(&i.policy_arn)),
        Input::GetPolicyVersion(i) => plain("GetPolicyVersion", Policy(&i.policy_arn)),
        Input::ListPolicyVersions(i) => plain("ListPolicyVersions", Policy(&i.policy_arn)),
        Input::SetDefaultPolicyVersion(i) => plain("SetDefaultPolicyVersion", Policy(&i.policy_arn)),
        Input::DeletePolicyVersion(i) => plain("DeletePolicyVersion", Policy(&i.policy_arn)),
        Input::ListEntitiesForPolicy(i) => plain("ListEntitiesForPolicy", Policy(&i.policy_arn)),
        Input::ListPolicyTags(i) => plain("ListPolicyTags", Policy(&i.policy_arn)),
        Input::TagPolicy(i) => tag("TagPolicy", Policy(&i.policy_arn), &i.tags),
        Input::UntagPolicy(i) => untag("UntagPolicy", Policy(&i.policy_arn), &i.tag_keys),
        Input::ListPolicies(_) => plain("ListPolicies", Account),
        // the account
        Input::CreateAccountAlias(_) => plain("CreateAccountAlias", Account),
        Input::DeleteAccountAlias(_) => plain("DeleteAccountAlias", Account),
        Input::ListAccountAliases(_) => plain("ListAccountAliases", Account),
        Input::GetAccountSummary => plain("GetAccountSummary", Account),
        Input::GetAccountAuthorizationDetails(_) => plain("GetAccountAuthorizationDetails", Account),
        Input::GetAccountPasswordPolicy => plain("GetAccountPasswordPolicy", Account),
        Input::UpdateAccountPasswordPolicy(_) => plain("UpdateAccountPasswordPolicy", Account),
        Input::DeleteAccountPasswordPolicy => plain("DeleteAccountPasswordPolicy", Account),
        // the policy engine, asked
        Input::SimulatePrincipalPolicy(i) => plain("SimulatePrincipalPolicy", Principal(&i.policy_source_arn)),
        Input::GetContextKeysForPrincipalPolicy(i) => plain("GetContextKeysForPrincipalPolicy", Principal(&i.policy_source_arn)),
        Input::SimulateCustomPolicy(_) => plain("SimulateCustomPolicy", Account),
        Input::GetContextKeysForCustomPolicy(_) => plain("GetContextKeysForCustomPolicy", Account),
    }
}

fn service_role<'a>(service: &'a str, suffix: Option<&'a str>) -> Row<'a> {
    let facts = Facts { service_name: Some(service), ..Facts::default() };
    Row("CreateServiceLinkedRole", Subject::ServiceRole { service, suffix }, facts)
}

impl Iam {
    /// The questions to the policy engine for an input.
    ///
    /// # Errors
    /// `InvalidClientTokenId` for credentials that may not call IAM at all.
    pub(crate) async fn table(&self, call: &Call, input: &Input) -> Result<Vec<Check>> {
        refuse_user_session(call)?;
        let account = call.account()?;
        let Row(action, subject, facts) = row(input);
        let resource = self.resource(call, account, subject).await?;
        let check = Check::new(format!("iam:{action}"), resource.arn);
        let mut checks =
            vec![with_facts(with_tags(check, &resource.tags), &facts, resource.boundary)];
        // Whoever hands a role to an instance must be allowed to pass it on.
        if let Input::AddRoleToInstanceProfile(input) = input {
            let role = self.role_resource(account, &input.role_name).await?;
            let check = Check::new("iam:PassRole", role.arn)
                .with("iam:PassedToService", vec!["ec2.amazonaws.com".into()]);
            checks.push(with_tags(check, &role.tags));
        }
        Ok(checks)
    }

    /// Something that is not there is asked for under the path `/`, so that its absence is
    /// told only to those who may know.
    async fn resource(
        &self,
        call: &Call,
        account: &AccountId,
        subject: Subject<'_>,
    ) -> Result<Resource> {
        let plain = |kind: &str, name: &str| Resource::plain(name::arn(account, kind, "/", name));
        Ok(match subject {
            Account => Resource::plain("*".into()),
            List { kind, prefix } => {
                Resource::plain(name::arn(account, kind, prefix.unwrap_or("/"), ""))
            }
            New { kind, path, name } => {
                Resource::plain(name::arn(account, kind, path.unwrap_or("/"), name))
            }
            Named(Some(name)) => self.user_resource(account, name).await?,
            // The root user's ARN is no policy's business.
            Named(None) if call.identity.principal == aws::Principal::Root => {
                Resource::plain(format!("arn:aws:iam::{account}:root"))
            }
            Named(None) => {
                let name = named_or_caller(&call.identity, None)?;
                self.user_resource(account, &name).await?
            }
            Group(name) => {
                let found = self.find::<crate::group::Group>(account, name).await?;
                found.map_or_else(
                    || plain("group", name),
                    |group| Resource::plain(group.arn(account)),
                )
            }
            Subject::Role(name) => self.role_resource(account, name).await?,
            Profile(name) => {
                let found =
                    self.find::<crate::instance_profile::InstanceProfile>(account, name).await?;
                found.map_or_else(
                    || plain("instance-profile", name),
                    |profile| Resource {
                        arn: profile.arn(account),
                        tags: profile.tags,
                        boundary: None,
                    },
                )
            }
            Policy(arn) => match self.find_policy(account, arn).await? {
                Some(Found::Customer(policy)) => {
                    Resource { arn: arn.into(), tags: policy.record.tags, boundary: None }
                }
                _ => Resource::plain(arn.into()),
            },
            Principal(arn) => Resource::plain(arn.into()),
            Key(id) => self.key_resource(account, id).await?,
            Task(id) => {
                let mut parts = id.split('/').skip(2);
                let (service, role) = (parts.next(), parts.next());
                let path = format!("/aws-service-role/{}/", service.unwrap_or("*"));
                Resource::plain(name::arn(account, "role", &path, role.unwrap_or("*")))
            }
            Subject::ServiceRole { service, suffix } => {
                Resource::plain(service_linked_role::arn(account, service, suffix))
            }
        })
    }

    async fn find<R: state::Record>(&self, account: &AccountId, name: &str) -> Result<Option<R>> {
        let found: Option<Stored<R>> = self.records.get(&scope(account), &name::key(name)).await?;
        Ok(found.map(|found| found.record))
    }

    async fn user_resource(&self, account: &AccountId, name: &str) -> Result<Resource> {
        Ok(match self.find::<User>(account, name).await? {
            Some(user) => Resource::of_user(account, user),
            None => Resource::plain(name::arn(account, User::NOUN, "/", name)),
        })
    }

    async fn role_resource(&self, account: &AccountId, name: &str) -> Result<Resource> {
        Ok(match self.find::<Role>(account, name).await? {
            Some(role) => {
                Resource { arn: role.arn(account), tags: role.tags, boundary: role.boundary }
            }
            None => Resource::plain(name::arn(account, Role::NOUN, "/", name)),
        })
    }

    async fn key_resource(&self, account: &AccountId, id: &str) -> Result<Resource> {
        let key: Option<Stored<AccessKey>> = self.records.get(&scope(account), id).await?;
        let user = match key.map(|key| key.record.owner) {
            Some(Owner::User(id)) => self.user_by_id(&scope(account), &id).await?,
            _ => None,
        };
        Ok(match user {
            Some(user) => Resource::of_user(account, user.record),
            None => Resource::plain("*".into()),
        })
    }
}

/// What is known of the entity that an operation is about.
struct Resource {
    arn: String,
    tags: Tags,
    boundary: Option<String>,
}

impl Resource {
    fn plain(arn: String) -> Self {
        Self { arn, tags: Tags::default(), boundary: None }
    }

    fn of_user(account: &AccountId, user: User) -> Self {
        Self { arn: user.arn(account), tags: user.tags, boundary: user.boundary }
    }
}

fn with_tags(mut check: Check, tags: &Tags) -> Check {
    for (key, value) in tags.iter() {
        check = check
            .with(format!("aws:ResourceTag/{key}"), vec![value.into()])
            .with(format!("iam:ResourceTag/{key}"), vec![value.into()]);
    }
    check
}

fn with_facts(mut check: Check, facts: &Facts<'_>, has: Option<String>) -> Check {
    for tag in facts.tags.into_iter().flatten() {
        check = check.with(format!("aws:RequestTag/{}", tag.key), vec![tag.value.clone()]);
    }
    let given = facts.tags.into_iter().flatten().map(|tag| tag.key.clone());
    let removed = facts.tag_keys.into_iter().flatten().cloned();
    let keys: Vec<String> = given.chain(removed).collect();
    if !keys.is_empty() {
        check = check.with("aws:TagKeys", keys);
    }
    let boundary = facts.boundary.map(str::to_owned).or(has.filter(|_| facts.shows_boundary));
    let single = [
        ("iam:PolicyARN", facts.policy_arn.map(str::to_owned)),
        ("iam:PermissionsBoundary", boundary),
        ("iam:AWSServiceName", facts.service_name.map(str::to_owned)),
    ];
    for (key, value) in single {
        if let Some(value) = value {
            check = check.with(key, vec![value]);
        }
    }
    check
}
