"""Who launches an instance with a role must be allowed to pass that role."""

import pytest
from botocore.exceptions import ClientError

from region import allow

TRUST = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "ec2.amazonaws.com"}}


@pytest.fixture
def role(account):
    """The ARN of a role that is in the instance profile `web`."""
    arn = account.role("web", [TRUST])
    account.iam.create_instance_profile(InstanceProfileName="web")
    account.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    return arn


def launch(principal):
    """What a dry run of a launch with the profile answers."""
    ec2 = principal.client("ec2")
    [image] = ec2.describe_images(
        Owners=["amazon"],
        Filters=[{"Name": "name", "Values": ["al2023-ami-2023.*-x86_64"]}],
    )["Images"][:1]
    with pytest.raises(ClientError) as refusal:
        ec2.run_instances(
            ImageId=image["ImageId"],
            InstanceType="t3.micro",
            MinCount=1,
            MaxCount=1,
            IamInstanceProfile={"Name": "web"},
            DryRun=True,
        )
    return refusal.value.response["Error"]["Code"]


def test_a_role_is_passed_by_who_may(account, role):
    ec2 = allow("ec2:*")
    nobody = account.user("nobody", ec2)
    assert launch(nobody) == "UnauthorizedOperation"
    other = account.user("other", ec2, allow("iam:PassRole", role + "-other"))
    assert launch(other) == "UnauthorizedOperation"

    to = {"Condition": {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}}
    elsewhere = account.user("elsewhere", ec2, allow("iam:PassRole", role, **to))
    assert launch(elsewhere) == "UnauthorizedOperation"
    to = {"Condition": {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}}
    operator = account.user("operator", ec2, allow("iam:PassRole", role, **to))
    assert launch(operator) == "DryRunOperation"
