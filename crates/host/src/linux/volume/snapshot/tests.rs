use std::os::unix::fs::FileExt;

use proptest::prelude::*;

use super::*;

const CHUNKS: u64 = 12;

/// A volume of a few MiB and its snapshots in three zones.
struct Bench {
    folder: tempfile::TempDir,
    snapshots: Snapshots,
    volume: File,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("made");
        let zones = zones(&folder);
        zones.iter().for_each(|zone| std::fs::create_dir(zone).expect("made"));
        let volume = file(&folder, "volume");
        let (snapshots, unfinished) = Snapshots::open(zones).expect("opened");
        assert_eq!(unfinished, []);
        Self { folder, snapshots, volume }
    }

    fn take(&self, id: &str) -> Vec<u8> {
        let (id, volume) = (SnapshotId(id.into()), VolumeId("vol-1".into()));
        let draft = self.snapshots.gather(&id, &volume, Zone::B, &self.volume).expect("read");
        self.snapshots.keep(draft).expect("kept");
        content(&self.volume)
    }

    fn restored(&self, id: &str) -> Vec<u8> {
        let restored = file(&self.folder, "restored");
        self.snapshots.restore(&SnapshotId(id.into()), &restored).expect("restored");
        content(&restored)
    }

    /// As after a kill.
    fn reopen(&mut self) -> Vec<SnapshotId> {
        let (snapshots, unfinished) = Snapshots::open(zones(&self.folder)).expect("opened");
        self.snapshots = snapshots;
        unfinished
    }

    fn chunk_files(&self) -> [usize; 3] {
        zones(&self.folder).map(|zone| {
            let all = crate::linux::durable::names(&zone.join("snapshots/chunks")).expect("listed");
            let count = |shelf: String| {
                let shelf = zone.join("snapshots/chunks").join(shelf);
                std::fs::read_dir(shelf).expect("listed").count()
            };
            all.into_iter().map(count).sum()
        })
    }
}

fn zones(folder: &tempfile::TempDir) -> [PathBuf; 3] {
    ["a", "b", "c"].map(|name| folder.path().join(name))
}

fn file(folder: &tempfile::TempDir, name: &str) -> File {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(true);
    let file = options.open(folder.path().join(name)).expect("made");
    file.set_len(CHUNKS * CHUNK_BYTES as u64).expect("sized");
    file
}

fn content(file: &File) -> Vec<u8> {
    let mut bytes = vec![0; usize::try_from(CHUNKS).expect("few") * CHUNK_BYTES];
    read_at(file, &mut bytes, 0).expect("read");
    bytes
}

#[derive(Clone, Debug)]
enum Act {
    Write {
        at: u64,
        len: usize,
        byte: u8,
    },
    Take,
    /// Any of those that are there.
    Remove(usize),
    Finish(usize),
    /// The process was killed and starts again.
    Kill,
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let size = CHUNKS * CHUNK_BYTES as u64;
    let act = prop_oneof![
        4 => (0..size - 900_000, 1_usize..900_000, 0_u8..4)
            .prop_map(|(at, len, byte)| Act::Write { at, len, byte }),
        3 => Just(Act::Take),
        2 => any::<usize>().prop_map(Act::Remove),
        2 => any::<usize>().prop_map(Act::Finish),
        1 => Just(Act::Kill),
    ];
    proptest::collection::vec(act, 1..25)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn whatever_is_taken_and_removed_the_others_keep_their_bytes(acts in acts()) {
        let mut bench = Bench::new();
        let mut kept: Vec<(String, Vec<u8>)> = Vec::new();
        for (number, act) in acts.into_iter().enumerate() {
            match act {
                Act::Write { at, len, byte } => {
                    bench.volume.write_all_at(&vec![byte; len], at).expect("written");
                }
                Act::Take => {
                    let id = format!("snap-{number}");
                    let bytes = bench.take(&id);
                    kept.push((id, bytes));
                }
                Act::Remove(any) if !kept.is_empty() => {
                    let (id, _) = kept.remove(any % kept.len());
                    bench.snapshots.remove(&SnapshotId(id)).expect("removed");
                }
                Act::Finish(any) if !kept.is_empty() => {
                    let id = SnapshotId(kept[any % kept.len()].0.clone());
                    bench.snapshots.finish(&id).expect("finished");
                }
                Act::Kill => {
                    bench.reopen();
                }
                Act::Remove(_) | Act::Finish(_) => {}
            }
        }
        for (id, bytes) in &kept {
            bench.snapshots.finish(&SnapshotId(id.clone())).expect("finished");
            prop_assert!(bench.restored(id) == *bytes, "{id} came back as something else");
        }
        for (id, _) in kept {
            bench.snapshots.remove(&SnapshotId(id)).expect("removed");
        }
        prop_assert_eq!(bench.chunk_files(), [0; 3]);
    }
}

