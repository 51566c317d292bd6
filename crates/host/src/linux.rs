//! The machine itself, by its kernel: namespaces, overlay, cgroups, nftables, loop devices. No
//! daemon, no download.
//!
//! Four parts, each with the trait's half of its name and a few calls for the others:
//! [`image`] keeps read-only trees; [`volume`] files with file systems, behind loop devices;
//! [`network`] one namespace a VPC and one router between them and the machine; [`guest`]
//! joins all three into running guests.

mod durable;
pub mod guest;
pub mod image;
mod lacks;
mod locks;
mod machine;
pub mod network;
mod removal;
pub mod volume;

use std::net::{SocketAddrV4, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aws::{BoxFuture, Zone};
use ipnet::Ipv4Net;
use tokio::sync::broadcast;

use self::guest::Runner;
use self::image::LinuxImages;
use self::machine::Machine;
use self::network::LinuxNetworks;
use self::volume::LinuxVolumes;
use crate::{
    Error, Generation, Guest, GuestId, GuestSeen, Guests, Host, Image, ImageId, ImageSeen, Images,
    Network, NetworkId, Networks, Power, Result, Room, SnapshotId, SnapshotSeen, Volume, VolumeId,
    VolumeSeen, Volumes,
};

/// The machine that haneul runs on.
pub struct LinuxHost {
    machine: Arc<Machine>,
    /// Or why there is none.
    runner: std::result::Result<Arc<Runner>, String>,
    /// Ends of nobody, for who asks where no guest can run.
    silence: broadcast::Sender<GuestId>,
}

/// Where a region keeps what its machine holds, and what its guests begin with.
#[derive(Clone, Debug)]
pub struct Options {
    /// For images, roots and guests: `DATA/host`.
    pub data: PathBuf,
    /// The folders of the zones; a volume lies in its zone's.
    pub zones: [PathBuf; 3],
    /// What public addresses are taken from.
    pub public_pool: Ipv4Net,
    /// Short, and of this data folder alone: a part of every name that the kernel keeps for the
    /// region, so that two regions on a machine never meet and leftovers have an owner.
    pub name: String,
    pub init: Init,
}

/// The first process of every guest.
#[derive(Clone, Debug)]
pub struct Init {
    /// A program of this machine. It is brought into the guest with the libraries it needs.
    pub binary: PathBuf,
    pub arguments: Vec<String>,
}

/// To be called first in `main` by every binary that runs guests, before there is a second
/// thread: does the work of the process when this binary was started to do a host's work, and
/// returns when it was not.
pub fn entry() {
    guest::entry();
}

impl LinuxHost {
    /// Finds again what the last haneul left: guests run on, and what nobody owns is removed.
    /// Succeeds also where no guest can run; see [`Host::lacks`]. Needs a runtime around it.
    ///
    /// # Errors
    /// When the folders or what is in them cannot be used.
    pub fn open(options: &Options) -> Result<Self> {
        let networks = LinuxNetworks::open(&options.name, options.public_pool)?;
        std::fs::create_dir_all(&options.data)
            .map_err(|error| Error::Refused(format!("{}: {error}", options.data.display())))?;
        let lacks = lacks::lacks(&options.data, &options.name, networks.lacks());
        let machine = Arc::new(Machine {
            images: LinuxImages::open(&options.data)?,
            volumes: LinuxVolumes::open(options.data.clone(), options.zones.clone())?,
            networks,
        });
        let runner = match lacks {
            Some(lacks) => Err(lacks),
            None => Runner::open(options, machine.clone())
                .map_err(|error| format!("guests cannot be run: {error}")),
        };
        if let Ok(runner) = &runner {
            let runner = Arc::downgrade(runner);
            machine.volumes.pause_with(Box::new(move |guest, act| match runner.upgrade() {
                Some(runner) => runner.pause(guest, act),
                None => act(),
            }));
        }
        Ok(Self { machine, runner, silence: broadcast::channel(1).0 })
    }

    fn runner(&self) -> Result<&Runner> {
        self.runner.as_deref().map_err(|lacks| Error::Refused(lacks.clone()))
    }

    /// What a guest was given stays, also while the guest is stopped.
    fn refuse_held(&self, what: &str, has: impl Fn(&Guest) -> bool) -> Result<()> {
        let holder = self.runner.as_ref().ok().and_then(|runner| runner.holder(has));
        match holder {
            Some(guest) => Err(Error::Refused(format!("{guest} has {what}"))),
            None => Ok(()),
        }
    }
}

impl Host for LinuxHost {
    fn lacks(&self) -> Option<String> {
        self.runner.as_ref().err().cloned()
    }

    fn room(&self) -> Room {
        let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let available = memory.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
        let kib = available.and_then(|text| text.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        let memory_mib = u32::try_from(kib.unwrap_or(0) >> 10).unwrap_or(u32::MAX);
        Room { cpus: guest::cpus(), memory_mib }
    }

    fn power<'a>(&'a self, zone: Zone, power: Power) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match &self.runner {
                Ok(runner) => runner.power(zone, power).await,
                // There are no guests.
                Err(_) => Ok(()),
            }
        })
    }
}

