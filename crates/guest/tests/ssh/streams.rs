use std::fs::{self, File};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;
use std::time::Instant;

use crate::server::{Server, until};

/// More than all windows and buffers.
const MANY: usize = 48 << 20;

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    File::open("/dev/urandom").unwrap().take(len as u64).read_to_end(&mut bytes).unwrap();
    bytes
}

pub fn bytes_pass_both_ways() {
    let server = Server::start();
    let sent = noise(MANY);
    let file = server.path("sent");
    fs::write(&file, &sent).unwrap();
    // A program that writes while it reads, and one that says when its input has ended.
    for line in ["cat", "tr a a; echo -n end"] {
        let mut client = server.client("ssh");
        client.arg("me@127.0.0.1").arg(line).stdin(File::open(&file).unwrap());
        let output = client.output().unwrap();
        assert!(output.status.success());
        assert!(output.stdout[..sent.len()] == sent[..], "{line}");
        assert_eq!(&output.stdout[sent.len()..], if line == "cat" { &b""[..] } else { b"end" });
    }
}

pub fn a_flood_fills_no_memory() {
    let server = Server::start();
    let began = Instant::now();
    let mut client = server.client("ssh");
    client.args(["me@127.0.0.1", "head -c 512M /dev/zero; sleep 1"]).stdout(Stdio::piped());
    let mut client = client.spawn().unwrap();
    let mut flood = client.stdout.take().unwrap().take(512 << 20);
    assert_eq!(std::io::copy(&mut flood, &mut std::io::sink()).unwrap(), 512 << 20);
    println!("512 MiB from the server: {:?}", began.elapsed());
    let peak = server.peak_kib();
    println!("its memory: {peak} KiB");
    assert!(peak < 64 << 10, "{peak}");
    assert!(client.wait().unwrap().success());
}

pub fn input_that_nobody_reads_waits() {
    let server = Server::start();
    let file = server.path("sent");
    fs::write(&file, noise(MANY)).unwrap();
    let mut client = server.client("ssh");
    client.args(["me@127.0.0.1", "sleep 2; wc -c; sleep 1"]).stdout(Stdio::piped());
    let mut client = client.stdin(File::open(&file).unwrap()).spawn().unwrap();
    let mut said = [0; 9];
    client.stdout.as_mut().unwrap().read_exact(&mut said).unwrap();
    assert_eq!(said, *b"50331648\n");
    let peak = server.peak_kib();
    println!("memory with input that waits: {peak} KiB");
    assert!(peak < 64 << 10, "{peak}");
    assert!(client.wait().unwrap().success());
    // A program that wants none of it ends at once.
    let mut client = server.client("ssh");
    client.args(["me@127.0.0.1", "echo no"]).stdin(File::open(&file).unwrap());
    assert_eq!(client.output().unwrap().stdout, b"no\n");
}

/// A program that does not read must not keep the other sessions of its connection waiting.
pub fn others_go_on_beside_a_stuck_one() {
    let server = Server::start();
    let path = format!("ControlPath={}", server.path("control").display());
    let mut master = server.client("ssh");
    let mut master = master.args(["-o", &path, "-M", "-N", "me@127.0.0.1"]).spawn().unwrap();
    until("the connection", || server.path("control").exists());
    let mut stuck = server.client("ssh");
    stuck.args(["-o", &path, "me@127.0.0.1", "exec sleep 54325"]);
    stuck.stdin(File::open("/dev/zero").unwrap()).stdout(Stdio::piped());
    let mut stuck = stuck.spawn().unwrap();
    until("more than is taken at full speed", || server.peak_kib() > 16 << 10);
    for _ in 0..3 {
        assert_eq!(server.says(&["-o", &path], "echo on"), "on\n");
    }
    server.says(&["-o", &path], "kill $(pgrep -x -f 'sleep 54325')");
    assert_eq!(stuck.wait().unwrap().code(), Some(255));
    server.client("ssh").args(["-o", &path, "-O", "exit", "me@127.0.0.1"]).status().unwrap();
    master.wait().unwrap();
}

pub fn ports_are_forwarded() {
    let server = Server::start();
    let here = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = here.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in here.incoming().flatten() {
            std::thread::spawn(move || {
                let mut from = stream.try_clone().unwrap();
                let mut to = stream;
                let _ = std::io::copy(&mut from, &mut to);
            });
        }
    });
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let local = format!("{free}:127.0.0.1:{target}");
    let remote = format!("0:127.0.0.1:{target}");
    let mut client = server.client("ssh");
    client.args(["-v", "-N", "-L", &local, "-R", &remote, "me@127.0.0.1"]);
    let log = server.path("log");
    client.stderr(File::create(&log).unwrap());
    let mut client = client.spawn().unwrap();
    let allocated = || {
        let said = fs::read_to_string(&log).unwrap();
        let after = said.split("Allocated port ").nth(1)?.to_owned();
        after.split(' ').next()?.parse::<u16>().ok()
    };
    until("a port of the server", || allocated().is_some());
    for port in [free, allocated().unwrap()] {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
        let sent = noise(1 << 20);
        let mut to = stream.try_clone().unwrap();
        let copy = sent.clone();
        let writer = std::thread::spawn(move || {
            to.write_all(&copy).unwrap();
            to.shutdown(std::net::Shutdown::Write).unwrap();
        });
        let mut back = Vec::new();
        stream.read_to_end(&mut back).unwrap();
        writer.join().unwrap();
        assert!(back == sent, "{} of {}", back.len(), sent.len());
    }
    let pid = rustix::process::Pid::from_child(&client);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    client.wait().unwrap();
}

pub fn keys_are_renewed_on_the_way() {
    let server = Server::start();
    let sent = noise(24 << 20);
    let file = server.path("sent");
    fs::write(&file, &sent).unwrap();
    let mut client = server.client("ssh");
    client.args(["-o", "RekeyLimit=1M", "me@127.0.0.1", "cat"]).stdin(File::open(&file).unwrap());
    let output = client.output().unwrap();
    assert!(output.status.success() && output.stdout == sent, "{}", output.stdout.len());
}
