"""Users, groups, access keys, tags: boto3 against a region."""

import re

import pytest

from refusal import check_refused
from region import allow, policy

ALLOW_LIST = policy(allow("s3:ListBucket"))


def test_a_user_lives_and_dies(account):
    iam, id = account.iam, account.account
    made = iam.create_user(UserName="alice", Path="/team/", Tags=[{"Key": "k", "Value": "v"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{id}:user/team/alice"
    assert re.fullmatch("AIDA[A-Z2-7]{17}", made["UserId"])
    assert made["Tags"] == [{"Key": "k", "Value": "v"}]
    read = iam.get_user(UserName="alice")["User"]
    assert read == made
    assert [u["UserName"] for u in iam.list_users(PathPrefix="/team/")["Users"]] == ["alice"]
    assert iam.list_users(PathPrefix="/other/")["Users"] == []

    iam.update_user(UserName="alice", NewUserName="alicia", NewPath="/")
    moved = iam.get_user(UserName="alicia")["User"]
    assert (moved["UserId"], moved["Arn"]) == (made["UserId"], f"arn:aws:iam::{id}:user/alicia")
    iam.delete_user(UserName="alicia")
    check_refused(
        lambda: iam.get_user(UserName="alicia"),
        "NoSuchEntity", 404, "The user with name alicia cannot be found.",
    )


def test_waiters_end(account):
    iam = account.iam
    iam.create_user(UserName="waited")
    iam.get_waiter("user_exists").wait(UserName="waited", WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    iam.create_role(RoleName="waited", AssumeRolePolicyDocument=policy(
        {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ))
    iam.get_waiter("role_exists").wait(RoleName="waited", WaiterConfig={"Delay": 0, "MaxAttempts": 1})
    made = iam.create_policy(PolicyName="waited", PolicyDocument=ALLOW_LIST)["Policy"]
    iam.get_waiter("policy_exists").wait(
        PolicyArn=made["Arn"], WaiterConfig={"Delay": 0, "MaxAttempts": 1}
    )
    iam.create_instance_profile(InstanceProfileName="waited")
    iam.get_waiter("instance_profile_exists").wait(
        InstanceProfileName="waited", WaiterConfig={"Delay": 0, "MaxAttempts": 1}
    )


@pytest.mark.parametrize("page_size", [1, 3, 100])
def test_every_page_once(account, page_size):
    names = [f"user-{n}" for n in range(7)]
    for name in reversed(names):
        account.iam.create_user(UserName=name)
    pages = list(account.iam.get_paginator("list_users").paginate(PaginationConfig={"PageSize": page_size}))
    assert [u["UserName"] for page in pages for u in page["Users"]] == names
    assert len(pages) == -(-len(names) // page_size)


def test_a_marker_nobody_gave_out(account):
    check_refused(
        lambda: account.iam.list_users(Marker="made-up"),
        "ValidationError", 400, re.compile(".*[Mm]arker.*"),
    )


def test_groups_and_membership(account):
    iam, id = account.iam, account.account
    group = iam.create_group(GroupName="ops")["Group"]
    assert group["Arn"] == f"arn:aws:iam::{id}:group/ops"
    assert group["GroupId"].startswith("AGPA")
    for name in ["alice", "bob"]:
        iam.create_user(UserName=name)
        iam.add_user_to_group(GroupName="ops", UserName=name)
    assert sorted(u["UserName"] for u in iam.get_group(GroupName="ops")["Users"]) == ["alice", "bob"]
    assert [g["GroupName"] for g in iam.list_groups_for_user(UserName="bob")["Groups"]] == ["ops"]
    check_refused(
        lambda: iam.delete_group(GroupName="ops"),
        "DeleteConflict", 409, "Cannot delete entity, must remove users from group first.",
    )
    check_refused(
        lambda: iam.delete_user(UserName="bob"),
        "DeleteConflict", 409, "Cannot delete entity, must remove users from group first.",
    )
    for name in ["alice", "bob"]:
        iam.remove_user_from_group(GroupName="ops", UserName=name)
    iam.put_group_policy(GroupName="ops", PolicyName="inline", PolicyDocument=ALLOW_LIST)
    assert iam.list_group_policies(GroupName="ops")["PolicyNames"] == ["inline"]
    check_refused(
        lambda: iam.delete_group(GroupName="ops"),
        "DeleteConflict", 409, "Cannot delete entity, must delete policies first.",
    )
    iam.delete_group_policy(GroupName="ops", PolicyName="inline")
    iam.delete_group(GroupName="ops")
    assert iam.list_groups()["Groups"] == []


def test_access_keys(account):
    iam = account.iam
    iam.create_user(UserName="alice")
    first = iam.create_access_key(UserName="alice")["AccessKey"]
    assert re.fullmatch("AKIA[A-Z2-7]{16}", first["AccessKeyId"])
    assert len(first["SecretAccessKey"]) == 40 and first["Status"] == "Active"
    alice = account.with_keys(first)
    assert alice.sts.get_caller_identity()["Arn"].endswith(":user/alice")
    iam.create_access_key(UserName="alice")
    check_refused(
        lambda: iam.create_access_key(UserName="alice"),
        "LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2",
    )
    listed = iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]
    assert len(listed) == 2 and all("SecretAccessKey" not in key for key in listed)
    used = iam.get_access_key_last_used(AccessKeyId=first["AccessKeyId"])
    assert used["UserName"] == "alice"

    iam.update_access_key(UserName="alice", AccessKeyId=first["AccessKeyId"], Status="Inactive")
    check_refused(
        alice.sts.get_caller_identity,
        "InvalidClientTokenId", 403, "The security token included in the request is invalid.",
    )
    iam.update_access_key(UserName="alice", AccessKeyId=first["AccessKeyId"], Status="Active")
    alice.sts.get_caller_identity()
    check_refused(
        lambda: iam.delete_user(UserName="alice"),
        "DeleteConflict", 409, "Cannot delete entity, must delete access keys first.",
    )
    iam.delete_access_key(UserName="alice", AccessKeyId=first["AccessKeyId"])
    check_refused(
        alice.sts.get_caller_identity,
        "InvalidClientTokenId", 403, "The security token included in the request is invalid.",
    )


def test_tags_of_a_user(account):
    iam = account.iam
    iam.create_user(UserName="alice")
    iam.tag_user(UserName="alice", Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}])
    iam.tag_user(UserName="alice", Tags=[{"Key": "a", "Value": "2"}])
    iam.untag_user(UserName="alice", TagKeys=["b", "absent"])
    assert iam.list_user_tags(UserName="alice")["Tags"] == [{"Key": "a", "Value": "2"}]
    check_refused(
        lambda: iam.tag_user(UserName="alice", Tags=[{"Key": "aws:x", "Value": "1"}]),
        "InvalidInput", 400, "Tag keys beginning with 'aws:' are reserved for system use.",
    )
    check_refused(
        lambda: iam.tag_user(
            UserName="alice", Tags=[{"Key": f"k{n}", "Value": ""} for n in range(50)]
        ),
        "LimitExceeded", 409,
    )


def test_account_alias_and_summary(account):
    iam, id = account.iam, account.account
    alias = f"house-{id}"
    iam.create_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == [alias]
    account.user("alice")
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Users"], summary["Groups"], summary["AccessKeysPerUserQuota"]) == (1, 0, 2)
    iam.delete_account_alias(AccountAlias=alias)
    assert iam.list_account_aliases()["AccountAliases"] == []


def check_name_taken(make, message):
    make()
    check_refused(make, "EntityAlreadyExists", 409, message)


def test_names_are_taken_once(account):
    iam = account.iam
    check_name_taken(lambda: iam.create_user(UserName="x"), "User with name x already exists.")
    check_name_taken(lambda: iam.create_group(GroupName="x"), "Group with name x already exists.")
    # A name is taken whatever its case.
    check_refused(
        lambda: iam.create_user(UserName="X"),
        "EntityAlreadyExists", 409, re.compile("User with name . already exists."),
    )
    check_name_taken(
        lambda: iam.create_instance_profile(InstanceProfileName="x"),
        "Instance Profile x already exists.",
    )
    check_name_taken(
        lambda: iam.create_policy(PolicyName="x", PolicyDocument=ALLOW_LIST),
        "A policy called x already exists. Duplicate names are not allowed.",
    )


def test_nothing_of_that_name(account):
    iam = account.iam
    for call, message in [
        (lambda: iam.get_user(UserName="no"), "The user with name no cannot be found."),
        (lambda: iam.get_group(GroupName="no"), "The group with name no cannot be found."),
        (lambda: iam.get_role(RoleName="no"), "The role with name no cannot be found."),
        (
            lambda: iam.get_instance_profile(InstanceProfileName="no"),
            "Instance Profile no cannot be found.",
        ),
    ]:
        check_refused(call, "NoSuchEntity", 404, message)


def test_accounts_do_not_see_each_other(account, other_account):
    account.iam.create_user(UserName="alice")
    assert account.account != other_account.account
    assert other_account.iam.list_users()["Users"] == []
    other_account.iam.create_user(UserName="alice")
