#!/usr/bin/env python3
"""Records what boto3 and the aws CLI send, and what they were asked to send, into requests.json.

Run it with a Python that has awscli 1.45.11 and boto3 1.43.11; it listens on loopback only:

    python3 crates/aws/src/protocol/golden/make.py

The file has the form of botocore's protocol cases, so one test reads both: suites of shapes
(cut from the client's own model) and cases of parameters and wire form. Signatures, dates and
whatever describes the machine are left out; they are the business of the signature tests.
"""

import datetime
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading

import boto3
import botocore.loaders
from botocore.config import Config

KEEP = ("content-type", "x-amz-target", "x-amz-acl", "x-amz-tagging", "x-amz-meta-a", "x-amzn-query-mode",
        "x-amz-copy-source", "cache-control", "range", "if-match", "x-amz-optional-object-attributes")
SHAPE = ("type", "flattened", "locationName", "payload", "xmlNamespace", "timestampFormat", "union", "streaming")
MEMBER = ("shape", "location", "locationName", "queryName", "flattened", "xmlAttribute", "xmlNamespace",
          "timestampFormat", "streaming", "idempotencyToken")
METADATA = ("protocol", "protocols", "apiVersion", "jsonVersion", "targetPrefix", "xmlNamespace", "awsQueryCompatible")


class Recorder:
    """Answers every request with an empty 200 and keeps what came."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "http://127.0.0.1:%d" % self.listener.getsockname()[1]
        self.seen = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                stream = connection.makefile("rb")
                head = b""
                while not head.endswith(b"\r\n\r\n"):
                    head += stream.readline()
                if b"100-continue" in head.lower():
                    connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                line, *lines = head.decode("latin-1").strip().split("\r\n")
                headers = dict(header.split(": ", 1) for header in lines if ": " in header)
                lower = {name.lower(): value for name, value in headers.items()}
                body = stream.read(int(lower.get("content-length", 0)))
                method, uri, _ = line.split(" ")
                self.seen.append({
                    "method": method, "uri": uri, "body": body.decode(),
                    "headers": {name: value for name, value in headers.items() if name.lower() in KEEP}})
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def cut(model, operation):
    """The operation's input and the shapes that it reaches."""
    shapes, left = {}, [operation["input"]["shape"]] if "input" in operation else []
    while left:
        name = left.pop()
        if name in shapes:
            continue
        shape = model["shapes"][name]
        kept = shapes[name] = {key: shape[key] for key in SHAPE if key in shape}
        for key in ("member", "key", "value"):
            if isinstance(shape.get(key), dict):
                kept[key] = {k: v for k, v in shape[key].items() if k in MEMBER}
                left.append(shape[key]["shape"])
        if "members" in shape:
            kept["members"] = {
                name: {k: v for k, v in member.items() if k in MEMBER} for name, member in shape["members"].items()}
            left.extend(member["shape"] for member in shape["members"].values())
    return shapes


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.timestamp()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