impl Guests for LinuxHost {
    fn ensure_guest<'a>(&'a self, guest: &'a Guest) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.runner()?.ensure_guest(guest).await })
    }

    fn stop_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
        grace: Duration,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.runner()?.stop_guest(id, generation, grace).await })
    }

    fn remove_guest<'a>(
        &'a self,
        id: &'a GuestId,
        generation: Generation,
    ) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.runner()?.remove_guest(id, generation).await })
    }

    fn guests(&self) -> BoxFuture<'_, Result<Vec<GuestSeen>>> {
        Box::pin(async move {
            match self.runner() {
                Ok(runner) => runner.guests().await,
                Err(_) => Ok(Vec::new()),
            }
        })
    }

    fn guest<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Option<GuestSeen>>> {
        Box::pin(async move {
            match self.runner() {
                Ok(runner) => runner.guest(id).await,
                Err(_) => Ok(None),
            }
        })
    }

    fn guest_changes(&self) -> broadcast::Receiver<GuestId> {
        match &self.runner {
            Ok(runner) => runner.guest_changes(),
            Err(_) => self.silence.subscribe(),
        }
    }

    fn console<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<Vec<u8>>> {
        Box::pin(async move { self.runner()?.console(id).await })
    }

    fn is_reachable<'a>(&'a self, id: &'a GuestId) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { self.runner()?.is_reachable(id).await })
    }
}

impl Images for LinuxHost {
    fn ensure_image<'a>(&'a self, image: &'a Image) -> BoxFuture<'a, Result<()>> {
        self.machine.images.ensure_image(image)
    }

    fn images(&self) -> BoxFuture<'_, Result<Vec<ImageSeen>>> {
        self.machine.images.images()
    }

    fn remove_image<'a>(&'a self, id: &'a ImageId) -> BoxFuture<'a, Result<()>> {
        self.machine.images.remove_image(id)
    }
}

impl Volumes for LinuxHost {
    fn ensure_volume<'a>(&'a self, volume: &'a Volume) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            self.machine.volumes.ensure_volume(volume).await?;
            match self.runner() {
                Ok(runner) => runner.set_paces(&volume.id).await,
                Err(_) => Ok(()),
            }
        })
    }

    fn volumes(&self) -> BoxFuture<'_, Result<Vec<VolumeSeen>>> {
        self.machine.volumes.volumes()
    }

    fn remove_volume<'a>(&'a self, id: &'a VolumeId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let has = |guest: &Guest| guest.volumes.iter().any(|mount| mount.volume == *id);
            self.refuse_held(&id.0, has)?;
            self.machine.volumes.remove_volume(id).await
        })
    }

    fn ensure_snapshot<'a>(
        &'a self,
        id: &'a SnapshotId,
        volume: &'a VolumeId,
    ) -> BoxFuture<'a, Result<()>> {
        self.machine.volumes.ensure_snapshot(id, volume)
    }

    fn snapshots(&self) -> BoxFuture<'_, Result<Vec<SnapshotSeen>>> {
        self.machine.volumes.snapshots()
    }

    fn remove_snapshot<'a>(&'a self, id: &'a SnapshotId) -> BoxFuture<'a, Result<()>> {
        self.machine.volumes.remove_snapshot(id)
    }
}

impl Networks for LinuxHost {
    fn ensure_network<'a>(&'a self, network: &'a Network) -> BoxFuture<'a, Result<()>> {
        self.machine.networks.ensure_network(network)
    }

    fn remove_network<'a>(&'a self, id: &'a NetworkId) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let has = |guest: &Guest| guest.interfaces.iter().any(|card| card.network == *id);
            self.refuse_held(&id.0, has)?;
            self.machine.networks.remove_network(id).await
        })
    }

    fn networks(&self) -> BoxFuture<'_, Result<Vec<NetworkId>>> {
        self.machine.networks.networks()
    }

    fn public_pool(&self) -> Ipv4Net {
        self.machine.networks.public_pool()
    }

    fn listen<'a>(
        &'a self,
        id: &'a NetworkId,
        address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<TcpListener>> {
        self.machine.networks.listen(id, address)
    }

    fn bind<'a>(
        &'a self,
        id: &'a NetworkId,
        address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<UdpSocket>> {
        self.machine.networks.bind(id, address)
    }
}
