//! The simulation finds it when any one kind of sync is left out, so each is needed and the
//! simulation sees.

use super::simulate::{Sabotage, Taste, run};
use crate::SyncReason;

const SEEDS_MAX: u64 = 2_000;

/// The first seed whose run breaks a promise, and how.
fn first_red(sabotage: Sabotage, seeds: u64) -> Option<(u64, String)> {
    (0..seeds).find_map(|seed| run(seed, 40, sabotage).err().map(|why| (seed, why)))
}

fn check_needed(reason: SyncReason, keeps: bool) {
    let taste = match reason {
        SyncReason::SnapshotDir => Taste::Snapshots,
        SyncReason::CatchUp => Taste::Returns,
        _ => Taste::Mixed,
    };
    let keeps = Some(keeps);
    let sabotage = Sabotage { skip: Some(reason), taste, keeps, ..Sabotage::default() };
    let red = first_red(sabotage, SEEDS_MAX);
    let owner = if sabotage.keeps == Some(true) { "checkpoints" } else { "snapshots" };
    let (seed, why) =
        red.unwrap_or_else(|| panic!("{owner}: without {reason:?} nothing turns red"));
    println!("{owner}: without {reason:?}, seed {seed}: {why}");
}

#[test]
fn every_sync_is_needed() {
    SyncReason::ALL.into_iter().for_each(|reason| check_needed(reason, false));
}

/// By an owner whose log is the only copy of what it keeps, and is not read at each opening.
#[test]
fn every_sync_is_needed_to_keep_the_log() {
    SyncReason::ALL.into_iter().for_each(|reason| check_needed(reason, true));
}

/// The tastes themselves break nothing.
#[test]
fn with_every_sync_nothing_turns_red() {
    for taste in [Taste::Snapshots, Taste::Returns] {
        assert_eq!(first_red(Sabotage { taste, ..Sabotage::default() }, 150), None);
    }
}

#[test]
fn one_zone_whose_syncs_lie_is_survived() {
    let sabotage = Sabotage { liars: 1, ..Sabotage::default() };
    assert_eq!(first_red(sabotage, 200), None);
}

#[test]
fn syncs_that_lie_in_every_zone_turn_red() {
    let sabotage = Sabotage { liars: 3, ..Sabotage::default() };
    assert!(first_red(sabotage, 20).is_some());
}
