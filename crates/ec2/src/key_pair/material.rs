//! Making key pairs: RSA of 2048 bits as PKCS#1, ED25519 as OpenSSH writes it.

use aws::Random;
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::public::{PublicKey, put, with_colons};
use super::{KeyType, der};
use crate::error::{Error, Result};

pub(super) struct Made {
    pub(super) public: PublicKey,
    pub(super) fingerprint: String,
    pub(super) private_pem: String,
}

pub(super) async fn make(key_type: KeyType, random: &Random) -> Result<Made> {
    match key_type {
        // It takes a processor a good part of a second.
        KeyType::Rsa => tokio::task::spawn_blocking(rsa)
            .await
            .map_err(|error| Error::Internal(error.to_string()))?,
        KeyType::Ed25519 => ed25519(random),
    }
}

/// The primes are drawn by the library, from the system's randomness.
fn rsa() -> Result<Made> {
    let failed = |what: &str| Error::Internal(format!("an RSA key cannot be {what}"));
    let pair = aws_lc_rs::rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| failed("made"))?;
    let pkcs8: Pkcs8V1Der<'_> = AsDer::as_der(&pair).map_err(|_| failed("written"))?;
    let pkcs1 = der::pkcs1_of(pkcs8.as_ref()).ok_or_else(|| failed("read"))?;
    let (modulus, exponent) = der::public_of(pkcs1).ok_or_else(|| failed("read"))?;
    // SHA-1 of the private key, where an imported key has MD5 of the public one.
    let fingerprint = digest(&SHA1_FOR_LEGACY_USE_ONLY, pkcs8.as_ref());
    Ok(Made {
        public: PublicKey::Rsa { modulus, exponent },
        fingerprint: with_colons(fingerprint.as_ref()),
        private_pem: pem("RSA PRIVATE KEY", pkcs1, 64),
    })
}

fn ed25519(random: &Random) -> Result<Made> {
    let (mut seed, mut check) = ([0; 32], [0; 4]);
    random.fill(&mut seed);
    random.fill(&mut check);
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
    let pair = pair.map_err(|_| Error::Internal("an ED25519 key cannot be made".into()))?;
    let point: [u8; 32] = pair.public_key().as_ref().try_into().expect("a point has 32 bytes");
    let public = PublicKey::Ed25519(point);
    let mut private = [check, check].concat();
    put(&mut private, public.algorithm().as_bytes());
    put(&mut private, &point);
    put(&mut private, &[seed, point].concat());
    put(&mut private, b"");
    private.extend((1..=8u8).take(private.len().next_multiple_of(8) - private.len()));
    let mut file = b"openssh-key-v1\0".to_vec();
    // Neither cipher nor key derivation, and one key.
    put(&mut file, b"none");
    put(&mut file, b"none");
    put(&mut file, b"");
    file.extend_from_slice(&1u32.to_be_bytes());
    put(&mut file, &public.blob());
    put(&mut file, &private);
    Ok(Made {
        fingerprint: public.fingerprint(),
        public,
        private_pem: pem("OPENSSH PRIVATE KEY", &file, 70),
    })
}

/// Without a newline at the end, as EC2 answers.
fn pem(label: &str, bytes: &[u8], width: usize) -> String {
    let encoded = STANDARD.encode(bytes);
    let mut pem = format!("-----BEGIN {label}-----\n");
    for line in encoded.as_bytes().chunks(width) {
        pem.push_str(&String::from_utf8_lossy(line));
        pem.push('\n');
    }
    pem + &format!("-----END {label}-----")
}
