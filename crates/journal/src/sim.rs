//! A disk that loses what real disks lose, from a seed: for tests of whatever keeps its data
//! in a journal.
//!
//! A [`SimDisk`] has a page cache over a durable image. Reads see the cache. A power cut throws
//! away what was not synced, except for a seeded subset of it in units of 512 bytes: lost, torn
//! and reordered writes are all such subsets. Entries of the directory (create, rename, remove)
//! that were not synced are undone the same way, each by itself. Faults are switched on by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSliceMut};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::disk::{Disk, DiskFile, SyncReason};

const SECTOR_BYTES: usize = 512;

/// The next number of the sequence that begins with `seed` (splitmix64).
pub fn draw(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *seed;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What ends a simulated machine: every operation of its disks counts, and after the last one
/// allowed they all fail until [`Power::restore`].
#[derive(Clone, Default)]
pub struct Power {
    left: Arc<Mutex<Option<u64>>>,
}

impl Power {
    fn lock(&self) -> MutexGuard<'_, Option<u64>> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `operations` more happen and none after them.
    pub fn fail_after(&self, operations: u64) {
        *self.lock() = Some(operations);
    }

    pub fn restore(&self) {
        *self.lock() = None;
    }

    pub fn failed(&self) -> bool {
        *self.lock() == Some(0)
    }

    fn spend(&self) -> io::Result<()> {
        match self.lock().as_mut() {
            Some(0) => Err(io::Error::other("the machine is off")),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }
}

/// One zone's directory. Clones are the same directory.
#[derive(Clone)]
pub struct SimDisk {
    power: Power,
    state: Arc<Mutex<State>>,
    released: Arc<Condvar>,
}

/// A disk's durable contents, to be put back later: a zone that returns stale.
#[derive(Clone)]
pub struct Image {
    entries: BTreeMap<String, Vec<u8>>,
}

struct State {
    seed: u64,
    files: Vec<File>,
    entries: BTreeMap<String, usize>,
    durable_entries: BTreeMap<String, usize>,
    /// Changes of entries since the last sync of the directory.
    unsynced: Vec<Change>,
    faults: Faults,
    /// Bytes that reads have given.
    read_bytes: u64,
    /// How often each sync was asked for.
    syncs: BTreeMap<SyncReason, u64>,
}

#[derive(Clone, Default)]
struct Faults {
    offline: bool,
    reads_fail: bool,
    writes_fail: bool,
    syncs_fail: bool,
    /// Fails the next sync of a file and forgets what it should have written.
    sync_fails_once: bool,
    syncs_lie: bool,
    skipped: Option<SyncReason>,
    capacity_bytes: Option<u64>,
    /// Full disks answer at the sync, not at the write, as with delayed allocation.
    capacity_at_sync: bool,
    held: bool,
}

#[derive(Clone)]
enum Change {
    Create { name: String, file: usize },
    Rename { from: String, to: String, file: usize },
    Remove { name: String },
}

#[derive(Default)]
struct File {
    cache: Vec<u8>,
    durable: Vec<u8>,
    /// Sectors in which the cache may differ from the durable image.
    dirty: BTreeSet<usize>,
}

fn full() -> io::Error {
    io::Error::new(io::ErrorKind::StorageFull, "no space left on the simulated disk")
}

fn failing(what: &str) -> io::Error {
    io::Error::other(format!("simulated input/output error: {what}"))
}

impl SimDisk {
    /// An empty directory on a machine with this power.
    pub fn new(seed: u64, power: Power) -> SimDisk {
        let state = State {
            seed,
            files: Vec::new(),
            entries: BTreeMap::new(),
            durable_entries: BTreeMap::new(),
            unsynced: Vec::new(),
            faults: Faults::default(),
            read_bytes: 0,
            syncs: BTreeMap::new(),
        };
        let state = Arc::new(Mutex::new(state));
        SimDisk { power, state, released: Arc::new(Condvar::new()) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation against the power and answers the state if the disk works.
    fn operate(&self) -> io::Result<MutexGuard<'_, State>> {
        self.power.spend()?;
        let state = self.lock();
        if state.faults.offline { Err(failing("the zone is away")) } else { Ok(state) }
    }

    // ---- crashes ----

    /// The power goes: what was not synced is lost, but for a seeded part of it.
    pub fn cut_power(&self) {
        self.lock().cut_power();
    }

    /// As [`SimDisk::cut_power`], and nothing unsynced is left: the least a sync may rely on.
    pub fn cut_power_clean(&self) {
        let mut state = self.lock();
        for file in &mut state.files {
            file.dirty.clear();
            file.cache = file.durable.clone();
        }
        state.unsynced.clear();
        state.entries = state.durable_entries.clone();
    }

    /// The directory is lost and an empty one is in its place.
    pub fn wipe(&self) {
        let mut state = self.lock();
        // Open files stay, without a name, as under `rm -r`.
        state.entries.clear();
        state.durable_entries.clear();
        state.unsynced.clear();
    }

    /// What would be left after a power cut that keeps nothing unsynced.
    pub fn image(&self) -> Image {
        let state = self.lock();
        let entries = state.durable_entries.iter();
        let entries =
            entries.map(|(name, file)| (name.clone(), state.files[*file].durable.clone()));
        Image { entries: entries.collect() }
    }

    /// Puts an image in the directory's place.
    pub fn restore(&self, image: &Image) {
        self.wipe();
        let mut state = self.lock();
        for (name, bytes) in &image.entries {
            let file = state.files.len();
            let (cache, durable) = (bytes.clone(), bytes.clone());
            state.files.push(File { cache, durable, dirty: BTreeSet::new() });
            state.entries.insert(name.clone(), file);
        }
        state.durable_entries = state.entries.clone();
    }

    // ---- faults ----

    /// Flips bits of one byte, in cache and image; the seed picks it among the bytes that are
    /// not zero of files whose name begins with `prefix`. Answers whether there was one.
    pub fn rot(&self, prefix: &str) -> bool {
        self.lock().rot(prefix)
    }

    /// Flips bits of the byte at `offset` of the file `name`.
    pub fn rot_at(&self, name: &str, offset: usize) {
        let mut state = self.lock();
        if let Some(file) = state.entries.get(name).copied() {
            state.files[file].flip(offset, 0x40);
        }
    }

    /// Every operation fails.
    pub fn set_offline(&self, offline: bool) {
        self.lock().faults.offline = offline;
    }
    pub fn set_reads_fail(&self, fail: bool) {
        self.lock().faults.reads_fail = fail;
    }
    pub fn set_writes_fail(&self, fail: bool) {
        self.lock().faults.writes_fail = fail;
    }
    pub fn set_syncs_fail(&self, fail: bool) {
        self.lock().faults.syncs_fail = fail;
    }

    /// The next sync of a file fails; later ones succeed without writing what that one should
    /// have, as Linux does.
    pub fn fail_next_sync(&self) {
        self.lock().faults.sync_fails_once = true;
    }

    /// Syncs answer success and do nothing.
    pub fn set_syncs_lie(&self, lie: bool) {
        self.lock().faults.syncs_lie = lie;
    }

    /// Syncs for this reason answer success and do nothing: what a program without them does.
    pub fn skip_sync(&self, reason: Option<SyncReason>) {
        self.lock().faults.skipped = reason;
    }

    /// The disk is full beyond so many bytes of files.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.lock().faults.capacity_bytes = bytes;
    }

    /// A full disk is noticed at the sync only.
    pub fn set_capacity_at_sync(&self, at_sync: bool) {
        self.lock().faults.capacity_at_sync = at_sync;
    }

    /// Syncs block until released: a slow disk.
    pub fn hold_syncs(&self, hold: bool) {
        self.lock().faults.held = hold;
        self.released.notify_all();
    }

    /// Ends all faults that were switched on, but for a sync that is left out.
    pub fn heal(&self) {
        let mut state = self.lock();
        state.faults = Faults { skipped: state.faults.skipped, ..Faults::default() };
        drop(state);
        self.released.notify_all();
    }

    // ---- looking ----

    pub fn used_bytes(&self) -> u64 {
        self.lock().used_bytes()
    }

    /// Bytes that reads have given so far.
    pub fn read_bytes(&self) -> u64 {
        self.lock().read_bytes
    }

    pub fn syncs(&self, reason: SyncReason) -> u64 {
        self.lock().syncs.get(&reason).copied().unwrap_or(0)
    }

    pub fn names(&self) -> Vec<String> {
        self.lock().entries.keys().cloned().collect()
    }
}

impl State {
    fn used_bytes(&self) -> u64 {
        let bytes = self.entries.values().map(|file| self.files[*file].cache.len() as u64);
        bytes.sum()
    }

    fn coin(&mut self) -> bool {
        draw(&mut self.seed) & 1 == 0
    }

    fn cut_power(&mut self) {
        // A mood for the whole cut, so that all-kept and all-lost are likely too.
        let keep_in_8 = draw(&mut self.seed) % 9;
        for at in 0..self.files.len() {
            let dirty = std::mem::take(&mut self.files[at].dirty);
            for sector in dirty {
                if draw(&mut self.seed) % 8 < keep_in_8 {
                    self.files[at].write_back(sector);
                }
            }
            self.files[at].cache = self.files[at].durable.clone();
        }
        for change in std::mem::take(&mut self.unsynced) {
            if self.coin() {
                change.apply(&mut self.durable_entries);
            }
        }
        self.entries = self.durable_entries.clone();
        let named: BTreeSet<usize> = self.entries.values().copied().collect();
        for (at, file) in self.files.iter_mut().enumerate() {
            if !named.contains(&at) {
                *file = File::default();
            }
        }
    }

    fn rot(&mut self, prefix: &str) -> bool {
        let named: Vec<usize> = (self.entries.iter())
            .filter(|(name, _)| name.starts_with(prefix))
            .map(|(_, file)| *file)
            .collect();
        let set = |file: usize| {
            let bytes = self.files[file].cache.iter().enumerate();
            bytes.filter(|(_, byte)| **byte != 0).map(move |(at, _)| (file, at))
        };
        let candidates: Vec<(usize, usize)> = named.into_iter().flat_map(set).collect();
        if candidates.is_empty() {
            return false;
        }
        let pick = draw(&mut self.seed) % candidates.len() as u64;
        let (file, at) = candidates[usize::try_from(pick).expect("less than the candidates")];
        let bits = (draw(&mut self.seed) % 255 + 1).to_le_bytes()[0];
        self.files[file].flip(at, bits);
        true
    }

    /// Whether a sync for this reason does its work.
    fn sync_works(&mut self, reason: SyncReason) -> io::Result<bool> {
        *self.syncs.entry(reason).or_default() += 1;
        if self.faults.syncs_fail {
            return Err(failing("sync"));
        }
        Ok(!self.faults.syncs_lie && self.faults.skipped != Some(reason))
    }

    fn has_room(&self, more: u64) -> bool {
        self.faults.capacity_bytes.is_none_or(|most| self.used_bytes() + more <= most)
    }
}

impl Change {
    fn apply(&self, entries: &mut BTreeMap<String, usize>) {
        match self {
            Change::Create { name, file } => {
                entries.insert(name.clone(), *file);
            }
            Change::Rename { from, to, file } => {
                if entries.get(from) == Some(file) {
                    entries.remove(from);
                }
                entries.insert(to.clone(), *file);
            }
            Change::Remove { name } => {
                entries.remove(name);
            }
        }
    }
}

fn lengthen(bytes: &mut Vec<u8>, len: usize) {
    if bytes.len() < len {
        bytes.extend_from_slice(&vec![0; len - bytes.len()]);
    }
}

impl File {
    fn write_back(&mut self, sector: usize) {
        let start = sector * SECTOR_BYTES;
        let end = (start + SECTOR_BYTES).min(self.cache.len());
        lengthen(&mut self.durable, end);
        self.durable[start..end].copy_from_slice(&self.cache[start..end]);
    }

    fn sync(&mut self) {
        for sector in std::mem::take(&mut self.dirty) {
            self.write_back(sector);
        }
    }

    fn flip(&mut self, at: usize, bits: u8) {
        for bytes in [&mut self.cache, &mut self.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= bits;
            }
        }
    }
}

impl Disk for SimDisk {
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.operate()?;
        if state.faults.writes_fail {
            return Err(failing("create"));
        }
        let file = state.files.len();
        state.files.push(File::default());
        state.entries.insert(name.to_owned(), file);
        state.unsynced.push(Change::Create { name: name.to_owned(), file });
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let state = self.operate()?;
        let file = state.entries.get(name).copied();
        let file = file.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))?;
        Ok(Arc::new(SimFile { disk: self.clone(), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        let file = state.entries.remove(from);
        let file = file.ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, from.to_owned()))?;
        state.entries.insert(to.to_owned(), file);
        let (from, to) = (from.to_owned(), to.to_owned());
        state.unsynced.push(Change::Rename { from, to, file });
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.operate()?;
        let known = state.entries.remove(name).is_some();
        state.unsynced.push(Change::Remove { name: name.to_owned() });
        known.then_some(()).ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, name.to_owned()))
    }

    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.operate()?.entries.keys().cloned().collect())
    }

    fn sync_dir(&self, reason: SyncReason) -> io::Result<()> {
        let mut state = self.operate()?;
        if state.sync_works(reason)? {
            state.unsynced.clear();
            state.durable_entries = state.entries.clone();
        }
        Ok(())
    }
}

