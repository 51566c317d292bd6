//! The store on the journal itself: real folders, a simulated machine that loses power, and a
//! process that is killed.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use journal::Disk;
use journal::sim::{Power, SimDisk};

use super::line::LogState;
use super::log::{Log, Opened, Place, Ticket};
use super::*;
use crate::conformance::{
    Engine, Factory, absent, commit, draw, modified_at, put, revision, suite,
};

struct Folder {
    // Dropped first: the folder must not go while the store writes in it.
    store: Arc<Embedded>,
    folder: Arc<tempfile::TempDir>,
}

fn zones(folder: &Path) -> Vec<PathBuf> {
    ["zone-a", "zone-b", "zone-c"].iter().map(|zone| folder.join(zone)).collect()
}

fn open(folder: &Path) -> Result<Embedded, OpenError> {
    Embedded::open(&zones(folder), Arc::new(aws::Random::system()))
}

fn temporary() -> Arc<tempfile::TempDir> {
    Arc::new(tempfile::tempdir().expect("a folder"))
}

struct FolderFactory;

impl Factory for FolderFactory {
    fn make(&self) -> BoxFuture<'_, Box<dyn Engine>> {
        Box::pin(async {
            let folder = temporary();
            let store = Arc::new(open(folder.path()).expect("opens"));
            Box::new(Folder { store, folder }) as Box<dyn Engine>
        })
    }

    fn lease_ttl(&self) -> Duration {
        Duration::from_millis(1200)
    }

    fn model_cases(&self) -> u32 {
        6
    }
}

impl Engine for Folder {
    fn store(&self) -> Arc<dyn StateStore> {
        self.store.clone()
    }

    fn restart(&mut self) -> BoxFuture<'_, bool> {
        Box::pin(async {
            self.store.close().await;
            self.store = Arc::new(open(self.folder.path()).expect("opens"));
            true
        })
    }

    /// What a kill leaves behind is tried with a process of its own below.
    fn kill(&mut self) -> BoxFuture<'_, bool> {
        self.restart()
    }
}

#[test]
fn embedded_keeps_the_promises_in_real_folders() {
    suite(&FolderFactory);
}

#[tokio::test]
async fn a_zone_that_another_store_holds_is_refused_by_name() {
    let folder = temporary();
    let store = open(folder.path()).expect("opens");
    let other = temporary();
    for held in zones(folder.path()) {
        let mut wanted = zones(other.path());
        wanted[2] = held.clone();
        let refused = Embedded::open(&wanted, Arc::new(aws::Random::system()));
        let refused = refused.err().expect("refused").to_string();
        let expected = format!("{} is in use by another process", held.display());
        assert!(refused.contains(&expected), "{refused}");
    }
    store.close().await;
    open(folder.path()).expect("closing lets go");
}

#[tokio::test]
async fn a_deleted_zone_folder_loses_nothing_and_is_reported() {
    let folder = temporary();
    for (round, gone) in zones(folder.path()).into_iter().enumerate() {
        let store = open(folder.path()).expect("opens");
        assert_eq!(store.found(), vec![ZoneReport::Healthy; 3]);
        for n in 0..20 {
            commit(&store, vec![put(&format!("k/{round}/{n}"), &n.to_string())]).await;
        }
        let before = store.range(b"", b"", 1000).await.expect("answers");
        store.close().await;
        std::fs::remove_dir_all(&gone).expect("removed");
        let store = open(folder.path()).expect("opens");
        assert_eq!(store.range(b"", b"", 1000).await.expect("answers"), before);
        let mut expected = vec![ZoneReport::Healthy; 3];
        expected[round] = ZoneReport::Lost;
        assert_eq!(store.found(), expected);
        let zones = vec![ZoneHealth::Healthy; 3];
        assert_eq!(store.health(), Health { unavailable: None, zones });
        store.close().await;
    }
}

#[tokio::test]
async fn a_zone_folder_that_cannot_be_opened_is_done_without() {
    let folder = temporary();
    open(folder.path()).expect("opens").close().await;
    let blocked = &zones(folder.path())[1];
    std::fs::remove_dir_all(blocked).expect("removed");
    std::fs::write(blocked, "not a folder").expect("written");
    let store = open(folder.path()).expect("two are enough");
    commit(&store, vec![put("a", "1")]).await;
    assert!(matches!(store.found()[1], ZoneReport::Failed(_)), "{:?}", store.found());
    assert_eq!(store.health().unavailable, None);
    assert!(matches!(store.health().zones[1], ZoneHealth::Failed(_)), "{:?}", store.health());
}

