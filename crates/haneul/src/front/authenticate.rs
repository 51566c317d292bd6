//! Who asks: the signature judged with the key that it names.
//!
//! Freshness is judged by the machine's clock, which clients sign with, and not by the
//! region's, which users turn: a client would be locked out with the first `haneul clock
//! advance`. What the region itself grants (a session's end) follows the region's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws::sigv4::{self, Endpoint, Presented, Scope, ServiceKind, SigningKey};
use aws::{Clock, Credentials, Error, Identity, Region};

use crate::limits;

pub struct Authenticator {
    pub(super) credentials: Arc<dyn Credentials>,
    /// Named to clients whose scope has no region.
    region: Region,
    pub(super) clock: Arc<Clock>,
    pub(super) wall: Arc<Clock>,
    keys: SigningKeys,
}

/// A caller, and the region the signature is for.
pub struct Caller {
    pub identity: Identity,
    pub region: Region,
}

impl Authenticator {
    pub fn new(
        credentials: Arc<dyn Credentials>,
        region: Region,
        clock: Arc<Clock>,
        wall: Arc<Clock>,
    ) -> Self {
        Self { credentials, region, clock, wall, keys: SigningKeys::default() }
    }

    /// # Errors
    /// In the words that services of `kind` use.
    pub async fn authenticate(
        &self,
        request: &sigv4::Request<'_>,
        body: sigv4::Body<'_>,
        service: &str,
        kind: ServiceKind,
    ) -> Result<Caller, Error> {
        let (presented, _, identity) = self.verify(request, body, service, kind).await?;
        Ok(Caller { identity, region: presented.scope.region })
    }

    /// What was presented, and the key that verified it.
    ///
    /// # Errors
    /// As [`Self::authenticate`].
    pub(super) async fn verify(
        &self,
        request: &sigv4::Request<'_>,
        body: sigv4::Body<'_>,
        service: &str,
        kind: ServiceKind,
    ) -> Result<(Presented, SigningKey, Identity), Error> {
        let endpoint = Endpoint { service, region: &self.region, now: self.wall.now() };
        let refused = |error: sigv4::SignatureError| error.to_error(kind);
        let presented = Presented::parse(request, &endpoint).map_err(refused)?;
        let key_id = &presented.access_key_id;
        let token = presented.session_token.as_deref();
        let credential = self
            .credentials
            .find(key_id, token, self.clock.now())
            .await
            .map_err(|error| sigv4::credential_refusal(error, kind, key_id, token))?;
        let key = self.keys.of(&credential.secret_access_key, key_id, &presented.scope);
        sigv4::verify(&presented, request, &key, body).map_err(refused)?;
        Ok((presented, key, credential.identity))
    }
}

/// Derived keys: deriving one costs four HMACs, and a client uses one all day. By access key
/// id, then the few scopes that its holder signs for.
#[derive(Default)]
struct SigningKeys(Mutex<HashMap<String, Vec<Derived>>>);

struct Derived {
    scope: Scope,
    secret: String,
    key: SigningKey,
}

impl SigningKeys {
    fn of(&self, secret: &str, access_key_id: &str, scope: &Scope) -> SigningKey {
        let mut keys = self.0.lock().expect("deriving does not panic");
        let derived = keys.get(access_key_id).map(Vec::as_slice).unwrap_or_default();
        let fits = |derived: &&Derived| derived.scope == *scope && derived.secret == secret;
        if let Some(derived) = derived.iter().find(fits) {
            return derived.key.clone();
        }
        let key = SigningKey::of_scope(secret, scope);
        // All at once rather than the oldest first: they are cheap to derive again, and a
        // client that names many scopes gains nothing from either.
        if keys.len() >= limits::SIGNING_KEYS_MAX {
            keys.clear();
        }
        let derived = keys.entry(access_key_id.to_owned()).or_default();
        if derived.len() >= limits::SCOPES_PER_KEY_MAX {
            derived.clear();
        }
        let (scope, secret) = (scope.clone(), secret.to_owned());
        derived.push(Derived { scope, secret, key: key.clone() });
        key
    }
}
