use std::collections::BTreeMap;

use bytes::Bytes;

use super::scripted::{Fate, ScriptedDisk};
use super::*;
use crate::conformance::{
    Engine, Factory, absent, commit, delete, key, modified_at, next, put, revision, suite, value,
};

const LIMITS: Limits = Limits {
    history: Bounds { events_max: 2000, bytes_max: 1 << 20 },
    // Low, so that a few hundred transactions meet several snapshots.
    snapshot_after_bytes: 8 << 10,
};

fn on(disk: &ScriptedDisk) -> Embedded {
    Embedded::start(Arc::new(disk.clone()), LIMITS).expect("opens")
}

fn faithful() -> ScriptedDisk {
    ScriptedDisk::new(|| Fate::Kept)
}

/// The next payloads meet these fates, all later ones are kept.
fn script(disk: &ScriptedDisk, fates: &[Fate]) {
    let mut fates = fates.iter().rev().copied().collect::<Vec<_>>();
    disk.judge(move || fates.pop().unwrap_or(Fate::Kept));
}

struct ScriptedFactory;

struct ScriptedEngine {
    disk: ScriptedDisk,
    store: Arc<Embedded>,
}

impl Factory for ScriptedFactory {
    fn make(&self) -> BoxFuture<'_, Box<dyn Engine>> {
        Box::pin(async {
            let disk = faithful();
            let store = Arc::new(on(&disk));
            Box::new(ScriptedEngine { disk, store }) as Box<dyn Engine>
        })
    }

    fn lease_ttl(&self) -> Duration {
        Duration::from_millis(800)
    }

    fn model_cases(&self) -> u32 {
        64
    }
}

impl Engine for ScriptedEngine {
    fn store(&self) -> Arc<dyn StateStore> {
        self.store.clone()
    }

    fn restart(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.store.close().await;
            self.store = Arc::new(on(&self.disk));
            true
        })
    }

    fn kill(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.store = Arc::new(on(&self.disk));
            true
        })
    }
}

#[test]
fn embedded_keeps_the_promises_on_a_faithful_log() {
    suite(&ScriptedFactory);
}

#[tokio::test]
async fn nothing_is_seen_or_said_before_it_is_durable() {
    let disk = faithful();
    let store = Arc::new(on(&disk));
    let now = commit(&*store, vec![put("a", "old")]).await;
    let mut watch = store.watch(b"", now).await.expect("kept");
    disk.gate(false);
    let ask = |conditions, mutations| {
        let store = store.clone();
        tokio::spawn(async move { store.txn(conditions, mutations).await.expect("answers") })
    };
    let write = ask(vec![], vec![put("a", "new"), put("b", "new")]);
    // The order of the line is the order of asking.
    tokio::task::yield_now().await;
    let conflict = ask(vec![modified_at("a", now)], vec![put("c", "x")]);
    let unchanged = ask(vec![], vec![delete("none")]);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(!write.is_finished() && !conflict.is_finished() && !unchanged.is_finished());
    assert_eq!(value(&*store, "a").await.as_deref(), Some("old"));
    assert_eq!(revision(&*store).await, now);
    disk.gate(true);
    let at = write.await.expect("ran").expect("no condition");
    assert_eq!((conflict.await.expect("ran"), unchanged.await.expect("ran")), (None, Some(at)));
    assert_eq!(value(&*store, "a").await.as_deref(), Some("new"));
    assert_eq!(next(&mut watch).await.expect("kept").revision, at);
}

/// Asks for three dependent changes at once while the disk holds them back, so that all are
/// judged before the first one's fate is known.
async fn three(disk: &ScriptedDisk, store: &Arc<Embedded>) -> Vec<Result<Option<Revision>, Error>> {
    disk.gate(false);
    let mut asked = Vec::new();
    for (conditions, mutations) in [
        (vec![absent("a")], vec![put("a", "1"), put("a2", "1")]),
        (vec![absent("b")], vec![put("b", "1"), delete("a2")]),
        (vec![absent("a")], vec![put("c", "1")]),
    ] {
        let store = store.clone();
        asked.push(tokio::spawn(async move { store.txn(conditions, mutations).await }));
        tokio::task::yield_now().await;
    }
    disk.gate(true);
    let answers = futures_util::future::join_all(asked).await;
    answers.into_iter().map(|answer| answer.expect("ran")).collect()
}

async fn everything(store: &dyn StateStore) -> BTreeMap<String, String> {
    let range = store.range(b"", b"", 1000).await.expect("answers");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    range.items.iter().map(|item| (text(&item.key), text(&item.value))).collect()
}

