"""Instances outlive their region on purpose; what takes them off the machine, and what brings them back."""

import os
import signal
import subprocess
from pathlib import Path

import pytest
from instances import Instance, until

import leftovers
from region import Region


@pytest.fixture
def own_region(region):
    """Beside the shared one, which has stopped: the machine's addresses are one region's."""
    region.stop()
    own = Region()
    try:
        yield own.start()
    finally:
        own.remove()
        region.start()


def test_down_leaves_instances_and_reset_takes_them(own_region):
    Instance(own_region.root).wait("running")
    refused = own_region.haneul("reset", "--yes")
    assert refused.returncode == 1 and "haneul down" in refused.stderr
    assert "1 instance(s)" in own_region.ok("down")
    assert own_region.process.wait(30) == 0
    no = own_region.haneul("reset")
    assert no.returncode == 1 and "1 running instance(s)" in no.stderr
    assert any(leftovers.of(own_region.data))
    own_region.ok("reset", text="y\n")
    leftovers.expect_none([own_region.data])
    assert not list(own_region.data.iterdir())
    assert "no region" in own_region.ok("reset", "--yes")


def test_instances_of_a_machine_that_went_down_run_again(own_region):
    instance = Instance(own_region.root, UserData="echo first > /root/kept")
    instance.wait("running")
    instance.wait_for_console("is ready")
    own_region.kill()
    lose_everything(own_region.data)
    own_region.start()
    instance.ec2 = own_region.root.client("ec2")
    # The record said so all the time; its disk is mounted by the guest that runs again.
    root = until(lambda: next(filter(os.path.ismount, own_region.data.glob("host/roots/*")), None))
    instance.wait("running")
    assert (root / "upper/root/kept").read_text() == "first\n"


def lose_everything(data):
    """As when the machine's power is cut: no process, mount, device or namespace is left."""
    left = lambda: list(leftovers.of(data))  # noqa: E731
    processes = [int(line.split()[1].rstrip(":")) for line in left() if line.startswith("process ")]
    groups = [Path(line) for line in left() if line.startswith("/sys/fs/cgroup")]
    for group in groups:
        for doors in group.glob("*/cgroup.procs"):
            processes += map(int, doors.read_text().split())
    for process in set(processes):
        try:
            os.kill(process, signal.SIGKILL)
        except ProcessLookupError:
            pass
    for root in data.glob("host/roots/*"):
        subprocess.run(["umount", "--lazy", root], check=True)
    for line in left():
        if line.startswith("loop"):
            subprocess.run(["losetup", "--detach", "/dev/" + line.split(":")[0]], check=True)
        elif line.startswith("/run/netns/"):
            subprocess.run(["ip", "netns", "delete", Path(line).name], check=True)
    for group in groups:
        for folder in [*group.glob("*/"), group]:
            until(lambda folder=folder: removed(folder))
    subprocess.run(["rm", "-r", *(line for line in left() if line.startswith("/run/hnl-"))], check=True)


def removed(folder):
    try:
        folder.rmdir()
    except OSError:
        return not folder.exists()
    return True
