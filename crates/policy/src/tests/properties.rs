//! What holds for every policy and request.

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

/// One statement of an identity policy, from a small world in which much overlaps.
fn statement() -> impl Strategy<Value = String> {
    let effect = select(vec!["Allow", "Deny"]);
    let action =
        (select(vec!["Action", "NotAction"]), names(&["s3:Get*", "s3:*", "*", "ec2:Run?"]));
    let resource = (
        select(vec!["Resource", "NotResource"]),
        names(&["*", "arn:aws:s3:::b/*", "arn:aws:s3:::?/${aws:username}", "arn:aws:ec2"]),
    );
    (effect, action, resource, proptest::option::of(condition())).prop_map(
        |(effect, (action, actions), (resource, resources), condition)| {
            let condition = condition.map_or(String::new(), |c| format!(r#","Condition":{{{c}}}"#));
            format!(
                r#"{{"Effect":"{effect}","{action}":{actions},"{resource}":{resources}{condition}}}"#
            )
        },
    )
}

fn names(of: &[&'static str]) -> impl Strategy<Value = String> + use<> {
    proptest::sample::subsequence(of.to_vec(), 1..=of.len()).prop_map(|names| format!("{names:?}"))
}

fn condition() -> impl Strategy<Value = String> {
    (operator(), select(vec!["x:key", "x:none", "aws:username"]), names(&["a", "b*", "bob", ""]))
        .prop_map(|(operator, key, values)| format!(r#""{operator}":{{"{key}":{values}}}"#))
}

fn operator() -> impl Strategy<Value = String> {
    let quantifier = select(vec!["", "ForAllValues:", "ForAnyValue:"]);
    let name = select(vec![
        "StringEquals",
        "StringNotEquals",
        "StringLike",
        "StringNotLike",
        "StringEqualsIgnoreCase",
        "ArnLike",
        "Bool",
        "NumericNotEquals",
        "IpAddress",
    ]);
    (quantifier, name, select(vec!["", "IfExists"])).prop_map(|(q, n, e)| format!("{q}{n}{e}"))
}

fn request() -> impl Strategy<Value = Ask> {
    (
        select(vec!["s3:GetObject", "s3:PutObject", "ec2:RunX", "iam:GetUser"]),
        select(vec!["arn:aws:s3:::b/k", "arn:aws:s3:::c/bob", "arn:aws:ec2:e:1:i/x", "*"]),
        proptest::collection::vec(select(vec!["a", "bc", "bob", ""]), 0..3),
    )
        .prop_map(|(action, resource, values)| {
            Ask::new(&user(OWN, "bob"), action, resource).key("x:Key", &values)
        })
}

fn statements() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec(statement(), 1..5)
}

fn verdict(ask: &Ask, statements: &[String]) -> Verdict {
    ask.clone().identity(&statements.join(",")).verdict()
}

fn is_allowed(ask: &Ask, statements: &[String]) -> bool {
    verdict(ask, statements) == ALLOWED
}

fn with_effect(statement: &str, effect: &str) -> String {
    statement.replace(r#""Effect":"Allow""#, "E").replace(r#""Effect":"Deny""#, "E").replacen(
        'E',
        &format!(r#""Effect":"{effect}""#),
        1,
    )
}

/// Whether a lone Condition holds.
fn holds(ask: &Ask, operator: &str, values: &str) -> bool {
    is_allowed(
        ask,
        &[format!(
            r#"{{"Effect":"Allow","Action":"*","Resource":"*",
                "Condition":{{"{operator}":{{"x:key":{values}}}}}}}"#
        )],
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if std::env::var_os("HANEUL_SOAK").is_some() { 10_000 } else { 256 }))]

    #[test]
    fn an_allow_never_takes_and_a_deny_never_gives(
        ask in request(), own in statements(), more in statement(),
    ) {
        let before = is_allowed(&ask, &own);
        let mut given = own.clone();
        given.push(with_effect(&more, "Allow"));
        prop_assert!(is_allowed(&ask, &given) || !before);
        let mut taken = own;
        taken.push(with_effect(&more, "Deny"));
        prop_assert!(before || !is_allowed(&ask, &taken));
    }

    #[test]
    fn a_deny_that_applies_beats_every_allow(ask in request(), own in statements(), one in statement()) {
        let applies = is_allowed(&ask, &[with_effect(&one, "Allow")]);
        let mut all = own;
        all.push(with_effect(&one, "Deny"));
        all.push(ALLOW_ALL.into());
        if applies {
            prop_assert_eq!(verdict(&ask, &all), Verdict::ExplicitDeny(Layer::Identity));
        }
    }

    #[test]
    fn order_and_grouping_do_not_matter(ask in request(), own in statements()) {
        let together = verdict(&ask, &own);
        let reversed: Vec<String> = own.iter().rev().cloned().collect();
        prop_assert_eq!(together, verdict(&ask, &reversed));
        let apart = own.iter().fold(ask.clone(), |ask, statement| ask.identity(statement));
        prop_assert_eq!(together, apart.verdict());
    }

    #[test]
    fn a_boundary_or_session_policy_never_gives(
        ask in request(), own in statements(), limit in statements(),
    ) {
        let free = is_allowed(&ask, &own);
        let asked = ask.identity(&own.join(","));
        let limit = limit.join(",");
        let bounded = asked.clone().boundary(&limit).verdict();
        let in_session = asked.session(&limit).verdict();
        prop_assert!(free || (bounded != ALLOWED && in_session != ALLOWED));
        prop_assert_eq!(bounded == ALLOWED, in_session == ALLOWED);
    }

    #[test]
    fn a_deny_in_any_layer_is_final(
        ask in request(), layer in 0..4usize, same_account in any::<bool>(),
        principal in select(vec![r#""*""#, r#"{"AWS":"111122223333"}"#, r#"{"AWS":"AIDABOB"}"#]),
    ) {
        let deny = r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#;
        let on_resource = |statement: &str| {
            statement.replacen('{', &format!(r#"{{"Principal":{principal},"#), 1)
        };
        let given = on_resource(ALLOW_ALL);
        let ask = ask.owned_by(if same_account { OWN } else { OTHER });
        let open = ask.clone().identity(ALLOW_ALL).boundary(ALLOW_ALL).session(ALLOW_ALL);
        let open = open.on_resource(&given);
        prop_assert_eq!(open.verdict(), ALLOWED);
        let (closed, expected) = match layer {
            0 => (open.identity(deny), Layer::Identity),
            1 => (open.boundary(deny), Layer::Boundary),
            2 => (open.session(deny), Layer::Session),
            _ => (open.on_resource(&format!("{given},{}", on_resource(deny))), Layer::Resource),
        };
        prop_assert_eq!(closed.verdict(), Verdict::ExplicitDeny(expected));
    }

    /// Two requests that differ in the owner only: the other account's is never freer.
    #[test]
    fn crossing_accounts_never_gives(
        ask in request(), own in statements(), on_resource in statements(),
        principal in select(vec![r#""*""#, r#"{"AWS":"111122223333"}"#, r#"{"AWS":"AIDABOB"}"#]),
    ) {
        let named = on_resource.iter().map(|statement| {
            statement.replacen('{', &format!(r#"{{"Principal":{principal},"#), 1)
        });
        let named = named.collect::<Vec<_>>().join(",");
        let ask = ask.identity(&own.join(",")).on_resource(&named);
        let across = ask.clone().owned_by(OTHER).verdict();
        prop_assert!(across != ALLOWED || ask.owned_by(OWN).verdict() == ALLOWED);
    }

    #[test]
    fn not_elements_are_complements(ask in request(), names in names(&["s3:Get*", "ec2:*", "*"])) {
        let with = |element: &str| {
            is_allowed(&ask, &[format!(
                r#"{{"Effect":"Allow","{element}":{names},"Resource":"*"}}"#
            )])
        };
        prop_assert_ne!(with("Action"), with("NotAction"));
    }

    #[test]
    fn if_exists_is_weaker_and_only_for_missing_keys(
        ask in request(), name in operator(), values in names(&["a", "b*", ""]),
    ) {
        let plain = name.trim_end_matches("IfExists");
        let strict = holds(&ask, plain, &values);
        let lenient = holds(&ask, &format!("{plain}IfExists"), &values);
        prop_assert!(lenient || !strict);
        let exists = holds(&ask, "Null", r#""false""#);
        prop_assert_eq!(lenient, if exists { strict } else { true });
    }

    #[test]
    fn set_operators_are_inclusion_and_intersection(
        asked in proptest::collection::vec(select(vec!["a", "b", "c", "d"]), 0..4),
        listed in proptest::collection::vec(select(vec!["a", "b", "c"]), 1..4),
    ) {
        let ask = Ask::new(&user(OWN, "bob"), "s3:GetObject", "*").key("x:key", &asked);
        let list = format!("{listed:?}");
        let inside = |value: &&str| listed.contains(value);
        let check = |operator: &str| holds(&ask, operator, &list);
        prop_assert_eq!(check("ForAllValues:StringEquals"), asked.iter().all(inside));
        prop_assert_eq!(check("ForAnyValue:StringEquals"), asked.iter().any(inside));
        prop_assert_eq!(check("ForAllValues:StringNotEquals"), !asked.iter().any(inside));
        prop_assert_eq!(check("ForAnyValue:StringNotEquals"), !asked.iter().all(inside));
    }

    #[test]
    fn negated_operators_are_negations(
        ask in request(), values in names(&["a", "b*", "bob"]),
        pair in select(vec![
            ("StringEquals", "StringNotEquals"), ("StringLike", "StringNotLike"),
            ("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"),
            ("ArnEquals", "ArnNotEquals"), ("IpAddress", "NotIpAddress"),
        ]),
    ) {
        prop_assert_ne!(holds(&ask, pair.0, &values), holds(&ask, pair.1, &values));
    }

    #[test]
    fn a_document_printed_and_read_again_is_the_same(own in statements()) {
        let document = parse(&own.join(","), Kind::Managed);
        let again = Document::parse(&document.to_json(), Kind::Managed).expect("own print");
        prop_assert_eq!(again.to_json(), document.to_json());
    }

    #[test]
    fn no_text_is_too_odd(text in ".{0,200}", inner in r#"[\[\]{}",:a-zA-Z0-9*${}\\ ]{0,80}"#) {
        for kind in [Kind::Managed, Kind::Inline, Kind::Session, Kind::Resource, Kind::Trust] {
            let _ = Document::parse(&text, kind);
            let wrapped = format!(r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Action":"*","Principal":"*","Resource":{inner}}}]}}"#);
            let _ = Document::parse(&wrapped, kind);
        }
    }
}
