//! Ids that clients see and that hold a stamp: 32 letters, digits, `-` and `_`.

use aws::Random;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

const ID_BYTES: usize = 24;

/// Random behind the stamp, so that nobody guesses the id of a version he has not been told of.
pub(super) fn make(stamp: u64, random: &Random) -> String {
    let mut bytes = [0; ID_BYTES];
    random.fill(&mut bytes);
    // Not in the clear: a row of ids would look like a counter.
    let mask = u64::from_be_bytes(*bytes.last_chunk().expect("24 bytes end in 8"));
    bytes[..8].copy_from_slice(&(stamp ^ mask).to_be_bytes());
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` for what [`make`] did not make.
pub(super) fn stamp(id: &str) -> Option<u64> {
    let bytes: [u8; ID_BYTES] = BASE64_URL_SAFE_NO_PAD.decode(id).ok()?.try_into().ok()?;
    let mask = u64::from_be_bytes(*bytes.last_chunk()?);
    Some(u64::from_be_bytes(*bytes.first_chunk()?) ^ mask)
}

/// The value of a row that points at a key's noncurrent `null` version.
pub fn null_pointer(stamp: u64) -> Vec<u8> {
    stamp.to_be_bytes().to_vec()
}

/// Reads [`null_pointer`].
pub fn null_stamp(value: &[u8]) -> Option<u64> {
    value.try_into().ok().map(u64::from_be_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_holds_its_stamp_and_is_no_one_elses() {
        let random = Random::seeded(1);
        let id = make(7, &random);
        assert_eq!((id.len(), stamp(&id)), (32, Some(7)));
        assert_ne!(id, make(7, &random));
        assert_eq!((stamp("null"), stamp("short")), (None, None));
        assert_eq!(null_stamp(&null_pointer(9)), Some(9));
    }
}
