"""What S3 acknowledged outlives a power cut: what was not synced is really lost here."""

import os
import random
import uuid
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.config import Config

import power
from ledger import INLINE, LARGE, SMALL, Loss, Writer
from region import REGION, SESSION

SOAK = bool(os.environ.get("HANEUL_SOAK"))
ROUNDS = int(os.environ.get("HANEUL_ROUNDS", 1000 if SOAK else 10))
# A region lives so long; what it holds is read after each cut.
ROUNDS_OF_A_REGION = 20
WRITERS = 3
SEED = int(os.environ.get("HANEUL_SEED", "1"))
FREEZE_SECONDS_MAX = 60


@pytest.fixture
def powered():
    """A region on disks whose power can be cut; None where that cannot be tried."""
    if why := power.missing():
        warnings.warn(f"POWER CUTS ARE NOT TRIED: {why}", stacklevel=1)
        yield None
        return
    region = power.PoweredRegion()
    try:
        yield region
    finally:
        region.remove()


class Load:
    """Writers on two buckets of a region, through all its starts."""

    def __init__(self, region, seed):
        self.region = region
        region.start()
        self.keys = region.create_account()
        s3, _ = self.clients()
        buckets = [f"power-{uuid.uuid4().hex[:16]}" for _ in range(2)]
        for bucket in buckets:
            s3.create_bucket(
                Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION}
            )
        s3.put_bucket_versioning(
            Bucket=buckets[1], VersioningConfiguration={"Status": "Enabled"}
        )
        self.writers = [Writer(f"w{n}", buckets, seed * 100 + n) for n in range(WRITERS)]

    def clients(self):
        """Of S3 and IAM, for the port of this start."""
        def client(service):
            return SESSION.client(
                service,
                region_name=REGION,
                endpoint_url=self.region.root.endpoint,
                aws_access_key_id=self.keys.access_key,
                aws_secret_access_key=self.keys.secret_key,
                config=Config(
                    retries={"total_max_attempts": 1},
                    s3={"addressing_style": "path"},
                    max_pool_connections=WRITERS + 4,
                    read_timeout=FREEZE_SECONDS_MAX * 2,
                ),
            )

        return client("s3"), client("iam")

    def write_while(self, meanwhile):
        """Lets all write until they are cut off by what is done meanwhile."""
        s3, iam = self.clients()
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [
                pool.submit(writer.write_until_cut_off, s3, iam, [SMALL, SMALL, INLINE, LARGE])
                for writer in self.writers
            ]
            meanwhile()
        for one in writing:
            assert not one.result(), "a writer ended by itself"

    def write(self, sizes, steps):
        s3, iam = self.clients()
        with ThreadPoolExecutor(WRITERS) as pool:
            writing = [
                pool.submit(writer.write_until_cut_off, s3, iam, sizes, steps)
                for writer in self.writers
            ]
        for one in writing:
            assert one.result(), self.region.log[-5000:]

    def verify(self):
        s3, iam = self.clients()
        for writer in self.writers:
            writer.verify(s3, iam)


def cut_while_writing(load, draw):
    region = load.region

    def cut():
        region.machine.freeze_after(draw.randint(1, 300))
        assert region.machine.froze_within(FREEZE_SECONDS_MAX), region.log[-5000:]
        region.cut_power(draw.getrandbits(32))

    load.write_while(cut)


def cut_while_starting(load, draw):
    """Some starts are cut off too, at any step of a recovery."""
    region = load.region
    while draw.random() < 0.3:
        went = region.launch_until_frozen_or_up(draw.randint(0, 60))
        region.cut_power(draw.getrandbits(32))
        if went == "up":
            return


def test_what_was_acknowledged_outlives_power_cuts(powered):
    if powered is None:
        return
    for begin in range(0, ROUNDS, ROUNDS_OF_A_REGION):
        if begin:
            powered.remove()
            powered.__init__()
        check_rounds(powered, SEED * 1000 + begin, min(ROUNDS_OF_A_REGION, ROUNDS - begin))


def check_rounds(region, seed, rounds):
    draw = random.Random(seed)
    load = Load(region, seed)
    for round in range(rounds):
        cut_while_writing(load, draw)
        cut_while_starting(load, draw)
        if draw.random() < 0.3:
            region.remove_index()
        try:
            region.start()
            load.verify()
        except AssertionError as lost:
            lost.add_note(f"round {round} of HANEUL_SEED={SEED} {seed}")
            raise
    assert sum(writer.answers for writer in load.writers) > 3 * rounds


LEFT_OUT_ROUNDS_MAX = 5
# What a program that leaves out one kind of sync would lose, and what shows it.
LEFT_OUT = {
    "the log's segments": ("files", "objects/log/", [SMALL], 10),
    # Enough for the log to need another segment.
    "the log's names": ("folders", "objects/log", [INLINE], 15),
    "the extents": ("files", "objects/extents/", [LARGE], 5),
    "the extents' names": ("folders", "objects/extents", [LARGE], 5),
    "the records": ("files", "segment-", [], 5),
}


def found_lost(region, load, sizes, steps):
    load.write(sizes, steps)
    region.cut_power(SEED, keep_in_8=0)
    region.start()
    try:
        load.verify()
    except Loss as loss:
        return loss
    return None


@pytest.mark.parametrize("left_out", LEFT_OUT)
def test_a_sync_left_out_is_found(powered, left_out):
    if powered is None:
        return
    of, prefix, sizes, steps = LEFT_OUT[left_out]
    load = Load(powered, SEED)
    assert found_lost(powered, load, sizes, steps) is None
    powered.machine.ignore(of, prefix)
    losses = (found_lost(powered, load, sizes, steps) for _ in range(LEFT_OUT_ROUNDS_MAX))
    assert any(losses), f"the syncs of {left_out} can be left out and nothing is lost"


def test_nothing_is_answered_before_it_is_synced(powered):
    if powered is None:
        return
    load = Load(powered, SEED)
    # A start leaves the name of a lock unsynced, and the log's next segment a while later.
    load.write([LARGE], steps=5)
    powered.machine.wait_until_synced("objects/")
    s3, _ = load.clients()
    writer = load.writers[0]
    # Few enough that the log needs no other segment, which would be made meanwhile.
    for key in writer.keys * 3:
        key.step(s3, writer.draw, [SMALL, LARGE])
        assert powered.machine.unsynced("objects/") == []
    # That is so because each zone was synced, not because nothing was written.
    assert min(powered.machine.syncs("objects/log/")) > len(writer.keys)
    powered.machine.ignore("files", "objects/log/")
    writer.keys[-1].step(s3, writer.draw, [SMALL])
    disks = [path.split(":")[0] for path in powered.machine.unsynced("objects/log/")]
    assert sorted(disks) == ["0", "1", "2"]
