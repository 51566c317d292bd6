//! Power cuts: what was answered is there, whatever else is.

use journal::SyncReason;

use super::*;

/// Writes blobs until the power goes, some at once; answers those that were acknowledged.
async fn write_until_dark(machine: &Machine, seed: &mut u64) -> Vec<(Blob, Location)> {
    let mut acknowledged = Vec::new();
    while !machine.power.failed() {
        let writes = (0..1 + draw(seed) % 3).map(|_| {
            let blob = Blob::new(draw(seed), (draw(seed) % 300_000) as usize, draw(seed) & 1 == 0);
            let layout = match draw(seed) % 6 {
                0 => Layout::OneZone((draw(seed) % 3) as usize),
                _ => Layout::Zones,
            };
            let extents = machine.extents.clone();
            tokio::spawn(async move {
                let written = blob.write_as(&extents, layout).await;
                written.map(|written| (blob, written.location))
            })
        });
        let writes: Vec<_> = writes.collect();
        for write in writes {
            acknowledged.extend(write.await.unwrap());
        }
    }
    acknowledged
}

/// Cuts the power some times; answers the first blob that was acknowledged and is lost.
fn run(mut seed: u64, skip: Option<SyncReason>) -> Result<(), String> {
    let mut machine = Machine::seeded(3, 2, seed);
    for disk in &machine.disks {
        disk.skip_sync(skip);
    }
    let mut kept: Vec<(Blob, Location)> = Vec::new();
    for _ in 0..4 {
        machine.power.fail_after(3 + draw(&mut seed) % 60);
        // A process of its own: nothing of it is at work any more when the next one begins.
        let process = runtime();
        kept.extend(process.block_on(write_until_dark(&machine, &mut seed)));
        machine.reopen(&[]);
        drop(process);
        for disk in &machine.disks {
            match draw(&mut seed) % 3 {
                0 => disk.cut_power_clean(),
                _ => disk.cut_power(),
            }
        }
        machine.power.restore();
        let known: Vec<Location> = kept.iter().map(|(_, at)| *at).collect();
        machine.reopen(&known);
        // Any one zone may be lost on top, except where that was the wish.
        let lost = (draw(&mut seed) % 4) as usize;
        if lost < 3 {
            machine.extents.set_zone(lost, None);
        }
        runtime().block_on(check_all(&machine, &kept, lost))?;
        machine.reopen(&known);
    }
    Ok(())
}

async fn check_all(
    machine: &Machine,
    kept: &[(Blob, Location)],
    lost: usize,
) -> Result<(), String> {
    for (blob, at) in kept {
        let alone = at.form() == crate::extents::Form::OneZone(lost);
        match blob.read(&machine.extents, at).await {
            Ok(bytes) => assert!(bytes == blob.bytes, "wrong bytes"),
            Err(_) if alone => {}
            Err(error) => return Err(format!("{at:?}: {error}")),
        }
    }
    Ok(())
}

fn seeds() -> u64 {
    if std::env::var_os("HANEUL_SOAK").is_some() { 20_000 } else { 150 }
}

#[test]
fn what_was_answered_outlives_the_power() {
    for seed in 0..seeds() {
        run(seed, None).unwrap_or_else(|lost| panic!("seed {seed}: {lost}"));
    }
}

#[test]
fn every_sync_is_needed() {
    for reason in [SyncReason::Extent, SyncReason::ExtentDir] {
        let red = (0..seeds()).any(|seed| run(seed, Some(reason)).is_err());
        assert!(red, "without {reason:?} nothing turns red");
    }
}
