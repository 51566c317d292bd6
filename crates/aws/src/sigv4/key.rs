//! Credential scopes and the keys derived for them.

use aws_lc_rs::hmac;

use super::encoding::hex;
use super::{ALGORITHM, TERMINATOR};
use crate::{Region, Timestamp};

/// What a signature is good for: one day, one region, one service.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// `YYYYMMDD`.
    pub date: String,
    pub region: Region,
    /// The service's signing name: `s3`, `iam`, `elasticloadbalancing`.
    pub service: String,
}

impl Scope {
    /// The scope of a request signed at `at`.
    pub fn new(at: Timestamp, region: Region, service: impl Into<String>) -> Self {
        let mut date = at.to_basic();
        date.truncate(8);
        Self { date, region, service: service.into() }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}

/// A secret access key narrowed to one scope. Deriving costs four HMACs and signing one, so a
/// server keeps these by access key id, date, region and service. Without `Debug` on purpose:
/// it is a secret for a day.
#[derive(Clone)]
pub struct SigningKey(hmac::Key);

impl SigningKey {
    /// `date` is `YYYYMMDD`.
    pub fn derive(secret_access_key: &str, date: &str, region: &str, service: &str) -> Self {
        let mut key = hmac_key(format!("AWS4{secret_access_key}").as_bytes());
        for part in [date, region, service, TERMINATOR] {
            key = hmac_key(hmac::sign(&key, part.as_bytes()).as_ref());
        }
        Self(key)
    }

    pub fn of_scope(secret_access_key: &str, scope: &Scope) -> Self {
        Self::derive(secret_access_key, &scope.date, scope.region.as_str(), &scope.service)
    }

    /// The hexadecimal signature of a string to sign.
    pub fn sign(&self, string_to_sign: &str) -> String {
        hex(hmac::sign(&self.0, string_to_sign.as_bytes()).as_ref())
    }
}

fn hmac_key(bytes: &[u8]) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, bytes)
}

/// What is signed for a request: `request_hash` is the canonical request's SHA-256 in hex.
pub(super) fn string_to_sign(at: Timestamp, scope: &Scope, request_hash: &str) -> String {
    // Not by `format!`, which takes ten times as long: every request is judged by it.
    let Scope { date, region, service } = scope;
    let scope = [date, "/", region.as_str(), "/", service, "/", TERMINATOR].concat();
    [ALGORITHM, "\n", &at.to_basic(), "\n", &scope, "\n", request_hash].concat()
}
