//! The authority by which AWS's names are trusted here: the region's own.

use std::fs;
use std::path::Path;

use super::Error;

/// Where Debian's `update-ca-certificates` finds it again.
const OWN: &str = "usr/local/share/ca-certificates/haneul.crt";
/// What OpenSSL, GnuTLS, curl and Python read.
const BUNDLE: &str = "etc/ssl/certs/ca-certificates.crt";
/// For programs that bring certificates of their own and ask the environment for others:
/// botocore from PyPI, Node.
const ENVIRONMENT: &str = "etc/environment";
const PROFILE: &str = "etc/profile.d/haneul.sh";

/// Adds the certificate to those that the image trusts, once.
pub(super) fn trust(root: &Path, pem: &str) -> Result<(), Error> {
    write(root, OWN, pem)?;
    let bundle = fs::read_to_string(root.join(BUNDLE)).unwrap_or_default();
    if !bundle.contains(pem.trim()) {
        write(root, BUNDLE, &format!("{}\n{}\n", bundle.trim_end(), pem.trim()))?;
    }
    let variables = [format!("AWS_CA_BUNDLE=/{BUNDLE}"), format!("NODE_EXTRA_CA_CERTS=/{OWN}")];
    let environment = fs::read_to_string(root.join(ENVIRONMENT)).unwrap_or_default();
    let missing = variables.iter().filter(|line| !environment.lines().any(|old| old == **line));
    let added: String = missing.map(|line| format!("{line}\n")).collect();
    if !added.is_empty() {
        let before = environment.trim_end();
        let gap = if before.is_empty() { "" } else { "\n" };
        write(root, ENVIRONMENT, &format!("{before}{gap}{added}"))?;
    }
    let exports: String = variables.iter().map(|line| format!("export {line}\n")).collect();
    write(root, PROFILE, &exports)
}

fn write(root: &Path, name: &str, text: &str) -> Result<(), Error> {
    let path = root.join(name);
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    let written = folder.and_then(|()| fs::write(&path, text));
    written.map_err(|source| Error::File { what: path.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_added_once_and_the_rest_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir_all(root.join("etc/ssl/certs")).expect("made");
        fs::write(root.join(BUNDLE), "OTHER\n").expect("written");
        fs::write(root.join(ENVIRONMENT), "A=1").expect("written");
        for _ in 0..2 {
            trust(root, "PEM\n").expect("written");
        }
        let read = |name: &str| fs::read_to_string(root.join(name)).expect("there");
        assert_eq!(read(BUNDLE), "OTHER\nPEM\n");
        let expected = format!("A=1\nAWS_CA_BUNDLE=/{BUNDLE}\nNODE_EXTRA_CA_CERTS=/{OWN}\n");
        assert_eq!(read(ENVIRONMENT), expected);
        assert!(read(PROFILE).starts_with("export AWS_CA_BUNDLE="));
    }
}
