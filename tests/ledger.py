"""What S3 acknowledged, written down outside of it, and whether it is still true.

Each key belongs to one writer, whose requests follow one another: what was acknowledged last is
there, or what was asked for after it and never answered. Contents are kept as SHA-256.
"""

import hashlib
import random
from concurrent.futures import ThreadPoolExecutor

from botocore.exceptions import BotoCoreError, ClientError

KIB = 1024
MIB = 1024 * KIB
SMALL, INLINE, LARGE = KIB, 60 * KIB, MIB
PART_BYTES_MIN = 5 * MIB
VERSIONS_MAX = 6
READERS = 4


class Loss(AssertionError):
    """Something acknowledged is not so any more, or something is half there."""


def digest(content):
    return hashlib.sha256(content).hexdigest()


def check(holds, *details):
    if not holds:
        raise Loss(*details)


def code_of(error):
    return error.response["Error"]["Code"]


class Plain:
    """A key of a bucket without versions; a content of None is its absence."""

    def __init__(self, bucket, key):
        self.where = {"Bucket": bucket, "Key": key}
        self.acknowledged = None
        self.unanswered = None
        # An upload under way: its id, and the parts that were acknowledged.
        self.upload = None
        self.parts = []

    def step(self, s3, draw, sizes):
        what = draw.choices(["put", "delete", "upload"], [8, 2, 1])[0]
        if what == "put":
            content = draw.randbytes(draw.choice(sizes))
            self.change(digest(content), s3.put_object, Body=content)
        elif what == "delete":
            self.change(None, s3.delete_object)
        elif LARGE in sizes:
            self.upload_whole(s3, draw)

    def change(self, becomes, ask, **parameters):
        self.unanswered = [becomes]
        ask(**self.where, **parameters)
        self.acknowledged, self.unanswered = becomes, None

    def upload_whole(self, s3, draw):
        self.upload = s3.create_multipart_upload(**self.where)["UploadId"]
        self.parts = []
        for bytes in [PART_BYTES_MIN, 70 * KIB]:
            content = draw.randbytes(bytes)
            number = len(self.parts) + 1
            answer = s3.upload_part(
                **self.where, UploadId=self.upload, PartNumber=number, Body=content
            )
            self.parts.append((number, answer["ETag"], content))
        self.complete(s3)

    def complete(self, s3):
        parts = [{"PartNumber": number, "ETag": etag} for number, etag, _ in self.parts]
        self.change(
            digest(b"".join(content for *_, content in self.parts)),
            s3.complete_multipart_upload,
            UploadId=self.upload,
            MultipartUpload={"Parts": parts},
        )
        self.upload = None

    def verify(self, s3):
        try:
            found = digest(s3.get_object(**self.where)["Body"].read())
        except ClientError as error:
            check(code_of(error) == "NoSuchKey", self.where, error)
            found = None
        possible = [self.acknowledged, *(self.unanswered or [])]
        check(found in possible, self.where, f"{found} is none of {possible}")
        completed = self.unanswered and found != self.acknowledged
        self.acknowledged, self.unanswered = found, None
        if self.upload and not completed:
            self.verify_upload(s3)
        self.upload = None

    def verify_upload(self, s3):
        """Parts are kept as objects are: the upload goes on where it was."""
        try:
            listed = s3.list_parts(**self.where, UploadId=self.upload).get("Parts", [])
        except ClientError as error:
            raise Loss(self.where, "the upload", error) from error
        found = {(part["PartNumber"], part["ETag"]) for part in listed}
        known = {(number, etag) for number, etag, _ in self.parts}
        check(known <= found, self.where, "parts", known - found)
        if self.parts:
            self.complete(s3)
            self.verify(s3)


