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
    let on = "is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\"";
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
    check(s3(&aws::Identity::anonymous()), "Access Denied");
    check(s3(&user(OTHER, "eve")).identity(ALLOW_ALL), "Access Denied");
    check(
        Ask::new(&bob, "s3:ListAllMyBuckets", "arn:aws:s3:::*"),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: \
         s3:ListAllMyBuckets because no identity-based policy allows the s3:ListAllMyBuckets action",
    );
    check(
        Ask::new(&bob, "sts:AssumeRole", "arn:aws:iam::444455556666:role/r").owned_by(OTHER),
        "User: arn:aws:iam::111122223333:user/bob is not authorized to perform: sts:AssumeRole on \
         resource: arn:aws:iam::444455556666:role/r",
    );
    assert_eq!(s3(&bob).identity(ALLOW_ALL).denial(), None);
}

/// Where the simulator says a statement is: for a lone one, for the first and for a later one.
#[test]
fn statements_are_placed_as_the_simulator_counts() {
    let check = |text: &str, expected: &[[(i32, i32); 2]]| {
        let document = Document::parse(text, Kind::Managed).expect("a policy");
        let at = |position: Position| (position.line, position.column);
        let spans = document.statements().iter().map(Statement::span);
        let spans: Vec<_> = spans.map(|span| [at(span.start), at(span.end)]).collect();
        assert_eq!(spans, expected, "{text}");
    };
    let condition = r#"{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}"#;
    let fields = r#""Effect":"Allow","Action":"dynamodb:*","Resource":"*""#;
    let lone = format!(r#"{{{fields},"Condition":{condition}}}"#);
    let lone = format!(r#"{{"Version":"2012-10-17","Statement":{lone}}}"#);
    check(&lone, &[[(1, 38), (1, 167)]]);
    let first = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \
                 \"Allow\",\n      \"Action\": \"*\",\n      \"Resource\": \"*\"\n    },\n    \
                 {\"Effect\":\"Deny\",\"Action\":\"*\",\"Resource\":\"*\"}\n  ]\n}";
    check(first, &[[(3, 17), (8, 6)], [(8, 7), (9, 50)]]);
}

#[test]
fn the_statements_that_applied_are_told() {
    let ask = Ask::new(&user(OWN, "bob"), "s3:GetObject", "*")
        .identity(r#"{"Effect":"Allow","Action":"s3:*","Resource":"*"}"#)
        .identity(r#"{"Effect":"Deny","Action":"ec2:*","Resource":"*"}"#)
        .on_resource(r#"{"Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"*"}"#);
    let told = ask.with(|applied, request| {
        let matched = evaluate(applied, request).matched;
        matched.iter().map(|m| (m.layer, m.statement.effect())).collect::<Vec<_>>()
    });
    assert_eq!(told, [(Layer::Identity, Effect::Allow), (Layer::Resource, Effect::Deny)]);
}
