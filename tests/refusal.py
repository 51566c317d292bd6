"""What a refused request looks like to boto3."""

import re

import pytest
from botocore.exceptions import ClientError


def check_refused(call, code, status, message=None):
    """`call` must be refused with exactly this code, HTTP status and message (or pattern)."""
    with pytest.raises(ClientError) as refused:
        call()
    answer = refused.value.response
    seen = (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"])
    assert seen == (code, status), answer["Error"]
    assert answer["Error"].get("Type", "Sender") == "Sender"
    assert answer["ResponseMetadata"]["RequestId"]
    if isinstance(message, re.Pattern):
        assert message.fullmatch(answer["Error"]["Message"]), answer["Error"]["Message"]
    elif message is not None:
        assert answer["Error"]["Message"] == message, answer["Error"]["Message"]


def check_denied(call, principal_arn, action, resource, reason):
    """`call` must be refused with AWS's sentence for a request that policies do not allow."""
    on = f" on resource: {resource}" if resource else ""
    check_refused(
        call,
        "AccessDenied",
        403,
        f"User: {principal_arn} is not authorized to perform: {action}{on} {reason}",
    )


def no_policy_allows(action, kind="identity-based"):
    article = "session" if kind == "session" else kind
    return f"because no {article} policy allows the {action} action"


def explicitly_denied(kind="an identity-based"):
    return f"with an explicit deny in {kind} policy"