#[test]
fn a_second_snapshot_adds_only_what_changed() {
    let bench = Bench::new();
    bench.volume.write_all_at(&vec![1; 3 * CHUNK_BYTES], 0).expect("written");
    bench.take("snap-1");
    bench.volume.write_all_at(b"other", 2 * CHUNK_BYTES as u64).expect("written");
    bench.take("snap-2");
    let seen = bench.snapshots.seen();
    let own: Vec<u64> = seen.iter().map(|seen| seen.own_bytes).collect();
    assert_eq!(own, [CHUNK_BYTES as u64; 2], "three equal chunks, then a changed one");
    assert_eq!(bench.chunk_files(), [0, 2, 0]);
}

#[test]
fn a_snapshot_finds_a_second_zone_after_a_kill_and_after_a_loss() {
    let mut bench = Bench::new();
    bench.volume.write_all_at(b"one", 5 * CHUNK_BYTES as u64).expect("written");
    let bytes = bench.take("snap-1");
    let (id, absent) = (SnapshotId("snap-1".into()), SnapshotId("snap-2".into()));
    let target = file(&bench.folder, "absent");
    assert!(matches!(bench.snapshots.restore(&absent, &target), Err(Error::Refused(_))));
    assert!(bench.restored("snap-1") == bytes, "from the only zone");
    assert_eq!(bench.reopen(), std::slice::from_ref(&id));
    bench.snapshots.finish(&id).expect("finished");
    assert_eq!(bench.chunk_files(), [0, 1, 1]);
    std::fs::remove_dir_all(bench.folder.path().join("b")).expect("lost");
    assert!(bench.restored("snap-1") == bytes, "from the zone that is left");
    assert_eq!(bench.reopen(), std::slice::from_ref(&id));
    bench.snapshots.finish(&id).expect("finished");
    assert_eq!(bench.chunk_files(), [1, 0, 1], "a lost zone is not made by accident");
}

#[test]
fn rot_in_one_zone_is_mended_from_the_other() {
    let bench = Bench::new();
    bench.volume.write_all_at(b"one", 0).expect("written");
    let bytes = bench.take("snap-1");
    bench.snapshots.finish(&SnapshotId("snap-1".into())).expect("finished");
    let mut chunk = vec![0; CHUNK_BYTES];
    chunk[..3].copy_from_slice(b"one");
    let hash = Hash::of(&chunk).hex();
    let path = zones(&bench.folder)[1].join("snapshots/chunks").join(&hash[..2]).join(&hash);
    let rotten = File::options().write(true).open(&path).expect("there");
    rotten.write_all_at(b"rot", 100_000).expect("written");
    assert!(bench.restored("snap-1") == bytes);
    assert!(std::fs::read(&path).expect("read") == chunk);
}

#[test]
fn a_full_zone_leaves_nothing_behind() {
    let bench = Bench::new();
    bench.volume.write_all_at(&[3; 9], 0).expect("written");
    std::fs::write(zones(&bench.folder)[1].join("snapshots"), b"in the way").expect("written");
    let (id, volume) = (SnapshotId("snap-1".into()), VolumeId("vol-1".into()));
    assert!(bench.snapshots.gather(&id, &volume, Zone::B, &bench.volume).is_err());
    assert_eq!(bench.snapshots.seen(), []);
}
