//! Asking the region that runs on a data folder.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::{Answer, Ask, Question, VERSION};
use crate::data_dir::DataDir;

/// Longer than any question takes; stopping has its own bound.
const ANSWER_MAX: Duration = Duration::from_secs(30);

#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("no region runs on {0}")]
    NotRunning(String),
    #[error(
        "the running region is haneul {0}, which speaks another version of this command's language; use its own `haneul` command"
    )]
    OtherVersion(String),
    #[error("the region refused: {0}")]
    Refused(String),
    #[error("the region cannot be asked: {0}")]
    Io(#[from] io::Error),
    #[error("the region's answer is not understood")]
    Format(#[from] serde_json::Error),
}

/// Asks and waits for the answer.
///
/// # Errors
/// [`AskError::NotRunning`] when nobody listens there.
pub fn ask(data: &DataDir, ask: Ask) -> Result<Answer, AskError> {
    Connection::open(data)?.ask(ask)
}

pub struct Connection(BufReader<UnixStream>);

impl Connection {
    /// # Errors
    /// [`AskError::NotRunning`] when nobody listens there.
    pub fn open(data: &DataDir) -> Result<Self, AskError> {
        let stream = UnixStream::connect(data.socket()).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => {
                AskError::NotRunning(data.path().display().to_string())
            }
            _ => AskError::Io(error),
        })?;
        stream.set_read_timeout(Some(ANSWER_MAX))?;
        Ok(Self(BufReader::new(stream)))
    }

    /// Waits for answers as long as the region lives.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn patient(self) -> Result<Self, AskError> {
        self.0.get_ref().set_read_timeout(None)?;
        Ok(self)
    }

    /// # Errors
    /// What the region refuses, and an answer that does not come or is not understood.
    pub fn ask(&mut self, ask: Ask) -> Result<Answer, AskError> {
        let mut question = serde_json::to_vec(&Question { version: VERSION, ask })?;
        question.push(b'\n');
        self.0.get_mut().write_all(&question)?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        if line.is_empty() {
            return Err(AskError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        match serde_json::from_str(&line)? {
            Answer::OtherVersion { haneul } => Err(AskError::OtherVersion(haneul)),
            Answer::Refused(message) => Err(AskError::Refused(message)),
            answer => Ok(answer),
        }
    }

    /// Returns when the region's process has closed the connection.
    ///
    /// # Errors
    /// When it has not within `within`.
    pub fn wait_for_end(mut self, within: Duration) -> Result<(), AskError> {
        self.0.get_ref().set_read_timeout(Some(within))?;
        match self.0.read(&mut [0]) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}
