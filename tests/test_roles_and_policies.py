"""Roles, instance profiles, managed and inline policies, boundaries: boto3 against a region."""

import json
import re

from refusal import check_refused
from region import allow, policy, trust

EC2_TRUST = policy(
    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
)
ALLOW_LIST = policy(allow("s3:ListBucket"))
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
SSM_CORE = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"


def test_a_role_lives_and_dies(account):
    iam, id = account.iam, account.account
    made = iam.create_role(
        RoleName="web", Path="/tier/", AssumeRolePolicyDocument=EC2_TRUST,
        Description="the web tier", MaxSessionDuration=7200, Tags=[{"Key": "k", "Value": "v"}],
    )["Role"]
    assert made["Arn"] == f"arn:aws:iam::{id}:role/tier/web"
    assert re.fullmatch("AROA[A-Z2-7]{17}", made["RoleId"])
    assert made["AssumeRolePolicyDocument"] == json.loads(EC2_TRUST)
    read = iam.get_role(RoleName="web")["Role"]
    assert (read["Description"], read["MaxSessionDuration"]) == ("the web tier", 7200)
    assert read["Tags"] == [{"Key": "k", "Value": "v"}]

    iam.update_role(RoleName="web", Description="other", MaxSessionDuration=3600)
    other = policy(trust(f"arn:aws:iam::{id}:root"))
    iam.update_assume_role_policy(RoleName="web", PolicyDocument=other)
    read = iam.get_role(RoleName="web")["Role"]
    assert (read["Description"], read["MaxSessionDuration"]) == ("other", 3600)
    assert read["AssumeRolePolicyDocument"] == json.loads(other)
    assert [r["RoleName"] for r in iam.list_roles(PathPrefix="/tier/")["Roles"]] == ["web"]
    iam.delete_role(RoleName="web")
    check_refused(lambda: iam.get_role(RoleName="web"), "NoSuchEntity", 404)


def test_a_role_goes_last(account):
    iam = account.iam
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=EC2_TRUST)
    steps = [
        (
            lambda: iam.put_role_policy(RoleName="web", PolicyName="p", PolicyDocument=ALLOW_LIST),
            "Cannot delete entity, must delete policies first.",
            lambda: iam.delete_role_policy(RoleName="web", PolicyName="p"),
        ),
        (
            lambda: iam.attach_role_policy(RoleName="web", PolicyArn=SSM_CORE),
            "Cannot delete entity, must detach all policies first.",
            lambda: iam.detach_role_policy(RoleName="web", PolicyArn=SSM_CORE),
        ),
        (
            lambda: (
                iam.create_instance_profile(InstanceProfileName="web"),
                iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web"),
            ),
            "Cannot delete entity, must remove roles from instance profile first.",
            lambda: iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web"),
        ),
    ]
    for bind, message, unbind in steps:
        bind()
        check_refused(lambda: iam.delete_role(RoleName="web"), "DeleteConflict", 409, message)
        unbind()
    iam.delete_role(RoleName="web")


def test_instance_profiles(account):
    iam, id = account.iam, account.account
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=EC2_TRUST)
    made = iam.create_instance_profile(InstanceProfileName="web")["InstanceProfile"]
    assert made["Arn"] == f"arn:aws:iam::{id}:instance-profile/web" and made["Roles"] == []
    assert made["InstanceProfileId"].startswith("AIPA")
    iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    read = iam.get_instance_profile(InstanceProfileName="web")["InstanceProfile"]
    assert [role["RoleName"] for role in read["Roles"]] == ["web"]
    listed = iam.list_instance_profiles_for_role(RoleName="web")["InstanceProfiles"]
    assert [profile["InstanceProfileName"] for profile in listed] == ["web"]
    check_refused(
        lambda: iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web"),
        "LimitExceeded", 409, "Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1",
    )
    check_refused(
        lambda: iam.delete_instance_profile(InstanceProfileName="web"),
        "DeleteConflict", 409, "Cannot delete entity, must remove roles from instance profile first.",
    )
    iam.remove_role_from_instance_profile(InstanceProfileName="web", RoleName="web")
    iam.delete_instance_profile(InstanceProfileName="web")


