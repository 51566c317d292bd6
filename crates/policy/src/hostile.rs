//! Any bytes as a policy: what fuzzing calls, and a bounded form of it in every test run.

use aws::{AccountId, Identity, Principal};

use crate::{
    Applied, Context, DOCUMENT_BYTES_MAX, Document, Kind, Named, Request, Requester, Verdict,
    denial, evaluate,
};

const KINDS: [Kind; 5] = [Kind::Managed, Kind::Inline, Kind::Session, Kind::Resource, Kind::Trust];

/// Reads any bytes as every kind of policy, and judges requests by what can be read.
///
/// # Panics
/// When the engine does, or when a document and its own print are judged differently.
pub fn judge(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    for kind in KINDS {
        let Ok(document) = Document::parse(text, kind) else { continue };
        document.context_keys();
        let printed = document.to_json();
        if printed.len() > DOCUMENT_BYTES_MAX {
            continue;
        }
        let again = Document::parse(&printed, kind).expect("a document's own print is a document");
        assert_eq!(again.to_json(), printed);
        assert_eq!(verdicts(&document, kind), verdicts(&again, kind), "{text}");
    }
}

fn verdicts(document: &Document, kind: Kind) -> Vec<Verdict> {
    let account: AccountId = "111122223333".parse().expect("an account id");
    let user = Principal::User { id: "AIDAX".into(), path: "/".into(), name: "bob".into() };
    let bob = Identity { principal: user, ..Identity::root(account) };
    let given = [
        ("aws:username".to_owned(), vec!["bob".to_owned()]),
        ("aws:TagKeys".to_owned(), vec!["a".to_owned(), String::new()]),
        ("aws:CurrentTime".to_owned(), vec!["2026-11-22T10:00:00Z".to_owned()]),
        ("aws:SourceIp".to_owned(), vec!["203.0.113.7".to_owned()]),
    ];
    let named = [Named { name: "p", document }];
    let applied = match kind {
        Kind::Resource | Kind::Trust => Applied { resource: &named, ..Applied::default() },
        _ => Applied { identity: &named, ..Applied::default() },
    };
    let asked = [
        ("s3:GetObject", "arn:aws:s3:::b/k"),
        ("iam:GetUser", "arn:aws:iam::111122223333:user/bob"),
        ("sts:AssumeRole", "*"),
        ("", ""),
    ];
    let ask = |identity: &Identity, (action, resource): (&str, &str)| {
        let context = Context::of_values(&given);
        let request = Request::new(Requester::new(identity), action, resource, context);
        let verdict = evaluate(&applied, &request).verdict;
        assert_eq!(denial(&request, verdict).is_none(), verdict == Verdict::Allowed);
        verdict
    };
    let anonymous = Identity::anonymous();
    asked.iter().flat_map(|one| [ask(&bob, *one), ask(&anonymous, *one)]).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Documents that reach every element, to be damaged.
    const SEEDS: [&str; 3] = [
        r#"{"Version":"2012-10-17","Id":"i","Statement":[{"Sid":"S1","Effect":"Allow","Action":["s3:Get*","*"],
            "NotResource":["arn:aws:s3:::b/${aws:username, 'x'}/*","*"],"Condition":{
            "ForAllValues:StringLikeIfExists":{"aws:TagKeys":["a*","${*}"]},
            "DateLessThan":{"aws:CurrentTime":"2027-01-01T00:00:00Z"},"Null":{"x:y":true}}}]}"#,
        r#"{"Version":"2008-10-17","Statement":{"Effect":"Deny","NotAction":"iam:?etUser","Resource":
            "arn:aws:iam::*:user/b?b","NotPrincipal":{"AWS":["111122223333","AIDAX"],"Service":"a.b"},
            "Condition":{"NotIpAddress":{"aws:SourceIp":"203.0.113.0/24"},"NumericLessThan":{"a:b":5}}}}"#,
        r#"{"Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bob"},
            "Action":"sts:AssumeRole","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:*:*:*:x:\u0061"}}}]}"#,
    ];

    #[test]
    fn the_seeds_are_policies() {
        let is_policy = |seed: &&str| KINDS.iter().any(|kind| Document::parse(seed, *kind).is_ok());
        assert!(SEEDS.iter().all(is_policy));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(
            if std::env::var_os("HANEUL_SOAK").is_some() { 100_000 } else { 1_000 }
        ))]

        #[test]
        fn damaged_policies_are_read_or_refused(
            seed in 0..SEEDS.len(),
            damages in proptest::collection::vec((any::<u16>(), any::<u16>(), any::<u8>(), 0..6u8), 0..4),
        ) {
            let mut data = SEEDS[seed].as_bytes().to_vec();
            for (at, other, byte, kind) in damages {
                let at = usize::from(at) % data.len();
                let other = usize::from(other) % data.len();
                match kind {
                    0 => data[at] = byte & 0x7f,
                    1 => { data.remove(at); }
                    2 => data.insert(at, byte & 0x7f),
                    3 => data[at] = data[other],
                    4 => data.swap(at, other),
                    _ => {
                        let piece = data[at.min(other)..at.max(other)].to_vec();
                        data.splice(at..at, piece);
                    }
                }
                if data.is_empty() {
                    break;
                }
            }
            judge(&data);
        }

        #[test]
        fn any_bytes(data in proptest::collection::vec(any::<u8>(), 0..100)) {
            judge(&data);
        }
    }
}
