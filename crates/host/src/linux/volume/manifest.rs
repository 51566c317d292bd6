//! What a snapshot is made of, as written down in each zone that has it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::chunks::Hash;
use crate::linux::durable;
use crate::{SnapshotId, VolumeId};

const FORMAT: u32 = 1;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Manifest {
    pub(crate) id: SnapshotId,
    pub(crate) volume: VolumeId,
    pub(crate) size_bytes: u64,
    /// Of the chunks that nobody had before.
    pub(crate) own_bytes: u64,
    /// Where they are in the volume, counted in chunks; zeros are not there.
    pub(crate) chunks: Vec<(u64, Hash)>,
}

/// One line of JSON, and one with its SHA-256.
#[derive(Serialize, Deserialize)]
struct Written {
    format: u32,
    id: String,
    volume: String,
    size_bytes: u64,
    own_bytes: u64,
    chunks: Vec<(u64, String)>,
}

impl Manifest {
    /// Durable when it returns; the chunks must be so before.
    pub(crate) fn write(&self, zone: &Path) -> io::Result<()> {
        let hex = |(index, hash): &(u64, Hash)| (*index, hash.hex());
        let written = Written {
            format: FORMAT,
            id: self.id.0.clone(),
            volume: self.volume.0.clone(),
            size_bytes: self.size_bytes,
            own_bytes: self.own_bytes,
            chunks: self.chunks.iter().map(hex).collect(),
        };
        let line = serde_json::to_string(&written)?;
        let text = format!("{line}\n{}\n", Hash::of(line.as_bytes()).hex());
        durable::make_folders(zone, "snapshots")?;
        durable::write(&path(zone, &self.id), text.as_bytes())
    }

    pub(crate) fn read(zone: &Path, id: &SnapshotId) -> io::Result<Self> {
        let text = fs::read_to_string(path(zone, id))?;
        let damaged = || io::Error::other(format!("the manifest of {id} is damaged"));
        let (line, rest) = text.split_once('\n').ok_or_else(damaged)?;
        if Hash::parse(rest.trim_end()) != Some(Hash::of(line.as_bytes())) {
            return Err(damaged());
        }
        let written: Written = serde_json::from_str(line)?;
        if written.format != FORMAT {
            return Err(io::Error::other(format!("{id} is of format {}", written.format)));
        }
        let parse = |(index, hex): (u64, String)| Some((index, Hash::parse(&hex)?));
        let chunks = written.chunks.into_iter().map(parse).collect::<Option<_>>();
        Ok(Self {
            id: SnapshotId(written.id),
            volume: VolumeId(written.volume),
            size_bytes: written.size_bytes,
            own_bytes: written.own_bytes,
            chunks: chunks.ok_or_else(damaged)?,
        })
    }

    pub(crate) fn remove(zone: &Path, id: &SnapshotId) -> io::Result<()> {
        durable::remove(&path(zone, id))
    }

    /// The ids of those in the zone, readable or not.
    pub(crate) fn all(zone: &Path) -> io::Result<Vec<SnapshotId>> {
        let names = durable::names(&zone.join("snapshots"))?;
        let id = |name: &String| Some(SnapshotId(name.strip_suffix(".json")?.to_owned()));
        Ok(names.iter().filter_map(id).collect())
    }

    pub(crate) fn hashes(&self) -> impl Iterator<Item = Hash> {
        self.chunks.iter().map(|(_, hash)| *hash)
    }
}

fn path(zone: &Path, id: &SnapshotId) -> PathBuf {
    zone.join("snapshots").join(format!("{id}.json"))
}
