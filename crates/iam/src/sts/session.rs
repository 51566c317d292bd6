//! Session tokens.
//!
//! A token says everything about its session, sealed with a key that only this region has. So
//! temporary credentials outlive a crash, need no record and no cleaning up, and a request
//! with a wrong, altered or expired token costs one decryption.

use aws::{AccountId, Random, Timestamp};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use state::Records;

use crate::error::{Error, Result};
use crate::id::{self, KeyKind};
use crate::region_secret::{Purpose, region_secret};
use crate::secret::Secret;
use crate::sts::model;

/// What a session token says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSession {
    pub secret_access_key: Secret,
    pub account: AccountId,
    pub holder: Holder,
    pub issued_at: Timestamp,
    pub expires_at: Timestamp,
    /// The inline session policy.
    pub policy: Option<String>,
    /// Managed session policies; their documents are read when the token is used.
    pub policy_arns: Vec<String>,
    pub tags: Vec<(String, String)>,
    pub transitive_tag_keys: Vec<String>,
    pub source_identity: Option<String>,
}

/// Whose session it is, by unique id: a namesake made later has no part in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Holder {
    Root,
    User { id: String },
    Role { id: String, name: String, session_name: String },
}

/// Seals and opens session tokens. Never changes once the region has it.
pub struct Seal {
    key: LessSafeKey,
}

/// The first byte of every token, so that another layout can follow.
const LAYOUT: u8 = 1;
/// Bytes of policies, ARNs and tags that one token carries: what AWS calls their packed size
/// is told in percent of this.
pub const PACKED_BYTES_MAX: usize = 4096;
/// Longer ones are none of ours: the packed part, and a little for the rest, in base64.
const TOKEN_LETTERS_MAX: usize = 8192;

impl Seal {
    /// The region's key, which the first caller makes.
    ///
    /// # Errors
    /// When the store does not answer or the stored key is damaged.
    pub async fn open(records: &Records, random: &Random) -> Result<Self> {
        let secret = region_secret(records, random, Purpose::SessionTokens).await?;
        let key = UnboundKey::new(&AES_256_GCM, &secret)
            .map_err(|_| Error::Internal("the key of session tokens is damaged".into()))?;
        Ok(Self { key: LessSafeKey::new(key) })
    }

    /// Credentials for a session; the token works with their access key id only.
    ///
    /// # Errors
    /// When the token would be longer than haneul reads again.
    pub fn credentials(
        &self,
        random: &Random,
        session: &SealedSession,
    ) -> Result<model::Credentials> {
        let access_key_id = id::access_key(random, KeyKind::Temporary, &session.account);
        let mut nonce = [0; NONCE_LEN];
        random.fill(&mut nonce);
        let mut sealed = serde_json::to_vec(session).map_err(|e| Error::Internal(e.to_string()))?;
        self.key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(access_key_id.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::Internal("a session token cannot be sealed".into()))?;
        let token = BASE64_STANDARD.encode([&[LAYOUT], &nonce[..], &sealed[..]].concat());
        if token.len() > TOKEN_LETTERS_MAX {
            return Err(Error::Internal(format!("a session token of {} letters", token.len())));
        }
        Ok(model::Credentials {
            access_key_id,
            secret_access_key: session.secret_access_key.reveal().into(),
            session_token: token,
            expiration: session.expires_at,
        })
    }

    /// What a token says; `None` when it is none of ours, altered, or of another key.
    pub fn read(&self, access_key_id: &str, token: &str) -> Option<SealedSession> {
        if token.len() > TOKEN_LETTERS_MAX {
            return None;
        }
        let bytes = BASE64_STANDARD.decode(token).ok()?;
        let (LAYOUT, rest) = (*bytes.first()?, bytes.get(1..)?) else { return None };
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut sealed = sealed.to_vec();
        let aad = Aad::from(access_key_id.as_bytes());
        let opened = self.key.open_in_place(nonce, aad, &mut sealed).ok()?;
        serde_json::from_slice(opened).ok()
    }
}

impl SealedSession {
    /// How much of what a token may carry is used, in percent; may pass a hundred.
    pub fn packed_percent(&self) -> usize {
        let policies = self.policy.iter().chain(&self.policy_arns);
        let tags = self.tags.iter().flat_map(|(key, value)| [key, value]);
        let bytes: usize =
            policies.chain(tags).chain(&self.transitive_tag_keys).map(String::len).sum();
        (bytes * 100).div_ceil(PACKED_BYTES_MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn session() -> SealedSession {
        SealedSession {
            secret_access_key: Secret::new("a secret".into()),
            account: "123456789012".parse().expect("valid"),
            holder: Holder::User { id: "AIDA".into() },
            issued_at: Timestamp::from_secs(1),
            expires_at: Timestamp::from_secs(2),
            policy: None,
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
        }
    }

    fn store() -> Records {
        Records::new(Arc::new(state::Memory::new()))
    }

    #[tokio::test]
    async fn a_token_is_read_by_its_own_region_with_its_own_key_only() {
        let random = Random::seeded(1);
        let records = store();
        let seal = Seal::open(&records, &random).await.expect("opened");
        let given = seal.credentials(&random, &session()).expect("sealed");
        let (key, token) = (&given.access_key_id, &given.session_token);
        assert_eq!(seal.read(key, token), Some(session()));
        let again = Seal::open(&records, &random).await.expect("opened");
        assert_eq!(again.read(key, token), Some(session()));
        let other = Seal::open(&store(), &random).await.expect("opened");
        assert_eq!(other.read(key, token), None);
        assert_eq!(seal.read("ASIAANOTHERKEY234567", token), None);
    }

    #[tokio::test]
    async fn any_changed_letter_makes_a_token_invalid() {
        let random = Random::seeded(2);
        let seal = Seal::open(&store(), &random).await.expect("opened");
        let given = seal.credentials(&random, &session()).expect("sealed");
        let token = given.session_token.trim_end_matches('=');
        for at in 0..token.len() - 1 {
            let mut altered = given.session_token.clone().into_bytes();
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered).expect("letters");
            assert_eq!(seal.read(&given.access_key_id, &altered), None, "letter {at}");
        }
        for wrong in ["", "AQ==", "not base64!", "A".repeat(9000).as_str()] {
            assert_eq!(seal.read(&given.access_key_id, wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_packed_size_is_what_policies_and_tags_take() {
        let check = |policy: usize, tag: usize, expected: usize| {
            let tags = vec![("k".repeat(tag), String::new())];
            let policy = Some("p".repeat(policy));
            assert_eq!(SealedSession { policy, tags, ..session() }.packed_percent(), expected);
        };
        check(0, 0, 0);
        check(1, 0, 1);
        check(2048, 0, 50);
        check(2048, 2048, 100);
        check(4096, 1, 101);
    }
}
