#!/usr/bin/env python3
"""Records requests signed by boto3, botocore and the aws CLI into requests.json.

Run it with a Python that has awscli 1.45.11 and boto3 1.43.11; it listens on loopback only:

    python3 crates/aws/tests/golden/make.py

What the clients send is written down as it came over the wire, so the fixture does not depend
on how this crate reads a request. Signed chunks, which botocore cannot make, are made by the
few lines of `signed_chunks`, from the documentation alone.
"""

import datetime
import hashlib
import hmac
import io
import json
import os
import pathlib
import socket
import ssl
import subprocess
import tempfile
import threading
import urllib.parse

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
from botocore.config import Config

ACCESS = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "FwoGZXIvYXdzEXAMPLE//token+with/odd==characters"
CASES = []


def record(name, service, raw, **more):
    head, _, body = raw.partition(b"\r\n\r\n")
    line, *lines = head.split(b"\r\n")
    method, target, _ = line.decode("ascii").split(" ")
    path, _, query = target.partition("?")
    # Nobody signs the user agent, and it describes the machine that recorded it.
    lines = [line for line in lines if not line.lower().startswith(b"user-agent:")]
    headers = [[part.strip() for part in header.decode("latin-1").split(":", 1)] for header in lines]
    CASES.append({
        "name": name, "service": service, "method": method, "path": path, "query": query,
        "headers": headers, "body": body.decode("latin-1"), **more,
    })


