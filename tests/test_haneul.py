"""haneul's own command line."""

import json
import re
import stat
import urllib.request
from datetime import datetime
from pathlib import Path

import pytest

from region import AWS, HANEUL, run

NAMES = {
    "AWS_ENDPOINT_URL",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
}


def test_env(region):
    env = region.env()
    assert NAMES <= set(env)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+", env["AWS_ENDPOINT_URL"])
    assert env["AWS_REGION"] == env["AWS_DEFAULT_REGION"] == "ap-northeast-2"
    assert region.root.sts.get_caller_identity()["Arn"].endswith(":root")


def test_env_as_a_profile(region, folder):
    config, credentials = folder / "config", folder / "credentials"
    files = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(credentials)}
    mine = "[profile mine]\nregion = eu-west-1\n"
    config.write_text(mine)
    # Not without asking.
    region.haneul("env", "--profile", "sky", env=files, text="n\n")
    assert config.read_text() == mine and not credentials.exists()
    region.ok("env", "--profile", "sky", env=files, text="y\n")
    assert mine in config.read_text()
    assert mode(credentials) == 0o600
    done = run([AWS, "--profile", "sky", "sts", "get-caller-identity", "--output", "json"], env=files)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["Arn"] == region.root.arn


def mode(path):
    return stat.S_IMODE(Path(path).lstat().st_mode)


def test_only_the_owner_reads_the_data(region):
    assert mode(region.data) == 0o700
    for path in region.data.rglob("*"):
        allowed = 0o700 if path.is_dir() else 0o600
        # A certificate is for everybody; its folder is not.
        if path.suffix == ".pem" and "key" not in path.name:
            continue
        assert mode(path) & ~allowed == 0, (path, oct(mode(path)))


def test_the_secret_is_shown_once(own_region):
    secret = own_region.root.secret_key
    assert own_region.log.count(secret) == 1
    own_region.stop()
    own_region.start()
    assert own_region.log.count(secret) == 1
    assert own_region.root.secret_key == secret


@pytest.mark.parametrize("words", [(), ("--log", "json")])
def test_the_log_is_whole_when_a_region_was_stopped(own_region, words):
    own_region.stop()
    own_region.start(*words)
    asked = own_region.root.sts.get_caller_identity()["ResponseMetadata"]["RequestId"]
    # At once: what was logged may not have been written yet.
    own_region.stop()
    line = next(line for line in own_region.log.splitlines() if asked in line)
    if words:
        assert json.loads(line).items() >= {"request_id": asked, "status": 200, "level": "INFO"}.items()
    else:
        assert f'INFO answered request_id="{asked}"' in line and "status=200" in line


def test_status(region):
    status = region.status()
    assert status["region"] == "ap-northeast-2"
    assert [zone["name"] for zone in status["zones"]] == [f"ap-northeast-2{z}" for z in "abc"]
    assert [zone["id"] for zone in status["zones"]] == [f"apne2-az{n}" for n in "123"]
    assert all(zone["health"] == "healthy" for zone in status["zones"])
    assert {"iam", "sts"} <= set(status["services"])
    assert region.root.endpoint in region.ok("status")


def test_commands_in_korean(region):
    korean = {"LANG": "ko_KR.UTF-8"}
    assert "리전" in region.ok("status", env=korean)
    assert "리전" in run([HANEUL, "--help"], env=korean).stdout
    assert re.search("[가-힣]", region.haneul("up", env=korean).stderr)


def test_a_second_start_on_the_same_folder(region):
    done = region.haneul("up", "--listen", "127.0.0.1:0")
    assert done.returncode != 0 and str(region.data) in done.stderr
    assert region.root.sts.get_caller_identity()


def test_down(own_region):
    own_region.ok("down")
    assert own_region.process.wait(30) == 0
    assert not (own_region.data / "haneul.sock").exists()
    for words in [["status"], ["down"], ["clock", "show"], ["account", "list"]]:
        done = own_region.haneul(*words)
        assert done.returncode != 0 and str(own_region.data) in done.stderr, words


def test_clock(own_region):
    def shown():
        stamp = re.search(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", own_region.ok("clock", "show"))[0]
        return datetime.fromisoformat(stamp)

    before = shown()
    own_region.ok("clock", "advance", "30d")
    assert 29.9 < (shown() - before).total_seconds() / 86_400 < 30.1
    # The turn is kept.
    own_region.kill()
    own_region.start()
    assert (shown() - before).days == 30
    own_region.ok("clock", "set", "2030-01-02T03:04:05Z")
    assert shown().strftime("%Y-%m-%dT%H:%M") == "2030-01-02T03:04"
    own_region.ok("clock", "set", "now")
    assert abs((shown() - before).total_seconds()) < 600
    assert own_region.haneul("clock", "advance", "soon").returncode != 0


def test_accounts(region):
    made = region.create_account()
    listed = json.loads(region.ok("account", "list", "--json"))
    assert made.account in [account["id"] for account in listed]
    assert region.root.account != made.account
    assert region.haneul("account", "create", "--id", made.account).returncode != 0


def test_version_needs_no_region(folder):
    done = run([HANEUL, "version"])
    assert done.returncode == 0 and re.search(r"\d+\.\d+\.\d+", done.stdout)


@pytest.mark.parametrize("path", ["/_haneul/health", "/_localstack/health"])
def test_health(region, path):
    with urllib.request.urlopen(region.root.endpoint + path) as answer:
        seen = json.load(answer)
    assert {"iam", "sts"} <= set(seen["services"]), seen


def test_a_foreign_zone_count(own_region):
    own_region.stop()
    done = own_region.haneul("up", "--zone", str(own_region.folder / "z"))
    assert done.returncode != 0 and "three" in done.stderr
