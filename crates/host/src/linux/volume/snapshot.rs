//! Snapshots: what volumes were at a moment, as chunks in two zones.
//!
//! Taking one has two halves. The first reads the volume while it is held still, puts the
//! chunks that are new into the volume's zone and writes the manifest there: from then on the
//! snapshot outlives a crash. The second copies it to another zone, also after a restart.
//! A manifest is written after its chunks are on disk and removed before they are, so that
//! whatever happens in between leaves only chunks that nobody mentions.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use aws::Zone;

use super::chunks::{CHUNK_BYTES, Chunks, Hash};
use super::extents::{is_zero, pieces_with_data, read_at, write_sparse};
use super::manifest::Manifest;
use crate::linux::durable::failed;
use crate::linux::locks::Locks;
use crate::{Error, Result, SnapshotId, SnapshotSeen, VolumeId};

/// A zone's loss must not take a snapshot with it.
const HOMES: usize = 2;

pub(crate) struct Snapshots {
    /// By the zone's place in [`Zone::ALL`], as all arrays here.
    zones: [PathBuf; 3],
    chunks: [Chunks; 3],
    known: Mutex<BTreeMap<SnapshotId, Arc<Known>>>,
    pub(crate) locks: Locks,
    closing: AtomicBool,
}

pub(crate) struct Known {
    size_bytes: u64,
    own_bytes: u64,
    homes: Mutex<Vec<Zone>>,
    percent: AtomicU8,
    /// It is being removed: whoever copies it stops.
    is_going: AtomicBool,
}

/// Chunks that were put and are mentioned, and no manifest yet.
pub(crate) struct Draft {
    zone: Zone,
    manifest: Manifest,
}

impl Snapshots {
    /// Also says which snapshots are not in two zones yet.
    pub(crate) fn open(zones: [PathBuf; 3]) -> Result<(Self, Vec<SnapshotId>)> {
        let mut known: BTreeMap<SnapshotId, Arc<Known>> = BTreeMap::new();
        let mut mentions: [HashMap<Hash, u32>; 3] = Default::default();
        let mut is_whole = [true; 3];
        for (at, zone) in Zone::ALL.into_iter().enumerate() {
            let ids = Manifest::all(&zones[at]).map_err(failed("list snapshots"))?;
            for id in ids {
                match Manifest::read(&zones[at], &id) {
                    Ok(manifest) => {
                        count(&manifest, &mut mentions[at]);
                        let fresh = || Arc::new(Known::new(&manifest));
                        known.entry(id).or_insert_with(fresh).homes().push(zone);
                    }
                    // Its chunks stay: somebody may repair it by hand.
                    Err(error) => {
                        tracing::warn!(snapshot = %id, zone = %zone.letter(), %error, "unreadable");
                        is_whole[at] = false;
                    }
                }
            }
        }
        let mut of = mentions.into_iter().zip(&zones).map(|(one, zone)| Chunks::new(zone, one));
        let chunks = std::array::from_fn(|_| of.next().expect("there are three zones"));
        for (chunks, is_whole) in chunks.iter().zip(is_whole) {
            if is_whole {
                Chunks::sweep(chunks).map_err(failed("sweep chunks"))?;
            }
        }
        let (mut unfinished, locks, closing) = (Vec::new(), Locks::default(), false.into());
        for (id, known) in &known {
            match known.homes().len() >= HOMES {
                true => known.percent.store(100, Ordering::Release),
                false => unfinished.push(id.clone()),
            }
        }
        Ok((Self { zones, chunks, known: Mutex::new(known), locks, closing }, unfinished))
    }

    pub(crate) fn known(&self, id: &SnapshotId) -> Option<Arc<Known>> {
        self.map().get(id).cloned()
    }

    pub(crate) fn seen(&self) -> Vec<SnapshotSeen> {
        let seen = |(id, known): (&SnapshotId, &Arc<Known>)| SnapshotSeen {
            id: id.clone(),
            percent: known.percent.load(Ordering::Acquire),
            size_gib: u32::try_from(known.size_bytes.div_ceil(1 << 30)).unwrap_or(u32::MAX),
            own_bytes: known.own_bytes,
        };
        self.map().iter().map(seen).collect()
    }

