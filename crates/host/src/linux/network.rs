//! Networks in the kernel: a namespace for each VPC, and one router between them and the
//! machine.
//!
//! Every interface is a routed veth of its own, so each packet meets its network's rules, also
//! inside one subnet, and two networks with equal addresses never meet. Everything has a name
//! that is derived from an id, and is found again by it after a restart.
//!
//! ```text
//!  machine ──hnl-TAG ── machine── hnl-TAG-wan ──v…── up── hnl-TAG-vpc-… ──e…── eth0── guest
//!             route to the pool    router, and the way      nft rules, services' sockets
//!                                  outside (TCP)
//! ```
//!
//! - From guest to guest by private addresses, packets stay in the network's namespace.
//! - Everything by public addresses goes through the router, also back into the same network:
//!   addresses are translated at `up`, so rules see what they see on AWS.
//! - TCP to the outside ends in the router and goes on from the machine, never to the machine.

mod interface;
mod link;
mod name;
mod namespace;
mod netlink;
mod outside;
mod route;
mod router;
mod rules;
mod service;
mod table;
mod vpc;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::BoxFuture;
use ipnet::Ipv4Net;

use crate::{Error, Interface, InterfaceId, Network, NetworkId, Networks, Result};
use name::Tag;
use namespace::Namespace;
use router::Router;
use vpc::Vpc;

/// Cheap to clone; all clones are one. Plain functions block, and are called from threads that
/// may.
#[derive(Clone)]
pub struct LinuxNetworks(Arc<Inner>);

struct Inner {
    tag: Tag,
    public_pool: Ipv4Net,
    /// Where the process itself is.
    machine: Namespace,
    router: Mutex<Option<Routing>>,
    vpcs: Mutex<BTreeMap<NetworkId, Arc<Mutex<Vpc>>>>,
    /// Where interfaces were plugged by this process.
    plugged: Mutex<HashMap<InterfaceId, NetworkId>>,
}

struct Routing {
    router: Arc<Router>,
    outside: tokio::task::JoinHandle<()>,
}

impl Drop for Routing {
    fn drop(&mut self) {
        self.outside.abort();
    }
}

impl LinuxNetworks {
    /// `tag` begins the names of everything on the machine; it is letters and digits, at most
    /// eleven. Nothing is made yet.
    pub fn open(tag: &str, public_pool: Ipv4Net) -> Result<Self> {
        if public_pool.prefix_len() > 28 {
            return Err(Error::Refused(format!("{public_pool} is too small for a public pool")));
        }
        Ok(Self(Arc::new(Inner {
            tag: Tag::new(tag)?,
            public_pool: public_pool.trunc(),
            machine: Namespace::here().map_err(failed("this process's namespace"))?,
            router: Mutex::default(),
            vpcs: Mutex::default(),
            plugged: Mutex::default(),
        })))
    }

    /// Why no network can be made here, and what to do about it. Tries the rules in a namespace
    /// that nobody sees.
    pub fn lacks(&self) -> Option<String> {
        if !rustix::process::geteuid().is_root() {
            return Some("networks need root".into());
        }
        if namespace::nft_binary().is_none() {
            return Some("nft is missing: install the package nftables".into());
        }
        let script = router::rules(self.0.public_pool) + &rules::Rules::empty().whole();
        let tried = namespace::in_a_new_one(|| namespace::nft(&script));
        tried.err().map(|error| {
            format!(
                "this machine does not let networks be made, or its kernel lacks nf_tables: {error}"
            )
        })
    }

    /// Gives the process's namespace the interface, under this name, with its address, and
    /// with the default route when it is `eth0`. Does nothing when it has it already.
    pub fn plug(
        &self,
        interface: &Interface,
        pid: u32,
        name: &str,
        bandwidth_mbit: Option<u32>,
    ) -> Result<()> {
        let vpc = self.vpc(&interface.network);
        let mut vpc = lock(&vpc);
        let namespace = vpc.namespace(&self.0.tag, &interface.network)?;
        let guest = Namespace::of_process(pid).map_err(failed("the guest's namespace"))?;
        for other in [&self.0.machine, namespace] {
            if guest.is(other).map_err(failed("the guest's namespace"))? {
                return Err(Error::Refused(format!("process {pid} has no namespace of its own")));
            }
        }
        interface::plug(namespace, interface, &guest, name, bandwidth_mbit)
            .map_err(failed("an interface"))?;
        lock(&self.0.plugged).insert(interface.interface.clone(), interface.network.clone());
        Ok(())
    }

    /// Takes the interface from whoever has it. Does nothing when nobody does.
    pub fn unplug(&self, id: &InterfaceId) -> Result<()> {
        let known = lock(&self.0.plugged).remove(id);
        let networks = match known {
            Some(network) => vec![network],
            None => self.named()?,
        };
        for network in networks {
            let vpc = self.vpc(&network);
            let mut vpc = lock(&vpc);
            // A network that is gone took its interfaces with it.
            let Ok(namespace) = vpc.namespace(&self.0.tag, &network) else { continue };
            interface::unplug(namespace, id).map_err(failed("an interface"))?;
        }
        Ok(())
    }

    /// Whether a guest answers at the address, asked from its network's router.
    pub fn answers(&self, id: &NetworkId, address: Ipv4Addr) -> Result<bool> {
        let vpc = self.vpc(id);
        let namespace = {
            let mut vpc = lock(&vpc);
            vpc.namespace(&self.0.tag, id)?.duplicate().map_err(failed("a namespace"))?
        };
        interface::answers(&namespace, address).map_err(failed("an echo request"))
    }

