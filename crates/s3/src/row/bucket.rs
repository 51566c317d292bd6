//! A bucket and its configuration.

use aws::{AccountId, Error, Region, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Acl, Codec, CorsRule, Lifecycle, Website};
use crate::error::invalid_argument;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bucket {
    /// The stamp of its creation.
    pub id: u64,
    pub name: String,
    pub account: AccountId,
    pub region: Region,
    pub created: Timestamp,
    #[serde(default)]
    pub versioning: Versioning,
    /// `None` after DeleteBucketOwnershipControls, which behaves as `ObjectWriter`.
    #[serde(default)]
    pub ownership: Option<Ownership>,
    #[serde(default)]
    pub public_access_block: Option<PublicAccessBlock>,
    #[serde(default)]
    pub acl: Acl,
    /// In the order they were given.
    #[serde(default)]
    pub tags: Vec<(String, String)>,
    /// The document as it was put.
    #[serde(default)]
    pub policy: Option<String>,
    /// Once set it stays for as long as the bucket, and versioning with it.
    #[serde(default)]
    pub object_lock: Option<ObjectLock>,
    #[serde(default)]
    pub encryption: Encryption,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cors: Vec<CorsRule>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website: Option<Website>,
    #[serde(default)]
    pub accelerate_suspended: bool,
    #[serde(default)]
    pub lifecycle: Option<Lifecycle>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Versioning {
    /// Never enabled: versions have no ids.
    #[default]
    Unset,
    Enabled,
    Suspended,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ownership {
    BucketOwnerEnforced,
    BucketOwnerPreferred,
    ObjectWriter,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicAccessBlock {
    pub block_public_acls: bool,
    pub ignore_public_acls: bool,
    pub block_public_policy: bool,
    pub restrict_public_buckets: bool,
}

/// The algorithm is always `AES256`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encryption {
    /// Kept for whoever reads it again; without KMS it says nothing.
    #[serde(default)]
    pub bucket_key: bool,
    /// As given: `SSE-C` refuses keys of customers.
    #[serde(default)]
    pub blocked: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectLock {
    /// What a new version gets that asks for no retention itself.
    #[serde(default)]
    pub default_retention: Option<DefaultRetention>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DefaultRetention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    pub days: u32,
    /// Whether it was given in years of 365 days, as it is shown again.
    #[serde(default)]
    pub in_years: bool,
}

impl Ownership {
    /// `None` for a name that is none.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::BucketOwnerEnforced, Self::BucketOwnerPreferred, Self::ObjectWriter]
            .into_iter()
            .find(|ownership| ownership.name() == name)
    }

    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::BucketOwnerEnforced => "BucketOwnerEnforced",
            Self::BucketOwnerPreferred => "BucketOwnerPreferred",
            Self::ObjectWriter => "ObjectWriter",
        }
    }
}

impl PublicAccessBlock {
    /// What new buckets have.
    pub const ALL: Self = Self {
        block_public_acls: true,
        ignore_public_acls: true,
        block_public_policy: true,
        restrict_public_buckets: true,
    };
}

impl Bucket {
    /// Whether access control lists have no say: the bucket's account owns every object.
    pub fn owns_all(&self) -> bool {
        self.ownership == Some(Ownership::BucketOwnerEnforced)
    }

    /// Whether objects encrypted with keys of customers are refused.
    pub fn blocks_customer_keys(&self) -> bool {
        self.encryption.blocked.iter().any(|kind| kind == "SSE-C")
    }

    /// The blocks in force.
    pub fn blocks(&self) -> PublicAccessBlock {
        self.public_access_block.unwrap_or_default()
    }

    /// Judges `x-amz-expected-bucket-owner`.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-owner-condition.html>
    ///
    /// # Errors
    /// `AccessDenied` when another account is expected; `InvalidArgument` for no account id.
    pub fn expect_owner(&self, expected: Option<&str>) -> Result<(), Error> {
        let Some(expected) = expected else { return Ok(()) };
        if expected.len() != 12 || !expected.bytes().all(|b| b.is_ascii_digit()) {
            let why = "The value of the expected bucket owner parameter must be an AWS Account ID";
            return Err(invalid_argument(why, "x-amz-expected-bucket-owner", expected));
        }
        if self.account.as_str() != expected {
            return Err(Error::access_denied("Access Denied"));
        }
        Ok(())
    }
}

impl Codec for Bucket {
    const FORMAT: u32 = 1;
}
