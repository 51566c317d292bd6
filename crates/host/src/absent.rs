//! No machine: for a region in memory, and where there is no driver. It holds nothing, and
//! refuses whatever would have to be held with the reason it was given.

use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::time::Duration;

use aws::{BoxFuture, Zone};
use ipnet::Ipv4Net;
use tokio::sync::broadcast;

use crate::{
    Error, Generation, Guest, GuestId, GuestSeen, Guests, Host, Image, ImageId, ImageSeen, Images,
    Network, NetworkId, Networks, Power, Result, Room, SnapshotId, SnapshotSeen, Volume, VolumeId,
    VolumeSeen, Volumes,
};

pub struct Absent {
    why: String,
    changes: broadcast::Sender<GuestId>,
}

impl Absent {
    pub fn new(why: impl Into<String>) -> Self {
        Self { why: why.into(), changes: broadcast::Sender::new(1) }
    }

    fn refuse<T: Send>(&self) -> BoxFuture<'_, Result<T>> {
        Box::pin(async { Err(Error::Refused(self.why.clone())) })
    }
}

/// What is not there is as it should be once it was removed or stopped.
fn done<'a, T: Send + 'a>(value: T) -> BoxFuture<'a, Result<T>> {
    Box::pin(async { Ok(value) })
}

impl Guests for Absent {
    fn ensure_guest<'a>(&'a self, _: &'a Guest) -> BoxFuture<'a, Result<()>> {
        self.refuse()
    }

    fn stop_guest<'a>(
        &'a self,
        _: &'a GuestId,
        _: Generation,
        _: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn remove_guest<'a>(&'a self, _: &'a GuestId, _: Generation) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>>> {
        done(Vec::new())
    }

    fn guest<'a>(&'a self, _: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>>> {
        done(None)
    }

    fn guest_changes(&self) -> broadcast::Receiver<GuestId> {
        self.changes.subscribe()
    }

    fn console<'a>(&'a self, _: &'a GuestId) -> BoxFuture<'a, Result<Vec<u8>>> {
        done(Vec::new())
    }

    fn is_reachable<'a>(&'a self, _: &'a GuestId) -> BoxFuture<'a, Result<bool>> {
        done(false)
    }
}

impl Images for Absent {
    fn ensure_image<'a>(&'a self, _: &'a Image) -> BoxFuture<'a, Result<()>> {
        self.refuse()
    }

    fn images(&self) -> BoxFuture<'_, Result<Vec<ImageSeen>>> {
        done(Vec::new())
    }

    fn remove_image<'a>(&'a self, _: &'a ImageId) -> BoxFuture<'a, Result<()>> {
        done(())
    }
}

impl Volumes for Absent {
    fn ensure_volume<'a>(&'a self, _: &'a Volume) -> BoxFuture<'a, Result<()>> {
        self.refuse()
    }

    fn volumes(&self) -> BoxFuture<'_, Result<Vec<VolumeSeen>>> {
        done(Vec::new())
    }

    fn remove_volume<'a>(&'a self, _: &'a VolumeId) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn ensure_snapshot<'a>(
        &'a self,
        _: &'a SnapshotId,
        _: &'a VolumeId,
    ) -> BoxFuture<'a, Result<()>> {
        self.refuse()
    }

    fn snapshots(&self) -> BoxFuture<'_, Result<Vec<SnapshotSeen>>> {
        done(Vec::new())
    }

    fn remove_snapshot<'a>(&'a self, _: &'a SnapshotId) -> BoxFuture<'a, Result<()>> {
        done(())
    }
}

impl Networks for Absent {
    /// A VPC without guests needs nothing of a machine.
    fn ensure_network<'a>(&'a self, _: &'a Network) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn remove_network<'a>(&'a self, _: &'a NetworkId) -> BoxFuture<'a, Result<()>> {
        done(())
    }

    fn networks(&self) -> BoxFuture<'_, Result<Vec<NetworkId>>> {
        done(Vec::new())
    }

    fn public_pool(&self) -> Ipv4Net {
        PUBLIC_POOL
    }

    fn listen<'a>(
        &'a self,
        _: &'a NetworkId,
        _: SocketAddrV4,
    ) -> BoxFuture<'a, Result<TcpListener>> {
        self.refuse()
    }

    fn bind<'a>(&'a self, _: &'a NetworkId, _: SocketAddrV4) -> BoxFuture<'a, Result<UdpSocket>> {
        self.refuse()
    }
}

/// Of the addresses that RFC 2544 sets aside: nobody on the internet has them.
pub const PUBLIC_POOL: Ipv4Net = Ipv4Net::new_assert(Ipv4Addr::new(198, 18, 0, 0), 16);

impl Host for Absent {
    fn lacks(&self) -> Option<String> {
        Some(self.why.clone())
    }

    fn room(&self) -> Room {
        Room { cpus: 0, memory_mib: 0 }
    }

    fn power<'a>(&'a self, _: Zone, _: Power) -> BoxFuture<'a, Result<()>> {
        done(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageSource;

    #[tokio::test]
    async fn nothing_is_held_and_the_reason_is_given() {
        let host = Absent::new("this region is in memory");
        let image = Image { id: ImageId("system".into()), source: ImageSource::System };
        let refused = Err(Error::Refused("this region is in memory".into()));
        assert_eq!(host.ensure_image(&image).await, refused);
        assert_eq!(host.remove_image(&image.id).await, Ok(()));
        assert_eq!(host.lacks().as_deref(), Some("this region is in memory"));
    }
}
