"""What the tests of instances share: starting them, waiting for them, entering them."""

import socket
import subprocess
import time
import urllib.request

AL2023 = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
ANYWHERE = "0.0.0.0/0"
WAIT_SECONDS_MAX = 90


class Instance:
    def __init__(self, account, **wanted):
        self.ec2 = account.client("ec2")
        image = account.client("ssm").get_parameter(Name=AL2023)["Parameter"]["Value"]
        asked = {"ImageId": image, "InstanceType": "t3.micro", "MinCount": 1, "MaxCount": 1} | wanted
        if "UserData" in asked:
            asked["UserData"] = "#!/bin/sh\n" + asked["UserData"]
        self.id = self.ec2.run_instances(**asked)["Instances"][0]["InstanceId"]

    def seen(self):
        found = self.ec2.describe_instances(InstanceIds=[self.id])
        return found["Reservations"][0]["Instances"][0]

    def wait(self, state):
        return until(lambda: (seen := self.seen())["State"]["Name"] == state and seen, self.seen)

    def console(self):
        answer = self.ec2.get_console_output(InstanceId=self.id)
        return answer.get("Output", "")

    def wait_for_console(self, text):
        return until(lambda: text in (found := self.console()) and found, self.console)

    @property
    def public_address(self):
        return self.seen()["PublicIpAddress"]

    def terminate(self):
        self.ec2.terminate_instances(InstanceIds=[self.id])
        self.wait("terminated")


def until(ask, tell=lambda: ""):
    """What `ask` answers as soon as it is something."""
    deadline = time.monotonic() + WAIT_SECONDS_MAX
    while time.monotonic() < deadline:
        if answer := ask():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"it did not happen: {tell()}")


def open_port(account, port, group=None):
    """Lets everybody in; the default group's rules when none is named."""
    ec2 = account.client("ec2")
    if group is None:
        found = ec2.describe_security_groups(Filters=[{"Name": "group-name", "Values": ["default"]}])
        group = found["SecurityGroups"][0]["GroupId"]
    ec2.authorize_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=port, ToPort=port, CidrIp=ANYWHERE
    )
    return group


def connects(address, port, seconds=1.5):
    try:
        socket.create_connection((address, port), seconds).close()
        return True
    except OSError:
        return False


def get(address, path="/"):
    with urllib.request.urlopen(f"http://{address}{path}", timeout=5) as answer:
        return answer.read().decode()


def ssh(key, user, address, *command, seconds=30, text=None):
    options = [
        "-i", key, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=10", "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
    ]
    return subprocess.run(
        ["ssh", *options, f"{user}@{address}", *command],
        capture_output=True,
        text=True,
        input=text,
        timeout=seconds,
    )
