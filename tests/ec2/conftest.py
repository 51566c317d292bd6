"""Instances that really run. These tests need root and a network namespace of their own:

    unshare --net .venv/bin/python -m pytest tests/ec2

so that all addresses and links are in there, and end with it.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from region import Region  # noqa: E402


def why_not():
    if os.geteuid() != 0:
        return "instances run as root only"
    links = {line.split(":")[0].strip() for line in open("/proc/self/net/dev") if ":" in line}
    if links != {"lo"}:
        return "start with: unshare --net .venv/bin/python -m pytest tests/ec2"
    return None


@pytest.fixture(scope="session")
def region():
    """One region on this machine; its instances are gone with it."""
    if reason := why_not():
        pytest.skip(reason)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    region = Region()
    try:
        yield region.start()
    finally:
        region.remove()


@pytest.fixture
def account(region):
    return region.create_account()
