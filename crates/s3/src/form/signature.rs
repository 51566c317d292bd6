//! Who signed a form's policy.

use aws::sigv4::{Mismatch, Scope, SignatureError, SigningKey, constant_time_equal};
use aws::{Error, Timestamp};
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::Fields;
use crate::error::invalid_argument;

/// What a form's fields claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    V4 { access_key_id: String, scope: Scope, signature: String, policy: String },
    V2 { access_key_id: String, signature: String, policy: String },
}

impl Claimed {
    /// `None` for a form that nobody signed.
    ///
    /// # Errors
    /// `InvalidArgument` when a field lacks or cannot be read.
    pub fn read(fields: &Fields) -> Result<Option<Self>, Error> {
        let any = |names: &[&str]| names.iter().any(|name| fields.get(name).is_some());
        if any(&["x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-signature"]) {
            return Self::v4(fields).map(Some);
        }
        if any(&["AWSAccessKeyId", "signature"]) {
            let access_key_id = fields.required("AWSAccessKeyId")?.to_owned();
            let signature = fields.required("Signature")?.to_owned();
            let policy = fields.required("Policy")?.to_owned();
            return Ok(Some(Self::V2 { access_key_id, signature, policy }));
        }
        Ok(None)
    }

    fn v4(fields: &Fields) -> Result<Self, Error> {
        let algorithm = fields.required("X-Amz-Algorithm")?;
        let credential = fields.required("X-Amz-Credential")?;
        let signature = fields.required("X-Amz-Signature")?.to_owned();
        let date = fields.required("X-Amz-Date")?;
        let policy = fields.required("Policy")?.to_owned();
        if algorithm != "AWS4-HMAC-SHA256" {
            let why = "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"";
            return Err(invalid_argument(why, "X-Amz-Algorithm", algorithm));
        }
        if Timestamp::parse_basic(date).is_none() {
            let why = "X-Amz-Date must be formated via ISO8601 Long format";
            return Err(invalid_argument(why, "X-Amz-Date", date));
        }
        let (access_key_id, scope) = scope(credential)?;
        Ok(Self::V4 { access_key_id, scope, signature, policy })
    }

    pub fn access_key_id(&self) -> &str {
        match self {
            Self::V4 { access_key_id, .. } | Self::V2 { access_key_id, .. } => access_key_id,
        }
    }

    /// The policy as it was sent: Base64.
    pub fn policy(&self) -> &str {
        match self {
            Self::V4 { policy, .. } | Self::V2 { policy, .. } => policy,
        }
    }

    /// Whether the policy bears the signature that this secret gives it.
    ///
    /// # Errors
    /// [`SignatureError::Mismatch`].
    pub fn verify(&self, secret_access_key: &str) -> Result<(), SignatureError> {
        let (right, given) = match self {
            Self::V4 { scope, signature, policy, .. } => {
                (SigningKey::of_scope(secret_access_key, scope).sign(policy), signature)
            }
            Self::V2 { signature, policy, .. } => {
                let algorithm = hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY;
                let key = hmac::Key::new(algorithm, secret_access_key.as_bytes());
                (STANDARD.encode(hmac::sign(&key, policy.as_bytes()).as_ref()), signature)
            }
        };
        if constant_time_equal(&right, given) {
            return Ok(());
        }
        Err(SignatureError::Mismatch(Box::new(Mismatch {
            access_key_id: self.access_key_id().to_owned(),
            signature_provided: given.clone(),
            string_to_sign: self.policy().as_bytes().to_vec(),
            canonical_request: None,
        })))
    }
}

fn scope(credential: &str) -> Result<(String, Scope), Error> {
    let refused = |why: String| invalid_argument(why, "X-Amz-Credential", credential);
    let mut from_end = credential.rsplitn(5, '/');
    let mut next = || from_end.next().unwrap_or_default().to_owned();
    let (terminal, service, region, date, access_key_id) = (next(), next(), next(), next(), next());
    if access_key_id.is_empty() {
        let expected = "the Credential is mal-formed; expecting \
                        \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".";
        return Err(refused(expected.into()));
    }
    if terminal != "aws4_request" {
        let why =
            format!("incorrect terminal \"{terminal}\". This endpoint uses \"aws4_request\".");
        return Err(refused(why));
    }
    if service != "s3" {
        let why = format!("incorrect service \"{service}\". This endpoint belongs to \"s3\".");
        return Err(refused(why));
    }
    if date.len() != 8 || !date.bytes().all(|b| b.is_ascii_digit()) {
        let why = format!(
            "incorrect date format \"{date}\". This date in the credential must be in the format \
             \"yyyyMMdd\"."
        );
        return Err(refused(why));
    }
    let region = region
        .parse()
        .map_err(|_| refused("a non-empty region must be provided in the credential.".into()))?;
    Ok((access_key_id, Scope { date, region, service }))
}
