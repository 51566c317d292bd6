//! The policy engine: what AWS's policy language says about a request.
//!
//! Pure: no records, no clock, no I/O, so it can be read and tested alone. A document is read
//! into types once ([`Document::parse`]); an evaluation compares strings and allocates little.
//!
//! - [`Document`], [`Statement`], [`Kind`], [`Malformed`]: the language and its refusals
//! - [`Requester`], [`Request`], [`Context`]: the question
//! - [`evaluate`], [`Applied`], [`Outcome`]: the answer; [`denial`]: its sentence
//! - [`public`], [`attachment`]: what a service asks of its resources' policies
//!
//! Invariants: a deny that applies always wins; a document that one parser could read
//! differently from another (equal keys twice) is refused; no input makes the engine panic, and
//! the time of a match is bounded by the product of the lengths of pattern and text.
//!
//! Absent on purpose: service control policies and VPC endpoint policies (haneul has neither
//! organizations nor endpoints), federated users.
//!
//! Start reading at [`evaluate`], then `document.rs` and `condition.rs`.

mod evaluate;

pub mod attachment;
mod condition;
mod context;
mod date;
mod denial;
mod document;
mod json;
mod malformed;
mod parse;
mod pattern;
mod principal;
pub mod public;
mod request;
mod validate;

#[cfg(any(test, fuzzing))]
pub mod hostile;
#[cfg(test)]
mod tests;

pub use condition::Condition;
pub use context::{Context, principal_keys};
pub use denial::denial;
pub use document::{
    ActionElement, Document, Effect, Kind, Position, ResourceElement, Span, Statement, Version,
};
pub use evaluate::{Applied, Layer, Matched, Named, Outcome, Verdict, evaluate};
pub use json::DOCUMENT_BYTES_MAX;
pub use malformed::Malformed;
pub use principal::{PrincipalElement, PrincipalName, Requester};
pub use request::Request;
