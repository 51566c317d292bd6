//! Lists in headers and bodies.

use super::given::NewObject;
use super::*;
use crate::model::{self, AccessControlPolicy};
use crate::row::{Bucket, Encryption, Ownership, PublicAccessBlock, Versioning};
use crate::testing::{OTHER, OWNER, code, id, region};

fn bucket(ownership: Option<Ownership>, blocks: Option<PublicAccessBlock>) -> Bucket {
    Bucket {
        id: 1,
        name: "b".into(),
        account: id(OWNER),
        region: region("eu-west-1"),
        created: aws::Timestamp::from_secs(0),
        versioning: Versioning::Unset,
        ownership,
        public_access_block: blocks,
        acl: Acl::default(),
        tags: Vec::new(),
        policy: None,
        object_lock: None,
        encryption: Encryption::default(),
        cors: Vec::new(),
        website: None,
        accelerate_suspended: false,
        lifecycle: None,
    }
}

fn named(acl: &Acl, owner: &str) -> Vec<String> {
    let name = |grantee: &Grantee| match grantee {
        Grantee::CanonicalUser(user) if *user == id(OWNER).canonical_user_id() => "owner".into(),
        Grantee::CanonicalUser(user) if *user == id(OTHER).canonical_user_id() => "other".into(),
        Grantee::CanonicalUser(user) => user.clone(),
        Grantee::Group(uri) => uri.rsplit('/').next().unwrap_or_default().to_owned(),
    };
    let grants = grants(acl, &id(owner));
    grants.iter().map(|grant| format!("{}:{}", name(&grant.grantee), grant.permission)).collect()
}

#[test]
fn canned_lists() {
    let check = |canned: &str, of_bucket: &[&str], of_object: &[&str]| {
        let given = Given { canned: Some(canned), ..Given::default() };
        let acl = given.bucket_acl(&id(OWNER)).expect("a list").expect("given");
        assert_eq!(named(&acl, OWNER), of_bucket, "{canned}");
        let bucket = bucket(None, None);
        let acl = given.object_acl(&id(OTHER), &bucket).expect("a list").expect("given");
        assert_eq!(named(&acl, OTHER), of_object, "{canned}");
    };
    let (own, other) = ("owner:FULL_CONTROL", "other:FULL_CONTROL");
    check("private", &[own], &[other]);
    check("public-read", &[own, "AllUsers:READ"], &[other, "AllUsers:READ"]);
    let write = "AllUsers:WRITE";
    check("public-read-write", &[own, "AllUsers:READ", write], &[other, "AllUsers:READ", write]);
    let read = "AuthenticatedUsers:READ";
    check("authenticated-read", &[own, read], &[other, read]);
    check("bucket-owner-read", &[own], &[other, "owner:READ"]);
    check("bucket-owner-full-control", &[own], &[other, own]);

    let unknown = Given { canned: Some("public"), ..Given::default() };
    assert_eq!(code(unknown.bucket_acl(&id(OWNER))), "InvalidArgument");
    let delivery = Given { canned: Some("log-delivery-write"), ..Given::default() };
    assert_eq!(code(delivery.bucket_acl(&id(OWNER))), "OK");
    assert_eq!(code(delivery.object_acl(&id(OWNER), &bucket(None, None))), "InvalidArgument");
}

#[test]
fn grants_one_by_one() {
    let user = id(OTHER).canonical_user_id();
    let check = |read: &str, expected: Result<&[&str], &str>| {
        let given = Given { read: Some(read), ..Given::default() };
        match (given.bucket_acl(&id(OWNER)), expected) {
            (Ok(acl), Ok(expected)) => {
                assert_eq!(named(&acl.expect("given"), OWNER), expected, "{read}");
            }
            (answer, expected) => {
                assert_eq!(code(answer), expected.expect_err("a refusal"), "{read}");
            }
        }
    };
    check(&format!("id=\"{user}\""), Ok(&["other:READ"]));
    check(&format!("id={user}, uri=\"{ALL_USERS}\""), Ok(&["other:READ", "AllUsers:READ"]));
    check("id=\"nobody\"", Err("InvalidArgument"));
    check("uri=\"http://example.com/\"", Err("InvalidArgument"));
    check("emailAddress=\"a@example.com\"", Err("UnresolvableGrantByEmailAddress"));
    check("someone", Err("InvalidArgument"));

    let both = Given { canned: Some("private"), read: Some("id=x"), ..Given::default() };
    assert_eq!(code(both.bucket_acl(&id(OWNER))), "InvalidRequest");
    assert_eq!(Given::default().bucket_acl(&id(OWNER)).expect("none"), None);
}

