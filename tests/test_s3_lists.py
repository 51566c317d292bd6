"""Lists of objects, versions and uploads, page by page, against a plain description of them."""

import itertools
import random

import pytest

from refusal import check_refused

ALPHABET = ["a", "b", "/", "-", " ", "+", "%", "é", "한", "\U0001f600", "..", "//", "&lt;", "\x01", "A"]


@pytest.fixture
def s3(account):
    return account.client("s3")


@pytest.fixture
def bucket(s3):
    name = f"lists-{next(NAMES)}"
    s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-2"}
    )
    return name


NAMES = (f"{random.Random(7).getrandbits(32)}-{n}" for n in itertools.count())


def keys_of(seed, count):
    draw = random.Random(seed)
    keys = {"".join(draw.choices(ALPHABET, k=draw.randint(1, 6))) for _ in range(count)}
    # What XML cannot carry goes only with encoding-type=url, which boto3 asks for by itself.
    return sorted(keys, key=lambda key: key.encode())


def expected(keys, prefix, delimiter, after=""):
    """The entries of a whole list: keys and common prefixes, in byte order."""
    entries = []
    for key in keys:
        if not key.startswith(prefix) or key.encode() <= after.encode():
            continue
        rest = key[len(prefix) :]
        if delimiter and delimiter in rest:
            common = prefix + rest[: rest.index(delimiter)] + delimiter
            if not entries or entries[-1] != ("prefix", common):
                entries.append(("prefix", common))
        else:
            entries.append(("key", key))
    return entries


def pages_v2(s3, bucket, **asked):
    token = {}
    while True:
        page = s3.list_objects_v2(Bucket=bucket, **asked, **token)
        yield page
        if not page["IsTruncated"]:
            assert "NextContinuationToken" not in page
            return
        token = {"ContinuationToken": page["NextContinuationToken"]}


def entries_of(page):
    found = [("key", entry["Key"]) for entry in page.get("Contents", [])]
    found += [("prefix", entry["Prefix"]) for entry in page.get("CommonPrefixes", [])]
    return found


def in_order(entries):
    return sorted(entries, key=lambda entry: entry[1].encode())


@pytest.mark.parametrize("seed", range(3))
def test_every_page_of_every_list(s3, bucket, seed):
    keys = keys_of(seed, 60)
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    for prefix, delimiter, size in itertools.product(["", "a", "a/"], ["", "/", "-"], [1, 7, 1000]):
        asked = {"Prefix": prefix, "Delimiter": delimiter, "MaxKeys": size}
        whole = expected(keys, prefix, delimiter)
        found = []
        for page in pages_v2(s3, bucket, **asked):
            entries = entries_of(page)
            assert page["KeyCount"] == len(entries) <= size
            found += in_order(entries)
        assert found == whole, asked
        found, marker = [], {}
        while True:
            page = s3.list_objects(Bucket=bucket, **asked, **marker)
            entries = in_order(entries_of(page))
            found += entries
            if not page["IsTruncated"]:
                break
            assert ("NextMarker" in page) == bool(delimiter)
            marker = {"Marker": page.get("NextMarker", entries[-1][1])}
        assert found == whole, asked


def test_a_list_shows_what_s3_shows(s3, bucket):
    s3.put_object(Bucket=bucket, Key="a/b c", Body=b"hello", StorageClass="STANDARD_IA")
    page = s3.list_objects_v2(Bucket=bucket, FetchOwner=True, StartAfter="a")
    (entry,) = page["Contents"]
    assert entry["ETag"] == '"5d41402abc4b2a76b9719d911017c592"'
    assert (entry["Size"], entry["StorageClass"]) == (5, "STANDARD_IA")
    assert len(entry["Owner"]["ID"]) == 64
    assert (page["Name"], page["MaxKeys"], page["StartAfter"]) == (bucket, 1000, "a")
    assert "Owner" not in s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert "Owner" in s3.list_objects(Bucket=bucket)["Contents"][0]


