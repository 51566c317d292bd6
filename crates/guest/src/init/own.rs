//! This binary again, for other work.

use std::process::Command;

/// Where the host puts this binary with its loader and libraries, so that it runs whatever the
/// image has.
const KIT: &str = "/run/haneul";

/// A command that runs this binary with these words, by its own loader where there is one.
pub(crate) fn own_command(work: &str) -> Command {
    let loader = format!("{KIT}/ld.so");
    if !std::path::Path::new(&loader).exists() {
        let mut command = Command::new("/proc/self/exe");
        command.arg(work);
        return command;
    }
    let mut command = Command::new(loader);
    command.args(["--library-path", KIT, &format!("{KIT}/haneul"), work]);
    command
}
