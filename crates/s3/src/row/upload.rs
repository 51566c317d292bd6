//! A multipart upload underway and its parts.

use aws::{AccountId, Random, Timestamp};
use serde::{Deserialize, Serialize};

use super::{ChecksumKind, Codec, Content, id};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Upload {
    pub id: UploadId,
    /// The stamp of its beginning.
    pub stamp: u64,
    pub key: String,
    pub initiated: Timestamp,
    /// The account and ARN of who began it.
    pub account: AccountId,
    pub initiator: String,
    pub owner: AccountId,
    /// What the object will be, but for its bytes, etag, checksum and pieces.
    pub content: Content,
    /// As AWS spells it; `None` when none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_algorithm: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum_kind: Option<ChecksumKind>,
}

/// Holds the stamp, so that an upload is found without a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UploadId(pub String);

impl UploadId {
    /// For the upload begun by the change of this stamp.
    pub fn new(stamp: u64, random: &Random) -> Self {
        Self(id::make(stamp, random))
    }

    /// `None` for what is no upload id of ours.
    pub fn stamp(&self) -> Option<u64> {
        id::stamp(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// `None` when there are no bytes.
    pub blob: Option<u64>,
    pub bytes: u64,
    pub salt: u64,
    /// Hex: the MD5 of its bytes, but for a customer's key.
    pub etag: String,
    pub modified: Timestamp,
    /// Algorithm and value, base64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<(String, String)>,
}

impl Codec for Upload {
    const FORMAT: u32 = 1;
}

impl Codec for Part {
    const FORMAT: u32 = 1;
}
