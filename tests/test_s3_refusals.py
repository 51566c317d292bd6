"""Bytes that no well-behaved client sends: S3's refusals, whole, and nothing stored."""

import hashlib
import hmac
import io
import os
import re
import resource
import socket
import time
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

import s3 as helpers
from raw import clock_ahead, send, send_bytes
from region import REGION
from s3 import body_of, error_of, http_ask, signed

EMPTY = hashlib.sha256(b"").hexdigest()


def check_error(answer, code, status, message=None, **details):
    """S3's error document, whole."""
    seen, headers, body = answer
    error = error_of(body)
    assert (error["Code"], seen) == (code, status), body
    assert headers["Content-Type"] == "application/xml"
    assert error["RequestId"] == headers["x-amz-request-id"]
    assert error["HostId"] == headers["x-amz-id-2"]
    if isinstance(message, re.Pattern):
        assert message.fullmatch(error["Message"]), error["Message"]
    elif message is not None:
        assert error["Message"] == message
    for name, value in details.items():
        assert error[name] == value, error
    return error


def check_nothing_stored(s3, bucket):
    assert s3.list_object_versions(Bucket=bucket).get("Versions", []) == []
    assert s3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) == []


def put(account, bucket, body=b"x", headers=None, payload=None):
    return signed(account, "PUT", f"/{bucket}/k", body, headers, payload)


