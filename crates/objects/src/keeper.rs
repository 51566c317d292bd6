//! The one task that turns what the journal has synced into what readers see, in order; that has
//! it written into the index when there is much of it; and that mends the engine when the
//! journal lost something.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use journal::{CommitError as LogError, Committed, Journal, Place, Ticket};
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::CommitError;
use crate::extents::Hold;
use crate::frame::Effect;
use crate::line::{Crowded, Done, LogState, Submitted, Waiting};
use crate::options::{CROWDED_TIMES, Limits, Opener};
use crate::rebuild::Rebuilder;
use crate::replay::replay_after;
use crate::shared::{Rebuild, Shared};
use crate::table::{At, Table};

/// Answered together; bounds how long readers wait for the table.
const BATCH_MAX: usize = 256;
const RETRY_FIRST: Duration = Duration::from_millis(50);
const RETRY_MAX: Duration = Duration::from_secs(10);

pub(crate) struct Keeper {
    shared: Arc<Shared>,
    queue: UnboundedReceiver<Waiting>,
    opener: Opener,
    rebuilder: Rebuilder,
    limits: Limits,
    flush: Option<JoinHandle<Result<(), String>>>,
    flush_retry: Duration,
}

type Answer = oneshot::Sender<Result<(), CommitError>>;

/// What the keeper has looked at and found durable.
#[derive(Default)]
struct Batch {
    changes: Vec<Durable>,
    answers: Vec<Answer>,
}

struct Durable {
    number: u64,
    effect: Effect,
    at: At,
    holds: Vec<Hold>,
}

/// A change that is not known to have happened. What it attaches is held until that is known:
/// it may turn out to have happened.
struct Lost {
    lost: LogError,
    answer: Answer,
    holds: Vec<Hold>,
}

impl Keeper {
    pub(crate) fn new(
        shared: Arc<Shared>,
        queue: UnboundedReceiver<Waiting>,
        opener: Opener,
        rebuilder: Rebuilder,
        limits: Limits,
    ) -> Self {
        Self { shared, queue, opener, rebuilder, limits, flush: None, flush_retry: RETRY_FIRST }
    }

    /// Runs until the line is closed and everything in it is answered.
    pub(crate) async fn run(mut self) {
        self.flush_if_due();
        loop {
            tokio::select! {
                biased;
                flushed = flushed(&mut self.flush) => self.after_flush(flushed),
                Some(answer) = self.rebuilder.asked.recv() => self.rebuild(answer).await,
                waiting = self.queue.recv() => match waiting {
                    Some(first) => self.answer(first).await,
                    None => break,
                },
            }
        }
        self.flush_all().await;
        let log = self.shared.log();
        // A panic in it has been reported; the journal ends with the process then.
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
    }

    async fn answer(&mut self, first: Waiting) {
        let (batch, lost) = self.gather(first).await;
        self.publish(batch);
        if let Some(lost) = lost {
            self.mend(lost).await;
        }
        self.flush_if_due();
    }

    /// The first of the queue, and with it all that are settled already.
    async fn gather(&mut self, first: Waiting) -> (Batch, Option<Lost>) {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(Waiting { submitted, answer }) = next {
            if let Some(Submitted { number, effect, payload_bytes, ticket, holds }) = submitted {
                match self.settle_or_publish(&mut batch, ticket).await {
                    Ok(committed) => {
                        let at = at(committed, payload_bytes);
                        batch.changes.push(Durable { number, effect, at, holds });
                    }
                    Err(lost) => return (batch, Some(Lost { lost, answer, holds })),
                }
            }
            batch.answers.push(answer);
            next = if batch.answers.len() < BATCH_MAX { self.queue.try_recv().ok() } else { None };
        }
        (batch, None)
    }

    /// Nobody waits in a batch for a payload that is not synced yet.
    async fn settle_or_publish(
        &self,
        batch: &mut Batch,
        mut ticket: Ticket,
    ) -> Result<Committed, LogError> {
        if let Some(outcome) = (&mut ticket).now_or_never() {
            return outcome;
        }
        self.publish(std::mem::take(batch));
        ticket.await
    }

