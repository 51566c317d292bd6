//! PUT and GET of objects of three sizes: haneul and its peers by turns.

use std::fmt::Write as _;
use std::io;
use std::time::Duration;

use http::Method;

use super::client::{self, Endpoint, Request};
use super::peer::Peer;
use super::{create_bucket, endpoint};
use crate::Tree;
use crate::process::Server;
use crate::report::{Aim, Report, median};

const ROUNDS: usize = 3;
const TIME: Duration = Duration::from_millis(1500);
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
pub const LARGE_BYTES: usize = 64 * MIB;
pub const LARGE_KEYS: usize = 4;
const SIZES: [Size; 3] = [
    Size { name: "1 KiB", bytes: KIB, keys: 256 },
    Size { name: "1 MiB", bytes: MIB, keys: 32 },
    Size { name: "64 MiB", bytes: LARGE_BYTES, keys: LARGE_KEYS },
];
const CONNECTIONS: [usize; 3] = [1, 4, 16];

struct Size {
    name: &'static str,
    bytes: usize,
    keys: usize,
}

/// One kind of load. Large ones come from fewer connections, or a round would take minutes.
struct Cell {
    method: Method,
    size: &'static Size,
    connections: usize,
}

struct Contender<'a> {
    name: &'a str,
    server: &'a Server,
    endpoint: &'a Endpoint,
    takes_puts: bool,
}

/// What a cell measured of one server, by rounds.
#[derive(Default)]
struct Measured {
    per_second: Vec<f64>,
    cpu_ms: Vec<f64>,
    failed: bool,
}

/// Medians of the rounds.
#[derive(Clone, Copy)]
struct Figures {
    per_second: f64,
    cpu_ms: f64,
}

pub async fn measure(tree: &Tree, report: &mut Report) -> io::Result<()> {
    let haneul = Server::haneul(tree)?;
    let own = endpoint(&haneul).await?;
    create_bucket(&own).await?;
    let (peers, absent) = Peer::start_all(tree).await?;
    let ours = Contender { name: "haneul", server: &haneul, endpoint: &own, takes_puts: true };
    let contenders: Vec<_> = std::iter::once(ours).chain(peers.iter().map(contender)).collect();
    for contender in contenders.iter().filter(|contender| contender.takes_puts) {
        for size in &SIZES {
            let all = Request::objects(contender.endpoint, &Method::PUT, size.bytes, size.keys);
            client::each(contender.endpoint, &all).await.map_err(|why| contender.failed(&why))?;
        }
    }
    let mut table = header(&peers, &absent);
    for cell in cells().into_iter().filter(|cell| cell.name().contains(&tree.only)) {
        eprintln!("  {}", cell.name());
        let figures = cell.measure(&contenders).await?;
        add_line(&mut table, &cell, &contenders, &figures);
        add_rows(report, &cell, &contenders, &figures);
    }
    report.output("S3: haneul and its peers", table);
    Ok(())
}

fn contender(peer: &Peer) -> Contender<'_> {
    let Peer { name, server, endpoint, takes_puts, .. } = peer;
    Contender { name, server, endpoint, takes_puts: *takes_puts }
}

fn cells() -> Vec<Cell> {
    let mut cells = Vec::new();
    for size in &SIZES {
        for method in [Method::PUT, Method::GET] {
            let large = size.bytes == LARGE_BYTES;
            for connections in CONNECTIONS.into_iter().filter(|count| !large || *count <= 4) {
                cells.push(Cell { method: method.clone(), size, connections });
            }
        }
    }
    cells
}

impl Contender<'_> {
    fn failed(&self, why: &io::Error) -> io::Error {
        io::Error::other(format!("{}: {why}", self.name))
    }

    fn has(&self, cell: &Cell) -> bool {
        self.takes_puts || (cell.method == Method::GET && cell.size.bytes == LARGE_BYTES)
    }
}

impl Cell {
    fn name(&self) -> String {
        format!("{} {}, {} connections", self.method, self.size.name, self.connections)
    }

