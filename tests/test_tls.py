"""Plain HTTP and TLS on one port, with the local authority's certificate."""

import pytest
from botocore.exceptions import SSLError

from refusal import check_refused
from region import Principal, allow


@pytest.fixture
def secure(region, account, folder):
    """The account's root at the https address, trusting the region's authority only."""
    bundle = folder / "ca.pem"
    printed = region.ok("ca")
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    bundle.write_text(begin + printed.split(begin)[1].split(end)[0] + end + "\n")
    return Principal(
        account.endpoint.replace("http://", "https://"),
        account.access_key,
        account.secret_key,
        ca_bundle=str(bundle),
    )


def test_the_same_port_speaks_both(account, secure):
    assert secure.sts.get_caller_identity() and account.sts.get_caller_identity()
    assert secure.account == account.account


def test_names_in_the_certificate(secure):
    port = secure.endpoint.rsplit(":", 1)[1]
    for name in ["127.0.0.1", "localhost"]:
        there = Principal(f"https://{name}:{port}", secure.access_key, secure.secret_key, None, secure.ca_bundle)
        assert there.account == secure.account


def test_a_client_that_does_not_know_the_authority(secure):
    unknowing = Principal(secure.endpoint, secure.access_key, secure.secret_key)
    with pytest.raises(SSLError):
        unknowing.sts.get_caller_identity()


def test_policies_can_ask_for_tls(account, secure):
    alice = account.user(
        "alice", allow("iam:ListUsers", Condition={"Bool": {"aws:SecureTransport": "true"}})
    )
    check_refused(alice.iam.list_users, "AccessDenied", 403)
    Principal(
        secure.endpoint, alice.access_key, alice.secret_key, None, secure.ca_bundle
    ).iam.list_users()