/// What the tender does, without waiting for its time.
fn tend(store: &Embedded) {
    let log = match &store.shared.line.inner().log {
        LogState::Open(log) => log.clone(),
        _ => panic!("the journal is open"),
    };
    log.tend(false);
}

#[tokio::test]
async fn a_zone_folder_taken_away_while_running_comes_back() {
    let folder = temporary();
    let store = open(folder.path()).expect("opens");
    commit(&store, vec![put("a", "1")]).await;
    let [a, gone] = [0, 1].map(|zone| zones(folder.path())[zone].clone());
    std::fs::remove_dir_all(&gone).expect("removed");
    tend(&store);
    commit(&store, vec![put("b", "2")]).await;
    assert_eq!(store.health().zones, vec![ZoneHealth::Healthy; 3]);
    let before = store.range(b"", b"", 10).await.expect("answers");
    store.close().await;
    // What came back is a whole copy: it and one other are enough.
    std::fs::remove_dir_all(&a).expect("removed");
    let store = open(folder.path()).expect("opens");
    assert_eq!(store.range(b"", b"", 10).await.expect("answers"), before);
    assert_eq!(store.found(), [ZoneReport::Lost, ZoneReport::Healthy, ZoneReport::Healthy]);
    store.close().await;
}

#[tokio::test]
async fn a_zone_that_was_taken_out_is_caught_up_when_it_is_brought_back() {
    let folder = temporary();
    let store = open(folder.path()).expect("opens");
    commit(&store, vec![put("a", "1")]).await;
    store.take_out(1).await.expect("two are left");
    commit(&store, vec![put("b", "2")]).await;
    tend(&store);
    assert!(matches!(store.health().zones[1], ZoneHealth::Failed(_)));
    let refused = store.take_out(0).await;
    assert!(matches!(refused, Err(Error::Unavailable(_))), "{refused:?}");
    assert_eq!(store.health().zones[0], ZoneHealth::Healthy);

    store.bring_back(1);
    let back = async {
        while store.health().zones != vec![ZoneHealth::Healthy; 3] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(4), back).await.expect("at once, not in a round");
    // It is a whole copy: it and one other are enough.
    let before = store.range(b"", b"", 10).await.expect("answers");
    store.close().await;
    std::fs::remove_dir_all(&zones(folder.path())[0]).expect("removed");
    let store = open(folder.path()).expect("opens");
    assert_eq!(store.range(b"", b"", 10).await.expect("answers"), before);
    store.close().await;
}

/// A machine of three disks whose power is cut.
struct Machine {
    power: Power,
    disks: Vec<SimDisk>,
}

/// The machine as one life of the process sees it.
struct Life {
    disks: Vec<SimDisk>,
    nonce: u64,
    /// Whether the process has ended; an opening that is late must not touch the next life's.
    over: Mutex<bool>,
    opens: AtomicUsize,
    /// Journals whose threads have not ended.
    running: Arc<AtomicUsize>,
}

/// A log that says when the last of it is gone: its fields are dropped in this order.
struct Counted {
    log: Arc<dyn Log>,
    _last: Last,
}

