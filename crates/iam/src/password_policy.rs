//! What an account's passwords must be like.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html>

use aws::Call;
use serde::{Deserialize, Serialize};
use state::{Record, Scope, Stored};

use crate::error::{Error, Missing, Result};
use crate::policy_holder::scope;
use crate::{Iam, model};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PasswordPolicy {
    pub minimum_password_length: i32,
    pub require_symbols: bool,
    pub require_numbers: bool,
    pub require_uppercase_characters: bool,
    pub require_lowercase_characters: bool,
    pub allow_users_to_change_password: bool,
    pub max_password_age_days: Option<i32>,
    pub password_reuse_prevention: Option<i32>,
    pub hard_expiry: Option<bool>,
}

impl Record for PasswordPolicy {
    const KIND: &'static str = "iam.password-policy";
    const FORMAT: u32 = 1;
}

/// Whether it is asked for, what fulfils it, and how a refusal calls that.
type Rule = (bool, fn(char) -> bool, &'static str);

/// One for each account.
const ID: &str = "password-policy";
const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

impl PasswordPolicy {
    /// What an account without a policy of its own demands: eight letters, and three of
    /// upper case, lower case, numbers and symbols.
    fn of_aws() -> Self {
        Self {
            minimum_password_length: 8,
            require_symbols: false,
            require_numbers: false,
            require_uppercase_characters: false,
            require_lowercase_characters: false,
            allow_users_to_change_password: false,
            max_password_age_days: None,
            password_reuse_prevention: None,
            hard_expiry: None,
        }
    }

    /// How many of the last passwords may not come back.
    pub fn reuse_prevention(&self) -> usize {
        self.password_reuse_prevention.and_then(|count| count.try_into().ok()).unwrap_or(0)
    }

    /// # Errors
    /// `PasswordPolicyViolation` naming the first rule that is broken.
    pub fn check(&self, password: &str) -> Result<()> {
        let length = i32::try_from(password.chars().count()).unwrap_or(i32::MAX);
        if length < self.minimum_password_length {
            return Err(violation(&format!(
                "Password should have a minimum length of {}",
                self.minimum_password_length
            )));
        }
        let has = |fits: fn(char) -> bool| password.chars().any(fits);
        let rules: [Rule; 4] = [
            (self.require_uppercase_characters, is_upper, "one uppercase letter"),
            (self.require_lowercase_characters, is_lower, "one lowercase letter"),
            (self.require_symbols, is_symbol, "one symbol"),
            (self.require_numbers, is_number, "one number"),
        ];
        match rules.into_iter().find(|(required, fits, _)| *required && !has(*fits)) {
            Some((_, _, what)) => Err(violation(&format!("Password should have at least {what}"))),
            None => Ok(()),
        }
    }

    fn shape(&self) -> model::PasswordPolicy {
        model::PasswordPolicy {
            minimum_password_length: Some(self.minimum_password_length),
            require_symbols: Some(self.require_symbols),
            require_numbers: Some(self.require_numbers),
            require_uppercase_characters: Some(self.require_uppercase_characters),
            require_lowercase_characters: Some(self.require_lowercase_characters),
            allow_users_to_change_password: Some(self.allow_users_to_change_password),
            expire_passwords: Some(self.max_password_age_days.is_some()),
            max_password_age: self.max_password_age_days,
            password_reuse_prevention: self.password_reuse_prevention,
            hard_expiry: self.hard_expiry,
        }
    }
}

fn is_upper(c: char) -> bool {
    c.is_ascii_uppercase()
}

fn is_lower(c: char) -> bool {
    c.is_ascii_lowercase()
}

fn is_symbol(c: char) -> bool {
    SYMBOLS.contains(c)
}

fn is_number(c: char) -> bool {
    c.is_ascii_digit()
}

fn violation(rule: &str) -> Error {
    Error::PasswordPolicyViolation(rule.into())
}

impl Iam {
    async fn password_policy(&self, scope: &Scope) -> Result<Option<Stored<PasswordPolicy>>> {
        Ok(self.records.get(scope, ID).await?)
    }

    /// The account's rules, or AWS's own where it has set none.
    pub(crate) async fn password_rules(&self, scope: &Scope) -> Result<PasswordPolicy> {
        let found = self.password_policy(scope).await?;
        Ok(found.map_or_else(PasswordPolicy::of_aws, |found| found.record))
    }
}

pub async fn get(iam: &Iam, call: &Call) -> Result<model::GetAccountPasswordPolicyResponse> {
    let account = call.account()?;
    let found = iam.password_policy(&scope(account)).await?;
    let found =
        found.ok_or_else(|| Error::NoSuchEntity(Missing::PasswordPolicy(account.clone())))?;
    Ok(model::GetAccountPasswordPolicyResponse { password_policy: found.record.shape() })
}

/// Replaces the policy as a whole: what is not given is AWS's default, not the old value.
pub async fn update(
    iam: &Iam,
    call: &Call,
    input: model::UpdateAccountPasswordPolicyRequest,
) -> Result<()> {
    let policy = PasswordPolicy {
        minimum_password_length: input.minimum_password_length.unwrap_or(6),
        require_symbols: input.require_symbols.unwrap_or(false),
        require_numbers: input.require_numbers.unwrap_or(false),
        require_uppercase_characters: input.require_uppercase_characters.unwrap_or(false),
        require_lowercase_characters: input.require_lowercase_characters.unwrap_or(false),
        allow_users_to_change_password: input.allow_users_to_change_password.unwrap_or(false),
        max_password_age_days: input.max_password_age,
        password_reuse_prevention: input.password_reuse_prevention,
        hard_expiry: input.hard_expiry,
    };
    let mut txn = iam.records.transaction();
    txn.put_unconditionally(&scope(call.account()?), ID, &policy);
    txn.commit().await?;
    Ok(())
}

pub async fn delete(iam: &Iam, call: &Call) -> Result<()> {
    let scope = scope(call.account()?);
    iam.retry(async || {
        let found = iam.password_policy(&scope).await?;
        let found = found.ok_or_else(|| Error::NoSuchEntity(Missing::PasswordPolicyToDelete))?;
        let mut txn = iam.records.transaction();
        txn.delete(&found);
        txn.commit().await?;
        Ok(())
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_is_checked() {
        let strict = PasswordPolicy {
            require_symbols: true,
            require_numbers: true,
            require_uppercase_characters: true,
            require_lowercase_characters: true,
            ..PasswordPolicy::of_aws()
        };
        let check = |password: &str, expected: Option<&str>| {
            let found = strict.check(password).err().map(|error| error.to_string());
            assert_eq!(found.as_deref(), expected, "{password}");
        };
        check("aA1!aA1!", None);
        check("aA1!", Some("Password should have a minimum length of 8"));
        check("aa1!aa1!", Some("Password should have at least one uppercase letter"));
        check("AA1!AA1!", Some("Password should have at least one lowercase letter"));
        check("aA11aA11", Some("Password should have at least one symbol"));
        check("aAx!aAx!", Some("Password should have at least one number"));
    }
}