    /// Removes everything of the tag from the machine, guests' interfaces too. For who knows
    /// that nobody needs it.
    pub fn remove_all(&self) -> Result<()> {
        lock(&self.0.vpcs).clear();
        lock(&self.0.plugged).clear();
        *lock(&self.0.router) = None;
        let wan = Namespace::named(&self.0.tag.router()).map_err(failed("a namespace"))?;
        // Wherever the other end is: haneul may have been started in another namespace.
        for (namespace, device) in wan
            .iter()
            .map(|wan| (wan, name::MACHINE.to_owned()))
            .chain([(&self.0.machine, self.0.tag.machine_device())])
        {
            namespace
                .run(|| netlink::Netlink::open()?.delete_named(&device))
                .map_err(failed("the machine's link"))?;
        }
        for id in self.named()? {
            namespace::remove(&self.0.tag.network(&id)?).map_err(failed("a namespace"))?;
        }
        namespace::remove(&self.0.tag.router()).map_err(failed("a namespace"))
    }

    /// Whether there is anything that [`LinuxNetworks::remove_all`] would take away.
    pub(super) fn has_any(&self) -> Result<bool> {
        let there = |name: &String| *name == self.0.tag.router();
        let names = namespace::names().map_err(failed("the namespaces' names"))?;
        Ok(names.iter().any(there) || !self.named()?.is_empty())
    }

    fn ensure(&self, network: &Network) -> Result<()> {
        let router = self.router().map_err(failed("the router"))?;
        let vpc = self.vpc(&network.id);
        lock(&vpc).ensure(&self.0.tag, network, &router)
    }

    fn remove(&self, id: &NetworkId) -> Result<()> {
        let vpc = self.vpc(id);
        let mut held = lock(&vpc);
        if let Ok(namespace) = held.namespace(&self.0.tag, id) {
            let plugged = interface::plugged(namespace).map_err(failed("a network"))?;
            if let Some(interface) = plugged.first() {
                return Err(Error::Refused(format!("{interface} is in {id}")));
            }
        }
        if let Some(routing) = &*lock(&self.0.router) {
            routing.router.leave(id).map_err(failed("the router"))?;
        }
        *held = Vpc::default();
        namespace::remove(&self.0.tag.network(id)?).map_err(failed("a namespace"))?;
        lock(&self.0.vpcs).remove(id);
        Ok(())
    }

    fn named(&self) -> Result<Vec<NetworkId>> {
        let names = namespace::names().map_err(failed("the namespaces' names"))?;
        Ok(names.iter().filter_map(|name| self.0.tag.network_of(name)).collect())
    }

    fn vpc(&self, id: &NetworkId) -> Arc<Mutex<Vpc>> {
        lock(&self.0.vpcs).entry(id.clone()).or_default().clone()
    }

    /// The router, and the way outside through it.
    fn router(&self) -> io::Result<Arc<Router>> {
        let Inner { tag, public_pool, machine, .. } = &*self.0;
        let mut held = lock(&self.0.router);
        if let Some(routing) = &*held
            && routing.router.is_named(tag)?
        {
            return Ok(routing.router.clone());
        }
        *held = None;
        let router = Arc::new(Router::ensure(tag, *public_pool, machine)?);
        let runtime = tokio::runtime::Handle::current();
        let listener = {
            let _inside = runtime.enter();
            tokio::net::TcpListener::from_std(router.listen()?)?
        };
        let outside = runtime.spawn(outside::serve(listener, *public_pool));
        *held = Some(Routing { router: router.clone(), outside });
        Ok(router)
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let this = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&this)).await;
        done.unwrap_or_else(|error| Err(Error::Unavailable(error.to_string())))
    }
}

impl Networks for LinuxNetworks {
    fn ensure_network<'a>(&'a self, network: &'a Network) -> BoxFuture<'a, Result<()>> {
        let network = network.clone();
        Box::pin(self.blocking(move |this| this.ensure(&network)))
    }

    fn remove_network<'a>(&'a self, id: &'a NetworkId) -> BoxFuture<'a, Result<()>> {
        let id = id.clone();
        Box::pin(self.blocking(move |this| this.remove(&id)))
    }

    fn networks(&self) -> BoxFuture<'_, Result<Vec<NetworkId>>> {
        Box::pin(self.blocking(Self::named))
    }

    fn public_pool(&self) -> Ipv4Net {
        self.0.public_pool
    }

    fn listen<'a>(
        &'a self,
        id: &'a NetworkId,
        address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<TcpListener>> {
        let id = id.clone();
        Box::pin(self.blocking(move |this| {
            lock(&this.vpc(&id)).open(&this.0.tag, &id, address, service::listen)
        }))
    }

    fn bind<'a>(
        &'a self,
        id: &'a NetworkId,
        address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<UdpSocket>> {
        let id = id.clone();
        Box::pin(self.blocking(move |this| {
            lock(&this.vpc(&id)).open(&this.0.tag, &id, address, service::bind)
        }))
    }
}

/// What is held is whole between any two steps, also when one panicked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(what: &str) -> impl Fn(io::Error) -> Error {
    move |error| match error.kind() {
        io::ErrorKind::PermissionDenied => Error::Refused(format!("{what}: {error}")),
        _ => Error::Unavailable(format!("{what}: {error}")),
    }
}

/// The kernel takes its time to end devices; nobody waits for it.
fn in_background(work: impl FnOnce() -> io::Result<()> + Send + 'static) {
    let done = std::thread::Builder::new().name("netns-end".into()).spawn(move || {
        if let Err(error) = work() {
            tracing::warn!(%error, "a device of a network stays");
        }
    });
    if let Err(error) = done {
        tracing::warn!(%error, "a device of a network stays");
    }
}
