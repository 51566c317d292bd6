"""Objects, as boto3 puts, reads and removes them."""

import re
import threading
from datetime import datetime, timedelta, timezone

import pytest

import s3 as helpers
from raw import send
from refusal import check_refused
from s3 import MIB, body_of, code_of, enable_versioning, etag, headers_of, pseudo_random

WHAT = b"The quick brown fox jumps over the lazy dog"


def put(s3, bucket, key, body=WHAT, **parameters):
    return s3.put_object(Bucket=bucket, Key=key, Body=body, **parameters)


def get(s3, bucket, key, **parameters):
    return body_of(s3.get_object(Bucket=bucket, Key=key, **parameters))


def test_put_and_get(s3, bucket):
    made = put(s3, bucket, "fox")
    assert made["ETag"] == '"9e107d9d372bb6826bd81d3542a419d6"'
    assert made["ServerSideEncryption"] == "AES256"
    assert made["ChecksumType"] == "FULL_OBJECT"
    assert "VersionId" not in made
    got = s3.get_object(Bucket=bucket, Key="fox")
    assert body_of(got) == WHAT
    assert got["ETag"] == made["ETag"] and got["ContentLength"] == len(WHAT)
    assert got["ContentType"] == "binary/octet-stream"
    assert got["AcceptRanges"] == "bytes" and got["ServerSideEncryption"] == "AES256"
    assert abs(datetime.now(timezone.utc) - got["LastModified"]) < timedelta(minutes=2)
    headers = headers_of(got)
    assert headers["server"] == "AmazonS3"
    assert re.fullmatch("[0-9A-Z]{16}", headers["x-amz-request-id"]) and headers["x-amz-id-2"]
    # STANDARD is what is not said.
    assert "x-amz-storage-class" not in headers and "x-amz-version-id" not in headers
    assert "x-amz-checksum-crc32" not in headers or got["ChecksumType"] == "FULL_OBJECT"
    head = s3.head_object(Bucket=bucket, Key="fox")
    for member in ["ETag", "ContentLength", "ContentType", "LastModified", "AcceptRanges"]:
        assert head[member] == got[member]


@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, MIB, 3 * MIB + 17])
def test_sizes(s3, bucket, size):
    data = pseudo_random(size)
    assert put(s3, bucket, "k", data)["ETag"] == etag(data)
    assert get(s3, bucket, "k") == data
    assert s3.head_object(Bucket=bucket, Key="k")["ContentLength"] == size
    [listed] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert (listed["Size"], listed["ETag"], listed["StorageClass"]) == (size, etag(data), "STANDARD")


def test_an_empty_object_and_then_another(s3, bucket):
    """boto3 asks whether to send a body that is empty, and never hears that it should."""
    for body in [b"", WHAT, b"", b"", WHAT]:
        put(s3, bucket, "k", body)
        assert get(s3, bucket, "k") == body


def test_what_is_not_there(s3, bucket):
    missing = helpers.new_name()
    check_refused(
        lambda: get(s3, bucket, "no"), "NoSuchKey", 404, "The specified key does not exist."
    )
    check_refused(
        lambda: get(s3, missing, "no"), "NoSuchBucket", 404, "The specified bucket does not exist"
    )
    check_refused(lambda: put(s3, missing, "no"), "NoSuchBucket", 404)
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="no"), "404", 404)
    gone = s3.delete_object(Bucket=bucket, Key="no")
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204


KEYS = [
    "plain", "with space", "plus+plus", "a//b", "/leading", "trailing/", "//", ".", "..", "./.",
    "a/../../b", "%2F", "a%2Fb%25", "tab\there", "quote\"'`", "amp&lt;<>&#13;", "한글/하늘",
    "\U0001f600", "e\u0301 é", "?query#fragment", "semi;colon=equals,comma", "back\\slash", "~*()!$@:",
    "x" * 1024, "하" * 341 + "x", "\u2028", "con", "a\nb", "\x7f",
]


