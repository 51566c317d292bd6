"""Websites in buckets: by plain HTTP, and a React page built with Vite in headless Chromium."""

import shutil
import warnings

import pytest

import s3 as helpers
from region import REGION, ROOT, run
from s3 import http_ask, open_to_the_public, port_of, put_policy, statement

PAGES = {
    "index.html": b"<h1>home</h1>", "docs/index.html": b"<h1>docs</h1>", "error.html": b"<h1>oh</h1>",
    "new/page.html": b"<h1>new</h1>",
}


@pytest.fixture
def site(s3, bucket):
    """A public website with an error page and one rule."""
    publish(s3, bucket)
    for key, body in PAGES.items():
        s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="text/html")
    s3.put_object(Bucket=bucket, Key="moved", WebsiteRedirectLocation="/new/page.html")
    rule = {
        "Condition": {"KeyPrefixEquals": "old/"}, "Redirect": {"ReplaceKeyPrefixWith": "new/"},
    }
    s3.put_bucket_website(Bucket=bucket, WebsiteConfiguration={
        "IndexDocument": {"Suffix": "index.html"}, "ErrorDocument": {"Key": "error.html"},
        "RoutingRules": [rule],
    })
    return bucket


def publish(s3, bucket, *more):
    open_to_the_public(s3, bucket)
    put_policy(s3, bucket, statement("s3:GetObject", f"{bucket}/*"), *more)


def visit(account, bucket, path="/", method="GET", suffix=f"s3-website.{REGION}.localhost"):
    return http_ask(account.endpoint + path, method, host=f"{bucket}.{suffix}:{port_of(account)}")


@pytest.mark.parametrize("suffix", [
    f"s3-website.{REGION}.localhost", f"s3-website-{REGION}.localhost",
    f"s3-website.{REGION}.amazonaws.com", f"s3-website-{REGION}.amazonaws.com",
])
def test_every_address(account, site, suffix):
    assert visit(account, site, suffix=suffix)[::2] == (200, PAGES["index.html"])


def test_pages_folders_and_errors(account, site):
    for path in ["/", "/index.html", "/docs/", "/docs/index.html", "/new/page.html"]:
        status, headers, body = visit(account, site, path)
        key = path.lstrip("/") + ("index.html" if path.endswith("/") else "")
        assert (status, body) == (200, PAGES[key]), path
        assert headers["Content-Type"] == "text/html" and headers["ETag"]
    status, headers, _ = visit(account, site, "/docs")
    assert (status, headers["Location"]) == (302, "/docs/")
    assert visit(account, site, "/", "HEAD")[::2] == (200, b"")
    status, _, body = visit(account, site, "/absent")
    # Who may not list is not told that there is nothing.
    assert (status, body) == (403, PAGES["error.html"])
    status, _, body = visit(account, site, "/", "PUT")
    assert status == 405


def test_absent_pages_where_all_may_list(account, s3, site):
    publish(s3, site, statement("s3:ListBucket", site))
    status, _, body = visit(account, site, "/absent")
    assert (status, body) == (404, PAGES["error.html"])


def test_redirects(account, s3, site):
    status, headers, _ = visit(account, site, "/old/page.html")
    assert status == 301
    assert headers["Location"] == f"http://{site}.s3-website.{REGION}.localhost:{port_of(account)}/new/page.html"
    status, headers, _ = visit(account, site, "/moved")
    assert (status, headers["Location"]) == (301, "/new/page.html")
    s3.put_bucket_website(Bucket=site, WebsiteConfiguration={
        "RedirectAllRequestsTo": {"HostName": "example.com", "Protocol": "https"}
    })
    status, headers, _ = visit(account, site, "/a/b?c=d")
    assert (status, headers["Location"]) == (301, "https://example.com/a/b?c=d")


def test_errors_without_a_page_of_ones_own(account, s3, bucket):
    status, headers, body = visit(account, bucket)
    assert status == 404 and b"<li>Code: NoSuchWebsiteConfiguration</li>" in body
    s3.put_bucket_website(
        Bucket=bucket, WebsiteConfiguration={"IndexDocument": {"Suffix": "index.html"}}
    )
    status, headers, body = visit(account, bucket)
    assert status == 403 and headers["Content-Type"].startswith("text/html")
    assert b"<title>403 Forbidden</title>" in body and b"<li>Code: AccessDenied</li>" in body
    status, _, body = visit(account, helpers.new_name())
    assert status == 404 and b"<li>Code: NoSuchBucket</li>" in body


def missing():
    """What keeps the page from being built and opened here, or nothing."""
    for program in ["npm", "chromium"]:
        if not shutil.which(program):
            return f"`{program}` is not in PATH"
    if not (ROOT / ".cache/website/node_modules/vite").is_dir():
        return "Vite is not in .cache/website: run tests/prepare"
    return None


@pytest.fixture
def chromium(folder):
    if missing():
        warnings.warn(f"A PAGE IN CHROMIUM IS NOT TRIED: {missing()}", stacklevel=1)
        pytest.skip(missing())

    def open_page(url):
        """The page's document once its scripts have come to rest."""
        done = run([
            "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={folder / 'profile'}",
            "--virtual-time-budget=20000", "--dump-dom", url,
        ], env={"HOME": str(folder)})
        assert done.returncode == 0, done.stderr
        return done.stdout

    return open_page


def build(folder, api):
    """Makes the React page, whose packages tests/prepare fetched."""
    app = folder / "app"
    shutil.copytree(ROOT / "tests/website", app)
    (app / "node_modules").symlink_to(ROOT / ".cache/website/node_modules")
    done = run(["npm", "run", "build"], cwd=app, env={"HOME": str(folder), "VITE_BUCKET": api})
    assert done.returncode == 0, done.stdout + done.stderr
    return app / "dist"


def test_a_react_page_in_chromium(account, s3, bucket, folder, chromium):
    dist = build(folder, f"{account.endpoint}/{bucket}")
    (dist / "data").mkdir()
    (dist / "data/하늘.txt").write_text("from the bucket")
    publish(s3, bucket)
    done = account.aws("s3", "sync", dist, f"s3://{bucket}", "--delete", "--only-show-errors")
    assert done.returncode == 0, done.stderr
    done = account.aws(
        "s3", "website", f"s3://{bucket}", "--index-document", "index.html",
        "--error-document", "index.html",
    )
    assert done.returncode == 0, done.stderr
    origin = f"http://{bucket}.s3-website.{REGION}.localhost:{port_of(account)}"
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": [{
        "AllowedOrigins": [origin], "AllowedMethods": ["GET"], "AllowedHeaders": ["x-amz-meta-*"],
    }]})
    page = chromium(f"{origin}/")
    assert "Rendered by React at /<" in page
    assert '<p id="same">200 from the bucket</p>' in page
    # From another origin: what CORS allows, after a preflight, and what it does not.
    assert '<p id="cross">200 from the bucket</p>' in page
    assert '<p id="forbidden">failed: Failed to fetch</p>' in page
    # A route of the page's own, which no object has: the error document is the page.
    assert "Rendered by React at /some/route<" in chromium(f"{origin}/some/route")
