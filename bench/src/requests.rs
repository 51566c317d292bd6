//! Signed GetCallerIdentity against a bare hyper server, by turns.

use std::io;

use aws::Clock;

use crate::Tree;
use crate::load::{self, Load};
use crate::process::{Key, Server};
use crate::report::{Aim, Report, median};

const ROUNDS: usize = 5;
const REQUESTS: u32 = 20_000;
const CONNECTIONS: [u32; 3] = [1, 8, 64];

struct Measured {
    per_second: Vec<f64>,
    cpu_us: Vec<f64>,
}

pub fn measure(tree: &Tree, report: &mut Report) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let haneul = Server::haneul(tree)?;
    let bare = Server::bare()?;
    runtime.block_on(async {
        let key = haneul.first_answer().await?;
        for connections in CONNECTIONS {
            let load = Load { connections, requests_per_connection: REQUESTS / connections };
            let mut ours = Measured { per_second: Vec::new(), cpu_us: Vec::new() };
            let mut theirs = Measured { per_second: Vec::new(), cpu_us: Vec::new() };
            for _ in 0..ROUNDS {
                theirs.add(&bare, &key, load).await?;
                ours.add(&haneul, &key, load).await?;
            }
            add_rows(report, connections, ours, theirs);
        }
        Ok(())
    })
}

impl Measured {
    async fn add(&mut self, server: &Server, key: &Key, load: Load) -> io::Result<()> {
        let before = server.cpu()?;
        let rate = load::run(server.address, key, load, Clock::system().now()).await?;
        self.per_second.push(rate.per_second);
        self.cpu_us.push((server.cpu()? - before) * 1e6 / rate.requests);
        Ok(())
    }
}

fn add_rows(report: &mut Report, connections: u32, mut ours: Measured, mut theirs: Measured) {
    let (rate, bare_rate) = (median(&mut ours.per_second), median(&mut theirs.per_second));
    let (cpu, bare_cpu) = (median(&mut ours.cpu_us), median(&mut theirs.cpu_us));
    report.row(
        format!(
            "GetCallerIdentity, {connections} connections: {rate:.0}/s against bare hyper's {bare_rate:.0}/s"
        ),
        rate / bare_rate,
        " ×",
        Aim::AtLeast(0.5),
    );
    report.row(
        format!("its CPU time an operation, bare hyper's being {bare_cpu:.1} µs"),
        cpu,
        " µs",
        Aim::None,
    );
}
