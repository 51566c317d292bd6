//! From nothing to the first signed answer; memory; size.

use std::io;
use std::time::{Duration, Instant};

use crate::Tree;
use crate::process::{Server, file_mb};
use crate::report::{Aim, Report, median};

const STARTS: usize = 20;
/// What is done once after the first answer has then been done.
const SETTLE: Duration = Duration::from_secs(2);

pub fn measure(tree: &Tree, report: &mut Report) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut starts_ms = Vec::new();
    let mut resident_mib = Vec::new();
    for start in 0..STARTS {
        let begin = Instant::now();
        let server = Server::haneul(tree)?;
        runtime.block_on(server.first_answer())?;
        starts_ms.push(begin.elapsed().as_secs_f64() * 1e3);
        if start < 3 {
            runtime.block_on(async { tokio::time::sleep(SETTLE).await });
            resident_mib.push(server.resident_mib()?);
        }
    }
    let title = format!("empty folder to first signed answer, median of {STARTS}");
    report.row(title, median(&mut starts_ms), " ms", Aim::AtMost(50.0));
    report.row("idle resident memory", median(&mut resident_mib), " MiB", Aim::AtMost(25.0));
    let size = file_mb(&tree.binaries.join("haneul"))?;
    report.row("stripped binary", size, " MB", Aim::AtMost(40.0));
    Ok(())
}
