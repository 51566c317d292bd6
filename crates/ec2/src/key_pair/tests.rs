use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::public::PublicKey;
use crate::testing::World;

/// Made by `ssh-keygen`; fingerprints by `openssl` and `ssh-keygen -l`.
const RSA: &str = include_str!("testdata/rsa.pub");
const ED25519: &str = include_str!("testdata/ed25519.pub");

fn import(name: &str, line: &str) -> String {
    // Base64 of base64: the letters that mean something in a form.
    let blob = STANDARD.encode(line).replace('+', "%2B").replace('=', "%3D");
    format!("KeyName={name}&PublicKeyMaterial={blob}")
}

#[test]
fn fingerprints_are_those_of_openssl_and_ssh_keygen() {
    let check = |line: &str, expected: &str| {
        let key = PublicKey::read(line.as_bytes()).expect("a key");
        assert_eq!(key.fingerprint(), expected);
        assert_eq!(PublicKey::read(key.line("a comment").as_bytes()).expect("again"), key);
    };
    check(RSA, include_str!("testdata/rsa.md5").trim());
    check(ED25519, include_str!("testdata/ed25519.sha256").trim());
    let words: Vec<&str> = ED25519.split_ascii_whitespace().collect();
    let ssh2 = format!(
        "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"a \\\nlong one\"\n{}\n---- END SSH2 PUBLIC KEY ----\n",
        words[1]
    );
    check(&ssh2, include_str!("testdata/ed25519.sha256").trim());
    for bad in
        ["", "ssh-rsa", "ssh-rsa AAAA", "ssh-dss AAAAB3NzaC1kc3M=", "ssh-ed25519 !", "\u{e9}"]
    {
        assert!(PublicKey::read(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn a_made_key_is_one_that_openssh_takes() {
    let world = World::new();
    let check = async |key_type: &str, begins: &str| {
        let members = format!("KeyName={key_type}&KeyType={key_type}");
        let made = world.must("CreateKeyPair", &members).await;
        let pem = World::text(&made, "keyMaterial").replace("&#xA;", "\n");
        assert!(pem.starts_with(begins), "{pem}");
        let members = format!("KeyName.1={key_type}&IncludePublicKey=true");
        let found = world.must("DescribeKeyPairs", &members).await;
        let public = World::text(&found, "publicKey").to_owned();
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("key");
        std::fs::write(&file, format!("{pem}\n")).expect("written");
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        std::fs::set_permissions(&file, mode).expect("set");
        // The only judge of it; a machine without OpenSSH checks the form alone.
        let Ok(answer) = Command::new("ssh-keygen").arg("-y").arg("-f").arg(&file).output() else {
            return;
        };
        let line = String::from_utf8(answer.stdout).expect("text");
        let two = |line: &str| -> Vec<String> {
            line.split_ascii_whitespace().take(2).map(Into::into).collect()
        };
        assert_eq!(two(&line), two(&public), "{}", String::from_utf8_lossy(&answer.stderr));
    };
    check("rsa", "-----BEGIN RSA PRIVATE KEY-----\n").await;
    check("ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n").await;
}

#[tokio::test]
async fn key_pairs_are_imported_found_and_deleted() {
    let world = World::new();
    let tag = "TagSpecification.1.ResourceType=key-pair&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b";
    let imported = world.must("ImportKeyPair", &format!("{}&{tag}", import("one", ED25519))).await;
    let id = World::text(&imported, "keyPairId").to_owned();
    world.must("ImportKeyPair", &import("two", RSA)).await;
    let twice = world.refused("ImportKeyPair", &import("one", RSA)).await;
    assert_eq!((twice.0, twice.1.as_str()), (400, "InvalidKeyPair.Duplicate"));
    let all = world.must("DescribeKeyPairs", "").await;
    assert_eq!(World::texts(&all, "keyName"), ["one", "two"]);
    assert_eq!(World::texts(&all, "keyType"), ["ed25519", "rsa"]);
    assert!(!all.contains("publicKey"), "{all}");
    let tagged = world.must("DescribeKeyPairs", "Filter.1.Name=tag:a&Filter.1.Value.1=b").await;
    assert_eq!(World::texts(&tagged, "keyPairId"), [id.as_str()]);
    let missing = world.refused("DescribeKeyPairs", "KeyName.1=three").await;
    assert_eq!(missing.1, "InvalidKeyPair.NotFound");
    assert_eq!(missing.2, "The key pair 'three' does not exist");
    assert_eq!(
        world.refused("ImportKeyPair", &import("bad", "no key")).await.1,
        "InvalidKey.Format"
    );
    assert_eq!(world.refused("CreateKeyPair", "KeyName=x&KeyType=dsa").await.0, 400);
    assert_eq!(world.refused("CreateKeyPair", "KeyName=x&KeyFormat=ppk").await.0, 400);
    world.must("CreateTags", &format!("ResourceId.1={id}&Tag.1.Key=c&Tag.1.Value=d")).await;
    world.must("DeleteKeyPair", "KeyName=one").await;
    world.must("DeleteKeyPair", "KeyName=one").await;
    assert_eq!(World::texts(&world.must("DescribeKeyPairs", "").await, "keyName"), ["two"]);
    assert_eq!(World::texts(&world.must("DescribeTags", "").await, "key"), [""; 0]);
    world.must("ImportKeyPair", &import("one", ED25519)).await;
}
