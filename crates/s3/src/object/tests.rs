//! Objects put, read and deleted.

mod put_get;
mod races;
mod versions;
