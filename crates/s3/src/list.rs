//! Lists of keys.

pub mod objects;
pub mod versions;
