//! The real nft, in namespaces that last as long as one shell.

use std::collections::BTreeMap;
use std::process::Command;

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;

use super::{Rules, any_network};
use crate::linux::network::namespace::nft_binary;

/// Loads the scripts one after the other and says what the kernel then holds: for each set and
/// chain its lines, whatever their order where order means nothing.
fn loaded(scripts: &[String]) -> BTreeMap<String, Vec<String>> {
    let folder = tempfile::tempdir().unwrap();
    let mut shell = String::from("set -e\n");
    let nft = nft_binary().unwrap();
    for (number, script) in scripts.iter().enumerate() {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, script).unwrap();
        shell += &format!("{} -f {}\n", nft.display(), path.display());
    }
    shell += &format!("{} list ruleset\n", nft.display());
    let output = Command::new("unshare").args(["--net", "sh", "-c", &shell]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}\n{}", scripts.join("\n----\n"));
    let mut parts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut table, mut part) = (String::new(), String::new());
    for line in String::from_utf8(output.stdout).unwrap().lines() {
        if let Some(name) = line.strip_prefix("table ") {
            table = name.into();
        } else if let Some(name) = line.trim().strip_suffix(" {") {
            part = format!("{table} {name}");
            parts.entry(part.clone()).or_default();
        } else {
            let rules = parts.entry(part.clone()).or_default();
            match part.contains("chain ") {
                true => rules.push(line.trim().into()),
                false => rules.extend(
                    line.replace("elements = {", "")
                        .split(',')
                        .map(|element| element.trim_matches([' ', '\t', '}']).to_owned()),
                ),
            }
        }
    }
    for (name, lines) in &mut parts {
        lines.retain(|line| !line.is_empty() && line != "}");
        if !name.contains("chain ") {
            lines.sort();
        }
    }
    parts
}

#[test]
fn a_change_comes_to_the_same_as_the_whole() {
    if !rustix::process::geteuid().is_root() || nft_binary().is_none() {
        eprintln!("SKIPPED a_change_comes_to_the_same_as_the_whole: it needs root and nft");
        return;
    }
    let mut runner = TestRunner::deterministic();
    let mut any = || Rules::of(&any_network().new_tree(&mut runner).unwrap().current()).unwrap();
    let mut old = any();
    for _ in 0..12 {
        let new = any();
        let changed = loaded(&[old.whole(), new.since(&old)]);
        assert!(changed.len() > 20);
        assert_eq!(changed, loaded(&[new.whole()]));
        old = new;
    }
}
