import tempfile
from pathlib import Path

import pytest

import leftovers
import s3 as helpers
from region import Region


@pytest.fixture(scope="session", autouse=True)
def nothing_is_left():
    """No region of this run leaves anything on the machine. Ends after all other fixtures."""
    yield
    leftovers.expect_none(set(Region.all_data))


@pytest.fixture(scope="session")
def region():
    """One region for every test that does not stop it or turn its clock."""
    region = Region()
    try:
        yield region.start()
    finally:
        region.remove()


@pytest.fixture
def own_region():
    """A region of the test's own, to stop, kill, damage and turn as it likes."""
    region = Region()
    try:
        yield region.start()
    finally:
        region.remove()


@pytest.fixture
def account(region):
    """The root of a fresh account: an IAM of the test's own in the shared region."""
    return region.create_account()


@pytest.fixture
def other_account(region):
    return region.create_account()


@pytest.fixture
def s3(account):
    """boto3's S3 of the account's root."""
    return helpers.client(account)


@pytest.fixture
def bucket(s3):
    return helpers.make_bucket(s3)


@pytest.fixture
def folder():
    """An empty folder that is gone after the test."""
    with tempfile.TemporaryDirectory(prefix="haneul-test-") as folder:
        yield Path(folder)
