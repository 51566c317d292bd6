//! What things are called on the machine. Everything is found again by its name alone.

use ipnet::Ipv4Net;

use crate::{Error, GroupId, InterfaceId, NetworkId, Result};

/// The longest name a network device can have.
const DEVICE_LENGTH_MAX: usize = 15;

/// Between a network's namespace and the router, on the network's side.
pub(super) const UPLINK: &str = "up";
/// Between the router and the machine, on the router's side.
pub(super) const MACHINE: &str = "machine";

/// Begins the names of everything of one data folder.
#[derive(Clone, Debug)]
pub(super) struct Tag(String);

impl Tag {
    pub(super) fn new(tag: &str) -> Result<Self> {
        let fits = !tag.is_empty() && "hnl-".len() + tag.len() <= DEVICE_LENGTH_MAX;
        match fits && tag.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            true => Ok(Self(tag.into())),
            false => Err(Error::Refused(format!("{tag:?} is no tag of a data folder"))),
        }
    }

    pub(super) fn router(&self) -> String {
        format!("hnl-{}-wan", self.0)
    }

    pub(super) fn network(&self, id: &NetworkId) -> Result<String> {
        match id.0 == "wan" {
            true => Err(Error::Refused("no network can be called wan".into())),
            false => Ok(format!("hnl-{}-{}", self.0, word(&id.0)?)),
        }
    }

    /// The network whose namespace has this name.
    pub(super) fn network_of(&self, namespace: &str) -> Option<NetworkId> {
        let id = namespace.strip_prefix("hnl-")?.strip_prefix(&self.0)?.strip_prefix('-')?;
        (id != "wan").then(|| NetworkId(id.into()))
    }

    /// The machine's end of its link with the router.
    pub(super) fn machine_device(&self) -> String {
        format!("hnl-{}", self.0)
    }
}

/// An interface in its network's namespace. Device names are too short for ids, so it is a
/// hash; the device's alias says the id.
pub(super) fn interface_device(id: &InterfaceId) -> String {
    format!("e{}", short_hash(&id.0))
}

/// The router's end of its link with a network.
pub(super) fn network_device(id: &NetworkId) -> String {
    format!("v{}", short_hash(&id.0))
}

pub(super) fn subnet_chain(block: Ipv4Net) -> String {
    format!("from.{}_{}", block.network(), block.prefix_len())
}

pub(super) fn group_name(kind: &str, id: &GroupId) -> Result<String> {
    Ok(format!("{kind}.{}", word(&id.0)?))
}

/// Thirteen characters, the same in every release: devices outlive the process.
pub(super) fn short_hash(text: &str) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in text.bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    let digit = |place: u32| {
        let [digit, ..] = (hash >> (place * 5) & 31).to_le_bytes();
        char::from(ALPHABET[usize::from(digit)])
    };
    (0..13).map(digit).collect()
}

/// Ids become words of a script that root runs: nothing but letters, digits and dashes.
fn word(id: &str) -> Result<&str> {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    match !id.is_empty() && id.len() <= 64 && id.bytes().all(legal) {
        true => Ok(id),
        false => Err(Error::Refused(format!("{id:?} is no id of a network or a group"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_and_are_found_again() {
        let tag = Tag::new("3f9a01c2b4d").unwrap();
        let id = NetworkId("vpc-0123456789abcdef0".into());
        assert_eq!(tag.network(&id).unwrap(), "hnl-3f9a01c2b4d-vpc-0123456789abcdef0");
        assert_eq!(tag.network_of(&tag.network(&id).unwrap()), Some(id.clone()));
        assert_eq!(tag.network_of(&tag.router()), None);
        assert_eq!(tag.network_of("hnl-3f9a01c2b4d2-vpc-1"), None);
        assert!(tag.machine_device().len() <= DEVICE_LENGTH_MAX);
        assert!(network_device(&id).len() <= DEVICE_LENGTH_MAX);
        assert_eq!(interface_device(&InterfaceId("eni-1".into())).len(), 14);
    }

    #[test]
    fn what_would_be_more_than_a_word_is_refused() {
        for bad in ["", "a b", "a;", "a\n", "../x", "\"", &"a".repeat(65)] {
            assert!(word(bad).is_err(), "{bad:?}");
        }
        for bad in ["", "a-b", "123456789012"] {
            assert!(Tag::new(bad).is_err(), "{bad:?}");
        }
        assert!(Tag::new("a").unwrap().network(&NetworkId("wan".into())).is_err());
    }
}