#[tokio::test]
async fn what_was_judged_after_a_lost_change_did_not_happen_either() {
    let disk = faithful();
    let store = Arc::new(on(&disk));
    script(&disk, &[Fate::Refused]);
    let answers = three(&disk, &store).await;
    for answer in &answers {
        assert!(matches!(answer, Err(Error::Unavailable(_))), "{answers:?}");
    }
    assert_eq!(everything(&*store).await, BTreeMap::new());
    // The second payload is in the log although it is void; the log must not bring it back.
    assert_eq!((disk.payloads(), disk.opens()), (1, 1));
    let answers = three(&disk, &store).await;
    assert!(matches!(answers[..], [Ok(Some(Revision(1))), Ok(Some(Revision(2))), Ok(None)]));
    let before = everything(&*store).await;
    assert_eq!(before.keys().collect::<Vec<_>>(), ["a", "b"]);
    store.close().await;
    assert_eq!(everything(&on(&disk)).await, before);
}

#[tokio::test]
async fn an_unknown_change_is_found_out_and_the_store_goes_on() {
    let check = async |fate: Fate, keys: &[&str]| {
        let disk = faithful();
        let store = Arc::new(on(&disk));
        let now = commit(&*store, vec![put("z", "1")]).await;
        let mut watch = store.watch(b"", now).await.expect("kept");
        script(&disk, &[fate]);
        let answers = three(&disk, &store).await;
        assert!(matches!(answers[0], Err(Error::Unknown(_))), "{answers:?}");
        assert!(matches!(answers[1], Err(Error::Unavailable(_))), "{answers:?}");
        assert!(matches!(answers[2], Err(Error::Unavailable(_))), "{answers:?}");
        // Once it takes changes again, what is durable is known.
        let mark = loop {
            match store.txn(vec![], vec![put("mark", "1")]).await {
                Ok(mark) => break mark.expect("no condition"),
                Err(Error::Unavailable(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        };
        assert_eq!(everything(&*store).await.keys().collect::<Vec<_>>(), keys, "{fate:?}");
        assert_eq!(disk.opens(), 2);
        let mut heard = Vec::new();
        while heard.last() != Some(&key("mark")) {
            heard.push(next(&mut watch).await.expect("kept").key);
        }
        let expected: Vec<_> = keys.iter().filter(|at| **at != "z").map(|at| key(at)).collect();
        assert_eq!(heard.len(), expected.len(), "{fate:?}: {heard:?}");
        assert_eq!(mark.0, if fate == Fate::UnknownKept { 3 } else { 2 });
        assert_eq!(store.health(), Health { unavailable: None, zones: vec![] });
        drop(store);
        assert_eq!(everything(&on(&disk)).await.keys().collect::<Vec<_>>(), keys);
    };
    check(Fate::UnknownKept, &["a", "a2", "mark", "z"]).await;
    check(Fate::UnknownLost, &["mark", "z"]).await;
}

#[tokio::test(start_paused = true)]
async fn while_the_journal_is_away_the_store_reads_and_says_why() {
    let disk = faithful();
    let store = Arc::new(on(&disk));
    let lease = store.lease_grant(Duration::from_secs(30)).await.expect("granted");
    commit(&*store, vec![put("a", "1")]).await;
    script(&disk, &[Fate::UnknownLost]);
    disk.refuse_opening(true);
    let lost = store.txn(vec![], vec![put("a", "2")]).await;
    assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
    tokio::time::sleep(Duration::from_secs(120)).await;
    assert_eq!(store.health().unavailable.as_deref(), Some("told to"));
    let refused = store.txn(vec![], vec![]).await;
    assert!(matches!(&refused, Err(Error::Unavailable(why)) if why == "told to"), "{refused:?}");
    assert!(store.lease_keep(lease).await.is_err());
    assert_eq!(value(&*store, "a").await.as_deref(), Some("1"));
    disk.refuse_opening(false);
    tokio::time::sleep(Duration::from_secs(15)).await;
    assert_eq!(store.health().unavailable, None);
    assert!(store.lease_keep(lease).await.expect("answers"), "its whole time again");
    commit(&*store, vec![put("a", "3")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_lost_acknowledged_changes_is_not_gone_on_with() {
    let disk = faithful();
    let store = Arc::new(on(&disk));
    commit(&*store, vec![put("a", "1")]).await;
    commit(&*store, vec![put("a", "2")]).await;
    disk.lose_newest();
    script(&disk, &[Fate::UnknownLost]);
    let lost = store.txn(vec![], vec![put("a", "3")]).await;
    assert!(matches!(lost, Err(Error::Unknown(_))), "{lost:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    let why = store.health().unavailable.expect("it takes nothing");
    assert!(why.starts_with("the journal has lost 1 acknowledged changes"), "{why}");
    assert_eq!(value(&*store, "a").await.as_deref(), Some("2"));
}

#[tokio::test]
async fn a_watch_ends_when_the_store_does() {
    let store = on(&faithful());
    let mut watch = store.watch(b"", Revision(0)).await.expect("kept");
    store.close().await;
    let refused = store.txn(vec![], vec![put("a", "1")]).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    drop(store);
    let ended = next(&mut watch).await;
    assert!(matches!(ended, Err(Error::Unavailable(_))), "{ended:?}");
}

/// Writers count in pairs of keys while the log refuses and stops at random. An acknowledged
/// count is there, a refused one is not, an unknown one is whole or not at all; and what the
/// next start reads from the log is what readers saw.
#[tokio::test]
async fn any_losses_at_any_time_keep_every_answer_true() {
    let seeds = if std::env::var_os("HANEUL_SOAK").is_some() { 0..2000 } else { 0..60 };
    for seed in seeds {
        losses(seed).await;
    }
}

const WRITERS: u64 = 5;
const ATTEMPTS: u64 = 30;

async fn losses(seed: u64) {
    let random = aws::Random::seeded(seed);
    let disk = ScriptedDisk::new(move || match random.next_u64() % 24 {
        0 => Fate::Refused,
        1 => Fate::UnknownKept,
        2 => Fate::UnknownLost,
        _ => Fate::Kept,
    });
    let store = Arc::new(on(&disk));
    let mut watch = store.watch(b"count/", Revision(0)).await.expect("kept");
    let writers = (0..WRITERS).map(|writer| tokio::spawn(count(store.clone(), seed, writer)));
    let ledgers = futures_util::future::join_all(writers).await;
    while store.health().unavailable.is_some() {
        tokio::task::yield_now().await;
    }
    let seen = everything(&*store).await;
    let mut acknowledged = 0;
    for (writer, ledger) in ledgers.into_iter().enumerate() {
        let ledger = ledger.expect("ran");
        let number = |at: &str| seen.get(at).map_or(0, |text| text.parse().expect("a number"));
        let (left, right) = (number(&format!("count/{writer}")), number(&format!("pair/{writer}")));
        assert_eq!(left, right, "seed {seed}: half a transaction");
        assert_eq!(left, ledger.last, "seed {seed}: the writer's own last look");
        assert!(
            (ledger.acknowledged..=ledger.acknowledged + ledger.unknown).contains(&left),
            "seed {seed}: {left} counted, {ledger:?}"
        );
        acknowledged += left;
    }
    // The watch heard each count once and in order.
    let mut heard: BTreeMap<Bytes, u64> = BTreeMap::new();
    for _ in 0..acknowledged {
        let event = next(&mut watch).await.expect("kept");
        let number = std::str::from_utf8(event.value.as_deref().expect("put")).expect("text");
        let before = heard.insert(event.key, number.parse().expect("a number")).unwrap_or(0);
        assert_eq!(number, (before + 1).to_string(), "seed {seed}");
    }
    let before = store.range(b"", b"", 1000).await.expect("answers");
    disk.judge(|| Fate::Kept);
    drop((store, watch));
    let store = on(&disk);
    assert_eq!(store.range(b"", b"", 1000).await.expect("answers"), before, "seed {seed}");
}

#[derive(Debug, Default)]
struct Ledger {
    acknowledged: u64,
    unknown: u64,
    last: u64,
}

async fn count(store: Arc<Embedded>, seed: u64, writer: u64) -> Ledger {
    let (left, right) = (format!("count/{writer}"), format!("pair/{writer}"));
    let random = aws::Random::seeded(seed * WRITERS + writer);
    let mut ledger = Ledger::default();
    for _ in 0..ATTEMPTS {
        for _ in 0..random.next_u64() % 4 {
            tokio::task::yield_now().await;
        }
        let found = store.get(left.as_bytes()).await.expect("answers");
        let now: u64 = found
            .as_ref()
            .map_or(0, |found| String::from_utf8_lossy(&found.value).parse().expect("a number"));
        let condition = found.map_or(absent(&left), |found| modified_at(&left, found.modified));
        let next = (now + 1).to_string();
        match store.txn(vec![condition], vec![put(&left, &next), put(&right, &next)]).await {
            Ok(Some(_)) => ledger.acknowledged += 1,
            // An unknown one of ours that did happen was found when the store mended itself.
            Ok(None) => {}
            Err(Error::Unknown(_)) => ledger.unknown += 1,
            Err(Error::Unavailable(_)) => {}
            Err(other) => panic!("{other}"),
        }
    }
    while store.health().unavailable.is_some() {
        tokio::task::yield_now().await;
    }
    let found = store.get(left.as_bytes()).await.expect("answers");
    ledger.last =
        found.map_or(0, |found| String::from_utf8_lossy(&found.value).parse().expect("a number"));
    ledger
}

#[tokio::test]
async fn snapshots_bound_what_a_start_reads() {
    let disk = faithful();
    let store = on(&disk);
    for n in 0..1000 {
        commit(&store, vec![put(&format!("k/{}", n % 20), &"v".repeat(100))]).await;
    }
    // A slow machine makes its last snapshot while more comes; the next change begins another.
    for _ in 0..5000 {
        if disk.payloads() < 300 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        commit(&store, vec![put("k/0", "last")]).await;
    }
    let before = everything(&store).await;
    store.close().await;
    assert!(disk.payloads() < 300, "{} payloads since the last snapshot", disk.payloads());
    assert_eq!(everything(&on(&disk)).await, before);
}
