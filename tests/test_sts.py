"""STS: who is asking, sessions, and their end."""

import re

from refusal import check_refused
from region import allow, trust

EXPIRED = ("ExpiredToken", 403, "The security token included in the request is expired")


def test_who_is_asking(account):
    identity = account.sts.get_caller_identity()
    id = identity["Account"]
    assert re.fullmatch(r"\d{12}", id)
    assert (identity["UserId"], identity["Arn"]) == (id, f"arn:aws:iam::{id}:root")
    alice = account.user("alice")
    made = account.iam.get_user(UserName="alice")["User"]
    identity = alice.sts.get_caller_identity()
    assert (identity["UserId"], identity["Arn"]) == (made["UserId"], made["Arn"])


def test_every_region_answers(account):
    for name in ["us-east-1", "eu-west-1", "ap-northeast-2"]:
        assert account.client("sts", region=name).get_caller_identity()["Account"]


def test_what_assume_role_answers(account):
    role = account.role("web", [trust(f"arn:aws:iam::{account.account}:root")])
    alice = account.user("alice", allow("sts:AssumeRole"))
    answer = alice.sts.assume_role(RoleArn=role, RoleSessionName="me", DurationSeconds=900)
    role_id = account.iam.get_role(RoleName="web")["Role"]["RoleId"]
    assert answer["AssumedRoleUser"] == {
        "AssumedRoleId": f"{role_id}:me",
        "Arn": f"arn:aws:sts::{account.account}:assumed-role/web/me",
    }
    assert re.fullmatch("ASIA[A-Z2-7]{16}", answer["Credentials"]["AccessKeyId"])
    session = account.with_keys(answer["Credentials"]).sts.get_caller_identity()
    assert session["UserId"] == f"{role_id}:me"


def test_parameters_of_assume_role(account):
    role = account.role("web", [trust(f"arn:aws:iam::{account.account}:root")])
    alice = account.user("alice", allow("sts:AssumeRole"))
    check_refused(
        lambda: alice.assume(role, DurationSeconds=7200), "ValidationError", 400,
        "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    )
    check_refused(lambda: alice.assume(role, session="not a name"), "ValidationError", 400)
    check_refused(lambda: alice.assume(role, Policy="{"), "MalformedPolicyDocument", 400)
    # A role that is not there is not told from one that does not trust.
    missing = role.replace("web", "no")
    check_refused(
        lambda: alice.assume(missing), "AccessDenied", 403,
        f"User: {alice.arn} is not authorized to perform: sts:AssumeRole on resource: {missing}",
    )
    check_refused(lambda: account.assume(role), "AccessDenied", 403)


def test_a_session_of_a_user(account):
    alice = account.user("alice", allow("iam:ListUsers"))
    session = alice.with_keys(alice.sts.get_session_token()["Credentials"])
    assert session.arn == alice.arn
    # AWS: a session without MFA calls no IAM operation.
    check_refused(session.iam.list_users, "InvalidClientTokenId", 403)


def test_whose_key_it_is(account):
    alice = account.user("alice")
    info = account.sts.get_access_key_info(AccessKeyId=alice.access_key)
    assert info["Account"] == account.account


def test_a_session_without_its_token_or_with_another(account):
    role = account.role("web", [trust(f"arn:aws:iam::{account.account}:root")])
    alice = account.user("alice", allow("sts:AssumeRole"))
    keys = alice.sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    for token in [None, "made-up", keys["SessionToken"][:-8] + "AAAAAAAA"]:
        check_refused(
            account.with_keys(keys | {"SessionToken": token}).sts.get_caller_identity,
            "InvalidClientTokenId", 403, re.compile(r"The security token included in the request is invalid\.?"),
        )


def test_a_session_ends_when_the_clock_says_so(own_region):
    root = own_region.create_account()
    role = root.role("web", [trust(f"arn:aws:iam::{root.account}:root")])
    alice = root.user("alice", allow("sts:AssumeRole"))
    session = alice.assume(role, DurationSeconds=900)
    session.sts.get_caller_identity()
    own_region.ok("clock", "advance", "16m")
    # A signature's freshness follows the machine's clock, so clients go on as before.
    check_refused(session.sts.get_caller_identity, *EXPIRED)
    alice.sts.get_caller_identity()
