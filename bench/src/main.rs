//! `make bench`: measures the figures of bench/README.md and writes bench/RESULTS.md.
//!
//! Needs the release build of the workspace's binaries and examples beside it. With arguments,
//! only the named groups are measured: `start`, `requests`, `stores`, `s3`,
//! `s3-memory`, `s3-keys`, `build`, `generated`. `--keys N` fills S3's large bucket with so many
//! objects; `--only "GET 1 MiB"` measures only these loads of group `s3`.

mod bare;
mod build;
mod load;
mod process;
mod report;
mod requests;
mod s3;
mod start;
mod stores;

use std::io;
use std::path::{Path, PathBuf};

use report::Report;

/// Where things are: this repository and the release binaries beside our own.
pub struct Tree {
    pub root: PathBuf,
    pub binaries: PathBuf,
    /// How many objects are in S3's large bucket.
    pub keys: u32,
    /// Of S3's objects, only loads whose name has this.
    pub only: String,
}

const KEYS: u32 = 1_000_000;

type Measure = fn(&Tree, &mut Report) -> io::Result<()>;

const GROUPS: [(&str, Measure); 8] = [
    ("start", start::measure),
    ("requests", requests::measure),
    ("stores", stores::measure),
    ("s3", s3::measure_objects),
    ("s3-memory", s3::measure_memory),
    ("s3-keys", s3::measure_many),
    ("generated", build::measure_generated),
    ("build", build::measure_clean),
];

fn main() -> io::Result<()> {
    let mut wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted == ["bare-server"] {
        return bare::serve();
    }
    let keys = keys(&mut wanted)?;
    let only = option(&mut wanted, "--only").unwrap_or_default();
    if let Some(unknown) = wanted.iter().find(|name| GROUPS.iter().all(|(group, _)| group != name))
    {
        return Err(io::Error::other(format!("{unknown}: no such group of figures")));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in the workspace");
    let binaries = std::env::current_exe()?.parent().expect("a file has a folder").to_path_buf();
    let tree = Tree { root: root.to_path_buf(), binaries, keys, only };
    let mut report = Report::default();
    for (group, measure) in GROUPS {
        if wanted.is_empty() || wanted.iter().any(|name| name == group) {
            eprintln!("measuring: {group}");
            measure(&tree, &mut report)?;
        }
    }
    let text = report.text();
    println!("{text}");
    if wanted.is_empty() {
        std::fs::write(tree.root.join("bench/RESULTS.md"), text)?;
    }
    Ok(())
}

/// Takes `--keys N` out of the arguments.
fn keys(arguments: &mut Vec<String>) -> io::Result<u32> {
    let Some(number) = option(arguments, "--keys") else { return Ok(KEYS) };
    number.parse().map_err(|_| io::Error::other("--keys wants a number"))
}

/// Takes an option and its value out of the arguments; nothing is no value.
fn option(arguments: &mut Vec<String>, name: &str) -> Option<String> {
    let at = arguments.iter().position(|argument| argument == name)?;
    let given: Vec<String> = arguments.drain(at..arguments.len().min(at + 2)).collect();
    Some(given.get(1).cloned().unwrap_or_default())
}
