"""Encryption with keys that customers bring, and what lies on the disk."""

import hashlib

import pytest

import s3 as helpers
from refusal import check_refused
from s3 import MIB, b64, body_of, code_of, etag, pseudo_random

KEY = hashlib.sha256(b"a customer's key").digest()
OTHER = hashlib.sha256(b"another key").digest()


def with_key(key=KEY):
    return {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": key}


def copy_source_key(key=KEY):
    return {"CopySourceSSECustomerAlgorithm": "AES256", "CopySourceSSECustomerKey": key}


@pytest.mark.parametrize("size", [0, 1000, MIB + 1])
def test_a_customers_key(s3, bucket, size):
    data = pseudo_random(size)
    made = s3.put_object(Bucket=bucket, Key="k", Body=data, **with_key())
    assert made["SSECustomerAlgorithm"] == "AES256"
    assert made["SSECustomerKeyMD5"] == b64(hashlib.md5(KEY).digest())
    assert "ServerSideEncryption" not in made
    # The ETag is no MD5 of what was sent.
    assert size == 0 or made["ETag"] != etag(data)
    assert body_of(s3.get_object(Bucket=bucket, Key="k", **with_key())) == data
    head = s3.head_object(Bucket=bucket, Key="k", **with_key())
    assert head["ContentLength"] == size
    check_refused(
        lambda: s3.get_object(Bucket=bucket, Key="k"), "InvalidRequest", 400,
        "The object was stored using a form of Server Side Encryption. "
        "The correct parameters must be provided to retrieve the object.",
    )
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="k"), "400", 400)
    check_refused(
        lambda: s3.get_object(Bucket=bucket, Key="k", **with_key(OTHER)), "AccessDenied", 403
    )
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="k", **with_key(OTHER)), "403", 403)


def test_a_key_where_none_belongs(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"plain")
    check_refused(
        lambda: s3.get_object(Bucket=bucket, Key="k", **with_key()), "InvalidRequest", 400,
        "The encryption parameters are not applicable to this object.",
    )
    short = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"short"}
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **short) == "InvalidArgument"
    wrong = with_key() | {"SSECustomerAlgorithm": "AES128"}
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **wrong) in (
        "InvalidEncryptionAlgorithmError", "InvalidArgument"
    )
    mismatch = {
        "SSECustomerAlgorithm": "AES256", "SSECustomerKey": b64(KEY),
        "SSECustomerKeyMD5": b64(hashlib.md5(OTHER).digest()),
    }
    assert code_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", **mismatch) == "InvalidArgument"
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == b"plain"


def test_copies_change_keys(s3, bucket):
    data = pseudo_random(100_000)
    s3.put_object(Bucket=bucket, Key="k", Body=data, **with_key())
    source = {"Bucket": bucket, "Key": "k"}
    assert code_of(s3.copy_object, Bucket=bucket, Key="to", CopySource=source) == "InvalidRequest"
    s3.copy_object(
        Bucket=bucket, Key="to", CopySource=source, **copy_source_key(), **with_key(OTHER)
    )
    assert body_of(s3.get_object(Bucket=bucket, Key="to", **with_key(OTHER))) == data
    s3.copy_object(Bucket=bucket, Key="plain", CopySource=source, **copy_source_key())
    assert body_of(s3.get_object(Bucket=bucket, Key="plain")) == data


def test_uploads_with_a_customers_key(s3, bucket):
    about = {"Bucket": bucket, "Key": "k"}
    about["UploadId"] = s3.create_multipart_upload(**about, **with_key())["UploadId"]
    parts = [pseudo_random(5 * MIB, "1"), b"the end"]
    assert code_of(s3.upload_part, **about, PartNumber=1, Body=parts[0]) == "InvalidRequest"
    done = [
        {"PartNumber": n, "ETag": s3.upload_part(**about, PartNumber=n, Body=part, **with_key())["ETag"]}
        for n, part in enumerate(parts, 1)
    ]
    s3.complete_multipart_upload(**about, MultipartUpload={"Parts": done})
    got = s3.get_object(Bucket=bucket, Key="k", **with_key())
    assert body_of(got) == b"".join(parts)


@pytest.mark.parametrize("size", [2000, 300_000])
def test_nothing_that_was_said_lies_on_the_disk(own_region, size):
    s3 = helpers.client(own_region.root)
    bucket = helpers.make_bucket(s3)
    secret = (b"a sentence that nobody else says, " * (size // 34 + 1))[:size]
    s3.put_object(Bucket=bucket, Key="k", Body=secret)
    s3.put_object(Bucket=bucket, Key="c", Body=secret, **with_key())
    files = [path for path in own_region.data.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) > size
    for path in files:
        data = path.read_bytes()
        assert secret[:100] not in data and KEY not in data, path


def test_kms_is_refused_by_name(s3, bucket):
    code = code_of(
        s3.put_object, Bucket=bucket, Key="k", Body=b"x", ServerSideEncryption="aws:kms"
    )
    assert code in ("UnsupportedOperation", "NotImplemented", "InvalidArgument"), code
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0
