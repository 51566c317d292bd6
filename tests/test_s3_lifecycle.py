"""Lifecycle rules at work, as boto3 sees them: days are a second long."""

import time

import pytest

import s3 as helpers
from region import Region
from s3 import body_of, code_of, headers_of, pseudo_random

LARGE = 200_000
# Rules act at the midnight after; the machine may be busy.
SECONDS_MAX = 60


@pytest.fixture(scope="module")
def short_days():
    region = Region()
    try:
        yield region.start("--day-length", "1s")
    finally:
        region.remove()


@pytest.fixture
def s3(short_days):
    return helpers.client(short_days.root)


def put_rules(s3, bucket, *rules):
    rules = [{"ID": f"rule-{n}", "Status": "Enabled", "Filter": {}} | rule for n, rule in enumerate(rules)]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})


def until(seen):
    """Asks until it is so."""
    for _ in range(SECONDS_MAX * 10):
        if seen():
            return
        time.sleep(0.1)
    raise AssertionError("the rule did not act")


def test_objects_expire(s3):
    bucket = helpers.make_bucket(s3)
    put_rules(s3, bucket, {"Filter": {"Prefix": "old/"}, "Expiration": {"Days": 3}})
    put = s3.put_object(Bucket=bucket, Key="old/k", Body=b"x")
    assert 'rule-id="rule-0"' in put["Expiration"]
    s3.put_object(Bucket=bucket, Key="kept", Body=b"x")
    assert body_of(s3.get_object(Bucket=bucket, Key="old/k")) == b"x", "not before its time"
    until(lambda: code_of(s3.get_object, Bucket=bucket, Key="old/k") == "NoSuchKey")
    assert [one["Key"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["kept"]


def test_versions_expire(s3):
    bucket = helpers.make_bucket(s3)
    helpers.enable_versioning(s3, bucket)
    first = s3.put_object(Bucket=bucket, Key="k", Body=b"1")["VersionId"]
    second = s3.put_object(Bucket=bucket, Key="k", Body=b"2")["VersionId"]
    put_rules(s3, bucket, {"NoncurrentVersionExpiration": {"NoncurrentDays": 1}})
    versions = lambda: [v["VersionId"] for v in s3.list_object_versions(Bucket=bucket).get("Versions", [])]
    until(lambda: first not in versions())
    assert versions() == [second]
    # A current version becomes noncurrent under a marker, and goes a day later; the marker, alone, too.
    put_rules(
        s3, bucket,
        {"Filter": {"Prefix": "k"}, "Expiration": {"Days": 1}, "NoncurrentVersionExpiration": {"NoncurrentDays": 5}},
    )
    until(lambda: s3.list_object_versions(Bucket=bucket).get("DeleteMarkers"))
    assert code_of(s3.get_object, Bucket=bucket, Key="k") == "NoSuchKey"
    assert body_of(s3.get_object(Bucket=bucket, Key="k", VersionId=second)) == b"2"
    until(lambda: not versions())
    put_rules(s3, bucket, {"Expiration": {"ExpiredObjectDeleteMarker": True}})
    until(lambda: not s3.list_object_versions(Bucket=bucket).get("DeleteMarkers"))
    s3.delete_bucket(Bucket=bucket)


def test_uploads_are_aborted(s3):
    bucket = helpers.make_bucket(s3)
    put_rules(s3, bucket, {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 2}})
    made = s3.create_multipart_upload(Bucket=bucket, Key="k")
    assert made["AbortRuleId"] == "rule-0" and made["AbortDate"]
    about = {"Bucket": bucket, "Key": "k", "UploadId": made["UploadId"]}
    s3.upload_part(**about, PartNumber=1, Body=pseudo_random(LARGE))
    until(lambda: "Uploads" not in s3.list_multipart_uploads(Bucket=bucket))
    assert code_of(s3.list_parts, **about) == "NoSuchUpload"


def test_objects_change_their_class(short_days, s3):
    bucket = helpers.make_bucket(s3)
    data = pseudo_random(LARGE)
    for key in ["cold/k", "one/k", "small"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x" if key == "small" else data)
    put_rules(
        s3, bucket,
        {"Filter": {"Prefix": "cold/"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
        {"Filter": {"Prefix": "one/"}, "Transitions": [{"Days": 30, "StorageClass": "ONEZONE_IA"}]},
        {"Filter": {"Prefix": "small"}, "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}]},
    )
    head = lambda key: s3.head_object(Bucket=bucket, Key=key)
    until(lambda: head("cold/k").get("StorageClass") == "GLACIER")
    assert code_of(s3.get_object, Bucket=bucket, Key="cold/k") == "InvalidObjectState"
    short_days.ok("clock", "advance", "60s")
    until(lambda: head("one/k").get("StorageClass") == "ONEZONE_IA")
    assert body_of(s3.get_object(Bucket=bucket, Key="one/k")) == data
    classes = {one["Key"]: one["StorageClass"] for one in s3.list_objects_v2(Bucket=bucket)["Contents"]}
    assert classes == {"cold/k": "GLACIER", "one/k": "ONEZONE_IA", "small": "STANDARD"}
    assert "x-amz-storage-class" not in headers_of(head("small")), "too small to be worth it"
