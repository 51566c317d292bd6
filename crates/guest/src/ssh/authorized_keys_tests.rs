use std::os::unix::fs::{PermissionsExt, symlink};

use proptest::prelude::*;

use super::*;

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
const OTHER: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

const ALL: Grant = Grant { command: None, terminal: true, forwarding: true };

fn key(text: &str) -> PublicKey {
    PublicKey::from_openssh(text).expect("a key")
}

fn source(address: &str) -> IpAddr {
    address.parse().expect("an address")
}

#[test]
fn lines_grant_what_their_options_say() {
    let check = |line: &str, expected: Option<Grant>| {
        let found = grant_in(line, &key(KEY), source("10.0.0.7"));
        assert_eq!(found, expected, "{line}");
    };
    let command = |command: &str| Grant { command: Some(command.into()), ..ALL };
    let none = Grant { command: None, terminal: false, forwarding: false };
    check("", None);
    check(KEY, Some(ALL));
    check(OTHER, None);
    check(&format!("# {KEY}"), None);
    check(&format!("{OTHER}\n\n#x\n  {KEY} me@here and more\r\n"), Some(ALL));
    check(&format!("no-pty {KEY}"), Some(Grant { terminal: false, ..ALL }));
    check(&format!("restrict,pty {KEY}"), Some(Grant { forwarding: false, ..ALL }));
    check(&format!("RESTRICT {KEY}"), Some(none));
    check(&format!(r#"command="echo hi, you" {KEY}"#), Some(command("echo hi, you")));
    check(
        &format!(r#"command="echo \"a b\" \\n",no-X11-forwarding {KEY}"#),
        Some(command(r#"echo "a b" \\n"#)),
    );
    check(
        &format!(
            "no-port-forwarding,no-agent-forwarding,no-X11-forwarding,command=\"echo no\" {KEY}"
        ),
        Some(Grant { forwarding: false, ..command("echo no") }),
    );
    // A bound that is not kept must not be ignored.
    for option in ["cert-authority", "expiry-time=\"20300101\"", "permitopen=\"a:1\"", "x", ","] {
        check(&format!("{option} {KEY}"), None);
    }
    check(&format!("command=echo {KEY}"), None);
    check(&format!("command=\"x {KEY}"), None);
    check("ssh-ed25519 AAAA", None);
    check("ssh-ed25519", None);
}

#[test]
fn keys_hold_for_the_places_they_name() {
    let check = |from: &str, address: &str, expected: bool| {
        let line = format!("from=\"{from}\" {KEY}");
        let found = grant_in(&line, &key(KEY), source(address)).is_some();
        assert_eq!(found, expected, "{from} {address}");
    };
    check("10.0.0.7", "10.0.0.7", true);
    check("10.0.0.7", "10.0.0.77", false);
    check("10.0.*", "10.0.9.1", true);
    check("10.0.0.?", "10.0.0.7", true);
    check("192.168.0.0/16,10.0.0.0/8", "10.9.9.9", true);
    check("10.0.0.0/8,!10.9.0.0/16", "10.9.9.9", false);
    check("!10.9.0.0/16", "10.0.0.1", false);
    check("*.example.com", "10.0.0.1", false);
    check("2001:db8::/32", "2001:db8::1", true);
    check("*", "2001:db8::1", true);
    check("", "10.0.0.1", false);
}

#[test]
fn files_that_others_may_write_open_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("home/me");
    fs::create_dir_all(home.join(".ssh")).expect("made");
    let mode = |path: &Path, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("set");
    };
    for path in [&home, &home.join(".ssh")] {
        mode(path, 0o755);
    }
    let file = home.join(".ssh/authorized_keys");
    fs::write(&file, KEY).expect("written");
    mode(&file, 0o600);
    let uid = fs::metadata(&file).expect("there").uid();
    let account = Account {
        name: "me".into(),
        uid,
        gid: 0,
        groups: Vec::new(),
        home: "/home/me".into(),
        shell: "/bin/sh".into(),
    };
    let opens = || grant(folder.path(), &account, &key(KEY), source("::1")).is_some();
    assert!(opens());
    for (path, bad, good) in
        [(&file, 0o620, 0o600), (&home.join(".ssh"), 0o777, 0o700), (&home, 0o775, 0o755)]
    {
        mode(path, bad);
        assert!(!opens(), "{}", path.display());
        mode(path, good);
    }
    // A link is as good as the way to where it leads; the temporary folder is everybody's.
    let elsewhere = folder.path().join("keys");
    fs::rename(&file, &elsewhere).expect("moved");
    symlink(&elsewhere, &file).expect("made");
    assert!(!opens());
    fs::remove_file(&file).expect("removed");
    rustix::fs::mkfifoat(rustix::fs::CWD, &file, rustix::fs::Mode::RWXU).expect("made");
    assert!(!opens());
}

proptest! {
    #[test]
    fn no_text_breaks_it(text in "\\PC{0,80}", from in "[0-9a-f.:*?!,/]{0,24}") {
        let _ = grant_in(&text, &key(KEY), source("::1"));
        let _ = grant_in(&format!("{text} {KEY}"), &key(KEY), source("::1"));
        let _ = grant_in(&format!("from=\"{from}\" {KEY}"), &key(KEY), source("10.1.2.3"));
    }

    #[test]
    fn a_command_comes_back_as_it_was_quoted(command in "[^\"\\\\\\n\\r]{0,40}") {
        let line = format!("command=\"{command}\" {KEY}");
        let found = grant_in(&line, &key(KEY), source("::1")).expect("granted");
        prop_assert_eq!(found.command, Some(command));
    }
}
