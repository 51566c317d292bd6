//! The servers of S3 that haneul is held against. Each listens on the loopback address only,
//! reports to nobody, keeps its bytes in a folder that is removed, and is ended by its id. Those
//! that are not there (see bench/peers.sh) are said and left out.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use aws::Region;
use bytes::Bytes;
use http::Method;
use tempfile::TempDir;

use super::client::{BUCKET, Connection, Endpoint, Request, object_path, pattern};
use crate::Tree;
use crate::process::{Key, Server, free_address};

const TRIES: u32 = 300;
const BETWEEN_TRIES: Duration = Duration::from_millis(100);

/// A peer that runs.
pub struct Peer {
    pub name: &'static str,
    /// What it does before it answers a PUT.
    pub promise: &'static str,
    pub server: Server,
    pub endpoint: Endpoint,
    /// nginx serves files that lie there.
    pub takes_puts: bool,
}

/// A peer that could be there.
struct Known {
    name: &'static str,
    program: &'static str,
    promise: &'static str,
    command: fn(&Path, &Start) -> io::Result<Command>,
}

struct Start {
    folder: PathBuf,
    address: SocketAddr,
    key: Key,
}

const KNOWN: [Known; 5] = [
    Known { name: "nginx", program: "nginx", promise: "reads only", command: nginx },
    Known { name: "rclone", program: "rclone", promise: "no sync", command: rclone },
    Known { name: "SeaweedFS", program: "weed", promise: "no sync", command: seaweedfs },
    Known { name: "Garage", program: "garage", promise: "no sync", command: garage_unsafe },
    Known {
        name: "Garage, fsync on",
        program: "garage",
        promise: "synced",
        command: garage_synced,
    },
];

impl Peer {
    /// Starts all that are there, and names those that are not.
    pub async fn start_all(tree: &Tree) -> io::Result<(Vec<Self>, Vec<&'static str>)> {
        let (mut started, mut absent) = (vec![Self::bare()?], Vec::new());
        for known in &KNOWN {
            match find(tree, known.program) {
                Some(program) => started.push(Self::start(known, &program).await?),
                None => absent.push(known.name),
            }
        }
        Ok((started, absent))
    }

    /// No store at all: what this machine's loopback and HTTP leave to one.
    fn bare() -> io::Result<Self> {
        let server = Server::bare()?;
        let key = Key { id: "none".into(), secret: "none".into() };
        let region: Region = "us-east-1".parse().expect("a region's name");
        let endpoint = Endpoint { address: server.address, key, region };
        let promise = "stores nothing, reads from memory: the limit of one request";
        Ok(Self { name: "bare hyper", promise, server, endpoint, takes_puts: true })
    }

    async fn start(known: &Known, program: &Path) -> io::Result<Self> {
        let data = TempDir::new()?;
        let key = Key {
            id: "GK0123456789abcdef01234567".into(),
            secret: "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef".into(),
        };
        let address = free_address()?;
        let start = Start { folder: data.path().to_owned(), address, key: key.clone() };
        let command = (known.command)(program, &start)?;
        let server = Server::start(command, address, data)?;
        let region: Region = "us-east-1".parse().expect("a region's name");
        let endpoint = Endpoint { address, key, region };
        let takes_puts = known.program != "nginx";
        let (method, body) =
            if takes_puts { (Method::PUT, pattern(1)) } else { (Method::GET, Bytes::new()) };
        let large = object_path(super::objects::LARGE_BYTES, 0);
        let probe = Request::new(&endpoint, &method, &large, body);
        come_up(known.name, &endpoint, &probe).await?;
        let Known { name, promise, .. } = *known;
        Ok(Self { name, promise, server, endpoint, takes_puts })
    }
}

/// In .cache/peers, where bench/peers.sh puts them; nginx where Debian has it. Debian's rclone is
/// of before it served S3, so what else is installed is not looked for.
fn find(tree: &Tree, program: &str) -> Option<PathBuf> {
    [tree.root.join(".cache/peers"), PathBuf::from("/usr/sbin")]
        .map(|folder| folder.join(program))
        .into_iter()
        .find(|file| file.is_file())
}

