//! Volumes as folders of the zones, and which guest has which.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, OnceLock};

use aws::Zone;

use super::ext4::{self, Frozen};
use super::record::Record;
use super::snapshot::{Draft, Snapshots, place};
use super::{Device, Pause, VolumeLimits, loop_device};
use crate::linux::durable::{self, failed, file_name};
use crate::linux::locks::Locks;
use crate::{
    Error, GuestId, Result, SnapshotId, SnapshotSeen, Volume, VolumeContent, VolumeId, VolumeSeen,
};

const GIB: u64 = 1 << 30;
/// mkfs leaves a last group out that is too small for its own tables.
const GROUP_BYTES: u64 = 128 << 20;
/// How often a device is read anew because it was written to meanwhile.
const STILL_ATTEMPTS_MAX: usize = 3;

pub(crate) struct Store {
    roots: PathBuf,
    zones: [PathBuf; 3],
    /// By volume. Held while anything of it changes, or is read for a snapshot.
    locks: Locks,
    holders: Mutex<BTreeMap<VolumeId, GuestId>>,
    snapshots: Snapshots,
    pause: OnceLock<Pause>,
}

/// A volume that is there.
struct Found {
    zone: Zone,
    folder: PathBuf,
}

impl Found {
    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }

    fn size_bytes(&self) -> Result<u64> {
        Ok(fs::metadata(self.data()).map_err(failed("see the volume"))?.len())
    }

    fn record(&self) -> Result<Record> {
        Record::read(&self.folder).map_err(failed("read what is known of the volume"))
    }
}

impl Store {
    pub(crate) fn open(data: PathBuf, zones: [PathBuf; 3]) -> Result<(Self, Vec<SnapshotId>)> {
        // The kernel tells the files of loop devices by their real paths.
        let zones = zones.map(real_path);
        let roots = data.join("roots");
        fs::create_dir_all(&roots).map_err(failed("make the folder of roots"))?;
        let roots = roots.canonicalize().map_err(failed("find the folder of roots"))?;
        for zone in &zones {
            sweep(zone).map_err(failed("clear what was left half done"))?;
        }
        let (snapshots, unfinished) = Snapshots::open(zones.clone())?;
        let (locks, holders, pause) = Default::default();
        Ok((Self { roots, zones, locks, holders, snapshots, pause }, unfinished))
    }

    pub(crate) fn adopt(&self, held: &[(VolumeId, GuestId)]) -> Result<()> {
        self.holders().extend(held.iter().cloned());
        let wrong = || failed("clear what no guest has");
        for (number, file) in loop_device::attached().map_err(wrong())? {
            let Some(id) = self.volume_of(&file) else { continue };
            if self.holders().contains_key(&id) {
                let device = loop_device::find(&file).map_err(wrong())?;
                device.map_or(Ok(()), |device| ext4::thaw_all(&device)).map_err(wrong())?;
                continue;
            }
            self.unmount(&id)?;
            loop_device::detach(number).map_err(wrong())?;
        }
        for name in durable::names(&self.roots).map_err(wrong())? {
            let id = VolumeId(name);
            if !self.holders().contains_key(&id) {
                self.unmount(&id)?;
            }
        }
        Ok(())
    }

    pub(crate) fn pause_with(&self, pause: Pause) {
        let _ = self.pause.set(pause);
    }

    pub(crate) fn ensure_volume(&self, volume: &Volume) -> Result<()> {
        file_name(&volume.id.0)?;
        let lock = self.locks.of(&volume.id.0);
        let _held = lock.write().expect("nothing that holds the lock panics");
        let Some(found) = self.find(&volume.id) else { return self.make(volume) };
        if found.zone != volume.zone {
            let letter = found.zone.letter();
            return Err(Error::Refused(format!("{} is in zone {letter}", volume.id)));
        }
        let (has, wanted) = (found.size_bytes()?, u64::from(volume.size_gib) * GIB);
        if wanted < has {
            return Err(Error::Refused(format!("{} would shrink", volume.id)));
        }
        if wanted > has {
            self.grow(&volume.id, &found, wanted)?;
        }
        let record = found.record()?;
        let (iops, throughput_mib) = (volume.iops, volume.throughput_mib);
        let now = Record { iops, throughput_mib, ..record.clone() };
        if now != record {
            now.write(&found.folder).map_err(failed("keep the volume's limits"))?;
        }
        Ok(())
    }

