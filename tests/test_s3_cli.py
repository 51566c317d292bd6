"""`aws s3` and `aws s3api`, as their users type them, on a tree of a few thousand files."""

import hashlib
import random

import pytest

import s3 as helpers
from region import AWS, REGION, allow, run
from s3 import MIB, http_ask, pseudo_random

FILES = 2_000


@pytest.fixture
def aws(account):
    def aws(*words, expected=0, **options):
        done = account.aws(*words, seconds=600, **options)
        assert done.returncode == expected, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout

    return aws


def plant(root, count=FILES):
    """A tree with folders, sizes and names of all sorts."""
    draw = random.Random(20)
    names = ["a b", "한글", "plus+", "per%cent", "comma,semi;", "e=mc2", "x'y", "UPPER", "upper"]
    for n in range(count):
        folder = root / f"dir-{n % 40}" / names[n % len(names)]
        folder.mkdir(parents=True, exist_ok=True)
        size = draw.choice([0, 1, 100, 1000, 5000])
        (folder / f"file {n}.txt").write_bytes(draw.randbytes(size))


def digests(root):
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in root.rglob("*")
        if path.is_file()
    }


def test_a_tree_there_and_back(aws, s3, folder):
    name, tree, back = helpers.new_name(), folder / "tree", folder / "back"
    assert aws("s3", "mb", f"s3://{name}") == f"make_bucket: {name}\n"
    plant(tree)
    aws("s3", "sync", tree, f"s3://{name}/deep/", "--only-show-errors")
    assert aws("s3", "sync", tree, f"s3://{name}/deep/") == ""
    aws("s3", "sync", f"s3://{name}/deep/", back, "--only-show-errors")
    assert digests(back) == digests(tree)

    summary = aws("s3", "ls", f"s3://{name}", "--recursive", "--summarize")
    assert f"Total Objects: {FILES}" in summary
    assert aws("s3", "ls", f"s3://{name}") == "                           PRE deep/\n"
    assert len(aws("s3", "ls", f"s3://{name}/deep/").splitlines()) == 40

    gone = sorted(tree.rglob("*.txt"))[:10]
    for path in gone:
        path.unlink()
    (tree / "new.log").write_text("not for S3")
    (tree / "changed.txt").write_text("new")
    said = aws("s3", "sync", tree, f"s3://{name}/deep/", "--delete", "--exclude", "*.log")
    assert said.count("delete: ") == 10 and said.count("upload: ") == 1, said
    aws("s3", "sync", f"s3://{name}/deep/", back, "--delete", "--only-show-errors")
    expected = digests(tree)
    del expected["new.log"]
    assert digests(back) == expected

    aws("s3", "rm", f"s3://{name}/deep/dir-0", "--recursive", "--only-show-errors")
    assert aws("s3", "ls", f"s3://{name}/deep/dir-0/", expected=1) == ""
    aws("s3", "rb", f"s3://{name}", expected=1)
    aws("s3", "rb", f"s3://{name}", "--force")
    assert helpers.code_of(s3.head_bucket, Bucket=name) == "404"


def test_a_large_file_and_its_moves(aws, s3, bucket, folder):
    data, file, back = pseudo_random(20 * MIB + 3), folder / "large", folder / "back"
    file.write_bytes(data)
    aws("s3", "cp", file, f"s3://{bucket}/large", "--metadata", "who=cli", "--no-progress")
    head = s3.head_object(Bucket=bucket, Key="large", ChecksumMode="ENABLED")
    assert head["ETag"].endswith('-3"') and head["Metadata"] == {"who": "cli"}
    assert any(name.startswith("ChecksumCRC") for name in head), head
    aws("s3", "mv", f"s3://{bucket}/large", f"s3://{bucket}/moved", "--no-progress")
    assert helpers.code_of(s3.head_object, Bucket=bucket, Key="large") == "404"
    aws("s3", "cp", f"s3://{bucket}/moved", back, "--no-progress")
    assert back.read_bytes() == data


def test_pipes(aws, account, bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/from/a/pipe", text="line\n")
    assert aws("s3", "cp", f"s3://{bucket}/from/a/pipe", "-") == "line\n"


@pytest.mark.parametrize("place", [REGION, "us-east-1"])
def test_presign(aws, account, place):
    """The CLI signs by version 2 in us-east-1 and by version 4 elsewhere."""
    there = helpers.client(account, place)
    bucket = helpers.make_bucket(there, place)
    there.put_object(Bucket=bucket, Key="k 1", Body=b"x")
    url = aws("s3", "presign", f"s3://{bucket}/k 1", "--expires-in", "60", "--region", place).strip()
    assert http_ask(url)[::2] == (200, b"x"), url


def test_website(aws, s3, bucket):
    aws("s3", "website", f"s3://{bucket}", "--index-document", "index.html",
        "--error-document", "error.html")
    shown = s3.get_bucket_website(Bucket=bucket)
    assert shown["IndexDocument"] == {"Suffix": "index.html"}
    assert shown["ErrorDocument"] == {"Key": "error.html"}


def test_what_the_cli_says_of_refusals(account, bucket):
    arn = f"arn:aws:s3:::{bucket}"
    nobody = account.user("nobody", allow("s3:ListBucket", arn))
    done = nobody.aws("s3", "cp", "-", f"s3://{bucket}/k", text="x")
    assert done.returncode == 1
    assert "An error occurred (AccessDenied) when calling the PutObject operation" in done.stderr
    assert "is not authorized to perform: s3:PutObject" in done.stderr
    done = account.aws("s3", "ls", f"s3://{helpers.new_name()}")
    assert "(NoSuchBucket)" in done.stderr and done.returncode in (254, 255)
    done = account.aws("s3", "cp", f"s3://{bucket}/absent", "-")
    assert "(404)" in done.stderr and "Not Found" in done.stderr


def test_without_keys(account, s3, bucket):
    helpers.open_to_the_public(s3, bucket)
    helpers.put_policy(
        s3, bucket, helpers.statement(["s3:GetObject", "s3:ListBucket"], [bucket, f"{bucket}/*"])
    )
    s3.put_object(Bucket=bucket, Key="k", Body=b"open to all")
    env = {"AWS_ENDPOINT_URL": account.endpoint, "AWS_REGION": REGION}
    done = run([AWS, "s3", "cp", f"s3://{bucket}/k", "-", "--no-sign-request"], env=env)
    assert done.stdout == "open to all", done.stderr


def test_s3api(account, s3, bucket, folder):
    body = folder / "body"
    body.write_bytes(b"by hand")
    put = account.aws_json(
        "s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", str(body),
        "--checksum-algorithm", "SHA256",
    )
    assert put["ETag"] == helpers.etag(b"by hand") and put["ChecksumSHA256"]
    head = account.aws_json("s3api", "head-object", "--bucket", bucket, "--key", "k")
    assert head["ContentLength"] == 7
    account.aws_json("s3api", "wait", "object-exists", "--bucket", bucket, "--key", "k")
    listed = account.aws_json("s3api", "list-objects-v2", "--bucket", bucket, "--query", "Contents[].Key")
    assert listed == ["k"]
