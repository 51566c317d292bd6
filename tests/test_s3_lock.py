"""Object lock: what not even the root of the account removes before its time."""

from datetime import datetime, timedelta, timezone

import pytest

import s3 as helpers
from refusal import check_refused
from region import allow
from s3 import body_of, code_of, make_bucket

DENIED = "Access Denied because object protected by object lock."


@pytest.fixture
def locked(s3):
    return make_bucket(s3, ObjectLockEnabledForBucket=True)


def in_days(days):
    return (datetime.now(timezone.utc) + timedelta(days=days)).replace(microsecond=0)


def put(s3, bucket, key="k", **parameters):
    return s3.put_object(Bucket=bucket, Key=key, Body=b"kept", **parameters)["VersionId"]


def retention(mode, until):
    return {"ObjectLockMode": mode, "ObjectLockRetainUntilDate": until}


def test_compliance(s3, locked):
    until = in_days(2)
    version = put(s3, locked, **retention("COMPLIANCE", until))
    head = s3.head_object(Bucket=locked, Key="k")
    assert head["ObjectLockMode"] == "COMPLIANCE" and head["ObjectLockRetainUntilDate"] == until
    for bypass in [{}, {"BypassGovernanceRetention": True}]:
        check_refused(
            lambda: s3.delete_object(Bucket=locked, Key="k", VersionId=version, **bypass),
            "AccessDenied", 403, DENIED,
        )
    shorter = {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(1)}
    weaker = {"Mode": "GOVERNANCE", "RetainUntilDate": in_days(3)}
    for wanted in [shorter, weaker]:
        assert code_of(
            s3.put_object_retention, Bucket=locked, Key="k", Retention=wanted,
            BypassGovernanceRetention=True,
        ) == "AccessDenied", wanted
    longer = {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(4)}
    s3.put_object_retention(Bucket=locked, Key="k", Retention=longer)
    assert s3.get_object_retention(Bucket=locked, Key="k")["Retention"] == longer
    # Without a version a marker is laid over it, and what it covers stays.
    s3.delete_object(Bucket=locked, Key="k")
    assert body_of(s3.get_object(Bucket=locked, Key="k", VersionId=version)) == b"kept"
    many = s3.delete_objects(
        Bucket=locked, Delete={"Objects": [{"Key": "k", "VersionId": version}]},
        BypassGovernanceRetention=True,
    )
    assert [error["Code"] for error in many["Errors"]] == ["AccessDenied"]
    assert body_of(s3.get_object(Bucket=locked, Key="k", VersionId=version)) == b"kept"


def test_governance_is_bypassed_by_who_may(s3, locked, account):
    version = put(s3, locked, **retention("GOVERNANCE", in_days(2)))
    check_refused(
        lambda: s3.delete_object(Bucket=locked, Key="k", VersionId=version), "AccessDenied", 403
    )
    clerk = helpers.client(
        account.user("clerk", allow(["s3:DeleteObject", "s3:DeleteObjectVersion"]))
    )
    assert code_of(
        clerk.delete_object, Bucket=locked, Key="k", VersionId=version,
        BypassGovernanceRetention=True,
    ) == "AccessDenied"
    s3.delete_object(Bucket=locked, Key="k", VersionId=version, BypassGovernanceRetention=True)
    assert code_of(s3.get_object, Bucket=locked, Key="k", VersionId=version) == "NoSuchVersion"


def test_legal_hold(s3, locked):
    version = put(s3, locked, ObjectLockLegalHoldStatus="ON")
    assert s3.head_object(Bucket=locked, Key="k")["ObjectLockLegalHoldStatus"] == "ON"
    assert code_of(
        s3.delete_object, Bucket=locked, Key="k", VersionId=version,
        BypassGovernanceRetention=True,
    ) == "AccessDenied"
    s3.put_object_legal_hold(Bucket=locked, Key="k", LegalHold={"Status": "OFF"})
    assert s3.get_object_legal_hold(Bucket=locked, Key="k")["LegalHold"] == {"Status": "OFF"}
    s3.delete_object(Bucket=locked, Key="k", VersionId=version)


def test_the_buckets_default(s3, locked):
    rule = {"DefaultRetention": {"Mode": "COMPLIANCE", "Days": 3}}
    s3.put_object_lock_configuration(
        Bucket=locked, ObjectLockConfiguration={"ObjectLockEnabled": "Enabled", "Rule": rule}
    )
    version = put(s3, locked)
    kept = s3.get_object_retention(Bucket=locked, Key="k")["Retention"]
    assert kept["Mode"] == "COMPLIANCE"
    assert abs(in_days(3) - kept["RetainUntilDate"]) < timedelta(minutes=2)
    assert code_of(s3.delete_object, Bucket=locked, Key="k", VersionId=version) == "AccessDenied"


def test_what_is_no_lock(s3, bucket, locked):
    assert code_of(
        s3.put_object, Bucket=bucket, Key="k", Body=b"", **retention("COMPLIANCE", in_days(1))
    ) == "InvalidRequest"
    put(s3, locked)
    check_refused(
        lambda: s3.get_object_retention(Bucket=locked, Key="k"),
        "NoSuchObjectLockConfiguration", 404,
        "The specified object does not have a ObjectLock configuration",
    )
    check_refused(
        lambda: s3.get_object_legal_hold(Bucket=locked, Key="k"),
        "NoSuchObjectLockConfiguration", 404,
    )
    past = {"Mode": "COMPLIANCE", "RetainUntilDate": in_days(-1)}
    check_refused(
        lambda: s3.put_object_retention(Bucket=locked, Key="k", Retention=past),
        "InvalidArgument", 400, "The retain until date must be in the future!",
    )


def test_time_ends_it(own_region):
    s3 = helpers.client(own_region.root)
    bucket = make_bucket(s3, ObjectLockEnabledForBucket=True)
    version = put(s3, bucket, **retention("COMPLIANCE", in_days(1)))
    own_region.ok("clock", "advance", "23h")
    assert code_of(s3.delete_object, Bucket=bucket, Key="k", VersionId=version) == "AccessDenied"
    own_region.ok("clock", "advance", "61m")
    s3.delete_object(Bucket=bucket, Key="k", VersionId=version)
    assert s3.list_object_versions(Bucket=bucket).get("Versions", []) == []
