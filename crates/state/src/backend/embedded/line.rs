//! Where changes stand in line for the journal: judged and submitted one at a time, in the
//! order in which they will have happened.

use std::sync::{Arc, Mutex, MutexGuard};

use tokio::sync::{mpsc, oneshot};

use super::super::judge::Judge;
use super::super::table::{Change, Table};
use super::frame;
use super::log::{Log, Ticket};
use super::{Health, closed};
use crate::store::Error;

pub(super) struct Line(Mutex<Inner>);

pub(super) struct Inner {
    pub(super) judge: Judge,
    pub(super) log: LogState,
    /// The number of the last change submitted.
    number: u64,
    /// What the keeper has not answered yet.
    waiting: usize,
    queue: mpsc::UnboundedSender<Waiting>,
}

pub(super) enum LogState {
    Open(Arc<dyn Log>),
    /// Something was lost; the keeper is finding out what is durable.
    Mending(String),
    Closed,
}

/// What the keeper answers, in order.
pub(super) struct Waiting {
    /// `None`: it only waits for those before it.
    pub(super) submitted: Option<Submitted>,
    pub(super) answer: oneshot::Sender<Result<(), Error>>,
}

pub(super) struct Submitted {
    pub(super) change: Change,
    pub(super) bytes: usize,
    pub(super) ticket: Ticket,
}

/// An answer that may be given once everything it rests on is durable.
pub(super) enum Underway {
    Durable,
    Waits(oneshot::Receiver<Result<(), Error>>),
}

impl Underway {
    pub(super) async fn durable(self) -> Result<(), Error> {
        match self {
            Self::Durable => Ok(()),
            Self::Waits(answer) => answer.await.unwrap_or_else(|_| {
                Err(Error::Unknown("the store closed before the answer was known".into()))
            }),
        }
    }
}

impl Line {
    pub(super) fn new(
        log: Arc<dyn Log>,
        table: &Table,
    ) -> (Self, mpsc::UnboundedReceiver<Waiting>) {
        let (queue, waiting) = mpsc::unbounded_channel();
        let (judge, number) = (Judge::at(table), table.number);
        let inner = Inner { judge, log: LogState::Open(log), number, waiting: 0, queue };
        (Self(Mutex::new(inner)), waiting)
    }

    /// The line, when it takes changes.
    pub(super) fn enter(&self) -> Result<MutexGuard<'_, Inner>, Error> {
        let inner = self.inner();
        match &inner.log {
            LogState::Open(_) => Ok(inner),
            LogState::Mending(why) => Err(Error::Unavailable(why.clone())),
            LogState::Closed => Err(closed()),
        }
    }

    pub(super) fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().expect("nothing that stands in the line panics")
    }

    /// Nothing comes in any more.
    pub(super) fn close(&self) {
        let mut inner = self.inner();
        inner.log = LogState::Closed;
        // Ends the keeper once it has answered what is here.
        inner.queue = mpsc::unbounded_channel().0;
    }

    pub(super) fn health(&self) -> Health {
        let inner = self.inner();
        match &inner.log {
            LogState::Open(log) => Health { unavailable: None, zones: log.zones() },
            LogState::Mending(why) => Health { unavailable: Some(why.clone()), zones: vec![] },
            LogState::Closed => Health { unavailable: Some(closed().to_string()), zones: vec![] },
        }
    }
}

impl Inner {
    pub(super) fn submit(&mut self, change: Change) -> Underway {
        let LogState::Open(log) = &self.log else { unreachable!("entered when it is open") };
        self.number += 1;
        let payload = frame::encode(self.number, &change);
        let bytes = payload.len();
        let ticket = log.submit(payload);
        self.wait(Some(Submitted { change, bytes, ticket }))
    }

    /// For an answer that changes nothing and may rest on what is still underway.
    pub(super) fn behind_the_rest(&mut self) -> Underway {
        if self.waiting == 0 { Underway::Durable } else { self.wait(None) }
    }

    fn wait(&mut self, submitted: Option<Submitted>) -> Underway {
        let (answer, answered) = oneshot::channel();
        self.waiting += 1;
        // The keeper has gone only if it panicked; the answer is then unknown.
        let _ = self.queue.send(Waiting { submitted, answer });
        Underway::Waits(answered)
    }

    /// The keeper has put these into the table, or knows that they only waited.
    pub(super) fn done<'a>(&mut self, count: usize, changes: impl Iterator<Item = &'a Change>) {
        self.waiting -= count;
        changes.for_each(|change| self.judge.done(change));
    }

    /// Goes on from what is durable; nothing is underway.
    pub(super) fn resume(&mut self, table: &Table, log: Arc<dyn Log>) {
        self.judge = Judge::at(table);
        (self.number, self.waiting) = (table.number, 0);
        if let LogState::Mending(_) = &self.log {
            self.log = LogState::Open(log);
        }
    }
}
