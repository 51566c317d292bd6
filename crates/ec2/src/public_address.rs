//! The addresses of the host's public pool: who holds which. One record an address, for all
//! accounts and regions, so that none is given twice.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use ipnet::Ipv4Net;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Transaction};

use crate::Ec2;
use crate::error::{Error, Result};

/// By the address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAddress {
    /// An allocation of an Elastic IP address, or an interface.
    pub holder: String,
}

impl Record for PublicAddress {
    const KIND: &'static str = "ec2.public-address";
    const FORMAT: u32 = 1;
}

/// The pool's first addresses are the machine's own, and its last the broadcast.
const OWN: u32 = 16;

impl Ec2 {
    /// Takes a free address for `holder`, none of `planned`, which the same transaction took.
    ///
    /// # Errors
    /// `InsufficientAddressCapacity` when all are taken.
    pub(crate) async fn take_public_address(
        &self,
        txn: &mut Transaction,
        holder: &str,
        planned: &BTreeSet<Ipv4Addr>,
    ) -> Result<Ipv4Addr> {
        let claims = self.all::<PublicAddress>(&Scope::Haneul, "").await?.into_iter();
        let mut taken: BTreeSet<Ipv4Addr> =
            claims.filter_map(|claim| claim.key.id.parse().ok()).collect();
        taken.extend(planned);
        let address = free(self.inner.host.public_pool(), &taken, self.inner.random.next_u64());
        let full = || {
            let message = "Insufficient capacity to satisfy your address request.";
            Error::coded("InsufficientAddressCapacity", message)
        };
        let address = address.ok_or_else(full)?;
        txn.create(&Scope::Haneul, &address.to_string(), &PublicAddress { holder: holder.into() });
        Ok(address)
    }

    pub(crate) async fn free_public_address(
        &self,
        txn: &mut Transaction,
        address: Ipv4Addr,
    ) -> Result<()> {
        let id = address.to_string();
        if let Some(claim) = self.records().get::<PublicAddress>(&Scope::Haneul, &id).await? {
            txn.delete(&claim);
        }
        Ok(())
    }
}

/// The first free address after a drawn one: neighbours in time are then not neighbours in
/// space, and two who draw at once rarely meet.
fn free(pool: Ipv4Net, taken: &BTreeSet<Ipv4Addr>, drawn: u64) -> Option<Ipv4Addr> {
    let first = u32::from(pool.network()).saturating_add(OWN);
    let count = u32::from(pool.broadcast()).checked_sub(first).filter(|count| *count > 0)?;
    let start = u32::try_from(drawn % u64::from(count)).ok()?;
    let at = |step: u32| {
        Ipv4Addr::from(
            first
                + (u64::from(start) + u64::from(step))
                    .rem_euclid(u64::from(count))
                    .try_into()
                    .unwrap_or(0),
        )
    };
    (0..count).map(at).find(|address| !taken.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_address_of_a_pool_but_the_machine_s_own_is_given_once() {
        let pool: Ipv4Net = "198.18.0.0/27".parse().expect("valid");
        let mut taken = BTreeSet::new();
        while let Some(address) = free(pool, &taken, u64::try_from(taken.len()).expect("few") * 7) {
            assert!(taken.insert(address));
        }
        let all: Vec<Ipv4Addr> = (16..31).map(|last| Ipv4Addr::new(198, 18, 0, last)).collect();
        assert_eq!(taken.into_iter().collect::<Vec<_>>(), all);
        assert_eq!(free("198.18.0.0/29".parse().expect("valid"), &BTreeSet::new(), 3), None);
    }
}
