//! Speaking AWS, with no I/O of its own.
//!
//! What every service and the front share: names (ARNs, accounts, regions, resource ids),
//! time and randomness as injected values, the wire protocols, signatures, and the
//! vocabulary of a request's life: [`Call`] (who asks), [`Check`] (what must be allowed),
//! [`Service`] (what answers), [`Error`] (how it is refused).
//!
//! Start reading at [`service`], then [`call`] and [`authorize`].

pub mod arn;
pub mod authorize;
pub mod body;
pub mod call;
pub mod caller;
pub mod clock;
pub mod credential;
pub mod cut;
pub mod error;
pub mod name;
pub mod page;
pub mod protocol;
pub mod random;
pub mod schema;
pub mod service;
pub mod sigv2;
pub mod sigv4;
pub mod timestamp;
pub mod validate;
pub mod value;

pub use arn::Arn;
pub use authorize::{Authorizer, Check, Decision};
pub use body::Body;
pub use call::{Call, Carrier, Identity, Principal, Session, Signature, SignatureVersion};
pub use caller::{Ask, Caller};
pub use clock::Clock;
pub use credential::{Credential, CredentialError, Credentials};
pub use error::{Error, Fault};
pub use name::{AccountId, Region, Zone};
pub use random::Random;
pub use service::{Input, Model, Operation, Protocol, Service};
pub use timestamp::Timestamp;
pub use value::{Mismatch, Value};

/// A boxed future, so that the traits of this crate stay object-safe.
pub type BoxFuture<'a, T> = std::pin::Pin<Box<dyn Future<Output = T> + Send + 'a>>;
