//! Openings cut off at every single operation, followed by one that misses a zone and one that
//! has it back: what was acknowledged in between stays, whatever the first one left behind.

use std::sync::Arc;

use bytes::Bytes;

use crate::crew::Crew;
use crate::log::Log;
use crate::maintain::SnapshotPlan;
use crate::recover;
use crate::sim::{Power, SimDisk};
use crate::{Disk, Options, Place};

const OPERATIONS_MAX: u64 = 120;

struct Zones {
    power: Power,
    sims: Vec<SimDisk>,
}

impl Zones {
    fn new(seed: u64) -> Zones {
        let power = Power::default();
        let sims: Vec<_> = (0..3).map(|zone| SimDisk::new(seed + zone, power.clone())).collect();
        Zones { power, sims }
    }

    fn open(&self, seed: u64) -> Result<(Log, Vec<Bytes>), String> {
        let disks = self.sims.iter().map(|sim| Arc::new(sim.clone()) as Arc<dyn Disk>).collect();
        let options = Options { segment_bytes: 16 * 1024, ..Options::new([1; 16]) };
        let recovered = recover::open(disks, options, Crew::Alone { seed });
        let recovered = recovered.map_err(|error| error.to_string())?;
        let frames = crate::journal::recovery_frames(&recovered.log);
        let payloads = frames.map(|frame| Ok(frame.map_err(|error| error.to_string())?.payload));
        let payloads = payloads.collect::<Result<_, String>>()?;
        Ok((recovered.log, payloads))
    }

    fn cut_power(&self) {
        self.power.restore();
        self.sims.iter().for_each(SimDisk::cut_power_clean);
        self.sims.iter().for_each(SimDisk::heal);
    }
}

/// Zone 1 fails in the first opening, which ends after `operations`; zone 0 is away in the next.
fn check(seed: u64, operations: u64) -> Result<(), String> {
    let zones = Zones::new(seed);
    let (mut log, _) = zones.open(seed)?;
    log.append(&[Bytes::from("before")]).map_err(|error| error.to_string())?;
    drop(log);
    zones.cut_power();

    zones.power.fail_after(operations);
    if operations.is_multiple_of(2) {
        zones.sims[1].set_syncs_fail(seed.is_multiple_of(2));
        zones.sims[1].fail_next_sync();
    }
    let _ = zones.open(seed);
    zones.cut_power();

    zones.sims[0].set_offline(true);
    let (mut log, _) = zones.open(seed + 1)?;
    log.append(&[Bytes::from("between")]).map_err(|error| error.to_string())?;
    drop(log);
    zones.cut_power();

    let (_, payloads) = zones.open(seed + 2)?;
    if payloads != ["before", "between"] {
        return Err(format!("{payloads:?}"));
    }
    Ok(())
}

#[test]
fn an_opening_may_end_anywhere() {
    for (seed, operations) in (0..8).flat_map(|seed| (0..OPERATIONS_MAX).map(move |at| (seed, at)))
    {
        if let Err(why) = check(seed, operations) {
            panic!("seed {seed}, {operations} operations: {why}");
        }
    }
}

/// An opening that copies a kept segment into a zone is killed after `operations`; what the next
/// one takes for whole must be whole.
fn check_copied(operations: u64) -> Result<(), String> {
    let zones = Zones::new(operations);
    let (mut log, _) = zones.open(1)?;
    let payload = |number: u8| Bytes::from(vec![number; 3000]);
    for number in 0..20 {
        log.append(&[payload(number)]).map_err(|error| error.to_string())?;
    }
    let upto = log.committed.last();
    let plan = SnapshotPlan::checkpoint(&log, upto, Place::default());
    let plan = plan.map_err(|error| error.to_string())?.ok_or("nothing to do")?;
    let written = plan.write(&mut std::io::empty()).map_err(|error| error.to_string())?;
    written.finish(&mut log).map_err(|error| error.to_string())?.remove();
    drop(log);
    zones.cut_power();
    zones.sims[0].remove("segment-0000000000000001").map_err(|error| error.to_string())?;

    zones.power.fail_after(operations);
    let _ = zones.open(2);
    zones.power.restore();
    // A killed process leaves what it wrote, a power cut what it synced.
    if operations.is_multiple_of(2) {
        zones.cut_power();
    }
    drop(zones.open(3)?);
    zones.cut_power();
    let alone = Zones::new(0);
    alone.sims[0].restore(&zones.sims[0].image());
    let disks = alone.sims.iter().map(|sim| Arc::new(sim.clone()) as Arc<dyn Disk>).collect();
    let found = recover::peek(disks).map_err(|error| error.to_string())?.frames;
    let found: Vec<_> = found.into_iter().map(|(_, payload)| payload).collect();
    if found != (0..20).map(payload).collect::<Vec<_>>() {
        return Err(format!("{} of 20 are in zone 0", found.len()));
    }
    Ok(())
}

#[test]
fn an_opening_that_copies_a_kept_segment_may_end_anywhere() {
    for operations in 0..200 {
        if let Err(why) = check_copied(operations) {
            panic!("{operations} operations: {why}");
        }
    }
}
