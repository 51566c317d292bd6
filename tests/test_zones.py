"""A zone that is failed on purpose, and restored."""

import time

import s3 as helpers
from s3 import body_of, pseudo_random

CAUGHT_UP_SECONDS_MAX = 30
# In the log alone, and in extents.
SIZES = [700, 300_000]


def put(s3, bucket, when):
    for size in SIZES:
        key = f"{when}-{size}"
        s3.put_object(Bucket=bucket, Key=key, Body=pseudo_random(size, key))


def check(s3, bucket, *whens):
    for key in [f"{when}-{size}" for when in whens for size in SIZES]:
        data = body_of(s3.get_object(Bucket=bucket, Key=key))
        assert data == pseudo_random(int(key.split("-")[1]), key), key


def zone_of(region, letter):
    return next(zone for zone in region.status()["zones"] if zone["letter"] == letter)


def wait_until_whole(region):
    for _ in range(CAUGHT_UP_SECONDS_MAX * 20):
        zones = region.status()["zones"]
        if all(zone["health"] == zone["objects"] == "healthy" for zone in zones):
            return
        time.sleep(0.05)
    raise AssertionError(zones)


def files_of(region, letter):
    folder = region.data / "zones" / letter
    return {
        path: (path.stat().st_size, path.stat().st_mtime_ns) for path in folder.rglob("*") if path.is_file()
    }


def test_a_failed_zone_is_missed_by_nobody_and_caught_up(own_region):
    s3 = helpers.client(own_region.root)
    bucket = helpers.make_bucket(s3)
    put(s3, bucket, "before")
    assert "zone restore b" in own_region.ok("zone", "fail", "b")
    before = files_of(own_region, "b")
    put(s3, bucket, "meanwhile")
    own_region.root.iam.create_user(UserName="meanwhile")
    check(s3, bucket, "before", "meanwhile")
    zone = zone_of(own_region, "b")
    assert zone["failed_on_purpose"] and "failed" in zone["health"] and "failed" in zone["objects"]
    assert "FAILED on purpose" in own_region.ok("status")
    # Nothing goes there, also when the zones have been tended.
    time.sleep(6)
    assert files_of(own_region, "b") == before

    own_region.ok("zone", "restore", "b")
    wait_until_whole(own_region)
    assert not zone_of(own_region, "b")["failed_on_purpose"]
    own_region.ok("scrub")
    # What it missed is in it: with it another zone is not missed either.
    own_region.ok("zone", "fail", "ap-northeast-2a")
    put(s3, bucket, "after")
    check(s3, bucket, "before", "meanwhile", "after")
    own_region.root.iam.get_user(UserName="meanwhile")


def test_a_second_zone_is_refused(own_region):
    own_region.ok("zone", "fail", "b")
    for letter in "ac":
        refused = own_region.haneul("zone", "fail", letter)
        assert refused.returncode == 1 and "fewer than two whole zones" in refused.stderr
    korean = own_region.haneul("zone", "fail", "c", env={"LC_ALL": "ko_KR.UTF-8"})
    assert "온전한 가용 영역" in korean.stderr
    own_region.ok("zone", "fail", "b")
    assert [zone["failed_on_purpose"] for zone in own_region.status()["zones"]] == [False, True, False]
    assert own_region.haneul("zone", "fail", "d").returncode == 2
    helpers.make_bucket(helpers.client(own_region.root))


def test_a_failed_zone_outlives_a_kill(own_region):
    s3 = helpers.client(own_region.root)
    bucket = helpers.make_bucket(s3)
    own_region.ok("zone", "fail", "c")
    put(s3, bucket, "before")
    own_region.kill()
    own_region.start()
    zone = zone_of(own_region, "c")
    assert zone["failed_on_purpose"] and "failed" in zone["health"] and "failed" in zone["objects"]
    s3 = helpers.client(own_region.root)
    put(s3, bucket, "meanwhile")
    check(s3, bucket, "before", "meanwhile")
    own_region.ok("zone", "restore", "c")
    wait_until_whole(own_region)
    own_region.kill()
    own_region.start()
    assert not zone_of(own_region, "c")["failed_on_purpose"]
    own_region.ok("scrub")
    own_region.ok("zone", "fail", "a")
    check(helpers.client(own_region.root), bucket, "before", "meanwhile")
