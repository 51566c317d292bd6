//! What S3 keeps, as the engine's rows.
//!
//! | key | value |
//! | --- | --- |
//! | `B` name | [`Bucket`] |
//! | `A` account `/` name | nothing: which buckets an account owns |
//! | `O` bucket key-end zero | the current [`Version`] of a key, a delete marker or not |
//! | `O` bucket key-end order | a noncurrent [`Version`], the newest first |
//! | `N` bucket key | the stamp of the key's noncurrent `null` version |
//! | `U` bucket key-end stamp | an [`Upload`] underway, the oldest first |
//! | `P` upload part-number | a [`Part`] |
//! | `R` bucket | nothing: uploads of a removed bucket that are still to be removed |
//! | `K` name | keys of the region, such as the master key |
//!
//! *bucket* is the bucket's id, not its name: what a removed bucket leaves behind is never seen in
//! a new one of the same name. Numbers are big-endian, so that they sort. *key-end* is the key
//! with each NUL written as `00 FF` and `00 01` at its end, so that keys sort by their bytes
//! whatever follows them; so one scan shows all versions of all keys as of one moment. A key with
//! noncurrent versions always has a current one. Values are `FORMAT {json}`: a newer format than this program knows is
//! an error, never half read.

mod bucket;
mod codec;
mod cors;
mod id;
mod key;
mod lifecycle;
mod upload;
mod version;
mod website;

pub use bucket::{
    Bucket, DefaultRetention, Encryption, ObjectLock, Ownership, PublicAccessBlock, Versioning,
};
pub use codec::{Codec, Unreadable};
pub use cors::CorsRule;
pub use id::{null_pointer, null_stamp};
pub use key::{
    all_buckets, bucket_key, buckets_of, noncurrent_key, noncurrent_of, null_key, object_key,
    objects_of, owner_key, part_key, part_number, parts_of, past_uploads_of, past_versions_of,
    removed_buckets, removed_key, removed_row, upload_key, uploads_under, version_row,
};
pub use lifecycle::{
    Expiration, Filter, FilterForm, Lifecycle, LifecycleRule, NoncurrentExpiration,
    NoncurrentTransition, Transition, When,
};
pub use upload::{Part, Upload, UploadId};
pub use version::{
    Acl, Checksum, ChecksumKind, Content, Grant, Grantee, Headers, Piece, Restore, Retention,
    Sealing, Version, VersionId,
};
pub use website::{Pages, Replace, RoutingRule, Website};
