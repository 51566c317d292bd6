//! A server with users of its own on a port of the loopback, and OpenSSH's clients of it.

use std::fs;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};

pub const ARGUMENT: &str = "__test-server";
/// The machine's `nobody`, who owns nothing on it; the old scp wants to know its own name.
pub const UID: u32 = 65_534;

pub struct Server {
    pub folder: tempfile::TempDir,
    pub port: u16,
    children: Arc<Mutex<Vec<Child>>>,
}

impl Server {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        fs::set_permissions(&root, fs::Permissions::from_mode(0o755)).unwrap();
        fs::create_dir_all(root.join("etc")).unwrap();
        let passwd = format!(
            "root:x:0:0:root:/root:/bin/sh\nme:x:{UID}:{UID}::/home/me:/bin/bash\n\
             other:x:{0}:{0}::/home/other:/bin/sh\nclosed:x:{0}:{0}::/home/closed:/usr/sbin/nologin\n",
            UID - 1
        );
        fs::write(root.join("etc/passwd"), passwd).unwrap();
        let group = format!("root:x:0:\ntty:x:5:\nme:x:{UID}:\nextra:x:{}:me\n", UID - 9);
        fs::write(root.join("etc/group"), group).unwrap();
        for (name, uid) in [("me", UID), ("other", UID - 1), ("closed", UID - 1)] {
            let home = root.join("home").join(name);
            fs::create_dir_all(home.join(".ssh")).unwrap();
            chown(home.join(".ssh"), Some(uid), Some(uid)).unwrap();
            chown(&home, Some(uid), Some(uid)).unwrap();
        }
        fs::create_dir(root.join("root")).unwrap();
        for name in ["key", "wrong", "pushed"] {
            let file = root.join(name);
            let made = Command::new("ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f"])
                .arg(file)
                .status();
            assert!(made.unwrap().success());
        }
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let children = Arc::<Mutex<Vec<Child>>>::default();
        let kept = children.clone();
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let child = Command::new("/proc/self/exe")
                    .arg(ARGUMENT)
                    .arg(&root)
                    .stdin(OwnedFd::from(stream))
                    .spawn();
                kept.lock().unwrap().push(child.unwrap());
            }
        });
        let server = Self { folder, port, children };
        server.authorize("me", &server.public("key"));
        server.authorize("closed", &server.public("key"));
        server
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn home(&self) -> PathBuf {
        self.path("home/me")
    }

    pub fn public(&self, name: &str) -> String {
        fs::read_to_string(self.path(&format!("{name}.pub"))).unwrap()
    }

    pub fn authorize(&self, user: &str, lines: &str) {
        let file = self.path(&format!("home/{user}/.ssh/authorized_keys"));
        fs::write(file, lines).unwrap();
    }

    /// `ssh`, `scp` or `sftp` with what every client of this server needs.
    pub fn client(&self, program: &str) -> Command {
        let mut command = Command::new("timeout");
        command.args(["120", program, "-F", "none", "-q"]);
        command.args([if program == "ssh" { "-p" } else { "-P" }, &self.port.to_string()]);
        command.arg("-i").arg(self.path("key"));
        let known = format!("UserKnownHostsFile={}", self.path("known").display());
        for option in
            ["IdentitiesOnly=yes", "BatchMode=yes", "StrictHostKeyChecking=accept-new", &known]
        {
            command.args(["-o", option]);
        }
        command.env_remove("SSH_AUTH_SOCK").stdin(Stdio::null());
        command
    }

    pub fn ssh(&self, options: &[&str], line: &str) -> Output {
        self.client("ssh").args(options).arg("me@127.0.0.1").arg(line).output().unwrap()
    }

    /// What a command says that ends well.
    pub fn says(&self, options: &[&str], line: &str) -> String {
        let output = self.ssh(options, line);
        assert!(output.status.success(), "{line}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// How the connections ended, once all have.
    pub fn ends(&self) -> Vec<ExitStatus> {
        self.children.lock().unwrap().iter_mut().map(|child| child.wait().unwrap()).collect()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.children.lock().unwrap().len()
    }

    /// The memory that the last server's process held at most.
    pub fn peak_kib(&self) -> u64 {
        let last = self.children.lock().unwrap().last().map(Child::id);
        let status = fs::read_to_string(format!("/proc/{}/status", last.unwrap())).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for child in self.children.lock().unwrap().iter_mut() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Keys that stand in no file: whatever lies in the file that is named for the user.
pub fn pushed_keys(user: &str) -> String {
    let root = std::env::args().nth(2).unwrap();
    fs::read_to_string(Path::new(&root).join(format!("pushed-for-{user}"))).unwrap_or_default()
}

/// Waits for what another process does.
pub fn until(what: &str, mut is: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !is() {
        assert!(std::time::Instant::now() < deadline, "{what}");
        Command::new("sleep").arg("0.02").status().unwrap();
    }
}