def test_keys_of_every_kind(s3, bucket):
    for n, key in enumerate(KEYS):
        put(s3, bucket, key, f"{n}".encode())
    for n, key in enumerate(KEYS):
        assert get(s3, bucket, key) == f"{n}".encode(), repr(key)
        assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(f"{n}")
    listed = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(KEYS, key=lambda key: key.encode())
    for key in KEYS:
        copied = {"Bucket": bucket, "Key": key}
        s3.copy_object(Bucket=bucket, Key="copy", CopySource=copied)
        assert get(s3, bucket, "copy") == get(s3, bucket, key), repr(key)
    s3.delete_object(Bucket=bucket, Key="copy")
    removed = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": key} for key in KEYS]}
    )
    assert {entry["Key"] for entry in removed["Deleted"]} == set(KEYS)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def test_keys_that_are_too_long(s3, bucket):
    for key in ["x" * 1025, "하" * 342]:
        check_refused(lambda: put(s3, bucket, key), "KeyTooLongError", 400, "Your key is too long")
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_headers_that_come_back(s3, bucket):
    kept = {
        "ContentType": "text/plain; charset=utf-8", "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="fox.txt"', "ContentEncoding": "identity",
        "ContentLanguage": "ko", "WebsiteRedirectLocation": "/elsewhere",
    }
    expires = datetime(2031, 5, 6, 7, 8, 9, tzinfo=timezone.utc)
    metadata = {"colour": "blue", "empty": "", "Mixed-Case": "Kept"}
    put(s3, bucket, "k", Expires=expires, Metadata=metadata, StorageClass="STANDARD_IA", **kept)
    for got in [s3.get_object(Bucket=bucket, Key="k"), s3.head_object(Bucket=bucket, Key="k")]:
        assert {name: got[name] for name in kept} == kept
        assert headers_of(got)["expires"] == "Tue, 06 May 2031 07:08:09 GMT"
        assert got["Metadata"] == {"colour": "blue", "empty": "", "mixed-case": "Kept"}
        assert got["StorageClass"] == "STANDARD_IA"


def test_metadata_beyond_ascii(s3, bucket, account):
    """Bytes that are UTF-8 come back in RFC 2047's encoded words, as S3 prints them."""
    request = helpers.signed(account, "PUT", f"/{bucket}/k", b"x", {"x-amz-meta-sky": "하늘"})
    request.headers.replace_header("x-amz-meta-sky", "하늘".encode())
    status, _, body = send(request)
    assert status == 200, body
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["Metadata"]["sky"] == "=?UTF-8?B?7ZWY64qY?="
    s3.put_object(Bucket=bucket, Key="k", Metadata={"sky": "=?UTF-8?B?7ZWY64qY?="})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"]["sky"] == "=?UTF-8?B?7ZWY64qY?="
    check_refused(
        lambda: put(s3, bucket, "big", Metadata={"k": "v" * 2048}), "MetadataTooLarge", 400,
        "Your metadata headers exceed the maximum allowed metadata size",
    )


def test_overrides_of_the_answer(s3, bucket):
    put(s3, bucket, "k", ContentType="text/html")
    got = s3.get_object(
        Bucket=bucket, Key="k", ResponseContentType="text/plain", ResponseCacheControl="no-store",
        ResponseContentDisposition="inline", ResponseContentEncoding="identity",
        ResponseContentLanguage="de", ResponseExpires=datetime(2031, 1, 1, tzinfo=timezone.utc),
    )
    headers = headers_of(got)
    assert headers["content-type"] == "text/plain" and headers["cache-control"] == "no-store"
    assert headers["content-disposition"] == "inline" and headers["content-language"] == "de"
    assert headers["expires"] == "Wed, 01 Jan 2031 00:00:00 GMT"
    assert headers["content-encoding"] == "identity"


RANGES = {
    "bytes=0-3": (b"The ", "0-3"), "bytes=4-8": (b"quick", "4-8"), "bytes=40-": (b"dog", "40-42"),
    "bytes=-3": (b"dog", "40-42"), "bytes=40-1000": (b"dog", "40-42"), "bytes=-1000": (WHAT, "0-42"),
    "bytes=0-0": (b"T", "0-0"),
}


@pytest.mark.parametrize("asked", RANGES)
def test_ranges(s3, bucket, asked):
    put(s3, bucket, "k")
    data, shown = RANGES[asked]
    got = s3.get_object(Bucket=bucket, Key="k", Range=asked)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert (body_of(got), got["ContentRange"]) == (data, f"bytes {shown}/43")
    assert got["ContentLength"] == len(data)
    head = s3.head_object(Bucket=bucket, Key="k", Range=asked)
    assert head["ContentLength"] == len(data)


