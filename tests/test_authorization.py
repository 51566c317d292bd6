"""What policies allow and refuse, and AWS's sentences for it."""

from refusal import check_denied, check_refused, explicitly_denied, no_policy_allows
from region import allow, deny, policy, trust


def test_a_user_whose_policy_allows_one_thing(account):
    alice = account.user("alice", allow("iam:ListGroups"))
    arn, id = alice.arn, account.account
    assert arn == f"arn:aws:iam::{id}:user/alice"
    assert alice.iam.list_groups()["Groups"] == []
    check_denied(
        alice.iam.list_users, arn, "iam:ListUsers", f"arn:aws:iam::{id}:user/",
        no_policy_allows("iam:ListUsers"),
    )
    check_denied(
        lambda: alice.iam.create_user(UserName="eve"), arn, "iam:CreateUser",
        f"arn:aws:iam::{id}:user/eve", no_policy_allows("iam:CreateUser"),
    )
    check_refused(lambda: account.iam.get_user(UserName="eve"), "NoSuchEntity", 404)


def test_an_explicit_deny_wins(account):
    alice = account.user("alice", allow("iam:*"), deny("iam:ListUsers"))
    alice.iam.list_groups()
    check_denied(
        alice.iam.list_users, alice.arn, "iam:ListUsers",
        f"arn:aws:iam::{account.account}:user/", explicitly_denied("an identity-based"),
    )


def test_a_policy_reaches_a_user_in_every_way(account):
    iam = account.iam
    alice = account.user("alice")
    arn = iam.create_policy(PolicyName="list", PolicyDocument=policy(allow("iam:ListUsers")))
    arn = arn["Policy"]["Arn"]
    iam.create_group(GroupName="ops")
    iam.add_user_to_group(GroupName="ops", UserName="alice")

    def check_way(open, close):
        check_refused(alice.iam.list_users, "AccessDenied", 403)
        open()
        alice.iam.list_users()
        close()
        check_refused(alice.iam.list_users, "AccessDenied", 403)

    document = policy(allow("iam:ListUsers"))
    check_way(
        lambda: iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=document),
        lambda: iam.delete_user_policy(UserName="alice", PolicyName="p"),
    )
    check_way(
        lambda: iam.attach_user_policy(UserName="alice", PolicyArn=arn),
        lambda: iam.detach_user_policy(UserName="alice", PolicyArn=arn),
    )
    check_way(
        lambda: iam.put_group_policy(GroupName="ops", PolicyName="p", PolicyDocument=document),
        lambda: iam.delete_group_policy(GroupName="ops", PolicyName="p"),
    )
    check_way(
        lambda: iam.attach_group_policy(GroupName="ops", PolicyArn=arn),
        lambda: iam.detach_group_policy(GroupName="ops", PolicyArn=arn),
    )


def test_policies_that_aws_manages_allow(account):
    alice = account.user("alice")
    account.iam.attach_user_policy(
        UserName="alice", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    alice.iam.list_users()
    check_refused(lambda: alice.iam.create_user(UserName="eve"), "AccessDenied", 403)


def test_a_boundary_limits(account):
    iam, id = account.iam, account.account
    alice = account.user("alice", allow("iam:*"))
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=policy(allow("iam:ListGroups")))
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=edge["Policy"]["Arn"])
    alice.iam.list_groups()
    check_denied(
        alice.iam.list_users, alice.arn, "iam:ListUsers", f"arn:aws:iam::{id}:user/",
        "because no permissions boundary allows the iam:ListUsers action",
    )


