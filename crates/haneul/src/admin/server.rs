//! Answering commands.

use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::{Answer, Ask, Question, VERSION};
use crate::data_dir::DataDir;
use crate::limits;
use crate::region::{Region, Turn};

/// The kernel's bound on a unix socket's path (`sun_path`, with its closing zero).
const SOCKET_PATH_BYTES_MAX: usize = 107;

#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    #[error(
        "the path {path} is too long for a unix socket by {over} bytes; choose a data folder with a shorter path"
    )]
    TooLong { path: String, over: usize },
    #[error("the socket {path} cannot be made")]
    Io { path: String, source: io::Error },
}

/// Binds the folder's socket. The caller holds the folder's lock, so a socket that lies there
/// is one that a killed process left.
///
/// # Errors
/// When its path is too long for the kernel or the folder cannot be written to.
pub fn bind(data: &DataDir) -> Result<UnixListener, SocketError> {
    let path = data.socket();
    let shown = || path.display().to_string();
    let over = path.as_os_str().as_bytes().len().saturating_sub(SOCKET_PATH_BYTES_MAX);
    if over > 0 {
        return Err(SocketError::TooLong { path: shown(), over });
    }
    let bound = || -> io::Result<UnixListener> {
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // The folder is its owner's alone, so nobody connects before the mode is set.
        let listener = UnixListener::bind(&path)?;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    };
    bound().map_err(|source| SocketError::Io { path: shown(), source })
}

/// Answers until the task is dropped.
pub async fn serve(listener: UnixListener, region: Arc<Region>) {
    let permits = Arc::new(Semaphore::new(limits::ADMIN_CONNECTIONS_MAX));
    loop {
        let permit = permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        match listener.accept().await {
            Ok((stream, _)) => {
                let region = region.clone();
                tokio::spawn(async move {
                    if let Err(error) = converse(stream, &region).await {
                        tracing::debug!(%error, "a command went away");
                    }
                    drop(permit);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a command could not connect");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn converse(stream: UnixStream, region: &Region) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        let mut bounded = (&mut reader).take(limits::ADMIN_LINE_MAX);
        if timeout(limits::ADMIN_READ_MAX, bounded.read_line(&mut line)).await?? == 0 {
            return Ok(());
        }
        let answer = answer(&line, region).await;
        let mut text = serde_json::to_vec(&answer)?;
        text.push(b'\n');
        writer.write_all(&text).await?;
        if matches!(answer, Answer::Stopping) {
            region.stop();
            // Held open: its end tells the command that the process has ended.
            std::future::pending::<()>().await;
        }
    }
}

async fn answer(line: &str, region: &Region) -> Answer {
    let question: Question = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(error) => {
            // A later version may ask what this one cannot read.
            let version = serde_json::from_str::<serde_json::Value>(line)
                .ok()
                .and_then(|question| question.get("version")?.as_u64());
            return match version {
                Some(version) if version != u64::from(VERSION) => other_version(),
                _ => Answer::Refused(format!("the question is not understood: {error}")),
            };
        }
    };
    if question.version != VERSION {
        return other_version();
    }
    let answered = match question.ask {
        Ask::Status => region.status().await.map(|status| Answer::Status(Box::new(status))),
        Ask::Stop => Ok(Answer::Stopping),
        Ask::Clock => Ok(Answer::Clock(region.clock_face())),
        Ask::ClockAdvance { by_ms } => {
            region.turn_clock(Turn::By(Duration::from_millis(by_ms))).await.map(Answer::Clock)
        }
        Ask::ClockSet { to } => region.turn_clock(Turn::To(to)).await.map(Answer::Clock),
        Ask::ClockReset => region.turn_clock(Turn::Reset).await.map(Answer::Clock),
        Ask::AccountCreate { name, id } => {
            region.create_account(name, id).await.map(Answer::Account)
        }
        Ask::AccountList => region.accounts().await.map(Answer::Accounts),
        Ask::Ca => region.ca_pem().await.map(Answer::Ca),
        Ask::Scrub => region.scrub().await.map(Answer::Scrubbed),
        Ask::ZoneFail { zone } => region.fail_zone(zone).await.map(Answer::Zone),
        Ask::ZoneRestore { zone } => region.restore_zone(zone).await.map(Answer::Zone),
    };
    answered.unwrap_or_else(|error| {
        if error.status >= 500 {
            tracing::error!(error = &error as &dyn std::error::Error, "a command failed");
        }
        Answer::Refused(error.message)
    })
}

fn other_version() -> Answer {
    Answer::OtherVersion { haneul: env!("CARGO_PKG_VERSION").into() }
}