def test_ranges_that_nobody_satisfies(s3, bucket):
    put(s3, bucket, "k")
    put(s3, bucket, "empty", b"")
    for key, asked in [("k", "bytes=43-"), ("k", "bytes=50-60"), ("empty", "bytes=0-0")]:
        check_refused(
            lambda: get(s3, bucket, key, Range=asked), "InvalidRange", 416,
            "The requested range is not satisfiable",
        )
    # What is no range is ignored, and of several none is served.
    for asked in ["bytes=3-1", "bits=0-1", "bytes=a-b", "bytes=0-1,4-5"]:
        assert get(s3, bucket, "k", Range=asked) == WHAT, asked


def test_ranges_of_a_large_object(s3, bucket):
    data = pseudo_random(3 * MIB + 5)
    put(s3, bucket, "k", data)
    for first, last in [(0, 0), (65_535, 65_536), (MIB - 1, 2 * MIB), (3 * MIB, 3 * MIB + 4)]:
        asked = f"bytes={first}-{last}"
        assert get(s3, bucket, "k", Range=asked) == data[first : last + 1]


def test_conditions_of_reads(s3, bucket):
    tag = put(s3, bucket, "k")["ETag"]
    modified = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    before, after = modified - timedelta(seconds=1), modified + timedelta(seconds=1)
    other = '"0123456789abcdef0123456789abcdef"'
    for allowed in [
        {"IfMatch": tag}, {"IfMatch": "*"}, {"IfMatch": tag.strip('"')}, {"IfNoneMatch": other},
        {"IfModifiedSince": before}, {"IfUnmodifiedSince": modified},
        {"IfMatch": tag, "IfUnmodifiedSince": before}, {"IfNoneMatch": other, "IfModifiedSince": modified},
    ]:
        assert get(s3, bucket, "k", **allowed) == WHAT, allowed
        s3.head_object(Bucket=bucket, Key="k", **allowed)
    for refused in [{"IfMatch": other}, {"IfUnmodifiedSince": before}]:
        check_refused(
            lambda: get(s3, bucket, "k", **refused), "PreconditionFailed", 412,
            "At least one of the pre-conditions you specified did not hold",
        )
        check_refused(lambda: s3.head_object(Bucket=bucket, Key="k", **refused), "412", 412)
    for unchanged in [
        {"IfNoneMatch": tag}, {"IfNoneMatch": "*"}, {"IfModifiedSince": modified},
        {"IfNoneMatch": tag, "IfModifiedSince": before},
    ]:
        check_refused(lambda: get(s3, bucket, "k", **unchanged), "304", 304)
        check_refused(lambda: s3.head_object(Bucket=bucket, Key="k", **unchanged), "304", 304)


def test_conditions_of_writes(s3, bucket):
    first = put(s3, bucket, "k", IfNoneMatch="*")["ETag"]
    failed = "At least one of the pre-conditions you specified did not hold"
    check_refused(
        lambda: put(s3, bucket, "k", b"2", IfNoneMatch="*"), "PreconditionFailed", 412, failed
    )
    second = put(s3, bucket, "k", b"2", IfMatch=first)["ETag"]
    check_refused(
        lambda: put(s3, bucket, "k", b"3", IfMatch=first), "PreconditionFailed", 412, failed
    )
    assert get(s3, bucket, "k") == b"2"
    check_refused(lambda: put(s3, bucket, "absent", IfMatch=first), "NoSuchKey", 404)
    check_refused(
        lambda: s3.delete_object(Bucket=bucket, Key="k", IfMatch=first), "PreconditionFailed", 412
    )
    s3.delete_object(Bucket=bucket, Key="k", IfMatch=second)
    put(s3, bucket, "k", IfNoneMatch="*")


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_of_many_that_race_one_creates(s3, bucket, large):
    def body(n):
        return f"{n}".encode() * (200_000 if large else 1)

    for round in range(3):
        created, refused = race(
            8, lambda n: put(s3, bucket, f"race-{round}", body(n), IfNoneMatch="*")
        )
        assert len(created) == 1, refused
        assert set(refused) <= {"PreconditionFailed", "ConditionalRequestConflict"}
        assert get(s3, bucket, f"race-{round}") == body(created[0])


