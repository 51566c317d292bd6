"""Buckets and their configurations, as boto3 sees them."""

import json
from datetime import datetime, timedelta, timezone

import pytest

import s3 as helpers
from raw import send
from refusal import check_refused
from region import REGION, allow
from s3 import allow_acls, headers_of, make_bucket, new_name, open_to_the_public, put_policy, statement


def test_a_buckets_life(s3, account):
    name = new_name()
    made = s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    assert made["Location"] == f"http://{name}.s3.localhost/"
    [listed] = s3.list_buckets()["Buckets"]
    assert listed["Name"] == name
    assert abs(datetime.now(timezone.utc) - listed["CreationDate"]) < timedelta(minutes=2)
    assert s3.list_buckets()["Owner"]["ID"]
    assert s3.get_bucket_location(Bucket=name)["LocationConstraint"] == REGION
    head = s3.head_bucket(Bucket=name)
    assert head["BucketRegion"] == REGION
    assert headers_of(head)["x-amz-bucket-region"] == REGION
    check_refused(
        lambda: s3.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}
        ),
        "BucketAlreadyOwnedByYou", 409,
        "Your previous request to create the named bucket succeeded and you already own it.",
    )
    s3.put_object(Bucket=name, Key="k", Body=b"")
    check_refused(
        lambda: s3.delete_bucket(Bucket=name), "BucketNotEmpty", 409,
        "The bucket you tried to delete is not empty",
    )
    s3.delete_object(Bucket=name, Key="k")
    gone = s3.delete_bucket(Bucket=name)
    assert gone["ResponseMetadata"]["HTTPStatusCode"] == 204
    check_refused(
        lambda: s3.delete_bucket(Bucket=name), "NoSuchBucket", 404, "The specified bucket does not exist"
    )
    check_refused(lambda: s3.head_bucket(Bucket=name), "404", 404)
    assert s3.list_buckets()["Buckets"] == []


def test_a_name_is_taken_for_everybody(s3, other_account):
    name = make_bucket(s3)
    check_refused(
        lambda: make_named(helpers.client(other_account), name), "BucketAlreadyExists", 409
    )


def make_named(s3, name, **parameters):
    s3.create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION}, **parameters
    )


@pytest.mark.parametrize(
    "name",
    ["ab", "a" * 64, "Upper-case", "under_score", "-dash", "dash-", "dot..dot", "192.168.5.4",
     "xn--name", "name-s3alias", "sthree-name", "name--ol-s3"],
)
def test_names_that_no_bucket_has(s3, account, name):
    status, _, body = send(helpers.signed(account, "PUT", f"/{name}"))
    assert (status, helpers.error_of(body)["Code"]) == (400, "InvalidBucketName"), body
    assert s3.list_buckets()["Buckets"] == []


def test_buckets_in_pages(s3):
    names = sorted(make_bucket(s3) for _ in range(5))
    first = s3.list_buckets(MaxBuckets=2)
    assert [bucket["Name"] for bucket in first["Buckets"]] == names[:2]
    rest = s3.list_buckets(ContinuationToken=first["ContinuationToken"])
    assert [bucket["Name"] for bucket in rest["Buckets"]] == names[2:]
    one = s3.list_buckets(Prefix=names[3])["Buckets"]
    assert [bucket["Name"] for bucket in one] == [names[3]]


