//! Where a record is: `ACCOUNT/REGION/KIND/ID`, so that an account's and a region's records
//! lie together and a range over one kind meets no other.

use std::borrow::Cow;
use std::fmt;

use bytes::Bytes;

use aws::{AccountId, Region};

/// Whose a record is. A service of one region (EC2) and a global one (IAM) differ here only.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// haneul's own, of no account: the list of accounts, the account of an access key.
    Haneul,
    /// An account's, of no region.
    Global(AccountId),
    Regional(AccountId, Region),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub scope: Scope,
    pub kind: Cow<'static, str>,
    /// Any text, unique within scope and kind. Ids are listed in byte order.
    pub id: String,
}

/// Neither is a valid account or region, so no scope lies inside another.
const NO_ACCOUNT: &str = "haneul";
const NO_REGION: &str = "-";

impl Scope {
    pub fn account(&self) -> Option<&AccountId> {
        match self {
            Self::Haneul => None,
            Self::Global(account) | Self::Regional(account, _) => Some(account),
        }
    }

    pub fn region(&self) -> Option<&Region> {
        match self {
            Self::Haneul | Self::Global(_) => None,
            Self::Regional(_, region) => Some(region),
        }
    }
}

impl Key {
    pub fn new(scope: &Scope, kind: &'static str, id: &str) -> Self {
        Self { scope: scope.clone(), kind: kind.into(), id: id.into() }
    }

    pub fn encode(&self) -> Bytes {
        encode(&self.scope, &self.kind, &self.id).into()
    }

    /// `None` for bytes that no key encodes to.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut parts = text.splitn(4, '/');
        let (account, region) = (parts.next()?, parts.next()?);
        let (kind, id) = (parts.next()?, parts.next()?);
        let scope = match (account, region) {
            (NO_ACCOUNT, NO_REGION) => Scope::Haneul,
            (account, NO_REGION) => Scope::Global(account.parse().ok()?),
            (account, region) => Scope::Regional(account.parse().ok()?, region.parse().ok()?),
        };
        Some(Self { scope, kind: kind.to_owned().into(), id: id.into() })
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&encode(&self.scope, &self.kind, &self.id))
    }
}

pub(crate) fn encode(scope: &Scope, kind: &str, id: &str) -> String {
    let account = scope.account().map_or(NO_ACCOUNT, AccountId::as_str);
    let region = scope.region().map_or(NO_REGION, Region::as_str);
    [account, region, kind, id].join("/")
}

/// The first key after every key that begins with `prefix`; empty when there is none.
pub(crate) fn after_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return end;
        }
    }
    end
}

/// Whether a record kind may be named so: a `/` would let kinds overlap.
pub(crate) const fn is_kind(kind: &str) -> bool {
    let bytes = kind.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_' => at += 1,
            _ => return false,
        }
    }
    !bytes.is_empty()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scopes() -> impl Strategy<Value = Scope> {
        let account = "[0-9]{12}".prop_map(|text| text.parse::<AccountId>().expect("valid"));
        let region = "[a-z]{2}-[a-z]{4,9}-[1-9]".prop_map(|t| t.parse::<Region>().expect("valid"));
        prop_oneof![
            Just(Scope::Haneul),
            account.clone().prop_map(Scope::Global),
            (account, region).prop_map(|(account, region)| Scope::Regional(account, region)),
        ]
    }

    fn keys() -> impl Strategy<Value = Key> {
        (scopes(), "[a-z]{1,3}\\.[a-z_-]{1,3}", ".{0,6}|[a-z/.-]{0,6}")
            .prop_map(|(scope, kind, id)| Key { scope, kind: kind.into(), id })
    }

    proptest! {
        #[test]
        fn a_key_reads_back(key in keys()) {
            prop_assert_eq!(Key::decode(&key.encode()), Some(key));
        }

        #[test]
        fn a_kind_s_range_holds_its_keys_and_no_other(one in keys(), other in keys()) {
            let start = encode(&one.scope, &one.kind, "");
            let end = after_prefix(start.as_bytes());
            let inside = |key: &Key| {
                let key = key.encode();
                start.as_bytes() <= &key[..] && key[..] < end[..]
            };
            prop_assert!(inside(&one));
            let same = one.scope == other.scope && one.kind == other.kind;
            prop_assert_eq!(inside(&other), same);
        }
    }

    #[test]
    fn a_prefix_of_high_bytes_ends_with_the_last_key() {
        let check = |prefix: &[u8], end: &[u8]| assert_eq!(after_prefix(prefix), end);
        check(b"ab", b"ac");
        check(b"a\xff\xff", b"b");
        check(b"\xff", b"");
        check(b"", b"");
    }
}