#[test]
fn ownership_decides_about_a_new_object() {
    use Ownership::{BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter};
    let check = |ownership, canned: Option<&str>, expected: Result<(&str, bool), &str>| {
        let given = Given { canned, ..Given::default() };
        let answer = given.new_object(&bucket(ownership, None), Some(&id(OTHER)));
        match (answer, expected) {
            (Ok(new), Ok((owner, has_acl))) => {
                assert_eq!((new.owner, new.acl.is_some()), (id(owner), has_acl), "{canned:?}");
            }
            (answer, expected) => assert_eq!(code(answer), expected.expect_err("a refusal")),
        }
    };
    let (enforced, preferred) = (Some(BucketOwnerEnforced), Some(BucketOwnerPreferred));
    let full = Some("bucket-owner-full-control");
    check(enforced, None, Ok((OWNER, false)));
    check(enforced, full, Ok((OWNER, false)));
    check(enforced, Some("private"), Err("AccessControlListNotSupported"));
    check(enforced, Some("public-read"), Err("AccessControlListNotSupported"));
    check(preferred, None, Ok((OTHER, false)));
    check(preferred, full, Ok((OWNER, false)));
    check(preferred, Some("bucket-owner-read"), Ok((OTHER, true)));
    check(Some(ObjectWriter), full, Ok((OTHER, true)));
    check(None, Some("public-read"), Ok((OTHER, true)));

    let private = Given { canned: Some("private"), ..Given::default() };
    let new = private.new_object(&bucket(enforced, None), Some(&id(OWNER))).expect("equivalent");
    assert_eq!(new, NewObject { owner: id(OWNER), acl: None });

    let grant = format!("id=\"{}\"", id(OWNER).canonical_user_id());
    let given = Given { full_control: Some(&grant), ..Given::default() };
    let new = given.new_object(&bucket(enforced, None), Some(&id(OTHER))).expect("equivalent");
    assert_eq!(new, NewObject { owner: id(OWNER), acl: None });

    let blocked = bucket(None, Some(PublicAccessBlock::ALL));
    let public = Given { canned: Some("public-read"), ..Given::default() };
    assert_eq!(code(public.new_object(&blocked, None)), "AccessDenied");
}

#[test]
fn lists_in_bodies() {
    let grantee = |kind: &str, name: &str| {
        let name = Some(name.to_owned());
        let (id, uri) = if kind == "Group" { (None, name) } else { (name, None) };
        Some(model::Grantee { r#type: kind.into(), id, uri, ..Default::default() })
    };
    let check =
        |owner: Option<&str>, grantee: Option<model::Grantee>, permission: &str, expected| {
            let owner = owner.map(|owner| model::Owner {
                id: Some(id(owner).canonical_user_id()),
                display_name: None,
            });
            let grants = vec![model::Grant { grantee, permission: Some(permission.into()) }];
            let given = AccessControlPolicy { grants: Some(grants), owner };
            assert_eq!(code(parse(&given, &id(OWNER))), expected);
        };
    let other = id(OTHER).canonical_user_id();
    check(Some(OWNER), grantee("CanonicalUser", &other), "READ", "OK");
    check(Some(OWNER), grantee("Group", ALL_USERS), "FULL_CONTROL", "OK");
    check(Some(OWNER), grantee("CanonicalUser", "_foo"), "READ", "InvalidArgument");
    check(Some(OWNER), grantee("Group", "everyone"), "READ", "InvalidArgument");
    check(Some(OWNER), grantee("Something", &other), "READ", "MalformedACLError");
    check(Some(OWNER), grantee("CanonicalUser", &other), "EVERYTHING", "MalformedACLError");
    check(Some(OWNER), None, "READ", "MalformedACLError");
    check(None, grantee("CanonicalUser", &other), "READ", "MalformedACLError");
    check(Some(OTHER), grantee("CanonicalUser", &other), "READ", "AccessDenied");
}

#[test]
fn keys_are_literal_in_what_a_list_gives() {
    let grants = [Grant { grantee: Grantee::Group(ALL_USERS.into()), permission: "READ".into() }];
    let text = object_grants("b", "a*?${aws:username}", &grants, policy::Counted::All);
    let text = text.expect("a grant");
    let key = "b/a${*}${?}${$}{aws:username}";
    assert!(text.contains(key), "{text}");
    ::policy::Document::parse(&text, ::policy::Kind::Resource).expect("a resource's policy");
}
