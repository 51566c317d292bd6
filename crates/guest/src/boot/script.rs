//! Programs that the user data brings.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::output::Output;

const FOLDER: &str = "/var/lib/cloud/instance/scripts";

/// The environment of everything that the boot runs.
pub(super) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("HOME", "/root")
        .env("LANG", "C.UTF-8")
        .envs(environment(&fs::read_to_string("/etc/environment").unwrap_or_default()))
        .current_dir("/");
    command
}

/// The lines of `/etc/environment`, as a login would set them.
fn environment(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (name, value) = line.trim().split_once('=')?;
        let fits = !name.is_empty() && !name.starts_with('#');
        fits.then(|| (name.to_owned(), value.trim_matches('"').to_owned()))
    };
    text.lines().filter_map(pair).collect()
}

/// Runs a text as the program that its first line says.
pub(super) fn run(name: &str, text: &str, output: &Output) {
    let path = Path::new(FOLDER).join(name);
    let written = fs::create_dir_all(FOLDER)
        .and_then(|()| fs::write(&path, text))
        .and_then(|()| fs::set_permissions(&path, fs::Permissions::from_mode(0o700)));
    match written {
        Ok(()) => output.run(name, &mut command(&path)),
        Err(error) => output.say(&format!("boot: {name} could not be written: {error}")),
    }
}

/// Runs every program of a folder, in the order of their names.
pub(super) fn run_folder(folder: &Path, output: &Output) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let runs = |path: &&std::path::PathBuf| {
        fs::metadata(path)
            .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o100 != 0)
    };
    for path in paths.iter().filter(runs) {
        output.run(&path.display().to_string(), &mut command(path));
    }
}
