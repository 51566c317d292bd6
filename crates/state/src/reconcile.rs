//! The one control pattern: a record says what is wanted, a reconciler makes the world so.
//!
//! A reconciler is woken by its record's change and by a slow timer. The wake-up carries no
//! data: it reads the record and looks at the world, so a lost, doubled or late wake-up does
//! no harm. One run at a time per record, backoff per record, so that one broken resource
//! delays no other. [`crash_loop`] is the test that every reconciler must pass.

pub mod crash_loop;

mod feed;
mod queue;
mod runtime;

use aws::{BoxFuture, Clock, Timestamp};

use crate::key::Key;
use crate::record::{Record, Stored};
use crate::records::Records;
use crate::transaction::{CommitError, MayConflict};

pub use runtime::{Reconcilers, Running, Waker};

/// One kind of resource: what to look at, what to decide, how to act.
pub trait Reconciler: Send + Sync + 'static {
    type Wanted: Record;
    type Seen: Send;
    type Step: Send;

    /// Runs of this kind at once. A kind whose steps are slow takes no other's place.
    const RUNS_MAX: usize = 8;

    /// Looks at the world. Changes nothing.
    fn look(
        &self,
        wanted: &Stored<Self::Wanted>,
    ) -> impl Future<Output = Result<Self::Seen, Failure>> + Send;

    /// Decides. Pure: all it knows is in its arguments.
    fn next_step(wanted: &Self::Wanted, seen: &Self::Seen, now: Timestamp) -> Self::Step;

    /// Acts. It may have run before and been cut short anywhere, so everything it makes is
    /// named after the resource's id; what it commits requires `wanted` unchanged.
    fn run_step(
        &self,
        wanted: &Stored<Self::Wanted>,
        step: Self::Step,
    ) -> impl Future<Output = Result<Next, Failure>> + Send;
}

/// When a record is looked at again, unless its change comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// All is as wanted: at the slow timer.
    Settled,
    /// There is more to do: at once.
    Again,
    /// At this time of the region's clock, which users can turn.
    At(Timestamp),
}

/// Why a run failed. It is logged and tried again later; what a user should see of it, the
/// reconciler writes into the record. A lost race ([`CommitError::Conflict`]) is no failure:
/// the record is read again at once.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How a run ended.
#[derive(Debug)]
enum Outcome {
    Next(Next),
    /// There is no such record (any more).
    Gone,
    Failed(Failure),
}

trait AnyReconciler: Send + Sync {
    fn run<'a>(
        &'a self,
        records: &'a Records,
        clock: &'a Clock,
        key: &'a Key,
    ) -> BoxFuture<'a, Outcome>;
}

impl<R: Reconciler> AnyReconciler for R {
    fn run<'a>(
        &'a self,
        records: &'a Records,
        clock: &'a Clock,
        key: &'a Key,
    ) -> BoxFuture<'a, Outcome> {
        Box::pin(async move {
            match run_once(self, records, clock, key).await {
                Ok(outcome) => outcome,
                Err(failure) if is_conflict(&failure) => Outcome::Next(Next::Again),
                Err(failure) => Outcome::Failed(failure),
            }
        })
    }
}

async fn run_once<R: Reconciler>(
    reconciler: &R,
    records: &Records,
    clock: &Clock,
    key: &Key,
) -> Result<Outcome, Failure> {
    let Some(wanted) = records.get::<R::Wanted>(&key.scope, &key.id).await? else {
        return Ok(Outcome::Gone);
    };
    let seen = reconciler.look(&wanted).await?;
    let step = R::next_step(&wanted.record, &seen, clock.now());
    Ok(Outcome::Next(reconciler.run_step(&wanted, step).await?))
}

fn is_conflict(failure: &Failure) -> bool {
    let commit = failure.downcast_ref::<CommitError>().is_some_and(MayConflict::is_conflict);
    commit || failure.downcast_ref::<aws::Error>().is_some_and(MayConflict::is_conflict)
}

#[cfg(test)]
mod tests;