def test_a_new_bucket_is_as_aws_makes_it(s3, bucket, account):
    blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert blocked == {
        "BlockPublicAcls": True, "IgnorePublicAcls": True,
        "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
    }
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    encryption = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]
    [rule] = encryption["Rules"]
    assert rule["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert rule["BucketKeyEnabled"] is False
    acl = s3.get_bucket_acl(Bucket=bucket)
    [grant] = acl["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"
    assert grant["Grantee"]["ID"] == acl["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    assert "Status" not in s3.get_bucket_accelerate_configuration(Bucket=bucket)
    assert "LoggingEnabled" not in s3.get_bucket_logging(Bucket=bucket)
    unset = s3.get_bucket_notification_configuration(Bucket=bucket)
    assert set(unset) == {"ResponseMetadata"}


UNSET = {
    "get_bucket_tagging": ("NoSuchTagSet", "The TagSet does not exist"),
    "get_bucket_policy": ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "get_bucket_policy_status": ("NoSuchBucketPolicy", "The bucket policy does not exist"),
    "get_bucket_cors": ("NoSuchCORSConfiguration", "The CORS configuration does not exist"),
    "get_bucket_website": (
        "NoSuchWebsiteConfiguration", "The specified bucket does not have a website configuration",
    ),
    "get_bucket_lifecycle_configuration": (
        "NoSuchLifecycleConfiguration", "The lifecycle configuration does not exist",
    ),
    "get_bucket_replication": (
        "ReplicationConfigurationNotFoundError", "The replication configuration was not found",
    ),
    "get_object_lock_configuration": (
        "ObjectLockConfigurationNotFoundError",
        "Object Lock configuration does not exist for this bucket",
    ),
}


@pytest.mark.parametrize("operation", UNSET)
def test_what_was_never_set(s3, bucket, operation):
    code, message = UNSET[operation]
    check_refused(lambda: getattr(s3, operation)(Bucket=bucket), code, 404, message)


def test_tags(s3, bucket):
    tags = [{"Key": "team", "Value": "blue"}, {"Key": "해", "Value": "하늘"}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    twice = [{"Key": "a", "Value": "1"}, {"Key": "a", "Value": "2"}]
    assert helpers.code_of(
        s3.put_bucket_tagging, Bucket=bucket, Tagging={"TagSet": twice}
    ) == "InvalidTag"
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    check_refused(lambda: s3.get_bucket_tagging(Bucket=bucket), "NoSuchTagSet", 404)


def test_versioning(s3, bucket):
    for status in ["Enabled", "Suspended", "Enabled"]:
        helpers.enable_versioning(s3, bucket, status)
        assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == status
    assert helpers.code_of(helpers.enable_versioning, s3, bucket, "Sometimes") == "MalformedXML"


def test_cors(s3, bucket):
    rules = [{
        "ID": "web", "AllowedHeaders": ["*"], "AllowedMethods": ["GET", "PUT"],
        "AllowedOrigins": ["https://*.example.com"], "ExposeHeaders": ["ETag"], "MaxAgeSeconds": 300,
    }]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    bad = [{"AllowedMethods": ["FETCH"], "AllowedOrigins": ["*"]}]
    check_refused(
        lambda: s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": bad}),
        "InvalidRequest", 400,
        "Found unsupported HTTP method in CORS config. Unsupported method is FETCH",
    )
    s3.delete_bucket_cors(Bucket=bucket)
    check_refused(lambda: s3.get_bucket_cors(Bucket=bucket), "NoSuchCORSConfiguration", 404)


def test_a_preflight(s3, bucket, account):
    url = f"{account.endpoint}/{bucket}/key"
    asked = {
        "Origin": "https://www.example.com", "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    status, _, body = helpers.http_ask(url, "OPTIONS", headers=asked)
    assert (status, helpers.error_of(body)["Code"]) == (403, "AccessForbidden")
    rules = [{
        "AllowedHeaders": ["content-*"], "AllowedMethods": ["PUT"], "MaxAgeSeconds": 60,
        "AllowedOrigins": ["https://*.example.com"], "ExposeHeaders": ["ETag"],
    }]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    status, headers, _ = helpers.http_ask(url, "OPTIONS", headers=asked)
    assert status == 200
    assert headers["Access-Control-Allow-Origin"] == "https://www.example.com"
    assert headers["Access-Control-Allow-Methods"] == "PUT"
    assert headers["Access-Control-Allow-Headers"] == "content-type"
    assert headers["Access-Control-Max-Age"] == "60"
    assert headers["Access-Control-Expose-Headers"] == "ETag"
    for wrong in [{"Origin": "https://example.org"}, {"Access-Control-Request-Method": "GET"},
                  {"Access-Control-Request-Headers": "x-other"}]:
        status, _, _ = helpers.http_ask(url, "OPTIONS", headers=asked | wrong)
        assert status == 403, wrong
    # The actual request carries them too, also when it is refused.
    status, headers, _ = helpers.http_ask(url, "PUT", headers={"Origin": "https://www.example.com"})
    assert status == 403 and headers["Access-Control-Allow-Origin"] == "https://www.example.com"


def test_website(s3, bucket):
    pages = {
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [{
            "Condition": {"KeyPrefixEquals": "old/"},
            "Redirect": {"ReplaceKeyPrefixWith": "new/", "HttpRedirectCode": "302"},
        }],
    }
    redirect = {"RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}}
    for website in [pages, redirect]:
        s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration=website)
        shown = s3.get_bucket_website(Bucket=bucket)
        shown.pop("ResponseMetadata")
        assert shown == website
    slash = {"IndexDocument": {"Suffix": "a/b"}}
    assert helpers.code_of(
        s3.put_bucket_website, Bucket=bucket, WebsiteConfiguration=slash
    ) == "InvalidArgument"
    s3.delete_bucket_website(Bucket=bucket)
    check_refused(lambda: s3.get_bucket_website(Bucket=bucket), "NoSuchWebsiteConfiguration", 404)


def test_lifecycle(s3, bucket):
    rules = [
        {"ID": "old", "Status": "Enabled", "Filter": {"Prefix": "log/"}, "Expiration": {"Days": 30},
         "Transitions": [{"Days": 7, "StorageClass": "GLACIER"}]},
        {"ID": "noncurrent", "Status": "Disabled",
         "Filter": {"And": {"Prefix": "a/", "Tags": [{"Key": "k", "Value": "v"}]}},
         "NoncurrentVersionExpiration": {"NoncurrentDays": 5, "NewerNoncurrentVersions": 2}},
        {"ID": "uploads", "Status": "Enabled", "Filter": {},
         "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 3}},
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    shown = s3.get_bucket_lifecycle_configuration(Bucket=bucket)
    by_id = {rule["ID"]: rule for rule in shown["Rules"]}
    assert by_id["old"] == rules[0]
    assert by_id["noncurrent"] == rules[1]
    assert by_id["uploads"]["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 3}
    twice = {"Rules": [rules[0], rules[0]]}
    assert helpers.code_of(
        s3.put_bucket_lifecycle_configuration, Bucket=bucket, LifecycleConfiguration=twice
    ) == "InvalidArgument"
    s3.delete_bucket_lifecycle(Bucket=bucket)
    check_refused(
        lambda: s3.get_bucket_lifecycle_configuration(Bucket=bucket),
        "NoSuchLifecycleConfiguration", 404,
    )


def test_encryption(s3, bucket):
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": True}
    s3.put_bucket_encryption(
        Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]}
    )
    [shown] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert shown["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    s3.delete_bucket_encryption(Bucket=bucket)
    [shown] = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert shown["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}


def test_object_lock(s3):
    bucket = make_bucket(s3, ObjectLockEnabledForBucket=True)
    assert s3.get_bucket_versioning(Bucket=bucket)["Status"] == "Enabled"
    shown = s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"]
    assert shown == {"ObjectLockEnabled": "Enabled"}
    wanted = {
        "ObjectLockEnabled": "Enabled",
        "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 2}},
    }
    s3.put_object_lock_configuration(Bucket=bucket, ObjectLockConfiguration=wanted)
    assert s3.get_object_lock_configuration(Bucket=bucket)["ObjectLockConfiguration"] == wanted
    check_refused(
        lambda: helpers.enable_versioning(s3, bucket, "Suspended"), "InvalidBucketState", 409,
        "An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.",
    )


def test_configurations_that_are_read_back(s3, bucket):
    s3.put_bucket_accelerate_configuration(
        Bucket=bucket, AccelerateConfiguration={"Status": "Suspended"}
    )
    assert s3.get_bucket_accelerate_configuration(Bucket=bucket)["Status"] == "Suspended"
    s3.put_bucket_request_payment(
        Bucket=bucket, RequestPaymentConfiguration={"Payer": "BucketOwner"}
    )
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={})
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus={})
    check_refused(
        lambda: s3.put_bucket_request_payment(
            Bucket=bucket, RequestPaymentConfiguration={"Payer": "Nobody"}
        ),
        "MalformedXML", 400,
    )
    s3.delete_bucket_replication(Bucket=bucket)


def test_what_would_do_nothing_is_refused_by_name(s3, bucket):
    """haneul has no accelerated edge, no requester to bill, no log delivery and no events yet."""
    target = {"TargetBucket": bucket, "TargetPrefix": "log/"}
    topic = {"TopicArn": "arn:aws:sns:ap-northeast-2:123456789012:t", "Events": ["s3:ObjectCreated:*"]}
    for call, parameters in [
        (s3.put_bucket_accelerate_configuration, {"AccelerateConfiguration": {"Status": "Enabled"}}),
        (s3.put_bucket_request_payment, {"RequestPaymentConfiguration": {"Payer": "Requester"}}),
        (s3.put_bucket_logging, {"BucketLoggingStatus": {"LoggingEnabled": target}}),
        (s3.put_bucket_notification_configuration,
         {"NotificationConfiguration": {"TopicConfigurations": [topic]}}),
    ]:
        check_refused(lambda: call(Bucket=bucket, **parameters), "UnsupportedOperation", 400)


def test_policies_and_their_status(s3, bucket, account):
    id = account.account
    own = statement("s3:GetObject", f"{bucket}/*", {"AWS": f"arn:aws:iam::{id}:root"})
    put_policy(s3, bucket, own)
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"] == [own]
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": False}
    public = statement("s3:GetObject", f"{bucket}/*")
    check_refused(lambda: put_policy(s3, bucket, public), "AccessDenied", 403)
    open_to_the_public(s3, bucket)
    check_refused(
        lambda: s3.get_public_access_block(Bucket=bucket),
        "NoSuchPublicAccessBlockConfiguration", 404,
        "The public access block configuration was not found",
    )
    put_policy(s3, bucket, public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"] == {"IsPublic": True}
    s3.delete_bucket_policy(Bucket=bucket)
    check_refused(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy", 404)


BAD_POLICIES = {
    "no JSON": "{",
    "another bucket": json.dumps({
        "Version": "2012-10-17",
        "Statement": [statement("s3:GetObject", "some-other-bucket/*", {"AWS": "*"})],
    }),
    "no principal": json.dumps({"Version": "2012-10-17", "Statement": [allow("s3:*")]}),
    "nothing": "",
}


@pytest.mark.parametrize("document", BAD_POLICIES.values(), ids=BAD_POLICIES)
def test_documents_that_are_no_bucket_policy(s3, bucket, document):
    code = helpers.code_of(s3.put_bucket_policy, Bucket=bucket, Policy=document)
    assert code in ("MalformedPolicy", "MissingRequestBodyError"), code
    check_refused(lambda: s3.get_bucket_policy(Bucket=bucket), "NoSuchBucketPolicy", 404)


def test_ownership_and_acls(s3, bucket):
    check_refused(
        lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"),
        "AccessControlListNotSupported", 400, "The bucket does not allow ACLs",
    )
    allow_acls(s3, bucket)
    rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
    assert rules == [{"ObjectOwnership": "BucketOwnerPreferred"}]
    check_refused(lambda: s3.put_bucket_acl(Bucket=bucket, ACL="public-read"), "AccessDenied", 403)
    open_to_the_public(s3, bucket)
    s3.put_bucket_acl(Bucket=bucket, ACL="public-read")
    granted = {
        (grant["Grantee"].get("URI", "owner"), grant["Permission"])
        for grant in s3.get_bucket_acl(Bucket=bucket)["Grants"]
    }
    everybody = "http://acs.amazonaws.com/groups/global/AllUsers"
    assert granted == {("owner", "FULL_CONTROL"), (everybody, "READ")}
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    check_refused(
        lambda: s3.get_bucket_ownership_controls(Bucket=bucket),
        "OwnershipControlsNotFoundError", 404,
    )


def test_the_expected_owner(s3, bucket, account):
    own, wrong = account.account, "210987654321"
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ExpectedBucketOwner=own)
    for operation, parameters in [
        ("head_bucket", {}), ("get_bucket_versioning", {}), ("list_objects_v2", {}),
        ("get_object", {"Key": "k"}), ("put_object", {"Key": "k", "Body": b"y"}),
        ("delete_object", {"Key": "k"}), ("delete_bucket", {}),
    ]:
        call = getattr(s3, operation)
        with pytest.raises(Exception) as refused:
            call(Bucket=bucket, ExpectedBucketOwner=wrong, **parameters)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403, operation
    assert s3.get_object(Bucket=bucket, Key="k", ExpectedBucketOwner=own)["Body"].read() == b"x"


def test_every_operation_says_who_it_is_for(s3, account):
    """No operation on a bucket that is not there says anything else."""
    missing = new_name()
    for operation in [*UNSET, "list_objects", "list_objects_v2", "list_object_versions",
                      "list_multipart_uploads", "get_bucket_acl", "get_bucket_location",
                      "get_bucket_versioning", "get_public_access_block", "delete_bucket_policy",
                      "delete_bucket_cors", "delete_bucket_tagging"]:
        check_refused(
            lambda: getattr(s3, operation)(Bucket=missing), "NoSuchBucket", 404,
            "The specified bucket does not exist",
        )
