use super::*;

pub(super) async fn racing_creates_have_one_winner(engine: Box<dyn Engine>, _: &dyn Factory) {
    let store = engine.store();
    let racers = (0..32).map(|racer: i32| {
        let store = store.clone();
        tokio::spawn(async move {
            let mine = format!("racer/{racer}");
            let mutations = vec![put("prize", &racer.to_string()), put(&mine, "ran")];
            store.txn(vec![absent("prize")], mutations).await.expect("answers")
        })
    });
    let mut winners = Vec::new();
    for (racer, outcome) in futures_util::future::join_all(racers).await.into_iter().enumerate() {
        winners.extend(outcome.expect("ran").map(|revision| (racer, revision)));
    }
    let [(winner, at)] = winners[..] else { panic!("{winners:?}") };
    assert_eq!(value(&*store, "prize").await, Some(winner.to_string()));
    let ran = store.range(b"racer/", b"racer0", 100).await.expect("answers");
    assert_eq!((ran.items.len(), ran.revision), (1, at), "a loser leaves nothing");
    assert_eq!(ran.items[0].key, key(&format!("racer/{winner}")));
}

pub(super) async fn conditions_decide_and_a_conflict_changes_nothing(
    engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    let store = engine.store();
    let first = commit(&*store, vec![put("a", "1"), put("b", "1")]).await;
    let second = commit(&*store, vec![put("b", "2")]).await;
    assert!(second > first);
    let check = async |conditions: Vec<Condition>, holds: bool| {
        let before = store.range(b"", b"", 100).await.expect("answers");
        let outcome = store.txn(conditions.clone(), vec![put("mark", "1")]).await.expect("answers");
        assert_eq!(outcome.is_some(), holds, "{conditions:?}");
        match outcome {
            None => assert_eq!(store.range(b"", b"", 100).await.expect("answers"), before),
            Some(revision) => assert_eq!(revision.0, before.revision.0 + 1),
        }
    };
    check(vec![modified_at("a", first), modified_at("b", second), absent("c")], true).await;
    check(vec![modified_at("a", second)], false).await;
    check(vec![modified_at("b", first)], false).await;
    check(vec![modified_at("c", first)], false).await;
    check(vec![modified_at("c", Revision(0))], false).await;
    check(vec![modified_at("a", first), absent("b")], false).await;
    check(vec![absent("c"), absent("c")], true).await;
    // A deleted key is absent, and made again it is another.
    let delete_a = store.txn(vec![modified_at("a", first)], vec![delete("a")]).await;
    assert!(delete_a.expect("answers").is_some());
    check(vec![modified_at("a", first)], false).await;
    check(vec![absent("a")], true).await;
    commit(&*store, vec![put("a", "1")]).await;
    check(vec![modified_at("a", first)], false).await;
}

pub(super) async fn a_transaction_that_changes_nothing_takes_no_revision(
    engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    let store = engine.store();
    let now = commit(&*store, vec![put("a", "1")]).await;
    let check = async |conditions, mutations, expected| {
        assert_eq!(store.txn(conditions, mutations).await.expect("answers"), expected);
        assert_eq!(revision(&*store).await, now);
    };
    check(vec![], vec![], Some(now)).await;
    check(vec![], vec![delete("b")], Some(now)).await;
    check(vec![modified_at("a", now)], vec![], Some(now)).await;
    check(vec![absent("a")], vec![], None).await;
    // The same value again is a change: its revision moves.
    assert_eq!(commit(&*store, vec![put("a", "1"), delete("b")]).await.0, now.0 + 1);
}

pub(super) async fn ranges_are_ordered_and_bounded(engine: Box<dyn Engine>, _: &dyn Factory) {
    let store = engine.store();
    let mut now = Revision(0);
    for name in ["b", "a/2", "a", "c", "a/1", "a0"] {
        now = commit(&*store, vec![put(name, name)]).await;
    }
    let check = async |start: &str, end: &str, limit, keys: &[&str], more| {
        let range = store.range(start.as_bytes(), end.as_bytes(), limit).await.expect("answers");
        let found: Vec<_> = range.items.iter().map(|item| item.key.clone()).collect();
        let keys: Vec<_> = keys.iter().copied().map(key).collect();
        assert_eq!((found, range.more, range.revision), (keys, more, now), "{start}..{end}");
    };
    check("", "", 100, &["a", "a/1", "a/2", "a0", "b", "c"], false).await;
    check("", "", 2, &["a", "a/1"], true).await;
    check("", "", 6, &["a", "a/1", "a/2", "a0", "b", "c"], false).await;
    check("", "", 0, &[], true).await;
    check("a/", "a0", 100, &["a/1", "a/2"], false).await;
    check("a/1", "a/1\0", 100, &["a/1"], false).await;
    check("b", "", 100, &["b", "c"], false).await;
    check("b", "b", 100, &[], false).await;
    check("c", "a", 100, &[], false).await;
    check("d", "", 100, &[], false).await;
}

pub(super) async fn what_was_acknowledged_is_there_after_restart_and_kill(
    mut engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    for round in 0..6 {
        let store = engine.store();
        commit(&*store, vec![put("a", &round.to_string()), put(&format!("r/{round}"), "x")]).await;
        commit(&*store, vec![put("gone", "x")]).await;
        commit(&*store, vec![delete("gone"), put("big", &"v".repeat(60_000))]).await;
        let before = store.range(b"", b"", 100).await.expect("answers");
        drop(store);
        let kept = if round % 2 == 0 { engine.restart().await } else { engine.kill().await };
        if !kept {
            return;
        }
        let store = engine.store();
        assert_eq!(store.range(b"", b"", 100).await.expect("answers"), before);
        let next = commit(&*store, vec![put("b", "1")]).await;
        assert_eq!(next.0, before.revision.0 + 1, "revisions go on");
    }
}