/// Asks until the server is up. A bucket that is there already is as good.
async fn come_up(name: &str, endpoint: &Endpoint, probe: &Request) -> io::Result<()> {
    let make = Request::new(endpoint, &Method::PUT, "", Bytes::new());
    let mut last = io::Error::other("not asked");
    for _ in 0..TRIES {
        tokio::time::sleep(BETWEEN_TRIES).await;
        let asked = async {
            let _ = Connection::open(endpoint.address).await?.ask(&make).await;
            Connection::open(endpoint.address).await?.ask(probe).await
        };
        match asked.await {
            Ok(_) => return Ok(()),
            Err(error) => last = error,
        }
    }
    Err(io::Error::other(format!("{name} did not come up: {last}")))
}

fn rclone(program: &Path, start: &Start) -> io::Result<Command> {
    let mut command = Command::new(program);
    command
        .args(["serve", "s3", "--addr", &start.address.to_string()])
        .args(["--auth-key", &format!("{},{}", start.key.id, start.key.secret)])
        .args(["--config", "/dev/null"])
        .arg(&start.folder);
    Ok(command)
}

fn seaweedfs(program: &Path, start: &Start) -> io::Result<Command> {
    let users = start.folder.join("users.json");
    let Key { id, secret } = &start.key;
    let text = serde_json::json!({ "identities": [{
        "name": "bench",
        "credentials": [{ "accessKey": id, "secretKey": secret }],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }]});
    std::fs::write(&users, text.to_string())?;
    let mut command = Command::new(program);
    command
        .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-master.telemetry=false"])
        .args(["-volume.max=100", "-s3.port.iceberg=0"])
        .arg(format!("-dir={}", start.folder.display()))
        .arg(format!("-s3.config={}", users.display()))
        .arg(format!("-s3.port={}", start.address.port()));
    let ports = ["master.port", "volume.port", "filer.port"]
        .map(|port| [port.into(), format!("{port}.grpc")]);
    for port in ports.iter().flatten().map(String::as_str).chain(["s3.port.grpc"]) {
        command.arg(format!("-{port}={}", free_address()?.port()));
    }
    Ok(command)
}

fn garage_unsafe(program: &Path, start: &Start) -> io::Result<Command> {
    garage(program, start, "false")
}

fn garage_synced(program: &Path, start: &Start) -> io::Result<Command> {
    garage(program, start, "true")
}

fn garage(program: &Path, start: &Start, sync: &str) -> io::Result<Command> {
    let settings = start.folder.join("garage.toml");
    let folder = start.folder.display();
    let text = format!(
        "metadata_dir = \"{folder}/meta\"\ndata_dir = \"{folder}/data\"\nreplication_factor = 1\n\
         metadata_fsync = {sync}\ndata_fsync = {sync}\n\
         rpc_bind_addr = \"{rpc}\"\nrpc_public_addr = \"{rpc}\"\nrpc_secret = \"{secret}\"\n\
         [s3_api]\napi_bind_addr = \"{api}\"\ns3_region = \"us-east-1\"\n",
        rpc = free_address()?,
        secret = start.key.secret,
        api = start.address,
    );
    std::fs::write(&settings, text)?;
    let mut command = Command::new(program);
    command
        .arg("-c")
        .arg(&settings)
        .args(["server", "--single-node", "--default-bucket"])
        .env("GARAGE_DEFAULT_ACCESS_KEY", &start.key.id)
        .env("GARAGE_DEFAULT_SECRET_KEY", &start.key.secret)
        .env("GARAGE_DEFAULT_BUCKET", BUCKET);
    Ok(command)
}

/// The large object as a file, at the path that the others have it at. One process, which is
/// ended with the run; workers would outlive a master that is killed.
fn nginx(program: &Path, start: &Start) -> io::Result<Command> {
    let folder = start.folder.display();
    let large = super::objects::LARGE_BYTES;
    for key in 0..super::objects::LARGE_KEYS {
        let file = start.folder.join(format!("{BUCKET}{}", object_path(large, key)));
        std::fs::create_dir_all(file.parent().expect("it is in the folder"))?;
        std::fs::write(file, pattern(large))?;
    }
    let text = format!(
        "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n\
         events {{}}\n\
         http {{ access_log off; sendfile on; keepalive_requests 1000000;\n\
         server {{ listen {}; root {folder}; }} }}\n",
        start.address
    );
    let settings = start.folder.join("nginx.conf");
    std::fs::write(&settings, text)?;
    let mut command = Command::new(program);
    command.arg("-e").arg(start.folder.join("log")).arg("-c").arg(settings);
    Ok(command)
}
