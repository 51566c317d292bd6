use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use md5::{Digest, Md5};

use super::*;

/// A small Debian with people, secrets and services.
struct Machine {
    folder: tempfile::TempDir,
    conffiles: String,
    paths: String,
}

impl Machine {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("made");
        let (conffiles, paths) = Default::default();
        let machine = Self { folder, conffiles, paths };
        for name in ["usr/bin", "usr/lib", "var/lib/dpkg/info", "var/log", "etc"] {
            fs::create_dir_all(machine.path(name)).expect("made");
        }
        machine.link("bin", "usr/bin");
        machine.link("lib", "usr/lib");
        machine.file(
            "etc/passwd",
            "root:secret:0:0::/root:/bin/sh\neve:x:1001:1001::/home/eve:/bin/sh\n",
        );
        machine.file("etc/group", "root:x:0:\n");
        machine
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join("machine").join(below)
    }

    fn file(&self, below: &str, text: &str) -> PathBuf {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("below")).expect("made");
        fs::write(&path, text).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        path
    }

    fn link(&self, below: &str, target: &str) {
        let path = self.path(below);
        fs::create_dir_all(path.parent().expect("below")).expect("made");
        symlink(target, path).expect("made");
    }

    /// A package's configuration, as it came.
    fn conffile(&mut self, below: &str, text: &str) {
        self.file(below, text);
        let sum: String = Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect();
        self.conffiles += &format!(" /{below} {sum}\n");
    }

    fn build(&self) -> Tree {
        let status = format!("Package: all\nConffiles:\n{}", self.conffiles);
        self.file("var/lib/dpkg/status", &status);
        self.file("var/lib/dpkg/info/all.list", &self.paths);
        let to = self.folder.path().join("image");
        build(&self.path(""), &to, &Progress::default()).expect("built");
        Tree::at(&to)
    }
}

fn text(tree: &Tree, path: &str) -> String {
    fs::read_to_string(tree.path(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

#[test]
fn nothing_of_the_machine_is_in_its_image() {
    let mut machine = Machine::new();
    for path in [
        "etc/ssh/ssh_host_ed25519_key",
        "etc/hostname",
        "etc/cron.d/own",
        "etc/apt/auth.conf",
        "etc/apt/auth.conf.d/own.conf",
        "etc/apt/apt.conf.d/99proxy",
        "etc/ssl/private/key.pem",
        "root/.ssh/authorized_keys",
        "home/eve/diary",
        "var/lib/postgresql/data",
        "var/log/auth.log",
        "usr/local/etc/service.conf",
        "usr/lib/modules/6.1/kernel",
        "srv/data",
    ] {
        machine.file(path, "SECRET");
    }
    machine.conffile("etc/nginx/nginx.conf", "as it came");
    machine.file("etc/nginx/nginx.conf", "SECRET upstream");
    let hidden = machine.file("usr/local/bin/hidden", "SECRET");
    fs::set_permissions(hidden, fs::Permissions::from_mode(0o700)).expect("set");
    let hidden = machine.file("etc/ssl/certs/hidden.pem", "SECRET");
    fs::set_permissions(hidden, fs::Permissions::from_mode(0o600)).expect("set");
    machine.file("etc/apt/sources.list", "deb https://me:SECRET@example.org/debian x main\n");
    machine.file("etc/machine-id", "SECRET");
    machine.file("etc/hosts", "10.0.0.1 SECRET");
    machine.file("etc/resolv.conf", "search SECRET");
    machine.link("etc/systemd/system/HIDDEN.wants/HIDDEN.service", "/lib/x");
    machine.paths = "/etc/systemd/system/HIDDEN.wants/HIDDEN.service\n".into();

    let tree = machine.build();
    assert!(!tree.has("home/eve") && !tree.has("srv/data") && !tree.has("etc/hostname"));
    assert_eq!(text(&tree, "etc/machine-id"), "");
    assert_eq!(text(&tree, "etc/apt/sources.list"), "deb https://example.org/debian x main\n");
    assert_eq!(text(&tree, "etc/passwd"), "root:x:0:0::/root:/bin/sh\n");
    let found = std::process::Command::new("grep")
        .args(["-rl", "SECRET"])
        .arg(tree.path(""))
        .output()
        .expect("grep runs");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    let names = std::process::Command::new("find").arg(tree.path("")).output().expect("find runs");
    assert!(!String::from_utf8_lossy(&names.stdout).contains("HIDDEN"));
}

#[test]
fn what_programs_need_is_in_it() {
    let mut machine = Machine::new();
    machine.file("usr/bin/tool", "program");
    machine.file("usr/local/bin/own", "program");
    machine.link("usr/bin/other", "tool");
    machine.conffile("etc/tool/tool.conf", "as it came");
    machine.link("etc/alternatives/editor", "/usr/bin/tool");
    machine.file("etc/ssl/certs/ca.pem", "a certificate");
    machine.file("usr/share/base-files/profile", "PATH=x");
    fs::create_dir_all(machine.path("var/lib/tool")).expect("made");
    fs::set_permissions(machine.path("var/lib/tool"), fs::Permissions::from_mode(0o2750))
        .expect("set");
    // To a folder of the machine itself, which nothing may be made in.
    machine.link("var/run", machine.path("run").to_str().expect("text"));
    fs::create_dir_all(machine.path("run/tool")).expect("made");
    machine.paths = "/var/lib/tool\n/var/run/tool\n/var/lib/absent\n/usr/bin/tool\n".into();

    let tree = machine.build();
    assert_eq!(text(&tree, "bin/tool"), "program");
    assert_eq!(text(&tree, "usr/bin/other"), "program");
    assert_eq!(text(&tree, "usr/local/bin/own"), "program");
    assert_eq!(text(&tree, "etc/tool/tool.conf"), "as it came");
    assert_eq!(text(&tree, "etc/ssl/certs/ca.pem"), "a certificate");
    assert_eq!(text(&tree, "etc/profile"), "PATH=x");
    assert_eq!(text(&tree, "etc/systemd/system-preset/00-guest.preset"), "disable *\n");
    assert!(text(&tree, "var/lib/dpkg/status").contains("Package: all"));
    assert!(tree.has("var/lib/dpkg/info/all.list") && tree.has("etc/alternatives/editor"));
    let mode = |path: &str| fs::metadata(tree.path(path)).expect("there").mode() & 0o7777;
    assert_eq!([mode("var/lib/tool"), mode("tmp"), mode("root")], [0o2750, 0o1777, 0o700]);
    assert_eq!([mode("etc/shadow"), mode("etc/passwd"), mode("etc")], [0o640, 0o644, 0o755]);
    assert_eq!(fs::read_link(tree.path("var/run")).expect("a link"), Path::new("/run"));
    let inode = |path: PathBuf| fs::metadata(path).expect("there").ino();
    assert_eq!(inode(tree.path("usr/bin/tool")), inode(machine.path("usr/bin/tool")));
}
