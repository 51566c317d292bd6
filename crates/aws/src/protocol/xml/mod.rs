//! XML bodies by schema: [`write`] for every protocol that answers in XML, [`tree`] and
//! [`read`] for REST-XML's requests.

pub(super) mod read;
pub(super) mod tree;
pub(super) mod write;
