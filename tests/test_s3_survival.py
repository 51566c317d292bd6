"""What an acknowledged object outlives: kill -9, a lost zone, rotten bits."""

import hashlib
import itertools
import json
import os
import random
import shutil
import threading
from dataclasses import dataclass, field

from botocore.exceptions import BotoCoreError, ClientError

import s3 as helpers
from s3 import body_of, pseudo_random

SOAK = bool(os.environ.get("HANEUL_SOAK"))
ROUNDS = 200 if SOAK else 4
WRITERS = 4
KEYS = 6
# Beside the frame, in it, in an extent, and over the border of its slots.
SIZES = [0, 700, 65_536, 65_537, 300_000]


@dataclass
class Ledger:
    """What clients were told, kept outside of haneul: who put what, and which was answered."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    # Version to digest, for what was acknowledged and not deleted since.
    kept: dict = field(default_factory=dict)
    # Versions whose deletion was acknowledged.
    deleted: set = field(default_factory=set)
    # Digests of what was ever sent under a key: whatever is found must be one of them.
    sent: dict = field(default_factory=dict)
    # Versions whose deletion was asked for and not answered.
    doubtful: set = field(default_factory=set)
    # What clients were told instead: nothing, whatever befalls one zone.
    refused: list = field(default_factory=list)

    def sending(self, key, digest):
        with self.lock:
            self.sent.setdefault(key, set()).add(digest)

    def acknowledged(self, key, version, digest):
        with self.lock:
            self.kept[key, version] = digest

    def deleting(self, key, version):
        with self.lock:
            self.doubtful.add((key, version))
            return self.kept.pop((key, version), None)

    def gone(self, key, version):
        with self.lock:
            self.doubtful.discard((key, version))
            self.deleted.add((key, version))

    def some_version(self, draw):
        with self.lock:
            return draw.choice(sorted(self.kept)) if self.kept else None

    def check(self, s3, bucket):
        """Reads everything: all that was acknowledged is there, whole; nothing else came up."""
        assert not self.refused
        found = set()
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            found |= {(one["Key"], one["VersionId"]) for one in page.get("Versions", [])}
        lost = set(self.kept) - found
        assert not lost, f"{len(lost)} acknowledged versions are lost: {sorted(lost)[:5]}"
        risen = found & self.deleted
        assert not risen, f"{len(risen)} deleted versions are back: {sorted(risen)[:5]}"
        for key, version in sorted(found):
            data = body_of(s3.get_object(Bucket=bucket, Key=key, VersionId=version))
            digest = hashlib.sha256(data).hexdigest()
            expected = self.kept.get((key, version))
            assert digest in self.sent[key] if expected is None else digest == expected, (key, version)


def write_until_cut_off(s3, bucket, ledger, seed, enough):
    """Puts, now and then deletes or uploads in parts, until the region is killed."""
    draw = random.Random(seed)
    for n in itertools.count():
        key = f"key-{draw.randrange(KEYS)}"
        try:
            if draw.random() < 0.2 and (chosen := ledger.some_version(draw)):
                ledger.deleting(*chosen)
                s3.delete_object(Bucket=bucket, Key=chosen[0], VersionId=chosen[1])
                ledger.gone(*chosen)
                continue
            data = pseudo_random(draw.choice(SIZES), f"{seed}-{n}")
            digest = hashlib.sha256(data).hexdigest()
            ledger.sending(key, digest)
            put = put_in_parts if draw.random() < 0.2 else put_whole
            ledger.acknowledged(key, put(s3, bucket, key, data), digest)
            enough.release()
        except BotoCoreError:
            return
        except ClientError as refused:
            ledger.refused.append(refused)
            return


def put_whole(s3, bucket, key, data):
    return s3.put_object(Bucket=bucket, Key=key, Body=data)["VersionId"]


def put_in_parts(s3, bucket, key, data):
    about = {"Bucket": bucket, "Key": key}
    about["UploadId"] = s3.create_multipart_upload(**about)["UploadId"]
    part = s3.upload_part(**about, PartNumber=1, Body=data)
    done = {"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}
    return s3.complete_multipart_upload(**about, MultipartUpload=done)["VersionId"]


def versioned_bucket(region):
    s3 = helpers.client(region.root)
    bucket = helpers.make_bucket(s3)
    helpers.enable_versioning(s3, bucket)
    return bucket


def under_load(region, bucket, ledger, round, disaster, puts=30):
    """Lets many write, brings the disaster after some puts, and waits for their end."""
    s3, enough = helpers.client(region.root), threading.Semaphore(0)
    writers = [
        threading.Thread(
            target=write_until_cut_off, args=(s3, bucket, ledger, f"{round}-{n}", enough)
        )
        for n in range(WRITERS)
    ]
    for writer in writers:
        writer.start()
    for _ in range(puts):
        assert enough.acquire(timeout=120)
    disaster(enough)
    region.kill()
    for writer in writers:
        writer.join(120)
        assert not writer.is_alive()


def test_kills_under_load(own_region):
    bucket, ledger = versioned_bucket(own_region), Ledger()
    for round in range(ROUNDS):
        under_load(own_region, bucket, ledger, round, lambda enough: None)
        own_region.start()
        if round % 10 == 0 or round == ROUNDS - 1:
            ledger.check(helpers.client(own_region.root), bucket)
    assert len(ledger.kept) + len(ledger.deleted) + len(ledger.doubtful) >= ROUNDS * 30


def test_a_zone_that_is_lost_under_load(own_region):
    """Its folder goes while objects are written: nobody notices."""
    bucket, ledger = versioned_bucket(own_region), Ledger()

    def lose(enough):
        shutil.rmtree(own_region.data / "zones" / "b", ignore_errors=True)
        for _ in range(30):
            assert enough.acquire(timeout=120)

    under_load(own_region, bucket, ledger, 0, lose)
    own_region.start()
    s3 = helpers.client(own_region.root)
    ledger.check(s3, bucket)


def flip_bits(region, draw, count):
    """Damages files of one zone, as a disk does that lies."""
    files = [
        path for path in sorted((region.data / "zones" / "c" / "objects").rglob("*"))
        if path.is_file() and path.stat().st_size
    ]
    for _ in range(count):
        path = draw.choice(files)
        with path.open("r+b") as file:
            at = draw.randrange(path.stat().st_size)
            file.seek(at)
            byte = file.read(1)[0]
            file.seek(at)
            file.write(bytes([byte ^ 1 << draw.randrange(8)]))


def test_bits_that_flip_under_load(own_region):
    """Reads are right or errors, and with two zones sound they are right."""
    bucket, ledger, draw = versioned_bucket(own_region), Ledger(), random.Random(3)
    s3 = helpers.client(own_region.root)

    def rot(enough):
        for _ in range(20):
            flip_bits(own_region, draw, 50)
            assert enough.acquire(timeout=120)
        ledger_now = dict(ledger.kept)
        for (key, version), digest in ledger_now.items():
            try:
                data = body_of(s3.get_object(Bucket=bucket, Key=key, VersionId=version))
            except ClientError as refused:
                # Deleted by a writer in the meantime; nothing else is an excuse.
                assert refused.response["Error"]["Code"] == "NoSuchVersion", refused
                continue
            assert hashlib.sha256(data).hexdigest() == digest, (key, version)

    under_load(own_region, bucket, ledger, 0, rot)
    own_region.start()
    ledger.check(helpers.client(own_region.root), bucket)


def test_one_zone_objects_are_gone_with_their_zone(own_region):
    """Large or small, ONEZONE_IA lies in one zone: others serve it not, and nothing else is lost."""
    s3 = helpers.client(own_region.root)
    bucket = helpers.make_bucket(s3)
    bodies = {f"{size}-{n}": pseudo_random(size, f"{n}") for size in [10, 100_000] for n in range(40)}
    for key, body in bodies.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body, StorageClass="ONEZONE_IA")
        s3.put_object(Bucket=bucket, Key=f"safe-{key}", Body=body)
    own_region.stop()
    shutil.rmtree(own_region.data / "zones" / "b")
    own_region.start()
    s3 = helpers.client(own_region.root)
    for size in [10, 100_000]:
        lost = [key for key in bodies if key.startswith(f"{size}-")
                and helpers.code_of(s3.get_object, Bucket=bucket, Key=key) is not None]
        # Each lies in one of three zones by chance: all in one or none in one is no chance.
        assert 0 < len(lost) < 40, size
    for key, body in bodies.items():
        assert body_of(s3.get_object(Bucket=bucket, Key=f"safe-{key}")) == body
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 2 * len(bodies)


def test_a_scrub_that_is_asked_for(own_region):
    """It says what it read, found damaged and mended; rot of the index is found by nothing else."""
    s3 = helpers.client(own_region.root)
    bucket = helpers.make_bucket(s3)
    for n in range(20):
        s3.put_object(Bucket=bucket, Key=f"k{n:02}", Body=pseudo_random(200_000, f"{n}"), Metadata={"rot": "abcdef"})
    said = own_region.ok("scrub")
    assert "shows what the log says" in said and "20 pieces read" in said
    korean = own_region.ok("scrub", env={"LC_ALL": "ko_KR.UTF-8"})
    assert "로그와 같음" in korean
    flip_bits(own_region, random.Random(5), 50)
    report = json.loads(own_region.ok("scrub", "--json"))
    assert report["blobs"]["damaged"] + report["log"]["damaged"] > 0
    for part in ["blobs", "log"]:
        assert report[part]["damaged"] == report[part]["mended"], report
    own_region.stop()
    index = own_region.data / "index" / "objects.redb"
    rotten = index.read_bytes()
    assert b"abcdef" in rotten
    index.write_bytes(rotten.replace(b"abcdef", b"abcdXf"))
    own_region.start()
    s3 = helpers.client(own_region.root)
    damage = json.loads(own_region.ok("scrub", "--json"))["index_damage"]
    # The region looks by itself soon after its start, and may have been there first.
    assert damage or own_region.logged("made anew from the log")
    assert s3.head_object(Bucket=bucket, Key="k07")["Metadata"] == {"rot": "abcdef"}
    assert own_region.haneul("down").returncode == 0
    assert own_region.haneul("scrub").returncode == 3
