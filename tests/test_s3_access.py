"""Who may do what to whose buckets: policies, blocks, lists, other accounts, nobody."""

import s3 as helpers
from refusal import check_denied, check_refused, explicitly_denied, no_policy_allows
from region import allow, deny
from s3 import (
    allow_acls, body_of, code_of, error_of, http_ask, make_bucket, open_to_the_public, put_policy,
    statement,
)


def root_arn(account):
    return f"arn:aws:iam::{account.account}:root"


def test_users_have_what_their_policies_say(s3, bucket, account):
    s3.put_object(Bucket=bucket, Key="in/k", Body=b"x")
    s3.put_object(Bucket=bucket, Key="out/k", Body=b"x")
    arn = f"arn:aws:s3:::{bucket}"
    user = account.user(
        "alice", allow("s3:GetObject", f"{arn}/in/*"),
        allow("s3:ListBucket", arn, Condition={"StringLike": {"s3:prefix": "in/*"}}),
        deny("s3:GetObject", f"{arn}/in/secret*"),
    )
    hers = helpers.client(user)
    assert body_of(hers.get_object(Bucket=bucket, Key="in/k")) == b"x"
    assert hers.list_objects_v2(Bucket=bucket, Prefix="in/")["KeyCount"] == 1
    check_denied(
        lambda: hers.list_objects_v2(Bucket=bucket), user.arn, "s3:ListBucket", f'"{arn}"',
        no_policy_allows("s3:ListBucket"),
    )
    check_denied(
        lambda: hers.get_object(Bucket=bucket, Key="out/k"), user.arn, "s3:GetObject",
        f'"{arn}/out/k"', no_policy_allows("s3:GetObject"),
    )
    check_denied(
        lambda: hers.get_object(Bucket=bucket, Key="in/secret"), user.arn, "s3:GetObject",
        f'"{arn}/in/secret"', explicitly_denied("an identity-based"),
    )
    for call, parameters in [
        (hers.put_object, {"Key": "in/k", "Body": b""}), (hers.delete_object, {"Key": "in/k"}),
        (hers.delete_bucket, {}), (hers.put_bucket_policy, {"Policy": "{}"}),
    ]:
        check_refused(lambda: call(Bucket=bucket, **parameters), "AccessDenied", 403)
    assert code_of(hers.list_buckets) == "AccessDenied"


def test_whether_a_key_exists_is_told_to_who_may_list(s3, bucket, account):
    arn = f"arn:aws:s3:::{bucket}"
    reader = helpers.client(account.user("reader", allow("s3:GetObject", f"{arn}/*")))
    lister = helpers.client(
        account.user("lister", allow("s3:GetObject", f"{arn}/*"), allow("s3:ListBucket", arn))
    )
    check_refused(lambda: reader.get_object(Bucket=bucket, Key="no"), "AccessDenied", 403)
    check_refused(lambda: reader.head_object(Bucket=bucket, Key="no"), "403", 403)
    check_refused(lambda: lister.get_object(Bucket=bucket, Key="no"), "NoSuchKey", 404)
    check_refused(lambda: lister.head_object(Bucket=bucket, Key="no"), "404", 404)


def test_another_account(s3, bucket, account, other_account):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    theirs = helpers.client(other_account)
    check_refused(lambda: theirs.get_object(Bucket=bucket, Key="k"), "AccessDenied", 403)
    put_policy(
        s3, bucket, statement("s3:GetObject", f"{bucket}/*", {"AWS": root_arn(other_account)})
    )
    assert body_of(theirs.get_object(Bucket=bucket, Key="k")) == b"x"
    check_refused(lambda: theirs.put_object(Bucket=bucket, Key="k", Body=b""), "AccessDenied", 403)
    # Their own account must agree as well.
    bob = other_account.user("bob")
    check_refused(lambda: helpers.client(bob).get_object(Bucket=bucket, Key="k"), "AccessDenied", 403)
    eve = other_account.user("eve", allow("s3:GetObject"))
    assert body_of(helpers.client(eve).get_object(Bucket=bucket, Key="k")) == b"x"
    # One of the bucket's account needs either.
    alice = account.user("alice")
    put_policy(s3, bucket, statement("s3:GetObject", f"{bucket}/*", {"AWS": alice.arn}))
    assert body_of(helpers.client(alice).get_object(Bucket=bucket, Key="k")) == b"x"


