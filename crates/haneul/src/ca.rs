//! The local certificate authority: one key and certificate of this data folder, and the
//! leaf certificates of the names that haneul answers to.
//!
//! Certificates follow the machine's clock and not the region's dial: the clients that
//! judge them do.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws::{Clock, Timestamp};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::crypto::aws_lc_rs::sign::any_supported_type;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use crate::data_dir::{self, DataDir, DataDirError};

const DAY: Duration = Duration::from_secs(86_400);
/// Clients whose clock is a little behind still accept a new certificate.
const BACKDATED: Duration = DAY;
const CA_LIFE: Duration = DAY.saturating_mul(3650);
/// Apple's clients refuse a leaf of more than 825 days, browsers one of more than 398.
const LEAF_LIFE: Duration = DAY.saturating_mul(397);
const LEAF_RENEWED_AFTER: Duration = DAY.saturating_mul(200);
/// Leaf certificates kept; beyond it all are forgotten and made again when asked for.
const LEAFS_MAX: usize = 512;

#[derive(Debug, thiserror::Error)]
pub enum CaError {
    #[error(transparent)]
    Folder(#[from] DataDirError),
    #[error("the local certificate authority cannot make a certificate")]
    Make(#[source] rcgen::Error),
    #[error("the local certificate authority's key is refused")]
    Key(#[source] rustls::Error),
    #[error("{0} is damaged; remove the folder `ca` to get a new certificate authority")]
    Damaged(String, #[source] rcgen::Error),
}

/// Issues a certificate for each name that clients ask for by SNI, of the names that are
/// ours: the domain's, `localhost`'s and AWS's own, which reach us where the resolver says so.
pub struct Ca {
    certificate_pem: String,
    issuer: Issuer<'static, KeyPair>,
    leaf_key: KeyPair,
    domain: String,
    addresses: Vec<IpAddr>,
    clock: Arc<Clock>,
    leafs: Mutex<HashMap<String, Leaf>>,
}

struct Leaf {
    key: Arc<CertifiedKey>,
    issued_at: Timestamp,
}

impl Ca {
    /// Opens the folder's authority, or makes it.
    ///
    /// # Errors
    /// When it can be neither read nor written, or what lies there is damaged.
    pub fn open(
        data: &DataDir,
        domain: &str,
        addresses: Vec<IpAddr>,
        clock: Arc<Clock>,
    ) -> Result<Self, CaError> {
        let key_path = data.ca().join("ca.key");
        let certificate_path = data.ca_certificate();
        let read = |path: &std::path::Path| std::fs::read_to_string(path);
        if let (Ok(certificate), Ok(key)) = (read(&certificate_path), read(&key_path)) {
            let damaged = |error| CaError::Damaged(certificate_path.display().to_string(), error);
            let key = KeyPair::from_pem(&key).map_err(damaged)?;
            let issuer = Issuer::from_ca_cert_pem(&certificate, key)
                .map_err(|error| CaError::Damaged(certificate_path.display().to_string(), error))?;
            return Self::new(certificate, issuer, domain, addresses, clock);
        }
        let (key_pem, certificate, issuer) = make(&clock)?;
        data_dir::make_private_dir(&data.ca())?;
        // The key first: a certificate without its key would be trusted in vain.
        data_dir::write_private(&key_path, key_pem.as_bytes())?;
        data_dir::write_private(&certificate_path, certificate.as_bytes())?;
        Self::new(certificate, issuer, domain, addresses, clock)
    }

    /// An authority that is gone with the process.
    ///
    /// # Errors
    /// When the system's cryptography refuses.
    pub fn in_memory(
        domain: &str,
        addresses: Vec<IpAddr>,
        clock: Arc<Clock>,
    ) -> Result<Self, CaError> {
        let (_, certificate, issuer) = make(&clock)?;
        Self::new(certificate, issuer, domain, addresses, clock)
    }

    fn new(
        certificate_pem: String,
        issuer: Issuer<'static, KeyPair>,
        domain: &str,
        addresses: Vec<IpAddr>,
        clock: Arc<Clock>,
    ) -> Result<Self, CaError> {
        let leaf_key = KeyPair::generate().map_err(CaError::Make)?;
        let leafs = Mutex::default();
        let domain = domain.to_ascii_lowercase();
        Ok(Self { certificate_pem, issuer, leaf_key, domain, addresses, clock, leafs })
    }

    pub fn certificate_pem(&self) -> &str {
        &self.certificate_pem
    }

    /// The certificate for a name asked for by SNI; the general one for none or another's.
    ///
    /// # Errors
    /// When the system's cryptography refuses.
    pub fn leaf(&self, name: Option<&str>) -> Result<Arc<CertifiedKey>, CaError> {
        let name = name.filter(|name| self.is_ours(name)).unwrap_or_default();
        let now = self.clock.now();
        let mut leafs = self.leafs.lock().expect("issuing does not panic");
        if let Some(leaf) = leafs.get(name)
            && now.since(leaf.issued_at) < LEAF_RENEWED_AFTER
        {
            return Ok(leaf.key.clone());
        }
        let key = Arc::new(self.issue(name, now)?);
        if leafs.len() >= LEAFS_MAX {
            leafs.clear();
        }
        leafs.insert(name.into(), Leaf { key: key.clone(), issued_at: now });
        Ok(key)
    }

    /// Whether a name is one that haneul answers to.
    fn is_ours(&self, name: &str) -> bool {
        ["localhost", self.domain.as_str(), "amazonaws.com", "api.aws"].iter().any(|suffix| {
            name.strip_suffix(suffix).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }

    fn issue(&self, name: &str, now: Timestamp) -> Result<CertifiedKey, CaError> {
        let names = if name.is_empty() { self.general_names() } else { vec![name.to_owned()] };
        let common_name = names[0].clone();
        let mut params = CertificateParams::new(names).map_err(CaError::Make)?;
        if name.is_empty() {
            params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        }
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        set_life(&mut params, now, LEAF_LIFE);
        let leaf = params.signed_by(&self.leaf_key, &self.issuer).map_err(CaError::Make)?;
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.leaf_key.serialize_der()));
        let key = any_supported_type(&key).map_err(CaError::Key)?;
        Ok(CertifiedKey::new(vec![CertificateDer::from(leaf.der().to_vec())], key))
    }

    fn general_names(&self) -> Vec<String> {
        let mut names = vec!["localhost".to_owned(), "*.localhost".to_owned()];
        if self.domain != "localhost" {
            names.extend([self.domain.clone(), format!("*.{}", self.domain)]);
        }
        names
    }
}

impl std::fmt::Debug for Ca {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ca").field("domain", &self.domain).finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Ca {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let name = hello.server_name().map(str::to_ascii_lowercase);
        self.leaf(name.as_deref())
            .inspect_err(|error| tracing::error!(%error, name, "no certificate could be made"))
            .ok()
    }
}

/// A new authority: its key and certificate in PEM, and the issuer made of them.
fn make(clock: &Clock) -> Result<(String, String, Issuer<'static, KeyPair>), CaError> {
    let key = KeyPair::generate().map_err(CaError::Make)?;
    let mut params = CertificateParams::default();
    // Browsers list authorities by name: tell this machine's apart from others' by its start.
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "haneul");
    let name = format!("haneul local CA {}", clock.now().to_basic());
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    set_life(&mut params, clock.now(), CA_LIFE);
    let certificate = params.self_signed(&key).map_err(CaError::Make)?.pem();
    Ok((key.serialize_pem(), certificate, Issuer::new(params, key)))
}

fn set_life(params: &mut CertificateParams, now: Timestamp, life: Duration) {
    params.not_before = date_time(now - BACKDATED);
    params.not_after = date_time(now + life);
}

fn date_time(at: Timestamp) -> time::OffsetDateTime {
    time::OffsetDateTime::from_unix_timestamp(at.as_secs())
        .expect("a Timestamp stays within the years 0 to 9999")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock() -> Arc<Clock> {
        Arc::new(Clock::manual(Timestamp::from_secs(1_795_344_053)))
    }

    #[test]
    fn the_authority_is_kept_and_its_key_is_private() {
        use std::os::unix::fs::MetadataExt;
        let folder = tempfile::tempdir().expect("a folder");
        let data = DataDir::new(folder.path());
        let open = || Ca::open(&data, "localhost", Vec::new(), clock()).expect("opened");
        let first = open();
        assert_eq!(first.certificate_pem(), open().certificate_pem());
        let key = std::fs::metadata(data.ca().join("ca.key")).expect("written");
        assert_eq!(key.mode() & 0o777, 0o600);
        std::fs::write(data.ca_certificate(), "nonsense").expect("written");
        assert!(matches!(
            Ca::open(&data, "localhost", Vec::new(), clock()),
            Err(CaError::Damaged(..))
        ));
    }

    #[test]
    fn only_our_names_get_a_leaf_of_their_own() {
        let ca = Ca::in_memory("cloud.example", Vec::new(), clock()).expect("made");
        let general = ca.leaf(None).expect("issued");
        let check = |name: &str, own: bool| {
            let leaf = ca.leaf(Some(name)).expect("issued");
            assert_eq!(!Arc::ptr_eq(&leaf, &general), own, "{name}");
            assert!(Arc::ptr_eq(&leaf, &ca.leaf(Some(name)).expect("issued")), "{name} is kept");
        };
        check("s3.ap-northeast-2.amazonaws.com", true);
        check("sts.cloud.example", true);
        check("x.localhost", true);
        check("example.com", false);
        check("notamazonaws.com", false);
    }

    #[test]
    fn kept_leafs_are_bounded_and_renewed() {
        let clock = clock();
        let ca = Ca::in_memory("localhost", Vec::new(), clock.clone()).expect("made");
        for n in 0..LEAFS_MAX + 2 {
            ca.leaf(Some(&format!("b{n}.localhost"))).expect("issued");
        }
        assert!(ca.leafs.lock().expect("whole").len() <= LEAFS_MAX);
        let old = ca.leaf(None).expect("issued");
        clock.advance(LEAF_RENEWED_AFTER);
        assert!(!Arc::ptr_eq(&old, &ca.leaf(None).expect("issued")));
    }
}
