//! Signature Version 4: who a request claims to be from, and whether that is so.
//!
//! Nothing here reads a socket, a clock or a key store. The front does, in this order, which
//! is the order in which AWS finds fault with a request:
//!
//! 1. [`mechanism`] and [`claimed_scope`] tell how a request is signed and for which service,
//!    which is enough to route it.
//! 2. [`Presented::parse`] judges everything but the key: form, time, scope, signed headers.
//! 3. The front asks the credential store for [`Presented::access_key_id`] and derives (or
//!    finds in its cache) the [`SigningKey`].
//! 4. [`verify`] compares the signature.
//! 5. For S3 bodies that are streamed, [`PayloadHash`] says what is left to check: the whole
//!    body's hash ([`PayloadHash::check`]) or each chunk ([`ChunkDecoder`]).
//!
//! Every refusal is a [`SignatureError`]; [`SignatureError::to_error`] says it in the words of
//! the service kind that was asked.
//!
//! Absent on purpose: asymmetric signatures (`AWS4-ECDSA-P256-SHA256`), and judging session
//! tokens, which is the credential store's matter.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>

mod canonical;
mod chunk;
mod encoding;
mod error;
pub mod fuzz;
mod key;
mod payload;
mod presented;
mod refusal;
mod request;
mod sign;
mod verify;

pub use encoding::{constant_time_equal, decode, sha256_hex};

pub use chunk::{ChunkDecoder, ChunkError, ChunkSigner, decoded_length};
pub use error::{Mismatch, Place, ScopeFault, SignatureError};
pub use key::{Scope, SigningKey};
pub use payload::PayloadHash;
pub use presented::{Endpoint, Presented};
pub use refusal::{ServiceKind, credential_refusal};
pub use request::{Mechanism, Request, claimed_scope, mechanism};
pub use sign::{Payload, Signer};
pub use verify::{Body, verify};

/// How far a request's date may lie from now, either way, in AWS's words "15 min.".
pub const SKEW_MAX: std::time::Duration = std::time::Duration::from_secs(15 * 60);

/// The longest life of a presigned URL: seven days.
pub const EXPIRES_MAX_SECS: u64 = 604_800;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const TERMINATOR: &str = "aws4_request";