struct SimFile {
    disk: SimDisk,
    file: usize,
}

fn place(offset: u64) -> usize {
    usize::try_from(offset).expect("simulated files fit into memory")
}

impl DiskFile for SimFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.operate()?;
        if state.faults.reads_fail {
            return Err(failing("read"));
        }
        // A wiped disk's open files are gone.
        let Some(file) = state.files.get(self.file) else { return Err(failing("read")) };
        let from = file.cache.get(place(offset)..).unwrap_or(&[]);
        let read = from.len().min(buf.len());
        buf[..read].copy_from_slice(&from[..read]);
        state.read_bytes += read as u64;
        Ok(read)
    }

    /// All is in memory here.
    fn read_cached_at(&self, bufs: &mut [IoSliceMut<'_>], offset: u64) -> io::Result<usize> {
        bufs.iter_mut().try_fold(0, |done, buf| Ok(done + self.read_at(buf, offset + done as u64)?))
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        if state.faults.writes_fail {
            return Err(failing("write"));
        }
        let (start, end) = (place(offset), place(offset) + bytes.len());
        let Some(file) = state.files.get(self.file) else { return Err(failing("write")) };
        let grows = end.saturating_sub(file.cache.len()) as u64;
        if grows > 0 && !state.faults.capacity_at_sync && !state.has_room(grows) {
            return Err(full());
        }
        let file = &mut state.files[self.file];
        lengthen(&mut file.cache, end);
        file.cache[start..end].copy_from_slice(bytes);
        if end > start {
            file.dirty.extend(start / SECTOR_BYTES..=(end - 1) / SECTOR_BYTES);
        }
        Ok(())
    }

    fn sync_data(&self, reason: SyncReason) -> io::Result<()> {
        let mut state = self.disk.operate()?;
        while state.faults.held {
            state = self.disk.released.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if self.file >= state.files.len() {
            return Err(failing("sync"));
        }
        if std::mem::take(&mut state.faults.sync_fails_once) {
            state.files[self.file].dirty.clear();
            return Err(failing("sync"));
        }
        let works = state.sync_works(reason)?;
        let file = &state.files[self.file];
        let grows = file.cache.len() > file.durable.len();
        if works && grows && state.faults.capacity_at_sync && !state.has_room(0) {
            return Err(full());
        }
        if works {
            state.files[self.file].sync();
        }
        Ok(())
    }

    fn bytes(&self) -> io::Result<u64> {
        let state = self.disk.operate()?;
        let file = state.files.get(self.file).ok_or_else(|| failing("length"))?;
        Ok(file.cache.len() as u64)
    }
}
