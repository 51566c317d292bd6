//! Guests on this machine, for real. Needs root; says so and passes where it is not.
//!
//! The binary has its own `main`, because it is also what starts the guests.
#![allow(clippy::unwrap_used)]

#[path = "guest/machine.rs"]
mod machine;

#[path = "guest/life.rs"]
mod life;

#[path = "guest/crash.rs"]
mod crash;

#[path = "guest/isolation.rs"]
mod isolation;

#[path = "guest/removal.rs"]
mod removal;

#[path = "guest/whole.rs"]
mod whole;

fn main() {
    host::linux::entry();
    if let [_, argument, folder] = &std::env::args().collect::<Vec<_>>()[..] {
        match argument.as_str() {
            crash::ARGUMENT => crash::be_killed(folder.as_ref()),
            removal::ARGUMENT => removal::be_killed(folder.as_ref()),
            _ => {}
        }
    }
    if !rustix::process::geteuid().is_root() {
        eprintln!("skipped: guests need root");
        return;
    }
    let tests: &[(&str, fn())] = &[
        ("life::a_guest_starts_and_ends", life::a_guest_starts_and_ends),
        ("life::who_does_not_obey_is_ended", life::who_does_not_obey_is_ended),
        ("life::an_end_of_its_own_is_noticed", life::an_end_of_its_own_is_noticed),
        ("life::a_reboot_begins_again", life::a_reboot_begins_again),
        ("life::what_cannot_run_fails", life::what_cannot_run_fails),
        ("life::a_start_that_fails_is_no_end", life::a_start_that_fails_is_no_end),
        ("life::guests_outlive_haneul", life::guests_outlive_haneul),
        (
            "life::an_end_that_nobody_saw_is_no_end_of_its_own",
            life::an_end_that_nobody_saw_is_no_end_of_its_own,
        ),
        ("life::a_dark_zone_has_no_guests", life::a_dark_zone_has_no_guests),
        ("life::volumes_and_cards_come_and_go", life::volumes_and_cards_come_and_go),
        ("life::a_guest_mounts_its_volumes", life::a_guest_mounts_its_volumes),
        ("isolation::nothing_of_the_machine_is_seen", isolation::nothing_of_the_machine_is_seen),
        (
            "isolation::a_guests_root_is_no_root_of_the_machine",
            isolation::a_guests_root_is_no_root_of_the_machine,
        ),
        ("isolation::guests_have_users_of_their_own", isolation::guests_have_users_of_their_own),
        ("isolation::a_fork_bomb_stays_inside", isolation::a_fork_bomb_stays_inside),
        ("isolation::a_hog_loses_its_own_memory_only", isolation::a_hog_loses_its_own_memory_only),
        ("crash::nothing_is_left_after_kills", crash::nothing_is_left_after_kills),
        ("whole::a_guest_of_all_parts", whole::a_guest_of_all_parts),
        ("removal::a_region_is_taken_off_the_machine", removal::a_region_is_taken_off_the_machine),
    ];
    let filter = std::env::args().nth(1).unwrap_or_default();
    let mut failed = 0;
    for (name, test) in tests.iter().filter(|(name, _)| name.contains(&filter)) {
        let before = machine::Holdings::now();
        let passed = std::panic::catch_unwind(test).is_ok();
        let clean = before.is_regained();
        println!("test {name} ... {}", if passed && clean { "ok" } else { "FAILED" });
        failed += i32::from(!(passed && clean));
    }
    println!("{} passed, {failed} failed", tests.len() - usize::try_from(failed).unwrap_or(0));
    std::process::exit(i32::from(failed > 0));
}
