"""A real haneul process on a folder of its own, and the accounts in it, as clients see them."""

import functools
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import boto3
from botocore.config import Config

ROOT = Path(__file__).resolve().parent.parent
HANEUL = Path(os.environ.get("HANEUL_BINARY", ROOT / "target/debug/haneul"))
AWS = Path(sys.executable).parent / "aws"
REGION = "ap-northeast-2"
SESSION = boto3.session.Session()
START_SECONDS_MAX = 60
COMMAND_SECONDS_MAX = 120
LOG_SECONDS_MAX = 10

# What a client of ours may see of the caller's environment: no credentials, no configuration.
BASE_ENV = {
    "PATH": os.environ["PATH"],
    "LANG": "C.UTF-8",
    "AWS_CONFIG_FILE": "/dev/null",
    "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_PAGER": "",
}


def run(command, env=None, text="", cwd=None, seconds=COMMAND_SECONDS_MAX):
    """Runs a program to its end and returns it with its output as text."""
    return subprocess.run(
        [str(word) for word in command],
        env=BASE_ENV | (env or {}),
        input=text,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=seconds,
    )


def parse_exports(text):
    """`export NAME=value` lines, as `haneul env` prints them, evaluated by a shell."""
    names = re.findall(r"^export (\w+)=", text, re.MULTILINE)
    shell = run(["sh", "-c", text + "\nfor n in %s; do eval echo \\$$n; done" % " ".join(names)])
    assert shell.returncode == 0, shell.stderr
    return dict(zip(names, shell.stdout.splitlines(), strict=True))


