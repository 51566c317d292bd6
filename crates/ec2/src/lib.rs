//! EC2: instances, their disks, images and networks.
//!
//! # Promises
//! - A handler makes one transaction and answers with AWS's transitional state; reconcilers
//!   make the machine so through [`host::Host`], and say in the records what they saw.
//! - What a record says of a machine (`running`, `attached`, `available`) was seen, not hoped.
//!
//! # Records
//! In the scope of account and region, by id: `ec2.vpc`, …; the tags of every resource in
//! `ec2.tags`, by the resource's id.
//!
//! Start reading at [`vpc`], then [`authorization`] and [`error`].

pub mod error;
pub mod model;

pub mod region;
pub mod vpc;

pub mod image;
pub mod instance_type;
pub mod key_pair;
pub mod snapshot;
pub mod volume;

pub mod inside;
pub mod metadata;

pub mod authorization;
pub mod operations;
pub mod reconcilers;

pub mod client_token;
pub mod filter;
pub mod id;
pub mod kinds;
pub mod name;
pub mod page;
pub mod share;
pub mod tag;

#[cfg(test)]
pub(crate) mod testing;

use std::sync::Arc;

use aws::page::PageTokens;
use aws::{Call, Clock, Random};
use host::Host;
use state::{Records, Scope};

use crate::error::Result;

pub use crate::error::Error;
pub use crate::kinds::kinds;

/// The service EC2. Cheap to clone.
#[derive(Clone)]
pub struct Ec2 {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) records: Records,
    pub(crate) host: Arc<dyn Host>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) random: Arc<Random>,
    page_tokens: tokio::sync::OnceCell<PageTokens>,
}

impl Ec2 {
    pub fn new(
        records: Records,
        host: Arc<dyn Host>,
        clock: Arc<Clock>,
        random: Arc<Random>,
    ) -> Self {
        let page_tokens = Default::default();
        Self { inner: Arc::new(Inner { records, host, clock, random, page_tokens }) }
    }

    pub(crate) fn records(&self) -> &Records {
        &self.inner.records
    }

    /// Runs an attempt again while what it read is changed before its commit.
    pub(crate) async fn retry<T, F>(&self, attempt: impl FnMut() -> F) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        self.inner.records.retry(attempt).await
    }
}

/// Whose resources a call is about: the caller's in the region of its signature.
///
/// # Errors
/// For an unsigned request.
pub(crate) fn scope(call: &Call) -> Result<Scope> {
    Ok(Scope::Regional(call.account()?.clone(), call.region.clone()))
}
