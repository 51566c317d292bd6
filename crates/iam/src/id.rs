//! Unique ids, and access key ids that say whose they are.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>

use aws::random::{BASE32, BASE62};
use aws::{AccountId, Random};
use serde::{Deserialize, Serialize};
use state::Record;

/// Leads from the unique id of a user or group to its record, whose key changes when it is
/// renamed. What points at users and groups points at their ids.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UniqueId {
    pub key: String,
}

impl Record for UniqueId {
    const KIND: &'static str = "iam.unique-id";
    const FORMAT: u32 = 1;
}

/// What an id names; the prefix is AWS's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    User,
    Group,
    Role,
    InstanceProfile,
    ManagedPolicy,
}

impl Kind {
    fn prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
            Self::InstanceProfile => "AIPA",
            Self::ManagedPolicy => "ANPA",
        }
    }
}

/// A new unique id: 21 letters, never used again (85 random bits).
pub fn unique(random: &Random, kind: Kind) -> String {
    format!("{}{}", kind.prefix(), random.letters(BASE32, 17))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A user's or the root user's: `AKIA…`.
    LongTerm,
    /// With a session token: `ASIA…`.
    Temporary,
}

impl KeyKind {
    fn prefix(self) -> &'static str {
        match self {
            Self::LongTerm => "AKIA",
            Self::Temporary => "ASIA",
        }
    }
}

/// A new access key id of an account. As in AWS the sixteen letters after the prefix are
/// base32 of ten bytes: one set bit, forty bits of account, thirty-nine random ones. So the
/// account of a key is known from its id alone, also of temporary keys, which have no record.
pub fn access_key(random: &Random, kind: KeyKind, account: &AccountId) -> String {
    let account: u128 = account.as_str().parse().expect("an account id is twelve digits");
    let bits = 1 << 79 | account << 39 | u128::from(random.next_u64()) >> 25;
    let letters = (0..16).rev().map(|at| char::from(BASE32[usize::from(five_bits(bits, at))]));
    kind.prefix().chars().chain(letters).collect()
}

fn five_bits(bits: u128, at: u32) -> u8 {
    u8::try_from(bits >> (5 * at) & 31).expect("five bits")
}

/// Kind and account of an access key id; `None` for what haneul cannot have made.
pub fn read_access_key(id: &str) -> Option<(KeyKind, AccountId)> {
    let (prefix, letters) = id.split_at_checked(4)?;
    let kind =
        [KeyKind::LongTerm, KeyKind::Temporary].into_iter().find(|kind| kind.prefix() == prefix)?;
    if letters.len() != 16 {
        return None;
    }
    let mut bits = 0u128;
    for letter in letters.bytes() {
        let five = BASE32.iter().position(|known| *known == letter)?;
        bits = bits << 5 | u128::try_from(five).ok()?;
    }
    let account = bits >> 39 & ((1 << 40) - 1);
    Some((kind, format!("{account:012}").parse().ok()?))
}

/// A new secret access key, forty letters.
pub fn secret(random: &Random) -> String {
    random.letters(BASE62, 40)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_id_tells_its_account() {
        let random = Random::seeded(1);
        for account in ["000000000000", "000000000001", "123456789012", "999999999999"] {
            let account: AccountId = account.parse().expect("valid");
            for kind in [KeyKind::LongTerm, KeyKind::Temporary] {
                let id = access_key(&random, kind, &account);
                assert_eq!(id.len(), 20);
                assert_eq!(read_access_key(&id), Some((kind, account.clone())), "{id}");
            }
        }
    }

    #[test]
    fn ids_of_another_form_have_no_account() {
        for id in
            ["", "AKIA", "AKIA234567ABCDEFGHI", "AROA234567ABCDEFGHIJ", "AKIA18901890ABCDEFGH"]
        {
            assert_eq!(read_access_key(id), None, "{id}");
        }
        // Forty bits reach past twelve digits.
        assert_eq!(read_access_key("AKIA7777777777777777"), None);
    }

    #[test]
    fn aws_s_own_layout_is_kept() {
        // A public worked example: ASIAQNZGKIQY56JQ7WML belongs to account 029608264753.
        let account: AccountId = "029608264753".parse().expect("valid");
        assert_eq!(read_access_key("ASIAQNZGKIQY56JQ7WML"), Some((KeyKind::Temporary, account)));
    }

    #[test]
    fn unique_ids_have_their_prefix_and_length() {
        let random = Random::seeded(3);
        for (kind, prefix) in [(Kind::User, "AIDA"), (Kind::Role, "AROA"), (Kind::Group, "AGPA")] {
            let id = unique(&random, kind);
            assert!(id.starts_with(prefix) && id.len() == 21, "{id}");
        }
    }
}
