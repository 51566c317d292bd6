//! The rows' keys; the table is in `row.rs`.

/// Ends an escaped key; less than anything a longer key may go on with.
const END: [u8; 2] = [0x00, 0x01];

fn scoped(kind: u8, bucket: u64) -> Vec<u8> {
    let mut key = vec![kind];
    key.extend_from_slice(&bucket.to_be_bytes());
    key
}

fn ended(kind: u8, bucket: u64, key: &str) -> Vec<u8> {
    let mut row = scoped(kind, bucket);
    for byte in key.bytes() {
        row.push(byte);
        if byte == 0x00 {
            row.push(0xff);
        }
    }
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

pub fn owner_key(account: &str, name: &str) -> Vec<u8> {
    [b"A", account.as_bytes(), b"/", name.as_bytes()].concat()
}

pub fn buckets_of(account: &str) -> (Vec<u8>, Vec<u8>) {
    under(owner_key(account, ""))
}

/// A key's current version.
pub fn object_key(bucket: u64, key: &str) -> Vec<u8> {
    let mut row = scoped(b'O', bucket);
    row.extend_from_slice(key.as_bytes());
    row
}

/// All current versions of a bucket whose keys begin with `prefix`.
pub fn objects_of(bucket: u64, prefix: &str) -> (Vec<u8>, Vec<u8>) {
    under(object_key(bucket, prefix))
}

/// The object key in a row's key made by [`object_key`].
pub fn key_of_current(row: &[u8]) -> Option<&str> {
    std::str::from_utf8(row.get(9..)?).ok()
}

/// A noncurrent version by its stamp: the newest comes first.
pub fn noncurrent_key(bucket: u64, key: &str, stamp: u64) -> Vec<u8> {
    let mut row = ended(b'V', bucket, key);
    row.extend_from_slice(&(!stamp).to_be_bytes());
    row
}

/// All noncurrent versions of one key.
pub fn noncurrent_of(bucket: u64, key: &str) -> (Vec<u8>, Vec<u8>) {
    under(ended(b'V', bucket, key))
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

/// All uploads of a bucket.
pub fn uploads_of(bucket: u64) -> (Vec<u8>, Vec<u8>) {
    under(scoped(b'U', bucket))
}

/// A part of the upload that began at `upload`.
pub fn part_key(upload: u64, number: u16) -> Vec<u8> {
    let mut row = scoped(b'P', upload);
    row.extend_from_slice(&number.to_be_bytes());
    row
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
    fn a_range_ends_where_its_prefix_does() {
        let (from, end) = objects_of(u64::MAX, "\u{10ffff}");
        assert!(from < end);
        assert!(object_key(u64::MAX, "\u{10ffff}x") < end);
    }
}