class Versioned:
    """A key of a bucket with versions, as pairs of id and content; None is a delete marker."""

    def __init__(self, bucket, key):
        self.where = {"Bucket": bucket, "Key": key}
        self.versions = []
        # What was asked for and not answered: ("add", content) or ("remove", version id).
        self.unanswered = None

    def step(self, s3, draw, sizes):
        if len(self.versions) >= VERSIONS_MAX or (self.versions and draw.random() < 0.1):
            gone = draw.choice(self.versions)
            self.unanswered = ("remove", gone[0])
            s3.delete_object(**self.where, VersionId=gone[0])
            self.versions.remove(gone)
        elif draw.random() < 0.2:
            self.unanswered = ("add", None)
            answer = s3.delete_object(**self.where)
            self.versions.append((answer["VersionId"], None))
        else:
            content = draw.randbytes(draw.choice(sizes))
            self.unanswered = ("add", digest(content))
            answer = s3.put_object(**self.where, Body=content)
            self.versions.append((answer["VersionId"], digest(content)))
        self.unanswered = None

    def verify(self, s3):
        found = [(version, self.read(s3, version, marker)) for version, marker in self.listed(s3)]
        check(found in self.possible(found), self.where, f"{found} after {self.versions}")
        self.versions, self.unanswered = found, None
        try:
            current = digest(s3.get_object(**self.where)["Body"].read())
        except ClientError as error:
            check(code_of(error) == "NoSuchKey", self.where, error)
            current = None
        check(current == (found[-1][1] if found else None), self.where, current, found)

    def possible(self, found):
        """What may be found: the unanswered request was carried out or it was not."""
        match self.unanswered:
            case ("remove", version):
                return [self.versions, [one for one in self.versions if one[0] != version]]
            case ("add", content) if found and found[-1] not in self.versions:
                return [[*self.versions, (found[-1][0], content)]]
        return [self.versions]

    def listed(self, s3):
        """Ids of all versions, oldest first, with whether each is a delete marker."""
        page = s3.list_object_versions(Bucket=self.where["Bucket"], Prefix=self.where["Key"])
        check(not page["IsTruncated"], self.where)
        entries = [(entry, False) for entry in page.get("Versions", [])]
        entries += [(entry, True) for entry in page.get("DeleteMarkers", [])]
        order = {version: at for at, (version, _) in enumerate(self.versions)}
        newest = len(order)
        listed = [(entry["VersionId"], marker) for entry, marker in entries]
        latest = [entry["VersionId"] for entry, _ in entries if entry["IsLatest"]]
        listed.sort(key=lambda one: order.get(one[0], newest))
        check(latest == [version for version, _ in listed[-1:]], self.where, latest, listed)
        return listed

    def read(self, s3, version, marker):
        if marker:
            return None
        try:
            return digest(s3.get_object(**self.where, VersionId=version)["Body"].read())
        except ClientError as error:
            raise Loss(self.where, version, error) from error


class Users:
    """Users of IAM, which lie in the region's other journal."""

    def __init__(self, prefix):
        self.prefix = prefix
        self.acknowledged = set()
        self.asked = 0

    def step(self, iam):
        self.asked += 1
        name = f"{self.prefix}-{self.asked}"
        iam.create_user(UserName=name)
        self.acknowledged.add(name)

    def verify(self, iam):
        pages = iam.get_paginator("list_users").paginate()
        found = {user["UserName"] for page in pages for user in page["Users"]}
        check(self.acknowledged <= found, "users", self.acknowledged - found)


class Writer:
    """One client after another request, on keys of its own."""

    def __init__(self, name, buckets, seed):
        plain, versioned = buckets
        self.draw = random.Random(seed)
        self.keys = [Plain(plain, f"{name}/{n}") for n in range(6)]
        self.keys += [Versioned(versioned, f"{name}/{n}") for n in range(3)]
        self.users = Users(name)
        self.answers = 0

    def write_until_cut_off(self, s3, iam, sizes, steps=None):
        """Answers whether nobody cut it off before its last step."""
        done = 0
        while steps is None or done < steps:
            try:
                if not sizes or self.draw.random() < 0.05:
                    self.users.step(iam)
                else:
                    self.draw.choice(self.keys).step(s3, self.draw, sizes)
            except BotoCoreError:
                return False
            done += 1
            self.answers += 1
        return True

    def verify(self, s3, iam):
        try:
            self.users.verify(iam)
            with ThreadPoolExecutor(READERS) as readers:
                list(readers.map(lambda key: key.verify(s3), self.keys))
        except BotoCoreError as error:
            raise Loss("no answer", error) from error
