//! Objects.

pub mod acl;
pub mod attributes;
pub mod copy;
pub mod delete;
pub mod delete_many;
pub mod get;
pub mod head;
pub mod legal_hold;
pub mod put;
pub mod restore;
pub mod retention;
pub mod tagging;
