use tokio::time::Instant;

use super::*;
use crate::store::LeaseId;

fn leased(at: &str, lease: LeaseId) -> Mutation {
    Mutation::Put { key: key(at), value: key("held"), lease: Some(lease) }
}

async fn grant(store: &dyn StateStore, ttl: Duration) -> LeaseId {
    store.lease_grant(ttl).await.expect("answers")
}

pub(super) async fn a_kept_lease_lives_and_then_ends_in_one_revision(
    engine: Box<dyn Engine>,
    factory: &dyn Factory,
) {
    let (store, ttl) = (engine.store(), factory.lease_ttl());
    let lease = grant(&*store, ttl).await;
    let other = grant(&*store, ttl * 100).await;
    commit(&*store, vec![leased("l/1", lease), leased("l/2", lease), leased("l/3", other)]).await;
    let now = commit(&*store, vec![leased("l/4", lease), put("l/5", "free")]).await;
    let mut watch = store.watch(b"l/", now).await.expect("kept");
    for _ in 0..8 {
        tokio::time::sleep(ttl / 4).await;
        assert!(store.lease_keep(lease).await.expect("answers"));
    }
    let kept = Instant::now();
    assert_eq!(revision(&*store).await, now, "kept over twice its life");
    let mut gone = take(&mut watch, 3).await;
    assert!(kept.elapsed() >= ttl * 9 / 10, "not before its time: {:?}", kept.elapsed());
    assert!(kept.elapsed() < ttl * 20, "in good time: {:?}", kept.elapsed());
    gone.sort_by(|a, b| a.key.cmp(&b.key));
    let event = |at| Event { key: key(at), value: None, revision: Revision(now.0 + 1) };
    assert_eq!(gone, ["l/1", "l/2", "l/4"].map(event));
    assert!(!store.lease_keep(lease).await.expect("answers"));
    assert!(store.lease_keep(other).await.expect("answers"));
    let rest = store.range(b"l/", b"l0", 10).await.expect("answers").items;
    assert_eq!(
        rest.iter().map(|item| item.key.clone()).collect::<Vec<_>>(),
        ["l/3", "l/5"].map(key)
    );
}

pub(super) async fn a_dead_lease_takes_no_key(engine: Box<dyn Engine>, factory: &dyn Factory) {
    let (store, ttl) = (engine.store(), factory.lease_ttl());
    let ended = grant(&*store, ttl / 4).await;
    let mut watch = store.watch(b"mark", Revision(0)).await.expect("kept");
    commit(&*store, vec![leased("mark", ended)]).await;
    take(&mut watch, 2).await;
    let revoked = grant(&*store, ttl * 100).await;
    store.lease_revoke(revoked).await.expect("answers");
    store.lease_revoke(revoked).await.expect("a second time it is nothing");
    let never = LeaseId(1_000_000);
    let now = revision(&*store).await;
    for lease in [ended, revoked, never] {
        let refused = store.txn(vec![], vec![put("free", "x"), leased("k", lease)]).await;
        assert!(matches!(refused, Err(Error::LeaseEnded)), "{lease:?}: {refused:?}");
        assert!(!store.lease_keep(lease).await.expect("answers"), "{lease:?}");
        // The condition comes first: who lost the race learns that.
        let lost = store.txn(vec![modified_at("k", now)], vec![leased("k", lease)]).await;
        assert!(matches!(lost, Ok(None)), "{lease:?}: {lost:?}");
    }
    let after = store.range(b"", b"", 10).await.expect("answers");
    assert_eq!((after.items, after.revision), (vec![], now));
}

/// Two hold the same lock one after the other; the first, who slept through the end of its
/// lease, still acts.
pub(super) async fn an_old_fencing_token_is_refused(
    engine: Box<dyn Engine>,
    factory: &dyn Factory,
) {
    let (store, ttl) = (engine.store(), factory.lease_ttl());
    let lock = async |lease| {
        store.txn(vec![absent("lock")], vec![leased("lock", lease)]).await.expect("answers")
    };
    let first = lock(grant(&*store, ttl / 4).await).await.expect("free");
    let guarded = async |token| {
        let conditions = vec![modified_at("lock", token)];
        store.txn(conditions, vec![put("guarded", "x")]).await.expect("answers").is_some()
    };
    assert!(guarded(first).await);
    let mut watch = store.watch(b"lock", first).await.expect("kept");
    assert_eq!(next(&mut watch).await.expect("kept").value, None);
    assert!(!guarded(first).await, "nobody holds it");
    let second = lock(grant(&*store, ttl * 100).await).await.expect("free");
    assert!(second > first);
    assert!(!guarded(first).await);
    assert!(guarded(second).await);
}

pub(super) async fn a_key_leaves_its_lease_when_written_without(
    engine: Box<dyn Engine>,
    factory: &dyn Factory,
) {
    let (store, ttl) = (engine.store(), factory.lease_ttl());
    let (one, two) = (grant(&*store, ttl * 100).await, grant(&*store, ttl * 100).await);
    let keys = ["l/free", "l/gone", "l/moved", "l/stays"];
    commit(&*store, keys.iter().map(|at| leased(at, one)).collect()).await;
    commit(&*store, vec![put("l/free", "x"), delete("l/gone"), leased("l/moved", two)]).await;
    commit(&*store, vec![put("l/gone", "again")]).await;
    store.lease_revoke(one).await.expect("answers");
    let left = store.range(b"l/", b"l0", 10).await.expect("answers").items;
    let left: Vec<_> = left.iter().map(|item| item.key.clone()).collect();
    assert_eq!(left, ["l/free", "l/gone", "l/moved"].map(key));
}

pub(super) async fn a_lease_has_its_whole_life_after_a_restart(
    mut engine: Box<dyn Engine>,
    factory: &dyn Factory,
) {
    let ttl = factory.lease_ttl();
    let store = engine.store();
    let (short, long) = (grant(&*store, ttl).await, grant(&*store, ttl * 100).await);
    let now = commit(&*store, vec![leased("l/short", short), leased("l/long", long)]).await;
    drop(store);
    tokio::time::sleep(ttl / 2).await;
    let restarted = Instant::now();
    if !engine.restart().await {
        return;
    }
    let store = engine.store();
    let mut watch = store.watch(b"l/", now).await.expect("kept");
    assert_eq!(next(&mut watch).await.expect("kept").key, key("l/short"));
    assert!(restarted.elapsed() >= ttl * 9 / 10, "{:?}", restarted.elapsed());
    assert!(store.lease_keep(long).await.expect("answers"));
    let newer = grant(&*store, ttl).await;
    assert!(newer != short && newer != long, "no lease id is given twice");
}