def test_a_bucket_policy_can_shut_out_its_account(s3, bucket, account):
    put_policy(s3, bucket, statement("s3:PutObject", f"{bucket}/*", effect="Deny"))
    check_refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b""), "AccessDenied", 403)
    put_policy(s3, bucket, statement("s3:*", [bucket, f"{bucket}/*"], effect="Deny"))
    check_refused(lambda: s3.list_objects_v2(Bucket=bucket), "AccessDenied", 403)
    # The root of the account may always take the policy away.
    s3.delete_bucket_policy(Bucket=bucket)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_the_usual_conditions(s3, bucket, account):
    """Encrypted uploads only, TLS only, own folder only."""
    put_policy(
        s3, bucket,
        statement("s3:GetObject", f"{bucket}/tls/*", effect="Deny",
                  Condition={"Bool": {"aws:SecureTransport": "false"}}),
        statement("s3:PutObject", f"{bucket}/canned/*", effect="Deny",
                  Condition={"StringNotEquals": {"s3:x-amz-storage-class": "STANDARD_IA"}}),
        statement("s3:GetObject", f"{bucket}/tagged/*", effect="Deny",
                  Condition={"StringNotEquals": {"s3:ExistingObjectTag/public": "yes"}}),
    )
    for key in ["tls/k", "tagged/k", "other"]:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    check_refused(lambda: s3.get_object(Bucket=bucket, Key="tls/k"), "AccessDenied", 403)
    check_refused(
        lambda: s3.put_object(Bucket=bucket, Key="canned/k", Body=b""), "AccessDenied", 403
    )
    s3.put_object(Bucket=bucket, Key="canned/k", Body=b"", StorageClass="STANDARD_IA")
    check_refused(lambda: s3.get_object(Bucket=bucket, Key="tagged/k"), "AccessDenied", 403)
    s3.put_object_tagging(
        Bucket=bucket, Key="tagged/k", Tagging={"TagSet": [{"Key": "public", "Value": "yes"}]}
    )
    assert body_of(s3.get_object(Bucket=bucket, Key="tagged/k")) == b"x"
    assert body_of(s3.get_object(Bucket=bucket, Key="other")) == b"x"


def check_anonymous(account, path, expected, method="GET", body=None):
    status, _, answer = http_ask(f"{account.endpoint}{path}", method, body)
    assert status == expected, answer
    if expected == 403 and method != "HEAD":
        error = error_of(answer)
        assert (error["Code"], error["Message"]) == ("AccessDenied", "Access Denied")
    return answer


def test_anonymous_callers_by_policy(s3, bucket, account):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for method, path in [("GET", ""), ("GET", "/k"), ("HEAD", "/k"), ("PUT", "/n"), ("DELETE", "/k")]:
        check_anonymous(account, f"/{bucket}{path}", 403, method)
    open_to_the_public(s3, bucket)
    check_anonymous(account, f"/{bucket}/k", 403)
    put_policy(s3, bucket, statement("s3:GetObject", f"{bucket}/*"))
    assert check_anonymous(account, f"/{bucket}/k", 200) == b"x"
    check_anonymous(account, f"/{bucket}/absent", 403)
    check_anonymous(account, f"/{bucket}", 403)
    check_anonymous(account, f"/{bucket}/k", 403, "PUT", b"y")
    put_policy(
        s3, bucket, statement(["s3:GetObject", "s3:ListBucket"], [bucket, f"{bucket}/*"])
    )
    assert b"<Key>k</Key>" in check_anonymous(account, f"/{bucket}", 200)
    check_anonymous(account, f"/{bucket}/absent", 404)
    # A block ends it, whatever the policy says.
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True}
    )
    check_anonymous(account, f"/{bucket}/k", 403)
    assert body_of(s3.get_object(Bucket=bucket, Key="k")) == b"x"


