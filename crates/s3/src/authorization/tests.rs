//! Decisions: callers against policies, lists, blocks and ownership.

use aws::{Call, Carrier, Decision, Signature, SignatureVersion};

use crate::acl::{ALL_USERS, AUTHENTICATED_USERS};
use crate::authorization::{Question, Subject};
use crate::model::{Input, *};
use crate::row::{
    Acl, Bucket, Codec, Content, Grant, Grantee, Ownership, PublicAccessBlock, Version, VersionId,
    object_key,
};
use crate::testing::{self, OTHER, OWNER, World, code, id};

mod owners;
mod properties;
mod requests;

/// An object as far as authorization looks at it.
#[derive(Clone, Default)]
pub(super) struct Object {
    pub(super) owner: Option<&'static str>,
    pub(super) grants: Vec<Grant>,
    pub(super) tags: Vec<(&'static str, &'static str)>,
}

impl World {
    /// A bucket `bkt` without blocks, and with what `change` makes of it.
    pub(super) async fn with_bucket(change: impl FnOnce(&mut Bucket) + Send) -> Self {
        let world = Self::new();
        world.bucket("bkt").await;
        let changed = world.s3.configure("bkt", None, |bucket| {
            bucket.public_access_block = None;
            change(bucket);
            Ok(())
        });
        changed.await.expect("configured");
        world
    }

    pub(super) async fn object(&self, key: &str, object: Object) {
        let bucket = self.s3.bucket(self.s3.engine(), "bkt").expect("there").id;
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        let content = Content {
            tags: object.tags.iter().map(owned).collect(),
            acl: (!object.grants.is_empty()).then_some(Acl { grants: Some(object.grants) }),
            ..testing::content()
        };
        let version = Version {
            id: VersionId::null(),
            stamp: 1,
            modified: self.clock.now(),
            owner: id(object.owner.unwrap_or(OWNER)),
            content: Some(content),
        };
        let put = self.s3.engine().commit(|change| {
            change.set(object_key(bucket, key), version.encode());
            Ok::<_, aws::Error>(())
        });
        put.await.expect("memory").expect("set");
    }

    pub(super) async fn allows(
        &self,
        call: &Call,
        action: &'static str,
        key: Option<&str>,
    ) -> bool {
        let decision = self.s3.allowed(call, action, "bkt", key).await.expect("a decision");
        decision == Decision::Allowed
    }

    /// Somebody of another account whose own policies allow everything.
    pub(super) fn other_user(&self) -> Call {
        let user = self.user(OTHER, "bob");
        self.attach(&user, EVERYTHING);
        user
    }
}

pub(super) const EVERYTHING: &str = r#"{"Version":"2012-10-17",
    "Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}"#;

pub(super) fn to(grantee: &str, permission: &str) -> Grant {
    let grantee = match grantee {
        "all" => Grantee::Group(ALL_USERS.into()),
        "authenticated" => Grantee::Group(AUTHENTICATED_USERS.into()),
        account => Grantee::CanonicalUser(id(account).canonical_user_id()),
    };
    Grant { grantee, permission: permission.into() }
}

pub(super) fn policy(statements: &str) -> Option<String> {
    Some(format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#))
}

pub(super) fn statement(effect: &str, principal: &str, action: &str, resource: &str) -> String {
    let principal =
        if principal == "*" { r#""*""#.to_owned() } else { format!(r#"{{"AWS":"{principal}"}}"#) };
    format!(
        r#"{{"Effect":"{effect}","Principal":{principal},"Action":"{action}","Resource":"arn:aws:s3:::{resource}"}}"#
    )
}

pub(super) fn blocks(which: &str) -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: which.contains('a'),
        ignore_public_acls: which.contains('i'),
        block_public_policy: which.contains('p'),
        restrict_public_buckets: which.contains('r'),
    }
}

/// Who is allowed: `o`wner's root, a user of the `O`wner's account without policies, another
/// account's `x` root, and an `a`nonymous caller.
pub(super) async fn who(world: &World, action: &'static str, key: Option<&str>) -> String {
    let callers = [
        ('o', world.owner()),
        ('O', world.user(OWNER, "alice")),
        ('x', world.other()),
        ('a', world.anonymous()),
    ];
    let mut allowed = String::new();
    for (letter, call) in callers {
        if world.allows(&call, action, key).await {
            allowed.push(letter);
        }
    }
    allowed
}

