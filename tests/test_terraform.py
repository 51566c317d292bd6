"""The stock AWS provider: stacks apply, plan empty, change, destroy."""

import os

import pytest

import s3 as helpers
from region import REGION
from s3 import http_ask
from stack import stack_of

SOAK = bool(os.environ.get("HANEUL_SOAK"))


@pytest.fixture
def stack(account, folder):
    """Makes the stack of a name."""
    return lambda name: stack_of(name, folder, account)


def test_a_stack_of_iam(account, stack):
    stack = stack("iam")
    stack.check("init")
    stack.check("apply", "-auto-approve")
    assert stack.check("output", "-raw", "account") == account.account
    # Nothing left to do: 2 would say that a difference was found.
    stack.check("plan", "-detailed-exitcode")
    members = account.iam.get_group(GroupName="ops")["Users"]
    assert sorted(user["UserName"] for user in members) == ["alice", "bob"]

    narrower = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]}'
    stack.check("plan", "-detailed-exitcode", "-var", f"edge={narrower}", expected=2)
    stack.check("apply", "-auto-approve", "-var", f"edge={narrower}")
    stack.check("plan", "-detailed-exitcode", "-var", f"edge={narrower}")

    stack.check("destroy", "-auto-approve")
    assert account.iam.list_users()["Users"] == []
    assert account.iam.list_roles()["Roles"] == []
    assert account.iam.list_policies(Scope="Local")["Policies"] == []
    assert account.iam.list_account_aliases()["AccountAliases"] == []


def test_a_stack_of_s3(account, stack, s3):
    stack, suffix = stack("s3"), helpers.new_name()
    stack.env |= {"TF_VAR_suffix": suffix, "TF_VAR_with_lifecycle": str(SOAK).lower()}
    stack.check("init")
    stack.check("apply", "-auto-approve")
    stack.check("plan", "-detailed-exitcode")
    assert stack.check("output", "-raw", "keys") == "copy.html,index.html"
    assets = f"assets-{suffix}"
    assert http_ask(f"{account.endpoint}/{assets}/index.html")[::2] == (
        200, b"<h1>from Terraform</h1>"
    )
    website = f"{assets}.s3-website.{REGION}.amazonaws.com"
    assert stack.check("output", "-raw", "website") == website
    assert http_ask(account.endpoint, host=website)[::2] == (200, b"<h1>from Terraform</h1>")

    stack.check("apply", "-auto-approve", "-var", "cached_seconds=60")
    stack.check("plan", "-detailed-exitcode", "-var", "cached_seconds=60")
    [rule] = s3.get_bucket_cors(Bucket=assets)["CORSRules"]
    assert rule["MaxAgeSeconds"] == 60

    stack.check("destroy", "-auto-approve")
    assert s3.list_buckets()["Buckets"] == []


def test_a_stack_of_a_vpc(account, stack):
    stack, ec2 = stack("vpc"), account.client("ec2")
    stack.check("init")
    stack.check("apply", "-auto-approve")
    stack.check("plan", "-detailed-exitcode")
    assert stack.check("output", "-raw", "default_vpc") == "172.31.0.0/16"

    inside = ("-var", "ssh_from=10.20.0.0/24")
    stack.check("apply", "-auto-approve", *inside)
    stack.check("plan", "-detailed-exitcode", *inside)
    mine = [{"Name": "vpc-id", "Values": [stack.check("output", "-raw", "vpc")]}]
    groups = {g["GroupName"]: g for g in ec2.describe_security_groups(Filters=mine)["SecurityGroups"]}
    ssh = next(p for p in groups["web"]["IpPermissions"] if p.get("FromPort") == 22)
    assert [r["CidrIp"] for r in ssh["IpRanges"]] == ["10.20.0.0/24"]

    stack.check("destroy", "-auto-approve")
    assert ec2.describe_addresses()["Addresses"] == []
    assert [vpc["IsDefault"] for vpc in ec2.describe_vpcs()["Vpcs"]] == [True]
