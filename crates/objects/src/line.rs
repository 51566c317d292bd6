//! Where changes stand in line for the log: decided and submitted one at a time, in the order in
//! which they will have happened.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use journal::{Journal, Ticket};
use tokio::sync::{mpsc, oneshot};

use crate::change::Decided;
use crate::extents::Hold;
use crate::frame::{self, Effect, Encoded};
use crate::scan::{Cursor, Layers, MapCursor};
use crate::tables::Tables;
use crate::{BlobId, CommitError, ReadError, Row};

/// Payload bytes on their way to the disks; with more, the next to come waits its turn. With one
/// change more, as long as can be, it stays below the journal's own bound.
pub(crate) const UNDERWAY_BYTES_MAX: usize = 32 << 20;

pub(crate) struct Line(Mutex<Inner>);

pub(crate) struct Inner {
    pub(crate) log: LogState,
    /// The number of the last change submitted.
    number: u64,
    /// What the changes underway have made of rows.
    pending: BTreeMap<Vec<u8>, Pending>,
    /// Blobs that changes underway drop, and the number of that change.
    dropping: BTreeMap<BlobId, u64>,
    /// What the keeper has not answered yet.
    waiting: usize,
    underway_bytes: usize,
    /// Why nothing may come in until the index has taken more, and whether that is in sight.
    pub(crate) crowded: Option<Crowded>,
    queue: mpsc::UnboundedSender<Waiting>,
}

pub(crate) enum LogState {
    Open(Journal),
    /// Something was lost; the keeper is finding out what is durable.
    Mending(String),
    Closed,
}

/// The memory for what is durable and not in the index is used up.
pub(crate) enum Crowded {
    /// The index is being written; wait.
    ForNow,
    /// It cannot be written.
    Stuck(String),
}

struct Pending {
    /// Of the change that made it.
    number: u64,
    row: Option<Row>,
}

/// What the keeper answers, in order.
pub(crate) struct Waiting {
    /// `None`: it only waits for those before it.
    pub(crate) submitted: Option<Submitted>,
    pub(crate) answer: oneshot::Sender<Result<(), CommitError>>,
}

pub(crate) struct Submitted {
    pub(crate) number: u64,
    pub(crate) effect: Effect,
    pub(crate) payload_bytes: usize,
    pub(crate) ticket: Ticket,
    /// Dropped when readers see what it attaches, or it certainly did not happen.
    pub(crate) holds: Vec<Hold>,
}

/// What of a change the line has to forget once it is in the table.
pub(crate) struct Done {
    pub(crate) number: u64,
    pub(crate) keys: Vec<Vec<u8>>,
    pub(crate) dropped: Vec<BlobId>,
    pub(crate) payload_bytes: usize,
}

/// An answer that may be given once everything it rests on is durable.
pub(crate) enum Underway {
    Durable,
    Waits(oneshot::Receiver<Result<(), CommitError>>),
}

impl Underway {
    pub(crate) async fn durable(self) -> Result<(), CommitError> {
        match self {
            Self::Durable => Ok(()),
            Self::Waits(answer) => answer.await.unwrap_or_else(|_| {
                Err(CommitError::Unknown("the engine closed before it was known".to_owned()))
            }),
        }
    }
}

impl Line {
    pub(crate) fn new(log: Journal, number: u64) -> (Self, mpsc::UnboundedReceiver<Waiting>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let inner = Inner {
            log: LogState::Open(log),
            number,
            pending: BTreeMap::new(),
            dropping: BTreeMap::new(),
            waiting: 0,
            underway_bytes: 0,
            crowded: None,
            queue,
        };
        (Self(Mutex::new(inner)), waiting)
    }

    pub(crate) fn inner(&self) -> MutexGuard<'_, Inner> {
        // What panics in it is a caller's deciding, which has changed nothing yet.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The line when it takes changes; `None` while there is no room.
    pub(crate) fn enter(&self) -> Result<Option<MutexGuard<'_, Inner>>, CommitError> {
        let inner = self.inner();
        match (&inner.log, &inner.crowded) {
            (LogState::Mending(why), _) => Err(CommitError::Unavailable(why.clone())),
            (LogState::Closed, _) => Err(closed()),
            (_, Some(Crowded::Stuck(why))) => Err(CommitError::Unavailable(why.clone())),
            (_, Some(Crowded::ForNow)) => Ok(None),
            _ if inner.underway_bytes >= UNDERWAY_BYTES_MAX => Ok(None),
            (LogState::Open(_), None) => Ok(Some(inner)),
        }
    }

    /// Nothing comes in until it is known what is durable. Answers the log, unless it is closed.
    pub(crate) fn mend(&self, why: &str) -> Option<Journal> {
        let mut inner = self.inner();
        match std::mem::replace(&mut inner.log, LogState::Mending(why.to_owned())) {
            LogState::Open(log) => Some(log),
            other => {
                inner.log = other;
                None
            }
        }
    }

    /// Nothing comes in any more.
    pub(crate) fn close(&self) {
        let mut inner = self.inner();
        inner.log = LogState::Closed;
        // Ends the keeper once it has answered what is here.
        inner.queue = mpsc::unbounded_channel().0;
    }
}

