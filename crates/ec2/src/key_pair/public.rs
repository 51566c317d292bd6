//! Public keys as SSH writes them, and their fingerprints as EC2 does.
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/verify-keys.html>

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use md5::{Digest as _, Md5};

use super::{KeyType, der};
use crate::error::{Error, Result};

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// The integers' bytes, without superfluous zeros and not negative.
    Rsa {
        modulus: Vec<u8>,
        exponent: Vec<u8>,
    },
    Ed25519([u8; 32]),
}

/// AWS's: 1024, 2048 and 4096.
const RSA_BYTES: [usize; 3] = [128, 256, 512];
const BEGIN_SSH2: &str = "---- BEGIN SSH2 PUBLIC KEY ----";
const END_SSH2: &str = "---- END SSH2 PUBLIC KEY ----";

impl PublicKey {
    /// Reads a line of `authorized_keys`, or an RFC 4716 file.
    ///
    /// # Errors
    /// `InvalidKey.Format`.
    pub(super) fn read(material: &[u8]) -> Result<Self> {
        let refused = || {
            let message = "Key is not in valid OpenSSH public key format";
            Error::coded("InvalidKey.Format", message)
        };
        let text = std::str::from_utf8(material).map_err(|_| refused())?.trim();
        let encoded = if let Some(rest) = text.strip_prefix(BEGIN_SSH2) {
            body_of_ssh2(rest).ok_or_else(refused)?
        } else {
            let mut words = text.split_ascii_whitespace();
            let kind = words.next().filter(|kind| matches!(*kind, "ssh-rsa" | "ssh-ed25519"));
            kind.and_then(|_| words.next()).ok_or_else(refused)?.to_owned()
        };
        let blob = STANDARD.decode(encoded).map_err(|_| refused())?;
        Self::of_blob(&blob).ok_or_else(refused)
    }

    fn of_blob(blob: &[u8]) -> Option<Self> {
        let mut rest = blob;
        match take(&mut rest)? {
            b"ssh-rsa" => {
                let exponent = take(&mut rest)?.to_vec();
                let modulus = take(&mut rest)?.to_vec();
                let bytes = modulus.strip_prefix(&[0]).unwrap_or(&modulus).len();
                let fits = rest.is_empty() && RSA_BYTES.contains(&bytes) && !exponent.is_empty();
                fits.then_some(Self::Rsa { modulus, exponent })
            }
            b"ssh-ed25519" => {
                let point = take(&mut rest)?.try_into().ok()?;
                rest.is_empty().then_some(Self::Ed25519(point))
            }
            _ => None,
        }
    }

    pub(super) fn key_type(&self) -> KeyType {
        match self {
            Self::Rsa { .. } => KeyType::Rsa,
            Self::Ed25519(_) => KeyType::Ed25519,
        }
    }

    pub(super) fn blob(&self) -> Vec<u8> {
        let mut blob = Vec::new();
        put(&mut blob, self.algorithm().as_bytes());
        match self {
            Self::Rsa { modulus, exponent } => {
                put(&mut blob, exponent);
                put(&mut blob, modulus);
            }
            Self::Ed25519(point) => put(&mut blob, point),
        }
        blob
    }

    pub(super) fn algorithm(&self) -> &'static str {
        match self {
            Self::Rsa { .. } => "ssh-rsa",
            Self::Ed25519(_) => "ssh-ed25519",
        }
    }

    pub(super) fn line(&self, comment: &str) -> String {
        format!("{} {} {comment}", self.algorithm(), STANDARD.encode(self.blob()))
    }

    /// Of an imported key; of RSA keys that EC2 made it is another.
    pub(super) fn fingerprint(&self) -> String {
        match self {
            Self::Rsa { modulus, exponent } => {
                with_colons(&Md5::digest(der::public_key_info(modulus, exponent)))
            }
            Self::Ed25519(_) => STANDARD.encode(digest(&SHA256, &self.blob())),
        }
    }
}

/// `1f:51:ae:…`.
pub(super) fn with_colons(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

/// Without its headers, which have a colon and go on after a backslash.
fn body_of_ssh2(text: &str) -> Option<String> {
    let (inside, _) = text.split_once(END_SSH2)?;
    let mut in_header = false;
    let mut body = String::new();
    for line in inside.lines().map(str::trim) {
        if in_header || line.contains(':') {
            in_header = line.ends_with('\\');
        } else {
            body.push_str(line);
        }
    }
    Some(body)
}

fn take<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    let (content, after) = after.split_at_checked(length)?;
    *rest = after;
    Some(content)
}

/// SSH's string: its length, then its bytes.
pub(super) fn put(to: &mut Vec<u8>, content: &[u8]) {
    let length = u32::try_from(content.len()).expect("keys are short");
    to.extend_from_slice(&length.to_be_bytes());
    to.extend_from_slice(content);
}
