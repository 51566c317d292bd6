use std::net::{Ipv4Addr, SocketAddrV4, TcpListener, UdpSocket};

use aws::BoxFuture;
use ipnet::Ipv4Net;

use super::FakeHost;
use crate::{Error, Network, NetworkId, Networks, PUBLIC_POOL, Result};

impl FakeHost {
    async fn socket<T>(
        &self,
        id: &NetworkId,
        open: impl FnOnce() -> std::io::Result<T> + Send,
    ) -> Result<T> {
        self.ask(|machine| match machine.networks.contains_key(id) {
            true => open().map_err(|error| Error::Unavailable(error.to_string())),
            false => Err(Error::Refused(format!("there is no network {id}"))),
        })
        .await
    }
}

impl Networks for FakeHost {
    fn ensure_network<'a>(&'a self, network: &'a Network) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("ensure_network", |machine| {
            machine.networks.insert(network.id.clone(), network.clone());
            Ok(())
        }))
    }

    fn remove_network<'a>(&'a self, id: &'a NetworkId) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.call("remove_network", move |machine| {
            if let Some(holder) = machine.holder_of_network(id) {
                return Err(Error::Refused(format!("{holder} is in {id}")));
            }
            machine.networks.remove(id);
            Ok(())
        }))
    }

    fn networks(&self) -> BoxFuture<'_, Result<Vec<NetworkId>>> {
        Box::pin(self.ask(|machine| Ok(machine.networks.keys().cloned().collect())))
    }

    fn public_pool(&self) -> Ipv4Net {
        PUBLIC_POOL
    }

    /// On the loopback address, whatever is asked: nothing reaches it by that address.
    fn listen<'a>(
        &'a self,
        id: &'a NetworkId,
        _address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<TcpListener>> {
        Box::pin(self.socket(id, || TcpListener::bind((Ipv4Addr::LOCALHOST, 0))))
    }

    /// As [`FakeHost::listen`].
    fn bind<'a>(
        &'a self,
        id: &'a NetworkId,
        _address: SocketAddrV4,
    ) -> BoxFuture<'a, Result<UdpSocket>> {
        Box::pin(self.socket(id, || UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))))
    }
}