    /// Reads the file, which nobody may write to meanwhile.
    pub(crate) fn gather(
        &self,
        id: &SnapshotId,
        volume: &VolumeId,
        zone: Zone,
        file: &File,
    ) -> Result<Draft> {
        let read = failed("read the volume");
        let size_bytes = file.metadata().map_err(read)?.len();
        let (id, volume, chunks) = (id.clone(), volume.clone(), Vec::new());
        let manifest = Manifest { id, volume, size_bytes, own_bytes: 0, chunks };
        let mut draft = Draft { zone, manifest };
        match self.gather_chunks(&mut draft, file) {
            Ok(()) => Ok(draft),
            Err(error) => {
                self.abandon(draft);
                Err(failed("take the snapshot")(error))
            }
        }
    }

    fn gather_chunks(&self, draft: &mut Draft, file: &File) -> std::io::Result<()> {
        let chunk_bytes = CHUNK_BYTES as u64;
        let mut buffer = vec![0; CHUNK_BYTES];
        for index in pieces_with_data(file, chunk_bytes)? {
            let len = read_at(file, &mut buffer, index * chunk_bytes)?;
            let bytes = &buffer[..len];
            if is_zero(bytes) {
                continue;
            }
            let hash = Hash::of(bytes);
            if self.chunks[place(draft.zone)].put(hash, bytes)? {
                draft.manifest.own_bytes += len as u64;
            }
            draft.manifest.chunks.push((index, hash));
        }
        Ok(())
    }

    /// The volume changed under our hands.
    pub(crate) fn abandon(&self, draft: Draft) {
        self.forget(draft.zone, draft.manifest.hashes());
    }

    /// The snapshot is there when this returns, in one zone.
    pub(crate) fn keep(&self, draft: Draft) -> Result<()> {
        let chunks = &self.chunks[place(draft.zone)];
        let zone = &self.zones[place(draft.zone)];
        let kept = chunks.sync().and_then(|()| draft.manifest.write(zone));
        if let Err(error) = kept {
            // It may have been written, and must not come back.
            let gone = Manifest::remove(zone, &draft.manifest.id);
            if gone.is_ok() {
                self.abandon(draft);
            }
            return Err(failed("keep the snapshot")(error));
        }
        let known = Known::new(&draft.manifest);
        known.homes().push(draft.zone);
        self.map().insert(draft.manifest.id, Arc::new(known));
        Ok(())
    }

    /// Copies the snapshot to a second zone, whichever takes it.
    pub(crate) fn finish(&self, id: &SnapshotId) -> Result<()> {
        let lock = self.locks.of(&id.0);
        let _held = lock.read().expect("nothing that holds the lock panics");
        let Some(known) = self.known(id) else { return Ok(()) };
        let homes = known.homes().clone();
        if homes.len() >= HOMES || self.is_over(&known) {
            return Ok(());
        }
        let manifest = self.manifest(id, &homes)?;
        let first = homes.first().map_or(0, |zone| place(*zone));
        let targets = [1, 2].map(|step| Zone::ALL[(first + step) % Zone::ALL.len()]);
        let mut last_error = None;
        for target in targets {
            match self.copy(&known, &manifest, target) {
                Ok(()) => return Ok(()),
                Err(error) => last_error = Some(error),
            }
        }
        last_error.map_or(Ok(()), Err)
    }

    fn copy(&self, known: &Known, manifest: &Manifest, target: Zone) -> Result<()> {
        let zone = &self.zones[place(target)];
        let mut copied = Vec::with_capacity(manifest.chunks.len());
        let done = self.copy_chunks(known, manifest, target, &mut copied).and_then(|()| {
            let is_whole = copied.len() == manifest.chunks.len();
            if is_whole {
                manifest.write(zone).map_err(failed("keep the snapshot's copy"))?;
            }
            Ok(is_whole)
        });
        if done == Ok(true) {
            known.homes().push(target);
            known.percent.store(100, Ordering::Release);
        } else if Manifest::remove(zone, &manifest.id).is_ok() {
            self.forget(target, copied);
        }
        done.map(|_| ())
    }

    /// Stops early when nobody wants the copy any more.
    fn copy_chunks(
        &self,
        known: &Known,
        manifest: &Manifest,
        target: Zone,
        copied: &mut Vec<Hash>,
    ) -> Result<()> {
        let chunks = &self.chunks[place(target)];
        let homes = known.homes().clone();
        for hash in manifest.hashes() {
            if self.is_over(known) {
                return Ok(());
            }
            if !chunks.mention(&hash) {
                let bytes = self.read(&homes, &hash)?;
                chunks.put(hash, &bytes).map_err(failed("copy the snapshot"))?;
            }
            copied.push(hash);
            let percent = 50 + 49 * copied.len() / manifest.chunks.len();
            known.percent.store(u8::try_from(percent).unwrap_or(99), Ordering::Release);
        }
        chunks.sync().map_err(failed("sync the snapshot"))
    }

