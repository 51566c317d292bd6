//! The user guide's examples of evaluation logic, and those of the pages it links.

use super::*;
use Layer::{Boundary, Identity, Resource, Session};
use Verdict::{ExplicitDeny, ImplicitDeny};

const BUCKET: &str = "arn:aws:s3:::b";
const OBJECT: &str = "arn:aws:s3:::b/k";
const GET: &str = r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
const NOTHING_OF_S3: &str = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
const DENY_GET: &str = r#"{"Effect":"Deny","Action":"s3:GetObject","Resource":"*"}"#;

fn gives(principal: &str) -> String {
    let common = r#""Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*""#;
    format!(r#"{{"Effect":"Allow","Principal":{principal},{common}}}"#)
}

fn denies(element: &str) -> String {
    format!(r#"{{"Effect":"Deny",{element},"Action":"s3:*","Resource":"*"}}"#)
}

fn aws_name(name: &str) -> String {
    format!(r#"{{"AWS":"{name}"}}"#)
}

fn get(who: &aws::Identity) -> Ask {
    Ask::new(who, "s3:GetObject", OBJECT).owned_by(OWN)
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html>
#[test]
fn identity_policies_in_one_account() {
    let bob = user(OWN, "bob");
    assert_eq!(get(&bob).verdict(), ImplicitDeny(Identity));
    assert_eq!(get(&bob).identity(GET).verdict(), ALLOWED);
    assert_eq!(get(&bob).identity(NOTHING_OF_S3).verdict(), ImplicitDeny(Identity));
    assert_eq!(get(&bob).identity(ALLOW_ALL).identity(DENY_GET).verdict(), ExplicitDeny(Identity));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html>
#[test]
fn boundaries_and_session_policies_intersect() {
    let bob = user(OWN, "bob");
    let both = |boundary| get(&bob).identity(GET).boundary(boundary).verdict();
    assert_eq!(both(ALLOW_ALL), ALLOWED);
    assert_eq!(both(NOTHING_OF_S3), ImplicitDeny(Boundary));
    assert_eq!(both(DENY_GET), ExplicitDeny(Boundary));
    assert_eq!(get(&bob).boundary(ALLOW_ALL).verdict(), ImplicitDeny(Identity));

    let session = role(OWN, "r", "s");
    let asked = get(&session).identity(GET);
    assert_eq!(asked.verdict(), ALLOWED);
    assert_eq!(asked.clone().session(ALLOW_ALL).verdict(), ALLOWED);
    assert_eq!(asked.clone().session(NOTHING_OF_S3).verdict(), ImplicitDeny(Session));
    assert_eq!(asked.clone().session(NOTHING_OF_S3).session(GET).verdict(), ALLOWED);
    assert_eq!(asked.session(ALLOW_ALL).session(DENY_GET).verdict(), ExplicitDeny(Session));
    assert_eq!(get(&session).session(ALLOW_ALL).verdict(), ImplicitDeny(Identity));
}

/// The table "resource-based policies and implicit denies in other policy types (same account)".
#[test]
fn who_is_named_by_the_resource_decides_what_limits() {
    let bob = user(OWN, "bob");
    let session = role(OWN, "r", "s");
    let check = |who: &aws::Identity, principal: &str, bare, boundary, session_policy| {
        let named = get(who).on_resource(&gives(principal));
        assert_eq!(named.verdict(), bare, "{principal} alone");
        let bounded = named.clone().boundary(NOTHING_OF_S3);
        assert_eq!(bounded.verdict(), boundary, "{principal} and a boundary");
        let limited = named.session(NOTHING_OF_S3);
        assert_eq!(limited.verdict(), session_policy, "{principal} and a session policy");
    };
    let implicit = ImplicitDeny(Identity);
    let user_arn = aws_name("arn:aws:iam::111122223333:user/bob");
    let role_arn = aws_name("arn:aws:iam::111122223333:role/r");
    let session_arn = aws_name("arn:aws:sts::111122223333:assumed-role/r/s");
    check(&bob, &user_arn, ALLOWED, ALLOWED, ALLOWED);
    check(&bob, &aws_name("AIDABOB"), ALLOWED, ALLOWED, ALLOWED);
    check(&bob, r#""*""#, ALLOWED, ALLOWED, ALLOWED);
    check(&bob, &aws_name("*"), ALLOWED, ALLOWED, ALLOWED);
    check(&bob, &aws_name(OWN), implicit, implicit, implicit);
    check(&bob, &aws_name("arn:aws:iam::111122223333:user/eve"), implicit, implicit, implicit);
    check(&session, &session_arn, ALLOWED, ALLOWED, ALLOWED);
    check(&session, &role_arn, ALLOWED, ImplicitDeny(Boundary), ImplicitDeny(Session));
    check(&session, &aws_name("AROAR"), ALLOWED, ImplicitDeny(Boundary), ImplicitDeny(Session));
    let other_session = aws_name("arn:aws:sts::111122223333:assumed-role/r/t");
    check(&session, &other_session, implicit, implicit, implicit);
}

#[test]
fn a_resource_policy_can_deny_what_identity_policies_allow() {
    let bob = user(OWN, "bob");
    let denied = |element| get(&bob).identity(ALLOW_ALL).on_resource(&denies(element)).verdict();
    assert_eq!(denied(r#""Principal":"*""#), ExplicitDeny(Resource));
    assert_eq!(denied(r#""Principal":{"AWS":"111122223333"}"#), ExplicitDeny(Resource));
    assert_eq!(denied(r#""Principal":{"AWS":"444455556666"}"#), ALLOWED);
    assert_eq!(denied(r#""Principal":{"Service":"ec2.amazonaws.com"}"#), ALLOWED);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_notprincipal.html>
#[test]
fn not_principal_exempts_the_caller_it_names_and_no_other() {
    let element = r#""NotPrincipal":{"AWS":["arn:aws:iam::111122223333:user/bob",
        "arn:aws:sts::111122223333:assumed-role/r/s","arn:aws:iam::111122223333:role/r",
        "arn:aws:iam::111122223333:root"]}"#;
    let verdict =
        |who: &aws::Identity| get(who).identity(ALLOW_ALL).on_resource(&denies(element)).verdict();
    assert_eq!(verdict(&user(OWN, "bob")), ALLOWED);
    assert_eq!(verdict(&user(OWN, "eve")), ExplicitDeny(Resource));
    assert_eq!(verdict(&role(OWN, "r", "s")), ALLOWED);
    assert_eq!(verdict(&role(OWN, "r", "t")), ExplicitDeny(Resource));
    assert_eq!(verdict(&aws::Identity::root(account(OWN))), ALLOWED);
    assert_eq!(verdict(&aws::Identity::root(account(OTHER))), ExplicitDeny(Resource));
}

#[test]
fn not_principal_with_allow_gives_to_all_whom_it_does_not_name() {
    let policy = r#"{"Effect":"Allow","NotPrincipal":{"AWS":"444455556666"},
        "Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}"#;
    let verdict = |who: &aws::Identity| get(who).on_resource(policy).verdict();
    assert_eq!(verdict(&user(OWN, "bob")), ALLOWED);
    assert_eq!(verdict(&aws::Identity::anonymous()), ALLOWED);
    let other = user(OTHER, "eve");
    assert_eq!(
        get(&other).identity(ALLOW_ALL).on_resource(policy).verdict(),
        ImplicitDeny(Resource)
    );
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html>
#[test]
fn across_accounts_both_sides_must_allow() {
    let carlos = user(OTHER, "carlos");
    let named = gives(&aws_name("arn:aws:iam::444455556666:user/carlos"));
    assert_eq!(get(&carlos).on_resource(&named).verdict(), ImplicitDeny(Identity));
    assert_eq!(get(&carlos).identity(ALLOW_ALL).verdict(), ImplicitDeny(Resource));
    let both = get(&carlos).identity(ALLOW_ALL).on_resource(&named);
    assert_eq!(both.verdict(), ALLOWED);
    assert_eq!(both.clone().boundary(NOTHING_OF_S3).verdict(), ImplicitDeny(Boundary));
    assert_eq!(both.clone().session(NOTHING_OF_S3).verdict(), ImplicitDeny(Session));
    assert_eq!(both.identity(DENY_GET).verdict(), ExplicitDeny(Identity));
    for principal in [r#""*""#, &aws_name(OTHER), &aws_name("arn:aws:iam::444455556666:root")] {
        let asked = get(&carlos).identity(ALLOW_ALL).on_resource(&gives(principal));
        assert_eq!(asked.verdict(), ALLOWED, "{principal}");
        let alone = get(&carlos).on_resource(&gives(principal));
        assert_eq!(alone.verdict(), ImplicitDeny(Identity), "{principal}");
    }
}

#[test]
fn the_production_logs_example() {
    let carlos = |key: &str| {
        Ask::new(&user(OTHER, "carlossalazar"), "s3:PutObject", key)
            .owned_by(OWN)
            .identity(
                r#"{"Effect":"Allow","Action":"s3:ListAllMyBuckets","Resource":"*"},
                {"Effect":"Allow","Action":"s3:*Object*","Resource":"arn:aws:s3:::Production/*"},
                {"Effect":"Deny","Action":"s3:*",
                 "Resource":["arn:aws:s3:::*log*","arn:aws:s3:::*log*/*"]}"#,
            )
            .on_resource(
                r#"{"Effect":"Allow","Action":["s3:GetObject*","s3:PutObject*"],
                 "Principal":{"AWS":"arn:aws:iam::444455556666:user/carlossalazar"},
                 "Resource":"arn:aws:s3:::Production/*"}"#,
            )
            .verdict()
    };
    assert_eq!(carlos("arn:aws:s3:::Production/report"), ALLOWED);
    assert_eq!(carlos("arn:aws:s3:::Production-logs/x"), ExplicitDeny(Identity));
    assert_eq!(carlos("arn:aws:s3:::Staging/x"), ImplicitDeny(Identity));
}

#[test]
fn the_root_user_is_stopped_only_by_its_resources_policies() {
    let root = aws::Identity::root(account(OWN));
    assert_eq!(get(&root).verdict(), ALLOWED);
    let closed = denies(r#""Principal":"*""#);
    assert_eq!(get(&root).on_resource(&closed).verdict(), ExplicitDeny(Resource));
    let stranger = aws::Identity::root(account(OTHER));
    assert_eq!(get(&stranger).verdict(), ImplicitDeny(Resource));
    assert_eq!(get(&stranger).on_resource(&gives(&aws_name(OTHER))).verdict(), ALLOWED);

    let mend = |who, action| Ask::new(who, action, BUCKET).owned_by(OWN).on_resource(&closed);
    assert_eq!(mend(&root, "s3:DeleteBucketPolicy").verdict(), ALLOWED);
    assert_eq!(mend(&root, "s3:DeleteBucket").verdict(), ExplicitDeny(Resource));
    let admin = user(OWN, "admin");
    let asked = mend(&admin, "s3:DeleteBucketPolicy").identity(ALLOW_ALL);
    assert_eq!(asked.verdict(), ExplicitDeny(Resource));
}

#[test]
fn strangers_and_services_have_what_resources_give_them() {
    let anonymous = aws::Identity::anonymous();
    assert_eq!(get(&anonymous).verdict(), ImplicitDeny(Resource));
    assert_eq!(get(&anonymous).on_resource(&gives(r#""*""#)).verdict(), ALLOWED);
    assert_eq!(
        get(&anonymous).on_resource(&gives(&aws_name(OWN))).verdict(),
        ImplicitDeny(Resource)
    );
    let logs = service("delivery.logs.amazonaws.com");
    let named = gives(r#"{"Service":"delivery.logs.amazonaws.com"}"#);
    assert_eq!(get(&logs).verdict(), ImplicitDeny(Resource));
    assert_eq!(get(&logs).on_resource(&named).verdict(), ALLOWED);
    assert_eq!(get(&logs).on_resource(&gives(&aws_name(OWN))).verdict(), ImplicitDeny(Resource));
    let other = gives(r#"{"Service":["sns.amazonaws.com","sqs.amazonaws.com"]}"#);
    assert_eq!(get(&logs).on_resource(&other).verdict(), ImplicitDeny(Resource));
}

#[test]
fn a_canonical_user_id_names_its_account() {
    let named = |id: &str| {
        let id = super::account(id).canonical_user_id();
        gives(&format!(r#"{{"CanonicalUser":"{id}"}}"#))
    };
    let check = |who: &aws::Identity, owner: &str, expected| {
        assert_eq!(get(who).on_resource(&named(owner)).verdict(), expected, "{owner}");
    };
    let carlos = user(OTHER, "carlos");
    check(&carlos, OTHER, ImplicitDeny(Identity));
    check(&carlos, OWN, ImplicitDeny(Identity));
    check(&aws::Identity::root(account(OTHER)), OTHER, ALLOWED);
    check(&aws::Identity::root(account(OTHER)), OWN, ImplicitDeny(Resource));
    check(&aws::Identity::anonymous(), OTHER, ImplicitDeny(Resource));
    check(&service("s3.amazonaws.com"), OWN, ImplicitDeny(Resource));
    let asked = get(&carlos).identity(ALLOW_ALL);
    assert_eq!(asked.clone().on_resource(&named(OTHER)).verdict(), ALLOWED);
    assert_eq!(asked.clone().on_resource(&named(OWN)).verdict(), ImplicitDeny(Resource));
    let denied = named(OTHER).replace("Allow", "Deny");
    let open = asked.on_resource(&gives(r#""*""#));
    assert_eq!(open.clone().verdict(), ALLOWED);
    assert_eq!(open.on_resource(&denied).verdict(), ExplicitDeny(Resource));
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html>
#[test]
fn a_bucket_s_requests() {
    let bob = user(OWN, "bob");
    let carlos = user(OTHER, "carlos");
    let root = aws::Identity::root(account(OWN));
    let anonymous = aws::Identity::anonymous();
    let named = |who: &aws::Identity| gives(&aws_name(&who.arn().expect("a user")));
    let public = gives(r#""*""#);
    // In the owner's account either side is enough.
    assert_eq!(get(&bob).verdict(), ImplicitDeny(Identity));
    assert_eq!(get(&bob).identity(GET).verdict(), ALLOWED);
    assert_eq!(get(&bob).on_resource(&named(&bob)).verdict(), ALLOWED);
    assert_eq!(get(&bob).on_resource(&public).verdict(), ALLOWED);
    // From another account both are needed.
    assert_eq!(get(&carlos).identity(GET).verdict(), ImplicitDeny(Resource));
    assert_eq!(get(&carlos).on_resource(&named(&carlos)).verdict(), ImplicitDeny(Identity));
    assert_eq!(get(&carlos).on_resource(&public).verdict(), ImplicitDeny(Identity));
    assert_eq!(get(&carlos).identity(GET).on_resource(&named(&carlos)).verdict(), ALLOWED);
    // Without credentials there is only the bucket's side.
    assert_eq!(get(&anonymous).verdict(), ImplicitDeny(Resource));
    assert_eq!(get(&anonymous).on_resource(&named(&bob)).verdict(), ImplicitDeny(Resource));
    assert_eq!(get(&anonymous).on_resource(&public).verdict(), ALLOWED);
    let of_bucket = gives(&aws_name("*"));
    assert_eq!(get(&anonymous).on_resource(&of_bucket).verdict(), ALLOWED);
    // A deny anywhere wins, over the owner's root user too.
    let closed = denies(r#""Principal":"*""#);
    for who in [&bob, &carlos, &root, &anonymous] {
        let asked = get(who).identity(ALLOW_ALL).on_resource(&public).on_resource(&closed);
        assert_eq!(asked.verdict(), ExplicitDeny(Resource));
    }
    for who in [&bob, &carlos] {
        let asked = get(who).identity(GET).identity(DENY_GET).on_resource(&public);
        assert_eq!(asked.verdict(), ExplicitDeny(Identity));
    }
    // What an access control list grants is one more document beside the bucket's policy.
    let granted =
        gives(&format!(r#"{{"CanonicalUser":"{}"}}"#, super::account(OTHER).canonical_user_id()));
    let asked = get(&carlos).identity(GET).on_resource(&named(&bob)).on_resource(&granted);
    assert_eq!(asked.verdict(), ALLOWED);
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_compare-resource-policies.html>
#[test]
fn trust_policies() {
    let assume = |who: &aws::Identity| {
        Ask::new(who, "sts:AssumeRole", "arn:aws:iam::111122223333:role/r").owned_by(OWN)
    };
    let trusts = |principal: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"sts:AssumeRole"}}"#)
    };
    let account_trusts = trusts(&aws_name(OWN));
    let bob = user(OWN, "bob");
    // No trust policy that speaks of the caller: not even an administrator may.
    let nobody = trusts(r#"{"Service":"ec2.amazonaws.com"}"#);
    assert_eq!(assume(&bob).identity(ALLOW_ALL).trust(&nobody).verdict(), ImplicitDeny(Resource));
    // The account is trusted: its identity policies decide.
    assert_eq!(assume(&bob).trust(&account_trusts).verdict(), ImplicitDeny(Identity));
    assert_eq!(assume(&bob).identity(ALLOW_ALL).trust(&account_trusts).verdict(), ALLOWED);
    // The user is trusted by name: that is enough in one account, not across two.
    let by_name = trusts(&aws_name("arn:aws:iam::111122223333:user/bob"));
    assert_eq!(assume(&bob).trust(&by_name).verdict(), ALLOWED);
    let carlos = user(OTHER, "carlos");
    let carlos_by_name = trusts(&aws_name("arn:aws:iam::444455556666:user/carlos"));
    assert_eq!(assume(&carlos).trust(&carlos_by_name).verdict(), ImplicitDeny(Identity));
    assert_eq!(assume(&carlos).identity(ALLOW_ALL).trust(&carlos_by_name).verdict(), ALLOWED);
    assert_eq!(
        assume(&carlos).identity(ALLOW_ALL).trust(&account_trusts).verdict(),
        ImplicitDeny(Resource)
    );
    assert_eq!(assume(&service("ec2.amazonaws.com")).trust(&nobody).verdict(), ALLOWED);
    // The confused deputy's external id.
    let with_id = r#"{"Effect":"Allow","Principal":{"AWS":"444455556666"},
        "Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"12345"}}}"#;
    let deputy = assume(&carlos).identity(ALLOW_ALL).trust(with_id);
    assert_eq!(deputy.verdict(), ImplicitDeny(Resource));
    assert_eq!(deputy.clone().key("sts:ExternalId", &["12345"]).verdict(), ALLOWED);
    assert_eq!(deputy.key("sts:ExternalId", &["1234"]).verdict(), ImplicitDeny(Resource));
}

/// <https://docs.aws.amazon.com/kms/latest/developerguide/key-policies.html>
#[test]
fn key_policies() {
    let decrypt = |who: &aws::Identity| {
        let key = "arn:aws:kms:eu-west-1:111122223333:key/k";
        Ask::new(who, "kms:Decrypt", key).owned_by(OWN).identity(ALLOW_ALL)
    };
    let names = |principal: &str| {
        format!(r#"{{"Effect":"Allow","Principal":{principal},"Action":"kms:*","Resource":"*"}}"#)
    };
    let bob = user(OWN, "bob");
    let account = names(&aws_name("arn:aws:iam::111122223333:root"));
    assert_eq!(decrypt(&bob).on_resource(&account).verdict(), ALLOWED);
    let eve = names(&aws_name("arn:aws:iam::111122223333:user/eve"));
    assert_eq!(decrypt(&bob).on_resource(&eve).verdict(), ImplicitDeny(Resource));
    let root = aws::Identity::root(super::account(OWN));
    assert_eq!(decrypt(&root).on_resource(&eve).verdict(), ImplicitDeny(Resource));
    assert_eq!(Ask::new(&root, "kms:ListKeys", "*").verdict(), ALLOWED);
}

#[test]
fn not_action_and_not_resource() {
    let bob = user(OWN, "bob");
    let all_but_iam =
        r#"{"Effect":"Allow","NotAction":["iam:*","organizations:*"],"Resource":"*"}"#;
    assert_eq!(get(&bob).identity(all_but_iam).verdict(), ALLOWED);
    let iam = Ask::new(&bob, "IAM:GetUser", "arn:aws:iam::111122223333:user/bob");
    assert_eq!(iam.identity(all_but_iam).verdict(), ImplicitDeny(Identity));

    let elsewhere = r#"{"Effect":"Deny","Action":"s3:*",
        "NotResource":["arn:aws:s3:::b","arn:aws:s3:::b/*"]}"#;
    let asked = |resource| {
        Ask::new(&bob, "s3:GetObject", resource).identity(ALLOW_ALL).identity(elsewhere).verdict()
    };
    assert_eq!(asked(OBJECT), ALLOWED);
    assert_eq!(asked("arn:aws:s3:::c/k"), ExplicitDeny(Identity));
}

/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>
#[test]
fn variables_in_resources() {
    let home = r#"{"Effect":"Allow","Action":"s3:*",
        "Resource":"arn:aws:s3:::b/home/${aws:username}/*"}"#;
    let asked = |who: &aws::Identity, key: &str| {
        Ask::new(who, "s3:GetObject", &format!("arn:aws:s3:::b/home/{key}"))
            .identity(home)
            .verdict()
    };
    assert_eq!(asked(&user(OWN, "bob"), "bob/x"), ALLOWED);
    assert_eq!(asked(&user(OWN, "bob"), "eve/x"), ImplicitDeny(Identity));
    assert_eq!(asked(&role(OWN, "r", "bob"), "bob/x"), ImplicitDeny(Identity));
    assert_eq!(asked(&role(OWN, "r", "bob"), "/x"), ImplicitDeny(Identity));

    let team = r#"{"Effect":"Allow","Action":"s3:*",
        "Resource":"arn:aws:s3:::example-${aws:PrincipalTag/team, 'company-wide'}"}"#;
    let bob = user(OWN, "bob");
    let bucket = |name: &str| {
        Ask::new(&bob, "s3:ListBucket", &format!("arn:aws:s3:::example-{name}")).identity(team)
    };
    assert_eq!(bucket("company-wide").verdict(), ALLOWED);
    assert_eq!(bucket("yellow").tag("Team", "yellow").verdict(), ALLOWED);
    assert_eq!(bucket("company-wide").tag("team", "yellow").verdict(), ImplicitDeny(Identity));

    let not_home = r#"{"Effect":"Deny","Action":"s3:*",
        "NotResource":"arn:aws:s3:::b/home/${aws:username}/*"}"#;
    let denied = |who: &aws::Identity| {
        Ask::new(who, "s3:GetObject", "arn:aws:s3:::b/home/bob/x")
            .identity(ALLOW_ALL)
            .identity(not_home)
            .verdict()
    };
    assert_eq!(denied(&user(OWN, "bob")), ALLOWED);
    assert_eq!(denied(&user(OWN, "eve")), ExplicitDeny(Identity));
    // The name with the missing value matches nothing, so everything is outside of it.
    assert_eq!(denied(&role(OWN, "r", "bob")), ExplicitDeny(Identity));
}

#[test]
fn an_older_document_has_no_variables() {
    let text = r#"{"Version":"2008-10-17","Statement":{"Effect":"Allow","Action":"s3:*",
        "Resource":"arn:aws:s3:::b/${aws:username}"}}"#;
    let document = Document::parse(text, Kind::Inline).expect("an inline policy");
    let bob = call(&user(OWN, "bob"));
    let check = |key: &str, expected| {
        let resource = format!("arn:aws:s3:::b/{key}");
        let context =
            Context { call: Some(&bob), principal_tags: &[], resource_account: None, given: &[] };
        let who = Requester::new(&bob.identity);
        let request = Request::new(who, "s3:GetObject", &resource, context);
        let named = [Named { name: "p", document: &document }];
        let applied = Applied { identity: &named, ..Applied::default() };
        assert_eq!(evaluate(&applied, &request).verdict, expected, "{key}");
    };
    check("bob", ImplicitDeny(Identity));
    check("${aws:username}", ALLOWED);
}