    fn publish(&self, batch: Batch) {
        let Batch { changes, answers } = batch;
        let mut done = Vec::with_capacity(changes.len());
        if !changes.is_empty() {
            let mut tables = self.shared.tables_mut();
            for Durable { number, effect, at, holds } in changes {
                let keys = effect.rows.iter().map(|(key, _)| key.clone()).collect();
                let dropped = effect.blobs.iter().filter(|(_, stored)| stored.is_none());
                let dropped = dropped.map(|(id, _)| *id).collect();
                done.push(Done { number, keys, dropped, payload_bytes: at.payload_bytes });
                tables.active.apply(number, effect, at);
                drop(holds);
            }
        }
        if self.shared.line.inner().done(answers.len(), &done) {
            self.shared.room.notify_waiters();
        }
        for answer in answers {
            // Whoever asked may have gone.
            let _ = answer.send(Ok(()));
        }
    }

    /// Something is lost. Everything behind it in the line is void or lost too: answers all of
    /// it, finds out what is durable, and goes on from there.
    async fn mend(&mut self, first: Lost) {
        let why = reason(&first.lost).to_owned();
        let log = self.shared.line.mend(&why);
        tracing::warn!(%why, "the log of the objects lost a change; looking what is durable");
        let lost = self.gather_lost(first, &why).await;
        let unknown = lost.iter().any(|lost| matches!(lost.lost, LogError::Unknown(_)));
        let mut held = Vec::new();
        for Lost { lost, answer, holds } in lost {
            let _ = answer.send(Err(match lost {
                LogError::Unavailable(why) => CommitError::Unavailable(why),
                LogError::Unknown(why) => CommitError::Unknown(why),
            }));
            held.push(holds);
        }
        match log {
            Some(log) if unknown || log.stopped().is_some() => self.reopen(log).await,
            Some(log) => self.resume(log),
            // Closed meanwhile.
            None => {}
        }
    }

    async fn gather_lost(&mut self, first: Lost, why: &str) -> Vec<Lost> {
        let mut all = vec![first];
        while let Ok(Waiting { submitted, answer }) = self.queue.try_recv() {
            let (mut lost, mut holds) = (LogError::Unavailable(why.to_owned()), Vec::new());
            if let Some(submitted) = submitted {
                holds = submitted.holds;
                match submitted.ticket.await {
                    // In the log, and void: its number does not follow.
                    Ok(committed) => {
                        let at = at(committed, submitted.payload_bytes);
                        self.shared.tables_mut().active.pass(at, false);
                    }
                    Err(error) => lost = error,
                }
            }
            all.push(Lost { lost, answer, holds });
        }
        all
    }

    fn resume(&self, log: Journal) {
        let number = self.shared.tables().active.reached.number;
        self.shared.line.inner().resume(number, log);
        self.shared.room.notify_waiters();
    }

