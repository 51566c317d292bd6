//! The one task that turns what the journal has synced into what readers see, in order, and
//! that mends the store when the journal lost something.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::super::table::Change;
use super::line::{LogState, Submitted, Waiting};
use super::log::{Log, Lost, Opener, Place};
use super::replay::replay;
use super::{Shared, image};
use crate::store::Error;

/// Answered together; bounds how long readers wait for the table.
const BATCH_MAX: usize = 256;
const REOPEN_FIRST: Duration = Duration::from_millis(50);
const REOPEN_MAX: Duration = Duration::from_secs(10);

pub(super) struct Keeper {
    shared: Arc<Shared>,
    queue: UnboundedReceiver<Waiting>,
    opener: Arc<dyn Opener>,
    /// The last payload that is in the table, or void.
    place: Place,
    bytes_since_snapshot: u64,
    snapshot_after_bytes: u64,
    last_snapshot_bytes: u64,
    snapshot: Option<JoinHandle<Result<u64, String>>>,
}

/// What the keeper has looked at and found durable.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    answers: Vec<oneshot::Sender<Result<(), Error>>>,
}

type Answer = oneshot::Sender<Result<(), Error>>;

impl Keeper {
    pub(super) fn new(
        shared: Arc<Shared>,
        queue: UnboundedReceiver<Waiting>,
        opener: Arc<dyn Opener>,
        snapshot_after_bytes: u64,
    ) -> Self {
        Self {
            shared,
            queue,
            opener,
            place: Place::default(),
            bytes_since_snapshot: 0,
            snapshot_after_bytes,
            last_snapshot_bytes: 0,
            snapshot: None,
        }
    }

    /// `place` is in the table already, with so many bytes since the last snapshot.
    pub(super) fn from(self, place: Place, bytes_since_snapshot: u64) -> Self {
        Self { place, bytes_since_snapshot, ..self }
    }

