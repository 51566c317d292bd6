"""A computer for whoever asks: it boots, is reached, keeps its disk, and is gone at the end."""

from dataclasses import replace

import pytest
from botocore.exceptions import ClientError
from instances import Instance, connects, get, open_port, ssh, until

WEB = """
mkdir -p /srv/web; test -e /srv/web/index.html || echo first > /srv/web/index.html
nohup python3 -m http.server 80 --directory /srv/web > /var/log/web.log 2>&1 &
"""


@pytest.fixture
def key(account, tmp_path):
    """A key pair made by AWS's name for it; the private key's file."""
    made = account.client("ec2").create_key_pair(KeyName="k", KeyType="ed25519")
    path = tmp_path / "k.pem"
    path.write_text(made["KeyMaterial"] + "\n")
    path.chmod(0o600)
    return path


def test_a_web_server_is_reached_where_its_group_lets_in(account):
    instance = Instance(account, UserData=WEB)
    address = instance.wait("running")["PublicIpAddress"]
    instance.wait_for_console("is ready")
    assert not connects(address, 80), "the default group lets nobody in"
    group = open_port(account, 80)
    assert until(lambda: connects(address, 80))
    assert get(address) == "first\n"
    account.client("ec2").revoke_security_group_ingress(
        GroupId=group, IpProtocol="tcp", FromPort=80, ToPort=80, CidrIp="0.0.0.0/0"
    )
    assert until(lambda: not connects(address, 80))
    instance.terminate()


def test_ssh_with_the_key_pair_and_no_other(account, key, tmp_path):
    instance = Instance(account, KeyName="k")
    address = instance.wait("running")["PublicIpAddress"]
    open_port(account, 22)
    until(lambda: connects(address, 22))
    until(lambda: ssh(key, "ec2-user", address, "true").returncode == 0)
    done = ssh(key, "ec2-user", address, "id -un; hostname; cat")
    assert done.stdout.splitlines() == ["ec2-user", instance.seen()["PrivateDnsName"].split(".")[0]]
    refused = ssh(key, "root", address, "true")
    assert refused.returncode == 255 and "Permission denied" in refused.stderr
    nohup = "nohup sh -c 'while :; do echo on >> /tmp/on; sleep 0.2; done' >/dev/null 2>&1 & echo begun"
    assert ssh(key, "ec2-user", address, nohup).stdout == "begun\n"
    count = lambda: int(ssh(key, "ec2-user", address, "wc -l < /tmp/on").stdout or 0)  # noqa: E731
    before = count()
    until(lambda: count() > before)
    instance.terminate()
    assert not connects(address, 22)


def test_a_stopped_instance_keeps_its_disk_and_private_address(account, key):
    ec2 = account.client("ec2")
    instance = Instance(account, KeyName="k", UserData=WEB)
    before = instance.wait("running")
    instance.wait_for_console("is ready")
    open_port(account, 80)
    open_port(account, 22)
    address = before["PublicIpAddress"]
    until(lambda: ssh(key, "ec2-user", address, "echo kept > /tmp/kept; sync").returncode == 0)
    ec2.stop_instances(InstanceIds=[instance.id])
    stopped = instance.wait("stopped")
    assert "PublicIpAddress" not in stopped and stopped["PrivateIpAddress"] == before["PrivateIpAddress"]
    assert not connects(address, 22)
    ec2.start_instances(InstanceIds=[instance.id])
    after = instance.wait("running")
    assert after["PrivateIpAddress"] == before["PrivateIpAddress"]
    assert after["PublicIpAddress"] != address
    done = until(
        lambda: (done := ssh(key, "ec2-user", after["PublicIpAddress"], "cat /tmp/kept")).returncode == 0 and done
    )
    assert done.stdout == "kept\n"
    instance.terminate()


def test_instances_outlive_a_killed_region(account, region):
    instance = Instance(account, UserData=WEB)
    address = instance.wait("running")["PublicIpAddress"]
    open_port(account, 80)
    assert until(lambda: connects(address, 80))
    region.kill()
    assert get(address) == "first\n", "it runs on without haneul"
    region.start()
    instance.ec2 = replace(account, endpoint=region.root.endpoint).client("ec2")
    assert instance.seen()["State"]["Name"] == "running"
    assert get(address) == "first\n"
    instance.terminate()
    assert not connects(address, 80)


def test_code_inside_needs_neither_endpoint_nor_keys(account, key):
    account.role(
        "web",
        [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
        {"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
    )
    account.iam.create_instance_profile(InstanceProfileName="web")
    account.iam.add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")
    instance = Instance(account, KeyName="k", IamInstanceProfile={"Name": "web"})
    address = instance.wait("running")["PublicIpAddress"]
    open_port(account, 22)
    until(lambda: ssh(key, "ec2-user", address, "true").returncode == 0)
    ask = (
        'T=$(curl -sS -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 60" http://169.254.169.254/latest/api/token);'
        ' curl -sS -H "X-aws-ec2-metadata-token: $T" http://169.254.169.254/latest/meta-data/'
    )
    assert ssh(key, "ec2-user", address, ask + "instance-id").stdout == instance.id
    credentials = ssh(key, "ec2-user", address, ask + "iam/security-credentials/web").stdout
    assert '"Code" : "Success"' in credentials
    plain = ssh(key, "ec2-user", address, "curl -s -o /dev/null -w '%{http_code}' http://169.254.169.254/latest/meta-data/")
    assert plain.stdout == "401", "without a token"
    trusted = ssh(key, "ec2-user", address, "curl -sS https://sts.ap-northeast-2.amazonaws.com/")
    assert "MissingAction" in trusted.stdout, trusted.stderr
    instance.terminate()


def test_what_cannot_be_is_refused_in_ec2_s_words(account):
    ec2 = account.client("ec2")

    def check(code, **wanted):
        with pytest.raises(ClientError) as refused:
            ec2.run_instances(**{"MinCount": 1, "MaxCount": 1, "InstanceType": "t3.micro"} | wanted)
        assert refused.value.response["Error"]["Code"] == code
        assert 400 <= refused.value.response["ResponseMetadata"]["HTTPStatusCode"] < 500

    image = account.client("ssm").get_parameter(
        Name="/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )["Parameter"]["Value"]
    check("InvalidAMIID.NotFound", ImageId="ami-0123456789abcdef0")
    check("InvalidKeyPair.NotFound", ImageId=image, KeyName="nobody's")
    check("InvalidSubnetID.NotFound", ImageId=image, SubnetId="subnet-0123456789abcdef0")
    check("DryRunOperation", ImageId=image, DryRun=True)
    assert not ec2.describe_instances()["Reservations"]
