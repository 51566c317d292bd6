//! A version of an object.

use aws::{AccountId, Random, Timestamp};
use objects::BlobId;
use serde::{Deserialize, Serialize};

use super::{Codec, UploadId, id};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Version {
    pub id: VersionId,
    /// Orders the versions of a key; the stamp of the change that made it.
    pub stamp: u64,
    pub modified: Timestamp,
    /// Who owns it: the bucket's account, or the writer's where ownership says so.
    pub owner: AccountId,
    /// `None` for a delete marker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Content>,
}

/// What AWS shows as `versionId`: `null`, or 32 characters that hold the stamp, so that a
/// version is found without a search.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct VersionId(pub String);

impl VersionId {
    /// For the version made by the change of this stamp.
    pub fn new(stamp: u64, random: &Random) -> Self {
        Self(id::make(stamp, random))
    }

    /// The one version of a key that was put while versioning was not enabled.
    pub fn null() -> Self {
        Self("null".to_owned())
    }

    pub fn is_null(&self) -> bool {
        self.0 == "null"
    }

    /// `None` for the null version and for what is no version id of ours.
    pub fn stamp(&self) -> Option<u64> {
        id::stamp(&self.0)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Content {
    pub bytes: u64,
    /// Without its quotes.
    pub etag: String,
    /// As AWS spells it: `STANDARD`, `ONEZONE_IA`.
    pub class: String,
    /// In their order; one for a plain PUT, none for an empty object.
    pub pieces: Vec<Piece>,
    /// Whether it came by a multipart upload: its pieces are its parts then.
    #[serde(default, skip_serializing_if = "is_default")]
    pub multipart: bool,
    /// The upload it came by, for a client that asks again to complete it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upload: Option<UploadId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<Checksum>,
    #[serde(default, skip_serializing_if = "is_default")]
    pub headers: Headers,
    /// `x-amz-meta-` names without that prefix, in lower case, and their values.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metadata: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub website_redirect: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<(String, String)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acl: Option<Acl>,
    pub sealing: Sealing,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retention: Option<Retention>,
    /// `None`: never given one, which GetObjectLegalHold tells from `OFF`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub legal_hold: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restore: Option<Restore>,
}

/// Bytes of an object: a blob.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Piece {
    pub blob: u64,
    pub bytes: u64,
    /// The part's number, 1 for a plain PUT.
    pub number: u16,
    /// With the version's data key makes the blob's own key.
    pub salt: u64,
    /// The part's own checksum, base64, where its upload has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
}

impl Piece {
    pub fn blob(&self) -> BlobId {
        BlobId(self.blob)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum {
    /// As AWS spells it: `CRC32`, `CRC32C`, `CRC64NVME`, `SHA1`, `SHA256`.
    pub algorithm: String,
    /// Base64; composite ones end in `-N`.
    pub value: String,
    pub kind: ChecksumKind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ChecksumKind {
    FullObject,
    Composite,
}

impl ChecksumKind {
    /// As AWS spells it.
    pub fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }
}

/// Headers given back as they were put.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headers {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_control: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<String>,
}

/// How a version's data key is kept: every version has one of its own, 256 bits, from which
/// its blobs' keys are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sealing {
    /// SSE-S3: wrapped under the region's master key; base64.
    Region { wrapped: String },
    /// SSE-C: wrapped under the key that the customer sends with each request.
    Customer { wrapped: String, key_md5: String },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retention {
    /// `GOVERNANCE` or `COMPLIANCE`.
    pub mode: String,
    pub until: Timestamp,
}

/// A restore of an archived version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restore {
    /// When the copy is (or was) there.
    pub ready: Timestamp,
    pub expires: Timestamp,
    /// `Expedited`, `Standard` or `Bulk`.
    pub tier: String,
}

/// Grants beside the owner's own. The default is private.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acl {
    /// `None`: the owner's `FULL_CONTROL` alone, the ACL of everything that was given none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Vec<Grant>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub grantee: Grantee,
    /// `READ`, `WRITE`, `READ_ACP`, `WRITE_ACP` or `FULL_CONTROL`.
    pub permission: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Grantee {
    /// A canonical user id.
    CanonicalUser(String),
    /// A predefined group's URI.
    Group(String),
}

/// Rows are small: what says nothing is not written.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Sealing {
    /// `x-amz-server-side-encryption`.
    pub fn algorithm_shown(&self) -> Option<String> {
        matches!(self, Self::Region { .. }).then(|| "AES256".to_owned())
    }

    /// `x-amz-server-side-encryption-customer-algorithm`.
    pub fn customer_algorithm_shown(&self) -> Option<String> {
        matches!(self, Self::Customer { .. }).then(|| "AES256".to_owned())
    }

    /// `x-amz-server-side-encryption-customer-key-MD5`.
    pub fn customer_key_md5_shown(&self) -> Option<String> {
        match self {
            Self::Region { .. } => None,
            Self::Customer { key_md5, .. } => Some(key_md5.clone()),
        }
    }
}

impl Codec for Version {
    const FORMAT: u32 = 1;
}
