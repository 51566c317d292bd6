//! A change as the journal keeps it. The journal has checked every byte, so what cannot be
//! read was written by a newer haneul or by a fault of ours.
//!
//! ```text
//! format u8, kind u8, number u64, then
//!   write: revision u64, mutations u32, of each: op u8, key, then lease u64 and value as op says
//!   grant: lease u64, ttl in ms u64
//!   end:   revision u64, lease u64
//! ```
//! Numbers are little-endian; a key or value is its length (u32) and its bytes.

use std::time::Duration;

use bytes::{Buf, Bytes};

use super::super::table::{Change, Table};
use crate::store::{LeaseId, Mutation, Revision};

pub(super) const FORMAT: u8 = 1;

const WRITE: u8 = 1;
const GRANT: u8 = 2;
const END: u8 = 3;

const DELETE: u8 = 0;
const PUT: u8 = 1;
const PUT_WITH_LEASE: u8 = 2;

/// A change and its place in the order of all changes, from 1. A change whose number does not
/// follow the last one's was judged after one that did not happen: it did not happen either.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) number: u64,
    pub(super) change: Change,
}

impl Frame {
    pub(super) fn follows(&self, table: &Table) -> bool {
        self.number == table.number + 1
    }
}

#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    #[error(
        "the journal of the state has format {0} and this haneul reads up to {FORMAT}: it was \
         written by a newer haneul; start that one"
    )]
    Newer(u8),
    #[error("a change in the journal of the state cannot be read")]
    Damaged,
}

pub(super) fn encode(number: u64, change: &Change) -> Bytes {
    let mut out = Vec::with_capacity(256);
    out.push(FORMAT);
    match change {
        Change::Write { revision, mutations } => {
            out.push(WRITE);
            put_u64(&mut out, number);
            put_u64(&mut out, revision.0);
            put_len(&mut out, mutations.len());
            mutations.iter().for_each(|mutation| put_mutation(&mut out, mutation));
        }
        Change::Grant { lease, ttl } => {
            out.push(GRANT);
            put_u64(&mut out, number);
            put_u64(&mut out, lease.0);
            put_u64(&mut out, millis(*ttl));
        }
        Change::End { revision, lease } => {
            out.push(END);
            put_u64(&mut out, number);
            put_u64(&mut out, revision.0);
            put_u64(&mut out, lease.0);
        }
    }
    out.into()
}

fn put_mutation(out: &mut Vec<u8>, mutation: &Mutation) {
    match mutation {
        Mutation::Delete { key } => {
            out.push(DELETE);
            put_bytes(out, key);
        }
        Mutation::Put { key, value, lease } => {
            out.push(if lease.is_some() { PUT_WITH_LEASE } else { PUT });
            put_bytes(out, key);
            if let Some(lease) = lease {
                put_u64(out, lease.0);
            }
            put_bytes(out, value);
        }
    }
}

pub(super) fn decode(mut payload: &[u8]) -> Result<Frame, FrameError> {
    match payload.try_get_u8() {
        Ok(FORMAT) => {}
        Ok(newer) if newer > FORMAT => return Err(FrameError::Newer(newer)),
        _ => return Err(FrameError::Damaged),
    }
    let frame = take_frame(&mut payload).ok_or(FrameError::Damaged)?;
    payload.is_empty().then_some(frame).ok_or(FrameError::Damaged)
}

fn take_frame(from: &mut &[u8]) -> Option<Frame> {
    let kind = from.try_get_u8().ok()?;
    let number = take_u64(from)?;
    let change = match kind {
        WRITE => {
            let revision = Revision(take_u64(from)?);
            let count = from.try_get_u32_le().ok()?;
            let mutations = (0..count).map(|_| take_mutation(from)).collect::<Option<_>>()?;
            Change::Write { revision, mutations }
        }
        GRANT => {
            let lease = LeaseId(take_u64(from)?);
            Change::Grant { lease, ttl: Duration::from_millis(take_u64(from)?) }
        }
        END => Change::End { revision: Revision(take_u64(from)?), lease: LeaseId(take_u64(from)?) },
        _ => return None,
    };
    Some(Frame { number, change })
}

fn take_mutation(from: &mut &[u8]) -> Option<Mutation> {
    let op = from.try_get_u8().ok()?;
    let key = take_bytes(from)?;
    let lease = match op {
        DELETE => return Some(Mutation::Delete { key }),
        PUT => None,
        PUT_WITH_LEASE => Some(LeaseId(take_u64(from)?)),
        _ => return None,
    };
    Some(Mutation::Put { key, value: take_bytes(from)?, lease })
}

pub(super) fn put_u64(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(&number.to_le_bytes());
}

pub(super) fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    put_len(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    let len = u32::try_from(len).expect("a transaction's limits are far below");
    out.extend_from_slice(&len.to_le_bytes());
}

pub(super) fn take_u64(from: &mut &[u8]) -> Option<u64> {
    from.try_get_u64_le().ok()
}

/// Copied, so that a record does not keep the whole of what it was read from in memory.
pub(super) fn take_bytes(from: &mut &[u8]) -> Option<Bytes> {
    let len = usize::try_from(from.try_get_u32_le().ok()?).ok()?;
    let (bytes, rest) = from.split_at_checked(len)?;
    *from = rest;
    Some(Bytes::copy_from_slice(bytes))
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn changes() -> impl Strategy<Value = Change> {
        let bytes = || prop::collection::vec(any::<u8>(), 0..20).prop_map(Bytes::from);
        let lease = || prop::option::of(any::<u64>().prop_map(LeaseId));
        let mutation = prop_oneof![
            bytes().prop_map(|key| Mutation::Delete { key }),
            (bytes(), bytes(), lease()).prop_map(|(key, value, lease)| Mutation::Put {
                key,
                value,
                lease
            }),
        ];
        prop_oneof![
            (any::<u64>(), prop::collection::vec(mutation, 0..5)).prop_map(|(at, mutations)| {
                Change::Write { revision: Revision(at), mutations }
            }),
            (any::<u64>(), any::<u64>()).prop_map(|(lease, ms)| Change::Grant {
                lease: LeaseId(lease),
                ttl: Duration::from_millis(ms)
            }),
            (any::<u64>(), any::<u64>()).prop_map(|(at, lease)| Change::End {
                revision: Revision(at),
                lease: LeaseId(lease)
            }),
        ]
    }

    proptest! {
        #[test]
        fn a_change_reads_back(change in changes(), number: u64) {
            let payload = encode(number, &change);
            prop_assert_eq!(decode(&payload).expect("reads"), Frame { number, change });
            for cut in 0..payload.len() {
                prop_assert!(decode(&payload[..cut]).is_err());
            }
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&[&[FORMAT], &bytes[..]].concat());
        }
    }

    #[test]
    fn a_newer_format_is_refused_by_name() {
        let error = decode(&[9, 1]).expect_err("refused").to_string();
        assert!(error.starts_with("the journal of the state has format 9"), "{error}");
    }
}
