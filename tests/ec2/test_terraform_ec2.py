"""The stock AWS provider with instances: computers that boot on this machine."""

import time

import pytest

from region import run
from stack import stack_of

RUNNING_SECONDS_MAX = 120
KINDS = {
    "describe_addresses": "Addresses",
    "describe_key_pairs": "KeyPairs",
    "describe_launch_templates": "LaunchTemplates",
    "describe_volumes": "Volumes",
    "describe_network_interfaces": "NetworkInterfaces",
    "describe_snapshots": "Snapshots",
}


@pytest.fixture
def stack(account, folder):
    stack = stack_of("ec2", folder, account)
    key = folder / "key"
    made = run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", key])
    assert made.returncode == 0, made.stderr
    stack.env["TF_VAR_public_key"] = key.with_suffix(".pub").read_text().strip()
    stack.check("init")
    try:
        yield stack
    finally:
        # Also after a failure: what runs on this machine is not left behind.
        stack.check("destroy", "-auto-approve")


def until(is_so):
    """Asks until it is so."""
    for _ in range(RUNNING_SECONDS_MAX):
        if is_so():
            return
        time.sleep(1)
    raise AssertionError("never so")


def attachments(ec2, instance):
    """The states of an instance's interfaces, by their device indexes."""
    [reservation] = ec2.describe_instances(InstanceIds=[instance])["Reservations"]
    held = [one["Attachment"] for one in reservation["Instances"][0]["NetworkInterfaces"]]
    return {one["DeviceIndex"]: one["Status"] for one in held}


def wrote(ec2, instance, text):
    return text in ec2.get_console_output(InstanceId=instance).get("Output", "")


def test_a_stack_of_instances(account, stack):
    ec2 = account.client("ec2")
    stack.check("apply", "-auto-approve")
    stack.check("plan", "-detailed-exitcode")
    assert stack.check("output", "-json", "same_image").strip() == "true"
    web = stack.check("output", "-raw", "instance")
    until(lambda: wrote(ec2, web, "made by user data on ip-172-31-"))

    # A tag, a rule, and another type, for which the instance stops and starts.
    other = ("-var", "stage=live", "-var", "web_from=10.0.0.0/8", "-var", "instance_type=t3.small")
    stack.check("plan", "-detailed-exitcode", *other, expected=2)
    stack.check("apply", "-auto-approve", *other)
    stack.check("plan", "-detailed-exitcode", *other)
    [reservation] = ec2.describe_instances(InstanceIds=[web])["Reservations"]
    [instance] = reservation["Instances"]
    assert (instance["InstanceType"], instance["State"]["Name"]) == ("t3.small", "running")
    assert {"Key": "stage", "Value": "live"} in instance["Tags"]
    assert instance["PublicIpAddress"] == stack.check("output", "-raw", "address")
    assert len(instance["BlockDeviceMappings"]) == 2

    # Not `aws_network_interface_attachment`: with AWS, too, the provider needs minutes to see
    # that one is gone.
    interface = stack.check("output", "-raw", "interface")
    attached = ec2.attach_network_interface(
        NetworkInterfaceId=interface, InstanceId=web, DeviceIndex=1
    )["AttachmentId"]
    until(lambda: attachments(ec2, web) == {0: "attached", 1: "attached"})
    stack.check("plan", "-detailed-exitcode", *other)
    ec2.detach_network_interface(AttachmentId=attached)
    ec2.get_waiter("network_interface_available").wait(NetworkInterfaceIds=[interface])

    stack.check("destroy", "-auto-approve")
    left = {call: getattr(ec2, call)().get(member) for call, member in KINDS.items()}
    assert left == dict.fromkeys(KINDS, [])
    for reservation in ec2.describe_instances()["Reservations"]:
        assert [one["State"]["Name"] for one in reservation["Instances"]] == ["terminated"]
