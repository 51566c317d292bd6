//! The real binary, to be asked, killed and started again.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// A running `haneul up`. Killed when dropped.
pub struct Process {
    child: Child,
    pub address: SocketAddr,
    /// What it said at the start.
    pub announcement: String,
    log: Arc<Mutex<String>>,
    reader: Option<JoinHandle<()>>,
}

/// A `haneul` to run commands with, on one data folder.
#[derive(Clone)]
pub struct Haneul {
    program: PathBuf,
    data: PathBuf,
}

impl Haneul {
    pub fn new(program: impl Into<PathBuf>, data: impl Into<PathBuf>) -> Self {
        Self { program: program.into(), data: data.into() }
    }

    pub fn data(&self) -> &Path {
        &self.data
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(args).arg("--data").arg(&self.data);
        // Whoever runs the tests may have a locale and settings of their own.
        command.env("LC_ALL", "C").env_remove("HANEUL_LOG").env_remove("HANEUL_DATA");
        command.stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn run(&self, args: &[&str]) -> Output {
        self.command(args).output().expect("the program runs")
    }

    /// Runs a command to its end with a change to its environment.
    pub fn run_with(&self, args: &[&str], change: impl FnOnce(&mut Command)) -> Output {
        let mut command = self.command(args);
        change(&mut command);
        command.output().expect("the program runs")
    }

    /// Starts a region on a port that the system chooses and waits until it answers.
    pub fn up(&self, args: &[&str]) -> Process {
        let mut command = self.command(&[
            "up",
            "--log",
            "json",
            "--listen",
            "127.0.0.1:0",
            "--front-door",
            "off",
        ]);
        command.args(args).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
        let log = Arc::new(Mutex::new(String::new()));
        let reader = std::thread::spawn({
            let log = log.clone();
            move || {
                let mut line = String::new();
                while stderr.read_line(&mut line).is_ok_and(|read| read > 0) {
                    log.lock().expect("whole").push_str(&std::mem::take(&mut line));
                }
            }
        });
        let mut announcement = String::new();
        // The block's last line names the command that stops it.
        while !announcement.contains("haneul down") {
            let read = stdout.read_line(&mut announcement).expect("readable");
            assert!(read > 0, "it did not start: {}", log.lock().expect("whole"));
        }
        let address = announcement
            .lines()
            .find_map(|line| {
                line.trim().strip_prefix("listens on: http://")?.split([',', ' ']).next()
            })
            .and_then(|address| address.parse().ok())
            .expect("it says where it listens");
        Process { child, address, announcement, log, reader: Some(reader) }
    }
}

impl Process {
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: nothing of it runs any more when this returns.
    pub fn kill(mut self) {
        self.child.kill().expect("ours to kill");
        self.ended();
    }

    /// Waits for the end that was asked for otherwise; its log.
    pub fn ended(&mut self) -> (ExitStatus, String) {
        let status = self.child.wait().expect("ours to wait for");
        if let Some(reader) = self.reader.take() {
            reader.join().expect("reading does not panic");
        }
        (status, self.log.lock().expect("whole").clone())
    }

    /// Its memory in KiB, as the kernel counts it.
    pub fn resident_kib(&self) -> u64 {
        let mut status = String::new();
        std::fs::File::open(format!("/proc/{}/status", self.pid()))
            .and_then(|mut file| file.read_to_string(&mut status))
            .expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).expect("a number")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