pub(crate) fn closed() -> CommitError {
    CommitError::Unavailable("the engine is closed".to_owned())
}

impl Inner {
    /// What a change is decided on: `tables` and all that is underway.
    pub(crate) fn newest<'a>(&'a self, tables: &'a Tables) -> Newest<'a> {
        Newest { pending: &self.pending, tables }
    }

    pub(crate) fn submit(&mut self, stamp: u64, decided: Decided) -> Underway {
        let LogState::Open(log) = &self.log else { unreachable!("entered when it is open") };
        self.number += 1;
        let number = self.number;
        let Encoded { payload, effect, holds } = frame::encode(number, stamp, decided);
        let payload_bytes = payload.len();
        let ticket = log.submit(payload);
        for (key, row) in &effect.rows {
            self.pending.insert(key.clone(), Pending { number, row: row.clone() });
        }
        let dropped = effect.blobs.iter().filter(|(_, stored)| stored.is_none());
        self.dropping.extend(dropped.map(|(id, _)| (*id, number)));
        self.underway_bytes += payload_bytes;
        self.wait(Some(Submitted { number, effect, payload_bytes, ticket, holds }))
    }

    /// Whether a change underway sets or removes this row.
    pub(crate) fn is_pending(&self, key: &[u8]) -> bool {
        self.pending.contains_key(key)
    }

    /// Whether a change underway drops this blob.
    pub(crate) fn is_dropped(&self, blob: BlobId) -> bool {
        self.dropping.contains_key(&blob)
    }

    /// Has the keeper look whether there is something to do.
    pub(crate) fn nudge(&mut self) {
        drop(self.wait(None));
    }

    /// For an answer that changes nothing and may rest on what is still underway.
    pub(crate) fn behind_the_rest(&mut self) -> Underway {
        if self.waiting == 0 { Underway::Durable } else { self.wait(None) }
    }

    fn wait(&mut self, submitted: Option<Submitted>) -> Underway {
        let (answer, answered) = oneshot::channel();
        self.waiting += 1;
        // The keeper has gone only if it panicked; the answer is then unknown.
        let _ = self.queue.send(Waiting { submitted, answer });
        Underway::Waits(answered)
    }

    /// The keeper has put these into the table, and answers so many. Says whether that made room.
    pub(crate) fn done(&mut self, answered: usize, changes: &[Done]) -> bool {
        self.waiting -= answered;
        let full = self.underway_bytes >= UNDERWAY_BYTES_MAX;
        for change in changes {
            self.underway_bytes -= change.payload_bytes;
            for id in &change.dropped {
                self.dropping.remove(id);
            }
            for key in &change.keys {
                // A later change may have set it again.
                if self.pending.get(key).is_some_and(|newest| newest.number == change.number) {
                    self.pending.remove(key);
                }
            }
        }
        full && self.underway_bytes < UNDERWAY_BYTES_MAX
    }

    /// Goes on from what is durable, up to the change `number`; nothing is underway.
    pub(crate) fn resume(&mut self, number: u64, log: Journal) {
        self.pending.clear();
        self.dropping.clear();
        (self.number, self.waiting, self.underway_bytes) = (number, 0, 0);
        if let LogState::Mending(_) = &self.log {
            self.log = LogState::Open(log);
        }
    }
}

pub(crate) struct Newest<'a> {
    pending: &'a BTreeMap<Vec<u8>, Pending>,
    tables: &'a Tables,
}

fn row_of(pending: &Pending) -> Option<&Row> {
    pending.row.as_ref()
}

impl Layers for Newest<'_> {
    fn get(&self, key: &[u8]) -> Result<Option<Row>, ReadError> {
        match self.pending.get(key) {
            Some(pending) => Ok(pending.row.clone()),
            None => self.tables.get(key),
        }
    }

    fn cursors(&self, from: &[u8], end: &[u8]) -> Result<Vec<Box<dyn Cursor + '_>>, ReadError> {
        let pending = MapCursor::new(self.pending, row_of, from, end);
        let mut layers: Vec<Box<dyn Cursor>> = vec![Box::new(pending)];
        layers.extend(self.tables.cursors(from, end)?);
        Ok(layers)
    }
}
