//! Sealing what is stored: AES-256-GCM under a blob's own key, with the block's number as nonce.
//! A key is never used for a second blob and a block is written once, so no nonce comes twice
//! under one key.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};

use crate::{BlobKey, ReadError};

/// What sealing adds to a block.
pub(crate) const TAG_BYTES: usize = 16;

/// A blob's key, ready for use: making it costs more than sealing a small block.
pub(crate) struct Seal(LessSafeKey);

impl Seal {
    pub(crate) fn new(key: &BlobKey) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, &key.0).expect("a key has the cipher's 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Encrypts `block` where it is; the tag belongs behind it.
    pub(crate) fn seal(&self, number: u64, block: &mut [u8]) -> [u8; TAG_BYTES] {
        let tag = self.0.seal_in_place_separate_tag(nonce(number), Aad::empty(), block);
        let tag = tag.expect("a block is far below the cipher's 64 GiB");
        tag.as_ref().try_into().expect("the cipher's tag has 16 bytes")
    }

    /// Decrypts a block with its tag behind it where it is; answers the block alone. Its
    /// checksum was compared before, so what does not open has another key.
    pub(crate) fn open<'a>(
        &self,
        number: u64,
        sealed: &'a mut [u8],
    ) -> Result<&'a mut [u8], ReadError> {
        let opened = self.0.open_in_place(nonce(number), Aad::empty(), sealed);
        opened.map_err(|_| ReadError::WrongKey)
    }
}

fn nonce(number: u64) -> Nonce {
    let mut bytes = [0; 12];
    bytes[..8].copy_from_slice(&number.to_le_bytes());
    Nonce::assume_unique_for_key(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(key: u8, number: u64, text: &[u8]) -> Vec<u8> {
        let mut block = text.to_vec();
        let tag = Seal::new(&BlobKey([key; 32])).seal(number, &mut block);
        block.extend_from_slice(&tag);
        block
    }

    #[test]
    fn only_the_same_key_and_number_open_a_block() {
        let check = |key, number, expected: Result<&[u8], ReadError>| {
            let mut block = sealed(1, 7, b"text");
            let opened = Seal::new(&BlobKey([key; 32])).open(number, &mut block).map(|text| &*text);
            assert_eq!(opened, expected);
        };
        check(1, 7, Ok(b"text"));
        check(1, 8, Err(ReadError::WrongKey));
        check(2, 7, Err(ReadError::WrongKey));
    }

    /// What is stored must open for ever. Key zero, nonce zero and no text is test case 13 of
    /// the GCM specification.
    #[test]
    fn the_cipher_is_gcm_as_specified() {
        let tag = [
            0x53, 0x0f, 0x8a, 0xfb, 0xc7, 0x45, 0x36, 0xb9, 0xa9, 0x63, 0xb4, 0xf1, 0xc4, 0xcb,
            0x73, 0x8b,
        ];
        assert_eq!(sealed(0, 0, b""), tag);
    }
}
