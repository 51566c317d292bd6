//! Guests of a region whose haneul does not run.

use std::io;

use super::cgroup::Cgroups;
use super::{facts, keeper, region};

/// How many guests have processes now.
pub fn running(name: &str) -> io::Result<usize> {
    let cgroups = Cgroups::find(&region(name))?;
    let runs = |guest: &String| !cgroups.group(guest).processes().is_empty();
    Ok(cgroups.guests().iter().filter(|guest| runs(guest)).count())
}

/// Whether there is anything that [`remove_all`] would take away.
pub fn has_any(name: &str) -> io::Result<bool> {
    let region = region(name);
    Ok(facts::folder(&region).exists() || Cgroups::find(&region)?.exist())
}

/// Ends them all, at once and without a word to them, and who keeps them.
pub fn remove_all(name: &str) -> io::Result<()> {
    let region = region(name);
    // First, so that no guest begins meanwhile.
    keeper::end_all(&region)?;
    let cgroups = Cgroups::find(&region)?;
    for guest in cgroups.guests() {
        let group = cgroups.group(&guest);
        group.kill()?;
        group.remove()?;
    }
    cgroups.remove();
    match std::fs::remove_dir_all(facts::folder(&region)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
