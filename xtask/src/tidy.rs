//! Rules about the tree that no compiler checks: who may depend on whom, documents that name
//! what exists, and text that must not be in the repository.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Looks at this repository.
///
/// # Errors
/// One line for each broken rule; or why the tree cannot be looked at.
pub fn run() -> Result<(), String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask is in the workspace");
    let problems = problems(root)?;
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

fn problems(root: &Path) -> Result<Vec<String>, String> {
    let tree = Tree { files: read_files(root)?, crates: read_crates(root)? };
    let mut problems = Vec::new();
    tree.arrows(&mut problems);
    tree.architecture(&mut problems);
    tree.decisions(&mut problems);
    tree.readmes(&mut problems);
    for (path, text) in &tree.files {
        check_file(path, text, &mut problems);
    }
    Ok(problems)
}

/// What the rules look at, apart from the disk so that tests can make one up.
struct Tree {
    /// Text of every file of our own, by path from the root with `/`.
    files: BTreeMap<String, String>,
    crates: Vec<Crate>,
}

struct Crate {
    name: String,
    /// Its folder, from the root.
    folder: String,
    /// Crates of this workspace that it names, with the kind of dependency.
    uses: Vec<(String, Kind)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Normal,
    Build,
    Development,
}

/// The crates that stand for one AWS service each. Siblings: none uses another.
const SERVICES: [&str; 15] = [
    "iam",
    "s3",
    "ec2",
    "autoscaling",
    "elbv2",
    "rds",
    "cloudfront",
    "route53",
    "acm",
    "cloudwatch",
    "logs",
    "ssm",
    "secretsmanager",
    "kms",
    "ce",
];

/// The foundation: everything that is neither a service nor stands on one.
const FOUNDATION: [&str; 8] =
    ["aws", "policy", "journal", "state", "objects", "host", "edge", "dns"];

/// Who may depend on whom; `None` for a crate that nobody has placed yet.
fn may_use(from: &str, to: &str, kind: Kind) -> Option<bool> {
    let service = |name: &str| SERVICES.contains(&name);
    let foundation = |name: &str| FOUNDATION.contains(&name);
    Some(match from {
        // What tests put under haneul knows nothing of it.
        "codegen" | "journal" | "lazydisk" | "guest" => false,
        "objects" => to == "journal",
        // Generated shapes of a made-up model prove the runtime that they run on.
        "aws" => to == "codegen" && kind != Kind::Normal,
        // Its reconcilers' crash loop is tried on the fake host.
        "state" => ["aws", "journal"].contains(&to) || (to == "host" && kind == Kind::Development),
        "policy" | "host" | "edge" | "dns" => to == "aws",
        "console" => ["aws", "state"].contains(&to),
        "haneul" => foundation(to) || service(to) || ["console", "guest"].contains(&to),
        "testkit" => foundation(to) || service(to) || ["console", "guest", "haneul"].contains(&to),
        // It measures what users run and the machine beside it.
        "bench" => foundation(to),
        "xtask" => to == "codegen",
        "s3" if to == "objects" => true,
        name if service(name) => {
            (to == "codegen" && kind == Kind::Build)
                || (foundation(to) && !["journal", "objects"].contains(&to))
        }
        _ => return None,
    })
}

const ARCHITECTURE_LINES_MAX: usize = 300;
/// A file past this holds two nouns; the aim is 500.
const SOURCE_LINES_MAX: usize = 800;

impl Tree {
    fn arrows(&self, problems: &mut Vec<String>) {
        for from in &self.crates {
            if may_use(&from.name, "", Kind::Normal).is_none() {
                problems.push(format!(
                    "{}: crate {} has no place: say in xtask/src/tidy.rs what it may depend on",
                    from.folder, from.name
                ));
                continue;
            }
            for (to, kind) in &from.uses {
                if may_use(&from.name, to, *kind) != Some(true) {
                    let kind = match kind {
                        Kind::Normal => "depend on",
                        Kind::Build => "build-depend on",
                        Kind::Development => "dev-depend on",
                    };
                    problems.push(format!(
                        "{}/Cargo.toml: {} may not {kind} {to}",
                        from.folder, from.name
                    ));
                }
            }
        }
    }

