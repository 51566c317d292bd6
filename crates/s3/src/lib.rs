//! S3 on the object engine.
//!
//! Everything S3 knows is a row or a blob of one [`objects::Engine`]: buckets with their
//! configuration ([`row::Bucket`]), versions of objects ([`row::Version`]), multipart uploads and
//! their parts ([`row::Upload`], [`row::Part`]). An operation reads rows, decides in one
//! [`objects::Engine::commit`], and answers. Bytes are written as blobs first and attached in the
//! commit; nothing that is not committed is ever seen.
//!
//! `operations.rs` says which function serves which operation; the functions are in the file of
//! their noun.

pub(crate) mod acl;
pub mod address;
pub mod authorization;
pub mod bucket;
pub mod checksum;
mod condition;
pub mod error;
pub mod form;
mod keys;
pub mod lifecycle;
pub mod list;
pub mod model;
pub mod object;
#[allow(clippy::needless_question_mark, reason = "made for services with errors of their own too")]
mod operations;
mod range;
pub mod row;
#[cfg(test)]
pub(crate) mod testing;
pub mod upload;
mod version;
pub mod website;

use std::sync::{Arc, OnceLock};

use aws::{Authorizer, Clock, Error, Random, Region};
use objects::{Engine, Rows};
use row::Bucket;

/// S3 of every region of this process: names of buckets are one space for all of them.
#[derive(Clone)]
pub struct S3 {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) engine: Engine,
    pub(crate) clock: Arc<Clock>,
    pub(crate) random: Arc<Random>,
    /// Where requests that name no region are.
    pub(crate) region: Region,
    /// The base of addresses, `localhost` by default.
    pub(crate) domain: String,
    /// For questions that arise while an operation runs: about each key of DeleteObjects, and
    /// whether a caller may know that a key is not there.
    pub(crate) authorizer: Arc<dyn Authorizer>,
    pub(crate) buckets: bucket::lookup::Lookup,
    pub(crate) versions: version::Parsed,
    pub(crate) master_key: OnceLock<Arc<keys::WrappingKey>>,
    pub(crate) day: lifecycle::Day,
}

impl S3 {
    pub fn new(
        engine: Engine,
        clock: Arc<Clock>,
        random: Arc<Random>,
        region: Region,
        domain: String,
        authorizer: Arc<dyn Authorizer>,
        day: lifecycle::Day,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                engine,
                clock,
                random,
                region,
                domain,
                authorizer,
                buckets: bucket::lookup::Lookup::default(),
                versions: version::Parsed::default(),
                master_key: OnceLock::new(),
                day,
            }),
        }
    }

    pub(crate) fn engine(&self) -> &Engine {
        &self.inner.engine
    }

    /// The region of the bucket of this name, if there is one.
    ///
    /// # Errors
    /// When the index cannot be read.
    pub fn region_of(&self, bucket: &str) -> Result<Option<Region>, Error> {
        match self.bucket(self.engine(), bucket) {
            Ok(bucket) => Ok(Some(bucket.region.clone())),
            Err(error) if error.code == "NoSuchBucket" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The bucket of this name as `rows` (the engine, or a change) have it.
    ///
    /// # Errors
    /// `NoSuchBucket`, and when the index cannot be read.
    pub(crate) fn bucket(&self, rows: &dyn Rows, name: &str) -> Result<Arc<Bucket>, Error> {
        self.inner.buckets.find(rows, name)
    }

    /// The bucket that an operation began with, as it is now.
    ///
    /// # Errors
    /// `NoSuchBucket` also when another one has its name by now: nobody was asked about that.
    pub(crate) fn same_bucket(
        &self,
        rows: &dyn Rows,
        bucket: &Bucket,
    ) -> Result<Arc<Bucket>, Error> {
        let found = self.bucket(rows, &bucket.name)?;
        if found.id == bucket.id { Ok(found) } else { Err(error::no_such_bucket(&bucket.name)) }
    }
}