def test_anonymous_callers_by_list(s3, bucket, account):
    open_to_the_public(s3, bucket)
    allow_acls(s3, bucket)
    s3.put_object(Bucket=bucket, Key="open", Body=b"x", ACL="public-read")
    s3.put_object(Bucket=bucket, Key="closed", Body=b"x")
    assert check_anonymous(account, f"/{bucket}/open", 200) == b"x"
    check_anonymous(account, f"/{bucket}/closed", 403)
    s3.put_object_acl(Bucket=bucket, Key="closed", ACL="public-read")
    check_anonymous(account, f"/{bucket}/closed", 200)
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True}
    )
    check_anonymous(account, f"/{bucket}/open", 403)
    s3.delete_public_access_block(Bucket=bucket)
    check_anonymous(account, f"/{bucket}/open", 200)
    # Enforced ownership ends all lists.
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    allow_acls(s3, bucket, "BucketOwnerEnforced")
    check_anonymous(account, f"/{bucket}/open", 403)
    check_refused(
        lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="public-read"),
        "AccessControlListNotSupported", 400, "The bucket does not allow ACLs",
    )
    for same in ["bucket-owner-full-control", "private"]:
        s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL=same)


def canonical_id(principal):
    return helpers.client(principal).list_buckets()["Owner"]["ID"]


def test_who_owns_what_others_put(s3, account, other_account):
    bucket = make_bucket(s3, ObjectOwnership="ObjectWriter")
    put_policy(
        s3, bucket, statement("s3:PutObject*", f"{bucket}/*", {"AWS": root_arn(other_account)})
    )
    theirs = helpers.client(other_account)
    theirs.put_object(Bucket=bucket, Key="theirs", Body=b"x")
    check_refused(lambda: s3.get_object(Bucket=bucket, Key="theirs"), "AccessDenied", 403)
    assert theirs.get_object_acl(Bucket=bucket, Key="theirs")["Owner"]["ID"] == canonical_id(other_account)
    theirs.put_object(Bucket=bucket, Key="shared", Body=b"x", ACL="bucket-owner-full-control")
    assert body_of(s3.get_object(Bucket=bucket, Key="shared")) == b"x"
    # Whoever owns the bucket may always remove.
    s3.delete_object(Bucket=bucket, Key="theirs")
    allow_acls(s3, bucket, "BucketOwnerEnforced")
    theirs.put_object(Bucket=bucket, Key="ours", Body=b"x")
    assert body_of(s3.get_object(Bucket=bucket, Key="ours")) == b"x"


def test_grants_to_another_account(s3, bucket, account, other_account):
    allow_acls(s3, bucket)
    theirs, id = helpers.client(other_account), canonical_id(other_account)
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", GrantRead=f'id="{id}"')
    assert body_of(theirs.get_object(Bucket=bucket, Key="k")) == b"x"
    check_refused(lambda: theirs.get_object_acl(Bucket=bucket, Key="k"), "AccessDenied", 403)
    shown = s3.get_object_acl(Bucket=bucket, Key="k")
    assert [(g["Grantee"]["ID"], g["Permission"]) for g in shown["Grants"]] == [(id, "READ")]
    s3.put_bucket_acl(
        Bucket=bucket, GrantRead=f'id="{id}"', GrantFullControl=f'id="{canonical_id(account)}"'
    )
    assert theirs.list_objects_v2(Bucket=bucket)["KeyCount"] == 1
    check_refused(lambda: s3.put_object(Bucket=bucket, Key="k", Body=b"", GrantRead='id="made-up"'),
                  "InvalidArgument", 400)
