use std::collections::BTreeMap;

use serde_json::json;

use super::{Crate, Kind, Tree, check_file, crates_of, run};

const OF_ONE_CRATE: [(&str, &str); 3] = [
    ("ARCHITECTURE.md", "- `crates/aws`: speaks AWS\n"),
    ("README.md", "# haneul\n## Start\n"),
    ("README.ko.md", "# haneul\n## 시작\n"),
];

fn tree(files: &[(&str, &str)], crates: Vec<Crate>) -> Tree {
    let files: BTreeMap<String, String> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    Tree { files, crates }
}

fn named(name: &str, uses: &[(&str, Kind)]) -> Crate {
    Crate {
        name: name.into(),
        folder: format!("crates/{name}"),
        uses: uses.iter().map(|(to, kind)| ((*to).into(), *kind)).collect(),
    }
}

fn check_tree(extra: &[(&str, &str)], expected: &[&str]) {
    let files: Vec<_> = OF_ONE_CRATE.iter().chain(extra).copied().collect();
    let tree = tree(&files, vec![named("aws", &[])]);
    let mut problems = Vec::new();
    tree.arrows(&mut problems);
    tree.architecture(&mut problems);
    tree.decisions(&mut problems);
    tree.readmes(&mut problems);
    assert_eq!(problems, expected);
}

fn check_arrow(from: &str, to: &str, kind: Kind, expected: &[&str]) {
    let mut problems = Vec::new();
    tree(&[], vec![named(from, &[(to, kind)])]).arrows(&mut problems);
    assert_eq!(problems, expected, "{from} -> {to}");
}

fn check_text(path: &str, text: &str, expected: &[&str]) {
    let mut problems = Vec::new();
    check_file(path, text, &mut problems);
    assert_eq!(problems, expected);
}

#[test]
fn arrows_point_down() {
    for (from, to) in [
        ("state", "journal"),
        ("iam", "state"),
        ("ec2", "host"),
        ("s3", "objects"),
        ("haneul", "iam"),
        ("testkit", "haneul"),
        ("bench", "aws"),
    ] {
        check_arrow(from, to, Kind::Normal, &[]);
    }
    check_arrow("iam", "codegen", Kind::Build, &[]);
    check_arrow("state", "host", Kind::Development, &[]);
}

#[test]
fn arrows_up_and_across_are_named() {
    check_arrow("iam", "s3", Kind::Normal, &["crates/iam/Cargo.toml: iam may not depend on s3"]);
    check_arrow("aws", "iam", Kind::Normal, &["crates/aws/Cargo.toml: aws may not depend on iam"]);
    check_arrow(
        "rds",
        "journal",
        Kind::Normal,
        &["crates/rds/Cargo.toml: rds may not depend on journal"],
    );
    check_arrow(
        "state",
        "iam",
        Kind::Development,
        &["crates/state/Cargo.toml: state may not dev-depend on iam"],
    );
    check_arrow(
        "state",
        "host",
        Kind::Normal,
        &["crates/state/Cargo.toml: state may not depend on host"],
    );
    check_arrow(
        "iam",
        "codegen",
        Kind::Normal,
        &["crates/iam/Cargo.toml: iam may not depend on codegen"],
    );
    check_arrow(
        "journal",
        "codegen",
        Kind::Build,
        &["crates/journal/Cargo.toml: journal may not build-depend on codegen"],
    );
    check_arrow(
        "common",
        "aws",
        Kind::Normal,
        &[
            "crates/common: crate common has no place: say in xtask/src/tidy.rs what it may depend on",
        ],
    );
}

#[test]
fn documents_match_the_tree() {
    check_tree(&[], &[]);
    check_tree(&[("ARCHITECTURE.md", "nothing")], &["ARCHITECTURE.md: does not name `crates/aws`"]);
    check_tree(
        &[("ARCHITECTURE.md", "`crates/aws` and `crates/gone`")],
        &["ARCHITECTURE.md: names crates/gone, which is gone"],
    );
    let long = format!("`crates/aws`\n{}", "line\n".repeat(299));
    check_tree(&[("ARCHITECTURE.md", &long)], &["ARCHITECTURE.md: 300 lines; it stays under 300"]);
}

#[test]
fn decisions_are_listed() {
    let page = ("docs/0001-one-journal.md", "# One journal");
    check_tree(&[page, ("docs/README.md", "- [One journal](0001-one-journal.md)")], &[]);
    check_tree(
        &[page, ("docs/README.md", "# Decisions")],
        &["docs/README.md: does not list 0001-one-journal.md"],
    );
    check_tree(
        &[("docs/README.md", "[Lost](0002-lost.md) [map](../ARCHITECTURE.md)")],
        &["docs/README.md: lists 0002-lost.md, which is gone"],
    );
}

#[test]
fn both_readmes_have_the_same_outline() {
    check_tree(&[("README.ko.md", "# haneul\n## 시작\n```\n# not a heading\n```\n")], &[]);
    check_tree(
        &[("README.ko.md", "# haneul\n")],
        &["README.ko.md: its headings are not those of README.md, one for one"],
    );
}

#[test]
fn banned_words_are_found_where_they_stand() {
    check_text("docs/a.md", "fine\n", &[]);
    let host = ["static.crates", ".io"].concat();
    check_text(
        "docs/a.md",
        &format!("fine\nsee {host}\n"),
        &[&format!("docs/a.md:2: {host}: a registry's host")],
    );
    let later = ["TO", "DO"].concat();
    check_text("docs/a.md", &later, &[]);
    check_text(
        "a.rs",
        &format!("// {later}: later"),
        &[&format!("a.rs:1: {later}: do it, or write an issue")],
    );
    check_text("a.rs", &"\n".repeat(800), &[]);
    check_text("a.py", &"\n".repeat(801), &["a.py: 801 lines, over 800: does it hold two nouns?"]);
    check_text("models/a.json", &"\n".repeat(801), &[]);
}

#[test]
fn metadata_is_read() {
    let metadata = json!({
        "workspace_root": "/tree",
        "packages": [{
            "name": "iam",
            "manifest_path": "/tree/crates/iam/Cargo.toml",
            "dependencies": [
                {"name": "aws", "kind": null, "path": "/tree/crates/aws"},
                {"name": "codegen", "kind": "build", "path": "/tree/crates/codegen"},
                {"name": "serde", "kind": null},
            ],
        }],
    });
    let crates = crates_of(&metadata).expect("of the known form");
    assert_eq!(crates[0].folder, "crates/iam");
    let uses: Vec<&str> = crates[0].uses.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(uses, ["aws", "codegen"]);
    assert!(crates[0].uses[1].1 == Kind::Build);
}

#[test]
fn this_tree_is_tidy() {
    assert_eq!(run(), Ok(()));
}
