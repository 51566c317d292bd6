"""The real aws CLI, as a newcomer types it."""

import json
import urllib.request

import boto3
from botocore.config import Config

from region import REGION, allow


def check_says(done, code, sentence):
    """The CLI ends with its code for a refused call and prints AWS's sentence."""
    assert done.returncode in (254, 255), done.stdout
    assert f"An error occurred ({code}) when calling" in done.stderr
    assert done.stderr.strip().endswith(sentence)


def test_first_two_minutes(region, account):
    identity = account.aws_json("sts", "get-caller-identity")
    assert identity["Arn"] == f"arn:aws:iam::{identity['Account']}:root"

    account.aws_json("iam", "create-user", "--user-name", "alice")
    account.aws_json(
        "iam", "put-user-policy", "--user-name", "alice", "--policy-name", "one-thing",
        "--policy-document", json.dumps({"Version": "2012-10-17", "Statement": [allow("iam:ListGroups")]}),
    )
    keys = account.aws_json("iam", "create-access-key", "--user-name", "alice")["AccessKey"]
    alice = account.with_keys(keys)
    assert alice.aws_json("iam", "list-groups") == {"Groups": []}
    arn, id = f"arn:aws:iam::{identity['Account']}:user/alice", identity["Account"]
    check_says(
        alice.aws("iam", "list-users"), "AccessDenied",
        f"User: {arn} is not authorized to perform: iam:ListUsers on resource: "
        f"arn:aws:iam::{id}:user/ because no identity-based policy allows the iam:ListUsers action",
    )


def test_pagination(account):
    names = [f"user-{n}" for n in range(5)]
    for name in names:
        account.iam.create_user(UserName=name)
    listed = account.aws_json("iam", "list-users", "--page-size", "2")
    assert [user["UserName"] for user in listed["Users"]] == names
    first = account.aws_json("iam", "list-users", "--max-items", "2")
    rest = account.aws_json("iam", "list-users", "--starting-token", first["NextToken"])
    assert len(first["Users"]) == 2 and len(rest["Users"]) == 3


def test_an_operation_that_haneul_lacks(account):
    done = account.aws("iam", "list-saml-providers")
    check_says(done, "UnsupportedOperation", "Nothing was changed.")


def test_a_presigned_question(account):
    sts = boto3.session.Session().client(
        "sts", region_name=REGION, endpoint_url=account.endpoint,
        aws_access_key_id=account.access_key, aws_secret_access_key=account.secret_key,
        config=Config(signature_version="v4"),
    )
    url = sts.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET")
    with urllib.request.urlopen(url) as answer:
        assert account.account in answer.read().decode()
