use std::collections::BTreeMap;

use super::*;

const ACCOUNTS: usize = 6;
const TELLERS: usize = 8;
const TRANSFERS: usize = 40;
const TOTAL: i64 = ACCOUNTS as i64 * 100;

/// Tellers move money between accounts in two-key transactions, a reader adds up whole
/// ranges meanwhile, and a watch replays all of it.
pub(super) async fn money_is_never_made_lost_or_half_seen(
    engine: Box<dyn Engine>,
    _: &dyn Factory,
) {
    let store = engine.store();
    let deposits = (0..ACCOUNTS).map(|account| put(&name(account), "100")).collect();
    let opened = commit(&*store, deposits).await;
    let mut watch = store.watch(b"account/", opened).await.expect("kept");

    let tellers: Vec<_> =
        (0..TELLERS).map(|teller| tokio::spawn(transfer(store.clone(), teller))).collect();
    let reader = tokio::spawn(add_up(store.clone()));
    let mut revisions = Vec::new();
    for teller in futures_util::future::join_all(tellers).await {
        revisions.extend(teller.expect("ran"));
    }
    reader.abort();
    if let Err(error) = reader.await {
        assert!(error.is_cancelled(), "the reader saw half a transfer: {error}");
    }

    assert_eq!(revisions.len(), TELLERS * TRANSFERS);
    revisions.sort();
    let expected: Vec<_> = (1..).map(|n| Revision(opened.0 + n)).take(revisions.len()).collect();
    assert_eq!(revisions, expected, "each transaction has a revision of its own, without gaps");

    let mut replayed: BTreeMap<Bytes, i64> =
        (0..ACCOUNTS).map(|account| (key(&name(account)), 100)).collect();
    for revision in revisions {
        for event in take(&mut watch, 2).await {
            assert_eq!(event.revision, revision, "in order, nothing lost, nothing doubled");
            replayed.insert(event.key, amount(&event.value.expect("none is deleted")));
        }
        assert_eq!(replayed.values().sum::<i64>(), TOTAL);
    }
    let last = store.range(b"account/", b"account0", 100).await.expect("answers");
    let last: BTreeMap<_, _> =
        last.items.into_iter().map(|item| (item.key, amount(&item.value))).collect();
    assert_eq!(replayed, last);
}

async fn transfer(store: Arc<dyn StateStore>, teller: usize) -> Vec<Revision> {
    let random = aws::Random::seeded(teller as u64);
    let mut done = Vec::new();
    while done.len() < TRANSFERS {
        let from = draw(&random, ACCOUNTS);
        let to = (from + 1 + draw(&random, ACCOUNTS - 1)) % ACCOUNTS;
        let by = draw(&random, 30) as i64;
        let (from, to) = (name(from), name(to));
        let read = async |at: &str| store.get(at.as_bytes()).await.expect("answers").expect("open");
        let (giver, taker) = (read(&from).await, read(&to).await);
        let conditions = vec![modified_at(&from, giver.modified), modified_at(&to, taker.modified)];
        let mutations = vec![
            put(&from, &(amount(&giver.value) - by).to_string()),
            put(&to, &(amount(&taker.value) + by).to_string()),
        ];
        done.extend(store.txn(conditions, mutations).await.expect("answers"));
    }
    done
}

async fn add_up(store: Arc<dyn StateStore>) {
    let mut newest = Revision(0);
    loop {
        let range = store.range(b"account/", b"account0", 100).await.expect("answers");
        assert_eq!(range.items.iter().map(|item| amount(&item.value)).sum::<i64>(), TOTAL);
        assert!(range.revision >= newest, "a later read sees no older state");
        newest = range.revision;
        tokio::task::yield_now().await;
    }
}

fn name(account: usize) -> String {
    format!("account/{account}")
}

fn amount(value: &Bytes) -> i64 {
    std::str::from_utf8(value).expect("text").parse().expect("a number")
}
