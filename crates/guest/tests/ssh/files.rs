use std::fs;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, chown};
use std::process::Stdio;

use crate::server::{Server, UID};

pub fn scp_copies_both_ways() {
    let server = Server::start();
    let tree = server.path("tree");
    fs::create_dir_all(tree.join("inside")).unwrap();
    let bytes: Vec<u8> = (0..3_000_000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(tree.join("inside/large"), &bytes).unwrap();
    let odd = tree.join(std::ffi::OsStr::from_bytes(b"caf\xe9 \xec\x9d\xbc"));
    fs::write(odd, "odd").unwrap();
    // The newer way by SFTP, and the older by the image's own scp.
    for (number, way) in ["-s", "-O"].iter().enumerate() {
        let copy = |from: &str, to: &str| {
            let output = server.client("scp").args([way, "-r", "-p", from, to]).output().unwrap();
            assert!(output.status.success(), "{way} {output:?}");
        };
        let there = format!("me@127.0.0.1:there{number}");
        copy(tree.to_str().unwrap(), &there);
        let large = server.home().join(format!("there{number}/inside/large"));
        assert!(fs::read(&large).unwrap() == bytes);
        let (here, there_) =
            (fs::metadata(tree.join("inside/large")).unwrap(), fs::metadata(&large).unwrap());
        assert_eq!((there_.uid(), there_.mtime()), (UID, here.mtime()));
        let back = server.path(&format!("back{number}"));
        copy(&there, back.to_str().unwrap());
        let same = std::process::Command::new("diff").arg("-r").args([&tree, &back]).status();
        assert!(same.unwrap().success());
    }
    let mut secret = server.client("scp");
    secret.args(["-s", "me@127.0.0.1:/etc/shadow"]).arg(server.path("x"));
    assert!(!secret.status().unwrap().success());
}

pub fn sftp_does_what_it_is_asked() {
    let server = Server::start();
    let file = server.path("file");
    fs::write(&file, "some text\n").unwrap();
    chown(&file, Some(UID), None).unwrap();
    let batch = format!(
        "pwd\nmkdir d\nput {0} d/a\nrename d/a d/b\nsymlink b d/link\nln d/b d/hard\nchmod 640 d/b\n\
         ls -la d\ndf d\nget d/link {0}.back\n-rm d/none\nrm d/hard\nrm d/link\nrm d/b\nrmdir d\nls\n",
        file.display()
    );
    let mut client = server.client("sftp");
    client.args(["-b", "-", "me@127.0.0.1"]);
    client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut client = client.spawn().unwrap();
    client.stdin.take().unwrap().write_all(batch.as_bytes()).unwrap();
    let output = client.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(said.contains(&format!("directory: {}\n", server.home().display())), "{said}");
    let listed = said.lines().find(|line| line.ends_with("b") && line.starts_with("-rw-r-----"));
    assert!(listed.is_some_and(|line| line.contains(" 10 ")), "{said}");
    assert!(said.contains("%Capacity"), "{said}");
    assert_eq!(fs::read(server.path("file.back")).unwrap(), b"some text\n");
    assert!(!server.home().join("d").exists());
}
