//! Many connections on which nothing happens.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{Folder, root};

/// Measured: 25 KiB, not optimised; hyper's buffer for reading is 8 of it, and larger only while
/// a head is.
const EACH_KIB_MAX: u64 = 40;

/// A tenth of the ten thousand that the long form opens, or as many as file handles allow.
fn connections() -> usize {
    let wanted = if std::env::var_os("HANEUL_SOAK").is_some() { 10_000 } else { 1_000 };
    let limits = std::fs::read_to_string("/proc/self/limits").expect("Linux");
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let handles = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    // Half of them: other tests of this process run at the same time.
    wanted.min(handles.unwrap_or(usize::MAX) / 2)
}

#[tokio::test]
async fn idle_connections_cost_little_memory() {
    let Folder { haneul, _folder } = Folder::new();
    let region = haneul.up(&[]);
    let sts = root(&haneul, &region, "sts");
    sts.ask("GetCallerIdentity", &[]).await.expect_ok();
    let before_kib = region.resident_kib();
    let mut idle = Vec::new();
    for _ in 0..connections() {
        let mut stream = TcpStream::connect(region.address).await.expect("accepted");
        // One request each, so that all that a connection needs was made.
        stream.write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n").await.expect("sent");
        let mut status = [0; 12];
        stream.read_exact(&mut status).await.expect("answered");
        assert_eq!(&status, b"HTTP/1.1 200");
        idle.push(stream);
    }
    let each_kib = (region.resident_kib() - before_kib) / u64::try_from(idle.len()).expect("small");
    assert!(each_kib <= EACH_KIB_MAX, "{each_kib} KiB each");
    sts.ask("GetCallerIdentity", &[]).await.expect_ok();
}