def test_a_counter_that_many_raise_by_compare_and_swap(s3, bucket):
    """The lock of Terraform and the log of a table format: no update is lost."""
    put(s3, bucket, "counter", b"0")
    each = 10

    def raise_it(_):
        done = 0
        while done < each:
            seen = s3.get_object(Bucket=bucket, Key="counter")
            following = str(int(body_of(seen)) + 1).encode()
            if code_of(s3.put_object, Bucket=bucket, Key="counter", Body=following,
                       IfMatch=seen["ETag"]) is None:
                done += 1

    race(4, raise_it)
    assert get(s3, bucket, "counter") == str(4 * each).encode()


def race(count, act):
    """Lets so many act at once: who did it, and the codes of who was refused."""
    done, codes, start = [], [], threading.Barrier(count)

    def run(n):
        start.wait(30)
        code = code_of(act, n)
        done.append(n) if code is None else codes.append(code)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert len(done) + len(codes) == count
    return done, codes


def test_versions_and_delete_markers(s3, bucket):
    put(s3, bucket, "k", b"null")
    enable_versioning(s3, bucket)
    one = put(s3, bucket, "k", b"one")["VersionId"]
    two = put(s3, bucket, "k", b"two")["VersionId"]
    assert re.fullmatch(r"[A-Za-z0-9._-]{32}", one) and one != two
    assert get(s3, bucket, "k") == b"two"
    for version, data in [("null", b"null"), (one, b"one"), (two, b"two")]:
        got = s3.get_object(Bucket=bucket, Key="k", VersionId=version)
        assert (body_of(got), got["VersionId"]) == (data, version)
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert marker["DeleteMarker"] is True
    with pytest.raises(s3.exceptions.NoSuchKey) as gone:
        get(s3, bucket, "k")
    headers = headers_of(gone.value.response)
    assert headers["x-amz-delete-marker"] == "true"
    assert headers["x-amz-version-id"] == marker["VersionId"]
    check_refused(
        lambda: get(s3, bucket, "k", VersionId=marker["VersionId"]), "MethodNotAllowed", 405,
        "The specified method is not allowed against this resource.",
    )
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    listed = s3.list_object_versions(Bucket=bucket)
    assert [(v["VersionId"], v["IsLatest"]) for v in listed["Versions"]] == [
        (two, False), (one, False), ("null", False)
    ]
    assert [(m["VersionId"], m["IsLatest"]) for m in listed["DeleteMarkers"]] == [
        (marker["VersionId"], True)
    ]
    # Taking the marker away brings the object back.
    undone = s3.delete_object(Bucket=bucket, Key="k", VersionId=marker["VersionId"])
    assert undone["DeleteMarker"] is True and undone["VersionId"] == marker["VersionId"]
    assert get(s3, bucket, "k") == b"two"
    s3.delete_object(Bucket=bucket, Key="k", VersionId=two)
    assert get(s3, bucket, "k") == b"one"
    check_refused(lambda: get(s3, bucket, "k", VersionId=two), "NoSuchVersion", 404)
    check_refused(
        lambda: get(s3, bucket, "k", VersionId="made-up"), "InvalidArgument", 400,
        "Invalid version id specified",
    )
    check_refused(lambda: s3.delete_bucket(Bucket=bucket), "BucketNotEmpty", 409)


def test_suspended_versioning(s3, bucket):
    enable_versioning(s3, bucket)
    kept = put(s3, bucket, "k", b"kept")["VersionId"]
    enable_versioning(s3, bucket, "Suspended")
    assert put(s3, bucket, "k", b"null 1").get("VersionId", "null") == "null"
    put(s3, bucket, "k", b"null 2")
    versions = s3.list_object_versions(Bucket=bucket)["Versions"]
    assert [v["VersionId"] for v in versions] == ["null", kept]
    assert get(s3, bucket, "k") == b"null 2"
    marker = s3.delete_object(Bucket=bucket, Key="k")
    assert (marker["DeleteMarker"], marker["VersionId"]) == (True, "null")
    assert get(s3, bucket, "k", VersionId=kept) == b"kept"


