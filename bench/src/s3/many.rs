//! A bucket of very many keys: starting with it, holding it, listing it.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;

use super::client::{BUCKET, Connection, Endpoint, Request, pattern};
use super::{create_bucket, endpoint};
use crate::Tree;
use crate::process::Server;
use crate::report::{Aim, Report, median};

const LISTS: u32 = 100;
const SETTLE: Duration = Duration::from_secs(2);

pub async fn measure(tree: &Tree, report: &mut Report) -> io::Result<()> {
    let keys = f64::from(tree.keys);
    let server = Server::haneul(tree)?;
    let own = endpoint(&server).await?;
    create_bucket(&own).await?;
    let put = Request::new(&own, &Method::PUT, "/seed", pattern(100));
    Connection::open(own.address).await?.ask(&put).await?;
    let data = server.kill().ok_or_else(|| io::Error::other("it has no folder"))?;
    fill(tree, &data.path().join("data"))?;

    let begin = Instant::now();
    let server = Server::haneul_on(tree, data)?;
    let own = endpoint(&server).await?;
    let start = begin.elapsed().as_secs_f64();
    let shown = format!("{keys} objects");
    let title = format!("start after kill -9 with {shown}, a million objects");
    report.row(title, start / (keys / 1e6), " s", Aim::AtMost(1.0));
    tokio::time::sleep(SETTLE).await;
    let title = format!("resident memory after that start, {shown}");
    report.row(title, server.resident_mib()?, " MiB", Aim::None);
    list(&server, &own, report, &shown).await?;
    tokio::time::sleep(SETTLE).await;
    let title = format!("idle resident memory after the lists, {shown}");
    report.row(title, server.resident_mib()?, " MiB", Aim::AtMost(60.0));
    Ok(())
}

/// Lists 1,000 keys from many places.
async fn list(server: &Server, own: &Endpoint, report: &mut Report, shown: &str) -> io::Result<()> {
    let mut connection = Connection::open(own.address).await?;
    let mut times_ms = Vec::new();
    let before = server.cpu()?;
    for place in 0..LISTS {
        let folder = place * 256 / LISTS;
        let path = format!("?list-type=2&max-keys=1000&start-after={folder:02x}%2F8");
        let request = Request::new(own, &Method::GET, &path, Bytes::new());
        let begin = Instant::now();
        let bytes = connection.ask(&request).await?;
        times_ms.push(begin.elapsed().as_secs_f64() * 1e3);
        // A listing of nothing would be quick.
        if bytes < 100_000 {
            return Err(io::Error::other(format!("a listing of {bytes} bytes")));
        }
    }
    let cpu_ms = (server.cpu()? - before) * 1e3 / f64::from(LISTS);
    let title = format!("list 1,000 of {shown}, median of {LISTS} places");
    report.row(title, median(&mut times_ms), " ms", Aim::AtMost(10.0));
    report.row("its CPU time", cpu_ms, " ms", Aim::None);
    Ok(())
}

/// Writes the objects without a request for each of them.
fn fill(tree: &Tree, data: &Path) -> io::Result<()> {
    let status = Command::new(tree.binaries.join("examples/fill"))
        .arg(data)
        .args([BUCKET, "seed", &tree.keys.to_string()])
        .status()
        .map_err(|error| io::Error::other(format!("fill: {error}")))?;
    if status.success() { Ok(()) } else { Err(io::Error::other(format!("fill ended: {status}"))) }
}
