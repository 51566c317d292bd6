//! What a streaming request costs in memory, whatever its size.

use std::io;
use std::time::Duration;

use http::Method;

use super::client::{self, Request};
use super::objects::{LARGE_BYTES, LARGE_KEYS};
use super::{create_bucket, endpoint};
use crate::Tree;
use crate::process::Server;
use crate::report::{Aim, Report};

const STREAMS: u32 = 16;
const TIME: Duration = Duration::from_secs(3);
/// What is done once after a start has then been done.
const SETTLE: Duration = Duration::from_secs(1);

pub async fn measure(tree: &Tree, report: &mut Report) -> io::Result<()> {
    for method in [Method::PUT, Method::GET] {
        // Each in a process of its own: memory that was used once is not given back at once.
        let server = Server::haneul(tree)?;
        let endpoint = endpoint(&server).await?;
        create_bucket(&endpoint).await?;
        let requests = Request::objects(&endpoint, &method, LARGE_BYTES, LARGE_KEYS);
        if method == Method::GET {
            let puts = Request::objects(&endpoint, &Method::PUT, LARGE_BYTES, LARGE_KEYS);
            client::each(&endpoint, &puts).await?;
        }
        tokio::time::sleep(SETTLE).await;
        let idle = server.resident_mib()?;
        server.forget_peak()?;
        client::run(&endpoint, &requests, STREAMS as usize, TIME).await?;
        let each = (server.peak_mib()? - idle) / f64::from(STREAMS);
        let title = format!("memory of a streaming {method}: peak over idle, by {STREAMS} at once");
        report.row(title, each, " MiB", Aim::AtMost(2.0));
    }
    Ok(())
}