    fn make(&self, volume: &Volume) -> Result<()> {
        if volume.size_gib == 0 {
            return Err(Error::Refused("a volume has at least 1 GiB".into()));
        }
        let zone = &self.zones[place(volume.zone)];
        let wrong = || failed(format!("make {}", volume.id));
        let volumes = durable::make_folders(zone, "volumes").map_err(wrong())?;
        let (making, folder) =
            (volumes.join(format!(".making-{}", volume.id)), volumes.join(&volume.id.0));
        let made = self.fill(volume, &making).and_then(|()| {
            durable::rename(&making, &folder).map_err(wrong())?;
            Ok(())
        });
        if made.is_err() {
            let _ = fs::remove_dir_all(&making);
        }
        made
    }

    fn fill(&self, volume: &Volume, folder: &Path) -> Result<()> {
        let wrong = || failed(format!("make {}", volume.id));
        if folder.exists() {
            fs::remove_dir_all(folder).map_err(wrong())?;
        }
        fs::DirBuilder::new().mode(0o700).create(folder).map_err(wrong())?;
        let path = folder.join("data");
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path);
        let file = file.map_err(wrong())?;
        file.set_len(u64::from(volume.size_gib) * GIB).map_err(wrong())?;
        let mut record = Record::new(volume.iops, volume.throughput_mib);
        match &volume.content {
            VolumeContent::Blank => {}
            VolumeContent::Root => {
                ext4::make(&path)?;
                record.is_trusted = true;
            }
            VolumeContent::Snapshot(id) => self.snapshots.restore(id, &file)?,
        }
        file.sync_all().map_err(wrong())?;
        record.write(folder).map_err(wrong())
    }

    /// A mounted root that the kernel does not let us grow is grown before it is mounted again.
    fn grow(&self, id: &VolumeId, found: &Found, size_bytes: u64) -> Result<()> {
        let wrong = || failed(format!("grow {id}"));
        let file = OpenOptions::new().write(true).open(found.data()).map_err(wrong())?;
        file.set_len(size_bytes).map_err(wrong())?;
        file.sync_all().map_err(wrong())?;
        let Some(device) = loop_device::find(&found.data()).map_err(wrong())? else {
            return Ok(());
        };
        loop_device::grown(device.minor).map_err(wrong())?;
        let root = self.roots.join(&id.0);
        if ext4::is_mounted(&device, &root).map_err(wrong())?
            && !ext4::grow_mounted(&root, size_bytes).map_err(wrong())?
        {
            tracing::info!(volume = %id, "its file system grows when its guest starts again");
        }
        Ok(())
    }

    pub(crate) fn volumes(&self) -> Result<Vec<VolumeSeen>> {
        let mut all = Vec::new();
        for zone in Zone::ALL {
            let folder = self.zones[place(zone)].join("volumes");
            let names = durable::names(&folder).map_err(failed("list volumes"))?;
            for name in names.into_iter().filter(|name| !name.starts_with('.')) {
                let found = Found { zone, folder: folder.join(&name) };
                // It may be removed meanwhile.
                let Ok(size_bytes) = found.size_bytes() else { continue };
                let size_gib = u32::try_from(size_bytes.div_ceil(GIB)).unwrap_or(u32::MAX);
                all.push(VolumeSeen { id: VolumeId(name), zone, size_gib });
            }
        }
        all.sort_by(|one, other| one.id.cmp(&other.id));
        Ok(all)
    }

    pub(crate) fn remove_volume(&self, id: &VolumeId) -> Result<()> {
        file_name(&id.0)?;
        let lock = self.locks.of(&id.0);
        let _held = lock.write().expect("nothing that holds the lock panics");
        if let Some(holder) = self.holders().get(id) {
            return Err(Error::Refused(format!("{id} belongs to {holder}")));
        }
        let Some(found) = self.find(id) else { return Ok(()) };
        self.let_go(id, &found)?;
        let wrong = || failed(format!("remove {id}"));
        let removing = found.folder.with_file_name(format!(".removing-{id}"));
        durable::rename(&found.folder, &removing).map_err(wrong())?;
        fs::remove_dir_all(&removing).map_err(wrong())
    }

    pub(crate) fn limits(&self, id: &VolumeId) -> Result<VolumeLimits> {
        let record = self.wanted(id)?.record()?;
        Ok(VolumeLimits { iops: record.iops, throughput_mib: record.throughput_mib })
    }

    pub(crate) fn attach(&self, id: &VolumeId, guest: &GuestId) -> Result<Device> {
        self.hold(id, guest, |found| {
            // From now on a guest writes what it likes.
            let mut record = found.record()?;
            if record.is_trusted {
                record.is_trusted = false;
                record.write(&found.folder).map_err(failed("keep that the volume is attached"))?;
            }
            loop_device::attach(&found.data()).map_err(failed(format!("attach {id}")))
        })
    }

    pub(crate) fn detach(&self, id: &VolumeId) -> Result<()> {
        file_name(&id.0)?;
        let lock = self.locks.of(&id.0);
        let _held = lock.write().expect("nothing that holds the lock panics");
        if let Some(found) = self.find(id) {
            self.let_go(id, &found)?;
        }
        self.holders().remove(id);
        Ok(())
    }

    pub(crate) fn mount_root(&self, id: &VolumeId, guest: &GuestId) -> Result<PathBuf> {
        self.hold(id, guest, |found| {
            let wrong = || failed(format!("mount {id}"));
            let device = loop_device::attach(&found.data()).map_err(wrong())?;
            let root = self.roots.join(&id.0);
            if !ext4::is_mounted(&device, &root).map_err(wrong())? {
                prepare(id, found, &device)?;
                fs::create_dir_all(&root).map_err(wrong())?;
                ext4::mount(&device, &root).map_err(wrong())?;
            }
            for name in ["upper", "work"] {
                let folder = root.join(name);
                if !folder.exists() {
                    // The first becomes the guest's root folder, whatever our own umask is.
                    fs::create_dir(&folder).map_err(wrong())?;
                    let mode = fs::Permissions::from_mode(0o755);
                    fs::set_permissions(&folder, mode).map_err(wrong())?;
                }
            }
            Ok(root)
        })
    }

    /// The volume is the guest's when this works, and as it was when it does not.
    fn hold<T>(
        &self,
        id: &VolumeId,
        guest: &GuestId,
        act: impl FnOnce(&Found) -> Result<T>,
    ) -> Result<T> {
        let lock = self.locks.of(&id.0);
        let _held = lock.write().expect("nothing that holds the lock panics");
        let found = self.wanted(id)?;
        let before = self.holders().insert(id.clone(), guest.clone());
        if let Some(holder) = before.as_ref().filter(|holder| *holder != guest) {
            self.holders().insert(id.clone(), holder.clone());
            return Err(Error::Refused(format!("{id} belongs to {holder}")));
        }
        let done = act(&found);
        if done.is_err() && before.is_none() {
            let _ = self.let_go(id, &found);
            self.holders().remove(id);
        }
        done
    }

    /// True when the snapshot is in all its zones.
    pub(crate) fn ensure_snapshot(&self, id: &SnapshotId, volume: &VolumeId) -> Result<bool> {
        file_name(&id.0)?;
        if let Some(known) = self.snapshots.known(id) {
            return Ok(known.is_finished());
        }
        let lock = self.snapshots.locks.of(&id.0);
        let _held = lock.write().expect("nothing that holds the lock panics");
        if let Some(known) = self.snapshots.known(id) {
            return Ok(known.is_finished());
        }
        let draft = {
            let lock = self.locks.of(&volume.0);
            let _held = lock.write().expect("nothing that holds the lock panics");
            self.gather(id, volume)?
        };
        self.snapshots.keep(draft).map(|()| false)
    }

    pub(crate) fn finish_snapshot(&self, id: &SnapshotId) -> Result<()> {
        self.snapshots.finish(id)
    }

    pub(crate) fn snapshots(&self) -> Vec<SnapshotSeen> {
        self.snapshots.seen()
    }

    pub(crate) fn remove_snapshot(&self, id: &SnapshotId) -> Result<()> {
        self.snapshots.remove(id)
    }

    pub(crate) fn close(&self) {
        self.snapshots.close();
    }

    fn gather(&self, id: &SnapshotId, volume: &VolumeId) -> Result<Draft> {
        let found = self.wanted(volume)?;
        let wrong = || failed(format!("hold {volume} still"));
        let file = File::open(found.data()).map_err(wrong())?;
        let gather = |file: &File| self.snapshots.gather(id, volume, found.zone, file);
        let Some(device) = loop_device::find(&found.data()).map_err(wrong())? else {
            return gather(&file);
        };
        let frozen = Frozen::new(&device).map_err(wrong())?;
        loop_device::flush(device.minor).map_err(wrong())?;
        if let Some(clone) = self.clone_of(&file, &found) {
            drop(frozen);
            return gather(&clone);
        }
        if frozen.is_any() {
            return gather(&file);
        }
        let mut draft = Err(Error::Unavailable(format!("{volume} was not paused")));
        let mut still = || draft = self.gather_still(volume, &device, || gather(&file));
        let holder = self.holders().get(volume).cloned();
        match (self.pause.get(), holder) {
            (Some(pause), Some(holder)) => pause(&holder, &mut still),
            _ => still(),
        }
        draft
    }

    /// Of a device without a file system: what was read is of one moment when nothing was
    /// written from the first byte's reading to the last's.
    fn gather_still(
        &self,
        volume: &VolumeId,
        device: &Device,
        gather: impl Fn() -> Result<Draft>,
    ) -> Result<Draft> {
        let wrong = || failed(format!("hold {volume} still"));
        for _ in 0..STILL_ATTEMPTS_MAX {
            loop_device::flush(device.minor).map_err(wrong())?;
            let before = loop_device::writes(device.minor).map_err(wrong())?;
            let draft = gather()?;
            loop_device::flush(device.minor).map_err(wrong())?;
            if loop_device::writes(device.minor).map_err(wrong())? == before {
                return Ok(draft);
            }
            self.snapshots.abandon(draft);
        }
        Err(Error::Unavailable(format!("{volume} is being written to")))
    }

    /// `None` where the machine's file system cannot.
    fn clone_of(&self, file: &File, found: &Found) -> Option<File> {
        let path = found.folder.join(".moment");
        let mut options = OpenOptions::new();
        let clone = options.read(true).write(true).create(true).truncate(true).open(&path).ok()?;
        let cloned = rustix::fs::ioctl_ficlone(&clone, file);
        fs::remove_file(&path).ok()?;
        cloned.ok().map(|()| clone)
    }

    fn let_go(&self, id: &VolumeId, found: &Found) -> Result<()> {
        self.unmount(id)?;
        let wrong = || failed(format!("detach {id}"));
        match loop_device::find(&found.data()).map_err(wrong())? {
            Some(device) => loop_device::detach(device.minor).map_err(wrong()),
            None => Ok(()),
        }
    }

    fn unmount(&self, id: &VolumeId) -> Result<()> {
        let root = self.roots.join(&id.0);
        if root.exists() {
            let wrong = || failed(format!("unmount {id}"));
            ext4::unmount(&root).map_err(wrong())?;
            fs::remove_dir(&root).map_err(wrong())?;
        }
        Ok(())
    }

    fn wanted(&self, id: &VolumeId) -> Result<Found> {
        file_name(&id.0)?;
        self.find(id).ok_or_else(|| Error::Refused(format!("there is no volume {id}")))
    }

    fn find(&self, id: &VolumeId) -> Option<Found> {
        let folder = |zone: Zone| self.zones[place(zone)].join("volumes").join(&id.0);
        let all = Zone::ALL.into_iter().map(|zone| Found { zone, folder: folder(zone) });
        all.into_iter().find(|found| found.folder.is_dir())
    }

    /// Whose bytes the file has, or had before it was removed.
    fn volume_of(&self, file: &Path) -> Option<VolumeId> {
        let below = below_volumes(&self.zones, file)?;
        Some(VolumeId(below.iter().next()?.to_str()?.to_owned()))
    }

    fn holders(&self) -> MutexGuard<'_, BTreeMap<VolumeId, GuestId>> {
        self.holders.lock().expect("nothing that holds the holders panics")
    }
}

