"""Multipart uploads: parts in any order, copies, lists, aborts, and what is refused."""

from boto3.s3.transfer import TransferConfig

import s3 as helpers
from refusal import check_refused
from s3 import MIB, body_of, code_of, etag, pseudo_random

PART = 5 * MIB


def begin(s3, bucket, key="k", **parameters):
    made = s3.create_multipart_upload(Bucket=bucket, Key=key, **parameters)
    return {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}


def add(s3, about, number, body):
    answer = s3.upload_part(**about, PartNumber=number, Body=body)
    return {"PartNumber": number, "ETag": answer["ETag"]}


def complete(s3, about, parts, **parameters):
    return s3.complete_multipart_upload(**about, MultipartUpload={"Parts": parts}, **parameters)


def test_an_upload_in_parts(s3, bucket, account):
    about = begin(s3, bucket, Metadata={"a": "1"}, ContentType="text/plain", Tagging="t=v")
    bodies = {1: pseudo_random(PART, "1"), 5: pseudo_random(PART + 1, "5"), 9: b"the end"}
    # In any order, with gaps, and the last of a number counts.
    add(s3, about, 5, b"overwritten")
    parts = {number: add(s3, about, number, bodies[number]) for number in [9, 5, 1]}
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="k"), "404", 404)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
    listed = s3.list_parts(**about)
    assert [(p["PartNumber"], p["Size"], p["ETag"]) for p in listed["Parts"]] == [
        (n, len(bodies[n]), etag(bodies[n])) for n in [1, 5, 9]
    ]
    assert listed["StorageClass"] == "STANDARD" and not listed["IsTruncated"]
    page = s3.list_parts(**about, MaxParts=2)
    assert page["IsTruncated"] and page["NextPartNumberMarker"] == 5
    rest = s3.list_parts(**about, PartNumberMarker=5)
    assert [p["PartNumber"] for p in rest["Parts"]] == [9]
    [upload] = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert (upload["Key"], upload["UploadId"]) == ("k", about["UploadId"])
    done = complete(s3, about, [parts[1], parts[5], parts[9]])
    assert done["ETag"].endswith('-3"') and done["Key"] == "k" and done["Bucket"] == bucket
    assert done["Location"].startswith("http")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert body_of(got) == bodies[1] + bodies[5] + bodies[9]
    assert got["Metadata"] == {"a": "1"} and got["ContentType"] == "text/plain"
    assert got["TagCount"] == 1
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    check_refused(lambda: s3.list_parts(**about), "NoSuchUpload", 404)
    across = f"bytes={PART - 3}-{PART + 2}"
    assert body_of(s3.get_object(Bucket=bucket, Key="k", Range=across)) == (
        bodies[1][-3:] + bodies[5][:3]
    )


def test_one_part_of_a_whole(s3, bucket):
    about = begin(s3, bucket)
    bodies = [pseudo_random(PART, "1"), b"the end"]
    complete(s3, about, [add(s3, about, n, body) for n, body in enumerate(bodies, 1)])
    last = s3.get_object(Bucket=bucket, Key="k", PartNumber=2)
    assert body_of(last) == b"the end" and last["PartsCount"] == 2
    assert last["ContentRange"] == f"bytes {PART}-{PART + 6}/{PART + 7}"
    head = s3.head_object(Bucket=bucket, Key="k", PartNumber=1)
    assert head["ContentLength"] == PART and head["PartsCount"] == 2
    check_refused(
        lambda: s3.get_object(Bucket=bucket, Key="k", PartNumber=3), "InvalidPartNumber", 416,
        "The requested partnumber is not satisfiable",
    )


def test_one_part_where_numbers_were_left_out(s3, bucket):
    """Parts keep their numbers; only their count is said."""
    about = begin(s3, bucket)
    bodies = {2: pseudo_random(PART, "2"), 5: pseudo_random(PART + 1, "5"), 9: b"the end"}
    complete(s3, about, [add(s3, about, n, body) for n, body in bodies.items()])
    size, at = sum(map(len, bodies.values())), 0
    for number, body in bodies.items():
        got = s3.get_object(Bucket=bucket, Key="k", PartNumber=number)
        assert body_of(got) == body
        head = s3.head_object(Bucket=bucket, Key="k", PartNumber=number)
        for answer in [got, head]:
            assert (answer["PartsCount"], answer["ContentLength"]) == (3, len(body))
            assert answer["ContentRange"] == f"bytes {at}-{at + len(body) - 1}/{size}"
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
        at += len(body)
    for absent in [1, 3, 10]:
        assert code_of(s3.get_object, Bucket=bucket, Key="k", PartNumber=absent) == "InvalidPartNumber"
        assert code_of(s3.head_object, Bucket=bucket, Key="k", PartNumber=absent) == "416"
    attributes = s3.get_object_attributes(Bucket=bucket, Key="k", ObjectAttributes=["ObjectParts"])
    assert attributes["ObjectParts"]["TotalPartsCount"] == 3


def test_a_completion_that_is_repeated(s3, bucket):
    """A client that lost the answer asks again and gets it."""
    about = begin(s3, bucket)
    parts = [add(s3, about, 1, b"x")]
    first = complete(s3, about, parts)
    assert complete(s3, about, parts)["ETag"] == first["ETag"]


def test_an_abort(s3, bucket):
    about = begin(s3, bucket)
    add(s3, about, 1, pseudo_random(PART))
    answer = s3.abort_multipart_upload(**about)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    message = (
        "The specified upload does not exist. The upload ID may be invalid, "
        "or the upload may have been aborted or completed."
    )
    for call in [lambda: s3.abort_multipart_upload(**about), lambda: add(s3, about, 2, b""),
                 lambda: complete(s3, about, [{"PartNumber": 1, "ETag": '"0"'}]),
                 lambda: s3.list_parts(**about)]:
        check_refused(call, "NoSuchUpload", 404, message)
    s3.delete_bucket(Bucket=bucket)


