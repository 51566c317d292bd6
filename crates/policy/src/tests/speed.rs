//! Not a benchmark: the number is printed for whoever asks with `--nocapture`.

use super::*;

#[test]
fn a_typical_decision_is_repeatable_and_cheap() {
    let statements: Vec<String> = (0..40)
        .map(|n| format!(r#"{{"Effect":"Allow","Action":["svc{n}:Get*","svc{n}:List*"],"Resource":"arn:aws:svc{n}:*:*:thing/${{aws:username}}/*"}}"#))
        .collect();
    let ask =
        Ask::new(&user(OWN, "bob"), "svc39:GetThing", "arn:aws:svc39:eu-west-1:1:thing/bob/x")
            .identity(&statements.join(","));
    let rounds = 2_000;
    let started = std::time::Instant::now();
    for _ in 0..rounds {
        assert_eq!(ask.verdict(), ALLOWED);
    }
    eprintln!("{:?} for 40 statements", started.elapsed() / rounds);
}