    /// ARCHITECTURE.md names every crate's folder, and none that is gone.
    fn architecture(&self, problems: &mut Vec<String>) {
        let Some(text) = self.files.get("ARCHITECTURE.md") else {
            problems.push("ARCHITECTURE.md: missing".into());
            return;
        };
        let there: BTreeSet<&str> = self.crates.iter().map(|one| one.folder.as_str()).collect();
        let named: BTreeSet<String> = folders_named(text);
        for folder in &there {
            let quoted = format!("`{folder}`");
            if !text.contains(&quoted) {
                problems.push(format!("ARCHITECTURE.md: does not name {quoted}"));
            }
        }
        for folder in &named {
            if !there.contains(folder.as_str()) {
                problems.push(format!("ARCHITECTURE.md: names {folder}, which is gone"));
            }
        }
        let lines = text.lines().count();
        if lines >= ARCHITECTURE_LINES_MAX {
            problems.push(format!(
                "ARCHITECTURE.md: {lines} lines; it stays under {ARCHITECTURE_LINES_MAX}"
            ));
        }
    }

    /// docs/README.md is the index of the numbered pages.
    fn decisions(&self, problems: &mut Vec<String>) {
        let index = self.files.get("docs/README.md").map_or("", String::as_str);
        let pages = || {
            self.files
                .keys()
                .filter_map(|path| path.strip_prefix("docs/"))
                .filter(|page| page.starts_with(|first: char| first.is_ascii_digit()))
        };
        for page in pages() {
            if !index.contains(&format!("]({page})")) {
                problems.push(format!("docs/README.md: does not list {page}"));
            }
        }
        for link in links(index).filter(|link| !link.contains("://") && !link.starts_with('#')) {
            if !self.files.contains_key(&format!("docs/{link}"))
                && !link.strip_prefix("../").is_some_and(|path| self.files.contains_key(path))
            {
                problems.push(format!("docs/README.md: lists {link}, which is gone"));
            }
        }
    }

    /// The Korean README says what the English one says: section by section.
    fn readmes(&self, problems: &mut Vec<String>) {
        let outline = |path: &str| self.files.get(path).map(|text| heading_levels(text));
        match (outline("README.md"), outline("README.ko.md")) {
            (Some(english), Some(korean)) if english != korean => problems
                .push("README.ko.md: its headings are not those of README.md, one for one".into()),
            (Some(_), Some(_)) => {}
            _ => problems.push("README.md or README.ko.md: missing".into()),
        }
    }
}

/// Every `crates/NAME` in the text.
fn folders_named(text: &str) -> BTreeSet<String> {
    text.match_indices("crates/")
        .map(|(at, prefix)| {
            let name: String = text[at + prefix.len()..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_' || *c == '-')
                .collect();
            format!("{prefix}{name}")
        })
        .collect()
}

/// Targets of Markdown links, without their anchors.
fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next())
}

/// Levels of the headings in order, those in code blocks left out.
fn heading_levels(text: &str) -> Vec<usize> {
    let mut in_code = false;
    let mut levels = Vec::new();
    for line in text.lines() {
        if line.starts_with("```") {
            in_code = !in_code;
        } else if !in_code && line.starts_with('#') {
            levels.push(line.chars().take_while(|c| *c == '#').count());
        }
    }
    levels
}

/// Words that may not stand in the repository, each with what is wrong with it. Written in
/// two halves so that this file passes.
const BANNED: [(&str, &str, &str); 13] = [
    ("static.crates", ".io", "a registry's host"),
    ("index.crates", ".io", "a registry's host"),
    ("pypi.org/", "simple", "a registry's host"),
    ("files.python", "hosted.org", "a registry's host"),
    ("deb.debian", ".org", "a registry's host"),
    ("registry.npm", "js.org", "a registry's host"),
    ("proxy.golang", ".org", "a registry's host"),
    ("/work/", "shared", "a path of one machine"),
    ("/work/", "wt", "a path of one machine"),
    ("/work/", "main", "a path of one machine"),
    ("/root/", ".", "a path of one machine"),
    ("/opt/", "tf-plugins", "a path of one machine"),
    ("/home/", "user", "a path of one machine"),
];

