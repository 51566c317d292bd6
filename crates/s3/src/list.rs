//! Lists of keys.

pub mod objects;
pub mod versions;

mod encoding;
mod owner;
mod roll;
mod size;

pub(crate) use encoding::Encoding;
pub(crate) use owner::owner;
pub(crate) use roll::Roll;
pub(crate) use size::page_size;
