use tokio::time::Instant;

use aws::BoxFuture;

use super::{FakeHost, FakeSnapshot, Machine};
use crate::{
    Error, Result, SnapshotId, SnapshotSeen, Volume, VolumeContent, VolumeId, VolumeSeen, Volumes,
};

impl Machine {
    fn ensure_volume(&mut self, wanted: &Volume) -> Result<()> {
        self.powered(wanted.zone)?;
        if let Some(now) = self.volumes.get_mut(&wanted.id) {
            if wanted.size_gib < now.size_gib {
                return Err(Error::Refused(format!("{} would shrink", wanted.id)));
            }
            *now = wanted.clone();
            return Ok(());
        }
        if let VolumeContent::Snapshot(id) = &wanted.content {
            let snapshot = self.snapshots.get(id);
            if snapshot.is_none_or(|snapshot| snapshot.ready_from > Instant::now()) {
                return Err(Error::Refused(format!("there is no snapshot {id} yet")));
            }
        }
        self.volumes.insert(wanted.id.clone(), wanted.clone());
        Ok(())
    }
}

impl Volumes for FakeHost {
    fn ensure_volume<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("ensure_volume", |machine| machine.ensure_volume(volume)))
    }

    fn volumes(&self) -> BoxFuture<'_, Result<Vec<VolumeSeen>>> {
        Box::pin(self.ask(|machine| {
            let seen = |volume: &Volume| VolumeSeen {
                id: volume.id.clone(),
                zone: volume.zone,
                size_gib: volume.size_gib,
            };
            Ok(machine.volumes.values().map(seen).collect())
        }))
    }

    fn remove_volume<'a>(&'a self, id: &'a VolumeId) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("remove_volume", move |machine| {
            if let Some(holder) = machine.holder_of_volume(id) {
                return Err(Error::Refused(format!("{id} belongs to {holder}")));
            }
            machine.volumes.remove(id);
            Ok(())
        }))
    }

    fn ensure_snapshot<'a>(
        &'a self,
        id: &'a SnapshotId,
        volume: &'a VolumeId,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("ensure_snapshot", move |machine| {
            if machine.snapshots.contains_key(id) {
                return Ok(());
            }
            let Some(volume) = machine.volumes.get(volume) else {
                return Err(Error::Refused(format!("there is no volume {volume}")));
            };
            let size_gib = volume.size_gib;
            let ready_from = Instant::now() + machine.start_takes;
            machine.snapshots.insert(id.clone(), FakeSnapshot { size_gib, ready_from });
            Ok(())
        }))
    }

    fn snapshots(&self) -> BoxFuture<'_, Result<Vec<SnapshotSeen>>> {
        Box::pin(self.ask(|machine| {
            let seen = |(id, snapshot): (&SnapshotId, &FakeSnapshot)| SnapshotSeen {
                id: id.clone(),
                percent: if snapshot.ready_from <= Instant::now() { 100 } else { 50 },
                size_gib: snapshot.size_gib,
                own_bytes: 0,
            };
            Ok(machine.snapshots.iter().map(seen).collect())
        }))
    }

    fn remove_snapshot<'a>(&'a self, id: &'a SnapshotId) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("remove_snapshot", move |machine| {
            machine.snapshots.remove(id);
            Ok(())
        }))
    }
}
