//! What answers inside every VPC: the metadata service on 169.254.169.254, the resolver on
//! 169.254.169.253 and on the address after the first subnet's router, and AWS itself, that is
//! this region, on an address that the resolver gives for every name of AWS. So code in an
//! instance needs no endpoint and no keys.

mod metadata;
mod names;

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::{Arc, Mutex};

use aws::{BoxFuture, Region};
use dns::{Forwarder, Server};
use ec2::Ec2;
use ec2::inside::Inside;
use host::{Host, Network, NetworkId};
use state::Scope;
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

use crate::listener::{Door, Entrance};
use crate::tls::Tls;
use names::VpcNames;

/// <https://docs.aws.amazon.com/vpc/latest/userguide/AmazonDNS-concepts.html>
const RESOLVER: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 253);
const METADATA: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(169, 254, 169, 254), 80);
/// Ours: no guest has it, and AWS gives it to nothing.
const ENDPOINT: Ipv4Addr = Ipv4Addr::new(169, 254, 170, 1);
const DNS_PORT: u16 = 53;

pub struct Vpcs {
    host: Arc<dyn Host>,
    ec2: Ec2,
    door: Arc<Door>,
    tls: Arc<Tls>,
    forwarder: Arc<Forwarder>,
    domain: String,
    open: Mutex<HashMap<NetworkId, Open>>,
}

struct Open {
    names: Arc<VpcNames>,
    /// End with it.
    _tasks: JoinSet<()>,
}

impl Vpcs {
    pub fn new(
        host: Arc<dyn Host>,
        ec2: Ec2,
        door: Arc<Door>,
        tls: Arc<Tls>,
        forwarder: Arc<Forwarder>,
        domain: String,
    ) -> Self {
        Self { host, ec2, door, tls, forwarder, domain, open: Mutex::default() }
    }

    fn show(&self, network: &Network) -> bool {
        let open = self.open.lock().expect("nothing that holds it panics");
        let found = open.get(&network.id);
        found.inspect(|open| open.names.show(network)).is_some()
    }

    async fn start(
        &self,
        scope: &Scope,
        region: Region,
        network: &Network,
    ) -> Result<Open, host::Error> {
        let names = Arc::new(VpcNames::new(region, self.domain.clone(), ENDPOINT, network));
        let mut tasks = JoinSet::new();
        let resolver = Server::new(names.clone(), self.forwarder.clone());
        for address in resolver_addresses(network) {
            let address = SocketAddrV4::new(address, DNS_PORT);
            let socket = self.host.bind(&network.id, address).await?;
            let listener = self.host.listen(&network.id, address).await?;
            tasks.spawn(ended(resolver.clone().udp(into_udp(socket)?)));
            tasks.spawn(ended(resolver.clone().tcp(into_tcp(listener)?)));
        }
        let listener = into_tcp(self.host.listen(&network.id, METADATA).await?)?;
        let ca =
            self.tls.ca().await.map_err(|error| host::Error::Unavailable(error.to_string()))?;
        let vpc = metadata::Vpc {
            scope: scope.clone(),
            id: network.id.0.clone(),
            ca_pem: ca.certificate_pem().to_owned(),
        };
        tasks.spawn(metadata::serve(listener, self.ec2.clone(), vpc));
        for port in [80, 443] {
            let listener = self.host.listen(&network.id, SocketAddrV4::new(ENDPOINT, port)).await?;
            tasks.spawn(self.door.clone().open(into_tcp(listener)?, Entrance::Api));
        }
        Ok(Open { names, _tasks: tasks })
    }
}

impl Inside for Vpcs {
    fn open<'a>(
        &'a self,
        scope: &'a Scope,
        network: &'a Network,
    ) -> BoxFuture<'a, Result<(), host::Error>> {
        Box::pin(async move {
            if self.show(network) {
                return Ok(());
            }
            let Some(region) = scope.region() else { return Ok(()) };
            let open = self.start(scope, region.clone(), network).await?;
            self.open
                .lock()
                .expect("nothing that holds it panics")
                .insert(network.id.clone(), open);
            Ok(())
        })
    }

    fn close(&self, network: &NetworkId) {
        self.open.lock().expect("nothing that holds it panics").remove(network);
    }
}

/// The fixed one, and the second address of the VPC's first block.
fn resolver_addresses(network: &Network) -> Vec<Ipv4Addr> {
    let base = network.blocks.first().map(|block| u32::from(block.network()));
    let second = base.map(|base| Ipv4Addr::from(base + 2));
    [RESOLVER].into_iter().chain(second).collect()
}

async fn ended(service: impl Future<Output = std::io::Result<()>>) {
    if let Err(error) = service.await {
        tracing::warn!(%error, "a VPC's resolver lost its socket");
    }
}

fn into_tcp(listener: std::net::TcpListener) -> Result<TcpListener, host::Error> {
    listener.set_nonblocking(true).and_then(|()| TcpListener::from_std(listener)).map_err(lost)
}

fn into_udp(socket: std::net::UdpSocket) -> Result<UdpSocket, host::Error> {
    socket.set_nonblocking(true).and_then(|()| UdpSocket::from_std(socket)).map_err(lost)
}

fn lost(error: std::io::Error) -> host::Error {
    host::Error::Unavailable(error.to_string())
}
