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
//! commit(|change| …) ──────────┴─▶ line: decide on the newest rows, one frame to the journal
//!                                    │ durable, in order
//!                                  keeper: into the table in memory, then the answer
//!                                    │ now and then, in the background
//!                                  index: a view of the log, in a file that can be lost
//! ```
//! Start reading at `shared.rs` (a commit), `keeper.rs` (what becomes of it) and `replay.rs` (a
//! start). Formats are at the top of `frame.rs` and `index/database.rs`; the argument that
//! nothing acknowledged is lost is `docs/0007-object-engine.md`.

mod blob;
mod change;
mod engine;
mod error;
pub mod extents;
mod frame;
mod index;
mod keeper;
mod keeping;
mod line;
mod memory_disk;
mod options;
mod outages;
mod rebuild;
mod replay;
mod row;
mod scan;
mod seal;
mod shared;
mod table;
mod tables;
mod tender;

pub use blob::{BlobId, BlobKey, BlobReader, BlobWriter, FoundBlob, Layout, NewBlob};
pub use change::{CHANGE_BYTES_MAX, Change};
pub use engine::{Engine, Health};
pub use error::{CommitError, ReadError, WriteError};
pub use frame::FrameError;
#[doc(hidden)]
pub use frame::check as check_frame;
pub use index::Segment;
pub use keeping::{KeepingError, LogScrub, ScrubReport};
pub use options::{Found, FoundIndex, Limits, OpenError, Options, Random, Zone};
pub use row::{KEY_BYTES_MAX, Row, Rows, Scan, VALUE_BYTES_MAX};