#[tokio::test]
async fn bucket_policies_and_blocks() {
    let check = async |policy_text: &str, blocked: &str, expected: &str| {
        let world = World::with_bucket(|bucket| {
            bucket.policy = if policy_text.is_empty() { None } else { policy(policy_text) };
            bucket.public_access_block = Some(blocks(blocked));
        })
        .await;
        world.object("k", Object::default()).await;
        let allowed = who(&world, "s3:GetObject", Some("k")).await;
        assert_eq!(allowed, expected, "{policy_text} {blocked}");
    };
    let public = statement("Allow", "*", "s3:GetObject", "bkt/*");
    let other = statement("Allow", OTHER, "s3:GetObject", "bkt/*");
    let alice = statement("Allow", "arn:aws:iam::111122223333:user/alice", "s3:GetObject", "bkt/*");
    let deny_other = statement("Deny", OTHER, "s3:*", "bkt/*");
    check("", "", "o").await;
    check(&public, "", "oOxa").await;
    check(&public, "aip", "oOxa").await;
    check(&public, "r", "oO").await;
    check(&other, "", "ox").await;
    check(&other, "r", "ox").await;
    // A public policy does not delegate to anyone either, while it is restricted.
    check(&format!("{public},{other}"), "r", "oO").await;
    check(&alice, "", "oO").await;
    check(&format!("{public},{deny_other}"), "", "oOa").await;
    check(&statement("Deny", "*", "s3:*", "bkt/*"), "", "").await;
    check(&statement("Allow", "*", "s3:GetObject", "bkt/other/*"), "", "o").await;
}

#[tokio::test]
async fn another_account_needs_its_own_leave_too() {
    let other = statement("Allow", OTHER, "s3:GetObject", "bkt/*");
    let world = World::with_bucket(|bucket| bucket.policy = policy(&other)).await;
    world.object("k", Object::default()).await;
    let carol = world.user(OTHER, "carol");
    assert!(!world.allows(&carol, "s3:GetObject", Some("k")).await);
    world.attach(&carol, EVERYTHING);
    assert!(world.allows(&carol, "s3:GetObject", Some("k")).await);
    assert!(!world.allows(&carol, "s3:PutObject", Some("k")).await);
    let dave = world.user("777788889999", "dave");
    world.attach(&dave, EVERYTHING);
    assert!(!world.allows(&dave, "s3:GetObject", Some("k")).await);
}

#[tokio::test]
async fn bucket_lists() {
    let check = async |grant: Grant, ownership, blocked: &str, expected: [&str; 5]| {
        let world = World::with_bucket(|bucket| {
            bucket.acl.grants = Some(vec![grant.clone()]);
            bucket.ownership = ownership;
            bucket.public_access_block = Some(blocks(blocked));
        })
        .await;
        let got = [
            who(&world, "s3:ListBucket", None).await,
            who(&world, "s3:PutObject", Some("new")).await,
            who(&world, "s3:GetBucketAcl", None).await,
            who(&world, "s3:PutBucketAcl", None).await,
            who(&world, "s3:PutBucketPolicy", None).await,
        ];
        assert_eq!(got, expected, "{grant:?} {ownership:?} {blocked}");
    };
    let preferred = Some(Ownership::BucketOwnerPreferred);
    let enforced = Some(Ownership::BucketOwnerEnforced);
    check(to("all", "READ"), None, "", ["oOxa", "o", "o", "o", "o"]).await;
    check(to("all", "READ"), None, "apr", ["oOxa", "o", "o", "o", "o"]).await;
    check(to("all", "READ"), None, "i", ["o"; 5]).await;
    check(to("all", "READ"), enforced, "", ["o"; 5]).await;
    check(to("all", "WRITE"), preferred, "", ["o", "oOxa", "o", "o", "o"]).await;
    check(to("authenticated", "READ"), preferred, "", ["oOx", "o", "o", "o", "o"]).await;
    check(to("authenticated", "READ"), preferred, "i", ["o"; 5]).await;
    check(to("all", "READ_ACP"), None, "", ["o", "o", "oOxa", "o", "o"]).await;
    check(to("all", "WRITE_ACP"), None, "", ["o", "o", "o", "oOxa", "o"]).await;
    check(to(OTHER, "FULL_CONTROL"), None, "", ["ox", "ox", "ox", "ox", "o"]).await;
    check(to(OTHER, "FULL_CONTROL"), None, "aipr", ["ox", "ox", "ox", "ox", "o"]).await;
    check(to(OTHER, "FULL_CONTROL"), enforced, "", ["o"; 5]).await;
    check(to(OWNER, "FULL_CONTROL"), None, "", ["o"; 5]).await;
}

