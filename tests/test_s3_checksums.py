"""Digests that travel with objects: five sorts, in headers and trailers, of wholes and of parts."""

import base64
import hashlib

import pytest

import s3 as helpers
from raw import send
from refusal import check_refused
from s3 import MIB, b64, body_of, code_of, crc32_b64, error_of, md5_b64, pseudo_random, signed

NINE = b"123456789"
# The published check values of each algorithm, for the digits 1 to 9.
OF_NINE = {
    "CRC32": b64(bytes.fromhex("cbf43926")),
    "CRC32C": b64(bytes.fromhex("e3069283")),
    "CRC64NVME": b64(bytes.fromhex("ae8b14860a799888")),
    "SHA1": b64(hashlib.sha1(NINE).digest()),
    "SHA256": b64(hashlib.sha256(NINE).digest()),
}


@pytest.mark.parametrize("algorithm", OF_NINE)
def test_given_in_a_header(s3, bucket, algorithm):
    member = f"Checksum{algorithm}"
    put = s3.put_object(Bucket=bucket, Key="k", Body=NINE, **{member: OF_NINE[algorithm]})
    assert put[member] == OF_NINE[algorithm]
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert (body_of(got), got[member], got["ChecksumType"]) == (NINE, OF_NINE[algorithm], "FULL_OBJECT")
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head[member] == OF_NINE[algorithm]
    [listed] = s3.list_objects_v2(Bucket=bucket)["Contents"]
    assert listed["ChecksumAlgorithm"] == [algorithm] and listed["ChecksumType"] == "FULL_OBJECT"
    # Not asked for, not shown.
    assert member not in s3.head_object(Bucket=bucket, Key="k")
    wrong = b64(bytes(len(base64.b64decode(OF_NINE[algorithm]))))
    check_refused(
        lambda: s3.put_object(Bucket=bucket, Key="bad", Body=NINE, **{member: wrong}),
        "BadDigest", 400,
        f"The {algorithm} you specified did not match the calculated checksum.",
    )
    assert code_of(
        s3.put_object, Bucket=bucket, Key="bad", Body=NINE, **{member: "c2hvcnQ="}
    ) == "InvalidRequest"
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="bad"), "404", 404)


def test_what_nobody_gave_is_crc64nvme(s3, bucket, account):
    quiet = helpers.client(account, request_checksum_calculation="when_required")
    put = quiet.put_object(Bucket=bucket, Key="k", Body=NINE)
    assert put["ChecksumCRC64NVME"] == OF_NINE["CRC64NVME"]
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC64NVME"] == OF_NINE["CRC64NVME"]


