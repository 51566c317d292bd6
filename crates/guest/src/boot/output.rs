//! Where what the boot says goes: the console, and the log that users look into.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;

const LOG: &str = "/var/log/cloud-init-output.log";

pub(super) struct Output {
    /// `None` when the image takes no log.
    log: Mutex<Option<File>>,
}

impl Output {
    pub(super) fn open() -> Self {
        let _ = fs::create_dir_all("/var/log");
        let log = File::options().create(true).append(true).open(LOG).ok();
        Self { log: Mutex::new(log) }
    }

    pub(super) fn say(&self, line: &str) {
        self.write(format!("{line}\n").as_bytes());
    }

    fn write(&self, bytes: &[u8]) {
        // Neither a full disk nor a closed console ends the boot.
        let _ = io::stdout().write_all(bytes);
        let _ = io::stdout().flush();
        if let Some(log) = &mut *self.log.lock().expect("writing does not panic") {
            let _ = log.write_all(bytes);
        }
    }

    /// Runs a command to its end with its output here; what went wrong is said here too.
    pub(super) fn run(&self, name: &str, command: &mut Command) {
        let piped = io::pipe().and_then(|(read, write)| {
            command.stdin(Stdio::null()).stdout(write.try_clone()?).stderr(write);
            Ok((read, command.spawn()?))
        });
        let (mut read, mut child) = match piped {
            Ok(piped) => piped,
            Err(error) => return self.say(&format!("boot: {name} could not be run: {error}")),
        };
        // Our ends of the pipe are in the command; without it, it ends with the child's.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut bytes = [0; 4096];
        while let Ok(len @ 1..) = read.read(&mut bytes) {
            self.write(&bytes[..len]);
        }
        match child.wait() {
            Ok(status) if status.success() => {}
            Ok(status) => self.say(&format!("boot: {name} failed: {status}")),
            Err(error) => self.say(&format!("boot: {name} was lost: {error}")),
        }
    }
}
