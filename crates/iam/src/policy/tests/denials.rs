use super::*;

#[test]
fn refusals_say_who_what_and_why() {
    let bob = user(OWN, "bob");
    let check = |ask: Ask, expected: &str| {
        assert_eq!(ask.denial().as_deref(), Some(expected));
    };
    let me = "arn:aws:iam::111122223333:user/bob";
    check(
        Ask::new(&bob, "iam:GetUser", me),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:GetUser on \
         resource: user bob because no identity-based policy allows the iam:GetUser action",
    );
    check(
        Ask::new(&bob, "iam:CreateUser", "arn:aws:iam::111122223333:user/eve"),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:CreateUser on \
         resource: arn:aws:iam::111122223333:user/eve because no identity-based policy allows \
         the iam:CreateUser action",
    );
    check(
        Ask::new(&bob, "iam:GetPolicy", "arn:aws:iam::aws:policy/ReadOnlyAccess"),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: iam:GetPolicy on \
         resource: policy arn:aws:iam::aws:policy/ReadOnlyAccess because no identity-based \
         policy allows the iam:GetPolicy action",
    );
    check(
        Ask::new(&bob, "ec2:DescribeInstances", "*")
            .identity(ALLOW_ALL)
            .identity(r#"{"Effect":"Deny","Action":"ec2:*","Resource":"*"}"#),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: \
         ec2:DescribeInstances with an explicit deny in an identity-based policy",
    );
    let s3 = |who: &aws::Identity| Ask::new(who, "s3:GetObject", "arn:aws:s3:::b/k").owned_by(OWN);
    let on = "is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k";
    let nothing = r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#;
    let denied = r#"{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}"#;
    check(
        s3(&bob).identity(ALLOW_ALL).boundary(nothing),
        &format!("User: {me} {on} because no permissions boundary allows the s3:GetObject action"),
    );
    check(
        s3(&role(OWN, "r", "s")).identity(ALLOW_ALL).session(nothing),
        &format!(
            "User: arn:aws:sts::111122223333:assumed-role/r/s {on} because no session policy \
             allows the s3:GetObject action"
        ),
    );
    check(
        s3(&bob).identity(ALLOW_ALL).on_resource(denied),
        &format!("User: {me} {on} with an explicit deny in a resource-based policy"),
    );
    check(
        s3(&aws::Identity::anonymous()),
        &format!(
            "User: anonymous {on} because no resource-based policy allows the s3:GetObject action"
        ),
    );
    check(
        Ask::new(&bob, "sts:AssumeRole", "arn:aws:iam::444455556666:role/r").owned_by(OTHER),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sts:AssumeRole on \
         resource: arn:aws:iam::444455556666:role/r",
    );
    assert_eq!(s3(&bob).identity(ALLOW_ALL).denial(), None);
}

#[test]
fn the_statements_that_applied_are_told_with_their_places() {
    let text = "{\"Version\":\"2012-10-17\",\"Statement\":[\n  {\"Effect\":\"Allow\",\
                \"Action\":\"s3:*\",\"Resource\":\"*\"},\n  {\"Effect\":\"Deny\",\
                \"Action\":\"ec2:*\",\"Resource\":\"*\"}]}";
    let document = Document::parse(text, Kind::Managed).expect("a policy");
    let named = [Named { name: "p", source: Source::UserManaged, document: &document }];
    let bob = user(OWN, "bob");
    let context = Context::of_values(&[]);
    let request = Request::new(Requester::new(&bob), "s3:GetObject", "*", context);
    let applied = Applied { identity: &named, ..Applied::default() };
    let outcome = evaluate(&applied, &request);
    assert_eq!(outcome.matched.len(), 1);
    let span = outcome.matched[0].statement.span();
    assert_eq!((span.start.line, span.start.column), (2, 3));
    assert_eq!((span.end.line, span.end.column), (2, 52));
}
