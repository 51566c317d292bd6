//! The front door: the ports on which browsers look for websites. Nothing else is served there,
//! and a region runs without it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::net::TcpListener;

use crate::listener;

/// Where browsers are waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrontDoor {
    pub address: IpAddr,
    /// Of each pair the first that can be opened: for HTTP, and for HTTPS. Each takes both.
    pub ports: [[u16; 2]; 2],
}

impl FrontDoor {
    /// The usual ports, or those for who may not open them.
    pub fn at(address: IpAddr) -> Self {
        Self { address, ports: [[80, 8080], [443, 8443]] }
    }

    /// Ports that the system chooses.
    pub fn anywhere() -> Self {
        Self { address: Ipv4Addr::LOCALHOST.into(), ports: [[0, 0], [0, 0]] }
    }

    /// Reads `off`, or an address.
    ///
    /// # Errors
    /// For anything else.
    pub fn parse(text: &str) -> Result<Option<Self>, std::net::AddrParseError> {
        if text == "off" { Ok(None) } else { text.parse().map(|address| Some(Self::at(address))) }
    }

    /// Opens what can be opened. Another program on these ports is no reason not to start.
    pub fn open(&self) -> Vec<TcpListener> {
        let mut open = Vec::new();
        for ports in self.ports {
            let bind = |port: &u16| listener::bind(SocketAddr::new(self.address, *port)).ok();
            let Some(first) = ports.iter().find_map(bind) else { continue };
            let port = first.local_addr().map_or(0, |address| address.port());
            open.push(first);
            // As the API does: `localhost` may mean either.
            if self.address == IpAddr::V4(Ipv4Addr::LOCALHOST) {
                open.extend(listener::bind(SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)));
            }
        }
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_door_is_an_address_or_off() {
        assert_eq!(FrontDoor::parse("off"), Ok(None));
        let local = Some(FrontDoor::at(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(FrontDoor::parse("127.0.0.1"), Ok(local));
        assert!(FrontDoor::parse("127.0.0.1:80").is_err());
    }

    #[tokio::test]
    async fn the_next_port_is_taken_where_the_first_is_another_s() {
        let port = |listener: &TcpListener| listener.local_addr().expect("bound").port();
        let taken = FrontDoor::anywhere().open();
        let first = port(&taken[0]);
        let door = FrontDoor { ports: [[first, 0], [first, first]], ..FrontDoor::anywhere() };
        let open = door.open();
        assert!(open.iter().all(|listener| port(listener) != first));
        assert!((1..=2).contains(&open.len()), "HTTPS found no port, HTTP another");
    }
}