    /// Runs until the line is closed and everything in it is answered.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.queue.recv().await {
            let (batch, lost) = self.gather(first).await;
            self.publish(batch);
            if let Some((lost, answer)) = lost {
                self.mend(lost, answer).await;
            }
            self.snapshot_if_due().await;
        }
        if let Some(snapshot) = self.snapshot.take() {
            let _ = snapshot.await;
        }
    }

    /// The first of the queue, and with it all that are settled already.
    async fn gather(&mut self, first: Waiting) -> (Batch, Option<(Lost, Answer)>) {
        let mut batch = Batch::default();
        let mut next = Some(first);
        while let Some(Waiting { submitted, answer }) = next {
            if let Some(Submitted { change, bytes, ticket, .. }) = submitted {
                let outcome = match batch.answers.is_empty() {
                    true => ticket.await,
                    false => self.settle_or_publish(&mut batch, ticket).await,
                };
                match outcome {
                    Ok(place) => self.place = place,
                    Err(lost) => return (batch, Some((lost, answer))),
                }
                self.bytes_since_snapshot += bytes as u64;
                batch.changes.push(change);
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
        mut ticket: super::log::Ticket,
    ) -> Result<Place, Lost> {
        if let Some(outcome) = ticket.as_mut().now_or_never() {
            return outcome;
        }
        self.publish(std::mem::take(batch));
        ticket.await
    }

    fn publish(&self, batch: Batch) {
        let Batch { changes, answers } = batch;
        if !changes.is_empty() {
            let mut table = self.shared.table_mut();
            let events = changes.iter().flat_map(|change| table.apply(change)).collect();
            drop(table);
            for change in &changes {
                match change {
                    Change::Grant { lease, ttl } => self.shared.lease_clock.start(*lease, *ttl),
                    Change::End { lease, .. } => self.shared.lease_clock.stop(*lease),
                    Change::Write { .. } => {}
                }
            }
            // After the table: who hears of a change can read it.
            self.shared.history.push(events);
        }
        self.shared.line.inner().done(answers.len(), changes.iter());
        for answer in answers {
            // Whoever asked may have gone.
            let _ = answer.send(Ok(()));
        }
    }

    /// Something is lost. Everything behind it in the line is void or lost too: answers all
    /// of it, finds out what is durable, and goes on from there.
    async fn mend(&mut self, lost: Lost, answer: Answer) {
        let why = match &lost {
            Lost::Unavailable(why) | Lost::Unknown(why) => why.clone(),
        };
        let log = {
            let mut line = self.shared.line.inner();
            match std::mem::replace(&mut line.log, LogState::Mending(why.clone())) {
                LogState::Open(log) => Some(log),
                closed => {
                    line.log = closed;
                    None
                }
            }
        };
        tracing::warn!(%why, "the state's journal lost a change; looking what is durable");
        let mut unknown = matches!(lost, Lost::Unknown(_));
        let mut lost_ones = vec![(lost, answer)];
        while let Ok(Waiting { submitted, answer }) = self.queue.try_recv() {
            let lost = match submitted {
                None => Lost::Unavailable(why.clone()),
                Some(submitted) => match submitted.ticket.await {
                    // In the log, and void: its number does not follow.
                    Ok(place) => {
                        self.place = place;
                        Lost::Unavailable(why.clone())
                    }
                    Err(lost) => lost,
                },
            };
            unknown |= matches!(lost, Lost::Unknown(_));
            lost_ones.push((lost, answer));
        }
        for (lost, answer) in lost_ones {
            let _ = answer.send(Err(match lost {
                Lost::Unavailable(why) => Error::Unavailable(why),
                Lost::Unknown(why) => Error::Unknown(why),
            }));
        }
        let Some(log) = log else { return };
        if unknown || log.stopped() {
            self.reopen(log).await;
        } else {
            self.shared.line.inner().resume(&self.shared.table(), log);
        }
    }

    async fn reopen(&mut self, log: Arc<dyn Log>) {
        if let Some(snapshot) = self.snapshot.take() {
            let _ = snapshot.await;
        }
        drop(log);
        let mut wait = REOPEN_FIRST;
        loop {
            let opener = self.opener.clone();
            let since = self.shared.table().number;
            let opened = tokio::task::spawn_blocking(move || {
                let mut opened = opener.open()?;
                let replayed = replay(&mut opened, since).map_err(|error| error.to_string())?;
                Ok::<_, String>((opened, replayed))
            });
            let why = match opened.await.unwrap_or_else(|panic| Err(panic.to_string())) {
                Ok((_, replayed)) if replayed.table.number < since => {
                    format!(
                        "the journal has lost {} acknowledged changes; nothing more is taken",
                        since - replayed.table.number
                    )
                }
                Ok((opened, replayed)) => {
                    self.place = replayed.place;
                    self.bytes_since_snapshot = replayed.bytes;
                    self.shared.lease_clock.restart(&replayed.table);
                    *self.shared.table_mut() = replayed.table;
                    self.shared.history.push(replayed.events);
                    self.shared.line.inner().resume(&self.shared.table(), opened.log);
                    return;
                }
                Err(why) => why,
            };
            tracing::error!(%why, "the state takes no changes");
            {
                let mut line = self.shared.line.inner();
                if !matches!(line.log, LogState::Mending(_)) {
                    return;
                }
                line.log = LogState::Mending(why);
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(REOPEN_MAX);
        }
    }

    async fn snapshot_if_due(&mut self) {
        if let Some(running) = self.snapshot.take_if(|running| running.is_finished()) {
            match running.await.unwrap_or_else(|panic| Err(panic.to_string())) {
                Ok(bytes) => self.last_snapshot_bytes = bytes,
                Err(why) => tracing::warn!(%why, "the state's snapshot failed"),
            }
        }
        let due = self.snapshot_after_bytes.max(self.last_snapshot_bytes);
        if self.snapshot.is_some() || self.bytes_since_snapshot < due {
            return;
        }
        let log = match &self.shared.line.inner().log {
            LogState::Open(log) => log.clone(),
            _ => return,
        };
        self.bytes_since_snapshot = 0;
        let (table, upto) = (self.shared.table().clone(), self.place);
        self.snapshot = Some(tokio::task::spawn_blocking(move || {
            let image = image::encode(&table);
            drop(table);
            let bytes = image.len() as u64;
            log.snapshot(upto, image).map(|()| bytes)
        }));
    }
}