#[tokio::test]
async fn object_lists() {
    let check = async |grant: Grant, ownership, blocked: &str, expected: [&str; 3]| {
        let world = World::with_bucket(|bucket| {
            bucket.ownership = ownership;
            bucket.public_access_block = Some(blocks(blocked));
        })
        .await;
        let object = Object { grants: vec![grant.clone()], ..Object::default() };
        world.object("a*", object).await;
        world.object("ab", Object::default()).await;
        let got = [
            who(&world, "s3:GetObject", Some("a*")).await,
            who(&world, "s3:GetObjectAcl", Some("a*")).await,
            who(&world, "s3:PutObjectAcl", Some("a*")).await,
        ];
        assert_eq!(got, expected, "{grant:?} {ownership:?} {blocked}");
        assert_eq!(who(&world, "s3:GetObject", Some("ab")).await, "o");
        assert_eq!(who(&world, "s3:DeleteObject", Some("a*")).await, "o");
    };
    let enforced = Some(Ownership::BucketOwnerEnforced);
    check(to("all", "READ"), None, "", ["oOxa", "o", "o"]).await;
    check(to("all", "READ"), None, "i", ["o"; 3]).await;
    check(to("all", "READ"), enforced, "", ["o"; 3]).await;
    check(to("authenticated", "READ"), None, "", ["oOx", "o", "o"]).await;
    check(to("all", "READ_ACP"), None, "", ["o", "oOxa", "o"]).await;
    check(to("all", "WRITE_ACP"), None, "", ["o", "o", "oOxa"]).await;
    check(to(OTHER, "FULL_CONTROL"), None, "i", ["ox"; 3]).await;
    check(to(OTHER, "WRITE"), None, "", ["o"; 3]).await;
}

#[tokio::test]
async fn tags_that_an_object_has() {
    let condition = r#","Condition":{"StringEquals":{"s3:ExistingObjectTag/public":"yes"}}}"#;
    let text = statement("Allow", "*", "s3:GetObject", "bkt/*");
    let text = format!("{}{condition}", text.trim_end_matches('}'));
    let world = World::with_bucket(|bucket| bucket.policy = policy(&text)).await;
    let tagged = |value| Object { tags: vec![("public", value)], ..Object::default() };
    world.object("yes", tagged("yes")).await;
    world.object("no", tagged("no")).await;
    world.object("none", Object::default()).await;
    assert_eq!(who(&world, "s3:GetObject", Some("yes")).await, "oOxa");
    assert_eq!(who(&world, "s3:GetObject", Some("no")).await, "o");
    assert_eq!(who(&world, "s3:GetObject", Some("none")).await, "o");
    assert_eq!(who(&world, "s3:GetObject", Some("missing")).await, "o");

    // The same in a user's own policy, and against the root user.
    let world = World::with_bucket(|bucket| {
        let text = statement("Deny", "*", "s3:GetObject", "bkt/*");
        bucket.policy = policy(&format!("{}{condition}", text.trim_end_matches('}')));
    })
    .await;
    world.object("yes", tagged("yes")).await;
    world.object("no", tagged("no")).await;
    assert_eq!(who(&world, "s3:GetObject", Some("yes")).await, "");
    assert_eq!(who(&world, "s3:GetObject", Some("no")).await, "o");
}

