//! The guest's SSH server with the machine's own OpenSSH client. Needs root, to become users, and
//! the client; says so and passes where either is missing.
//!
//! The binary has its own `main`, because it is also the server and starts the users' processes.
#![allow(clippy::unwrap_used)]

#[path = "ssh/server.rs"]
mod server;

#[path = "ssh/doors.rs"]
mod doors;

#[path = "ssh/sessions.rs"]
mod sessions;

#[path = "ssh/streams.rs"]
mod streams;

#[path = "ssh/files.rs"]
mod files;

use std::process::{Command, ExitCode};

fn main() -> ExitCode {
    if let Some(code) = guest::entry() {
        return code;
    }
    if let [_, argument, root] = &std::env::args().collect::<Vec<_>>()[..]
        && argument == server::ARGUMENT
    {
        return guest::ssh::serve(guest::ssh::Settings {
            root: root.into(),
            pushed: server::pushed_keys,
        });
    }
    if !rustix::process::geteuid().is_root() || Command::new("ssh").arg("-V").output().is_err() {
        eprintln!("skipped: the SSH server needs root and OpenSSH's client");
        return ExitCode::SUCCESS;
    }
    let tests: &[(&str, fn())] = &[
        ("doors::keys_open_and_nothing_else_does", doors::keys_open_and_nothing_else_does),
        ("doors::options_of_keys_hold", doors::options_of_keys_hold),
        ("doors::pushed_keys_open_too", doors::pushed_keys_open_too),
        ("doors::refusals_look_the_same", doors::refusals_look_the_same),
        ("sessions::commands_run_as_the_user", sessions::commands_run_as_the_user),
        ("sessions::ends_are_told", sessions::ends_are_told),
        ("sessions::terminals_are_as_the_clients", sessions::terminals_are_as_the_clients),
        ("sessions::terminals_hang_up", sessions::terminals_hang_up),
        ("sessions::one_connection_has_many", sessions::one_connection_has_many),
        ("streams::bytes_pass_both_ways", streams::bytes_pass_both_ways),
        ("streams::a_flood_fills_no_memory", streams::a_flood_fills_no_memory),
        ("streams::input_that_nobody_reads_waits", streams::input_that_nobody_reads_waits),
        ("streams::others_go_on_beside_a_stuck_one", streams::others_go_on_beside_a_stuck_one),
        ("streams::ports_are_forwarded", streams::ports_are_forwarded),
        ("streams::keys_are_renewed_on_the_way", streams::keys_are_renewed_on_the_way),
        ("files::scp_copies_both_ways", files::scp_copies_both_ways),
        ("files::sftp_does_what_it_is_asked", files::sftp_does_what_it_is_asked),
    ];
    let filter = std::env::args().nth(1).filter(|word| !word.starts_with('-')).unwrap_or_default();
    let (mut passed, mut failed) = (0, 0);
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(&filter)) {
        let ok = std::panic::catch_unwind(test).is_ok();
        println!("test {name} ... {}", if ok { "ok" } else { "FAILED" });
        *(if ok { &mut passed } else { &mut failed }) += 1;
    }
    let word = if failed == 0 { "ok" } else { "FAILED" };
    println!("\ntest result: {word}. {passed} passed; {failed} failed; 0 ignored; 0 measured");
    ExitCode::from(u8::from(failed > 0))
}
