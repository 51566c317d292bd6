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

mod called;

pub mod account_attribute;
pub mod region;

pub mod address;
pub mod default_vpc;
pub mod dhcp_options;
pub mod internet_gateway;
pub mod nat_gateway;
pub mod network;
pub mod network_acl;
pub mod network_interface;
pub mod public_address;
pub mod route;
pub mod route_table;
pub mod route_table_association;
pub mod security_group;
pub mod subnet;
pub mod vpc;
pub mod vpc_attribute;
pub mod vpc_block;

pub mod iam;
pub mod image;
pub mod instance;
pub mod instance_type;
pub mod key_pair;
pub mod launch;
pub mod launch_template;
pub mod snapshot;
pub mod volume;

pub mod inside;
pub mod metadata;

pub mod authorization;
pub mod operations;
pub mod reconcilers;

pub mod block_device;
pub mod client_token;
pub mod dns_name;
pub mod filter;
pub mod id;
pub mod kinds;
pub mod listing;
pub mod name;
pub mod page;
pub mod share;
pub mod tag;

#[cfg(test)]
pub(crate) mod testing;

use std::sync::{Arc, OnceLock};

use aws::page::PageTokens;
use aws::{Call, Caller, Clock, Random};
use host::Host;
use state::{Records, Scope};

use crate::error::Result;
use crate::inside::Inside;

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
    /// For what other services know: roles and their credentials.
    pub(crate) caller: Arc<Caller>,
    pub(crate) role_credentials: metadata::Kept,
    page_tokens: tokio::sync::OnceCell<PageTokens>,
    /// Held by whoever makes a network of the machine.
    pub(crate) networks: tokio::sync::Mutex<()>,
    pub(crate) inside: OnceLock<Arc<dyn Inside>>,
}

impl Ec2 {
    pub fn new(
        records: Records,
        host: Arc<dyn Host>,
        clock: Arc<Clock>,
        random: Arc<Random>,
        caller: Arc<Caller>,
    ) -> Self {
        let (role_credentials, page_tokens, networks, inside) = Default::default();
        let inner = Inner {
            records,
            host,
            clock,
            random,
            caller,
            role_credentials,
            page_tokens,
            networks,
            inside,
        };
        Self { inner: Arc::new(inner) }
    }

    /// Who answers inside the VPCs; to be said once, before the reconcilers start.
    pub fn answer_inside(&self, inside: Arc<dyn Inside>) {
        let first = self.inner.inside.set(inside).is_ok();
        assert!(first, "somebody answers inside the VPCs already");
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