/// Words that may not stand in our own source.
const BANNED_IN_SOURCE: [(&str, &str, &str); 6] = [
    ("#[ign", "ore", "assert today's behaviour and say it is wrong"),
    ("pytest.mark.sk", "ip", "assert today's behaviour and say it is wrong"),
    ("pytest.mark.x", "fail", "assert today's behaviour and say it is wrong"),
    ("TO", "DO", "do it, or write an issue"),
    ("FIX", "ME", "do it, or write an issue"),
    ("todo", "!(", "do it, or write an issue"),
];

fn check_file(path: &str, text: &str, problems: &mut Vec<String>) {
    let source = path.ends_with(".rs") || path.ends_with(".py");
    let in_source = BANNED_IN_SOURCE.iter().filter(|_| source);
    for (head, tail, why) in BANNED.iter().chain(in_source) {
        let word = format!("{head}{tail}");
        for (number, line) in (1..).zip(text.lines()) {
            if line.contains(&word) {
                problems.push(format!("{path}:{number}: {word}: {why}"));
            }
        }
    }
    let lines = text.lines().count();
    if source && lines > SOURCE_LINES_MAX {
        problems.push(format!(
            "{path}: {lines} lines, over {SOURCE_LINES_MAX}: does it hold two nouns?"
        ));
    }
}

/// Folders that hold nothing of our own: built, fetched or made at run time.
const FOREIGN_FOLDERS: [&str; 9] = [
    ".git",
    "target",
    ".venv",
    ".cache",
    ".haneul",
    ".pytest_cache",
    "__pycache__",
    "corpus",
    "models",
];

fn read_files(root: &Path) -> Result<BTreeMap<String, String>, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries =
            std::fs::read_dir(&folder).map_err(|e| format!("{}: {e}", folder.display()))?;
        for entry in entries {
            let path = entry.map_err(|e| format!("{}: {e}", folder.display()))?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            // A worktree's .git is a file that names its machine's folders.
            if FOREIGN_FOLDERS.contains(&name) || name == "Cargo.lock" || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                let inside = path.strip_prefix(root).expect("found below the root");
                files.insert(inside.to_string_lossy().into_owned(), text);
            }
        }
    }
    Ok(files)
}

fn read_crates(root: &Path) -> Result<Vec<Crate>, String> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .map_err(|e| format!("cargo metadata: {e}"))?;
    if !output.status.success() {
        return Err(format!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr)));
    }
    let metadata: Value =
        serde_json::from_slice(&output.stdout).map_err(|e| format!("cargo metadata: {e}"))?;
    crates_of(&metadata).ok_or_else(|| "cargo metadata: not of the form we know".into())
}

fn crates_of(metadata: &Value) -> Option<Vec<Crate>> {
    let root = metadata["workspace_root"].as_str()?;
    let packages = metadata["packages"].as_array()?;
    packages
        .iter()
        .map(|package| {
            let manifest = package["manifest_path"].as_str()?;
            let folder = manifest.strip_prefix(root)?.strip_suffix("/Cargo.toml")?;
            let uses = package["dependencies"]
                .as_array()?
                .iter()
                // Only a dependency on a crate of this tree has a path.
                .filter(|dependency| dependency["path"].is_string())
                .map(|dependency| {
                    let kind = match dependency["kind"].as_str() {
                        None => Kind::Normal,
                        Some("build") => Kind::Build,
                        Some(_) => Kind::Development,
                    };
                    Some((dependency["name"].as_str()?.to_owned(), kind))
                })
                .collect::<Option<_>>()?;
            Some(Crate {
                name: package["name"].as_str()?.to_owned(),
                folder: folder.trim_start_matches('/').to_owned(),
                uses,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests;