def head_of(request, length=None, method=None):
    """A signed request's head, as bytes."""
    url = urlsplit(request.url)
    target = url.path + (f"?{url.query}" if url.query else "")
    lines = [f"{method or request.method} {target} HTTP/1.1", f"Host: {url.netloc}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if length is not None:
        lines.append(f"Content-Length: {length}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def status_of(answer):
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(found[1]) if found else None


def connect(account):
    url = urlsplit(account.endpoint)
    return socket.create_connection((url.hostname, url.port), timeout=60)


@pytest.fixture(scope="module", autouse=True)
def stopped(region):
    """A body that stops half-way when this file begins, since giving it up takes its time."""
    account = region.create_account()
    s3 = helpers.client(account)
    bucket = helpers.make_bucket(s3)
    request = put(account, bucket, b"y" * 1000, payload="UNSIGNED-PAYLOAD")
    with connect(account) as connection:
        connection.sendall(head_of(request, 1000) + b"y" * 10)
        yield s3, bucket, connection


def test_who_it_is_not(s3, bucket, account):
    stranger = replace(account, access_key="AKIAIOSFODNN7EXAMPLE")
    check_error(
        send(put(stranger, bucket)), "InvalidAccessKeyId", 403,
        "The AWS Access Key Id you provided does not exist in our records.",
        AWSAccessKeyId="AKIAIOSFODNN7EXAMPLE",
    )
    liar = replace(account, secret_key="x" * 40)
    error = check_error(
        send(put(liar, bucket)), "SignatureDoesNotMatch", 403,
        "The request signature we calculated does not match the signature you provided. "
        "Check your key and signing method.",
    )
    assert error["StringToSign"].startswith("AWS4-HMAC-SHA256\n")
    assert error["CanonicalRequest"].startswith(f"PUT\n/{bucket}/k\n")
    check_nothing_stored(s3, bucket)


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_skewed_clock(s3, bucket, account, minutes):
    with clock_ahead(timedelta(minutes=minutes)):
        request = put(account, bucket)
    check_error(
        send(request), "RequestTimeTooSkewed", 403,
        "The difference between the request time and the current time is too large.",
        MaxAllowedSkewMilliseconds="900000",
    )
    check_nothing_stored(s3, bucket)


def test_a_body_that_is_not_what_was_signed(s3, bucket, account):
    request = put(account, bucket, b"signed")
    request.data = b"sended"
    error = check_error(
        send(request), "XAmzContentSHA256Mismatch", 400,
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
    )
    assert error["ClientComputedContentSHA256"] == hashlib.sha256(b"signed").hexdigest()
    assert error["S3ComputedContentSHA256"] == hashlib.sha256(b"sended").hexdigest()
    check_nothing_stored(s3, bucket)


@pytest.mark.parametrize("size", [100, 300_000])
def test_a_truncated_body(s3, bucket, account, size):
    """The connection ends before the announced length: nothing is kept, with or without a digest."""
    for payload in [None, "UNSIGNED-PAYLOAD"]:
        body = b"y" * size
        request = put(account, bucket, body, payload=payload)
        with connect(account) as connection:
            connection.sendall(head_of(request, size) + body[: size // 2])
            connection.shutdown(socket.SHUT_WR)
            connection.recv(65536)
    with connect(account) as connection:
        connection.sendall(head_of(put(account, bucket, b"y" * size), size) + b"yy")
    check_nothing_stored(s3, bucket)


def test_lengths(s3, bucket, account):
    request = put(account, bucket, payload="UNSIGNED-PAYLOAD")
    without = head_of(request) + b""
    answer = send_bytes(account, without.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n")
                        + b"1\r\nx\r\n0\r\n\r\n")
    assert status_of(answer) == 411 and b"MissingContentLength" in answer
    huge = head_of(request, 5 * 1024**3 + 1)
    answer = send_bytes(account, huge.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert status_of(answer) == 400 and b"EntityTooLarge" in answer
    assert status_of(send_bytes(account, head_of(request, -1))) == 400
    assert status_of(send_bytes(account, head_of(request, "1\r\nContent-Length: 2"))) == 400
    check_nothing_stored(s3, bucket)


def test_expect_is_answered_before_the_body(s3, bucket, account):
    body = b"z" * 1000
    request = put(account, bucket, body, {"Expect": "100-continue"})
    with connect(account) as connection:
        connection.sendall(head_of(request, len(body)))
        assert connection.recv(65536).startswith(b"HTTP/1.1 100 Continue\r\n\r\n")
        connection.sendall(body)
        assert status_of(connection.recv(65536)) == 200
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == body
    # A refusal comes instead of the question for the body, and the connection is told to end.
    for refused, status in [
        (put(replace(account, secret_key="x" * 40), bucket, body, {"Expect": "100-continue"}), 403),
        (put(account, helpers.new_name(), body, {"Expect": "100-continue"}), 404),
        (put(account, bucket, body, {"Expect": "100-continue", "If-None-Match": "*"}), 412),
    ]:
        with connect(account) as connection:
            connection.sendall(head_of(refused, len(body)))
            answer = connection.recv(65536)
            assert status_of(answer) == status, answer
            assert b"\r\nconnection: close\r\n" in answer.lower()


def test_the_connection_is_good_after_a_refusal(s3, bucket, account):
    """Small bodies are read to their end, so that pools may keep the connection."""
    refused = put(replace(account, secret_key="x" * 40), bucket, b"body")
    with connect(account) as connection:
        for _ in range(3):
            connection.sendall(head_of(refused, 4) + b"body")
            answer = b""
            while b"</Error>" not in answer:
                answer += connection.recv(65536)
            assert status_of(answer) == 403


def test_the_connection_ends_where_a_body_is_not_read(s3, bucket, account):
    """It is too long to be read for nothing: what is left of it is no next request."""
    sent, announced = 64 * helpers.MIB, 100 * helpers.MIB
    refused = put(replace(account, secret_key="x" * 40), bucket, payload="UNSIGNED-PAYLOAD")
    with connect(account) as connection:
        connection.sendall(head_of(refused, announced))
        for _ in range(sent // helpers.MIB):
            connection.sendall(bytes(helpers.MIB))
        answer = b""
        while piece := connection.recv(65536):
            answer += piece
    assert status_of(answer) == 403 and answer.endswith(b"</Error>")
    assert b"\r\nconnection: close\r\n" in answer.lower()
    assert answer.count(b"HTTP/1.1 ") == 1


def test_botocore_after_a_refused_expectation(bucket, account):
    """Its one connection is answered rightly, whatever was refused on it before the body came."""
    patient = helpers.client(account, max_pool_connections=1)
    stranger = helpers.client(replace(account, secret_key="x" * 40), max_pool_connections=1)
    body = helpers.pseudo_random(helpers.MIB)
    for n in range(5):
        for s3, key, code in [(patient, "k" * 2000, "KeyTooLongError"), (patient, "k", None),
                              (stranger, "k", "SignatureDoesNotMatch")]:
            # botocore expects a 100 for what it reads from a file.
            refused = helpers.code_of(s3.put_object, Bucket=bucket, Key=key, Body=io.BytesIO(body))
            assert refused == code, n
        assert patient.head_object(Bucket=bucket, Key="k")["ContentLength"] == len(body)
        absent = helpers.code_of(patient.put_object, Bucket=helpers.new_name(), Key="k", Body=io.BytesIO(body))
        assert absent == "NoSuchBucket"
        assert body_of(patient.get_object(Bucket=bucket, Key="k")) == body


def chunk_signing(account, request):
    """The key, date, scope and first signature that the chunks' own are chained to."""
    found = re.search(
        r"Credential=[^/]+/((\d{8})/([^/]+)/s3/aws4_request).*Signature=([0-9a-f]{64})",
        request.headers["Authorization"],
    )
    scope, date, region, seed = found.groups()
    key = f"AWS4{account.secret_key}".encode()
    for part in [date, region, "s3", "aws4_request"]:
        key = hmac.digest(key, part.encode(), "sha256")
    return key, f"{request.headers['X-Amz-Date']}\n{scope}", seed


def signed_chunks(account, bucket, pieces, spoil=None):
    """STREAMING-AWS4-HMAC-SHA256-PAYLOAD; the signature of piece `spoil` is wrong."""
    length = sum(map(len, pieces))
    headers = {"Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": f"{length}"}
    request = put(account, bucket, b"", headers, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
    key, about, previous = chunk_signing(account, request)
    data = b""
    for n, piece in enumerate([*pieces, b""]):
        text = f"AWS4-HMAC-SHA256-PAYLOAD\n{about}\n{previous}\n{EMPTY}\n{hashlib.sha256(piece).hexdigest()}"
        previous = hmac.new(key, text.encode(), "sha256").hexdigest()
        shown = previous if n != spoil else "0" * 64
        data += f"{len(piece):x};chunk-signature={shown}\r\n".encode() + piece + b"\r\n"
    request.data = data
    return request


def test_chunks_with_signatures(s3, bucket, account):
    pieces = [b"a" * 65536, b"b" * 65536, b"c" * 100]
    status, _, body = send(signed_chunks(account, bucket, pieces))
    assert status == 200, body
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == b"".join(pieces)
    s3.delete_object(Bucket=bucket, Key="k")
    for spoil in range(4):
        check_error(send(signed_chunks(account, bucket, pieces, spoil)), "SignatureDoesNotMatch", 403)
    request = signed_chunks(account, bucket, pieces)
    request.data = request.data.replace(b"b" * 10, b"B" * 10, 1)
    check_error(send(request), "SignatureDoesNotMatch", 403)
    check_nothing_stored(s3, bucket)


def test_a_large_chunk_with_a_signature(s3, bucket, account):
    """It is written while it is hashed, and what was written for nothing is not seen."""
    pieces = [helpers.pseudo_random(20 * helpers.MIB)]
    check_error(send(signed_chunks(account, bucket, pieces, 0)), "SignatureDoesNotMatch", 403)
    check_nothing_stored(s3, bucket)
    assert send(signed_chunks(account, bucket, pieces))[0] == 200
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == pieces[0]


BROKEN_CHUNKS = {
    "no end": b"5\r\nhello\r\n", "no frame": b"hello", "too short": b"6\r\nhello\r\n0\r\n\r\n",
    "too long": b"6\r\nhello!\r\n0\r\n\r\n", "not hex": b"zz\r\nhello\r\n0\r\n\r\n",
    "huge": b"ffffffffffffffffff\r\nhello\r\n0\r\n\r\n", "long line": b"5" + b";" * 100_000,
    "after the end": b"5\r\nhello\r\n0\r\n\r\nmore", "negative": b"-5\r\nhello\r\n0\r\n\r\n",
    "unannounced trailer": b"5\r\nhello\r\n0\r\nx-amz-checksum-sha1:AAAA\r\n\r\n",
}


@pytest.mark.parametrize("data", BROKEN_CHUNKS.values(), ids=BROKEN_CHUNKS)
def test_chunks_that_are_none(s3, bucket, account, data):
    headers = {
        "Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": "5",
        "x-amz-trailer": "x-amz-checksum-crc32",
    }
    request = put(account, bucket, data, headers, "STREAMING-UNSIGNED-PAYLOAD-TRAILER")
    status, _, body = send(request)
    assert status == 400, body
    assert error_of(body)["Code"] in (
        "IncompleteBody", "MalformedTrailerError", "InvalidRequest", "InvalidChunkSizeError"
    ), body
    check_nothing_stored(s3, bucket)


TARGETS = {
    "NUL": "/{bucket}/a%00b", "overlong slash": "/{bucket}/a%C0%AFb", "surrogate": "/{bucket}/%ED%A0%80",
    "not UTF-8": "/{bucket}/%FF", "half an escape": "/{bucket}/a%2", "not hex": "/{bucket}/a%zz",
}


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_targets_that_are_no_key(s3, bucket, account, target):
    """Refused as the client's fault, or (NUL) kept byte for byte; never another key."""
    target = target.format(bucket=bucket)
    answer = send_bytes(account, f"PUT {target} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
    assert status_of(answer) in (400, 403), answer
    url = helpers.client(account).generate_presigned_url("put_object", {"Bucket": bucket, "Key": "PLACE"})
    answer = http_ask(url.replace(f"/{bucket}/PLACE", target), "PUT", b"x")
    assert answer[0] in (400, 403), answer
    check_nothing_stored(s3, bucket)


def test_a_key_with_nul(s3, bucket):
    """XML has no form for it, yet S3 keeps such keys and lists them url-encoded."""
    code = helpers.code_of(s3.put_object, Bucket=bucket, Key="a\0b", Body=b"x")
    if code is None:
        assert body_of(s3.get_object(Bucket=bucket, Key="a\0b")) == b"x"
        [entry] = s3.list_objects_v2(Bucket=bucket)["Contents"]
        assert entry["Key"] == "a\0b"
    else:
        assert code in ("InvalidURI", "InvalidArgument", "400"), code


def test_paths_are_not_walked(s3, bucket, account):
    """`..` is two dots: neither another bucket nor a file of ours."""
    other = helpers.make_bucket(s3)
    s3.put_object(Bucket=other, Key="secret", Body=b"other")
    for target in [f"/{bucket}/../{other}/secret", f"/{bucket}/%2e%2e/{other}/secret",
                   f"/{bucket}/../../../../etc/passwd", f"/{bucket}/..%2F..%2F{other}/secret"]:
        request = signed(account, "GET", target)
        answer = send_bytes(account, head_of(request))
        assert status_of(answer) in (403, 404), answer
        assert b"other" != answer.split(b"\r\n\r\n")[-1] and b"root:" not in answer
    s3.put_object(Bucket=bucket, Key=f"../{other}/secret", Body=b"mine")
    assert body_of(s3.get_object(Bucket=other, Key="secret")) == b"other"


def test_headers_are_not_injected(s3, bucket, account):
    """What a client chooses and S3 prints back never begins a header of its own."""
    injected = "x\r\nSet-Cookie: evil=1"
    for parameter in ["response-content-type", "response-content-disposition", "response-cache-control"]:
        url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k"})
        status, headers, _ = http_ask(f"{url}&{parameter}=x%0d%0aSet-Cookie:%20evil=1")
        assert status in (400, 403) and "Set-Cookie" not in headers
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for member in ["ResponseContentType", "ResponseContentDisposition", "ResponseContentLanguage"]:
        url = s3.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "k", member: injected})
        status, headers, body = http_ask(url)
        assert "Set-Cookie" not in headers and status in (200, 400), body
    url = s3.generate_presigned_url("put_object", {"Bucket": bucket, "Key": "k\r\nX: y"})
    status, headers, _ = http_ask(url, "PUT", b"x")
    assert "X" not in headers
    request = put(account, bucket)
    raw = head_of(request, 1).replace(b"\r\n\r\n", b"\r\nx-amz-meta-a: b\x00c\r\n\r\n") + b"x"
    assert status_of(send_bytes(account, raw)) in (400, 403)


BAD_XML = {
    "nothing": b"", "no XML": b"hello", "unclosed": b"<Delete><Object>", "wrong root": b"<Remove/>",
    "entity": b'<!DOCTYPE a [<!ENTITY b "c">]><Delete><Object><Key>&b;</Key></Object></Delete>',
    "outside": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&b;</Key></Object></Delete>',
    "deep": b"<Delete>" * 5000, "no key": b"<Delete><Object/></Delete>", "not UTF-8": b"<Delete>\xff</Delete>",
}


@pytest.mark.parametrize("document", BAD_XML.values(), ids=BAD_XML)
def test_documents_that_are_no_delete(s3, bucket, account, document):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    request = signed(
        account, "POST", f"/{bucket}?delete", document,
        {"Content-MD5": helpers.md5_b64(document), "Content-Type": "application/xml"},
    )
    status, _, body = send(request)
    assert status == 400 and error_of(body)["Code"] in ("MalformedXML", "MissingRequestBodyError"), body
    assert b"root:" not in body
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_a_document_that_is_not_what_was_digested(s3, bucket, account):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    document = b"<Delete><Object><Key>k</Key></Object></Delete>"
    for headers in [{"Content-MD5": helpers.md5_b64(b"other")},
                    {"x-amz-checksum-crc32": helpers.crc32_b64(b"other")}]:
        check_error(
            send(signed(account, "POST", f"/{bucket}?delete", document, headers)), "BadDigest", 400
        )
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


DIGESTED = {
    "DeleteObjects": ("POST", "?delete", b"<Delete><Object><Key>k</Key></Object></Delete>"),
    "PutBucketTagging": ("PUT", "?tagging", b"<Tagging><TagSet/></Tagging>"),
    "PutBucketCors": (
        "PUT", "?cors", b"<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod>"
        b"<AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>",
    ),
    "PutBucketLifecycleConfiguration": (
        "PUT", "?lifecycle", b"<LifecycleConfiguration><Rule><Filter/><Status>Enabled</Status>"
        b"<Expiration><Days>1</Days></Expiration></Rule></LifecycleConfiguration>",
    ),
}


@pytest.mark.parametrize("method, query, document", DIGESTED.values(), ids=DIGESTED)
def test_documents_that_need_a_digest(s3, bucket, account, method, query, document):
    ask = lambda headers: send(signed(account, method, f"/{bucket}{query}", document, headers))
    check_error(
        ask({}), "InvalidRequest", 400,
        "Missing required header for this request: Content-MD5 OR x-amz-checksum-*",
    )
    check_error(ask({"Content-MD5": "c2hvcnQ="}), "InvalidDigest", 400)
    check_error(ask({"Content-MD5": helpers.md5_b64(b"other")}), "BadDigest", 400)
    for digest in [{"Content-MD5": helpers.md5_b64(document)},
                   {"x-amz-checksum-crc32": helpers.crc32_b64(document)}]:
        assert ask(digest)[0] == 200


def test_documents_that_need_no_digest(bucket, account):
    """AWS's model asks SDKs for one here too, yet AWS takes them without."""
    document = b"<VersioningConfiguration><Status>Suspended</Status></VersioningConfiguration>"
    assert send(signed(account, "PUT", f"/{bucket}?versioning", document))[0] == 200


def test_methods_that_nobody_serves(s3, bucket, account):
    for method, target in [("PATCH", f"/{bucket}/k"), ("POST", f"/{bucket}/k"), ("DELETE", "/"), ("PUT", "/")]:
        status, headers, body = send(signed(account, method, target))
        assert (status, error_of(body)["Code"]) == (405, "MethodNotAllowed"), (method, target, body)


def test_an_operation_that_haneul_lacks(region, account, bucket):
    request = signed(account, "GET", f"/{bucket}?inventory&id=1")
    error = check_error(send(request), "UnsupportedOperation", 400)
    assert "GetBucketInventoryConfiguration" in error["Message"]
    counted = {one["operation"] for one in region.status()["unsupported"]}
    assert "s3:GetBucketInventoryConfiguration" in counted


def test_a_slow_body_holds_nobody_up(s3, bucket, account):
    """Others are served meanwhile; what never comes to its end is not stored."""
    request = put(account, bucket, b"y" * 1000, payload="UNSIGNED-PAYLOAD")
    slow = [connect(account) for _ in range(50)]
    for connection in slow:
        connection.sendall(head_of(request, 1000) + b"y")
    begin = time.monotonic()
    for n in range(20):
        s3.put_object(Bucket=bucket, Key=f"fast-{n}", Body=b"x" * 1000)
    assert time.monotonic() - begin < 20
    for connection in slow:
        connection.close()
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 20


IDLE = 10_000 if os.environ.get("HANEUL_SOAK") else 1000


def test_many_idle_connections(region, s3, bucket, account):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, IDLE + 500)), hard))
    idle, begun = [], time.monotonic()
    try:
        for n in range(IDLE):
            idle.append(connect(account))
            if n % 100 == 0:
                idle[-1].sendall(b"PUT /half/a/request HTTP/1.1\r\nHost:")
            if n % 500 == 0:
                s3.put_object(Bucket=bucket, Key=f"k{n}", Body=b"x")
        # Those that the kernel has taken and we have not yet are taken soon.
        while (taken := region.status()["connections"]) < IDLE:
            assert time.monotonic() - begun < 60, taken
        for n in range(0, IDLE, 500):
            assert body_of(s3.get_object(Bucket=bucket, Key=f"k{n}")) == b"x"
    finally:
        for connection in idle:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_regions_in_signatures(account, bucket):
    error = check_error(
        send(signed(account, "GET", f"/{bucket}", region="eu-north-1")),
        "AuthorizationHeaderMalformed", 400,
    )
    assert error["Region"] == REGION


def test_a_body_that_stops_coming_is_given_up(stopped):
    s3, bucket, connection = stopped
    answer = connection.recv(65536)
    assert status_of(answer) == 400 and b"<Code>RequestTimeout</Code>" in answer
    check_nothing_stored(s3, bucket)
