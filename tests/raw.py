"""Requests as bytes: what no well-behaved client sends."""

import http.client
import re
import socket
from unittest import mock
from urllib.parse import urlsplit

import botocore.auth
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from region import REGION

FORM = "application/x-www-form-urlencoded; charset=utf-8"
IDENTITY = "Action=GetCallerIdentity&Version=2011-06-15"


def signed(principal, service, body, headers=None, method="POST", path="/", region=REGION):
    """A request as botocore would sign it, to be spoiled before it is sent."""
    credentials = Credentials(principal.access_key, principal.secret_key, principal.token)
    request = AWSRequest(
        method, principal.endpoint + path, {"Content-Type": FORM, **(headers or {})}, data=body
    )
    SigV4Auth(credentials, service, region).add_auth(request)
    return request


def clock_ahead(by):
    """Within this, botocore signs with a clock that is so far ahead of the machine's."""
    real = botocore.auth.get_current_datetime
    return mock.patch.object(
        botocore.auth, "get_current_datetime", lambda *a, **k: real(*a, **k) + by
    )


def send(request):
    """The answer's status, headers and body."""
    url = urlsplit(request.url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        target = url.path + (f"?{url.query}" if url.query else "")
        body = request.data.encode() if isinstance(request.data, str) else request.data
        connection.request(request.method, target, body, dict(request.headers))
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def send_bytes(principal, data):
    """The head of what comes back for these bytes, or what came until the server hung up."""
    url = urlsplit(principal.endpoint)
    answer = b""
    with socket.create_connection((url.hostname, url.port), timeout=30) as connection:
        try:
            connection.sendall(data)
            while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
                answer += piece
        except OSError as ended:
            assert not isinstance(ended, TimeoutError), "the server keeps the connection open"
    return answer


def check_query_error(request, code, status, message=None):
    """The query protocol's error document, whole."""
    seen, headers, body = send(request)
    text = body.decode()
    found = re.fullmatch(
        r'(?:<\?xml[^>]*\?>\s*)?<ErrorResponse xmlns="https://(?P<service>iam|sts)\.amazonaws\.com/doc/'
        r'\d{4}-\d\d-\d\d/">\s*<Error>\s*<Type>(?P<type>\w+)</Type>\s*<Code>(?P<code>\w+)</Code>\s*'
        r"<Message>(?P<message>.*?)</Message>\s*</Error>\s*"
        r"<RequestId>(?P<id>[0-9a-f-]{36})</RequestId>\s*</ErrorResponse>\s*",
        text,
        re.DOTALL,
    )
    if not found:
        pytest.fail(f"{seen} {text}")
    assert (found["code"], seen) == (code, status), text
    assert found["type"] == "Sender"
    assert headers["x-amzn-RequestId"] == found["id"]
    assert headers["Content-Type"].split(";")[0] == "text/xml"
    if isinstance(message, re.Pattern):
        assert message.fullmatch(found["message"]), found["message"]
    elif message is not None:
        assert found["message"] == message, text
    return found["id"]