def test_no_more_than_a_thousand_and_none_when_none_are_asked(s3, bucket):
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=5000)
    assert (page["MaxKeys"], page["KeyCount"], page["IsTruncated"]) == (1000, 0, False)
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    page = s3.list_objects_v2(Bucket=bucket, MaxKeys=0)
    assert (page["KeyCount"], page["IsTruncated"]) == (0, False)


def test_what_a_list_refuses(s3, bucket):
    check_refused(
        lambda: s3.list_objects_v2(Bucket=bucket, MaxKeys=-1),
        "InvalidArgument",
        400,
        "Argument maxKeys must be an integer between 0 and 2147483647",
    )
    check_refused(
        lambda: s3.list_objects_v2(Bucket=bucket, ContinuationToken="?"),
        "InvalidArgument",
        400,
        "The continuation token provided is incorrect",
    )
    check_refused(
        lambda: s3.list_object_versions(Bucket=bucket, VersionIdMarker="x"),
        "InvalidArgument",
        400,
        "A version-id marker cannot be specified without a key marker.",
    )
    check_refused(lambda: s3.list_objects_v2(Bucket=bucket + "-none"), "NoSuchBucket", 404)


def versions_of(s3, bucket, **asked):
    """All pages, put together as `(key, version id, latest, is marker)`."""
    found, marker = [], {}
    while True:
        page = s3.list_object_versions(Bucket=bucket, **asked, **marker)
        entries = [
            (entry["Key"], entry["VersionId"], entry["IsLatest"], kind == "DeleteMarkers")
            for kind in ("Versions", "DeleteMarkers")
            for entry in page.get(kind, [])
        ]
        found += entries
        if not page["IsTruncated"]:
            return found
        marker = {"KeyMarker": page["NextKeyMarker"]}
        if "NextVersionIdMarker" in page:
            marker["VersionIdMarker"] = page["NextVersionIdMarker"]


def test_versions_page_by_page(s3, bucket):
    made = {}
    s3.put_object(Bucket=bucket, Key="b", Body=b"before versioning")
    made["b"] = ["null"]
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    draw = random.Random(5)
    for _ in range(30):
        key = draw.choice(["a", "b", "c/d", "c/e"])
        if draw.random() < 0.3:
            answer = s3.delete_object(Bucket=bucket, Key=key)
            assert answer["DeleteMarker"]
        else:
            answer = s3.put_object(Bucket=bucket, Key=key, Body=b"x")
        made.setdefault(key, []).insert(0, answer["VersionId"])
    wanted = [(key, version) for key in sorted(made) for version in made[key]]
    for size in (1, 2, 7, 1000):
        found = versions_of(s3, bucket, MaxKeys=size)
        assert sorted((key, version) for key, version, _, _ in found) == sorted(wanted)
        latest = {key: version for key, version, is_latest, _ in found if is_latest}
        assert latest == {key: versions[0] for key, versions in made.items()}
    one_by_one = [(key, version) for key, version, _, _ in versions_of(s3, bucket, MaxKeys=1)]
    assert one_by_one == wanted
    page = s3.list_object_versions(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["c/"]
    current = {entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket).get("Contents", [])}
    markers = {key for key, _, is_latest, marker in versions_of(s3, bucket) if is_latest and marker}
    assert current == set(made) - markers


def test_uploads_page_by_page(s3, bucket):
    begun = []
    for key in ["b", "a/x", "a/y", "a/x", "c", "a/x"]:
        answer = s3.create_multipart_upload(Bucket=bucket, Key=key)
        begun.append((key, answer["UploadId"]))
    wanted = sorted(begun, key=lambda upload: upload[0])
    for size in (1, 2, 1000):
        found, marker = [], {}
        while True:
            page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **marker)
            found += [(upload["Key"], upload["UploadId"]) for upload in page.get("Uploads", [])]
            if not page["IsTruncated"]:
                break
            marker = {
                "KeyMarker": page["NextKeyMarker"],
                "UploadIdMarker": page["NextUploadIdMarker"],
            }
        assert found == wanted
    page = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [entry["Prefix"] for entry in page["CommonPrefixes"]] == ["a/"]
    assert [upload["Key"] for upload in page["Uploads"]] == ["b", "c"]
