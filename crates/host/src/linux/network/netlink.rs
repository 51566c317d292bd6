//! Requests to the kernel about links, addresses, routes and rules. Blocking; a socket speaks
//! of the namespace that it was opened in.

use std::io;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, send, socket_with,
};

const HEADER_LENGTH: usize = 16;
/// The kernel never puts more of a dump into one datagram.
const DATAGRAM_LENGTH_MAX: usize = 64 * 1024;

pub(super) mod kind {
    pub(in super::super) const ERROR: u16 = 2;
    pub(in super::super) const DONE: u16 = 3;
    pub(in super::super) const NEW_LINK: u16 = 16;
    pub(in super::super) const DELETE_LINK: u16 = 17;
    pub(in super::super) const GET_LINK: u16 = 18;
    pub(in super::super) const NEW_ADDRESS: u16 = 20;
    pub(in super::super) const DELETE_ADDRESS: u16 = 21;
    pub(in super::super) const GET_ADDRESS: u16 = 22;
    pub(in super::super) const NEW_ROUTE: u16 = 24;
    pub(in super::super) const DELETE_ROUTE: u16 = 25;
    pub(in super::super) const GET_ROUTE: u16 = 26;
    pub(in super::super) const NEW_NEIGHBOUR: u16 = 28;
    pub(in super::super) const NEW_RULE: u16 = 32;
    pub(in super::super) const DELETE_RULE: u16 = 33;
    pub(in super::super) const GET_RULE: u16 = 34;
    pub(in super::super) const NEW_QDISC: u16 = 36;
    pub(in super::super) const DELETE_QDISC: u16 = 37;
}

/// What a request adds to its kind.
#[derive(Clone, Copy)]
pub(super) enum Verb {
    /// Ask, or delete.
    Plain,
    /// Make what must not be there.
    Create,
    /// Make, or put in the place of what is there.
    Replace,
    Dump,
}

impl Verb {
    fn flags(self) -> u16 {
        const REQUEST: u16 = 0x1;
        const ACKNOWLEDGE: u16 = 0x4;
        REQUEST
            | match self {
                Self::Plain => ACKNOWLEDGE,
                Self::Create => ACKNOWLEDGE | 0x600,
                Self::Replace => ACKNOWLEDGE | 0x500,
                Self::Dump => 0x300,
            }
    }
}

/// A request as it grows: a fixed part, then attributes that may hold attributes.
pub(super) struct Request(Vec<u8>);

impl Request {
    pub(super) fn new(kind: u16, verb: Verb, fixed: &[u8]) -> Self {
        let mut bytes = vec![0; HEADER_LENGTH];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[6..8].copy_from_slice(&verb.flags().to_ne_bytes());
        bytes.extend_from_slice(fixed);
        Self(bytes)
    }

