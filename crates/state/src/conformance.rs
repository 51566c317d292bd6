//! One suite for every backend: what [`StateStore`] promises, and nothing else. A backend
//! joins by giving a [`Factory`].

mod bank;
mod leases;
mod limits;
mod model;
mod transactions;
mod watches;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use aws::BoxFuture;

use crate::store::{Condition, Error, Event, Mutation, Revision, StateStore, Watch};

pub(crate) trait Factory {
    /// A running engine with nothing in it.
    fn make(&self) -> BoxFuture<'_, Box<dyn Engine>>;

    /// A lease's life, long against the engine's delays and short against a tester's.
    fn lease_ttl(&self) -> Duration;

    /// Random histories that the model test compares.
    fn model_cases(&self) -> u32;
}

pub(crate) trait Engine: Send {
    fn store(&self) -> Arc<dyn StateStore>;

    /// Ends the engine in order and starts it on the same data. `false` when it keeps none.
    fn restart(&mut self) -> BoxFuture<'_, bool>;

    /// As [`Engine::restart`], ended as a power cut ends it.
    fn kill(&mut self) -> BoxFuture<'_, bool>;
}

/// Runs everything on `factory`'s engines, each check on one of its own.
pub(crate) fn suite(factory: &dyn Factory) {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    macro_rules! check {
        ($($check:path),* $(,)?) => {$({
            eprintln!("conformance: {}", stringify!($check));
            let runtime = runtime().expect("a runtime");
            runtime.block_on(async { $check(factory.make().await, factory).await });
        })*};
    }
    check!(
        transactions::racing_creates_have_one_winner,
        transactions::conditions_decide_and_a_conflict_changes_nothing,
        transactions::a_transaction_that_changes_nothing_takes_no_revision,
        transactions::ranges_are_ordered_and_bounded,
        transactions::what_was_acknowledged_is_there_after_restart_and_kill,
        bank::money_is_never_made_lost_or_half_seen,
        watches::a_watch_resumed_in_the_middle_is_identical,
        watches::a_watch_sees_its_prefix_only_and_waits,
        watches::a_watch_that_fell_too_far_behind_hears_it,
        watches::a_watch_resumed_after_a_restart_is_identical_or_compacted,
        leases::a_kept_lease_lives_and_then_ends_in_one_revision,
        leases::a_dead_lease_takes_no_key,
        leases::an_old_fencing_token_is_refused,
        leases::a_key_leaves_its_lease_when_written_without,
        leases::a_lease_has_its_whole_life_after_a_restart,
        limits::limits_hold_at_their_edges,
    );
    model::compare(factory);
}

/// Short words for the checks.
pub(crate) fn key(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) fn put(at: &str, value: &str) -> Mutation {
    Mutation::Put { key: key(at), value: key(value), lease: None }
}

pub(crate) fn delete(at: &str) -> Mutation {
    Mutation::Delete { key: key(at) }
}

pub(crate) fn absent(at: &str) -> Condition {
    Condition::Absent(key(at))
}

pub(crate) fn modified_at(at: &str, revision: Revision) -> Condition {
    Condition::ModifiedAt(key(at), revision)
}

pub(crate) fn draw(random: &aws::Random, below: usize) -> usize {
    usize::try_from(random.next_u64() % below as u64).expect("less than a usize")
}

pub(crate) async fn commit(store: &dyn StateStore, mutations: Vec<Mutation>) -> Revision {
    store.txn(vec![], mutations).await.expect("the store answers").expect("no condition")
}

pub(crate) async fn value(store: &dyn StateStore, at: &str) -> Option<String> {
    let found = store.get(at.as_bytes()).await.expect("the store answers")?;
    Some(String::from_utf8(found.value.to_vec()).expect("text"))
}

pub(crate) async fn revision(store: &dyn StateStore) -> Revision {
    store.range(b"", b"", 0).await.expect("the store answers").revision
}

pub(crate) async fn next(watch: &mut Box<dyn Watch>) -> Result<Event, Error> {
    let waited = tokio::time::timeout(Duration::from_secs(20), watch.next()).await;
    waited.expect("a change that happened is heard of")
}

/// The next `count` events of the watch.
pub(crate) async fn take(watch: &mut Box<dyn Watch>, count: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while events.len() < count {
        events.push(next(watch).await.expect("kept"));
    }
    events
}
