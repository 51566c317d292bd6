//! Events in, lines out.

use std::io::Write;
use std::sync::{Arc, Mutex};

use aws::Timestamp;

use super::*;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written of `events`, chosen as by `HANEUL_LOG`.
fn logged(form: Form, chosen: &str, events: impl FnOnce()) -> String {
    let sink = Sink::default();
    let lines = Arc::new(Lines::new(sink.clone()));
    let wall = Arc::new(Clock::manual(Timestamp::from_millis(1_795_344_053_007)));
    let filter = chosen.parse().expect("well formed");
    tracing::subscriber::with_default(Log { filter, form, wall, lines: lines.clone() }, events);
    lines.flush();
    let written = sink.0.lock().expect("no panic").clone();
    String::from_utf8(written).expect("text")
}

fn answered() {
    let mut line = RequestLine::new("7f0e".into());
    line.account = Some("000000000001".into());
    line.principal = Some("arn:aws:iam::000000000001:user/가\"\n".into());
    line.service = "sts".into();
    line.action = "GetCallerIdentity".into();
    line.decision = "allowed";
    line.status = 200;
}

#[test]
fn a_request_is_one_line_with_all_that_is_known_of_it() {
    let human = logged(Form::Human, "info", answered);
    let (known, latency) = human.split_once(" latency_us=").expect("it is there");
    assert_eq!(
        known,
        "2026-11-22T10:40:53.007Z  INFO answered request_id=\"7f0e\" account=\"000000000001\" \
         principal=\"arn:aws:iam::000000000001:user/가\\\"\\n\" service=\"sts\" \
         action=\"GetCallerIdentity\" decision=\"allowed\" status=200"
    );
    assert!(latency.trim_end().parse::<u64>().is_ok(), "{latency}");

    let json = logged(Form::Json, "info", answered);
    assert_eq!(json.matches('\n').count(), 1);
    let mut json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(json["latency_us"].take().is_u64());
    assert_eq!(
        json,
        serde_json::json!({
            "timestamp": "2026-11-22T10:40:53.007Z",
            "level": "INFO",
            "message": "answered",
            "request_id": "7f0e",
            "account": "000000000001",
            "principal": "arn:aws:iam::000000000001:user/가\"\n",
            "service": "sts",
            "action": "GetCallerIdentity",
            "decision": "allowed",
            "status": 200,
            "latency_us": null,
            "target": "haneul::request",
        })
    );
}

#[test]
fn an_event_cannot_forge_a_line_or_command_a_terminal() {
    let event = || {
        let error = io::Error::other("no\n2026 \x1b[2J");
        tracing::warn!(%error, at = ?[1, 2], left = -1, ok = true, "one {}", "\ntwo");
    };
    let check = |form, expected: &str| assert_eq!(logged(form, "info", event), expected);
    check(
        Form::Human,
        "2026-11-22T10:40:53.007Z  WARN one \\ntwo error=no\\n2026 \\u{1b}[2J at=[1, 2] left=-1 ok=true\n",
    );
    check(
        Form::Coloured,
        "2026-11-22T10:40:53.007Z \x1b[33m WARN\x1b[0m one \\ntwo error=no\\n2026 \\u{1b}[2J at=[1, 2] left=-1 ok=true\n",
    );
    let json = logged(Form::Json, "info", event);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(json["error"], "no\n2026 \x1b[2J");
    assert_eq!((&json["left"], &json["ok"]), (&(-1).into(), &true.into()));
}

#[test]
fn an_error_is_said_with_its_sources() {
    let event = || {
        let error = std::fmt::Error;
        let error = io::Error::other(error);
        let outer = aws::Error::internal(error);
        tracing::error!(error = &outer as &dyn std::error::Error, "failed");
    };
    let line = logged(Form::Human, "info", event);
    assert!(line.ends_with(": an error occurred when formatting an argument\n"), "{line}");
}

#[test]
fn what_is_logged_is_chosen_by_target_and_level() {
    let check = |chosen: &str, expected: usize| {
        let lines = logged(Form::Human, chosen, || {
            answered();
            tracing::debug!("a");
            tracing::error!("b");
        });
        assert_eq!(lines.lines().count(), expected, "{chosen}");
    };
    check("info", 2);
    check("debug", 3);
    check("error", 1);
    check("info,haneul::request=off", 1);
    check("off,haneul::request=info", 1);
    check("off", 0);
}
