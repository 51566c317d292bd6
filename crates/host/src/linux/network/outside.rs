//! The world outside: TCP connections of guests that leave the region end here and go on from
//! the machine, under its own address. The machine forwards nothing for that.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ipnet::Ipv4Net;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};

use super::netlink::Netlink;

const CONNECTIONS_MAX: usize = 2048;
/// Of one guest, or of all behind one NAT gateway.
const CONNECTIONS_OF_ONE_MAX: usize = 1024;
/// A NAT gateway's.
const IDLE: Duration = Duration::from_secs(350);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const BUFFER_LENGTH: usize = 16 * 1024;

/// For as long as the listener is heard.
pub(super) async fn serve(listener: TcpListener, pool: Ipv4Net) {
    let open = Arc::new(Open::default());
    loop {
        let (guest, source) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "no connection to the outside can be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match open.clone().enter(source) {
            Some(place) => {
                tokio::spawn(async move {
                    let _place = place;
                    connect(guest, pool).await;
                });
            }
            None => reset(&guest),
        }
    }
}

/// How many connections there are, by source.
#[derive(Default)]
struct Open(Mutex<HashMap<SocketAddrIp, usize>>);

type SocketAddrIp = std::net::IpAddr;

struct Place {
    open: Arc<Open>,
    source: SocketAddrIp,
}

impl Open {
    fn enter(self: Arc<Self>, source: SocketAddr) -> Option<Place> {
        let source = source.ip();
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let of_one = open.get(&source).copied().unwrap_or(0);
        if open.values().sum::<usize>() >= CONNECTIONS_MAX || of_one >= CONNECTIONS_OF_ONE_MAX {
            return None;
        }
        open.insert(source, of_one + 1);
        drop(open);
        Some(Place { open: self, source })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.open.0.lock().unwrap_or_else(PoisonError::into_inner);
        match open.get_mut(&self.source) {
            Some(count) if *count > 1 => *count -= 1,
            _ => drop(open.remove(&self.source)),
        }
    }
}

async fn connect(mut guest: TcpStream, pool: Ipv4Net) {
    let Ok(SocketAddr::V4(destination)) = guest.local_addr() else { return reset(&guest) };
    let address = *destination.ip();
    let allowed = tokio::task::spawn_blocking(move || is_outside(address, pool)).await;
    if !matches!(allowed, Ok(Ok(true))) {
        return reset(&guest);
    }
    let connected = tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(destination)).await;
    let Ok(Ok(mut server)) = connected else { return reset(&guest) };
    for side in [&guest, &server] {
        // Whoever wrote decides about delays, not we.
        let _ = side.set_nodelay(true);
    }
    if splice(&mut guest, &mut server, IDLE).await.is_err() {
        reset(&guest);
        reset(&server);
    }
}

/// Whether the address is someone else's: not the machine's by any name, not a neighbour's on
/// the link only, not a guest's.
fn is_outside(address: Ipv4Addr, pool: Ipv4Net) -> io::Result<bool> {
    let [first, ..] = address.octets();
    let never = first == 0
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || first >= 240
        || pool.contains(&address);
    Ok(!never && Netlink::open()?.leads_away(address)?)
}

/// Both ways, each until its end. Fails when either fails, or when nothing moves for `idle`.
async fn splice(guest: &mut TcpStream, server: &mut TcpStream, idle: Duration) -> io::Result<()> {
    let moved = AtomicU64::new(0);
    let (from_guest, to_guest) = guest.split();
    let (from_server, to_server) = server.split();
    let both = async {
        tokio::try_join!(pump(from_guest, to_server, &moved), pump(from_server, to_guest, &moved))
    };
    tokio::select! {
        done = both => done.map(|_| ()),
        () = stillness(&moved, idle) => Err(io::ErrorKind::TimedOut.into()),
    }
}

async fn pump(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, moved: &AtomicU64) -> io::Result<()> {
    let mut buffer = vec![0; BUFFER_LENGTH];
    loop {
        let length = from.read(&mut buffer).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..length]).await?;
        moved.fetch_add(1, Ordering::Relaxed);
    }
}

async fn stillness(moved: &AtomicU64, idle: Duration) {
    loop {
        let before = moved.load(Ordering::Relaxed);
        tokio::time::sleep(idle).await;
        if moved.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

/// The other side learns that it failed, and does not take it for an orderly end.
fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let one = TcpStream::connect(listener.local_addr().unwrap());
        let (one, other) = tokio::join!(one, listener.accept());
        (one.unwrap(), other.unwrap().0)
    }

    #[tokio::test]
    async fn one_side_may_end_while_the_other_goes_on() {
        let (mut client, mut guest) = pair().await;
        let (mut server, mut far) = pair().await;
        let spliced =
            tokio::spawn(
                async move { splice(&mut guest, &mut server, Duration::from_secs(60)).await },
            );
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut heard = String::new();
        far.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "question");
        far.write_all(b"answer").await.unwrap();
        drop(far);
        heard.clear();
        client.read_to_string(&mut heard).await.unwrap();
        assert_eq!(heard, "answer");
        spliced.await.unwrap().unwrap();
    }

    #[tokio::test]
    async fn what_does_not_move_is_given_up() {
        let (_client, mut guest) = pair().await;
        let (mut server, _far) = pair().await;
        let given_up = splice(&mut guest, &mut server, Duration::from_millis(20)).await;
        assert_eq!(given_up.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[test]
    fn places_are_counted_for_each_source() {
        let open = Arc::new(Open::default());
        let source = "198.18.0.9:1".parse().unwrap();
        let mut places: Vec<_> =
            (0..CONNECTIONS_OF_ONE_MAX).map(|_| open.clone().enter(source).unwrap()).collect();
        assert!(open.clone().enter(source).is_none());
        assert!(open.clone().enter("198.18.0.8:1".parse().unwrap()).is_some());
        places.pop();
        assert!(open.clone().enter(source).is_some());
        places.clear();
        assert!(open.0.lock().unwrap().is_empty());
    }

    #[test]
    fn the_machine_itself_is_not_outside() {
        let pool = "198.18.0.0/16".parse().unwrap();
        for own in [
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.9.9.9",
            "169.254.169.254",
            "224.0.0.1",
            "255.255.255.255",
            "240.0.0.1",
            "198.18.3.4",
        ] {
            assert!(!is_outside(own.parse().unwrap(), pool).unwrap(), "{own}");
        }
    }
}
