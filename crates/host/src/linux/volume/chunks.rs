//! One zone's store of chunks: pieces of volumes, each once, named by what they hold.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use aws_lc_rs::digest;

use super::extents::{read_at, write_sparse};
use crate::linux::durable;

/// What EBS reads and writes snapshots in, too.
pub(crate) const CHUNK_BYTES: usize = 512 << 10;

/// SHA-256 of a chunk's bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Hash([u8; 32]);

impl Hash {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    pub(crate) fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    pub(crate) fn parse(hex: &str) -> Option<Self> {
        let mut hash = [0; 32];
        if hex.len() != 64 || !hex.is_ascii() {
            return None;
        }
        for (at, byte) in hash.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).ok()?;
        }
        Some(Self(hash))
    }
}

/// A chunk is counted once for each mention in a snapshot, or in one that is being taken, and
/// its file goes with the last mention. Nothing here is synced: whoever wants a mention to
/// last syncs the file system before writing it down. So a file without a mention is of no
/// worth, and is written anew when its bytes come again.
pub(crate) struct Chunks {
    zone: PathBuf,
    mentions: Mutex<HashMap<Hash, u32>>,
}

impl Chunks {
    /// Of the zone folder, with the mentions found in it.
    pub(crate) fn new(zone: &Path, mentions: HashMap<Hash, u32>) -> Self {
        Self { zone: zone.to_owned(), mentions: Mutex::new(mentions) }
    }

    /// Adds a mention; true when the bytes were not there before.
    pub(crate) fn put(&self, hash: Hash, bytes: &[u8]) -> io::Result<bool> {
        let mut mentions = self.mentions();
        let count = mentions.entry(hash).or_default();
        let is_new = *count == 0;
        // Under the lock, so that nobody counts on a chunk before its file is there.
        if is_new && let Err(error) = self.write(&hash, bytes) {
            mentions.remove(&hash);
            return Err(error);
        }
        *count += 1;
        Ok(is_new)
    }

    /// Adds a mention of what is there already; false when it is not.
    pub(crate) fn mention(&self, hash: &Hash) -> bool {
        self.mentions().get_mut(hash).map(|count| *count += 1).is_some()
    }

    /// Takes mentions away.
    pub(crate) fn drop(&self, hashes: impl IntoIterator<Item = Hash>) -> io::Result<()> {
        for hash in hashes {
            let mut mentions = self.mentions();
            let Some(count) = mentions.get_mut(&hash) else { continue };
            *count -= 1;
            if *count == 0 {
                mentions.remove(&hash);
                let gone = fs::remove_file(self.path(&hash));
                gone.or_else(|error| match error.kind() {
                    io::ErrorKind::NotFound => Ok(()),
                    _ => Err(error),
                })?;
            }
        }
        Ok(())
    }

    /// `None` when it is not there or not what its name says.
    pub(crate) fn read(&self, hash: &Hash) -> Option<Vec<u8>> {
        let file = File::open(self.path(hash)).ok()?;
        let mut bytes = vec![0; CHUNK_BYTES];
        let read = read_at(&file, &mut bytes, 0).ok()?;
        bytes.truncate(read);
        (Hash::of(&bytes) == *hash).then_some(bytes)
    }

    /// Writes a chunk that is lost or rotten again.
    pub(crate) fn mend(&self, hash: &Hash, bytes: &[u8]) -> io::Result<()> {
        match self.mentions().contains_key(hash) {
            true => self.write(hash, bytes),
            false => Ok(()),
        }
    }

    /// Removes files without a mention: somebody was killed before writing one down, or before
    /// removing the file of the last.
    pub(crate) fn sweep(&self) -> io::Result<()> {
        let mentions = self.mentions();
        let folder = self.folder();
        for shelf in durable::names(&folder)? {
            let shelf = folder.join(shelf);
            for name in durable::names(&shelf)? {
                if !Hash::parse(&name).is_some_and(|hash| mentions.contains_key(&hash)) {
                    fs::remove_file(shelf.join(name))?;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn sync(&self) -> io::Result<()> {
        durable::sync_all_of(&self.zone)
    }

    fn write(&self, hash: &Hash, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(hash);
        let file = match File::create(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let below = format!("snapshots/chunks/{}", &hash.hex()[..2]);
                durable::make_folders(&self.zone, &below)?;
                File::create(&path)?
            }
            other => other?,
        };
        file.set_len(bytes.len() as u64)?;
        write_sparse(&file, bytes, 0)
    }

    fn folder(&self) -> PathBuf {
        self.zone.join("snapshots/chunks")
    }

    fn path(&self, hash: &Hash) -> PathBuf {
        let hex = hash.hex();
        self.folder().join(&hex[..2]).join(hex)
    }

    fn mentions(&self) -> MutexGuard<'_, HashMap<Hash, u32>> {
        self.mentions.lock().expect("nothing that holds the mentions panics")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_stays_until_its_last_mention_goes() {
        let zone = tempfile::tempdir().expect("made");
        let chunks = Chunks::new(zone.path(), HashMap::new());
        let mut bytes = vec![0; CHUNK_BYTES];
        bytes[70_000] = 9;
        let hash = Hash::of(&bytes);
        assert_eq!(Hash::parse(&hash.hex()), Some(hash));
        assert!(chunks.put(hash, &bytes).expect("put"));
        assert!(!chunks.put(hash, &bytes).expect("put"));
        chunks.drop([hash]).expect("dropped");
        assert_eq!(chunks.read(&hash).as_deref(), Some(&bytes[..]));
        fs::write(chunks.path(&hash), b"rot").expect("written");
        assert_eq!(chunks.read(&hash), None);
        chunks.mend(&hash, &bytes).expect("mended");
        chunks.sweep().expect("swept");
        assert!(chunks.read(&hash).is_some());
        chunks.drop([hash]).expect("dropped");
        assert_eq!(chunks.read(&hash), None);
        chunks.mend(&hash, &bytes).expect("nobody wants it");
        assert_eq!(chunks.read(&hash), None);
    }
}
