"""S3 as its tests use it: clients of each sort, fresh buckets, documents as AWS prints them."""

import base64
import functools
import hashlib
import http.client
import socket
import uuid
import zlib
from contextlib import contextmanager
from unittest import mock
from urllib.parse import urlsplit
from xml.etree import ElementTree

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

from region import REGION, SESSION, policy

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MIB = 1024 * 1024


def client(
    principal, region=REGION, endpoint=None, signature=None, addressing="path", attempts=1, **config
):
    """A boto3 client; `signature` as boto3 calls it (`s3` is version 2)."""
    return _client(
        principal, region, endpoint or principal.endpoint, signature, addressing, attempts,
        tuple(sorted(config.items())),
    )


@functools.cache
def _client(principal, region, endpoint, signature, addressing, attempts, config):
    return SESSION.client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=principal.access_key,
        aws_secret_access_key=principal.secret_key,
        aws_session_token=principal.token,
        verify=principal.ca_bundle,
        config=Config(
            signature_version=signature,
            retries={"total_max_attempts": attempts},
            s3={"addressing_style": addressing},
            **{"max_pool_connections": 32, **dict(config)},
        ),
    )


def new_name():
    return f"b-{uuid.uuid4().hex[:20]}"


def make_bucket(s3, region=REGION, **parameters):
    name = new_name()
    if region != "us-east-1":
        parameters["CreateBucketConfiguration"] = {"LocationConstraint": region}
    s3.create_bucket(Bucket=name, **parameters)
    return name


def enable_versioning(s3, bucket, status="Enabled"):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": status})


def open_to_the_public(s3, bucket):
    """What an owner does before policies and ACLs may name everybody."""
    s3.delete_public_access_block(Bucket=bucket)


def allow_acls(s3, bucket, ownership="BucketOwnerPreferred"):
    s3.put_bucket_ownership_controls(
        Bucket=bucket, OwnershipControls={"Rules": [{"ObjectOwnership": ownership}]}
    )


def put_policy(s3, bucket, *statements):
    s3.put_bucket_policy(Bucket=bucket, Policy=policy(*statements))


def statement(action, resource, principal="*", effect="Allow", **more):
    resources = [f"arn:aws:s3:::{one}" for one in ([resource] if isinstance(resource, str) else resource)]
    return {
        "Effect": effect, "Principal": principal, "Action": action, "Resource": resources, **more
    }


def code_of(call, *arguments, **parameters):
    """The refusal's code, or None where there is none."""
    try:
        call(*arguments, **parameters)
    except ClientError as refused:
        return refused.response["Error"]["Code"]
    return None


def body_of(answer):
    return answer["Body"].read()


def headers_of(answer):
    return answer["ResponseMetadata"]["HTTPHeaders"]


def b64(data):
    return base64.b64encode(data).decode()


def md5_b64(data):
    return b64(hashlib.md5(data).digest())


def etag(data):
    return f'"{hashlib.md5(data).hexdigest()}"'


def crc32_b64(data):
    return b64(zlib.crc32(data).to_bytes(4))


def pseudo_random(length, seed="haneul"):
    """The same bytes every time, which no compression makes smaller."""
    return hashlib.shake_256(seed.encode()).digest(length)


def signed(principal, method, path, body=b"", headers=None, payload=None, region=REGION, host=None):
    """A request as botocore would sign it for S3, to be spoiled before it is sent.

    `payload` is announced in place of the body's SHA-256.
    """
    class Auth(S3SigV4Auth):
        def payload(self, request):
            return payload or hashlib.sha256(body).hexdigest()

    request = AWSRequest(method, principal.endpoint + path, dict(headers or {}), data=body)
    if host:
        request.headers["Host"] = host
    keys = Credentials(principal.access_key, principal.secret_key, principal.token)
    Auth(keys, "s3", region).add_auth(request)
    return request


def http_ask(url, method="GET", body=None, headers=None, host=None):
    """One request by a client that knows nothing of AWS: status, headers, body."""
    url = urlsplit(url)
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=30)
    try:
        target = (url.path or "/") + (f"?{url.query}" if url.query else "")
        sent = dict(headers or {}) | ({"Host": host} if host else {})
        connection.request(method, target, body, sent)
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read()
    finally:
        connection.close()


def error_of(body):
    """The members of S3's error document, which has no namespace."""
    root = ElementTree.fromstring(body)
    assert root.tag == "Error", body
    return {member.tag: member.text for member in root}


def port_of(principal):
    return urlsplit(principal.endpoint).port


@contextmanager
def names_resolve_here():
    """Within this, names of `localhost` and of AWS are this machine, as a resolver would say."""
    real = socket.getaddrinfo

    def resolve(host, *arguments, **options):
        name = host.decode() if isinstance(host, bytes) else host
        if name and name.endswith((".localhost", ".amazonaws.com")):
            host = "127.0.0.1"
        return real(host, *arguments, **options)

    with mock.patch.object(socket, "getaddrinfo", resolve):
        yield
