"""Conditional writes of several clients to one key, with kill -9 in between, have one order."""

import itertools
import os
import random
import threading
import time
from dataclasses import replace

import pytest
from botocore.exceptions import BotoCoreError, ClientError

import s3 as helpers
from history import DONE, NOTHING, REFUSED, Call, is_linearizable
from s3 import etag

ROUNDS = 30 if os.environ.get("HANEUL_SOAK") else 3
CLIENTS = 5
CALLS_BEFORE_KILL = 300


def call(what, begun, ended=None, **more):
    answer = None if ended is None else more.pop("answer", DONE)
    return Call(what, begun, float("inf") if ended is None else ended, answer, **more)


EXPLAINED = {
    "one after another": [call("write", 0, 1, value="a"), call("read", 2, 3, value="a")],
    "overlapping": [
        call("write", 0, 9, value="a"), call("read", 1, 2, value="a"), call("read", 3, 4, value="a"),
    ],
    "a create that lost": [
        call("write", 0, 5, value="a", condition="absent"),
        call("write", 1, 4, value="b", condition="absent", answer=REFUSED),
    ],
    "never answered, and done": [call("write", 0, value="a"), call("read", 5, 6, value="a")],
    "never answered, and not done": [call("write", 0, value="a"), call("read", 5, 6, value=NOTHING)],
}
NOT_EXPLAINED = {
    "stale": [
        call("write", 0, 1, value="a"), call("write", 2, 3, value="b"), call("read", 4, 5, value="a"),
    ],
    "back and forth": [
        call("write", 0, 9, value="a"), call("read", 1, 2, value="a"), call("read", 3, 4, value=NOTHING),
    ],
    "two creates": [
        call("write", 0, 5, value="a", condition="absent"),
        call("write", 1, 4, value="b", condition="absent"),
    ],
    "lost update": [
        call("write", 0, 1, value="a"),
        call("write", 2, 5, value="b", condition="a"), call("write", 2, 5, value="c", condition="a"),
    ],
    "risen": [
        call("write", 0, 1, value="a"), call("delete", 2, 3), call("read", 4, 5, value="a"),
    ],
    "from nowhere": [call("read", 0, 1, value="a")],
}


@pytest.mark.parametrize("calls", EXPLAINED.values(), ids=EXPLAINED)
def test_a_history_that_is_explained(calls):
    assert is_linearizable(calls)


@pytest.mark.parametrize("calls", NOT_EXPLAINED.values(), ids=NOT_EXPLAINED)
def test_a_history_that_is_not(calls):
    assert not is_linearizable(calls)


def read(s3, bucket, key):
    begun = time.monotonic()
    try:
        found = s3.get_object(Bucket=bucket, Key=key)
        found["Body"].read()
        found = found["ETag"]
    except ClientError as refused:
        assert refused.response["Error"]["Code"] == "NoSuchKey", refused
        found = NOTHING
    return Call("read", begun, time.monotonic(), DONE, found)


def change(s3, what, condition, value, **parameters):
    begun, answer = time.monotonic(), DONE
    try:
        s3.delete_object(**parameters) if what == "delete" else s3.put_object(**parameters)
    except ClientError as refused:
        code = refused.response["Error"]["Code"]
        # If-Match where there is nothing is a key that is missing.
        assert code == "PreconditionFailed" or code == "NoSuchKey" and condition != "absent", refused
        answer = REFUSED
    except BotoCoreError:
        return Call(what, begun, value=value, condition=condition)
    return Call(what, begun, time.monotonic(), answer, value, condition)


def one_call(s3, bucket, key, draw, body, last):
    """Something by chance; conditions are often on what was read last, so that they race."""
    about = {"Bucket": bucket, "Key": key}
    chance = draw.random()
    if chance < 0.3 or last is NOTHING and chance < 0.4:
        return read(s3, bucket, key)
    if chance < 0.4:
        return change(s3, "delete", None, NOTHING, **about)
    about["Body"], value = body, etag(body)
    if chance < 0.6:
        return change(s3, "write", "absent", value, IfNoneMatch="*", **about)
    if chance < 0.9 and last is not NOTHING:
        return change(s3, "write", last, value, IfMatch=last, **about)
    return change(s3, "write", None, value, **about)


def race(s3, bucket, key, name, history, enough):
    draw, last = random.Random(name), NOTHING
    for n in itertools.count():
        try:
            made = one_call(s3, bucket, key, draw, f"{name}-{n}".encode(), last)
        except BotoCoreError:
            return  # A read that was cut off says nothing.
        history.append(made)
        enough.release()
        if made.answer is None:
            return
        if made.answer == DONE:
            last = made.value


def race_until_killed(region, bucket, keys, round):
    """All clients' calls of each key, and a last look at it by whoever comes after."""
    s3, enough = helpers.client(region.root), threading.Semaphore(0)
    histories = {key: [] for key in keys}
    racers = [
        threading.Thread(
            target=race, args=(s3, bucket, key, f"{round}-{key}-{n}", histories[key], enough)
        )
        for key in keys for n in range(CLIENTS)
    ]
    for racer in racers:
        racer.start()
    for _ in range(CALLS_BEFORE_KILL):
        assert enough.acquire(timeout=120)
    region.kill()
    for racer in racers:
        racer.join(120)
        assert not racer.is_alive()
    region.start()
    s3 = helpers.client(region.root)
    for key, history in histories.items():
        history.append(read(s3, bucket, key))
    return histories


def plant_a_stale_read(history):
    """The same history with one read more, at its end, of what is there no longer."""
    newest = history[-1].value
    stale = next(c.value for c in history if c.what == "write" and c.answer == DONE and c.value != newest)
    end = max(c.ended for c in history if c.answer)
    return [*history, replace(history[-1], begun=end + 1, ended=end + 2, value=stale)]


def test_conditional_writes_have_one_order(own_region):
    bucket = helpers.make_bucket(helpers.client(own_region.root))
    for round in range(ROUNDS):
        keys = [f"{round}-a", f"{round}-b"]
        for key, history in race_until_killed(own_region, bucket, keys, round).items():
            writes = [c for c in history if c.what == "write"]
            assert {DONE, REFUSED} <= {c.answer for c in writes}, "nobody raced"
            assert is_linearizable(history), (key, history)
            assert not is_linearizable(plant_a_stale_read(history)), "the check sees nothing"