/// Nobody learns whether a key is there who may not list.
#[tokio::test]
async fn what_is_missing() {
    let get = |key: &str| {
        Input::GetObject(GetObjectRequest {
            bucket: "bkt".into(),
            key: key.into(),
            ..Default::default()
        })
    };
    let statements = [
        statement("Allow", OTHER, "s3:ListBucket", "bkt"),
        statement("Allow", OTHER, "s3:GetObject", "bkt/*"),
    ];
    for (ownership, given) in [
        (Ownership::BucketOwnerEnforced, &statements[..0]),
        (Ownership::BucketOwnerEnforced, &statements[1..]),
        (Ownership::ObjectWriter, &statements[..0]),
        (Ownership::ObjectWriter, &statements[1..]),
        (Ownership::ObjectWriter, &statements[..1]),
    ] {
        let world = World::with_bucket(|bucket| {
            bucket.policy = (!given.is_empty()).then(|| policy(&given.join(","))).flatten();
            bucket.ownership = Some(ownership);
        })
        .await;
        world.object("there", Object::default()).await;
        let missing = world.ask(&world.other_user(), get("missing")).await;
        let missing = missing.expect_err("nothing to give");
        if given.len() == 1 && given[0] == statements[0] {
            // It may list: the operation says that there is none.
            assert_ne!(missing.code, "AccessDenied", "{given:?}");
            continue;
        }
        assert_eq!(missing.code, "AccessDenied", "{ownership:?} {given:?}");
        if given.is_empty() {
            let there = world.ask(&world.other_user(), get("there")).await;
            let there = there.expect_err("nothing is given").message;
            assert_eq!(missing.message, there.replace("/there", "/missing"));
        }
    }
    let world = World::with_bucket(|_| ()).await;
    let alice = world.user(OWNER, "alice");
    world.object("there", Object::default()).await;
    let there = world.ask(&alice, get("there")).await.expect_err("refused").message;
    let missing = world.ask(&alice, get("missing")).await.expect_err("refused").message;
    assert_eq!(missing, there.replace("/there", "/missing"));
    let gone = world.ask(
        &alice,
        Input::GetBucketAcl(GetBucketAclRequest { bucket: "nothere".into(), ..Default::default() }),
    );
    assert_eq!(code(gone.await), "NoSuchBucket");
}

#[tokio::test]
async fn versions_are_named() {
    let text = statement("Allow", "*", "s3:GetObjectVersion", "bkt/*");
    let condition = r#","Condition":{"StringEquals":{"s3:VersionId":"null"}}}"#;
    let text = format!("{}{condition}", text.trim_end_matches('}'));
    let world = World::with_bucket(|bucket| bucket.policy = policy(&text)).await;
    world.object("k", Object::default()).await;
    let ask = async |version_id: Option<&str>| {
        let subject = Subject::Object { bucket: "bkt", key: "k", version_id };
        let question = Question::new("s3:GetObjectVersion", subject);
        let call = world.anonymous();
        world.s3.decide(&call, question).await.expect("a decision") == Decision::Allowed
    };
    assert!(ask(Some("null")).await);
    assert!(!ask(None).await);
    let another = VersionId::new(7, &aws::Random::seeded(1)).0;
    assert!(!ask(Some(&another)).await);
}

#[tokio::test]
async fn signatures_can_be_asked_about() {
    let text = statement("Deny", "*", "s3:*", "bkt*");
    let condition = r#","Condition":{"NumericGreaterThan":{"s3:signatureAge":"600000"},
        "StringEquals":{"s3:authType":"REST-QUERY-STRING","s3:signatureversion":"AWS4-HMAC-SHA256"}}}"#;
    let text = format!("{}{condition}", text.trim_end_matches('}'));
    let world = World::with_bucket(|bucket| bucket.policy = policy(&text)).await;
    let check = async |carrier: Carrier, age_ms: Option<u64>, expected: bool| {
        let signature = Signature { version: SignatureVersion::V4, carrier, age_ms };
        let call = Call { signature: Some(signature), ..world.owner() };
        assert_eq!(world.allows(&call, "s3:ListBucket", None).await, expected, "{signature:?}");
    };
    check(Carrier::Query, Some(600_000), true).await;
    check(Carrier::Query, Some(600_001), false).await;
    check(Carrier::Header, Some(600_001), true).await;
    check(Carrier::Query, None, true).await;
}
