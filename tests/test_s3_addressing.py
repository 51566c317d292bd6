"""The addresses of buckets: in the path, in the host, by our names and by AWS's, in every region."""

import pytest

import s3 as helpers
from raw import send
from refusal import check_refused
from region import REGION
from s3 import (
    body_of, error_of, http_ask, make_bucket, names_resolve_here, open_to_the_public, port_of,
    put_policy, statement,
)


@pytest.fixture
def public(s3, bucket):
    open_to_the_public(s3, bucket)
    put_policy(s3, bucket, statement(["s3:GetObject", "s3:ListBucket"], [bucket, f"{bucket}/*"]))
    s3.put_object(Bucket=bucket, Key="dir/k", Body=b"here")
    return bucket


HOSTS = [
    "{bucket}.s3.localhost", "{bucket}.s3.{region}.localhost", "{bucket}.s3.amazonaws.com",
    "{bucket}.s3.{region}.amazonaws.com", "{bucket}.s3-{region}.amazonaws.com",
    "{bucket}.s3.dualstack.{region}.amazonaws.com", "{BUCKET}.S3.LocalHost", "{bucket}.s3.localhost.",
]


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("port", [True, False], ids=["port", "bare"])
def test_hosts_that_name_the_bucket(public, account, host, port):
    host = host.format(bucket=public, BUCKET=public.upper(), region=REGION)
    host += f":{port_of(account)}" if port else ""
    assert http_ask(f"{account.endpoint}/dir/k", host=host)[::2] == (200, b"here")
    assert b"<Key>dir/k</Key>" in http_ask(f"{account.endpoint}/", host=host)[2]


@pytest.mark.parametrize(
    "host", ["s3.localhost", "s3.{region}.localhost", "s3.amazonaws.com", "s3.{region}.amazonaws.com",
             "s3-{region}.amazonaws.com", "s3.dualstack.{region}.amazonaws.com", "127.0.0.1",
             "localhost", "a.name.of.my.own"],
)
def test_hosts_that_do_not(public, account, host):
    host = host.format(region=REGION)
    assert http_ask(f"{account.endpoint}/{public}/dir/k", host=host)[::2] == (200, b"here")


@pytest.mark.parametrize("name", ["s3.{region}.localhost", "s3.{region}.amazonaws.com"])
@pytest.mark.parametrize("signature", ["s3v4", "s3"])
def test_boto3_with_buckets_in_hosts(s3, bucket, account, name, signature):
    endpoint = f"http://{name.format(region=REGION)}:{port_of(account)}"
    there = helpers.client(account, endpoint=endpoint, addressing="virtual", signature=signature)
    with names_resolve_here():
        if signature == "s3v4":
            there.put_object(Bucket=bucket, Key="a b/c", Body=b"x")
            assert body_of(there.get_object(Bucket=bucket, Key="a b/c")) == b"x"
            assert there.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
        else:
            s3.put_object(Bucket=bucket, Key="a b/c", Body=b"x")
        url = there.generate_presigned_url("get_object", {"Bucket": bucket, "Key": "a b/c"})
        assert f"//{bucket}.s3." in url
        assert http_ask(url)[::2] == (200, b"x")


def test_a_bucket_with_dots(s3, account):
    name = f"www.{helpers.new_name()}.example.com"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=name, Key="k", Body=b"x")
    url = s3.generate_presigned_url("get_object", {"Bucket": name, "Key": "k"})
    assert http_ask(url)[0] == 200
    there = helpers.client(
        account, endpoint=f"http://s3.{REGION}.localhost:{port_of(account)}", addressing="virtual"
    )
    with names_resolve_here():
        assert body_of(there.get_object(Bucket=name, Key="k")) == b"x"


def test_other_regions(account):
    """Each region's endpoint has its own buckets; clients of another are sent there."""
    frankfurt, first = helpers.client(account, "eu-central-1"), helpers.client(account, "us-east-1")
    bucket, american = make_bucket(frankfurt, "eu-central-1"), make_bucket(first, "us-east-1")
    assert frankfurt.get_bucket_location(Bucket=bucket)["LocationConstraint"] == "eu-central-1"
    assert first.get_bucket_location(Bucket=american)["LocationConstraint"] is None
    assert first.head_bucket(Bucket=american)["BucketRegion"] == "us-east-1"
    listed = {b["Name"] for b in first.list_buckets()["Buckets"]}
    assert {bucket, american} <= listed
    check_refused(
        lambda: helpers.client(account, "eu-west-1").create_bucket(
            Bucket=helpers.new_name(),
            CreateBucketConfiguration={"LocationConstraint": "eu-central-1"},
        ),
        "IllegalLocationConstraintException", 400,
        "The eu-central-1 location constraint is incompatible for the region specific endpoint "
        "this request was sent to.",
    )
    check_refused(
        lambda: helpers.client(account, "eu-west-1").create_bucket(Bucket=helpers.new_name()),
        "IllegalLocationConstraintException", 400,
        "The unspecified location constraint is incompatible for the region specific endpoint "
        "this request was sent to.",
    )


def test_boto3_follows_to_the_buckets_region(account):
    frankfurt = helpers.client(account, "eu-central-1")
    bucket = make_bucket(frankfurt, "eu-central-1")
    frankfurt.put_object(Bucket=bucket, Key="k", Body=b"x")
    # A region that a client never asked about: no answer of it is remembered.
    there = helpers.client(account, "us-west-2", attempts=3)
    assert body_of(there.get_object(Bucket=bucket, Key="k")) == b"x"
    there.put_object(Bucket=bucket, Key="k", Body=b"y")
    assert there.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    assert body_of(frankfurt.get_object(Bucket=bucket, Key="k")) == b"y"


def test_what_a_wrong_region_is_told(account):
    frankfurt = helpers.client(account, "eu-central-1")
    bucket = make_bucket(frankfurt, "eu-central-1")
    request = helpers.signed(account, "GET", f"/{bucket}", region="us-west-2")
    status, headers, body = send(request)
    error = error_of(body)
    assert (status, error["Code"]) == (400, "AuthorizationHeaderMalformed")
    assert error["Message"] == (
        "The authorization header is malformed; the region 'us-west-2' is wrong; "
        "expecting 'eu-central-1'"
    )
    assert error["Region"] == "eu-central-1"
    request = helpers.signed(account, "HEAD", f"/{bucket}", region="us-west-2")
    status, headers, _ = send(request)
    assert status in (301, 400) and headers["x-amz-bucket-region"] == "eu-central-1"
    status, headers, body = http_ask(
        f"{account.endpoint}/k", host=f"{bucket}.s3.us-west-2.amazonaws.com"
    )
    error = error_of(body)
    assert (status, error["Code"], error["Bucket"]) == (301, "PermanentRedirect", bucket)
    assert headers["x-amz-bucket-region"] == "eu-central-1"