def chunks(body, size, trailers=()):
    """aws-chunked: what SDKs send when a digest follows the last byte."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return framed + b"0\r\n" + b"".join(b"%s:%s\r\n" % pair for pair in trailers) + b"\r\n"


def put_with_trailer(account, bucket, key, body, name, value):
    headers = {
        "Content-Encoding": "aws-chunked", "x-amz-trailer": name,
        "x-amz-decoded-content-length": f"{len(body)}",
    }
    data = chunks(body, 8192, [(name.encode(), value.encode())])
    payload = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
    return send(signed(account, "PUT", f"/{bucket}/{key}", data, headers, payload))


@pytest.mark.parametrize("algorithm", OF_NINE)
def test_given_in_a_trailer(s3, bucket, account, algorithm):
    name = f"x-amz-checksum-{algorithm.lower()}"
    status, headers, body = put_with_trailer(account, bucket, "k", NINE, name, OF_NINE[algorithm])
    assert status == 200, body
    assert headers[name] == OF_NINE[algorithm]
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert body_of(got) == NINE and got[f"Checksum{algorithm}"] == OF_NINE[algorithm]
    # The frame is not the object's.
    assert "ContentEncoding" not in got
    wrong = b64(bytes(len(base64.b64decode(OF_NINE[algorithm]))))
    status, _, body = put_with_trailer(account, bucket, "bad", NINE, name, wrong)
    assert (status, error_of(body)["Code"]) == (400, "BadDigest"), body
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="bad"), "404", 404)


def test_a_stream_of_many_chunks(s3, bucket, account):
    data = pseudo_random(100_000)
    status, _, body = put_with_trailer(
        account, bucket, "k", data, "x-amz-checksum-crc32", crc32_b64(data)
    )
    assert status == 200, body
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == data


def test_streams_of_which_boto3_knows_no_length(s3, bucket, account):
    """An unseekable body over TLS or not goes as aws-chunked with a CRC-32 behind it."""
    class Once:
        def __init__(self, data):
            self.data = data

        def read(self, size=-1):
            size = len(self.data) if size is None or size < 0 else size
            piece, self.data = self.data[:size], self.data[size:]
            return piece

    data = pseudo_random(3 * MIB)
    s3.upload_fileobj(Once(data), bucket, "k")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert body_of(got) == data


def test_content_md5(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=NINE, ContentMD5=md5_b64(NINE))
    check_refused(
        lambda: s3.put_object(Bucket=bucket, Key="bad", Body=NINE, ContentMD5=md5_b64(b"other")),
        "BadDigest", 400,
        "The Content-MD5 you specified did not match what we received.",
    )
    check_refused(
        lambda: s3.put_object(Bucket=bucket, Key="bad", Body=NINE, ContentMD5="c2hvcnQ="),
        "InvalidDigest", 400, "The Content-MD5 you specified was invalid.",
    )
    check_refused(lambda: s3.head_object(Bucket=bucket, Key="bad"), "404", 404)


def upload(s3, bucket, key, parts, algorithm, kind):
    made = s3.create_multipart_upload(
        Bucket=bucket, Key=key, ChecksumAlgorithm=algorithm, ChecksumType=kind
    )
    assert (made["ChecksumAlgorithm"], made["ChecksumType"]) == (algorithm, kind)
    about = {"Bucket": bucket, "Key": key, "UploadId": made["UploadId"]}
    member, done = f"Checksum{algorithm}", []
    for number, part in enumerate(parts, 1):
        put = s3.upload_part(**about, PartNumber=number, Body=part, ChecksumAlgorithm=algorithm)
        done.append({"PartNumber": number, "ETag": put["ETag"], member: put[member]})
    return s3.complete_multipart_upload(
        **about, MultipartUpload={"Parts": done}, ChecksumType=kind
    )


def test_a_composite_of_parts(s3, bucket):
    parts = [pseudo_random(5 * MIB, "1"), pseudo_random(5 * MIB, "2"), NINE]
    made = upload(s3, bucket, "k", parts, "SHA256", "COMPOSITE")
    of_parts = hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).digest()
    assert made["ChecksumSHA256"] == b64(of_parts) + "-3"
    assert made["ChecksumType"] == "COMPOSITE"
    head = s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == b64(of_parts) + "-3"
    of_md5 = hashlib.md5(b"".join(hashlib.md5(part).digest() for part in parts)).hexdigest()
    assert head["ETag"] == f'"{of_md5}-3"'
    attributes = s3.get_object_attributes(
        Bucket=bucket, Key="k", ObjectAttributes=["Checksum", "ObjectParts"]
    )
    # Here the number of parts is not said, only in headers and lists.
    assert attributes["Checksum"]["ChecksumSHA256"] == b64(of_parts)
    shown = attributes["ObjectParts"]
    assert shown["TotalPartsCount"] == 3
    assert [part["Size"] for part in shown["Parts"]] == [5 * MIB, 5 * MIB, 9]
    assert shown["Parts"][2]["ChecksumSHA256"] == OF_NINE["SHA256"]
    second = s3.get_object(Bucket=bucket, Key="k", PartNumber=2, ChecksumMode="ENABLED")
    assert second["PartsCount"] == 3
    assert second["ContentRange"] == f"bytes {5 * MIB}-{10 * MIB - 1}/{10 * MIB + 9}"
    assert body_of(second) == parts[1]


def test_one_checksum_over_all_parts(s3, bucket):
    parts = [pseudo_random(5 * MIB, "1"), NINE]
    made = upload(s3, bucket, "k", parts, "CRC32", "FULL_OBJECT")
    assert (made["ChecksumCRC32"], made["ChecksumType"]) == (crc32_b64(b"".join(parts)), "FULL_OBJECT")
    got = s3.get_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")
    assert got["ChecksumCRC32"] == made["ChecksumCRC32"]
    assert body_of(got) == b"".join(parts)


@pytest.mark.parametrize("kind", ["COMPOSITE", "FULL_OBJECT"])
def test_a_part_without_the_checksum_of_its_upload(s3, bucket, account, kind):
    quiet = helpers.client(account, request_checksum_calculation="when_required")
    made = s3.create_multipart_upload(
        Bucket=bucket, Key="k", ChecksumAlgorithm="CRC32C", ChecksumType=kind
    )
    about = {"Bucket": bucket, "Key": "k", "UploadId": made["UploadId"]}
    part = lambda **more: quiet.upload_part(**about, PartNumber=1, Body=NINE, **more)
    check_refused(
        lambda: part(ChecksumSHA256=OF_NINE["SHA256"]), "InvalidRequest", 400,
        "Checksum Type mismatch occurred, expected checksum Type: crc32c, "
        "actual checksum Type: sha256",
    )
    if kind == "COMPOSITE":
        check_refused(
            part, "InvalidRequest", 400,
            "Checksum Type mismatch occurred, expected checksum Type: crc32c, "
            "actual checksum Type: null",
        )
        assert "Parts" not in s3.list_parts(**about)
    else:
        assert part()["ChecksumCRC32C"] == OF_NINE["CRC32C"]


def test_sha_of_a_whole_upload_is_refused(s3, bucket):
    assert code_of(
        s3.create_multipart_upload, Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256",
        ChecksumType="FULL_OBJECT",
    ) == "InvalidRequest"
