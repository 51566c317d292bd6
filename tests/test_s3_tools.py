"""Programs that keep other people's files in S3, from Debian: rclone, restic, s3cmd."""

import shutil
import warnings

import pytest

import s3 as helpers
from region import REGION, policy, run
from s3 import MIB, pseudo_random
from test_s3_cli import digests, plant


@pytest.fixture
def tree(folder):
    """A few hundred files and one that goes in parts."""
    plant(folder / "tree", 300)
    (folder / "tree/large").write_bytes(pseudo_random(17 * MIB))
    return folder / "tree"


class Tool:
    """A program with a home of its own and the account's keys."""

    def __init__(self, name, account, home, env=None):
        if not shutil.which(name):
            warnings.warn(f"{name.upper()} IS NOT TRIED: it is not in PATH", stacklevel=1)
            pytest.skip(f"{name} is not in PATH")
        self.name = name
        self.env = account.env() | {"HOME": str(home)} | (env or {})

    def __call__(self, *words, expected=0, text=""):
        done = run([self.name, *words], env=self.env, text=text, seconds=300)
        assert done.returncode == expected, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout


def test_rclone(account, s3, bucket, tree, folder):
    rclone = Tool("rclone", account, folder, {
        "RCLONE_CONFIG_HERE_TYPE": "s3", "RCLONE_CONFIG_HERE_PROVIDER": "Other",
        "RCLONE_CONFIG_HERE_ENV_AUTH": "true", "RCLONE_CONFIG_HERE_REGION": REGION,
        "RCLONE_CONFIG_HERE_ENDPOINT": account.endpoint,
        "RCLONE_RETRIES": "1", "RCLONE_LOW_LEVEL_RETRIES": "1",
        "RCLONE_S3_UPLOAD_CUTOFF": "8M", "RCLONE_S3_CHUNK_SIZE": "5M",
    })
    rclone("sync", tree, f"here:{bucket}/deep")
    # By modification time (in metadata), size and MD5.
    assert "0 differences found" in run_check(rclone, "check", tree, f"here:{bucket}/deep")
    rclone("sync", f"here:{bucket}/deep", folder / "back")
    assert digests(folder / "back") == digests(tree)
    assert s3.head_object(Bucket=bucket, Key="deep/large")["Metadata"]["mtime"]
    gone = sorted(tree.rglob("*.txt"))[0]
    gone.unlink()
    (tree / "new").write_text("new")
    rclone("sync", tree, f"here:{bucket}/deep")
    listed = rclone("lsf", "-R", "--files-only", f"here:{bucket}/deep").splitlines()
    assert sorted(listed) == sorted(digests(tree))
    rclone("copy", f"here:{bucket}/deep/large", f"here:{bucket}/copied")
    assert rclone("cat", f"here:{bucket}/deep/new") == "new"
    rclone("move", f"here:{bucket}/deep/new", f"here:{bucket}/moved")
    rclone("purge", f"here:{bucket}/deep")
    assert sorted(rclone("lsf", "-R", "--files-only", f"here:{bucket}").splitlines()) == [
        "copied/large", "moved/new"
    ]


def run_check(tool, *words):
    done = run([tool.name, *words], env=tool.env, seconds=300)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_restic(account, s3, tree, folder):
    name = helpers.new_name()
    restic = Tool("restic", account, folder, {
        "RESTIC_REPOSITORY": f"s3:{account.endpoint}/{name}", "RESTIC_PASSWORD": "secret",
        "RESTIC_CACHE_DIR": str(folder / "cache"),
    })
    # It makes the bucket itself.
    restic("init")
    restic("backup", tree)
    (tree / "new").write_text("new")
    restic("backup", tree)
    before = digests(tree)
    assert "no errors were found" in restic("check", "--read-data")
    restic("restore", "latest", "--target", folder / "back")
    assert digests(folder / "back" / tree.relative_to("/")) == before
    restic("forget", "--keep-last", "1", "--prune")
    assert "no errors were found" in restic("check", "--read-data")
    assert len(restic("snapshots", "--compact").splitlines()) >= 3
    assert s3.list_objects_v2(Bucket=name, Prefix="locks/").get("KeyCount") == 0


def test_s3cmd(account, s3, tree, folder):
    host = account.endpoint.removeprefix("http://")
    settings = folder / "s3cfg"
    settings.write_text(
        f"[default]\naccess_key = {account.access_key}\nsecret_key = {account.secret_key}\n"
        f"host_base = {host}\nhost_bucket = {host}\nuse_https = False\n"
        f"bucket_location = {REGION}\nmultipart_chunk_size_mb = 5\n"
    )
    tool = Tool("s3cmd", account, folder)
    del tool.env["AWS_ACCESS_KEY_ID"], tool.env["AWS_SECRET_ACCESS_KEY"]

    def s3cmd(*words, **options):
        return tool("--config", settings, "--no-progress", *words, **options)

    name = helpers.new_name()
    s3cmd("mb", f"s3://{name}")
    s3cmd("sync", f"{tree}/", f"s3://{name}/deep/")
    (folder / "back").mkdir()
    s3cmd("sync", f"s3://{name}/deep/", f"{folder / 'back'}/")
    assert digests(folder / "back") == digests(tree)
    assert len(s3cmd("ls", "--recursive", f"s3://{name}").splitlines()) == 301
    s3cmd("setpolicy", own_policy(folder, name, account), f"s3://{name}")
    assert "Policy:" in s3cmd("info", f"s3://{name}")
    # It would copy the list of grants as well, which new buckets refuse.
    s3cmd("cp", "--acl-private", f"s3://{name}/deep/large", f"s3://{name}/copy")
    s3cmd("mv", "--acl-private", f"s3://{name}/copy", f"s3://{name}/moved")
    assert s3.head_object(Bucket=name, Key="moved")["ContentLength"] == 17 * MIB
    s3cmd("del", "--recursive", "--force", f"s3://{name}")
    s3cmd("rb", f"s3://{name}")
    assert s3.list_buckets()["Buckets"] == []


def own_policy(folder, name, account):
    file = folder / "policy.json"
    root = {"AWS": f"arn:aws:iam::{account.account}:root"}
    file.write_text(policy(helpers.statement("s3:GetObject", f"{name}/*", root)))
    return file
