//! A whole region: what `haneul up` runs and tests start in their own process.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws::{AccountId, Clock, Random, Timestamp, Zone};
use dns::Forwarder;
use iam::{Accounts, Iam};
use s3::lifecycle::Day;
use state::Records;
use state::reconcile::Reconcilers;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::accounts;
use crate::admin::server::SocketError;
use crate::admin::{self, ClockFace, Scrub, Status, ZoneStatus, ZoneTurn};
use crate::data_dir::{DataDir, DataDirError, LastStart, Lock};
use crate::dial;
use crate::front::Front;
use crate::front_door::FrontDoor;
use crate::keyring::{Account, RootKey};
use crate::limits;
use crate::listener::{self, Door, Entrance};
use crate::machine::Machine;
use crate::storage::{Opened, Storage, StorageError};
use crate::tls::Tls;
use crate::vpc::Vpcs;
use crate::wiring::{self, Ground, Services};
use crate::zones::Zones;

/// How a region is started.
pub struct Options {
    pub storage: Storage,
    /// Where instances run.
    pub machine: Machine,
    /// A port of 0 lets the system choose. For 127.0.0.1 the same port of ::1 is opened too
    /// where there is one: `localhost` may mean either.
    pub listen: SocketAddr,
    /// Where browsers find websites; `None`: on the API's port alone.
    pub front_door: Option<FrontDoor>,
    pub domain: String,
    /// The region of requests that name none.
    pub region: aws::Region,
    /// How long a day of S3's lifecycle rules is.
    pub day: Day,
    /// The region's time, which users turn.
    pub clock: Arc<Clock>,
    /// The machine's time, which nobody turns: what clients sign with and judge
    /// certificates by.
    pub wall: Arc<Clock>,
    pub random: Arc<Random>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Folder(#[from] DataDirError),
    #[error(transparent)]
    Socket(#[from] SocketError),
    #[error("cannot listen on {address}")]
    Listen { address: SocketAddr, source: io::Error },
    #[error(transparent)]
    Storage(#[from] StorageError),
    #[error(transparent)]
    Formats(#[from] state::OpenError),
    #[error("the stored state cannot be used")]
    State(#[from] aws::Error),
}

/// What the parts of a running region share.
pub struct Region {
    region: aws::Region,
    domain: String,
    endpoint: String,
    addresses: Vec<SocketAddr>,
    front_door: Vec<SocketAddr>,
    data: Option<DataDir>,
    storage: Opened,
    zones: Zones,
    records: Records,
    iam: Iam,
    accounts: Accounts,
    clock: Arc<Clock>,
    begun: Instant,
    front: Arc<Front>,
    door: Arc<Door>,
    tls: Arc<Tls>,
    stop: watch::Sender<bool>,
}

/// A region that runs until it is stopped. Dropped without [`Running::stop`] it ends as a
/// killed process does.
pub struct Running {
    region: Arc<Region>,
    new_key: Option<RootKey>,
    /// Taken when it is stopped.
    reconcilers: Option<state::reconcile::Running>,
    /// End with it.
    _tasks: JoinSet<()>,
    /// Kept to the end: it is what keeps other processes out.
    _lock: Option<Lock>,
}

/// How to turn the clock.
#[derive(Clone, Copy, Debug)]
pub enum Turn {
    By(Duration),
    To(Timestamp),
    /// To the machine's time.
    Reset,
}

impl Region {
    /// Starts a region on the current tokio runtime; it answers when this returns.
    ///
    /// # Errors
    /// When the folder is in use or not ours, the address is taken, or the state is damaged.
    pub async fn start(options: Options) -> Result<Running, StartError> {
        let begun = Instant::now();
        let Options {
            storage,
            machine,
            listen,
            front_door,
            domain,
            region,
            day,
            clock,
            wall,
            random,
        } = options;
        let (data, zones) = match storage {
            Storage::Memory => (None, None),
            Storage::Folder { data, zones } => (Some(data), zones),
        };
        let lock = data.as_ref().map(DataDir::lock).transpose()?;
        let listeners = bind(listen)?;
        let addresses = addresses(&listeners);
        let browsers = front_door.map(|door| door.open()).unwrap_or_default();
        let front_door = self::addresses(&browsers);
        let socket = data.as_ref().map(admin::server::bind).transpose()?;

        let storage = match &data {
            None => Opened::memory(),
            Some(data) => Opened::folder(data, zones, random.clone())?,
        };
        let host = machine.open(data.as_ref(), storage.zone_folders());
        let records = state::open(storage.store(), &wiring::kinds()).await?;
        dial::restore(&records, &clock).await?;
        let zones = Zones::open(records.clone(), host.clone(), clock.clone(), &storage).await?;
        let endpoint = endpoint(&addresses);
        let ips = addresses.iter().map(SocketAddr::ip).collect();
        let tls = Arc::new(Tls::new(data.clone(), domain.clone(), ips, wall.clone()));
        let ground = Ground {
            records: records.clone(),
            objects: storage.objects(),
            host: host.clone(),
            region: region.clone(),
            domain: domain.clone(),
            day,
            clock: clock.clone(),
            wall,
            random: random.clone(),
        };
        let Services { iam, ec2, accounts, parties } = wiring::services(ground).await?;
        let s3 = parties.s3.clone();
        let new_key = accounts::prepare(&accounts, data.as_ref(), &clock).await?;
        let front = Arc::new(Front::new(parties));
        let door = Door::new(front.clone(), tls.clone());
        let forwarder = Arc::new(Forwarder::new(dns::system_resolvers(), random));
        let (ec2_of_vpcs, tls_of_vpcs) = (ec2.clone(), tls.clone());
        let vpcs =
            Vpcs::new(host, ec2_of_vpcs, door.clone(), tls_of_vpcs, forwarder, domain.clone());
        ec2.answer_inside(Arc::new(vpcs));
        let reconcilers = Reconcilers::new(records.clone(), clock.clone());
        let reconcilers = ec2::reconcilers::add(&ec2, reconcilers).start();
        let region = Arc::new(Self {
            region,
            domain,
            endpoint,
            addresses,
            front_door,
            data,
            storage,
            zones,
            records,
            iam,
            accounts,
            clock,
            begun,
            front,
            door,
            tls,
            stop: watch::Sender::new(false),
        });
        region.record_start()?;
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(region.door.clone().open(listener, Entrance::Api));
        }
        for listener in browsers {
            tasks.spawn(region.door.clone().open(listener, Entrance::FrontDoor));
        }
        if let Some(socket) = socket {
            tasks.spawn(admin::server::serve(socket, region.clone()));
        }
        tasks.spawn(note_uses(region.iam.clone()));
        tasks.spawn(s3.keep_lifecycles());
        tasks.spawn(ec2::reconcilers::wake_for_guests(ec2, reconcilers.waker()));
        let reconcilers = Some(reconcilers);
        Ok(Running { region, new_key, reconcilers, _tasks: tasks, _lock: lock })
    }

    /// The zones' folders; `None` for a region in memory.
    pub fn zone_folders(&self) -> Option<&[PathBuf; 3]> {
        self.storage.zone_folders()
    }

    /// How each zone is, and what the start found in it.
    pub fn zones(&self) -> Vec<ZoneStatus> {
        let failed = |zone: ZoneStatus| {
            let failed_on_purpose = self.zones.is_failed(zone.letter);
            ZoneStatus { failed_on_purpose, ..zone }
        };
        self.storage.zones(&self.region).into_iter().map(failed).collect()
    }

    /// Takes a zone's power and disk away until it is restored.
    ///
    /// # Errors
    /// When that cannot be done or kept.
    pub async fn fail_zone(&self, zone: Zone) -> Result<ZoneTurn, aws::Error> {
        self.zones.fail(zone, &self.storage).await
    }

    /// # Errors
    /// When that cannot be done or kept.
    pub async fn restore_zone(&self, zone: Zone) -> Result<ZoneTurn, aws::Error> {
        self.zones.restore(zone, &self.storage).await
    }

    fn record_start(&self) -> Result<(), DataDirError> {
        let (Some(data), Some(zones)) = (&self.data, self.storage.zone_folders()) else {
            return Ok(());
        };
        data.record_start(&LastStart {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            domain: self.domain.clone(),
            zones: zones.clone(),
            objects: true,
        })
    }

    /// The default region.
    pub fn name(&self) -> &aws::Region {
        &self.region
    }

    pub fn clock_face(&self) -> ClockFace {
        ClockFace { now: self.clock.now(), ahead_ms: self.clock.offset_ms() }
    }

    /// # Errors
    /// When the clock's position cannot be kept; it is not turned then.
    pub async fn turn_clock(&self, turn: Turn) -> Result<ClockFace, aws::Error> {
        let now = self.clock.now();
        let to = match turn {
            Turn::By(by) => now + by,
            Turn::To(to) => to,
            Turn::Reset => Timestamp::from_millis(now.as_millis() - self.clock.offset_ms()),
        };
        let ahead_ms = self.clock.offset_ms() + (to.as_millis() - now.as_millis());
        dial::turn(&self.records, &self.clock, ahead_ms).await?;
        tracing::info!(ahead_ms, now = %self.clock.now(), "the clock was turned");
        Ok(self.clock_face())
    }

    /// # Errors
    /// When the stored state does not answer.
    pub async fn status(&self) -> Result<Status, aws::Error> {
        Ok(Status {
            version: crate::VERSION.into(),
            pid: std::process::id(),
            uptime_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            region: self.region.clone(),
            domain: self.domain.clone(),
            endpoint: self.endpoint.clone(),
            listeners: self.addresses.iter().map(ToString::to_string).collect(),
            front_door: self.front_door.iter().map(ToString::to_string).collect(),
            clock: self.clock_face(),
            zones: self.zones(),
            store: self.storage.status(),
            objects: self.storage.objects_status(),
            services: self.front.services(),
            accounts: self.accounts().await?.len(),
            connections: self.door.connections(),
            requests: self.front.counts(),
            unsupported: self.front.unsupported(),
        })
    }

    /// # Errors
    /// For a taken id or an unfit name, and when the account cannot be kept.
    pub async fn create_account(
        &self,
        name: String,
        id: Option<AccountId>,
    ) -> Result<RootKey, aws::Error> {
        accounts::create(&self.accounts, self.data.as_ref(), &self.clock, name, id).await
    }

    /// # Errors
    /// When the stored state does not answer.
    pub async fn accounts(&self) -> Result<Vec<Account>, aws::Error> {
        accounts::list(&self.accounts).await
    }

    /// The local certificate authority's certificate; made when it is first asked for.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub async fn ca_pem(&self) -> Result<String, aws::Error> {
        let ca = self.tls.ca().await.map_err(aws::Error::internal)?;
        Ok(ca.certificate_pem().to_owned())
    }

    /// Reads everything again that is kept of the objects, and mends it.
    ///
    /// # Errors
    /// When it was cut short.
    pub async fn scrub(&self) -> Result<Scrub, aws::Error> {
        let report = self.storage.objects().scrub().await;
        let report = report.map_err(|error| aws::Error::unavailable(error.to_string()))?;
        Ok(Scrub::of(report))
    }

    /// Asks for the end; [`Running::stop_asked`] returns then.
    pub fn stop(&self) {
        self.stop.send_replace(true);
    }
}

impl Running {
    pub fn region(&self) -> &Region {
        &self.region
    }

    /// The first account's root key when this start made it.
    pub fn new_key(&self) -> Option<&RootKey> {
        self.new_key.as_ref()
    }

    pub fn endpoint(&self) -> &str {
        &self.region.endpoint
    }

    pub fn addresses(&self) -> &[SocketAddr] {
        &self.region.addresses
    }

    /// Where browsers find websites; what could not be opened is missing.
    pub fn front_door(&self) -> &[SocketAddr] {
        &self.region.front_door
    }

    /// Returns when somebody asked for the end.
    pub async fn stop_asked(&self) {
        let mut stop = self.region.stop.subscribe();
        // The sender lives in `self`, so waiting cannot fail.
        let _ = stop.wait_for(|stop| *stop).await;
    }

    /// Accepts no more, finishes the requests under way, closes the state.
    pub async fn stop(mut self) {
        self.region.door.close().await;
        if let Some(reconcilers) = self.reconcilers.take() {
            reconcilers.stop().await;
        }
        write_uses(&self.region.iam).await;
        self.region.storage.close().await;
        if let Some(data) = &self.region.data {
            let _ = std::fs::remove_file(data.socket());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.region.door.shut();
    }
}

/// Writes down now and then when keys and roles were last used.
async fn note_uses(iam: Iam) {
    loop {
        tokio::time::sleep(limits::USES_WRITTEN_EVERY).await;
        write_uses(&iam).await;
    }
}

async fn write_uses(iam: &Iam) {
    if let Err(error) = iam.write_last_used().await {
        tracing::warn!(%error, "when keys were last used could not be written down");
    }
}

fn bind(listen: SocketAddr) -> Result<Vec<TcpListener>, StartError> {
    let open =
        |address| listener::bind(address).map_err(|source| StartError::Listen { address, source });
    let mut listeners = vec![open(listen)?];
    if listen.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST) {
        let port = addresses(&listeners).first().map_or(listen.port(), SocketAddr::port);
        match open(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)) {
            Ok(listener) => listeners.push(listener),
            // A machine without IPv6, or another's port: 127.0.0.1 is what is advertised.
            Err(error) => tracing::debug!(error = &error as &dyn std::error::Error, "no ::1"),
        }
    }
    Ok(listeners)
}

fn addresses(listeners: &[TcpListener]) -> Vec<SocketAddr> {
    listeners.iter().filter_map(|listener| listener.local_addr().ok()).collect()
}

/// An IP address and not a name, so that Go's SDK uses S3's path style.
fn endpoint(addresses: &[SocketAddr]) -> String {
    let mut address = addresses.first().copied().unwrap_or(([127, 0, 0, 1], 0).into());
    if address.ip().is_unspecified() {
        address.set_ip(Ipv4Addr::LOCALHOST.into());
    }
    format!("http://{address}")
}