pub(super) fn real_path(zone: PathBuf) -> PathBuf {
    zone.canonicalize().unwrap_or(zone)
}

/// The file's path in the folder of volumes of its zone. Zones by their real paths.
pub(super) fn below_volumes<'a>(zones: &[PathBuf; 3], file: &'a Path) -> Option<&'a Path> {
    zones.iter().find_map(|zone| file.strip_prefix(zone.join("volumes")).ok())
}

/// Makes the file system fit to be mounted: a damaged or foreign one is checked before the
/// kernel reads it, one smaller than its device is grown.
fn prepare(id: &VolumeId, found: &Found, device: &Device) -> Result<()> {
    let told = ext4::superblock(&device.path).map_err(failed(format!("read {id}")))?;
    let told = told.ok_or_else(|| Error::Refused(format!("{id} has no file system for a root")))?;
    let is_small = told.size_bytes.saturating_add(GROUP_BYTES) <= found.size_bytes()?;
    let mut record = found.record()?;
    if is_small || told.has_errors || !record.is_trusted {
        ext4::check(&device.path)?;
    }
    if is_small {
        ext4::grow(&device.path)?;
    }
    if !record.is_trusted {
        record.is_trusted = true;
        record.write(&found.folder).map_err(failed("keep that the volume was checked"))?;
    }
    Ok(())
}

/// Removes what a process that was killed had not finished making or removing.
fn sweep(zone: &Path) -> std::io::Result<()> {
    let volumes = zone.join("volumes");
    for name in durable::names(&volumes)? {
        if name.starts_with(".making-") || name.starts_with(".removing-") {
            fs::remove_dir_all(volumes.join(name))?;
        }
    }
    Ok(())
}
