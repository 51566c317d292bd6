//! A VPC as a whole: the record that every change of it raises.
//!
//! A store's transaction can demand that records are as they were read, not that no other was
//! added. So whoever changes anything in a VPC reads its [`Network`] first and [`raise`]s it in
//! the same transaction: all changes of one VPC come one after the other, and each has seen
//! all before it. The reconciler wakes by the same record.

pub mod derive;
pub mod reconciler;

use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored, Transaction};

use crate::error::{Error, Result};
use crate::{Ec2, id};

/// By the VPC's id. It outlives the VPC until the machine's network is removed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Network {
    pub version: u64,
}

impl Record for Network {
    const KIND: &'static str = "ec2.network";
    const FORMAT: u32 = 1;
}

impl Ec2 {
    /// To be read before anything of the VPC that a change depends on.
    ///
    /// # Errors
    /// `InvalidVpcID.NotFound`, `InvalidVpcID.Malformed`.
    pub(crate) async fn network(&self, scope: &Scope, vpc_id: &str) -> Result<Stored<Network>> {
        id::VPC.check(vpc_id)?;
        let found = self.records().get(scope, vpc_id).await?;
        found.ok_or_else(|| Error::not_found(id::VPC, vpc_id))
    }
}

/// The transaction changes something of the VPC, as it was when `network` was read.
pub fn raise(txn: &mut Transaction, network: &Stored<Network>) {
    txn.update(network, &Network { version: network.record.version + 1 });
}

#[cfg(test)]
mod tests;
