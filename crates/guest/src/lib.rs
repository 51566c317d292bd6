//! What runs inside a guest: its first process, what an image's cloud-init would do at boot,
//! and its SSH server. The same binary as the region's, started with other words.
//!
//! Nothing here is trusted by the machine: all of it runs with the guest's rights. What it
//! knows of the instance it asks of the metadata service, as any image does.
//!
//! Start reading at [`init`], then [`boot`], then [`ssh`].

pub mod boot;
pub mod init;
pub mod ssh;

use std::process::ExitCode;

/// The words by which the binary knows that it runs inside a guest.
pub const INIT: &str = "__guest-init";
const BOOT: &str = "__guest-boot";
const POWER: &str = "__guest-power";
const SSH: &str = "__guest-ssh";
const SESSION: &str = "__guest-session";

/// To be called early in `main`: does the work of a process inside a guest when this is one.
pub fn entry() -> Option<ExitCode> {
    let mut arguments = std::env::args_os();
    let work = arguments.nth(1)?;
    Some(match work.to_str()? {
        INIT => init::run(),
        BOOT => boot::run(),
        POWER => init::power::ask(arguments.filter_map(|word| word.into_string().ok())),
        SSH => ssh::run(),
        SESSION => ssh::user_process::run(arguments),
        _ => return None,
    })
}