@dataclass(frozen=True)
class Principal:
    """Somebody's keys and where to use them."""

    endpoint: str
    access_key: str
    secret_key: str
    token: str | None = None
    ca_bundle: str | None = None

    def client(self, service, region=REGION, attempts=1):
        return client_of(self, service, region, attempts)

    @property
    def iam(self):
        return self.client("iam")

    @property
    def sts(self):
        return self.client("sts")

    @property
    def account(self):
        return self.sts.get_caller_identity()["Account"]

    @property
    def arn(self):
        return self.sts.get_caller_identity()["Arn"]

    def env(self):
        env = {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
        }
        return env | ({"AWS_SESSION_TOKEN": self.token} if self.token else {})

    def aws(self, *words, **options):
        """The real aws CLI with these keys."""
        return run([AWS, *words], env=self.env(), **options)

    def aws_json(self, *words):
        done = self.aws(*words, "--output", "json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def with_keys(self, keys):
        """The holder of keys that an operation answered with: an access key or a session's."""
        return Principal(
            self.endpoint,
            keys["AccessKeyId"],
            keys["SecretAccessKey"],
            keys.get("SessionToken"),
            self.ca_bundle,
        )

    def user(self, name, *statements):
        """Makes a user with one inline policy of these statements, and returns its holder."""
        self.iam.create_user(UserName=name)
        if statements:
            self.iam.put_user_policy(
                UserName=name, PolicyName="inline", PolicyDocument=policy(*statements)
            )
        return self.with_keys(self.iam.create_access_key(UserName=name)["AccessKey"])

    def role(self, name, trust, *statements, **parameters):
        """Makes a role that `trust` may assume, with one inline policy; returns its ARN."""
        made = self.iam.create_role(
            RoleName=name, AssumeRolePolicyDocument=policy(*trust), **parameters
        )
        if statements:
            self.iam.put_role_policy(
                RoleName=name, PolicyName="inline", PolicyDocument=policy(*statements)
            )
        return made["Role"]["Arn"]

    def assume(self, role_arn, session="session", **parameters):
        answer = self.sts.assume_role(RoleArn=role_arn, RoleSessionName=session, **parameters)
        return self.with_keys(answer["Credentials"])


@functools.cache
def client_of(principal, service, region, attempts):
    """A boto3 client that is made once: its service model is slow to read."""
    return SESSION.client(
        service,
        region_name=region,
        endpoint_url=principal.endpoint,
        aws_access_key_id=principal.access_key,
        aws_secret_access_key=principal.secret_key,
        aws_session_token=principal.token,
        verify=principal.ca_bundle,
        config=Config(retries={"total_max_attempts": attempts}),
    )


def policy(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(action, resource="*", **more):
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action, resource="*", **more):
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trust(principal, action="sts:AssumeRole", **more):
    return {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": action, **more}


@dataclass
class Region:
    """One `haneul up` on a folder; stop or kill it and start it again as often as needed."""

    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="haneul-test-")))
    process: subprocess.Popen | None = None
    # Of all regions of this run, for the check at its end.
    all_data: ClassVar[list] = []
    # Words before `up`, `status` and the others.
    program: tuple = (HANEUL,)

    @property
    def data(self):
        return self.folder / "data"

    @property
    def log(self):
        return (self.folder / "log").read_text()

    def logged(self, *words):
        """The log's line with all of these; lines are written some milliseconds late."""
        for _ in range(LOG_SECONDS_MAX * 50):
            for line in self.log.splitlines():
                if all(word in line for word in words):
                    return line
            time.sleep(0.02)
        raise AssertionError(f"no line with {words}: {self.log[-5000:]}")

    def haneul(self, command, *words, env=None, **options):
        return run([*self.program, command, *words, "--data", self.data], env=env, **options)

    def ok(self, command, *words, **options):
        done = self.haneul(command, *words, **options)
        assert done.returncode == 0, f"haneul {command} {words}: {done.stderr}"
        return done.stdout

    def start(self, *words):
        self.launch(*words)
        self.wait_until_up()
        return self

    def launch(self, *words):
        """As `start`, without waiting for it to answer."""
        self.all_data.append(self.data)
        up = ["up", "--data", self.data, "--listen", "127.0.0.1:0", "--front-door", "off"]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [*self.program, *up, *words],
                env=BASE_ENV,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def expect_no_start(self, words=(), said=()):
        """`haneul up` must end by itself, unsuccessfully, and say these things."""
        done = run(
            [HANEUL, "up", "--data", self.data, "--listen", "127.0.0.1:0", "--front-door", "off", *words],
            seconds=START_SECONDS_MAX,
        )
        assert done.returncode != 0, done.stdout
        for part in said:
            assert part in done.stdout + done.stderr, done.stderr

    def wait_until_up(self):
        """Asks the process by its socket until it answers; gives up when it has ended."""
        for _ in range(START_SECONDS_MAX * 20):
            if self.haneul("status").returncode == 0:
                return
            try:
                self.process.wait(0.05)
            except subprocess.TimeoutExpired:
                continue
            raise AssertionError(f"haneul up ended with {self.process.returncode}: {self.log}")
        raise AssertionError(f"haneul up does not answer: {self.log}")

    def stop(self):
        self._end(signal.SIGTERM)

    def kill(self):
        self._end(signal.SIGKILL)

    def _end(self, how):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(30)
        self.process = None

    def remove(self):
        self.kill()
        self.take_off_the_machine()
        shutil.rmtree(self.folder, ignore_errors=True)

    def take_off_the_machine(self):
        """As far as it goes, with what a test has left of the region: the check at the end tells the rest."""
        run([HANEUL, "reset", "--yes", "--data", self.data])

    def env(self, *words):
        return parse_exports(self.ok("env", *words))

    @property
    def root(self):
        """The root of the first account, as `haneul env` hands it out."""
        return self._root_of(self.env())

    def create_account(self):
        """Makes an account and returns its root."""
        made = json.loads(self.ok("account", "create", "--json"))
        return self._root_of(self.env("--account", made["id"]))

    def _root_of(self, env):
        return Principal(
            env["AWS_ENDPOINT_URL"], env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"]
        )

    def status(self):
        return json.loads(self.ok("status", "--json"))