    /// Fills a file of zeros, which is at least as long as the volume was.
    pub(crate) fn restore(&self, id: &SnapshotId, file: &File) -> Result<()> {
        let lock = self.locks.of(&id.0);
        let _held = lock.read().expect("nothing that holds the lock panics");
        // One zone is enough: the other may have been lost just now.
        let known = self.known(id);
        let known = known.ok_or_else(|| Error::Refused(format!("there is no snapshot {id}")))?;
        if file.metadata().map_err(failed("see the volume"))?.len() < known.size_bytes {
            return Err(Error::Refused(format!("the volume is smaller than {id}")));
        }
        let homes = known.homes().clone();
        for (index, hash) in self.manifest(id, &homes)?.chunks {
            let bytes = self.read(&homes, &hash)?;
            let at = index * CHUNK_BYTES as u64;
            write_sparse(file, &bytes, at).map_err(failed("fill the volume"))?;
        }
        Ok(())
    }

    pub(crate) fn remove(&self, id: &SnapshotId) -> Result<()> {
        let Some(known) = self.known(id) else { return Ok(()) };
        known.is_going.store(true, Ordering::Release);
        let lock = self.locks.of(&id.0);
        let _held = lock.write().expect("nothing that holds the lock panics");
        if self.known(id).is_none() {
            return Ok(());
        }
        let homes = known.homes().clone();
        // Unreadable everywhere: its chunks go at the next start.
        let manifest = self.manifest(id, &homes).ok();
        for zone in &self.zones {
            Manifest::remove(zone, id).map_err(failed("remove the snapshot"))?;
        }
        self.map().remove(id);
        for zone in homes {
            self.forget(zone, manifest.iter().flat_map(Manifest::hashes));
        }
        Ok(())
    }

    /// Those who copy stop soon.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::Release);
    }

    fn is_over(&self, known: &Known) -> bool {
        self.closing.load(Ordering::Acquire) || known.is_going.load(Ordering::Acquire)
    }

    fn manifest(&self, id: &SnapshotId, homes: &[Zone]) -> Result<Manifest> {
        let mut found = homes.iter().map(|zone| Manifest::read(&self.zones[place(*zone)], id));
        let readable = found.find_map(|read| read.ok());
        readable.ok_or_else(|| Error::Unavailable(format!("no zone has {id}'s manifest")))
    }

    /// From the first home where it is what it should be; the homes before are mended.
    fn read(&self, homes: &[Zone], hash: &Hash) -> Result<Vec<u8>> {
        for (at, home) in homes.iter().enumerate() {
            let Some(bytes) = self.chunks[place(*home)].read(hash) else { continue };
            for bad in &homes[..at] {
                tracing::warn!(chunk = hash.hex(), zone = %bad.letter(), "mended");
                if let Err(error) = self.chunks[place(*bad)].mend(hash, &bytes) {
                    tracing::warn!(chunk = hash.hex(), %error, "not mended");
                }
            }
            return Ok(bytes);
        }
        Err(Error::Unavailable(format!("no zone has chunk {}", hash.hex())))
    }

    /// Files that stay by accident are swept at the next start.
    fn forget(&self, zone: Zone, hashes: impl IntoIterator<Item = Hash>) {
        if let Err(error) = self.chunks[place(zone)].drop(hashes) {
            tracing::warn!(zone = %zone.letter(), %error, "chunks not removed");
        }
    }

    fn map(&self) -> MutexGuard<'_, BTreeMap<SnapshotId, Arc<Known>>> {
        self.known.lock().expect("nothing that holds the snapshots panics")
    }
}

impl Known {
    fn new(manifest: &Manifest) -> Self {
        Self {
            size_bytes: manifest.size_bytes,
            own_bytes: manifest.own_bytes,
            homes: Mutex::default(),
            percent: AtomicU8::new(50),
            is_going: AtomicBool::new(false),
        }
    }

    fn homes(&self) -> MutexGuard<'_, Vec<Zone>> {
        self.homes.lock().expect("nothing that holds the homes panics")
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.percent.load(Ordering::Acquire) == 100
    }
}

fn count(manifest: &Manifest, mentions: &mut HashMap<Hash, u32>) {
    manifest.hashes().for_each(|hash| *mentions.entry(hash).or_default() += 1);
}

pub(crate) fn place(zone: Zone) -> usize {
    match zone {
        Zone::A => 0,
        Zone::B => 1,
        Zone::C => 2,
    }
}

#[cfg(test)]
mod tests;