def test_resources_variables_and_conditions(account):
    own = "arn:aws:iam::*:user/${aws:username}"
    alice = account.user(
        "alice",
        allow(["iam:GetUser", "iam:ListAccessKeys"], own),
        allow("iam:CreateUser", "arn:aws:iam::*:user/*",
              Condition={"StringEquals": {"aws:RequestTag/team": "blue"}}),
        allow("iam:TagUser"),
        allow("iam:ListRoles", Condition={"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}),
        allow("iam:ListPolicies", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}),
        allow("iam:ListGroups", Condition={"Bool": {"aws:SecureTransport": "true"}}),
    )
    account.iam.create_user(UserName="bob")
    alice.iam.get_user(UserName="alice")
    # Without a name the question is about the caller.
    assert alice.iam.get_user()["User"]["UserName"] == "alice"
    check_refused(lambda: alice.iam.get_user(UserName="bob"), "AccessDenied", 403)
    blue, red = [{"Key": "team", "Value": "blue"}], [{"Key": "team", "Value": "red"}]
    alice.iam.create_user(UserName="eve", Tags=blue)
    check_refused(lambda: alice.iam.create_user(UserName="x", Tags=red), "AccessDenied", 403)
    check_refused(lambda: alice.iam.create_user(UserName="x"), "AccessDenied", 403)
    alice.iam.list_roles()
    check_refused(alice.iam.list_policies, "AccessDenied", 403)
    check_refused(alice.iam.list_groups, "AccessDenied", 403)


def test_a_role_in_a_second_account(account, other_account):
    alice = account.user("alice", allow("sts:AssumeRole"))
    bob = account.user("bob")
    role = other_account.role(
        "visitor", [trust(f"arn:aws:iam::{account.account}:root")], allow("iam:ListUsers")
    )
    visitor = alice.assume(role, session="trip")
    identity = visitor.sts.get_caller_identity()
    there = other_account.account
    assert identity["Arn"] == f"arn:aws:sts::{there}:assumed-role/visitor/trip"
    assert identity["Account"] == there
    assert visitor.iam.list_users()["Users"] == []
    check_denied(
        visitor.iam.list_roles, identity["Arn"], "iam:ListRoles", f"arn:aws:iam::{there}:role/",
        no_policy_allows("iam:ListRoles"),
    )
    # Both accounts must say yes: bob's own policies do not.
    check_refused(
        lambda: bob.assume(role), "AccessDenied", 403,
        f"User: {bob.arn} is not authorized to perform: sts:AssumeRole on resource: {role}",
    )


def test_a_trust_policy_that_does_not_trust(account, other_account):
    alice = account.user("alice", allow("sts:AssumeRole"))
    role = other_account.role("closed", [trust(f"arn:aws:iam::{other_account.account}:root")])
    check_refused(
        lambda: alice.assume(role), "AccessDenied", 403,
        f"User: {alice.arn} is not authorized to perform: sts:AssumeRole on resource: {role}",
    )


def test_an_external_id(account, other_account):
    alice = account.user("alice", allow("sts:AssumeRole"))
    role = other_account.role(
        "partner",
        [trust(f"arn:aws:iam::{account.account}:root",
               Condition={"StringEquals": {"sts:ExternalId": "handshake"}})],
    )
    alice.assume(role, ExternalId="handshake")
    check_refused(lambda: alice.assume(role), "AccessDenied", 403)
    check_refused(lambda: alice.assume(role, ExternalId="guess"), "AccessDenied", 403)


def test_a_session_policy_only_takes_away(account):
    root = f"arn:aws:iam::{account.account}:root"
    role = account.role("admin", [trust(root)], allow(["iam:ListUsers", "iam:ListGroups"]))
    alice = account.user("alice", allow("sts:AssumeRole"))
    narrow = alice.assume(role, Policy=policy(allow(["iam:ListUsers", "iam:ListRoles"])))
    narrow.iam.list_users()
    check_denied(
        narrow.iam.list_groups, narrow.arn, "iam:ListGroups",
        f"arn:aws:iam::{account.account}:group/",
        "because no session policy allows the iam:ListGroups action",
    )
    check_refused(narrow.iam.list_roles, "AccessDenied", 403)


def test_session_tags(account):
    root = f"arn:aws:iam::{account.account}:root"
    role = account.role(
        "tagged",
        [trust(root, action=["sts:AssumeRole", "sts:TagSession"])],
        allow("iam:ListUsers", Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}}),
    )
    alice = account.user("alice", allow(["sts:AssumeRole", "sts:TagSession"]))
    blue = alice.assume(role, Tags=[{"Key": "team", "Value": "blue"}])
    blue.iam.list_users()
    red = alice.assume(role, Tags=[{"Key": "team", "Value": "red"}])
    check_refused(red.iam.list_users, "AccessDenied", 403)
    check_refused(alice.assume(role).iam.list_users, "AccessDenied", 403)

    untagged = account.role("untagged", [trust(root)])
    check_refused(
        lambda: alice.assume(untagged, Tags=[{"Key": "team", "Value": "blue"}]),
        "AccessDenied", 403,
    )


def test_a_removed_user_is_gone_at_once(account):
    alice = account.user("alice", allow("iam:ListUsers"))
    alice.iam.list_users()
    account.iam.delete_user_policy(UserName="alice", PolicyName="inline")
    check_refused(alice.iam.list_users, "AccessDenied", 403)
    account.iam.delete_access_key(UserName="alice", AccessKeyId=alice.access_key)
    account.iam.delete_user(UserName="alice")
    check_refused(alice.iam.list_users, "InvalidClientTokenId", 403)
