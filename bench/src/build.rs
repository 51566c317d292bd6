//! What the build costs: all of it from nothing, and the generated part alone.

use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Tree;
use crate::process::cpu_of_children;
use crate::report::{Aim, Report};

/// A clean debug build with all tests, in a target folder of its own that is removed again.
pub fn measure_clean(tree: &Tree, report: &mut Report) -> io::Result<()> {
    let target = tempfile::TempDir::new_in(&tree.binaries)?;
    let before = cpu_of_children()?;
    run(cargo(tree)
        .args(["build", "--quiet", "--workspace", "--lib", "--bins", "--tests", "--examples"])
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_TARGET_DIR", target.path()))?;
    let minutes = (cpu_of_children()? - before) / 60.0;
    report.row("clean debug build with tests, CPU minutes", minutes, " min", Aim::None);
    Ok(())
}

/// Compiles the generated shapes of a service and nothing else, against the debug build of
/// `aws`, as the service's own build does.
pub fn measure_generated(tree: &Tree, report: &mut Report) -> io::Result<()> {
    run(cargo(tree).args(["build", "--quiet", "--package", "iam"]))?;
    let debug = tree.root.join("target/debug");
    let files = newest_generated(&debug)?;
    let mut lines = 0_u32;
    let mut stub = String::from("#![allow(warnings)]\n");
    for file in &files {
        lines += count(std::fs::read_to_string(file)?.lines())?;
        stub += &format!("pub mod {} {{ include!({file:?}); }}\n", stem(file));
    }
    let folder = tempfile::TempDir::new_in(&tree.binaries)?;
    let source = folder.path().join("generated.rs");
    std::fs::write(&source, stub)?;
    let before = cpu_of_children()?;
    run(Command::new("rustc")
        .args(["--edition", "2024", "--crate-type", "lib", "-C", "debuginfo=line-tables-only"])
        .arg("--out-dir")
        .arg(folder.path())
        .arg(&source)
        .arg("--extern")
        .arg(format!("aws={}", newest_rlib(&debug, "libaws-")?.display()))
        .arg("-L")
        .arg(debug.join("deps")))?;
    let seconds = cpu_of_children()? - before;
    let hundreds = f64::from(operations(tree)?) / 100.0;
    let lines = f64::from(lines) / hundreds;
    report.row("generated lines for 100 operations", lines, "", Aim::AtMost(3500.0));
    let title = "their debug compilation, CPU seconds for 100 operations";
    report.row(title, seconds / hundreds, " s", Aim::AtMost(6.0));
    Ok(())
}

/// What `build.rs` of iam wrote last.
fn newest_generated(debug: &Path) -> io::Result<Vec<PathBuf>> {
    let outputs = entries(&debug.join("build"))?
        .into_iter()
        .filter(|path| stem(path).starts_with("iam-"))
        .map(|path| path.join("out"))
        .filter(|path| path.is_dir());
    let out = outputs
        .max_by_key(|path| modified(&path.join("iam_model.rs")))
        .ok_or_else(|| io::Error::other("nothing was generated for iam"))?;
    Ok(entries(&out)?
        .into_iter()
        .filter(|path| path.extension().is_some_and(|e| e == "rs"))
        .collect())
}

fn newest_rlib(debug: &Path, prefix: &str) -> io::Result<PathBuf> {
    let of_crate = |path: &PathBuf| {
        stem(path).starts_with(prefix) && path.extension().is_some_and(|kind| kind == "rlib")
    };
    entries(&debug.join("deps"))?
        .into_iter()
        .filter(of_crate)
        .max_by_key(|path| modified(path))
        .ok_or_else(|| io::Error::other(format!("no {prefix}*.rlib")))
}

/// How many operations the models of the generated services were cut to.
fn operations(tree: &Tree) -> io::Result<u32> {
    let mut operations = 0;
    for service in entries(&tree.root.join("models"))?.iter().filter(|path| path.is_dir()) {
        let list = std::fs::read_to_string(service.join("operations.txt"))?;
        let named = list.lines().map(str::trim);
        operations += count(named.filter(|line| !line.is_empty() && !line.starts_with('#')))?;
    }
    Ok(operations)
}

fn count<'a>(lines: impl Iterator<Item = &'a str>) -> io::Result<u32> {
    u32::try_from(lines.count()).map_err(io::Error::other)
}

fn cargo(tree: &Tree) -> Command {
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&tree.root);
    cargo
}

fn run(command: &mut Command) -> io::Result<()> {
    let status = command.stdin(Stdio::null()).status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other(format!("{} ended with {status}", command.get_program().display())))
    }
}

fn entries(folder: &Path) -> io::Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn modified(path: &Path) -> Option<std::time::SystemTime> {
    path.metadata().and_then(|about| about.modified()).ok()
}
