//! Injected randomness: the system's, or a seed's for tests that must replay.

use std::sync::Mutex;

use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng};

pub struct Random(Mutex<StdRng>);

/// Letters of IAM unique ids and access key ids (RFC 4648 base32).
pub const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/// Letters of secrets that are printed.
pub const BASE62: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
pub const HEX: &[u8] = b"0123456789abcdef";

impl Random {
    /// Seeded from the operating system; a cryptographic generator, so good for secrets.
    ///
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be made then.
    pub fn system() -> Self {
        let rng = StdRng::try_from_rng(&mut SysRng).expect("the system's random source answers");
        Self(Mutex::new(rng))
    }

    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    pub fn fill(&self, bytes: &mut [u8]) {
        self.rng().fill_bytes(bytes);
    }

    pub fn next_u64(&self) -> u64 {
        self.rng().next_u64()
    }

    /// `len` letters of `alphabet`, each equally likely.
    pub fn letters(&self, alphabet: &[u8], len: usize) -> String {
        let mut rng = self.rng();
        // Values past the last whole multiple of the alphabet would favour its first letters.
        let fair = u8::try_from(256 / alphabet.len() * alphabet.len() - 1).unwrap_or(u8::MAX);
        std::iter::repeat_with(|| (rng.next_u32() & 0xff) as u8)
            .filter(|byte| *byte <= fair)
            .map(|byte| char::from(alphabet[usize::from(byte) % alphabet.len()]))
            .take(len)
            .collect()
    }

    /// A version-4 UUID, the form of AWS's request ids.
    pub fn uuid(&self) -> String {
        let mut b = [0u8; 16];
        self.fill(&mut b);
        b[6] = b[6] & 0x0f | 0x40;
        b[8] = b[8] & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (at, byte) in b.into_iter().enumerate() {
            if matches!(at, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
        text
    }

    /// `prefix-` and seventeen hex digits: the form of EC2's and others' resource ids.
    /// <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/resource-ids.html>
    pub fn resource_id(&self, prefix: &str) -> String {
        format!("{prefix}-0{}", self.letters(HEX, 16))
    }

    fn rng(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.0.lock().expect("drawing a number does not panic")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_replays_and_forms_are_aws_s() {
        let (one, two) = (Random::seeded(7), Random::seeded(7));
        assert_eq!(one.uuid(), two.uuid());
        assert_ne!(one.uuid(), two.letters(BASE32, 36));
        let id = one.resource_id("vpc");
        assert_eq!(id.len(), "vpc-0123456789abcdef0".len());
        assert!(one.letters(BASE62, 400).bytes().all(|b| BASE62.contains(&b)));
    }
}