def test_completions_that_are_refused(s3, bucket):
    about = begin(s3, bucket)
    one, two = add(s3, about, 1, b"short"), add(s3, about, 2, b"short")
    missing = {"PartNumber": 3, "ETag": one["ETag"]}
    wrong = {"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}
    invalid_part = (
        "One or more of the specified parts could not be found.  The part may not have been "
        "uploaded, or the specified entity tag may not match the part's entity tag."
    )
    for parts, code, message in [
        ([two, one], "InvalidPartOrder", "The list of parts was not in ascending order. "
         "Parts must be ordered by part number."),
        ([one, one], "InvalidPartOrder", None),
        ([one, missing], "InvalidPart", invalid_part), ([wrong], "InvalidPart", invalid_part),
        ([one, two], "EntityTooSmall",
         "Your proposed upload is smaller than the minimum allowed size"),
        ([], "MalformedXML", None),
    ]:
        check_refused(lambda: complete(s3, about, parts), code, 400, message)
    assert code_of(add, s3, about, 0, b"") == "InvalidArgument"
    assert code_of(add, s3, about, 10_001, b"") == "InvalidArgument"
    # What was refused changed nothing: the upload is still there to be completed.
    complete(s3, about, [one])
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == b"short"


def test_conditions(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    about = begin(s3, bucket)
    parts = [add(s3, about, 1, b"x")]
    check_refused(lambda: complete(s3, about, parts, IfNoneMatch="*"), "PreconditionFailed", 412)
    complete(s3, about, parts, IfMatch=etag(b"there"))
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == b"x"


def test_of_uploads_that_race_one_creates(s3, bucket):
    from test_s3_objects import race

    uploads = [begin(s3, bucket) for _ in range(4)]
    parts = [[add(s3, about, 1, f"{n}".encode())] for n, about in enumerate(uploads)]
    made, refused = race(4, lambda n: complete(s3, uploads[n], parts[n], IfNoneMatch="*"))
    assert len(made) == 1, refused
    assert set(refused) <= {"PreconditionFailed", "ConditionalRequestConflict"}
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == f"{made[0]}".encode()


def test_parts_that_are_copies(s3, bucket):
    data = pseudo_random(2 * PART)
    s3.put_object(Bucket=bucket, Key="from", Body=data)
    about = begin(s3, bucket, "to")
    source = {"Bucket": bucket, "Key": "from"}
    parts = []
    for number, (first, last) in enumerate([(0, PART - 1), (PART + 7, PART + 100)], 1):
        copied = s3.upload_part_copy(
            **about, PartNumber=number, CopySource=source, CopySourceRange=f"bytes={first}-{last}"
        )
        assert copied["CopyPartResult"]["ETag"] == etag(data[first : last + 1])
        parts.append({"PartNumber": number, "ETag": copied["CopyPartResult"]["ETag"]})
    for asked in ["bytes=0-", "0-1", f"bytes=0-{len(data)}"]:
        code = code_of(
            s3.upload_part_copy, **about, PartNumber=3, CopySource=source, CopySourceRange=asked
        )
        assert code in ("InvalidArgument", "InvalidRequest", "InvalidRange"), (asked, code)
    complete(s3, about, parts)
    whole = data[:PART] + data[PART + 7 : PART + 101]
    assert body_of(s3.get_object(Bucket=bucket, Key="to")) == whole


def test_uploads_in_pages(s3, bucket):
    keys = ["a/1", "a/2", "b", "b", "c"]
    made = [begin(s3, bucket, key) for key in keys]
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [(u["Key"], u["UploadId"]) for u in listed] == [(u["Key"], u["UploadId"]) for u in made]
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in rolled["CommonPrefixes"]] == ["a/"]
    assert [u["Key"] for u in rolled["Uploads"]] == ["b", "b", "c"]
    seen = []
    for page in s3.get_paginator("list_multipart_uploads").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": 2}
    ):
        seen += [u["UploadId"] for u in page["Uploads"]]
    assert seen == [u["UploadId"] for u in made]


def test_boto3s_own_transfers(s3, bucket, folder):
    """upload_file and download_file, in parts by many threads, with a digest of each."""
    data = pseudo_random(20 * MIB + 12_345)
    there, back = folder / "there", folder / "back"
    there.write_bytes(data)
    config = TransferConfig(multipart_threshold=8 * MIB, multipart_chunksize=8 * MIB, max_concurrency=4)
    s3.upload_file(str(there), bucket, "k", Config=config, ExtraArgs={"ContentType": "text/plain"})
    s3.download_file(bucket, "k", str(back), Config=config)
    assert back.read_bytes() == data
    head = s3.head_object(Bucket=bucket, Key="k")
    assert head["ETag"].endswith('-3"') and head["ContentType"] == "text/plain"
    s3.copy({"Bucket": bucket, "Key": "k"}, bucket, "copy", Config=config)
    s3.download_file(bucket, "copy", str(back), Config=config)
    assert back.read_bytes() == data


def test_versions_of_uploads(s3, bucket):
    helpers.enable_versioning(s3, bucket)
    about = begin(s3, bucket)
    done = complete(s3, about, [add(s3, about, 1, b"1")])
    other = begin(s3, bucket)
    again = complete(s3, other, [add(s3, other, 1, b"2")])
    assert done["VersionId"] != again["VersionId"]
    got = s3.get_object(Bucket=bucket, Key="k", VersionId=done["VersionId"])
    assert body_of(got) == b"1"
