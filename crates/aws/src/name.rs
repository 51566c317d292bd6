//! Accounts, regions and availability zones.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::sigv4::sha256_hex;

/// A twelve-digit AWS account id.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AccountId(String);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    #[error("an account id is twelve digits, not {0:?}")]
    Account(String),
    #[error("{0:?} is not an AWS region name such as ap-northeast-2")]
    Region(String),
}

impl AccountId {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The account as S3 names owners and grantees: 64 hexadecimal digits that belong to it for
    /// good. AWS draws them at random and keeps them; here they are the SHA-256 of
    /// `haneul canonical user id ` and the account's number, so that every region of the account
    /// knows them without a record.
    /// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/finding-canonical-user-id.html>
    pub fn canonical_user_id(&self) -> String {
        sha256_hex(format!("haneul canonical user id {}", self.0).as_bytes())
    }
}

impl FromStr for AccountId {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let valid = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| Self(text.into())).ok_or_else(|| InvalidName::Account(text.into()))
    }
}

impl TryFrom<String> for AccountId {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<AccountId> for String {
    fn from(id: AccountId) -> Self {
        id.0
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A region name of AWS's form (`ap-northeast-2`, `us-gov-west-1`). Any such name works in
/// haneul, also one that AWS does not have.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(String);

impl Region {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Region {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let mut parts = text.split('-');
        let number = parts.next_back().unwrap_or_default();
        let words: Vec<&str> = parts.collect();
        let valid = text.len() <= 32
            && (2..=4).contains(&words.len())
            && words.iter().all(|w| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase()))
            && matches!(number.len(), 1 | 2)
            && number.bytes().all(|b| b.is_ascii_digit());
        valid.then(|| Self(text.into())).ok_or_else(|| InvalidName::Region(text.into()))
    }
}

impl TryFrom<String> for Region {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, InvalidName> {
        text.parse()
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.0
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One of a region's three availability zones. The same letter is the same zone folder in
/// every region.
/// <https://docs.aws.amazon.com/ram/latest/userguide/working-with-az-ids.html>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Zone {
    A,
    B,
    C,
}

impl Zone {
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::C];

    pub fn letter(self) -> char {
        match self {
            Self::A => 'a',
            Self::B => 'b',
            Self::C => 'c',
        }
    }

    /// The zone's name in a region: `ap-northeast-2a`.
    pub fn name(self, region: &Region) -> String {
        format!("{region}{}", self.letter())
    }

    /// The zone's id: `apne2-az1`. The region's words are shortened as AWS does.
    pub fn id(self, region: &Region) -> String {
        let number = match self {
            Self::A => 1,
            Self::B => 2,
            Self::C => 3,
        };
        let short: String = region.as_str().split('-').map(short_word).collect();
        format!("{short}-az{number}")
    }
}

fn short_word(word: &str) -> &str {
    match word {
        "north" => "n",
        "south" => "s",
        "east" => "e",
        "west" => "w",
        "central" => "c",
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        "gov" => "g",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_named_and_numbered_as_in_aws() {
        let check = |region: &str, name: &str, id: &str| {
            let region: Region = region.parse().expect("valid");
            assert_eq!(Zone::A.name(&region), name);
            assert_eq!(Zone::A.id(&region), id);
        };
        check("ap-northeast-2", "ap-northeast-2a", "apne2-az1");
        check("us-east-1", "us-east-1a", "use1-az1");
        check("eu-west-1", "eu-west-1a", "euw1-az1");
    }

    /// Records and users' policies keep these, so they must never change.
    #[test]
    fn a_canonical_user_id_stays_with_its_account() {
        let id = |account: &str| {
            account.parse::<AccountId>().expect("an account id").canonical_user_id()
        };
        assert_eq!(
            id("111122223333"),
            "289db42660cf6145b03129b3ea823dfc170ef39e170934768a31b05a8ab67f8d"
        );
        assert_ne!(id("111122223333"), id("111122223334"));
    }

    #[test]
    fn names_of_another_form_are_refused() {
        for text in
            ["", "us", "us-east", "us-east-100", "US-east-1", "../x-1", "us--1", "a-b-c-d-e-1"]
        {
            assert!(text.parse::<Region>().is_err(), "{text}");
        }
        for text in ["", "1", "12345678901a", "1234567890123"] {
            assert!(text.parse::<AccountId>().is_err(), "{text}");
        }
    }
}