    #[must_use]
    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let length = u16::try_from(value.len() + 4).expect("attributes are short");
        self.0.extend_from_slice(&length.to_ne_bytes());
        self.0.extend_from_slice(&kind.to_ne_bytes());
        self.0.extend_from_slice(value);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    #[must_use]
    pub(super) fn number(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    #[must_use]
    pub(super) fn text(self, kind: u16, value: &str) -> Self {
        let mut value = value.as_bytes().to_vec();
        value.push(0);
        self.attribute(kind, &value)
    }

    #[must_use]
    pub(super) fn nest(mut self, kind: u16, inner: impl FnOnce(Self) -> Self) -> Self {
        let start = self.0.len();
        self = inner(self.attribute(kind, &[]));
        let length = u16::try_from(self.0.len() - start).expect("attributes are short");
        self.0[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        self
    }

    /// A fixed part inside a nest.
    #[must_use]
    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}

pub(super) struct Answer(Vec<u8>);

impl Answer {
    /// A part of the fixed half.
    pub(super) fn fixed<const N: usize>(&self, at: usize) -> [u8; N] {
        self.0.get(at..at + N).and_then(|bytes| bytes.try_into().ok()).unwrap_or([0; N])
    }

    pub(super) fn attribute(&self, fixed_length: usize, kind: u16) -> Option<&[u8]> {
        find(self.0.get(fixed_length..)?, kind)
    }

    pub(super) fn number(&self, fixed_length: usize, kind: u16) -> Option<u32> {
        Some(u32::from_ne_bytes(self.attribute(fixed_length, kind)?.try_into().ok()?))
    }
}

/// An attribute of this kind; its flags do not count.
fn find(mut bytes: &[u8], kind: u16) -> Option<&[u8]> {
    while let Some((head, _)) = bytes.split_first_chunk::<4>() {
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let value = bytes.get(4..length)?;
        if u16::from_ne_bytes([head[2], head[3]]) & 0x3fff == kind {
            return Some(value);
        }
        bytes = bytes.get(length.next_multiple_of(4)..)?;
    }
    None
}

pub(super) struct Netlink {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Netlink {
    pub(super) fn open() -> io::Result<Self> {
        let flags = SocketFlags::CLOEXEC;
        // No protocol is NETLINK_ROUTE, which is zero.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; DATAGRAM_LENGTH_MAX] })
    }

    /// Sends it and waits for the kernel's word.
    pub(super) fn tell(&mut self, request: Request) -> io::Result<()> {
        self.ask(request).map(|_| ())
    }

    /// As [`Netlink::tell`], and what was asked to be gone may be gone already.
    pub(super) fn remove(&mut self, request: Request) -> io::Result<()> {
        use rustix::io::Errno;
        const GONE: [Errno; 5] =
            [Errno::NODEV, Errno::NOENT, Errno::SRCH, Errno::ADDRNOTAVAIL, Errno::NXIO];
        match self.tell(request) {
            Err(error)
                if GONE.iter().any(|gone| error.raw_os_error() == Some(gone.raw_os_error())) =>
            {
                Ok(())
            }
            other => other,
        }
    }

    pub(super) fn ask(&mut self, Request(mut bytes): Request) -> io::Result<Vec<Answer>> {
        self.sequence = self.sequence.wrapping_add(1);
        let length = u32::try_from(bytes.len()).expect("requests are short");
        bytes[0..4].copy_from_slice(&length.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.sequence.to_ne_bytes());
        send(&self.socket, &bytes, SendFlags::empty())?;
        let mut answers = Vec::new();
        while !self.receive(&mut answers)? {}
        Ok(answers)
    }

    /// One datagram of the answer; true when it was the last.
    fn receive(&mut self, answers: &mut Vec<Answer>) -> io::Result<bool> {
        let (length, _) = recv(&self.socket, &mut self.buffer[..], RecvFlags::empty())?;
        let mut rest = &self.buffer[..length];
        while let Some((head, _)) = rest.split_first_chunk::<HEADER_LENGTH>() {
            let word = |at: usize| {
                u32::from_ne_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]])
            };
            let length = usize::try_from(word(0)).unwrap_or(usize::MAX);
            let Some(body) = rest.get(HEADER_LENGTH..length) else {
                return Err(io::ErrorKind::InvalidData.into());
            };
            // What is left of a request that was given up.
            let ours = word(8) == self.sequence;
            match u16::from_ne_bytes([head[4], head[5]]) {
                kind::DONE if ours => return Ok(true),
                kind::ERROR if ours => return outcome(body).map(|()| true),
                _ if ours => answers.push(Answer(body.to_vec())),
                _ => {}
            }
            rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
        Ok(false)
    }
}

fn outcome(body: &[u8]) -> io::Result<()> {
    let code = body.first_chunk().map(|code| i32::from_ne_bytes(*code));
    match code {
        Some(0) => Ok(()),
        Some(code) => Err(io::Error::from_raw_os_error(-code)),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nested() {
        let request = Request::new(kind::NEW_LINK, Verb::Create, &[1, 2, 3, 4])
            .text(3, "up")
            .nest(18, |inner| inner.number(1, 7));
        let mut expected = vec![0, 0, 0, 0, 16, 0, 5, 6, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4];
        expected.extend([7, 0, 3, 0, b'u', b'p', 0, 0, 12, 0, 18, 0, 8, 0, 1, 0, 7, 0, 0, 0]);
        assert_eq!(request.0, expected);
        let answer = Answer(request.0[HEADER_LENGTH..].to_vec());
        assert_eq!(answer.attribute(4, 3), Some(&b"up\0"[..]));
        assert_eq!(find(answer.attribute(4, 18).unwrap(), 1), Some(&[7, 0, 0, 0][..]));
        assert_eq!(answer.attribute(4, 9), None);
    }

    #[test]
    fn what_is_cut_short_is_not_read_past() {
        for length in 0..8 {
            find(&[8, 0, 1, 0, 1, 2, 3, 4][..length], 9);
        }
        assert_eq!(find(&[2, 0, 1, 0, 0], 1), None);
        assert_eq!(find(&[200, 0, 1, 0], 1), None);
    }
}
