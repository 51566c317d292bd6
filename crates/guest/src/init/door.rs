//! The SSH port: lets every client in to a server of its own, and keeps those waiting who try
//! one key after another.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::process::Pid;

use super::own_command;

const PORT: u16 = 22;
const CONNECTIONS_MAX: usize = 64;
/// So that nobody takes all places.
const CONNECTIONS_OF_ONE_MAX: usize = 48;

pub(super) struct Door {
    /// `None` when something else has the port: the image's own server, or a guest without a
    /// network.
    listener: Option<TcpListener>,
    connections: Vec<Connection>,
    debts: Debts,
}

struct Connection {
    server: Pid,
    source: IpAddr,
}

impl Door {
    pub(super) fn open() -> Self {
        let listener = listen(PORT)
            .inspect_err(|error| println!("haneul: SSH is not served on port {PORT}: {error}"));
        Self { listener: listener.ok(), connections: Vec::new(), debts: Debts::default() }
    }

    /// What to wait for; nothing while all places are taken.
    pub(super) fn listener(&self) -> Option<BorrowedFd<'_>> {
        let free = self.connections.len() < CONNECTIONS_MAX;
        self.listener.as_ref().filter(|_| free).map(AsFd::as_fd)
    }

    /// Lets in whoever waits.
    pub(super) fn welcome(&mut self) {
        while self.connections.len() < CONNECTIONS_MAX
            && let Some(Ok((stream, from))) = self.listener.as_ref().map(TcpListener::accept)
        {
            self.welcome_one(stream, source(from.ip()));
        }
    }

    fn welcome_one(&mut self, stream: TcpStream, source: IpAddr) {
        let same = self.connections.iter().filter(|other| other.source == source).count();
        if same >= CONNECTIONS_OF_ONE_MAX || self.debts.must_wait(source, Instant::now()) {
            return;
        }
        match own_command(crate::SSH).stdin(OwnedFd::from(stream)).spawn() {
            Ok(child) => {
                self.connections.push(Connection { server: Pid::from_child(&child), source });
            }
            Err(error) => println!("haneul: an SSH server could not be started: {error}"),
        }
    }

    /// A process ended that may have been a server.
    pub(super) fn left(&mut self, server: Pid, code: Option<i32>) {
        let place = self.connections.iter().position(|connection| connection.server == server);
        let Some(place) = place else { return };
        let Connection { source, .. } = self.connections.swap_remove(place);
        if code == Some(crate::ssh::REFUSED.into()) {
            self.debts.add(source, Instant::now());
        }
    }
}

/// On all addresses of both versions, or of the one that there is.
fn listen(port: u16) -> io::Result<TcpListener> {
    let any = [IpAddr::V6(Ipv6Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::UNSPECIFIED)];
    let listener = TcpListener::bind(&any.map(|address| SocketAddr::new(address, port))[..])?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// Whom a connection is counted for: one customer has all addresses of an IPv6 network.
fn source(address: IpAddr) -> IpAddr {
    const NETWORK: u128 = u128::MAX << 64;
    match address.to_canonical() {
        IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & NETWORK)),
        address => address,
    }
}

/// Refusals that each source has to wait for.
#[derive(Default)]
struct Debts(Vec<(IpAddr, Instant)>);

const DEBT: Duration = Duration::from_secs(5);
/// A user may err a few times at once.
const DEBT_FREE: Duration = Duration::from_secs(15);
const DEBT_MAX: Duration = Duration::from_secs(300);
const DEBTORS_MAX: usize = 256;

impl Debts {
    fn add(&mut self, source: IpAddr, now: Instant) {
        self.0.retain(|(_, until)| *until > now);
        if let Some((_, until)) = self.0.iter_mut().find(|(debtor, _)| *debtor == source) {
            *until = (*until + DEBT).min(now + DEBT_MAX);
            return;
        }
        // Whoever has so many addresses is not stopped by this anyway.
        if self.0.len() < DEBTORS_MAX {
            self.0.push((source, now + DEBT));
        }
    }

    fn must_wait(&self, source: IpAddr, now: Instant) -> bool {
        let debt = self.0.iter().find(|(debtor, _)| *debtor == source);
        debt.is_some_and(|(_, until)| *until > now + DEBT_FREE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_is_slowed_for_the_guesser_alone() {
        let address = |text: &str| source(text.parse().expect("an address"));
        let (guesser, user) = (address("198.51.100.1"), address("198.51.100.2"));
        let start = Instant::now();
        let after = |seconds: u64| start + Duration::from_secs(seconds);
        let mut debts = Debts::default();
        for _ in 0..3 {
            debts.add(guesser, start);
            assert!(!debts.must_wait(guesser, start));
        }
        debts.add(guesser, start);
        assert!(debts.must_wait(guesser, after(4)));
        assert!(!debts.must_wait(guesser, after(5)));
        assert!(!debts.must_wait(user, start));
        for _ in 0..1000 {
            debts.add(guesser, start);
        }
        assert!(debts.must_wait(guesser, after(284)) && !debts.must_wait(guesser, after(285)));
        for number in 0..1000 {
            debts.add(IpAddr::V4(Ipv4Addr::from_bits(number)), start);
        }
        assert_eq!(debts.0.len(), DEBTORS_MAX);
        assert_eq!(address("::ffff:198.51.100.1"), guesser);
        assert_eq!(address("2001:db8::1"), address("2001:db8::2"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
    }

    #[test]
    fn the_door_hears_both_versions() {
        let listener = listen(0).expect("listening");
        let port = listener.local_addr().expect("an address").port();
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("connected");
        assert_eq!(listen(port).expect_err("taken").kind(), io::ErrorKind::AddrInUse);
    }
}