AT = datetime.datetime(2026, 11, 22, 10, 40, 53, tzinfo=datetime.timezone.utc)
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
# Service, operation, parameters, and the same as arguments of the aws CLI where it is asked too.
ASKED = [
    ("sts", "GetCallerIdentity", {}, ["sts", "get-caller-identity"]),
    ("sts", "AssumeRole", {
        "RoleArn": "arn:aws:iam::123456789012:role/a", "RoleSessionName": "s@1", "DurationSeconds": 900,
        "Tags": [{"Key": "하늘", "Value": "a b+c&d"}], "TransitiveTagKeys": ["하늘"], "Policy": POLICY}, None),
    ("iam", "CreateUser", {"UserName": "jane", "Path": "/a/", "Tags": [{"Key": "k", "Value": ""}]}, [
        "iam", "create-user", "--user-name", "jane", "--path", "/a/", "--tags", "Key=k,Value="]),
    ("iam", "CreatePolicy", {"PolicyName": "p", "PolicyDocument": POLICY}, [
        "iam", "create-policy", "--policy-name", "p", "--policy-document", POLICY]),
    ("iam", "UntagRole", {"RoleName": "r", "TagKeys": []}, None),
    ("iam", "SimulateCustomPolicy", {
        "PolicyInputList": [POLICY], "ActionNames": ["s3:GetObject", "s3:PutObject"], "ContextEntries": [
            {"ContextKeyName": "aws:CurrentTime", "ContextKeyValues": ["a", "b"], "ContextKeyType": "date"}]}, None),
    ("iam", "UpdateAccountPasswordPolicy", {"MinimumPasswordLength": 14, "RequireSymbols": False}, [
        "iam", "update-account-password-policy", "--minimum-password-length", "14", "--no-require-symbols"]),
    ("ec2", "DescribeVpcs", {"Filters": [
        {"Name": "tag:a", "Values": ["b*", "c d"]}, {"Name": "cidr", "Values": ["10.0.0.0/16"]}],
        "VpcIds": ["vpc-1", "vpc-2"], "DryRun": True}, [
        "ec2", "describe-vpcs", "--filters", "Name=tag:a,Values=b*,c d", "Name=cidr,Values=10.0.0.0/16",
        "--vpc-ids", "vpc-1", "vpc-2", "--dry-run"]),
    ("ec2", "AuthorizeSecurityGroupIngress", {"GroupId": "sg-1", "IpPermissions": [
        {"IpProtocol": "tcp", "FromPort": 22, "ToPort": 22, "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": "d"}],
         "UserIdGroupPairs": [{"GroupId": "sg-2"}]}]}, None),
    ("rds", "AddTagsToResource", {"ResourceName": "arn", "Tags": [{"Key": "a", "Value": "b"}]}, [
        "rds", "add-tags-to-resource", "--resource-name", "arn", "--tags", "Key=a,Value=b"]),
    ("elbv2", "ModifyTargetGroupAttributes", {"TargetGroupArn": "arn", "Attributes": [
        {"Key": "stickiness.enabled", "Value": "true"}, {"Key": "x", "Value": ""}]}, None),
    ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": [
        {"timestamp": 1795344053000, "message": "하늘 \"quoted\"\n"}]}, None),
    ("ssm", "PutParameter", {"Name": "/a/b", "Value": "v", "Type": "String", "Overwrite": False}, [
        "ssm", "put-parameter", "--name", "/a/b", "--value", "v", "--type", "String", "--no-overwrite"]),
    ("kms", "Encrypt", {"KeyId": "k", "Plaintext": b"blob", "EncryptionContext": {"a": "b", "c": "d"}}, None),
    ("cloudwatch", "PutMetricData", {"Namespace": "n", "MetricData": [
        {"MetricName": "m", "Value": 1.5, "Timestamp": AT, "Dimensions": [{"Name": "a", "Value": "b"}]}]}, None),
    ("route53", "ChangeResourceRecordSets", {"HostedZoneId": "Z1", "ChangeBatch": {"Comment": "a <b> & c", "Changes": [
        {"Action": "UPSERT", "ResourceRecordSet": {
            "Name": "a.example.com", "Type": "A", "TTL": 60, "Weight": 0, "SetIdentifier": "x",
            "ResourceRecords": [{"Value": "10.0.0.1"}, {"Value": "10.0.0.2"}]}}]}}, None),
    ("route53", "ListResourceRecordSets", {"HostedZoneId": "Z1", "StartRecordName": "a b.", "MaxItems": "5"}, None),
    ("cloudfront", "CreateInvalidation", {"DistributionId": "E1", "InvalidationBatch": {
        "Paths": {"Quantity": 2, "Items": ["/a", "/b*"]}, "CallerReference": "r"}}, [
        "cloudfront", "create-invalidation", "--distribution-id", "E1", "--invalidation-batch",
        '{"Paths": {"Quantity": 2, "Items": ["/a", "/b*"]}, "CallerReference": "r"}']),
    ("s3", "ListObjectsV2", {
        "Bucket": "bkt", "Prefix": "a b+c/", "MaxKeys": 7, "FetchOwner": True, "EncodingType": "url",
        "OptionalObjectAttributes": ["RestoreStatus"]}, None),
    ("s3", "PutBucketTagging", {"Bucket": "bkt", "Tagging": {"TagSet": [{"Key": "a", "Value": "b"}]}}, None),
    ("s3", "PutBucketLifecycleConfiguration", {"Bucket": "bkt", "LifecycleConfiguration": {"Rules": [
        {"ID": "r", "Status": "Enabled", "Filter": {"And": {"Prefix": "p", "Tags": [{"Key": "a", "Value": "b"}]}},
         "Expiration": {"Date": AT}, "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}]}]}}, None),
    ("s3", "CompleteMultipartUpload", {"Bucket": "bkt", "Key": "a/한글 +.txt", "UploadId": "u+/=", "MultipartUpload": {
        "Parts": [{"ETag": '"e1"', "PartNumber": 1}, {"ETag": '"e2"', "PartNumber": 2}]}}, None),
    ("s3", "GetObject", {"Bucket": "bkt", "Key": "a//b/../c", "Range": "bytes=0-9", "IfMatch": '"e"',
                         "ResponseExpires": AT, "VersionId": "v"}, None),
    ("s3", "PutBucketAcl", {"Bucket": "bkt", "AccessControlPolicy": {"Owner": {"ID": "o"}, "Grants": [
        {"Grantee": {"Type": "CanonicalUser", "ID": "g"}, "Permission": "READ"}]}}, None),
]


def main():
    recorder = Recorder()
    suites = []
    with tempfile.TemporaryDirectory() as home:
        environment = {
            "PATH": os.environ["PATH"], "HOME": home, "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_SECRET_ACCESS_KEY": "secret", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true"}
        for service, operation, parameters, arguments in ASKED:
            client = boto3.client(
                service, region_name="eu-west-1", endpoint_url=recorder.url, aws_access_key_id="AKIDEXAMPLE",
                aws_secret_access_key="secret", config=Config(
                    retries={"max_attempts": 0}, request_checksum_calculation="when_required",
                    response_checksum_validation="when_required",
                    disable_request_compression=True))
            recorder.seen.clear()
            try:
                client._make_api_call(operation, parameters)
            except Exception:
                pass  # the empty answer means nothing
            asked = [("boto3", recorder.seen[0])]
            if arguments:
                recorder.seen.clear()
                subprocess.run(["aws", "--endpoint-url", recorder.url, *arguments], env=environment, timeout=60,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                asked.append(("aws", recorder.seen[0]))
            # Not the client's own copy: it takes the bucket out of S3's paths there.
            model = botocore.loaders.create_loader().load_service_model(service, "service-2")
            metadata = {key: model["metadata"][key] for key in METADATA if key in model["metadata"]}
            # The model may prefer a protocol that these clients do not speak to it.
            if metadata["protocol"] not in ("query", "ec2", "json", "rest-xml"):
                metadata["protocol"] = "json"
            given = {key: model["operations"][operation][key] for key in ("name", "http", "input")
                     if key in model["operations"][operation]}
            suites.append({
                "metadata": metadata, "shapes": cut(model, model["operations"][operation]),
                "cases": [{"id": f"{who} {service} {operation}", "given": given, "params": plain(parameters),
                           "serialized": request} for who, request in asked]})
    out = pathlib.Path(__file__).with_name("requests.json")
    out.write_text("[\n" + ",\n".join(json.dumps(suite, ensure_ascii=False) for suite in suites) + "\n]\n")
    print(sum(len(suite["cases"]) for suite in suites), "requests")


if __name__ == "__main__":
    main()