    /// `None` for those that have no such objects.
    async fn measure(&self, contenders: &[Contender<'_>]) -> io::Result<Vec<Option<Figures>>> {
        let (bytes, keys) = (self.size.bytes, self.size.keys);
        let prepared: Vec<Vec<Request>> = contenders
            .iter()
            .map(|contender| Request::objects(contender.endpoint, &self.method, bytes, keys))
            .collect();
        let mut measured: Vec<Measured> = contenders.iter().map(|_| Measured::default()).collect();
        for _ in 0..ROUNDS {
            for (at, contender) in contenders.iter().enumerate() {
                if !contender.has(self) || measured[at].failed {
                    continue;
                }
                let round = self.round(contender, &prepared[at], &mut measured[at]).await;
                match round.map_err(|why| contender.failed(&why)) {
                    Ok(()) => {}
                    Err(failed) if at == 0 => return Err(failed),
                    // Peers fail under load, and are not what is judged here.
                    Err(failed) => {
                        eprintln!("  {failed}");
                        measured[at].failed = true;
                    }
                }
            }
        }
        Ok(measured.into_iter().map(Measured::figures).collect())
    }

    async fn round(
        &self,
        contender: &Contender<'_>,
        requests: &[Request],
        measured: &mut Measured,
    ) -> io::Result<()> {
        let before = contender.server.cpu()?;
        let rate = client::run(contender.endpoint, requests, self.connections, TIME).await?;
        measured.per_second.push(rate.per_second);
        measured.cpu_ms.push((contender.server.cpu()? - before) * 1e3 / rate.requests);
        Ok(())
    }

    /// The least rate and the most CPU time that haneul should have.
    fn aims(&self) -> (Aim, Aim) {
        let put = self.method == Method::PUT;
        match (self.size.bytes, put, self.connections) {
            (KIB, true, 1) => (Aim::AtLeast(2000.0), Aim::AtMost(0.15)),
            (KIB, true, 16) => (Aim::AtLeast(8000.0), Aim::AtMost(0.15)),
            (KIB, false, 16) => (Aim::AtLeast(20_000.0), Aim::AtMost(0.05)),
            // MiB each second, which are operations here.
            (MIB, true, 16) => (Aim::AtLeast(300.0), Aim::AtMost(3.5)),
            (MIB, false, 16) => (Aim::AtLeast(1536.0), Aim::AtMost(0.5)),
            _ => (Aim::None, Aim::None),
        }
    }

    /// How many times a peer's rate haneul's should be.
    fn aim_against(&self, peer: &str) -> Option<Aim> {
        let small_put = self.method == Method::PUT && self.size.bytes == KIB;
        match peer {
            "nginx" => Some(Aim::AtLeast(0.8)),
            "Garage, fsync on" if small_put => Some(Aim::AtLeast(10.0)),
            _ if small_put => Some(Aim::AtLeast(2.0)),
            _ => None,
        }
    }
}

impl Measured {
    fn figures(mut self) -> Option<Figures> {
        let measured = !self.per_second.is_empty() && !self.failed;
        measured.then(|| Figures {
            per_second: median(&mut self.per_second),
            cpu_ms: median(&mut self.cpu_ms),
        })
    }
}

fn add_rows(
    report: &mut Report,
    cell: &Cell,
    contenders: &[Contender<'_>],
    figures: &[Option<Figures>],
) {
    let Some(Some(ours)) = figures.first() else { return };
    let (rate, cpu) = cell.aims();
    if !matches!(rate, Aim::None) {
        let unit = if cell.size.bytes == MIB { " MiB/s" } else { "/s" };
        report.row(cell.name(), ours.per_second, unit, rate);
        report.row("its CPU time an operation", ours.cpu_ms, " ms", cpu);
    }
    for (peer, theirs) in contenders.iter().zip(figures).skip(1) {
        if let (Some(theirs), Some(aim)) = (theirs, cell.aim_against(peer.name)) {
            let ratio = ours.per_second / theirs.per_second;
            report.row(format!("{} against {}", cell.name(), peer.name), ratio, " ×", aim);
        }
    }
}

fn header(peers: &[Peer], absent: &[&str]) -> String {
    let mut text = String::from(
        "Operations a second, and the server's CPU time of one; medians of rounds by turns.\n",
    );
    let _ = writeln!(text, "haneul syncs three zone folders before it answers a PUT.");
    for peer in peers {
        let _ = writeln!(text, "{}: {}.", peer.name, peer.promise);
    }
    for name in absent {
        let _ = writeln!(text, "{name} is not installed (see bench/peers.sh).");
    }
    text.push_str("-: it cannot, or answered some of the requests with an error.\n");
    let _ = write!(text, "\n{:<30}{:>22}", "", "haneul");
    for peer in peers {
        let _ = write!(text, "{:>22}", peer.name);
    }
    text.push('\n');
    text
}

fn add_line(
    table: &mut String,
    cell: &Cell,
    contenders: &[Contender<'_>],
    figures: &[Option<Figures>],
) {
    let _ = write!(table, "{:<30}", cell.name());
    for (_, figures) in contenders.iter().zip(figures) {
        let shown = figures.map_or_else(
            || "-".to_owned(),
            |Figures { per_second, cpu_ms }| format!("{per_second:.0}/s {cpu_ms:.3} ms"),
        );
        let _ = write!(table, "{shown:>22}");
    }
    table.push('\n');
}
