//! The guest's SSH server, whatever its image has: one process for each connection, started by
//! the first process with the connection as its standard input.
//!
//! It is sshd as distributions install it, without passwords: keys open doors, root's too if
//! somebody gave it one.
//!
//! Start reading at [`serve`], then `connection`, then `session`.

mod account;
mod authorized_keys;
mod connection;
mod forward;
pub(crate) mod host_keys;
mod inbox;
mod instance_connect;
mod login;
mod session;
mod sftp;
mod terminal;
pub(crate) mod user_process;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use russh::keys::{Algorithm, EcdsaCurve, HashAlg};
use russh::server::{Config, run_stream};
use russh::{MethodKind, MethodSet, Preferred, SshId};
use rustix::net::sockopt;

use self::connection::{Connection, Origin, Outcome};
use self::inbox::{Backlog, Paced};

/// What a client has to log in.
const LOGIN_GRACE: Duration = Duration::from_secs(60);
/// A refusal takes this long, for whatever reason.
const REFUSAL: Duration = Duration::from_millis(100);
/// How many refusals a connection outlives: six keys, and the question for the methods.
const REFUSALS_MAX: usize = 7;
/// How much a client may send on a channel before we have seen the first of it.
const WINDOW_BYTES: u32 = 1 << 20;
const PACKET_BYTES: u32 = 32 << 10;
/// A client that vanished is noticed after about five minutes; one that is only stopped stays.
const ALIVE_IDLE: Duration = Duration::from_secs(60);
const ALIVE_INTERVAL: Duration = Duration::from_secs(30);
const ALIVE_COUNT: u32 = 8;

/// The exit code of a connection that tried keys and had none.
pub const REFUSED: u8 = 77;

/// Whose server it is.
pub struct Settings {
    /// Where `etc/passwd` and the homes are.
    pub root: PathBuf,
    /// Asks for keys that stand in no file, for a user's name.
    pub pushed: fn(&str) -> String,
}

impl Settings {
    fn guest() -> Self {
        Self { root: "/".into(), pushed: instance_connect::keys }
    }
}

pub(crate) fn run() -> ExitCode {
    serve(Settings::guest())
}

/// Serves the connection that is the standard input, to its end.
pub fn serve(settings: Settings) -> ExitCode {
    let outcome = Arc::new(Outcome::default());
    // What clients do wrong is theirs to know; a console of it would be scanners' noise.
    let served = serve_input(settings, &outcome);
    if let Err(error) = &served {
        eprintln!("haneul: a connection could not be served: {error}");
    }
    let entered = outcome.entered.load(Ordering::Relaxed);
    match !entered && outcome.refused.load(Ordering::Relaxed) {
        true => ExitCode::from(REFUSED),
        false => ExitCode::SUCCESS,
    }
}

fn serve_input(settings: Settings, outcome: &Arc<Outcome>) -> io::Result<()> {
    let stream = TcpStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    sockopt::set_tcp_nodelay(&stream, true)?;
    sockopt::set_socket_keepalive(&stream, true)?;
    sockopt::set_tcp_keepidle(&stream, ALIVE_IDLE)?;
    sockopt::set_tcp_keepintvl(&stream, ALIVE_INTERVAL)?;
    sockopt::set_tcp_keepcnt(&stream, ALIVE_COUNT)?;
    stream.set_nonblocking(true)?;
    let canonical =
        |address: SocketAddr| SocketAddr::new(address.ip().to_canonical(), address.port());
    let origin = Origin {
        client: canonical(stream.peer_addr()?),
        server: canonical(stream.local_addr()?),
        root: settings.root,
        pushed: settings.pushed,
    };
    let config = Arc::new(config(host_keys::ensure(&origin.root)?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime
        .block_on(async {
            let backlog = Arc::new(Backlog::default());
            let stream = Paced::new(tokio::net::TcpStream::from_std(stream)?, backlog.clone());
            let connection = Connection::new(origin, outcome.clone(), backlog);
            let served = async { run_stream(config, stream, connection).await?.await };
            let grace = async {
                tokio::time::sleep(LOGIN_GRACE).await;
                if outcome.entered.load(Ordering::Relaxed) {
                    std::future::pending::<()>().await;
                }
            };
            tokio::select! {
                _ = served => {}
                () = grace => {}
            }
            Ok(())
        })
        .inspect(|()| runtime.shutdown_background())
}

fn config(keys: Vec<russh::keys::PrivateKey>) -> Config {
    let mut methods = MethodSet::empty();
    methods.push(MethodKind::PublicKey);
    let ecdsa = |curve| Algorithm::Ecdsa { curve };
    let rsa = |hash| Algorithm::Rsa { hash: Some(hash) };
    // Without RSA with SHA-1, for keys of users.
    let algorithms = vec![
        Algorithm::Ed25519,
        ecdsa(EcdsaCurve::NistP256),
        ecdsa(EcdsaCurve::NistP384),
        ecdsa(EcdsaCurve::NistP521),
        rsa(HashAlg::Sha512),
        rsa(HashAlg::Sha256),
    ];
    Config {
        server_id: SshId::Standard("SSH-2.0-haneul".into()),
        methods,
        auth_rejection_time: REFUSAL,
        auth_rejection_time_initial: Some(Duration::ZERO),
        keys,
        window_size: WINDOW_BYTES,
        maximum_packet_size: PACKET_BYTES,
        preferred: Preferred { key: algorithms.into(), ..Preferred::DEFAULT },
        max_auth_attempts: REFUSALS_MAX,
        inactivity_timeout: None,
        ..Config::default()
    }
}