    async fn reopen(&mut self, log: Journal) {
        let mut wait = RETRY_FIRST;
        let _ = tokio::task::spawn_blocking(move || log.close()).await;
        loop {
            let (opener, shared) = (self.opener.clone(), self.shared.clone());
            let opened = tokio::task::spawn_blocking(move || {
                let reached = shared.tables().active.reached;
                let (log, _) = opener.open().map_err(|error| error.to_string())?;
                let table = replay_after(&log, reached).map_err(|error| error.to_string())?;
                Ok::<_, String>((log, table))
            });
            let why = match opened.await.unwrap_or_else(|panic| Err(panic.to_string())) {
                Ok((log, more)) => {
                    self.shared.tables_mut().active.append(more);
                    self.shared.replace_log(log.clone());
                    self.resume(log);
                    return;
                }
                Err(why) => why,
            };
            tracing::error!(%why, "the engine of the objects takes no changes");
            {
                let mut line = self.shared.line.inner();
                if !matches!(line.log, LogState::Mending(_)) {
                    return;
                }
                line.log = LogState::Mending(why);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(RETRY_MAX);
        }
    }

    // ---- the index ----

    fn flush_if_due(&mut self) {
        let (due, crowded) = {
            let active = &self.shared.tables().active;
            let due = self.limits.is_full(active, 1) || active.awaited;
            (due, self.limits.is_full(active, CROWDED_TIMES))
        };
        if due && self.flush.is_none() {
            let frozen = self.shared.tables_mut().freeze();
            self.flush = Some(tokio::spawn(flush(self.shared.clone(), frozen, Duration::ZERO)));
        } else if crowded {
            self.shared.line.inner().crowded.get_or_insert(Crowded::ForNow);
        }
    }

    fn after_flush(&mut self, flushed: Result<(), String>) {
        let crowded = match flushed {
            Ok(()) => {
                self.shared.tables_mut().frozen = None;
                self.flush_retry = RETRY_FIRST;
                None
            }
            Err(why) => {
                tracing::error!(%why, "the index of the objects is not written");
                let frozen = self.shared.tables().frozen.clone();
                let frozen = frozen.expect("what was not written is kept");
                let again = flush(self.shared.clone(), frozen, self.flush_retry);
                self.flush = Some(tokio::spawn(again));
                self.flush_retry = (self.flush_retry * 2).min(RETRY_MAX);
                let full = self.limits.is_full(&self.shared.tables().active, CROWDED_TIMES);
                full.then_some(Crowded::Stuck(why))
            }
        };
        self.shared.line.inner().crowded = crowded;
        self.shared.room.notify_waiters();
        self.flush_if_due();
    }

    /// Makes the index anew. Whatever is in memory stays there, over the new index as it was
    /// over the old, and what becomes durable meanwhile waits: this is as rare as rot.
    async fn rebuild(&mut self, answer: Rebuild) {
        let written = match &self.flush {
            Some(_) => Some(flushed(&mut self.flush).await),
            None => None,
        };
        let done = self.rebuilder.rebuild(self.shared.clone()).await;
        if let Some(written) = written {
            self.after_flush(written);
        }
        // Whoever asked may have gone.
        let _ = answer.send(done);
    }

    /// Leaves as little as can be for the next start to read.
    async fn flush_all(&mut self) {
        if self.flush.is_some() {
            match flushed(&mut self.flush).await {
                Ok(()) => self.shared.tables_mut().frozen = None,
                Err(why) => return tracing::warn!(%why, "the index of the objects is not written"),
            }
        }
        if self.shared.tables().active.is_empty() {
            return;
        }
        let frozen = self.shared.tables_mut().freeze();
        match flush(self.shared.clone(), frozen, Duration::ZERO).await {
            Ok(()) => self.shared.tables_mut().frozen = None,
            Err(why) => tracing::warn!(%why, "the index of the objects is not written"),
        }
    }
}

fn at(committed: Committed, payload_bytes: usize) -> At {
    At { sequence: committed.sequence, place: committed.place, payload_bytes }
}

fn reason(lost: &LogError) -> &str {
    match lost {
        LogError::Unavailable(why) | LogError::Unknown(why) => why,
    }
}

/// Resolves when a flush that runs has ended.
async fn flushed(flush: &mut Option<JoinHandle<Result<(), String>>>) -> Result<(), String> {
    let Some(running) = flush else { return std::future::pending().await };
    let ended = running.await.unwrap_or_else(|panic| Err(panic.to_string()));
    *flush = None;
    ended
}

/// Writes `frozen` into the index, after a while, and tells the log that it need not be read
/// from before there any more.
async fn flush(shared: Arc<Shared>, frozen: Arc<Table>, wait: Duration) -> Result<(), String> {
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let rebuilds = shared.rebuilds.clone();
    let write = move || {
        let index = shared.tables().index.clone();
        index.apply(&frozen).map_err(|error| error.to_string())?;
        let keep_from = frozen.keep_from.map(|segment| Place { segment, offset: 0 });
        let keep_from = keep_from.unwrap_or_default();
        let kept = shared.log().checkpoint(frozen.reached.sequence, keep_from);
        if let Err(error) = kept {
            // The next start reads more than it had to.
            tracing::warn!(%error, "the log of the objects was not told of the index");
        }
        Ok(())
    };
    tokio::task::spawn_blocking(write).await.unwrap_or_else(|panic| {
        // What rotted makes redb panic: no retry would help.
        let _ = rebuilds.send(oneshot::channel().0);
        Err(panic.to_string())
    })
}
