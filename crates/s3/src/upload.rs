//! Multipart uploads.

pub mod abort;
pub mod complete;
pub mod create;
pub mod list_parts;
pub mod list_uploads;
pub mod part;
pub mod part_copy;
