//! Every operation at least once: the bytes of a request in, the bytes of its answer out.
//!
//! `wire.txt` is one conversation with a new region. A line `> BODY` is a request of the root
//! user, `>> BODY` one of the user whose key was made last, and the line under it the status
//! and body of its answer. Ids, keys and tokens come from the seed. With `HANEUL_BLESS=1` the
//! answers are written anew; read the difference.

use std::collections::BTreeSet;

use super::region::{Region, text};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/tests/wire.txt");

#[tokio::test]
async fn every_operation_answers_as_written() {
    let file = std::fs::read_to_string(FILE).expect("wire.txt is there");
    let region = Region::new().await;
    let mut missing: BTreeSet<&str> = region.operations().collect();
    let mut written = String::new();
    let mut user = region.root().clone();
    for line in file.lines().filter(|line| line.starts_with('>')) {
        let (by, request) = line.split_once(' ').expect("> BODY");
        let call = if by == ">" { region.root() } else { &user };
        let (status, body) = region.send(call, request).await;
        let operation = request.split(['=', '&']).nth(1).expect("Action=…");
        if operation == "CreateAccessKey" {
            user = region.signed(text(&body, "AccessKeyId"), None).await;
        }
        missing.remove(operation);
        written.push_str(&format!("{line}\n{status} {body}\n"));
    }
    if std::env::var_os("HANEUL_BLESS").is_some() {
        std::fs::write(FILE, &written).expect("written");
    }
    for (found, expected) in written.lines().zip(file.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(written, file);
    assert_eq!(missing, BTreeSet::new(), "operations without a row");
}
