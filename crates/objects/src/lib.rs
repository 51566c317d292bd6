//! The object engine: an ordered table of *rows* and a heap of immutable *blobs*, durable over
//! the zones. It knows nothing of S3; `s3` keeps buckets, versions and uploads in rows and
//! objects' bytes in blobs.
//!
//! **Promise.** When [`Engine::commit`] answers `Ok`, its rows and the blobs it attached are
//! synced in every healthy zone, at least two (a [`Layout::OneZone`] blob's bytes: in its zone),
//! and will be there after kill -9, power loss and the loss of any one zone. Changes are decided
//! one after the other, each on the result of all before it, so a condition looked at in the
//! deciding function holds when the change takes effect.
//!
//! ```text
//! writer ──▶ BlobWriter ──▶ NewBlob (bytes synced, owned by nobody)
//!                              │ attach
//! commit(|change| …) ──────────┴──▶ one frame of the journal ──▶ rows, readable at once
//! ```

mod blob;
mod change;
mod engine;
mod error;
pub mod extents;
mod row;
mod seal;

pub use blob::{BlobId, BlobKey, BlobReader, BlobWriter, Layout, NewBlob};
pub use change::Change;
pub use engine::Engine;
pub use error::{CommitError, ReadError, WriteError};
pub use row::{KEY_BYTES_MAX, Row, Rows, Scan, VALUE_BYTES_MAX};
