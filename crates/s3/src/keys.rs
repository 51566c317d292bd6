//! Keys: nothing of an object lies open on a disk.
//!
//! Every version has a *data key* of its own, 256 random bits, from which the keys of its blobs
//! are made. The version's row keeps it wrapped: under the region's *master key* (SSE-S3), or
//! under the key that the customer sends with each request and that is kept nowhere (SSE-C). The
//! master key is a row beside the others: what it protects from is a disk, a zone's folder or a
//! backup of blobs that gets into other hands without the log.
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingEncryption.html>

mod customer;

use std::sync::Arc;

use aws::random::HEX;
use aws::{Error, Random};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use objects::{BlobKey, Rows};

use crate::S3;
use crate::checksum::Digested;
use crate::error::EngineFailure;
use crate::row::Sealing;

pub(crate) use customer::{CustomerHeaders, CustomerKey};

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;
const MASTER_ROW: &[u8] = b"Kmaster";

/// What a version's blobs' keys are made from.
pub(crate) struct DataKey([u8; KEY_BYTES]);

/// A key that wraps others.
pub(crate) struct WrappingKey(LessSafeKey);

impl DataKey {
    fn random(random: &Random) -> Self {
        let mut key = [0; KEY_BYTES];
        random.fill(&mut key);
        Self(key)
    }

    /// The key of one of the version's blobs. `salt` must be another for each of them: a blob's
    /// key is used once.
    pub(crate) fn blob_key(&self, salt: u64) -> BlobKey {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.0);
        let tag = hmac::sign(&key, &salt.to_be_bytes());
        BlobKey(tag.as_ref().try_into().expect("HMAC-SHA256 has a key's 32 bytes"))
    }
}

impl WrappingKey {
    fn new(key: &[u8; KEY_BYTES]) -> Self {
        let key = UnboundKey::new(&AES_256_GCM, key).expect("a key has the cipher's 32 bytes");
        Self(LessSafeKey::new(key))
    }

    /// Base64 of nonce, sealed key and tag. Nonces are random: 2^32 wrappings under one key are
    /// far more than a region makes, and safe.
    fn wrap(&self, key: &DataKey, random: &Random) -> String {
        let mut nonce = [0; NONCE_BYTES];
        random.fill(&mut nonce);
        let mut sealed = key.0;
        let tag = self
            .0
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::empty(),
                &mut sealed,
            )
            .expect("a key is far below the cipher's 64 GiB");
        STANDARD.encode([&nonce, &sealed[..], tag.as_ref()].concat())
    }

    /// `None` for what was not wrapped under this key.
    fn unwrap(&self, wrapped: &str) -> Option<DataKey> {
        let mut sealed = STANDARD.decode(wrapped).ok()?;
        let (nonce, sealed) = sealed.split_first_chunk_mut::<NONCE_BYTES>()?;
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let key = self.0.open_in_place(nonce, Aad::empty(), sealed).ok()?;
        Some(DataKey(<[u8; KEY_BYTES]>::try_from(&*key).ok()?))
    }
}

impl S3 {
    /// A new version's data key, and how its row keeps it.
    ///
    /// # Errors
    /// When the master key cannot be read, or made at the first use.
    pub(crate) async fn new_data_key(
        &self,
        customer: Option<&CustomerKey>,
    ) -> Result<(DataKey, Sealing), Error> {
        let random = &self.inner.random;
        let key = DataKey::random(random);
        let sealing = match customer {
            Some(customer) => Sealing::Customer {
                wrapped: customer.wrapping().wrap(&key, random),
                key_md5: customer.md5.clone(),
            },
            None => Sealing::Region { wrapped: self.master_key().await?.wrap(&key, random) },
        };
        Ok((key, sealing))
    }

    /// The ETag of an object or a part. Under a customer's key it is no digest: that would tell
    /// whoever lists the bucket what only the key's holder may know.
    pub(crate) fn etag(&self, sealing: &Sealing, digested: &Digested) -> String {
        match sealing {
            Sealing::Region { .. } => digested.etag(),
            Sealing::Customer { .. } => self.inner.random.letters(HEX, 32),
        }
    }

    /// A version's data key.
    ///
    /// # Errors
    /// `InvalidRequest` when the customer's key is missing, or not asked for; `AccessDenied` when
    /// it is another.
    pub(crate) async fn data_key(
        &self,
        sealing: &Sealing,
        customer: Option<&CustomerKey>,
    ) -> Result<DataKey, Error> {
        customer::fits(sealing, customer)?;
        let key = match (sealing, customer) {
            (Sealing::Customer { wrapped, .. }, Some(customer)) => {
                customer.wrapping().unwrap(wrapped)
            }
            (Sealing::Region { wrapped } | Sealing::Customer { wrapped, .. }, _) => {
                self.master_key().await?.unwrap(wrapped)
            }
        };
        key.ok_or_else(|| Error::internal("a data key that its wrapping key does not open"))
    }

    /// The region's, made when first asked for.
    async fn master_key(&self) -> Result<Arc<WrappingKey>, Error> {
        if let Some(key) = self.inner.master_key.get() {
            return Ok(key.clone());
        }
        let mut fresh = [0; KEY_BYTES];
        self.inner.random.fill(&mut fresh);
        let decide = |change: &mut objects::Change<'_>| match change.get(MASTER_ROW) {
            Ok(Some(row)) => Ok(<[u8; KEY_BYTES]>::try_from(&*row.value)),
            Ok(None) => {
                change.set(MASTER_ROW, fresh.to_vec());
                Ok(Ok(fresh))
            }
            Err(error) => Err(error.refusal()),
        };
        let kept = self.engine().commit(decide).await.map_err(EngineFailure::refusal)??;
        let key = kept.map_err(|_| Error::internal("the master key's row is damaged"))?;
        Ok(self.inner.master_key.get_or_init(|| Arc::new(WrappingKey::new(&key))).clone())
    }
}

#[cfg(test)]
mod tests;
