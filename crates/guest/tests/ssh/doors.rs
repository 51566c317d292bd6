use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use crate::server::Server;

const REFUSED: i32 = 255;

pub fn keys_open_and_nothing_else_does() {
    let server = Server::start();
    let enter = |user: &str, key: &str| {
        let mut command = server.client("ssh");
        command
            .arg("-i")
            .arg(server.path(key))
            .arg(format!("{user}@127.0.0.1"))
            .arg("id -un; true");
        command.output().unwrap().status.code().unwrap()
    };
    assert_eq!(enter("me", "key"), 0);
    for user in ["other", "closed", "nobody-at-all", "root"] {
        assert_eq!(enter(user, "key"), REFUSED, "{user}");
    }
    let file = server.home().join(".ssh/authorized_keys");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(enter("me", "key"), REFUSED);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    server.authorize("me", &server.public("wrong"));
    assert_eq!(enter("me", "wrong"), 0, "the second key of the client");
    let ends: Vec<i32> = server.ends().iter().map(|end| end.code().unwrap()).collect();
    let refused = i32::from(guest::ssh::REFUSED);
    assert_eq!(ends, [0, refused, refused, refused, refused, refused, 0]);
}

pub fn options_of_keys_hold() {
    let server = Server::start();
    let key = server.public("key");
    server.authorize("me", &format!("command=\"echo \\\"$SSH_ORIGINAL_COMMAND\\\" forced\" {key}"));
    assert_eq!(server.says(&[], "rm -rf x"), "rm -rf x forced\n");
    server.authorize("me", &format!("from=\"10.0.0.0/8\" {key}"));
    assert_eq!(server.ssh(&[], "true").status.code(), Some(REFUSED));
    server.authorize("me", &format!("from=\"127.0.0.0/8\",restrict {key}"));
    assert!(!server.ssh(&["-tt"], "tty").status.success());
    assert_eq!(server.says(&[], "echo in"), "in\n");
    let forward = ["-o", "ExitOnForwardFailure=yes", "-R", "0:127.0.0.1:9"];
    assert!(!server.ssh(&forward, "true").status.success());
}

pub fn pushed_keys_open_too() {
    let server = Server::start();
    server.authorize("me", "");
    let enter = || {
        let pushed = server.path("pushed");
        server.ssh(&["-i", pushed.to_str().unwrap()], "echo in").status.success()
    };
    assert!(!enter());
    let block = format!("#Timestamp=1\n{}c2lnbmF0dXJl==\n", server.public("pushed"));
    fs::write(server.path("pushed-for-me"), block).unwrap();
    assert!(enter());
    fs::write(server.path("pushed-for-closed"), server.public("pushed")).unwrap();
    let mut command = server.client("ssh");
    let output = command.arg("-i").arg(server.path("pushed")).arg("closed@127.0.0.1").output();
    assert_eq!(output.unwrap().status.code(), Some(REFUSED));
}

/// Not to be told apart by a client; a machine under load hides small differences too.
pub fn refusals_look_the_same() {
    let server = Server::start();
    server.authorize("me", "");
    let takes = |user: &str| {
        let mut command = server.client("ssh");
        command.args(["-v", "-v"]).arg(format!("{user}@127.0.0.1"));
        let began = Instant::now();
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let of_methods = said.lines().filter(|line| line.contains("can continue")).count();
        (began.elapsed().as_secs_f64(), of_methods)
    };
    let (real, asked) = takes("me");
    let (unknown, asked_unknown) = takes("nobody-at-all");
    assert_eq!(asked, asked_unknown);
    assert!((real - unknown).abs() < 1.0, "{real} {unknown}");
}
