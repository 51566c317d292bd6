//! The rows' keys; the table is in `row.rs`.

/// Ends an escaped key; less than anything a longer key may go on with.
const END: [u8; 2] = [0x00, 0x01];
/// Where a noncurrent version has the complement of its stamp, which is never this.
const CURRENT: u64 = 0;

fn scoped(kind: u8, bucket: u64) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&bucket.to_be_bytes());
    key
}

fn escaped(kind: u8, bucket: u64, key: &str) -> Vec<u8> {
    let mut row = scoped(kind, bucket);
    for byte in key.bytes() {
        row.push(byte);
        if byte == 0x00 {
            row.push(0xff);
        }
    }
    row
}

fn ended(kind: u8, bucket: u64, key: &str) -> Vec<u8> {
    let mut row = escaped(kind, bucket, key);
    row.extend_from_slice(&END);
    row
}

/// All keys that begin with `prefix`: from, and before.
fn under(prefix: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let mut end = prefix.clone();
    while let Some(last) = end.pop() {
        if last < 0xff {
            end.push(last + 1);
            break;
        }
    }
    (prefix, end)
}

pub fn bucket_key(name: &str) -> Vec<u8> {
    [b"B", name.as_bytes()].concat()
}

/// All buckets of all accounts.
pub fn all_buckets() -> (Vec<u8>, Vec<u8>) {
    under(bucket_key(""))
}

pub fn owner_key(account: &str, name: &str) -> Vec<u8> {
    [b"A", account.as_bytes(), b"/", name.as_bytes()].concat()
}

pub fn buckets_of(account: &str) -> (Vec<u8>, Vec<u8>) {
    under(owner_key(account, ""))
}

/// What is left of a bucket that was removed.
pub fn removed_key(bucket: u64) -> Vec<u8> {
    scoped(b'R', bucket)
}

/// All that were removed and left something.
pub fn removed_buckets() -> (Vec<u8>, Vec<u8>) {
    under(vec![b'R'])
}

/// The bucket's id in a row's key made by [`removed_key`].
pub fn removed_row(row: &[u8]) -> Option<u64> {
    row.get(1..)?.try_into().ok().map(u64::from_be_bytes)
}

/// A key's current version, which comes before the noncurrent ones.
pub fn object_key(bucket: u64, key: &str) -> Vec<u8> {
    let mut row = ended(b'O', bucket, key);
    row.extend_from_slice(&CURRENT.to_be_bytes());
    row
}

/// All versions of a bucket, current and not, whose keys begin with `prefix`.
pub fn objects_of(bucket: u64, prefix: &str) -> (Vec<u8>, Vec<u8>) {
    under(escaped(b'O', bucket, prefix))
}

/// The first row after all versions of `key`.
pub fn past_versions_of(bucket: u64, key: &str) -> Vec<u8> {
    under(ended(b'O', bucket, key)).1
}

/// A row of [`objects_of`]: the object's key, and whether the version is the current one.
pub fn version_row(row: &[u8]) -> Option<(String, bool)> {
    let (escaped, order) = row.get(9..)?.split_last_chunk::<8>()?;
    let escaped = escaped.strip_suffix(&END)?;
    let mut key = Vec::with_capacity(escaped.len());
    let mut bytes = escaped.iter();
    while let Some(byte) = bytes.next() {
        key.push(*byte);
        if *byte == 0x00 {
            bytes.next();
        }
    }
    Some((String::from_utf8(key).ok()?, u64::from_be_bytes(*order) == CURRENT))
}

/// A noncurrent version by its stamp: the newest comes first.
pub fn noncurrent_key(bucket: u64, key: &str, stamp: u64) -> Vec<u8> {
    let mut row = ended(b'O', bucket, key);
    row.extend_from_slice(&(!stamp).to_be_bytes());
    row
}

/// All noncurrent versions of one key.
pub fn noncurrent_of(bucket: u64, key: &str) -> (Vec<u8>, Vec<u8>) {
    let mut from = ended(b'O', bucket, key);
    let end = under(from.clone()).1;
    from.extend_from_slice(&(CURRENT + 1).to_be_bytes());
    (from, end)
}

pub fn null_key(bucket: u64, key: &str) -> Vec<u8> {
    let mut row = scoped(b'N', bucket);
    row.extend_from_slice(key.as_bytes());
    row
}

/// An upload by its key and the stamp of its beginning.
pub fn upload_key(bucket: u64, key: &str, stamp: u64) -> Vec<u8> {
    let mut row = ended(b'U', bucket, key);
    row.extend_from_slice(&stamp.to_be_bytes());
    row
}

/// All uploads of a bucket whose keys begin with `prefix`.
pub fn uploads_under(bucket: u64, prefix: &str) -> (Vec<u8>, Vec<u8>) {
    under(escaped(b'U', bucket, prefix))
}

/// The first row after all uploads of `key`.
pub fn past_uploads_of(bucket: u64, key: &str) -> Vec<u8> {
    under(ended(b'U', bucket, key)).1
}

/// A part of the upload that began at `upload`.
pub fn part_key(upload: u64, number: u16) -> Vec<u8> {
    let mut row = scoped(b'P', upload);
    row.extend_from_slice(&number.to_be_bytes());
    row
}

/// The number in a row's key made by [`part_key`].
pub fn part_number(row: &[u8]) -> Option<u16> {
    row.last_chunk().copied().map(u16::from_be_bytes)
}

/// All parts of an upload.
pub fn parts_of(upload: u64) -> (Vec<u8>, Vec<u8>) {
    under(scoped(b'P', upload))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_nul_sort_by_their_bytes() {
        let mut keys = ["a\u{0}b", "a", "a\u{1}", "a\u{0}", "ab", "a\u{0}\u{1}"];
        keys.sort_unstable();
        let rows: Vec<_> = keys.iter().map(|key| noncurrent_key(1, key, 7)).collect();
        assert!(rows.is_sorted());
        assert!(noncurrent_key(1, "a", 8) < noncurrent_key(1, "a", 7));
    }

    #[test]
    fn versions_of_a_key_lie_together_and_the_current_one_first() {
        let key = "a\u{0}b";
        let rows = [object_key(1, key), noncurrent_key(1, key, 8), noncurrent_key(1, key, 7)];
        assert!(rows.is_sorted() && rows[2] < past_versions_of(1, key));
        assert_eq!(version_row(&rows[0]), Some((key.into(), true)));
        assert_eq!(version_row(&rows[2]), Some((key.into(), false)));
        let (from, end) = noncurrent_of(1, key);
        assert!(rows[0] < from && from <= rows[1] && rows[2] < end);
        assert!(past_versions_of(1, key) <= object_key(1, "a\u{0}c"));
    }

    #[test]
    fn a_range_ends_where_its_prefix_does() {
        let (from, end) = objects_of(u64::MAX, "\u{10ffff}");
        assert!(from < end);
        assert!(object_key(u64::MAX, "\u{10ffff}x") < end);
    }
}
