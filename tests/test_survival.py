"""What an acknowledged change outlives."""

import itertools
import json
import os
import queue
import shutil
import struct
import threading

from botocore.exceptions import BotoCoreError

from region import allow, policy, trust

KILLS = 200 if os.environ.get("HANEUL_SOAK") else 5
WRITERS = 4


def fill(region):
    """A bit of everything; returns who was made and what must read the same ever after."""
    root = region.create_account()
    alice = root.user("alice", allow(["iam:ListUsers", "sts:AssumeRole"]))
    role = root.role("web", [trust(f"arn:aws:iam::{root.account}:root")], allow("iam:ListRoles"))
    session = alice.assume(role)
    root.iam.create_policy(PolicyName="p", PolicyDocument=policy(allow("s3:*")))
    return root, alice, session


def moved(region, *principals):
    """The same keys at the port of the new start."""
    return [
        type(who)(region.root.endpoint, who.access_key, who.secret_key, who.token)
        for who in principals
    ]


def everything(region, root, alice, session):
    """All that the three can see, with keys and sessions still good."""
    root, alice, session = moved(region, root, alice, session)
    details = {
        "users": root.iam.list_users()["Users"],
        "roles": root.iam.list_roles()["Roles"],
        "policies": root.iam.list_policies(Scope="Local")["Policies"],
        "keys": root.iam.list_access_keys(UserName="alice")["AccessKeyMetadata"],
        "inline": root.iam.get_user_policy(UserName="alice", PolicyName="inline")["PolicyDocument"],
        "alice": alice.iam.list_users()["Users"],
        "session": session.iam.list_roles()["Roles"],
    }
    return json.dumps(details, default=str, sort_keys=True)


def check_everything_survives(region, disaster):
    made = fill(region)
    before = everything(region, *made)
    disaster()
    assert everything(region, *made) == before
    return made


def test_a_stop(own_region):
    def stop_and_start():
        own_region.stop()
        own_region.start()

    check_everything_survives(own_region, stop_and_start)


def test_a_kill(own_region):
    def kill_and_start():
        own_region.kill()
        own_region.start()

    check_everything_survives(own_region, kill_and_start)


def create_users_until_cut_off(iam, prefix, acknowledged):
    """Puts the name of each user into the queue once its creation was answered."""
    for n in itertools.count():
        try:
            iam.create_user(UserName=f"{prefix}-{n}")
        except BotoCoreError:
            return
        acknowledged.put(f"{prefix}-{n}")


def test_kills_under_load(own_region):
    root = own_region.create_account()
    acknowledged = set()
    for round in range(KILLS):
        [root] = moved(own_region, root)
        answered = queue.Queue()
        writers = [
            threading.Thread(
                target=create_users_until_cut_off, args=(root.iam, f"u{round}-{writer}", answered)
            )
            for writer in range(WRITERS)
        ]
        for writer in writers:
            writer.start()
        acknowledged |= {answered.get(timeout=30) for _ in range(20)}
        own_region.kill()
        for writer in writers:
            writer.join(30)
        acknowledged |= set(answered.queue)
        own_region.start()
    [root] = moved(own_region, root)
    pages = root.iam.get_paginator("list_users").paginate()
    found = {user["UserName"] for page in pages for user in page["Users"]}
    assert acknowledged <= found
    # What was under way at a kill may have happened; nothing else did.
    assert len(found - acknowledged) <= KILLS * WRITERS


def test_the_loss_of_a_zone(own_region):
    def lose_a_zone():
        own_region.kill()
        shutil.rmtree(own_region.data / "zones" / "b")
        own_region.start()

    root, *_ = check_everything_survives(own_region, lose_a_zone)
    zones = {zone["name"]: zone for zone in own_region.status()["zones"]}
    assert zones["ap-northeast-2b"]["found"] == "lost", zones
    # Written down anew, the region outlives the loss of another zone.
    [root] = moved(own_region, root)
    root.iam.create_user(UserName="later")
    own_region.kill()
    shutil.rmtree(own_region.data / "zones" / "a")
    own_region.start()
    [root] = moved(own_region, root)
    assert "later" in [user["UserName"] for user in root.iam.list_users()["Users"]]


def test_the_loss_of_a_zone_while_the_region_runs(own_region):
    root, *_ = made = fill(own_region)
    before = everything(own_region, *made)
    shutil.rmtree(own_region.data / "zones" / "c")
    # Changes go on, and the folder comes back with everything in it.
    until_zone_is_whole(
        own_region, "c", lambda n: root.iam.create_account_alias(AccountAlias=f"alias-{n}")
    )
    assert everything(own_region, *made) == before
    own_region.kill()
    shutil.rmtree(own_region.data / "zones" / "a")
    own_region.start()
    assert everything(own_region, *made) == before


def until_zone_is_whole(region, letter, change):
    """Goes on making changes until the zone's folder is there again and in use."""
    for n in range(2000):
        change(n)
        if (region.data / "zones" / letter / "identity").exists():
            zone = region.status()["zones"]["abc".index(letter)]
            if zone["health"] == "healthy":
                return
    raise AssertionError(region.log[-5000:])


def test_the_loss_of_two_zones_is_not_hidden(own_region):
    fill(own_region)
    own_region.stop()
    for zone in ["a", "b"]:
        shutil.rmtree(own_region.data / "zones" / zone)
    own_region.expect_no_start(said=["zone"])


def test_data_of_a_newer_format_is_refused_and_left_alone(own_region):
    own_region.stop()
    zones = own_region.data / "zones"
    identities = sorted(zones.glob("*/identity"))
    assert len(identities) == 3
    for identity in identities:
        identity.write_bytes(of_format(identity.read_bytes(), 2))
    before = {path: path.read_bytes() for path in zones.rglob("*") if path.is_file()}
    own_region.expect_no_start(said=["format 2"])
    assert {path: path.read_bytes() for path in zones.rglob("*") if path.is_file()} == before


def of_format(identity, version):
    """A zone's identity as a later haneul would write it (crates/journal/src/identity.rs)."""
    fields = identity[:4] + struct.pack("<I", version) + identity[8:32]
    return fields + struct.pack("<Q", crc64_nvme(fields))


def crc64_nvme(data):
    crc = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x9A6C9329AC4BC9B5 if crc & 1 else 0)
    return crc ^ 0xFFFFFFFFFFFFFFFF


def test_the_checksum_above_is_the_published_one():
    assert crc64_nvme(b"123456789") == 0xAE8B14860A799888
