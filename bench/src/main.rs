//! `make bench`: measures the figures of bench/README.md and writes bench/RESULTS.md.
//!
//! Needs the release build of the workspace's binaries and examples beside it. With arguments,
//! only the named groups are measured: `start`, `requests`, `stores`, `build`, `generated`.

mod bare;
mod build;
mod load;
mod process;
mod report;
mod requests;
mod start;
mod stores;

use std::io;
use std::path::{Path, PathBuf};

use report::Report;

/// Where things are: this repository and the release binaries beside our own.
pub struct Tree {
    pub root: PathBuf,
    pub binaries: PathBuf,
}

type Measure = fn(&Tree, &mut Report) -> io::Result<()>;

const GROUPS: [(&str, Measure); 5] = [
    ("start", start::measure),
    ("requests", requests::measure),
    ("stores", stores::measure),
    ("generated", build::measure_generated),
    ("build", build::measure_clean),
];

fn main() -> io::Result<()> {
    let wanted: Vec<String> = std::env::args().skip(1).collect();
    if wanted == ["bare-server"] {
        return bare::serve();
    }
    if let Some(unknown) = wanted.iter().find(|name| GROUPS.iter().all(|(group, _)| group != name))
    {
        return Err(io::Error::other(format!("{unknown}: no such group of figures")));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("bench is in the workspace");
    let binaries = std::env::current_exe()?.parent().expect("a file has a folder").to_path_buf();
    let tree = Tree { root: root.to_path_buf(), binaries };
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
