"""The stock AWS provider: stacks apply, plan empty, change, destroy."""

import os
import shutil
import warnings
from pathlib import Path

import pytest

import s3 as helpers
from region import REGION, ROOT, run
from s3 import http_ask

# Where Terraform itself looks for a mirror, then what package managers and images use.
MIRRORS = [
    os.environ.get("HANEUL_TERRAFORM_MIRROR", ""),
    "~/.terraform.d/plugins",
    "~/.local/share/terraform/plugins",
    "/usr/local/share/terraform/plugins",
    "/usr/share/terraform/plugins",
    *map(str, Path("/opt").glob("*")),
]
SOAK = bool(os.environ.get("HANEUL_SOAK"))
PROVIDER = "registry.terraform.io/hashicorp/aws"


def found_mirror():
    for place in filter(None, MIRRORS):
        mirror = Path(place).expanduser()
        if (mirror / PROVIDER).is_dir():
            return mirror
    return None


def missing():
    """What keeps Terraform from being tried here, or nothing."""
    if not shutil.which("terraform"):
        return "`terraform` is not in PATH"
    if not found_mirror():
        return f"no folder with {PROVIDER}: name one in HANEUL_TERRAFORM_MIRROR"
    return None


class Stack:
    """A copy of a stack's folder, with the terraform that works on it."""

    def __init__(self, name, folder, principal):
        shutil.copytree(ROOT / "tests/terraform" / name, folder / "stack")
        self.folder = folder / "stack"
        settings = folder / "terraform.rc"
        settings.write_text(
            'provider_installation {\n  filesystem_mirror {\n    path = "%s"\n  }\n}\n' % found_mirror()
        )
        self.env = principal.env() | {
            "TF_CLI_CONFIG_FILE": str(settings),
            "TF_IN_AUTOMATION": "1",
            "CHECKPOINT_DISABLE": "1",
            "TF_INPUT": "0",
            "HOME": str(folder),
        }

    def check(self, *words, expected=0):
        done = run(
            ["terraform", *words, "-no-color"], env=self.env, cwd=self.folder, seconds=300
        )
        assert done.returncode == expected, done.stdout[-5000:] + done.stderr[-5000:]
        return done.stdout


@pytest.fixture
def stack(account, folder):
    """Makes the stack of a name."""
    if missing():
        warnings.warn(f"TERRAFORM IS NOT TRIED: {missing()}", stacklevel=1)
        pytest.skip(missing())
    return lambda name: Stack(name, folder, account)


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
