use super::*;

/// Changes of every sort; each is one or more events under `w/`.
async fn busy(store: &dyn StateStore) -> Vec<Revision> {
    let mut revisions = Vec::new();
    for round in 0..12 {
        let one = format!("w/{}", round % 5);
        let mutations = match round % 3 {
            0 => vec![put(&one, "x"), put("w/always", &round.to_string()), put("other", "x")],
            1 => vec![put("w/now-and-then", "x")],
            _ => vec![delete("w/now-and-then"), put(&one, "y")],
        };
        revisions.push(commit(store, mutations).await);
    }
    revisions
}

pub(super) async fn a_watch_resumed_in_the_middle_is_identical(
    engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    let store = engine.store();
    let mut live = store.watch(b"w/", Revision(0)).await.expect("kept");
    let revisions = busy(&*store).await;
    let all = take(&mut live, 20).await;
    assert!(all.windows(2).all(|pair| pair[0].revision <= pair[1].revision));
    for after in revisions {
        let mut resumed = store.watch(b"w/", after).await.expect("kept");
        let rest: Vec<_> = all.iter().filter(|event| event.revision > after).cloned().collect();
        assert_eq!(take(&mut resumed, rest.len()).await, rest);
    }
}

pub(super) async fn a_watch_sees_its_prefix_only_and_waits(
    engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    let store = engine.store();
    let now = commit(&*store, vec![put("w/a", "before")]).await;
    let mut watch = store.watch(b"w/", now).await.expect("kept");
    let mut ahead = store.watch(b"w/", Revision(now.0 + 2)).await.expect("kept");
    let waiting = tokio::spawn(async move { next(&mut watch).await.map(|event| (event, watch)) });
    tokio::task::yield_now().await;
    commit(&*store, vec![put("v", "1"), put("w", "1"), put("w0", "1")]).await;
    assert!(!waiting.is_finished());
    let at = commit(&*store, vec![put("w/", "1")]).await;
    let (event, mut watch) = waiting.await.expect("ran").expect("kept");
    assert_eq!(event, Event { key: key("w/"), value: Some(key("1")), revision: at });
    let at = commit(&*store, vec![delete("w/a")]).await;
    let gone = Event { key: key("w/a"), value: None, revision: at };
    assert_eq!(next(&mut watch).await.expect("kept"), gone);
    assert_eq!(next(&mut ahead).await.expect("kept"), gone, "from the future on");
}

pub(super) async fn a_watch_that_fell_too_far_behind_hears_it(
    engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    const ROUNDS_MAX: usize = 600;
    let store = engine.store();
    let mut slow = store.watch(b"", Revision(0)).await.expect("kept");
    for _ in 0..ROUNDS_MAX {
        let mutations = (0..64).map(|n| put(&format!("w/{n}"), "x")).collect();
        commit(&*store, mutations).await;
        if matches!(store.watch(b"", Revision(0)).await, Err(Error::Compacted(_))) {
            let late = slow.next().await;
            assert!(matches!(late, Err(Error::Compacted(_))), "{late:?}");
            let now = revision(&*store).await;
            let mut fresh = store.watch(b"w/", now).await.expect("kept");
            let at = commit(&*store, vec![put("w/1", "y")]).await;
            assert_eq!(next(&mut fresh).await.expect("kept").revision, at);
            return;
        }
    }
    panic!("{ROUNDS_MAX} changes of 64 keys are all kept: nothing bounds the history");
}

pub(super) async fn a_watch_resumed_after_a_restart_is_identical_or_compacted(
    mut engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    let store = engine.store();
    let mut live = store.watch(b"w/", Revision(0)).await.expect("kept");
    let revisions = busy(&*store).await;
    let all = take(&mut live, 20).await;
    drop((store, live));
    if !engine.restart().await {
        return;
    }
    let store = engine.store();
    for after in revisions {
        let rest: Vec<_> = all.iter().filter(|event| event.revision > after).cloned().collect();
        match store.watch(b"w/", after).await {
            Err(Error::Compacted(_)) if !rest.is_empty() => {}
            resumed => {
                let mut resumed = resumed.unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(take(&mut resumed, rest.len()).await, rest);
            }
        }
    }
}