def test_many_deletes_at_once(s3, bucket):
    keys = [f"key-{n:04}" for n in range(1000)]
    threads = [
        threading.Thread(target=lambda part: [put(s3, bucket, key, b"") for key in part], args=(keys[n::8],))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    page = s3.list_objects_v2(Bucket=bucket)
    assert (page["KeyCount"], page["IsTruncated"]) == (1000, False)
    objects = [{"Key": key} for key in keys]
    removed = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects[:500], "Quiet": True})
    assert "Deleted" not in removed and "Errors" not in removed
    removed = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert len(removed["Deleted"]) == 1000
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    too_many = [{"Key": f"{n}"} for n in range(1001)]
    check_refused(
        lambda: s3.delete_objects(Bucket=bucket, Delete={"Objects": too_many}), "MalformedXML", 400
    )


def test_deletes_of_versions_at_once(s3, bucket):
    enable_versioning(s3, bucket)
    one = put(s3, bucket, "k")["VersionId"]
    removed = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}]})["Deleted"]
    [marker] = removed
    assert marker["DeleteMarker"] is True and marker["DeleteMarkerVersionId"]
    both = [{"Key": "k", "VersionId": one}, {"Key": "k", "VersionId": marker["DeleteMarkerVersionId"]}]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": both})
    listed = s3.list_object_versions(Bucket=bucket)
    assert "Versions" not in listed and "DeleteMarkers" not in listed
    wrong = s3.delete_objects(
        Bucket=bucket, Delete={"Objects": [{"Key": "k", "VersionId": "made-up"}]}
    )
    assert [(e["Key"], e["Code"]) for e in wrong["Errors"]] in (
        [("k", "NoSuchVersion")], [("k", "InvalidArgument")]
    )


def test_copies(s3, bucket):
    put(s3, bucket, "from", Metadata={"a": "1"}, ContentType="text/plain", Tagging="k=v")
    source = {"Bucket": bucket, "Key": "from"}
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)
    assert copied["CopyObjectResult"]["ETag"] == etag(WHAT)
    got = s3.get_object(Bucket=bucket, Key="to")
    assert body_of(got) == WHAT
    assert got["Metadata"] == {"a": "1"} and got["ContentType"] == "text/plain"
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "k", "Value": "v"}]
    s3.copy_object(
        Bucket=bucket, Key="to", CopySource=source, MetadataDirective="REPLACE",
        Metadata={"b": "2"}, TaggingDirective="REPLACE", Tagging="x=y", StorageClass="STANDARD_IA",
    )
    head = s3.head_object(Bucket=bucket, Key="to")
    assert head["Metadata"] == {"b": "2"} and head["StorageClass"] == "STANDARD_IA"
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "x", "Value": "y"}]
    check_refused(
        lambda: s3.copy_object(Bucket=bucket, Key="from", CopySource=source), "InvalidRequest", 400,
        "This copy request is illegal because it is trying to copy an object to itself without "
        "changing the object's metadata, storage class, website redirect location or encryption attributes.",
    )
    s3.copy_object(
        Bucket=bucket, Key="from", CopySource=source, MetadataDirective="REPLACE", Metadata={"c": "3"}
    )
    assert s3.head_object(Bucket=bucket, Key="from")["Metadata"] == {"c": "3"}
    assert get(s3, bucket, "from") == WHAT
    absent = {"Bucket": bucket, "Key": "absent"}
    check_refused(
        lambda: s3.copy_object(Bucket=bucket, Key="to", CopySource=absent), "NoSuchKey", 404
    )
    tag = etag(WHAT)
    for refused in [{"CopySourceIfMatch": '"0"'}, {"CopySourceIfNoneMatch": tag}]:
        check_refused(
            lambda: s3.copy_object(Bucket=bucket, Key="to", CopySource=source, **refused),
            "PreconditionFailed", 412,
        )


def test_sources_of_copies_as_sdks_spell_them(s3, bucket, account):
    """The Go SDK's callers encode the slash between bucket and key too."""
    put(s3, bucket, "a b/+", b"here")
    for source in ["{}/a%20b/%2B", "/{}/a%20b/%2B", "{}%2Fa%20b%2F%2B", "%2F{}%2Fa%20b%2F%2B"]:
        headers = {"x-amz-copy-source": source.format(bucket)}
        status, _, body = send(helpers.signed(account, "PUT", f"/{bucket}/to", b"", headers))
        assert status == 200, body
        assert get(s3, bucket, "to") == b"here"
        s3.delete_object(Bucket=bucket, Key="to")


