"""URLs and forms that carry their own signature, used by clients that know nothing of AWS."""

import re
from datetime import timedelta
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.auth
import pytest

import s3 as helpers
from refusal import check_refused
from region import allow, trust
from s3 import body_of, error_of, http_ask

SIGNATURES = ["s3v4", "s3"]
# The one list that says nothing where the bucket's account owns all.
ACL = "bucket-owner-full-control"


def signing(account, signature):
    return helpers.client(account, signature=signature)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_urls_to_get_and_put(s3, bucket, account, signature):
    signer = signing(account, signature)
    about = {"Bucket": bucket, "Key": "a b/한글+%2F"}
    url = signer.generate_presigned_url("put_object", about, ExpiresIn=60)
    assert ("X-Amz-Signature" in url) == (signature == "s3v4")
    status, headers, body = http_ask(url, "PUT", b"by anybody")
    assert status == 200 and headers["ETag"], body
    url = signer.generate_presigned_url("get_object", about, ExpiresIn=60)
    assert http_ask(url)[::2] == (200, b"by anybody")
    status, _, body = http_ask(url, "PUT", b"not signed for this")
    assert (status, error_of(body)["Code"]) == (403, "SignatureDoesNotMatch")
    url = signer.generate_presigned_url("head_object", about, ExpiresIn=60)
    assert http_ask(url, "HEAD")[0] == 200
    url = signer.generate_presigned_url("delete_object", about, ExpiresIn=60)
    assert http_ask(url, "DELETE")[0] == 204
    check_refused(lambda: s3.head_object(**about), "404", 404)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_answers_that_the_url_decides(s3, bucket, account, signature):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    url = signing(account, signature).generate_presigned_url(
        "get_object",
        {"Bucket": bucket, "Key": "k", "ResponseContentType": "text/plain",
         "ResponseContentDisposition": 'attachment; filename="x.txt"'},
    )
    status, headers, _ = http_ask(url)
    assert status == 200 and headers["Content-Type"] == "text/plain"
    assert headers["Content-Disposition"] == 'attachment; filename="x.txt"'


@pytest.mark.parametrize("signature", SIGNATURES)
def test_headers_that_were_signed_must_be_sent(s3, bucket, account, signature):
    url = signing(account, signature).generate_presigned_url(
        "put_object", {"Bucket": bucket, "Key": "k", "ContentType": "text/html"}
    )
    assert http_ask(url, "PUT", b"x", {"Content-Type": "text/html"})[0] == 200
    status, _, body = http_ask(url, "PUT", b"x", {"Content-Type": "text/plain"})
    assert (status, error_of(body)["Code"]) == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("signature", SIGNATURES)
def test_an_expired_url(s3, bucket, account, signature):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    with signed_in_the_past(timedelta(minutes=2)):
        url = signing(account, signature).generate_presigned_url(
            "get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=60
        )
    status, _, body = http_ask(url)
    error = error_of(body)
    assert (status, error["Code"], error["Message"]) == (
        403, "AccessDenied", "Request has expired"
    )
    assert "ServerTime" in error and "Expires" in error


def signed_in_the_past(by):
    """Within this, botocore presigns with a clock that is so far behind the machine's."""
    real = botocore.auth.get_current_datetime
    clock = mock.patch.object(
        botocore.auth, "get_current_datetime", lambda *a, **k: real(*a, **k) - by
    )
    seconds = mock.patch.object(
        botocore.auth.time, "time", lambda now=botocore.auth.time.time: now() - by.total_seconds()
    )

    class Both:
        def __enter__(self):
            clock.__enter__(), seconds.__enter__()

        def __exit__(self, *what):
            seconds.__exit__(*what), clock.__exit__(*what)

    return Both()


def test_a_url_that_lasts_too_long(bucket, account):
    url = signing(account, "s3v4").generate_presigned_url(
        "get_object", {"Bucket": bucket, "Key": "k"}, ExpiresIn=604_801
    )
    status, _, body = http_ask(url)
    assert (status, error_of(body)["Code"]) == (400, "AuthorizationQueryParametersError")
    assert error_of(body)["Message"] == (
        "X-Amz-Expires must be less than a week (in seconds); "
        "that is, the given X-Amz-Expires must be less than 604800 seconds"
    )


