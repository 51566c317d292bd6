use std::fs;
use std::io::Write;
use std::process::Stdio;
use std::time::Instant;

use crate::server::{Server, UID, until};

pub fn commands_run_as_the_user() {
    let server = Server::start();
    let home = server.home();
    assert_eq!(server.says(&[], "id -u; id -g; id -G; pwd; umask"), {
        let home = home.display();
        format!("{UID}\n{UID}\n{UID} {}\n{home}\n0022\n", UID - 9)
    });
    let began = Instant::now();
    let said = server.says(&["-o", "SetEnv=LANG=ko_KR.UTF-8 LD_PRELOAD=x LC_TIME=C"], "env");
    println!("a login and a command: {} ms", began.elapsed().as_millis());
    let lines: Vec<&str> = said.lines().collect();
    for line in [
        "USER=me",
        "LOGNAME=me",
        &format!("HOME={}", home.display()),
        "SHELL=/bin/bash",
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LANG=ko_KR.UTF-8",
        "LC_TIME=C",
    ] {
        assert!(lines.contains(&line), "{line} in {said}");
    }
    let port = format!(" 127.0.0.1 {}", server.port);
    assert!(lines.iter().any(|l| l.starts_with("SSH_CONNECTION=127.0.0.1 ") && l.ends_with(&port)));
    assert!(!said.contains("LD_PRELOAD") && !said.contains("SSH_TTY"), "{said}");
    // Nothing of the server's is open in the user's process.
    assert_eq!(server.says(&[], "ls -l /proc/self/fd | grep -c socket; true"), "0\n");
}

pub fn ends_are_told() {
    let server = Server::start();
    let output = server.ssh(&[], "echo out; echo err >&2; exit 3");
    assert_eq!(output.status.code(), Some(3));
    assert_eq!((&output.stdout[..], &output.stderr[..]), (&b"out\n"[..], &b"err\n"[..]));
    // OpenSSH's client says -1 of a signal.
    assert_eq!(server.ssh(&[], "kill -TERM $$").status.code(), Some(255));
    assert_eq!(server.ssh(&[], "no-such-program").status.code(), Some(127));
    assert_eq!(server.ssh(&["-s"], "no-such-subsystem").status.code(), Some(255));
    assert_eq!(server.says(&[], "(sleep 0.3; echo late) & exit 0"), "late\n");
}

pub fn terminals_are_as_the_clients() {
    let server = Server::start();
    let said = server.says(&["-tt"], "tty; echo $SSH_TTY $TERM; stty -a; ps -o tty= -p $$");
    let mut lines = said.lines();
    let tty = lines.next().unwrap();
    assert!(tty.starts_with("/dev/pts/"), "{said}");
    assert!(lines.next().unwrap().starts_with(tty), "{said}");
    assert!(said.contains("iutf8") || said.contains("isig"), "{said}");
    // A shell, as typed.
    fs::write(server.home().join(".bash_profile"), "echo this is a login $0\n").unwrap();
    let mut command = server.client("ssh");
    command.env("TERM", "vt220").args(["-tt", "me@127.0.0.1"]);
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = client.stdin.take().unwrap();
    input.write_all(b"stty -echo; echo $TERM-$((6*7)); exit 5\n").unwrap();
    let output = client.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("this is a login -bash\r\n") && said.contains("vt220-42\r\n"), "{said}");
    assert_eq!(output.status.code(), Some(5));
    drop(input);
}

pub fn terminals_hang_up() {
    let server = Server::start();
    let runs = |seconds: &str| {
        let found = std::process::Command::new("pgrep").args(["-f", "-x", seconds]).output();
        found.unwrap().status.success()
    };
    let mut client = server.client("ssh");
    client.args([
        "-tt",
        "me@127.0.0.1",
        "(trap '' HUP; exec sleep 54323 >/dev/null 2>&1 </dev/null) & sleep 54322",
    ]);
    let mut client = client.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    until("both sleep", || runs("sleep 54322") && runs("sleep 54323"));
    // `timeout` hands it on to the client.
    let pid = rustix::process::Pid::from_child(&client);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    client.wait().unwrap();
    until("the terminal's program ends", || !runs("sleep 54322"));
    assert!(runs("sleep 54323"), "what minds no hang-up goes on");
    server.says(&[], "kill $(pgrep -x -f 'sleep 54323')");
    // And what was put into the background does not keep the client.
    server.says(&["-tt"], "nohup sleep 54324 >/dev/null 2>&1 & disown; sleep 0.5; exit");
    server.says(&[], "kill $(pgrep -x -f 'sleep 54324')");
}

pub fn one_connection_has_many() {
    let server = Server::start();
    let socket = server.path("control");
    let path = format!("ControlPath={}", socket.display());
    let mut master = server.client("ssh");
    master.args(["-o", &path, "-M", "-N", "me@127.0.0.1"]);
    let mut master = master.spawn().unwrap();
    until("the connection", || socket.exists());
    for round in 0..100 {
        assert_eq!(server.says(&["-o", &path], &format!("echo {round}")), format!("{round}\n"));
    }
    let clients: Vec<_> = (0..20)
        .map(|_| {
            let mut client = server.client("ssh");
            client.args([
                "-o",
                &path,
                "me@127.0.0.1",
                "head -c 3000000 /dev/zero | tee /dev/stderr",
            ]);
            client.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        })
        .collect();
    for client in clients {
        let output = client.wait_with_output().unwrap();
        assert_eq!((output.stdout.len(), output.stderr.len()), (3_000_000, 3_000_000));
    }
    assert_eq!(server.connections(), 1);
    server.client("ssh").args(["-o", &path, "-O", "exit", "me@127.0.0.1"]).status().unwrap();
    master.wait().unwrap();
}