def test_versions_of_a_managed_policy(account):
    iam, id = account.iam, account.account
    made = iam.create_policy(PolicyName="p", PolicyDocument=ALLOW_LIST, Description="d")["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{id}:policy/p" and made["PolicyId"].startswith("ANPA")
    assert (made["DefaultVersionId"], made["AttachmentCount"]) == ("v1", 0)
    for n in range(2, 6):
        version = iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=policy(allow(f"s3:Get{n}")), SetAsDefault=n == 3
        )["PolicyVersion"]
        assert (version["VersionId"], version["IsDefaultVersion"]) == (f"v{n}", n == 3)
    check_refused(
        lambda: iam.create_policy_version(PolicyArn=arn, PolicyDocument=ALLOW_LIST),
        "LimitExceeded", 409,
        "A managed policy can have up to 5 versions. Before you create a new version, "
        "you must delete an existing version.",
    )
    check_refused(
        lambda: iam.delete_policy_version(PolicyArn=arn, VersionId="v3"),
        "DeleteConflict", 409, "Cannot delete the default version of a policy.",
    )
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v3"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    read = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert read["Document"] == json.loads(ALLOW_LIST) and read["IsDefaultVersion"]
    iam.delete_policy_version(PolicyArn=arn, VersionId="v3")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert sorted(v["VersionId"] for v in versions) == ["v1", "v2", "v4", "v5"]


