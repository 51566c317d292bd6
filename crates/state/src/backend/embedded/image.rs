//! The whole table in one piece: what a journal's snapshot holds, so that the journal before
//! it can go.
//!
//! ```text
//! format u8, number u64, revision u64, last lease u64,
//! leases u64, of each: id u64, ttl in ms u64
//! records u64, of each: key, modified u64, lease u64 (0: none), value
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use super::super::table::{Entry, Lease, Table};
use super::frame::{FORMAT, FrameError, millis, put_bytes, put_u64, take_bytes, take_u64};
use crate::store::{LeaseId, Revision};

pub(super) fn encode(table: &Table) -> Vec<u8> {
    let mut out = vec![FORMAT];
    put_u64(&mut out, table.number);
    put_u64(&mut out, table.revision.0);
    put_u64(&mut out, table.last_lease.0);
    put_u64(&mut out, table.leases.len() as u64);
    for (id, lease) in &table.leases {
        put_u64(&mut out, id.0);
        put_u64(&mut out, millis(lease.ttl));
    }
    put_u64(&mut out, table.records.len() as u64);
    for (key, entry) in &table.records {
        put_bytes(&mut out, key);
        put_u64(&mut out, entry.modified.0);
        put_u64(&mut out, entry.lease.map_or(0, |lease| lease.0));
        put_bytes(&mut out, &entry.value);
    }
    out
}

pub(super) fn decode(image: &[u8]) -> Result<Table, FrameError> {
    match image.split_first() {
        Some((&FORMAT, mut rest)) => take_table(&mut rest).ok_or(FrameError::Damaged),
        Some((&newer, _)) if newer > FORMAT => Err(FrameError::Newer(newer)),
        _ => Err(FrameError::Damaged),
    }
}

fn take_table(from: &mut &[u8]) -> Option<Table> {
    let mut table = Table {
        number: take_u64(from)?,
        revision: Revision(take_u64(from)?),
        last_lease: LeaseId(take_u64(from)?),
        ..Table::default()
    };
    for _ in 0..take_u64(from)? {
        let id = LeaseId(take_u64(from)?);
        let ttl = Duration::from_millis(take_u64(from)?);
        table.leases.insert(id, Lease { ttl, keys: BTreeSet::new() });
    }
    for _ in 0..take_u64(from)? {
        let key = take_bytes(from)?;
        let modified = Revision(take_u64(from)?);
        let lease = Some(take_u64(from)?).filter(|id| *id != 0).map(LeaseId);
        let value = take_bytes(from)?;
        if let Some(lease) = lease {
            table.leases.get_mut(&lease)?.keys.insert(key.clone());
        }
        table.records.insert(key, Entry { value, modified, lease });
    }
    from.is_empty().then_some(table)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::super::super::table::Change;
    use super::*;
    use crate::store::Mutation;

    #[test]
    fn a_table_reads_back_whole_or_not_at_all() {
        let mut table = Table::default();
        let key = |n: u8| Bytes::copy_from_slice(&[b'k', n]);
        let lease = LeaseId(1);
        table.apply(&Change::Grant { lease, ttl: Duration::from_secs(9) });
        for n in 0..20 {
            let lease = (n % 3 == 0).then_some(lease);
            let put = Mutation::Put { key: key(n), value: vec![n; 50].into(), lease };
            let revision = Revision(u64::from(n) + 1);
            table.apply(&Change::Write { revision, mutations: vec![put] });
        }
        let image = encode(&table);
        assert_eq!(decode(&image).expect("reads"), table);
        for cut in 0..image.len() {
            assert!(decode(&image[..cut]).is_err(), "cut at {cut}");
        }
        assert!(matches!(decode(&[FORMAT + 1]), Err(FrameError::Newer(_))));
    }
}
