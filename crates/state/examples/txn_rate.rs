//! Durable two-key conditional transactions a second, beside the journal's own commits of as
//! many bytes in the same run; and how long a list of 1,000 records takes.
//!
//! `cargo run --release -p state --example txn_rate [FOLDER [SECONDS]]`: three zone folders are
//! made in FOLDER (default: the temporary folder) and removed at the end. Each rate is the
//! median of three turns, taken in turn about with the journal's, because a shared disk's speed
//! changes from second to second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use journal::{Disk, FsDisk, Journal};
use serde::{Deserialize, Serialize};
use state::store::{Condition, Mutation};
use state::{Embedded, Key, Record, Records, Scope, StateStore};

const TURNS: usize = 3;
const VALUE_BYTES: usize = 470;
/// A transaction of two such values is a frame of so many bytes.
const FRAME_BYTES: usize = 1024;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let seconds = arguments.next().map_or(2.0, |text| text.parse().expect("seconds"));
    let folder = tempfile::tempdir_in(folder).expect("a folder");
    let turn = Duration::from_secs_f64(seconds);

    let journal = journal(folder.path());
    let zones: Vec<_> = ["a", "b", "c"].iter().map(|zone| folder.path().join(zone)).collect();
    let random = Arc::new(aws::Random::system());
    let store = Arc::new(Embedded::open(&zones, random).expect("opens"));
    for writers in [1, 16] {
        let (mut of_journal, mut of_state) = (Vec::new(), Vec::new());
        for _ in 0..TURNS {
            of_journal.push(commits(&journal, writers, turn).await);
            of_state.push(transactions(&store, writers, turn).await);
        }
        let (journal, state) = (median(of_journal), median(of_state));
        println!(
            "{writers:2} writers: {:6.0} transactions/s at {:.0} us CPU each; journal alone \
             {:6.0} commits/s at {:.0} us; ratio {:.2}",
            state.per_second,
            state.cpu_us,
            journal.per_second,
            journal.cpu_us,
            state.per_second / journal.per_second
        );
    }
    list(&Records::new(store.clone())).await;
    store.close().await;
}

fn journal(folder: &Path) -> Journal {
    let disks: Vec<Arc<dyn Disk>> = ["ja", "jb", "jc"]
        .iter()
        .map(|zone| Arc::new(FsDisk::open(&folder.join(zone)).expect("a zone")) as Arc<dyn Disk>)
        .collect();
    Journal::open(disks, journal::Options::new([7; 16])).expect("opens").0
}

#[derive(Clone, Copy)]
struct Rate {
    per_second: f64,
    cpu_us: f64,
}

fn median(mut rates: Vec<Rate>) -> Rate {
    rates.sort_by(|a, b| a.per_second.total_cmp(&b.per_second));
    rates[rates.len() / 2]
}

/// Counts what `writers` tasks do in `turn`, and the CPU time of all threads meanwhile.
async fn measure<F, Fut>(writers: usize, turn: Duration, write: F) -> Rate
where
    F: Fn(usize, Arc<AtomicBool>, Arc<AtomicU64>) -> Fut,
    Fut: Future<Output = ()> + Send + 'static,
{
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (begun, cpu_before) = (Instant::now(), cpu_seconds());
    let tasks: Vec<_> =
        (0..writers).map(|n| tokio::spawn(write(n, stop.clone(), done.clone()))).collect();
    tokio::time::sleep(turn).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.expect("wrote");
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu_before);
    let done = done.load(Ordering::Relaxed) as f64;
    Rate { per_second: done / seconds, cpu_us: cpu / done * 1e6 }
}

async fn commits(journal: &Journal, writers: usize, turn: Duration) -> Rate {
    measure(writers, turn, |_, stop, done| {
        let (journal, payload) = (journal.clone(), Bytes::from(vec![7; FRAME_BYTES]));
        async move {
            while !stop.load(Ordering::Relaxed) {
                journal.submit(payload.clone()).await.expect("committed");
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await
}

/// Each writer changes two keys of its own, each time only if they are as it left them.
async fn transactions(store: &Arc<Embedded>, writers: usize, turn: Duration) -> Rate {
    measure(writers, turn, |writer, stop, done| {
        let store = store.clone();
        let account = "111122223333".parse().expect("valid");
        let scope = Scope::Regional(account, "ap-northeast-2".parse().expect("valid"));
        async move {
            let key = |kind| Key::new(&scope, kind, &format!("writer-{writer}")).encode();
            let keys = [key("test.left"), key("test.right")];
            let value = Bytes::from(vec![b'v'; VALUE_BYTES]);
            let puts = || {
                keys.iter()
                    .map(|key| Mutation::Put {
                        key: key.clone(),
                        value: value.clone(),
                        lease: None,
                    })
                    .collect()
            };
            let mut at = store.txn(vec![], puts()).await.expect("answers").expect("no condition");
            while !stop.load(Ordering::Relaxed) {
                let as_left =
                    keys.iter().map(|key| Condition::ModifiedAt(key.clone(), at)).collect();
                at = store.txn(as_left, puts()).await.expect("answers").expect("nobody else's");
                done.fetch_add(1, Ordering::Relaxed);
            }
        }
    })
    .await
}

/// As large as an instance's record, or a role's.
#[derive(Clone, Serialize, Deserialize)]
struct Sample {
    name: String,
    arn: String,
    created_at: u64,
    tags: Vec<(String, String)>,
    document: String,
}

impl Record for Sample {
    const KIND: &'static str = "test.sample";
    const FORMAT: u32 = 1;
}

async fn list(records: &Records) {
    let scope = Scope::Global("111122223333".parse().expect("valid"));
    let mut made = 0;
    while made < 1000 {
        let mut txn = records.transaction();
        for n in made..made + 50 {
            let sample = Sample {
                name: format!("sample-{n:04}"),
                arn: format!("arn:aws:iam::111122223333:role/sample-{n:04}"),
                created_at: 1_700_000_000 + n,
                tags: vec![("team".into(), "sky".into()), ("stage".into(), "test".into())],
                document: "d".repeat(200),
            };
            txn.put_unconditionally(&scope, &sample.name, &sample);
        }
        txn.commit().await.expect("committed");
        made += 50;
    }
    let typed = repeat(async || {
        records.list::<Sample>(&scope, "", None, 1000).await.expect("listed").items.len()
    });
    println!("list of 1,000 records: {}", typed.await);
    let bytes = repeat(async || {
        let range = records.store().range(b"111122223333/-/", b"111122223333/.", 1000);
        range.await.expect("listed").items.len()
    });
    println!("  of which the store: {}", bytes.await);
}

async fn repeat(list: impl AsyncFn() -> usize) -> String {
    const TIMES: u32 = 300;
    let mut times = Vec::new();
    let cpu_before = cpu_seconds();
    for _ in 0..TIMES {
        let begun = Instant::now();
        assert_eq!(list().await, 1000);
        times.push(begun.elapsed());
    }
    let cpu_ms = (cpu_seconds() - cpu_before) / f64::from(TIMES) * 1e3;
    times.sort();
    let (best, median) = (times[0], times[times.len() / 2]);
    format!("{cpu_ms:.2} ms of CPU; wall time at best {best:?}, median {median:?}")
}

/// User and system time of this process, all threads (`man 5 proc`: fields 14 and 15 of stat, in
/// ticks of 1/100 s on Linux).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("Linux");
    let after_name = stat.rsplit(')').next().expect("a name in brackets");
    let field = |n: usize| -> f64 {
        after_name.split_whitespace().nth(n).expect("a field").parse().expect("a number")
    };
    (field(11) + field(12)) / 100.0
}