def test_attachments_of_a_managed_policy(account):
    iam = account.iam
    arn = iam.create_policy(PolicyName="p", PolicyDocument=ALLOW_LIST)["Policy"]["Arn"]
    iam.create_user(UserName="alice")
    iam.create_group(GroupName="ops")
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=EC2_TRUST)
    iam.attach_user_policy(UserName="alice", PolicyArn=arn)
    iam.attach_group_policy(GroupName="ops", PolicyArn=arn)
    iam.attach_role_policy(RoleName="web", PolicyArn=arn)
    # Attaching twice is attaching once.
    iam.attach_role_policy(RoleName="web", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 3
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [u["UserName"] for u in entities["PolicyUsers"]] == ["alice"]
    assert [g["GroupName"] for g in entities["PolicyGroups"]] == ["ops"]
    assert [r["RoleName"] for r in entities["PolicyRoles"]] == ["web"]
    attached = iam.list_attached_role_policies(RoleName="web")["AttachedPolicies"]
    assert attached == [{"PolicyName": "p", "PolicyArn": arn}]
    check_refused(
        lambda: iam.delete_policy(PolicyArn=arn),
        "DeleteConflict", 409, "Cannot delete a policy attached to entities.",
    )
    iam.detach_user_policy(UserName="alice", PolicyArn=arn)
    iam.detach_group_policy(GroupName="ops", PolicyArn=arn)
    iam.detach_role_policy(RoleName="web", PolicyArn=arn)
    check_refused(
        lambda: iam.detach_role_policy(RoleName="web", PolicyArn=arn),
        "NoSuchEntity", 404, f"Policy {arn} was not found.",
    )
    iam.delete_policy(PolicyArn=arn)


def test_policies_that_aws_manages(account):
    iam = account.iam
    for arn in [SSM_CORE, READ_ONLY, "arn:aws:iam::aws:policy/AdministratorAccess"]:
        found = iam.get_policy(PolicyArn=arn)["Policy"]
        version = iam.get_policy_version(PolicyArn=arn, VersionId=found["DefaultVersionId"])
        assert version["PolicyVersion"]["Document"]["Statement"]
    check_refused(
        lambda: iam.delete_policy(PolicyArn=SSM_CORE), "AccessDenied", 403,
    )
    local = iam.get_paginator("list_policies").paginate(Scope="Local").build_full_result()
    assert local["Policies"] == []
    names = {
        p["PolicyName"]
        for page in iam.get_paginator("list_policies").paginate(Scope="AWS")
        for p in page["Policies"]
    }
    assert {"AdministratorAccess", "ReadOnlyAccess", "AmazonSSMManagedInstanceCore"} <= names


def test_inline_policies_read_back_as_written(account):
    iam = account.iam
    iam.create_user(UserName="alice")
    document = policy(allow("s3:GetObject", "arn:aws:s3:::b/한글 &<>\"'%2F+*"))
    iam.put_user_policy(UserName="alice", PolicyName="inline", PolicyDocument=document)
    read = iam.get_user_policy(UserName="alice", PolicyName="inline")["PolicyDocument"]
    assert read == json.loads(document)
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == ["inline"]
    check_refused(
        lambda: iam.get_user_policy(UserName="alice", PolicyName="no"),
        "NoSuchEntity", 404, "The user policy with name no cannot be found.",
    )


def test_boundaries(account):
    iam = account.iam
    arn = iam.create_policy(PolicyName="edge", PolicyDocument=ALLOW_LIST)["Policy"]["Arn"]
    boundary = {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}
    iam.create_user(UserName="alice", PermissionsBoundary=arn)
    assert iam.get_user(UserName="alice")["User"]["PermissionsBoundary"] == boundary
    iam.create_role(RoleName="web", AssumeRolePolicyDocument=EC2_TRUST)
    iam.put_role_permissions_boundary(RoleName="web", PermissionsBoundary=arn)
    assert iam.get_role(RoleName="web")["Role"]["PermissionsBoundary"] == boundary
    assert iam.get_policy(PolicyArn=arn)["Policy"]["PermissionsBoundaryUsageCount"] == 2
    iam.delete_role_permissions_boundary(RoleName="web")
    iam.delete_user_permissions_boundary(UserName="alice")
    assert "PermissionsBoundary" not in iam.get_user(UserName="alice")["User"]


def check_malformed(iam, document):
    check_refused(
        lambda: iam.create_policy(PolicyName="p", PolicyDocument=document),
        "MalformedPolicyDocument", 400,
    )
    assert iam.list_policies(Scope="Local")["Policies"] == []


def test_malformed_policies(account):
    nested = '{"Version":"2012-10-17","Statement":' + "[" * 2000 + "]" * 2000 + "}"
    for document in [
        "not json",
        "{}",
        '{"Version":"2012-10-17"}',
        '{"Version":"2020-01-01","Statement":[]}',
        policy({"Effect": "Perhaps", "Action": "s3:*", "Resource": "*"}),
        policy({"Effect": "Allow", "Resource": "*"}),
        policy({"Effect": "Allow", "Action": "s3:*"}),
        policy({**allow("s3:*"), "Principal": "*"}),
        policy({**allow("s3:*"), "NotAction": "s3:*"}),
        policy(allow("s3:*", Condition={"NoSuchOperator": {"aws:SourceIp": "10.0.0.0/8"}})),
        nested,
    ]:
        check_malformed(account.iam, document)


def simulate(iam, arn, actions, **parameters):
    answer = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=actions, **parameters)
    return {r["EvalActionName"]: r["EvalDecision"] for r in answer["EvaluationResults"]}


def test_simulate_principal_policy(account):
    iam = account.iam
    account.user(
        "alice",
        allow("s3:*", "arn:aws:s3:::photos/*"),
        {"Effect": "Deny", "Action": "s3:DeleteObject", "Resource": "*"},
    )
    arn = f"arn:aws:iam::{account.account}:user/alice"
    seen = simulate(
        iam, arn, ["s3:GetObject", "s3:DeleteObject", "ec2:RunInstances"],
        ResourceArns=["arn:aws:s3:::photos/cat"],
    )
    assert seen == {
        "s3:GetObject": "allowed",
        "s3:DeleteObject": "explicitDeny",
        "ec2:RunInstances": "implicitDeny",
    }