def test_a_url_is_worth_what_its_signer_may(s3, bucket, account):
    s3.put_object(Bucket=bucket, Key="open/k", Body=b"x")
    s3.put_object(Bucket=bucket, Key="closed/k", Body=b"x")
    user = account.user("reader", allow("s3:GetObject", f"arn:aws:s3:::{bucket}/open/*"))
    signer = signing(user, "s3v4")
    for key, expected in [("open/k", 200), ("closed/k", 403)]:
        url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": key})
        assert http_ask(url)[0] == expected, key
    account.iam.delete_access_key(UserName="reader", AccessKeyId=user.access_key)
    url = signer.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "open/k"})
    status, _, body = http_ask(url)
    assert (status, error_of(body)["Code"]) == (403, "InvalidAccessKeyId")


def test_a_url_of_a_session(s3, bucket, account):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    role = account.role("r", [trust(f"arn:aws:iam::{account.account}:root")], allow("s3:*"))
    session = account.user("u", allow("sts:AssumeRole")).assume(role)
    for signature in SIGNATURES:
        url = signing(session, signature).generate_presigned_url(
            "get_object", {"Bucket": bucket, "Key": "k"}
        )
        assert http_ask(url)[0] == 200, signature
        assert http_ask(re.sub("(?i)(security-token)=.{20}", r"\1=IQoJb3JpZ2luX2VjEXX", url))[0] in (400, 403)


def form_of(fields, file, name="pasted.txt"):
    """A form as browsers encode it."""
    boundary, lines = "----boundary", []
    for field, value in fields.items():
        lines.append(f'--{boundary}\r\nContent-Disposition: form-data; name="{field}"\r\n\r\n{value}\r\n')
    lines.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/plain\r\n\r\n"
    )
    body = "".join(lines).encode() + file + f"\r\n--{boundary}--\r\n".encode()
    return body, {"Content-Type": f"multipart/form-data; boundary={boundary}"}


def post(form, file=b"from a browser", name="pasted.txt", **changed):
    body, headers = form_of(form["fields"] | changed, file, name)
    return http_ask(form["url"], "POST", body, headers)


@pytest.mark.parametrize("signature", SIGNATURES)
def test_a_browsers_form(s3, bucket, account, signature):
    form = signing(account, signature).generate_presigned_post(
        bucket, "in/${filename}",
        Fields={"acl": ACL, "success_action_status": "201", "x-amz-meta-note": "hi"},
        Conditions=[
            {"acl": ACL}, {"success_action_status": "201"},
            ["starts-with", "$x-amz-meta-note", ""], ["content-length-range", 1, 100],
        ],
    )
    status, headers, body = post(form)
    assert status == 201, body
    assert b"<PostResponse>" in body and f"<Bucket>{bucket}</Bucket>".encode() in body
    assert b"<Key>in/pasted.txt</Key>" in body
    assert headers["ETag"]
    got = s3.get_object(Bucket=bucket, Key="in/pasted.txt")
    assert body_of(got) == b"from a browser" and got["Metadata"] == {"note": "hi"}
    for wrong, code in [
        ({"file": b""}, "EntityTooSmall"), ({"file": b"x" * 101}, "EntityTooLarge"),
        ({"acl": "public-read"}, "AccessDenied"), ({"key": "out/side"}, "AccessDenied"),
        ({"x-amz-meta-other": "1"}, "AccessDenied"),
    ]:
        status, _, body = post(form, **wrong)
        assert error_of(body)["Code"] == code, (wrong, body)
        assert status in (400, 403)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def test_forms_that_are_refused(s3, bucket, account):
    signer = signing(account, "s3v4")
    form = signer.generate_presigned_post(bucket, "k")
    assert post(form)[0] == 204
    name = "policy"
    broken = form["fields"][name][:-8] + "AAAAAAA="
    status, _, body = post(form, **{name: broken})
    assert status in (400, 403), body
    with signed_in_the_past(timedelta(hours=2)):
        old = signer.generate_presigned_post(bucket, "late", ExpiresIn=-60)
    status, _, body = post(old)
    assert (status, error_of(body)["Code"]) == (403, "AccessDenied"), body
    body, headers = form_of({"key": "anonymous"}, b"x")
    status, _, body = http_ask(form["url"], "POST", body, headers)
    assert (status, error_of(body)["Code"]) == (403, "AccessDenied"), body
    assert [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["k"]


def test_a_form_leads_to_a_page(s3, bucket, account):
    form = signing(account, "s3v4").generate_presigned_post(
        bucket, "k", Fields={"success_action_redirect": "http://example.com/done?a=1"},
        Conditions=[{"success_action_redirect": "http://example.com/done?a=1"}],
    )
    status, headers, body = post(form)
    assert status == 303, body
    there = urlsplit(headers["Location"])
    assert there.hostname == "example.com"
    query = parse_qs(there.query)
    assert query["bucket"] == [bucket] and query["key"] == ["k"] and query["a"] == ["1"]