class Recorder:
    """Answers every request with an empty 200 and keeps what came."""

    def __init__(self, certificate=None):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate)
        self.seen = []
        threading.Thread(target=self.serve, daemon=True).start()

    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.port}"

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            try:
                if self.context:
                    connection = self.context.wrap_socket(connection, server_side=True)
                with connection:
                    self.seen.append(self.read(connection))
                    connection.sendall(
                        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            except OSError:
                pass

    def read(self, connection):
        stream = connection.makefile("rb")
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += stream.readline()
        lower = head.lower()
        if b"expect: 100-continue" in lower:
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = b""
        if b"transfer-encoding: chunked" in lower:
            while size := int(stream.readline(), 16):
                body += stream.read(size)
                stream.readline()
            stream.readline()
        for line in lower.split(b"\r\n"):
            if line.startswith(b"content-length:"):
                body = stream.read(int(line.split(b":")[1]))
        return head + body

    def take(self):
        seen, self.seen = self.seen, []
        return seen


def client(recorder, service, token=None, region="us-east-1", **config):
    return boto3.client(
        service, region_name=region, endpoint_url=recorder.url(), verify=False,
        aws_access_key_id=ACCESS, aws_secret_access_key=SECRET, aws_session_token=token,
        config=Config(retries={"max_attempts": 0}, **config))


def call(recorder, name, service, operation, token=None, region="us-east-1", config=None, **parameters):
    made = client(recorder, service, token, region, **(config or {}))
    try:
        getattr(made, operation)(**parameters)
    except Exception:
        pass  # the recorder's answers mean nothing; what was sent does
    for raw in recorder.take()[:1]:
        record(f"boto3 {name}", service_name(made), raw, token=token)


def service_name(made):
    model = made.meta.service_model
    return model.signing_name


ODD_KEYS = [
    "plain", "a b", "a+b", "a/./../z", "x//y", "/lead", "%41", "%2541", "~tilde-_.", "한글/키", "a&b=c?d#e",
    "(paren)!*'", "tab\tnew\nline", "emoji-😀", "colon:semi;comma,at@", "trailing/", "\\back|pipe^<>\"`{}[]", "$dollar",
]


def s3_requests(plain, tls):
    for key in ODD_KEYS:
        call(plain, f"put {key!r}", "s3", "put_object", Bucket="bkt", Key=key, Body=b"body of " + key.encode())
        call(plain, f"get {key!r}", "s3", "get_object", Bucket="bkt", Key=key)
    call(plain, "list", "s3", "list_objects_v2", Bucket="bkt", Prefix="a b/+&=", Delimiter="/", StartAfter="한글")
    call(plain, "versions", "s3", "list_object_versions", Bucket="bkt", KeyMarker="%2F", VersionIdMarker="null")
    call(plain, "website", "s3", "get_bucket_website", Bucket="bkt")
    call(plain, "buckets", "s3", "list_buckets")
    call(plain, "metadata", "s3", "put_object", Bucket="bkt", Key="k", Body=b"", ACL="public-read",
         Metadata={"spaces": "a   b", "case": "MiXed", "list": "a,b, c"}, Tagging="k=v%20w&x=y")
    call(plain, "token", "s3", "get_object", token=TOKEN, Bucket="bkt", Key="k", Range="bytes=0-9")
    call(plain, "delete many", "s3", "delete_objects", Bucket="bkt", Delete={"Objects": [{"Key": "a&b"}]})
    call(plain, "part", "s3", "upload_part", Bucket="bkt", Key="k", UploadId="u/+=", PartNumber=7, Body=b"part")
    call(plain, "copy", "s3", "copy_object", Bucket="bkt", Key="to", CopySource={"Bucket": "bkt", "Key": "한 글"})
    call(tls, "trailer", "s3", "put_object", Bucket="bkt", Key="k", Body=io.BytesIO(b"hello trailer"))
    call(tls, "trailer with token", "s3", "put_object", token=TOKEN, Bucket="bkt", Key="k", Body=b"hello again")
    call(tls, "unsigned", "s3", "put_object", Bucket="bkt", Key="k", Body=io.BytesIO(b"unsigned"),
         config={"s3": {"payload_signing_enabled": False}, "request_checksum_calculation": "when_required"})


def other_requests(plain):
    role = "arn:aws:iam::123456789012:role/a b+c"
    call(plain, "identity", "sts", "get_caller_identity")
    call(plain, "identity with token", "sts", "get_caller_identity", token=TOKEN, region="ap-northeast-2")
    call(plain, "assume", "sts", "assume_role", RoleArn=role, RoleSessionName="s=1&2")
    call(plain, "users", "iam", "list_users", PathPrefix="/a b/", region="us-east-1")
    call(plain, "policy", "iam", "create_policy", PolicyName="p", PolicyDocument='{"a": "é\\n"}')
    call(plain, "instances", "ec2", "describe_instances", Filters=[{"Name": "tag:a", "Values": ["b*", "c d"]}])
    call(plain, "parameter", "ssm", "get_parameter", Name="/a/b c")
    call(plain, "secret", "secretsmanager", "get_secret_value", SecretId="한글")
    call(plain, "logs", "logs", "describe_log_groups", logGroupNamePrefix="/aws/x")
    call(plain, "metric", "cloudwatch", "put_metric_data", Namespace="n", MetricData=[{"MetricName": "m", "Value": 1}])
    call(plain, "zone", "route53", "list_resource_record_sets", HostedZoneId="Z 1+2", StartRecordName="a b.")
    call(plain, "balancers", "elbv2", "describe_load_balancers", Names=["a b"])
    call(plain, "distributions", "cloudfront", "list_distributions", Marker="a/b c")
    call(plain, "function", "lambda", "get_function", FunctionName="arn:aws:lambda:us-east-1:1:function:f:v", Qualifier="$LATEST")
    call(plain, "arn in path", "apigateway", "get_tags", resourceArn="arn:aws:apigateway:us-east-1::/restapis/a b")


def presigned(plain):
    def go(name, service, url, method="GET", headers=None, body=b"", **more):
        parts = urllib.parse.urlsplit(url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = [f"{method} {target} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
        record(name, service, "\r\n".join(lines).encode() + b"\r\n\r\n" + body, **more)

    v4 = client(plain, "s3", signature_version="s3v4")
    with_token = client(plain, "s3", TOKEN, signature_version="s3v4")
    for key in ODD_KEYS:
        go(f"presigned v4 {key!r}", "s3", v4.generate_presigned_url("get_object", {"Bucket": "bkt", "Key": key}))
    go("presigned v4 with token", "s3", token=TOKEN, url=with_token.generate_presigned_url(
        "get_object", {"Bucket": "bkt", "Key": "k", "ResponseContentDisposition": 'attachment; filename="a&b"'},
        ExpiresIn=604800))
    go("presigned v4 put", "s3", v4.generate_presigned_url(
        "put_object", {"Bucket": "bkt", "Key": "k", "ContentType": "text/plain", "ACL": "private"}),
       "PUT", {"Content-Type": "text/plain", "x-amz-acl": "private"}, b"any body")
    identity = client(plain, "sts", TOKEN)
    for method in ("GET", "POST"):
        go(f"presigned identity {method}", "sts", method=method, token=TOKEN, url=identity.generate_presigned_url(
            "get_caller_identity", ExpiresIn=60, HttpMethod=method))

    for token in (None, TOKEN):
        for style in ("path", "virtual"):
            # Virtual-hosted only under AWS's own names: botocore keeps custom endpoints to paths.
            endpoint = plain.url() if style == "path" else None
            v2 = boto3.client(
                "s3", region_name="us-east-1", endpoint_url=endpoint, aws_access_key_id=ACCESS,
                aws_secret_access_key=SECRET, aws_session_token=token,
                config=Config(signature_version="s3", s3={"addressing_style": style}))
            more = {"version": 2, "token": token, "bucket": None if style == "path" else "bkt"}
            name = f"presigned v2 {style}{' with token' if token else ''}"
            for key in ODD_KEYS:
                go(f"{name} {key!r}", "s3", v2.generate_presigned_url("get_object", {"Bucket": "bkt", "Key": key}), **more)
            go(f"{name} list", "s3", v2.generate_presigned_url("list_objects_v2", {"Bucket": "bkt", "Prefix": "a b"}), **more)
            go(f"{name} website", "s3", v2.generate_presigned_url("get_bucket_website", {"Bucket": "bkt"}), **more)
            go(f"{name} version", "s3", v2.generate_presigned_url(
                "get_object", {"Bucket": "bkt", "Key": "k", "VersionId": "v/+1", "ResponseContentType": "text/x; a=b c"}), **more)
            url = v2.generate_presigned_url("put_object", {
                "Bucket": "bkt", "Key": "k", "ContentType": "text/plain", "ACL": "private", "Metadata": {"a": "b c"}})
            go(f"{name} put", "s3", url, "PUT", body=b"x", **more)
            go(f"{name} put with headers", "s3", url, "PUT",
               {"Content-Type": "text/plain", "x-amz-acl": "private", "x-amz-meta-a": "b c"}, b"x", **more)


def signed_by_hand():
    """Header signatures of botocore.auth over headers and queries that no SDK call makes."""
    credentials = botocore.credentials.Credentials(ACCESS, SECRET)
    for name, service, url, headers in [
        ("odd headers", "sts", "http://127.0.0.1:4566/?b=2&a=1&a=0&empty&x=%20%2B+",
         {"My-Header": "  a   b  c ", "Quoted": '"a   b"', "Empty": "", "X-Amz-Meta-Z": "z", "X-Amz-Meta-A": "a"}),
        ("odd path", "sts", "http://127.0.0.1:4566/a/../b/./c//d/%20/e%2Ff/", {}),
        ("date header", "sts", "http://127.0.0.1:4566/", {"Date": "now"}),
        ("s3 subresources", "s3", "http://127.0.0.1:4566/bkt?website=&versioning=&prefix=%2F", {}),
    ]:
        request = botocore.awsrequest.AWSRequest("GET", url, headers=headers)
        signer = botocore.auth.S3SigV4Auth if service == "s3" else botocore.auth.SigV4Auth
        # botocore sorts a URL's query without reading it; only what is canonical already agrees.
        if "empty" in url:
            request.url = url.split("?")[0]
            request.params = [("b", "2"), ("a", "1"), ("a", "0"), ("empty", ""), ("x", " ++")]
        signer(credentials, service, "us-east-1").add_auth(request)
        parts = urllib.parse.urlsplit(url)
        lines = [f"GET {parts.path}{'?' + parts.query if parts.query else ''} HTTP/1.1", f"Host: {parts.netloc}"]
        lines += [f"{key}: {value}" for key, value in request.headers.items()]
        record(f"botocore.auth {name}", service, "\r\n".join(lines).encode() + b"\r\n\r\n")


def sign(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256)


def signed_chunks(trailer):
    """An upload in signed chunks, by the documentation's words."""
    now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{now[:8]}/us-east-1/s3/aws4_request"
    key = f"AWS4{SECRET}".encode()
    for part in scope.split("/"):
        key = sign(key, part).digest()
    chunks = [b"a" * 8192, b"b" * 8192, b"last"]
    kind = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD" + ("-TRAILER" if trailer else "")
    headers = {
        "content-encoding": "aws-chunked", "host": "127.0.0.1:4566", "x-amz-content-sha256": kind,
        "x-amz-date": now, "x-amz-decoded-content-length": str(sum(map(len, chunks))),
    }
    if trailer:
        headers["x-amz-trailer"] = "x-amz-checksum-crc32c"
    names = ";".join(sorted(headers))
    canonical = "PUT\n/bkt/k\n\n" + "".join(f"{n}:{headers[n]}\n" for n in sorted(headers)) + f"\n{names}\n{kind}"
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    previous = sign(key, f"AWS4-HMAC-SHA256\n{now}\n{scope}\n{digest}").hexdigest()
    headers["authorization"] = (
        f"AWS4-HMAC-SHA256 Credential={ACCESS}/{scope}, SignedHeaders={names}, Signature={previous}")
    body = b""
    empty = hashlib.sha256(b"").hexdigest()
    for chunk in chunks + [b""]:
        digest = hashlib.sha256(chunk).hexdigest()
        previous = sign(key, f"AWS4-HMAC-SHA256-PAYLOAD\n{now}\n{scope}\n{previous}\n{empty}\n{digest}").hexdigest()
        body += f"{len(chunk):x};chunk-signature={previous}\r\n".encode()
        body += chunk + b"\r\n" if chunk else b""
    if trailer:
        line = "x-amz-checksum-crc32c:AAAAAA=="
        digest = hashlib.sha256(f"{line}\n".encode()).hexdigest()
        previous = sign(key, f"AWS4-HMAC-SHA256-TRAILER\n{now}\n{scope}\n{previous}\n{digest}").hexdigest()
        body += f"{line}\r\nx-amz-trailer-signature:{previous}\r\n".encode()
    body += b"\r\n"
    lines = ["PUT /bkt/k HTTP/1.1"] + [f"{name}: {value}" for name, value in headers.items()]
    record(kind, "s3", "\r\n".join(lines).encode() + b"\r\n\r\n" + body)


def cli(recorder, folder):
    environment = {
        "PATH": os.environ["PATH"], "HOME": folder, "AWS_ACCESS_KEY_ID": ACCESS, "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "ap-northeast-2", "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true",
    }
    file = pathlib.Path(folder, "a file+.txt")
    file.write_text("from the command line")
    for service, *arguments in [
        ("sts", "sts", "get-caller-identity"),
        ("iam", "iam", "list-users"),
        ("ec2", "ec2", "describe-vpcs"),
        ("ssm", "ssm", "get-parameter", "--name", "/a"),
        ("route53", "route53", "list-hosted-zones"),
        ("s3", "s3", "ls", "s3://bkt/a b/"),
        ("s3", "s3", "cp", str(file), "s3://bkt/a b/한글+/"),
        ("s3", "s3", "website", "s3://bkt", "--index-document", "index.html"),
    ]:
        subprocess.run(["aws", "--endpoint-url", recorder.url(), *arguments], env=environment, timeout=60,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for raw in recorder.take()[:1]:
            record(f"aws {' '.join(arguments[:2])}", service, raw)


def main():
    with tempfile.TemporaryDirectory() as folder:
        certificate = os.path.join(folder, "pair.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=127.0.0.1", "-days",
                        "1", "-keyout", certificate, "-out", certificate + ".crt"], check=True, capture_output=True)
        with open(certificate, "a") as pair:
            pair.write(open(certificate + ".crt").read())
        plain, tls = Recorder(), Recorder(certificate)
        s3_requests(plain, tls)
        other_requests(plain)
        presigned(plain)
        signed_by_hand()
        for trailer in (False, True):
            signed_chunks(trailer)
        cli(plain, folder)
    out = pathlib.Path(__file__).with_name("requests.json")
    lines = ",\n".join(json.dumps(case, ensure_ascii=True) for case in CASES)
    head = json.dumps({"access_key_id": ACCESS, "secret_access_key": SECRET})
    out.write_text(f"{head[:-1]}, \"cases\": [\n{lines}\n]}}\n")
    print(len(CASES), "requests")


if __name__ == "__main__":
    main()
