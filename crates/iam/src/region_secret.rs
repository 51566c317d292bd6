//! Secrets that only this region has, made when they are first needed and never changed.

use aws::Random;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use state::{Record, Records, Scope, Stored};

use crate::error::{Error, Result};
use crate::secret::Secret;

/// In haneul's own scope, by what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RegionSecret {
    base64: Secret,
}

impl Record for RegionSecret {
    const KIND: &'static str = "iam.region-secret";
    const FORMAT: u32 = 1;
}

/// What a secret is for; each has one of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    SessionTokens,
    PageTokens,
}

impl Purpose {
    fn id(self) -> &'static str {
        match self {
            Self::SessionTokens => "session-tokens",
            Self::PageTokens => "page-tokens",
        }
    }
}

/// The secret, which the first caller makes.
///
/// # Errors
/// When the store does not answer or the stored secret is damaged.
pub async fn region_secret(
    records: &Records,
    random: &Random,
    purpose: Purpose,
) -> Result<[u8; 32]> {
    let stored: Stored<RegionSecret> = records
        .retry(async || {
            if let Some(stored) = records.get(&Scope::Haneul, purpose.id()).await? {
                return Ok(stored);
            }
            let mut bytes = [0; 32];
            random.fill(&mut bytes);
            let secret = RegionSecret { base64: Secret::new(BASE64_STANDARD.encode(bytes)) };
            let mut txn = records.transaction();
            txn.create(&Scope::Haneul, purpose.id(), &secret);
            txn.commit().await?;
            // The next round reads what was written, whoever wrote it.
            Err(Error::ConcurrentModification)
        })
        .await?;
    let bytes = BASE64_STANDARD.decode(stored.record.base64.reveal()).unwrap_or_default();
    let damaged = |_| Error::Internal(format!("the secret for {} is damaged", purpose.id()));
    bytes.try_into().map_err(damaged)
}
