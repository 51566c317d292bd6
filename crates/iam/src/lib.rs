pub mod model;
pub mod sts;
