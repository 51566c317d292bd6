//! The journal's and the state's own measurements, which are examples of their crates.

use std::io;
use std::process::Command;

use crate::Tree;
use crate::report::Report;

const EXAMPLES: [&str; 2] = ["commit_rate", "txn_rate"];

pub fn measure(tree: &Tree, report: &mut Report) -> io::Result<()> {
    for example in EXAMPLES {
        let done = Command::new(tree.binaries.join("examples").join(example))
            .current_dir(&tree.root)
            .output()
            .map_err(|error| io::Error::other(format!("{example}: {error}")))?;
        let text = String::from_utf8_lossy(&done.stdout).into_owned();
        if !done.status.success() {
            let reason = String::from_utf8_lossy(&done.stderr);
            return Err(io::Error::other(format!("{example}: {reason}")));
        }
        report.output(example, text);
    }
    Ok(())
}
