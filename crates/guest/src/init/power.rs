//! `poweroff`, `reboot`, `halt` and `shutdown` inside a guest. An image's own ask systemd,
//! which does not run here.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::ExitCode;

use rustix::process::{Pid, Signal, kill_process};

const COMMANDS: [&str; 4] = ["poweroff", "reboot", "halt", "shutdown"];
/// Before `/usr/sbin` in everybody's path.
const FOLDER: &str = "/usr/local/sbin";
const MARK: &str = "# made by haneul at boot";

/// Puts the commands where a shell finds them before the image's. What a user has put there
/// stays.
pub(crate) fn install_commands() {
    let own = super::own_command(crate::POWER);
    let mut words = vec![own.get_program().to_string_lossy().into_owned()];
    words.extend(own.get_args().map(|word| word.to_string_lossy().into_owned()));
    let words = words.join(" ");
    for name in COMMANDS {
        let path = Path::new(FOLDER).join(name);
        let script = format!("#!/bin/sh\n{MARK}\nexec {words} {name} \"$@\"\n");
        let there = fs::read_to_string(&path);
        if there.is_ok_and(|there| !there.contains(MARK) || there == script) {
            continue;
        }
        // An image whose file system takes no files has no such commands.
        let _ = fs::create_dir_all(FOLDER);
        let _ = fs::write(&path, script);
        let _ = fs::set_permissions(&path, fs::Permissions::from_mode(0o755));
    }
}

/// Asks the first process, as `shutdown -r now` and the like were typed.
pub(crate) fn ask(mut arguments: impl Iterator<Item = String>) -> ExitCode {
    let name = arguments.next().unwrap_or_default();
    let options: Vec<String> = arguments.collect();
    let signal = match wants_reboot(&name, &options) {
        true => Signal::USR2,
        false => Signal::TERM,
    };
    match kill_process(Pid::INIT, signal) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{name}: {error} (only root may; try: sudo {name})");
            ExitCode::FAILURE
        }
    }
}

fn wants_reboot(name: &str, options: &[String]) -> bool {
    let asked = |letter: char, word: &str| {
        options.iter().any(|option| {
            option == word
                || option
                    .strip_prefix('-')
                    .is_some_and(|letters| !letters.starts_with('-') && letters.contains(letter))
        })
    };
    match name {
        "reboot" => !asked('p', "--poweroff") && !asked('p', "--halt"),
        _ => asked('r', "--reboot"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shutdown_and_its_kin_are_understood() {
        let check = |line: &str, reboot: bool| {
            let mut words = line.split(' ').map(str::to_owned);
            let name = words.next().expect("a name");
            let options: Vec<String> = words.collect();
            assert_eq!(wants_reboot(&name, &options), reboot, "{line}");
        };
        check("reboot", true);
        check("reboot -f", true);
        check("reboot --poweroff", false);
        check("poweroff", false);
        check("halt", false);
        check("shutdown now", false);
        check("shutdown -h now", false);
        check("shutdown -r now", true);
        check("shutdown -rf now", true);
        check("shutdown --reboot +1", true);
    }
}
