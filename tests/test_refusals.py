"""Bad input: AWS's code, status and sentence in the protocol's shape, and nothing changed."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from raw import FORM, IDENTITY, check_query_error, clock_ahead, send, send_bytes, signed
from refusal import check_refused

IAM = "Version=2010-05-08&Action="
INVALID_TOKEN = "The security token included in the request is invalid."
WRONG_SIGNATURE = (
    "The request signature we calculated does not match the signature you provided. "
    "Check your AWS Secret Access Key and signing method. "
    "Consult the service documentation for details."
)


def test_who_it_is_not(account):
    stranger = replace(account, access_key="AKIAIOSFODNN7EXAMPLE")
    check_query_error(signed(stranger, "sts", IDENTITY), "InvalidClientTokenId", 403, INVALID_TOKEN)
    check_query_error(signed(stranger, "iam", IAM + "ListUsers"), "InvalidClientTokenId", 403, INVALID_TOKEN)
    liar = replace(account, secret_key="x" * 40)
    check_query_error(signed(liar, "sts", IDENTITY), "SignatureDoesNotMatch", 403, WRONG_SIGNATURE)
    tokened = replace(account, token="made-up")
    # AWS ends this sentence without its full stop when the token is what is wrong.
    check_query_error(
        signed(tokened, "sts", IDENTITY), "InvalidClientTokenId", 403, INVALID_TOKEN.rstrip(".")
    )


def test_nothing_signed_at_all(account):
    request = signed(account, "iam", IAM + "ListUsers")
    del request.headers["Authorization"]
    check_query_error(
        request, "MissingAuthenticationToken", 403, "Request is missing Authentication Token"
    )


def test_every_signed_part_counts(account):
    def spoiled(spoil):
        request = signed(account, "sts", IDENTITY, headers={"X-Amz-Meta-Note": "one"})
        spoil(request)
        check_query_error(request, "SignatureDoesNotMatch", 403)

    def longer_body(request):
        request.data = IDENTITY + "&x=1"

    spoiled(longer_body)
    spoiled(lambda request: request.headers.replace_header("X-Amz-Meta-Note", "two"))
    spoiled(lambda request: setattr(request, "url", request.url + "?x=1"))
    spoiled(lambda request: setattr(request, "url", request.url + "other"))
    signature = re.compile("Signature=.")
    spoiled(
        lambda request: request.headers.replace_header(
            "Authorization",
            signature.sub(
                lambda found: "Signature=" + ("0" if found[0][-1] != "0" else "1"),
                request.headers["Authorization"],
            ),
        )
    )


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_skewed_clock(account, minutes):
    with clock_ahead(timedelta(minutes=minutes)):
        request = signed(account, "sts", IDENTITY)
    stamp = r"\d{8}T\d{6}Z"
    said = (
        rf"Signature expired: {stamp} is now earlier than {stamp} \({stamp} - (5|15) min\.\)"
        if minutes < 0
        else rf"Signature not yet current: {stamp} is still later than {stamp} \({stamp} \+ (5|15) min\.\)"
    )
    check_query_error(request, "SignatureDoesNotMatch", 403, re.compile(said))


@pytest.mark.parametrize(
    "header",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 Credential=AKIA, SignedHeaders=host, Signature=00",
        "AWS4-HMAC-SHA256 Credential=a/20260101/ap-northeast-2/sts/aws4_request, Signature=00",
        "AWS4-HMAC-SHA256 SignedHeaders=host, Signature=00",
    ],
)
def test_a_broken_authorization_header(account, header):
    request = signed(account, "sts", IDENTITY)
    request.headers.replace_header("Authorization", header)
    check_query_error(request, "IncompleteSignature", 400)


def test_unknown_and_unsupported_operations(region, account):
    check_query_error(
        signed(account, "iam", IAM + "FlyToTheMoon"), "InvalidAction", 400,
        "Could not find operation FlyToTheMoon for version 2010-05-08",
    )
    check_query_error(
        signed(account, "sts", "Version=1999-01-01&Action=GetCallerIdentity"), "InvalidAction", 400,
    )
    check_query_error(
        signed(account, "iam", IAM + "ListSAMLProviders"), "UnsupportedOperation", 400,
        "haneul does not support the operation iam:ListSAMLProviders yet. Nothing was changed.",
    )
    counted = {one["operation"]: one["count"] for one in region.status()["unsupported"]}
    assert counted["iam:ListSAMLProviders"] >= 1


def test_an_unsupported_operation_is_not_tried_again(account):
    iam = account.client("iam", attempts=5)
    sent = []
    iam.meta.events.register("before-send.iam.*", lambda request, **_: sent.append(request) and None)
    check_refused(iam.list_saml_providers, "UnsupportedOperation", 400)
    assert len(sent) == 1


UNPARSABLE = "(ValidationError|MalformedInput|MalformedQueryString|InvalidParameterCombination)"
PARAMETERS = {
    "missing": ("CreateUser", "ValidationError", ".*[uU]serName.*"),
    "empty": ("CreateUser&UserName=", "ValidationError", ".*[uU]serName.*"),
    "pattern": ("CreateUser&UserName=a%20b", "ValidationError", ".*[uU]serName.*"),
    "too long": ("CreateUser&UserName=" + "x" * 65, "ValidationError", ".*[uU]serName.*"),
    "path": ("CreateUser&UserName=a&Path=no-slash", "ValidationError", ".*[pP]ath.*"),
    "not a number": ("ListUsers&MaxItems=many", UNPARSABLE, ".*"),
    "too small": ("ListUsers&MaxItems=0", "ValidationError", ".*[mM]axItems.*"),
    "too large": ("ListUsers&MaxItems=1001", "ValidationError", ".*[mM]axItems.*"),
    "twice": ("CreateUser&UserName=a&UserName=b", UNPARSABLE, ".*"),
    "not UTF-8": ("CreateUser&UserName=%FF%FE", UNPARSABLE, ".*"),
    "half a tag": ("CreateUser&UserName=a&Tags.member.1.Key=k", "ValidationError", ".*"),
    "deep": ("CreateUser&UserName=a&Tags.member.1.Key" + ".member.1" * 5000 + "=v", ".*", ".*"),
}


@pytest.mark.parametrize("body, code, said", PARAMETERS.values(), ids=PARAMETERS)
def test_parameters_that_no_one_takes(account, body, code, said):
    status, headers, answer = send(signed(account, "iam", IAM + body))
    found = re.search(r"<Code>(.*?)</Code>\s*<Message>(.*?)</Message>", answer.decode(), re.DOTALL)
    assert status == 400, answer
    assert re.fullmatch(code, found[1]) and re.fullmatch(said, found[2], re.DOTALL), answer
    assert account.iam.list_users()["Users"] == []


def test_a_parameter_that_is_too_much_is_ignored_as_aws_does(account):
    status, _, answer = send(signed(account, "iam", IAM + "CreateUser&UserName=a&Colour=blue"))
    assert status == 200, answer
    assert [user["UserName"] for user in account.iam.list_users()["Users"]] == ["a"]


def test_order_comes_from_the_index_and_gaps_are_fine(account):
    body = "CreateUser&UserName=a&Tags.member.9.Key=z&Tags.member.9.Value=2&Tags.member.2.Value=1&Tags.member.2.Key=y"
    status, _, answer = send(signed(account, "iam", IAM + body))
    assert status == 200, answer
    assert [tag["Key"] for tag in account.iam.list_user_tags(UserName="a")["Tags"]] == ["y", "z"]


def test_a_body_past_the_limit(account):
    body = IAM + "CreateUser&UserName=" + "x" * (8 * 1024 * 1024)
    request = signed(account, "iam", body)
    status, _, answer = send(request)
    assert status == 413 and b"<Code>RequestEntityTooLarge</Code>" in answer, (status, answer)
    assert account.iam.list_users()["Users"] == []


CLOSED = None
HARDLY_HTTP = {
    "garbage": (b"GARBAGE\r\n\r\n", {400}),
    "no host": (b"GET / HTTP/1.1\r\n\r\n", {400, 403, 404}),
    "negative length": (b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", {400}),
    "two lengths": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", {400},
    ),
    "length and chunks": (
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        # Read as chunks; what it asks for, S3 has not: a POST to no bucket.
        {400, 403, 405},
    ),
    # The connection may be closed before the client has sent all of it.
    "long header": (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 200_000 + b"\r\n\r\n", {400, 431, CLOSED}),
    "many headers": (b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 5000 + b"\r\n", {400, 431, CLOSED}),
}


@pytest.mark.parametrize("data, statuses", HARDLY_HTTP.values(), ids=HARDLY_HTTP)
def test_what_is_hardly_http(account, data, statuses):
    answer = send_bytes(account, data)
    found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    assert (int(found[1]) if found else CLOSED) in statuses, answer[:300]
    # And the region goes on.
    assert account.sts.get_caller_identity()["Account"]


def test_json_where_a_form_belongs(account):
    for body, headers in [
        ("{" * 3000, {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "IAM.ListUsers"}),
        ("not a form at all", {"Content-Type": FORM}),
        ("", {"Content-Type": FORM}),
    ]:
        status, _, answer = send(signed(account, "iam", body, headers))
        assert 400 <= status < 500, (status, answer)


def test_a_refusal_is_logged_with_its_request_id(region, account):
    liar = replace(account, secret_key="x" * 40)
    id = check_query_error(signed(liar, "sts", IDENTITY), "SignatureDoesNotMatch", 403)
    region.logged(id, "SignatureDoesNotMatch")
    assert "x" * 40 not in region.log and account.secret_key not in region.log
