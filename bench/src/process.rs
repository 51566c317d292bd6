//! A server under measurement: a child process, what it costs, and its end.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aws::{Clock, Region};
use tempfile::TempDir;

use crate::Tree;
use crate::load::{Answer, Connection, Prepared};

const START_MAX: Duration = Duration::from_secs(30);
/// The kernel counts CPU time in these (`USER_HZ`, fixed in its interface).
const TICKS_PER_SECOND: f64 = 100.0;

pub struct Server {
    pub address: SocketAddr,
    child: Child,
    /// Removed after the child has ended.
    data: Option<TempDir>,
}

/// The root access key that `haneul up` leaves for its owner, or a peer's.
#[derive(Clone)]
pub struct Key {
    pub id: String,
    pub secret: String,
}

impl Server {
    /// `haneul up` on an empty folder. Returns at once; ask [`Self::first_answer`].
    pub fn haneul(tree: &Tree) -> io::Result<Self> {
        Self::haneul_on(tree, TempDir::new()?)
    }

    /// The same on what [`Self::kill`] left.
    pub fn haneul_on(tree: &Tree, data: TempDir) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(tree.binaries.join("haneul"));
        command
            .args(["up", "--front-door", "off", "--listen", &address.to_string(), "--data"])
            .arg(data.path().join("data"));
        Self::start(command, address, data)
    }

    /// Another server, which listens there and keeps what it has in this folder.
    pub fn start(mut command: Command, address: SocketAddr, data: TempDir) -> io::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.current_dir(data.path()).spawn().map_err(|error| {
            io::Error::other(format!("{}: {error}", command.get_program().display()))
        })?;
        Ok(Self { address, child, data: Some(data) })
    }

    /// The bare hyper server: this program again, which says where it listens.
    pub fn bare() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("bare-server")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse().map_err(io::Error::other)?;
        Ok(Self { address, child, data: None })
    }

    /// Asks for the caller's identity until it is answered.
    pub async fn first_answer(&self) -> io::Result<Key> {
        let begin = Instant::now();
        while begin.elapsed() < START_MAX {
            if let Some(key) = self.key()
                && let Ok(mut connection) = Connection::open(self.address).await
                && let request = Prepared::identity(self.address, &key, Clock::system().now(), 0)
                && let Ok(Answer { status: 200 }) = connection.ask(&request).await
            {
                return Ok(key);
            }
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        Err(io::Error::other("haneul up did not answer"))
    }

    fn key(&self) -> Option<Key> {
        let file = self.data.as_ref()?.path().join("data/credentials.json");
        let keys: serde_json::Value = serde_json::from_slice(&std::fs::read(file).ok()?).ok()?;
        let text = |name: &str| keys[0][name].as_str().map(str::to_owned);
        Some(Key { id: text("access_key_id")?, secret: text("secret_access_key")? })
    }

    /// Ends it with SIGKILL and leaves its folder.
    pub fn kill(mut self) -> Option<TempDir> {
        self.data.take()
    }

    /// User and system time so far, in seconds.
    pub fn cpu(&self) -> io::Result<f64> {
        cpu_of(&format!("/proc/{}/stat", self.child.id()), 13)
    }

    /// Resident memory now, in MiB.
    pub fn resident_mib(&self) -> io::Result<f64> {
        self.memory_mib("VmRSS:")
    }

    /// The most that was resident at once since the start or [`Self::forget_peak`], in MiB.
    pub fn peak_mib(&self) -> io::Result<f64> {
        self.memory_mib("VmHWM:")
    }

    /// <https://man7.org/linux/man-pages/man5/proc_pid_clear_refs.5.html>
    pub fn forget_peak(&self) -> io::Result<()> {
        std::fs::write(format!("/proc/{}/clear_refs", self.child.id()), "5")
    }

    fn memory_mib(&self, name: &str) -> io::Result<f64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or_else(|| io::Error::other(format!("no {name}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// CPU seconds of all children that this process has waited for.
pub fn cpu_of_children() -> io::Result<f64> {
    cpu_of("/proc/self/stat", 15)
}

/// The sum of two neighbouring tick counts, the first being field `at` counted from 0.
/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>
fn cpu_of(file: &str, at: usize) -> io::Result<f64> {
    let stat = std::fs::read_to_string(file)?;
    // The program's name may hold spaces; what follows its parenthesis does not.
    let (_, rest) = stat.rsplit_once(") ").ok_or_else(|| io::Error::other("no stat"))?;
    let ticks = rest.split(' ').skip(at - 2).take(2).filter_map(|field| field.parse::<f64>().ok());
    Ok(ticks.sum::<f64>() / TICKS_PER_SECOND)
}

/// A port that nobody listens on now.
pub fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

pub fn file_mb(path: &Path) -> io::Result<f64> {
    let bytes = u32::try_from(std::fs::metadata(path)?.len()).map_err(io::Error::other)?;
    Ok(f64::from(bytes) / 1e6)
}

pub fn region() -> Region {
    "ap-northeast-2".parse().expect("a region's name")
}