struct Last(Arc<AtomicUsize>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl Log for Counted {
    fn submit(&self, payload: Bytes) -> Ticket {
        self.log.submit(payload)
    }

    fn snapshot(&self, upto: Place, image: Vec<u8>) -> Result<(), String> {
        self.log.snapshot(upto, image)
    }

    fn zones(&self) -> Vec<ZoneHealth> {
        self.log.zones()
    }

    fn tend(&self, thorough: bool) {
        self.log.tend(thorough);
    }

    fn detach(&self, zone: usize, why: &str) -> Result<(), String> {
        self.log.detach(zone, why)
    }

    fn release(&self, zone: usize) {
        self.log.release(zone);
    }

    fn stopped(&self) -> bool {
        self.log.stopped()
    }
}

impl Opener for Life {
    fn open(&self) -> Result<Opened, String> {
        let over = self.over.lock().expect("not poisoned");
        if *over {
            return Err("the process has ended".into());
        }
        let disk = |disk: &SimDisk| Arc::new(disk.clone()) as Arc<dyn Disk>;
        let mut nonce = [0; 16];
        nonce[..8].copy_from_slice(&self.nonce.to_le_bytes());
        let opens = self.opens.fetch_add(1, Ordering::AcqRel);
        nonce[8] = u8::try_from(opens % 256).expect("a remainder");
        let options = journal::Options { segment_bytes: 16 << 10, ..journal::Options::new(nonce) };
        let disks = self.disks.iter().map(disk).collect();
        let opened = journal_log::open(disks, options)?;
        self.running.fetch_add(1, Ordering::AcqRel);
        let counted = Counted { log: opened.log, _last: Last(self.running.clone()) };
        Ok(Opened { log: Arc::new(counted), ..opened })
    }
}

impl Life {
    /// Returns when nothing of this life can write any more.
    async fn end(&self) {
        *self.over.lock().expect("not poisoned") = true;
        while self.running.load(Ordering::Acquire) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
}

/// What the writers of all lives know, kept outside the machine.
#[derive(Default)]
struct Ledger {
    acknowledged: Vec<AtomicUsize>,
    attempted: Vec<AtomicUsize>,
}

const WRITERS: usize = 4;
const LIVES: u64 = 4;

/// Several lives of a process on one machine, each ended by a power cut at any operation of
/// any disk, sometimes with a disk gone. An acknowledged count is always there, an unknown
/// one is whole or not at all.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn power_cuts_lose_nothing_that_was_acknowledged() {
    let seeds = if std::env::var_os("HANEUL_SOAK").is_some() { 0..2000 } else { 0..200 };
    for seed in seeds {
        lives(seed).await;
    }
}

async fn lives(seed: u64) {
    let random = aws::Random::seeded(seed);
    let power = Power::default();
    let disks = (0..3).map(|_| SimDisk::new(random.next_u64(), power.clone())).collect();
    let machine = Machine { power, disks };
    let count = || (0..WRITERS).map(|_| AtomicUsize::new(0)).collect();
    let ledger = Arc::new(Ledger { acknowledged: count(), attempted: count() });
    for life in 0..LIVES {
        live(&machine, &ledger, seed, &random, life).await;
        machine.power.restore();
        machine.disks.iter().for_each(SimDisk::cut_power);
        if draw(&random, 4) == 0 {
            machine.disks[draw(&random, 3)].wipe();
        }
    }
    let (life, store) = begin(&machine, seed, LIVES);
    check(&store, &ledger, seed).await;
    drop(store);
    life.end().await;
}

fn begin(machine: &Machine, seed: u64, life: u64) -> (Arc<Life>, Arc<Embedded>) {
    let life = Arc::new(Life {
        disks: machine.disks.clone(),
        nonce: seed * 100 + life,
        over: Mutex::new(false),
        opens: AtomicUsize::new(0),
        running: Arc::default(),
    });
    let limits = Limits { snapshot_after_bytes: 2 << 10, ..Limits::default() };
    let store = Embedded::start(life.clone(), limits);
    (life, Arc::new(store.unwrap_or_else(|error| panic!("seed {seed}: {error}"))))
}

async fn live(machine: &Machine, ledger: &Arc<Ledger>, seed: u64, random: &aws::Random, life: u64) {
    let (life, store) = begin(machine, seed, life);
    check(&store, ledger, seed).await;
    machine.power.fail_after(random.next_u64() % 250);
    let writers = (0..WRITERS).map(|writer| {
        let (store, ledger, power) = (store.clone(), ledger.clone(), machine.power.clone());
        tokio::spawn(async move {
            while !power.failed() {
                if let Some(next) = next_count(&store, writer).await {
                    ledger.attempted[writer].fetch_max(next.number, Ordering::AcqRel);
                    if store.txn(next.conditions, next.mutations).await.is_ok_and(|at| at.is_some())
                    {
                        ledger.acknowledged[writer].fetch_max(next.number, Ordering::AcqRel);
                    }
                }
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.expect("ran");
    }
    drop(store);
    life.end().await;
}

struct NextCount {
    number: usize,
    conditions: Vec<Condition>,
    mutations: Vec<Mutation>,
}

/// One higher than now, in two keys.
async fn next_count(store: &Embedded, writer: usize) -> Option<NextCount> {
    let at = format!("count/{writer}");
    let found = store.get(at.as_bytes()).await.ok()?;
    let number = found.as_ref().map_or(0, |found| number(&found.value)) + 1;
    let condition = found.map_or(absent(&at), |found| modified_at(&at, found.modified));
    let text = number.to_string();
    let mutations = vec![put(&at, &text), put(&format!("pair/{writer}"), &text)];
    Some(NextCount { number, conditions: vec![condition], mutations })
}

async fn check(store: &Embedded, ledger: &Ledger, seed: u64) {
    for writer in 0..WRITERS {
        let read = async |at: String| {
            let found = store.get(at.as_bytes()).await.expect("answers");
            found.map_or(0, |found| number(&found.value))
        };
        let (left, right) =
            (read(format!("count/{writer}")).await, read(format!("pair/{writer}")).await);
        assert_eq!(left, right, "seed {seed}: half a transaction");
        let acknowledged = ledger.acknowledged[writer].load(Ordering::Acquire);
        let attempted = ledger.attempted[writer].load(Ordering::Acquire);
        assert!(
            (acknowledged..=attempted).contains(&left),
            "seed {seed}: {left} is there, {acknowledged} acknowledged, {attempted} attempted"
        );
    }
}

fn number(value: &[u8]) -> usize {
    std::str::from_utf8(value).expect("text").parse().expect("a number")
}

const CHILD: &str = "HANEUL_TEST_KILL_CHILD";
const THIS_TEST: &str = "backend::embedded::on_disk::killed_two_hundred_times_it_forgets_nothing";
const KILLS: usize = 200;
const FOLDERS: usize = 4;

/// Child processes, this test itself, count under load and tell their parent each count that
/// was acknowledged. The parent kills them with SIGKILL, at a random count, and the next child
/// in the same folder says what it found. Four folders at a time, only to take less time.
#[test]
fn killed_two_hundred_times_it_forgets_nothing() {
    if let Some(folder) = std::env::var_os(CHILD) {
        child(Path::new(&folder));
    }
    let folders: Vec<_> = (0..FOLDERS).map(|_| temporary()).collect();
    let killing = folders.iter().zip(1..).map(|(folder, seed)| {
        let folder = folder.path().to_owned();
        std::thread::spawn(move || kill_and_look(&folder, seed))
    });
    for killing in killing.collect::<Vec<_>>() {
        killing.join().expect("nothing is forgotten");
    }
}

fn kill_and_look(folder: &Path, seed: u64) {
    let random = aws::Random::seeded(seed);
    let mut acknowledged = BTreeMap::new();
    for round in 0..KILLS / FOLDERS {
        let kill_after = 1 + random.next_u64() % 40;
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", THIS_TEST, "--nocapture", "--test-threads=1"])
            .env(CHILD, folder)
            .stdout(Stdio::piped())
            .spawn()
            .expect("a child");
        let (mut said, mut killed) = (0, false);
        // After the kill, what it had said before is still in the pipe.
        for line in BufReader::new(child.stdout.take().expect("piped")).lines() {
            let line = line.expect("text");
            let Some((word, writer, count)) = parse(&line) else { continue };
            let before = acknowledged.insert(writer, count).unwrap_or(0);
            // Each writer has at most one transaction underway.
            let possible =
                if word == "found" { before..=before + 1 } else { before + 1..=before + 1 };
            assert!(possible.contains(&count), "round {round}: {line} after {before}");
            said += u64::from(word != "found");
            if said >= kill_after && !killed {
                child.kill().expect("SIGKILL");
                killed = true;
            }
        }
        let status = child.wait().expect("ended");
        assert!(killed, "round {round}: the child ended by itself: {status}");
    }
    assert_eq!(acknowledged.len(), WRITERS);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = open(folder).expect("opens");
        let counted: usize = acknowledged.values().sum();
        let revision = revision(&store).await.0;
        let counted = (counted as u64)..=(counted + WRITERS) as u64;
        assert!(counted.contains(&revision), "{revision} transactions, {counted:?} counted");
        store.close().await;
    });
}

fn parse(line: &str) -> Option<(&str, usize, usize)> {
    let mut words = line.strip_prefix("ledger ")?.split(' ');
    let (word, writer, count) = (words.next()?, words.next()?, words.next()?);
    Some((word, writer.parse().ok()?, count.parse().ok()?))
}

/// Never returns.
fn child(folder: &Path) {
    let say = |word: &str, writer: usize, count: usize| {
        // One write, so that a line is whole or not there.
        let line = format!("\nledger {word} {writer} {count}\n");
        std::io::stdout().write_all(line.as_bytes()).expect("the parent reads");
        std::io::stdout().flush().expect("the parent reads");
    };
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = Arc::new(open(folder).expect("opens"));
        let writers = (0..WRITERS).map(|writer| {
            let store = store.clone();
            async move {
                let first = next_count(&store, writer).await.expect("answers");
                say("found", writer, first.number - 1);
                loop {
                    let next = next_count(&store, writer).await.expect("answers");
                    let at = store.txn(next.conditions, next.mutations).await.expect("answers");
                    at.expect("nobody else writes these");
                    say("acknowledged", writer, next.number);
                }
            }
        });
        futures_util::future::join_all(writers.map(tokio::spawn)).await;
    });
    std::process::exit(1);
}
