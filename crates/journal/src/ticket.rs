//! The answer to a submitted payload, to be awaited or waited for.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::Committed;
use crate::sync::{Condvar, Mutex, MutexGuard};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CommitError {
    /// Certainly not in the log, now or later. Trying again is safe.
    #[error("the journal did not take the payload: {0}")]
    Unavailable(String),
    /// May be in the log. The journal takes nothing more until it is opened again.
    #[error("the payload may or may not be in the journal: {0}")]
    Unknown(String),
}

type Outcome = Result<Committed, CommitError>;

/// Resolves once the payload's outcome is known. Dropping it withdraws nothing.
pub struct Ticket {
    cell: Arc<Cell>,
}

#[derive(Default)]
struct Cell {
    state: Mutex<State>,
    settled: Condvar,
}

#[derive(Default)]
struct State {
    outcome: Option<Outcome>,
    waker: Option<Waker>,
    /// Whether a thread is blocked in [`Ticket::wait`].
    waiting: bool,
}

impl Cell {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The other end of a ticket. Settles it as unknown when dropped unsettled.
pub(crate) struct Settler {
    cell: Arc<Cell>,
}

impl Ticket {
    pub(crate) fn pair() -> (Ticket, Settler) {
        let cell = Arc::new(Cell::default());
        (Ticket { cell: cell.clone() }, Settler { cell })
    }

    pub(crate) fn refused(error: CommitError) -> Ticket {
        let (ticket, settler) = Ticket::pair();
        settler.settle(Err(error));
        ticket
    }

    /// Blocks the thread until the outcome is known.
    pub fn wait(self) -> Result<Committed, CommitError> {
        let mut state = self.cell.lock();
        loop {
            if let Some(outcome) = &state.outcome {
                return outcome.clone();
            }
            state.waiting = true;
            state = self.cell.settled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The outcome, if it is known already.
    pub fn outcome(&self) -> Option<Result<Committed, CommitError>> {
        self.cell.lock().outcome.clone()
    }
}

impl Future for Ticket {
    type Output = Result<Committed, CommitError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.cell.lock();
        match &state.outcome {
            Some(outcome) => Poll::Ready(outcome.clone()),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Settler {
    pub(crate) fn settle(self, outcome: Outcome) {
        self.put(outcome);
    }

    fn put(&self, outcome: Outcome) {
        let mut state = self.cell.lock();
        if state.outcome.is_some() {
            return;
        }
        state.outcome = Some(outcome);
        let waker = state.waker.take();
        let waiting = state.waiting;
        drop(state);
        if waiting {
            self.cell.settled.notify_all();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Drop for Settler {
    fn drop(&mut self) {
        self.put(Err(CommitError::Unknown("the journal's thread ended".to_owned())));
    }
}
