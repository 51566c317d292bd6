//! A user's password for the console.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords.html>

use std::num::NonZeroU32;

use aws::{Call, Random, Timestamp};
use aws_lc_rs::pbkdf2;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use state::Stored;

use crate::error::{Error, Missing, Result, Taken};
use crate::password_policy::PasswordPolicy;
use crate::policy_holder::scope;
use crate::secret::Secret;
use crate::user::{User, named_or_caller};
use crate::{Iam, model};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoginProfile {
    pub created: Timestamp,
    pub password_reset_required: bool,
    pub password: HashedPassword,
    pub password_changed: Timestamp,
    /// The passwords before this one, newest first, as many as a policy can forbid.
    pub previous: Vec<HashedPassword>,
}

/// Salt and PBKDF2 hash; the password itself is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HashedPassword {
    salt: Secret,
    hash: Secret,
}

/// As OWASP advises for HMAC-SHA-256; few in debug builds, whose hashing is slow too.
const ITERATIONS: NonZeroU32 =
    NonZeroU32::new(if cfg!(debug_assertions) { 1000 } else { 600_000 }).expect("not zero");
/// The most that `PasswordReusePrevention` can ask for.
const PREVIOUS_MAX: usize = 24;

impl HashedPassword {
    fn new(random: &Random, password: &str) -> Self {
        let mut salt = [0; 16];
        random.fill(&mut salt);
        let mut hash = [0; 32];
        pbkdf2::derive(
            pbkdf2::PBKDF2_HMAC_SHA256,
            ITERATIONS,
            &salt,
            password.as_bytes(),
            &mut hash,
        );
        Self {
            salt: Secret::new(BASE64_STANDARD.encode(salt)),
            hash: Secret::new(BASE64_STANDARD.encode(hash)),
        }
    }

    /// Whether this is the password; takes the same time for any wrong one.
    pub fn is(&self, password: &str) -> bool {
        let parts = [&self.salt, &self.hash].map(|part| BASE64_STANDARD.decode(part.reveal()));
        let [Ok(salt), Ok(hash)] = parts else { return false };
        let password = password.as_bytes();
        pbkdf2::verify(pbkdf2::PBKDF2_HMAC_SHA256, ITERATIONS, &salt, password, &hash).is_ok()
    }
}

impl LoginProfile {
    fn shape(&self, user: &User) -> model::LoginProfile {
        model::LoginProfile {
            user_name: user.name.clone(),
            create_date: self.created,
            password_reset_required: Some(self.password_reset_required),
        }
    }

    fn was_used(&self, password: &str, count: usize) -> bool {
        let all = std::iter::once(&self.password).chain(&self.previous);
        all.take(count).any(|old| old.is(password))
    }
}

fn missing(user: &User) -> Error {
    Error::NoSuchEntity(Missing::LoginProfile(user.name.clone()))
}

pub async fn create(
    iam: &Iam,
    call: &Call,
    input: model::CreateLoginProfileRequest,
) -> Result<model::CreateLoginProfileResponse> {
    let scope = scope(call.account()?);
    let name = named_or_caller(&call.identity, input.user_name)?;
    let password =
        input.password.ok_or_else(|| Error::constraint("password", "Member must not be null"))?;
    let hashed = HashedPassword::new(&iam.random, &password);
    let login_profile = iam
        .retry(async || {
            let stored = iam.user(&scope, &name).await?;
            if stored.record.login_profile.is_some() {
                return Err(Error::EntityAlreadyExists(Taken::LoginProfile(
                    stored.record.name.clone(),
                )));
            }
            iam.password_rules(&scope).await?.check(&password)?;
            let profile = LoginProfile {
                created: call.at.to_whole_secs(),
                password_reset_required: input.password_reset_required.unwrap_or(false),
                password: hashed.clone(),
                password_changed: call.at,
                previous: Vec::new(),
            };
            let shape = profile.shape(&stored.record);
            write(iam, &stored, Some(profile)).await?;
            Ok(shape)
        })
        .await?;
    Ok(model::CreateLoginProfileResponse { login_profile })
}

pub async fn get(
    iam: &Iam,
    call: &Call,
    input: model::GetLoginProfileRequest,
) -> Result<model::GetLoginProfileResponse> {
    let name = named_or_caller(&call.identity, input.user_name)?;
    let user = iam.user(&scope(call.account()?), &name).await?.record;
    let profile = user.login_profile.as_ref().ok_or_else(|| missing(&user))?;
    Ok(model::GetLoginProfileResponse { login_profile: profile.shape(&user) })
}

pub async fn update(iam: &Iam, call: &Call, input: model::UpdateLoginProfileRequest) -> Result<()> {
    let scope = scope(call.account()?);
    let hashed = input.password.as_deref().map(|new| HashedPassword::new(&iam.random, new));
    iam.retry(async || {
        let stored = iam.user(&scope, &input.user_name).await?;
        let user = &stored.record;
        let mut profile = user.login_profile.clone().ok_or_else(|| missing(user))?;
        if let (Some(password), Some(hashed)) = (&input.password, &hashed) {
            let rules: PasswordPolicy = iam.password_rules(&scope).await?;
            rules.check(password)?;
            if profile.was_used(password, rules.reuse_prevention()) {
                return Err(Error::PasswordPolicyViolation(
                    "Password does not conform to the account password policy: it was used before."
                        .into(),
                ));
            }
            let old = std::mem::replace(&mut profile.password, hashed.clone());
            profile.previous.insert(0, old);
            profile.previous.truncate(PREVIOUS_MAX);
            profile.password_changed = call.at;
        }
        if let Some(required) = input.password_reset_required {
            profile.password_reset_required = required;
        }
        write(iam, &stored, Some(profile)).await
    })
    .await
}

pub async fn delete(iam: &Iam, call: &Call, input: model::DeleteLoginProfileRequest) -> Result<()> {
    let scope = scope(call.account()?);
    let name = named_or_caller(&call.identity, input.user_name)?;
    iam.retry(async || {
        let stored = iam.user(&scope, &name).await?;
        if stored.record.login_profile.is_none() {
            return Err(missing(&stored.record));
        }
        write(iam, &stored, None).await
    })
    .await
}

async fn write(iam: &Iam, user: &Stored<User>, login_profile: Option<LoginProfile>) -> Result<()> {
    let mut txn = iam.records.transaction();
    txn.update(user, &User { login_profile, ..user.record.clone() });
    txn.commit().await?;
    Ok(())
}
