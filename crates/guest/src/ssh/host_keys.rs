//! The keys by which users know that they reached their guest, and no other.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use russh::keys::key::safe_rng;
use russh::keys::ssh_key::LineEnding;
use russh::keys::{Algorithm, EcdsaCurve, HashAlg, PrivateKey};

const FOLDER: &str = "etc/ssh";
/// What every client of ten years knows, and the one before it. A key of RSA takes a second to
/// make, and no client needs it any more.
const KINDS: [(&str, Algorithm); 2] =
    [("ed25519", Algorithm::Ed25519), ("ecdsa", Algorithm::Ecdsa { curve: EcdsaCurve::NistP256 })];

/// The guest's keys; those that are missing are made.
pub(super) fn ensure(root: &Path) -> io::Result<Vec<PrivateKey>> {
    KINDS.iter().map(|(name, algorithm)| ensure_one(&path(root, name), algorithm)).collect()
}

/// Takes the keys away that a copied disk brought along: two guests must not look like one.
pub(crate) fn renew(root: &Path) -> io::Result<Vec<PrivateKey>> {
    for (name, _) in &KINDS {
        for path in [path(root, name), public_path(&path(root, name))] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    ensure(root)
}

/// The lines that cloud-init writes to the console, where users compare them.
pub(crate) fn announcement(keys: &[PrivateKey]) -> String {
    let comment = format!("root@{}", rustix::system::uname().nodename().to_string_lossy());
    let mut text = String::from("-----BEGIN SSH HOST KEY FINGERPRINTS-----\n");
    for key in keys {
        let (bits, kind) = match key.algorithm() {
            Algorithm::Ecdsa { .. } => (256, "ECDSA"),
            _ => (256, "ED25519"),
        };
        let print = key.fingerprint(HashAlg::Sha256);
        text.push_str(&format!("{bits} {print} {comment} ({kind})\n"));
    }
    text.push_str("-----END SSH HOST KEY FINGERPRINTS-----\n-----BEGIN SSH HOST KEY KEYS-----\n");
    for line in keys.iter().filter_map(|key| key.public_key().to_openssh().ok()) {
        text.push_str(&format!("{} {comment}\n", line.trim_end()));
    }
    text.push_str("-----END SSH HOST KEY KEYS-----");
    text
}

fn ensure_one(path: &Path, algorithm: &Algorithm) -> io::Result<PrivateKey> {
    match fs::read_to_string(path) {
        Ok(text) => return PrivateKey::from_openssh(&text).map_err(io::Error::other),
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Err(_) => {}
    }
    let key = PrivateKey::random(&mut safe_rng(), algorithm.clone()).map_err(io::Error::other)?;
    let text = key.to_openssh(LineEnding::LF).map_err(io::Error::other)?;
    let public = key.public_key().to_openssh().map_err(io::Error::other)? + "\n";
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Two connections may come at once before the first boot is over: whole keys appear, and
    // the first that appears is the guest's.
    let draft = path.with_extension(format!("new-{}", std::process::id()));
    write(&draft, text.as_bytes(), 0o600)?;
    let placed = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match placed {
        Ok(()) => {
            write(&public_path(path), public.as_bytes(), 0o644)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            PrivateKey::from_openssh(fs::read_to_string(path)?).map_err(io::Error::other)
        }
        Err(error) => Err(error),
    }
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = File::options().create(true).truncate(true).write(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn path(root: &Path, name: &str) -> PathBuf {
    root.join(FOLDER).join(format!("ssh_host_{name}_key"))
}

fn public_path(path: &Path) -> PathBuf {
    path.with_extension("pub")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn keys_stay_until_they_are_renewed() {
        let root = tempfile::tempdir().expect("a folder");
        let prints = |keys: &[PrivateKey]| -> Vec<String> {
            keys.iter().map(|key| key.fingerprint(HashAlg::Sha256).to_string()).collect()
        };
        let first = prints(&ensure(root.path()).expect("made"));
        assert_eq!(prints(&ensure(root.path()).expect("read")), first);
        let file = root.path().join("etc/ssh/ssh_host_ed25519_key");
        let mode = fs::metadata(&file).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let public = fs::read_to_string(file.with_extension("pub")).expect("there");
        assert!(public.starts_with("ssh-ed25519 AAAA"), "{public}");
        let keys = renew(root.path()).expect("made");
        assert!(prints(&keys).iter().all(|print| !first.contains(print)));
        let text = announcement(&keys);
        assert!(text.contains(&format!("256 {} root@", prints(&keys)[0])), "{text}");
        assert!(text.contains(" (ED25519)\n"), "{text}");
        assert_eq!(fs::read_dir(root.path().join("etc/ssh")).expect("there").count(), 4);
        fs::write(&file, "broken").expect("written");
        assert!(ensure(root.path()).is_err());
    }
}