def test_copies_of_versions_and_between_buckets(s3, bucket):
    other = helpers.make_bucket(s3)
    enable_versioning(s3, bucket)
    old = put(s3, bucket, "k", b"old")["VersionId"]
    put(s3, bucket, "k", pseudo_random(MIB))
    copied = s3.copy_object(
        Bucket=other, Key="k", CopySource={"Bucket": bucket, "Key": "k", "VersionId": old}
    )
    assert copied["CopySourceVersionId"] == old and get(s3, other, "k") == b"old"
    s3.copy_object(Bucket=other, Key="k", CopySource={"Bucket": bucket, "Key": "k"})
    assert get(s3, other, "k") == pseudo_random(MIB)
    # The copy does not need its source.
    s3.delete_object(Bucket=bucket, Key="k")
    assert get(s3, other, "k") == pseudo_random(MIB)


def test_tags(s3, bucket):
    put(s3, bucket, "k", Tagging="a=1&b=%ED%95%98%EB%8A%98")
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "하늘"}]
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags
    assert s3.get_object(Bucket=bucket, Key="k")["TagCount"] == 2
    s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": tags[:1]})
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == tags[:1]
    s3.delete_object_tagging(Bucket=bucket, Key="k")
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == []
    assert "TagCount" not in s3.get_object(Bucket=bucket, Key="k")
    eleven = [{"Key": f"{n}", "Value": ""} for n in range(11)]
    check_refused(
        lambda: s3.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": eleven}),
        "BadRequest", 400, "Object tags cannot be greater than 10",
    )
    check_refused(
        lambda: put(s3, bucket, "k", Tagging="x" * 129 + "=1"), "InvalidTag", 400,
    )
    check_refused(
        lambda: s3.get_object_tagging(Bucket=bucket, Key="absent"), "NoSuchKey", 404
    )


def test_attributes(s3, bucket):
    put(s3, bucket, "k", ChecksumAlgorithm="SHA256")
    everything = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]
    got = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=everything)
    assert got["ETag"] == etag(WHAT).strip('"')
    assert got["ObjectSize"] == 43 and got["StorageClass"] == "STANDARD"
    assert got["Checksum"]["ChecksumSHA256"] == "16j7swfXgJRpypq8sAguT41WUeRtPNt2LQLQvzfJ5ZI="
    assert got["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "ObjectParts" not in got
    only = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectSize"])
    assert "ETag" not in only and only["ObjectSize"] == 43


def test_glacier_is_restored_on_the_regions_clock(own_region):
    s3 = helpers.client(own_region.root)
    bucket = helpers.make_bucket(s3)
    put(s3, bucket, "k", StorageClass="GLACIER")
    put(s3, bucket, "warm")
    check_refused(
        lambda: get(s3, bucket, "k"), "InvalidObjectState", 403,
        "The operation is not valid for the object's storage class",
    )
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["StorageClass"] == "GLACIER" and "Restore" not in head
    asked = {"Days": 2, "GlacierJobParameters": {"Tier": "Standard"}}
    answer = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=asked)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 202
    assert s3.head_object(Bucket=bucket, Key="k")["Restore"] == 'ongoing-request="true"'
    check_refused(
        lambda: s3.restore_object(Bucket=bucket, Key="k", RestoreRequest=asked),
        "RestoreAlreadyInProgress", 409, "Object restore is already in progress",
    )
    check_refused(lambda: get(s3, bucket, "k"), "InvalidObjectState", 403)
    own_region.ok("clock", "advance", "5h")
    assert get(s3, bucket, "k") == WHAT
    restored = s3.head_object(Bucket=bucket, Key="k")["Restore"]
    assert re.fullmatch(
        r'ongoing-request="false", expiry-date="\w{3}, \d\d \w{3} \d{4} 00:00:00 GMT"', restored
    )
    again = s3.restore_object(Bucket=bucket, Key="k", RestoreRequest={"Days": 3})
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 200
    own_region.ok("clock", "advance", "5d")
    check_refused(lambda: get(s3, bucket, "k"), "InvalidObjectState", 403)
    check_refused(
        lambda: s3.restore_object(Bucket=bucket, Key="warm", RestoreRequest=asked),
        "InvalidObjectState", 403,
        "Restore is not allowed for the object's current storage class",
    )
