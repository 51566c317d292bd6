//! kill -9 of a process that commits, snapshots and is started again on real files: everything
//! it said was durable is there, in order, once. Every few rounds a zone's directory is deleted
//! as well. `HANEUL_SOAK=1` runs 200 rounds.

// A test throughout, which the lint cannot see without a harness.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use journal::{Disk, Frame, FsDisk, Journal, Options, Recovery, Sequence, ZoneReport};

const CHILD: &str = "HANEUL_JOURNAL_KILL_DIR";
const ZONES: [&str; 3] = ["a", "b", "c"];
const WRITERS: u64 = 4;

/// Writer and number by sequence.
type Ledger = BTreeMap<Sequence, (u64, u64)>;

fn main() {
    if let Some(root) = std::env::var_os(CHILD) {
        child(Path::new(&root));
    }
    let rounds = if std::env::var_os("HANEUL_SOAK").is_some() { 200 } else { 20 };
    let root = tempfile::tempdir().unwrap();
    let mut certain = Ledger::new();
    for round in 0..rounds {
        let said = run_and_kill(root.path(), 20 + round * 37 % 150);
        let lost = (round % 5 == 4).then_some(usize::try_from(round / 5 % 3).unwrap());
        if let Some(zone) = lost {
            std::fs::remove_dir_all(root.path().join(ZONES[zone])).unwrap();
        }
        let found = open(root.path(), lost);
        for (sequence, commit) in certain.iter().chain(&said) {
            assert_eq!(
                found.get(sequence),
                Some(commit),
                "round {round}: {sequence:?} was durable"
            );
        }
        check_order(&found);
        certain = found;
    }
    println!("test kill_nine_loses_nothing ... ok ({} commits, {rounds} kills)", certain.len());
}

/// Lets a child commit until it has said `lines` times that something is durable.
fn run_and_kill(root: &Path, lines: u64) -> Ledger {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .env(CHILD, root)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = Ledger::new();
    let mut lines_left = lines;
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        // The kill may cut the last line.
        let numbers: Vec<u64> =
            line.unwrap().split(' ').filter_map(|word| word.parse().ok()).collect();
        if let [sequence, writer, number, 0] = numbers[..] {
            said.insert(Sequence(sequence), (writer, number));
        }
        lines_left = lines_left.saturating_sub(1);
        if lines_left == 0 && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    assert!(killed, "the child ended by itself: {}", child.wait().unwrap());
    child.wait().unwrap();
    said
}

fn options() -> Options {
    Options { segment_bytes: 32 * 1024, ..Options::new(*b"kill kill kill k") }
}

fn start(root: &Path) -> (Journal, Recovery) {
    let open = |zone| Arc::new(FsDisk::open(&root.join(zone)).unwrap()) as Arc<dyn Disk>;
    Journal::open(ZONES.map(open), options()).unwrap()
}

fn open(root: &Path, lost: Option<usize>) -> Ledger {
    let (_journal, recovery) = start(root);
    for (zone, report) in recovery.zones.iter().enumerate() {
        let expected = if lost == Some(zone) { ZoneReport::Lost } else { ZoneReport::Healthy };
        assert_eq!(*report, expected, "zone {zone}");
    }
    read(recovery)
}

/// Everything there is: a snapshot is the ledger itself.
fn read(recovery: Recovery) -> Ledger {
    let mut ledger = Ledger::new();
    if let Some(mut snapshot) = recovery.snapshot {
        let mut body = Vec::new();
        snapshot.body.read_to_end(&mut body).unwrap();
        for entry in body.chunks(24) {
            let word = |at: usize| u64::from_le_bytes(entry[at..at + 8].try_into().unwrap());
            ledger.insert(Sequence(word(0)), (word(8), word(16)));
        }
    }
    for frame in recovery.frames {
        let Frame { sequence, payload, .. } = frame.unwrap();
        let word = |at: usize| u64::from_le_bytes(payload[at..at + 8].try_into().unwrap());
        assert_eq!(payload, self::payload(word(0), word(8)));
        let before = ledger.insert(sequence, (word(0), word(8)));
        assert_eq!(before, None, "twice in the log");
    }
    ledger
}

/// Each writer's numbers rise by one, so nothing is doubled, lost between or invented.
fn check_order(found: &Ledger) {
    for writer in 0..WRITERS {
        let numbers = found.values().filter(|(of, _)| *of == writer).map(|(_, number)| *number);
        for (number, expected) in numbers.zip(0..) {
            assert_eq!(number, expected, "writer {writer}");
        }
    }
}

fn payload(writer: u64, number: u64) -> Bytes {
    let mut bytes = [writer.to_le_bytes(), number.to_le_bytes()].concat();
    let filler = usize::try_from(number * 7 % 900).unwrap();
    bytes.extend_from_slice(&vec![0x5a; filler]);
    Bytes::from(bytes)
}

/// Commits until killed; says a line for each commit, after it is durable.
fn child(root: &Path) -> ! {
    let (journal, recovery) = start(root);
    let ledger = read(recovery);
    std::thread::scope(|scope| {
        for writer in 0..WRITERS {
            let (journal, ledger) = (&journal, ledger.clone());
            scope.spawn(move || write(journal, ledger, writer));
        }
    });
    unreachable!("writers go on until the process is killed")
}

fn write(journal: &Journal, mut ledger: Ledger, writer: u64) {
    let mut number = ledger.values().filter(|(of, _)| *of == writer).count() as u64;
    loop {
        let sequence = journal.submit(payload(writer, number)).wait().unwrap().sequence;
        // The last word says that the line is whole.
        let said = writeln!(std::io::stdout().lock(), "{} {writer} {number} 0", sequence.0);
        if said.is_err() {
            std::process::exit(0);
        }
        number += 1;
        if writer == 0 && number.is_multiple_of(40) {
            snapshot(journal, &mut ledger, sequence);
        }
    }
}

/// Brings `ledger` up to `upto` from the journal, which knows the other writers' commits too, and
/// keeps it as the snapshot.
fn snapshot(journal: &Journal, ledger: &mut Ledger, upto: Sequence) {
    let known = ledger.keys().next_back().copied().unwrap_or_default();
    for frame in journal.read(known).unwrap() {
        let Frame { sequence, payload, .. } = frame.unwrap();
        if sequence > upto {
            break;
        }
        let word = |at: usize| u64::from_le_bytes(payload[at..at + 8].try_into().unwrap());
        ledger.insert(sequence, (word(0), word(8)));
    }
    let words = ledger.iter().flat_map(|(sequence, commit)| [sequence.0, commit.0, commit.1]);
    let body: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
    journal.snapshot(upto, &mut &body[..]).unwrap();
}
