//! Looks after the zones while the engine runs: its log, its extents, and what lies in both.

use std::sync::Arc;
use std::time::{Duration, Instant};

use journal::Disk;
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, JoinSet, spawn_blocking};

use crate::extents::Health;
use crate::keeping::Keeping;
use crate::line::LogState;
use crate::shared::Shared;

/// How soon a zone that went away is noticed, and one that is back is used again.
const EVERY: Duration = Duration::from_secs(5);
/// How often it is looked whether something is mostly garbage.
const TIDY_EVERY: Duration = Duration::from_secs(30);
/// Each so many times everything is read again: once a day, for it may be large.
const THOROUGH_EACH: u64 = 17_280;
/// So that reading everything again does not take the disks from those who wait for them.
const SCRUB_BYTES_A_SECOND: u64 = 64 << 20;

/// Ends when it is stopped or dropped.
pub(crate) struct Tender {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

struct Tending {
    shared: Arc<Shared>,
    /// Each zone's directory of extents.
    disks: Vec<Arc<dyn Disk>>,
    /// Wakes the upkeep when everything is to be read again.
    scrub_due: Arc<Notify>,
}

impl Tender {
    pub(crate) fn start(shared: Arc<Shared>, disks: Vec<Arc<dyn Disk>>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let tending = Tending { shared, disks, scrub_due: Arc::default() };
        Self { stop, task: tokio::spawn(tending.run(stopped)) }
    }

    /// Returns when it no longer uses the zones.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        let _ = self.task.await;
    }
}

impl Tending {
    async fn run(mut self, mut stopped: oneshot::Receiver<()>) {
        // By itself: reading everything may take hours, and a zone is to be missed in seconds.
        // A set ends its tasks when this one is dropped.
        let mut upkeep = JoinSet::new();
        upkeep.spawn(keep(self.shared.clone(), self.scrub_due.clone()));
        for round in 1_u64.. {
            tokio::select! {
                _ = &mut stopped => break,
                () = self.shared.outages.changed() => {}
                () = tokio::time::sleep(EVERY) => {}
            }
            let log = match &self.shared.line.inner().log {
                LogState::Open(log) => log.clone(),
                LogState::Mending(_) | LogState::Closed => continue,
            };
            let thorough = round.is_multiple_of(THOROUGH_EACH);
            // A panic in it has been reported; the next round tries again.
            let shared = self.shared.clone();
            let _ = spawn_blocking(move || {
                log.tend(thorough);
                shared.keep_out();
            })
            .await;
            let back = self.retry_zones().await;
            if thorough || back {
                self.scrub_due.notify_one();
            }
        }
        upkeep.shutdown().await;
    }

    /// Sets zones that are out anew, as their directories are now; says whether one is back.
    async fn retry_zones(&mut self) -> bool {
        let (shared, mut disks) = (self.shared.clone(), self.disks.clone());
        let retry = move || {
            let (extents, mut back) = (&shared.extents, false);
            for (zone, health) in extents.health().into_iter().enumerate() {
                let vanished = disks[zone].present().err().map(|error| error.to_string());
                if shared.outages.contains(zone) {
                    continue;
                }
                let why = match (health, vanished) {
                    (Health::Out(why), _) | (Health::Healthy, Some(why)) => why,
                    (Health::Away, _) => "taken out".to_owned(),
                    (Health::Healthy, None) => continue,
                };
                match disks[zone].renew() {
                    Ok(Some(disk)) => disks[zone] = disk,
                    Ok(None) => {}
                    Err(error) => {
                        tracing::warn!(zone, why, %error, "a zone's extents are out of use");
                        continue;
                    }
                }
                extents.set_zone(zone, Some(disks[zone].clone()));
                if extents.health()[zone] == Health::Healthy {
                    tracing::warn!(zone, why, "a zone's extents are in use again");
                    back = true;
                }
            }
            (disks, back)
        };
        match spawn_blocking(retry).await {
            Ok((disks, back)) => {
                self.disks = disks;
                back
            }
            Err(_) => false,
        }
    }
}

/// Looks at all extents when that is due, and once at the start, for what a run before this one
/// may have left unmended; and lets go of garbage now and then.
async fn keep(shared: Arc<Shared>, scrub_due: Arc<Notify>) {
    let mut keeping = Keeping::default();
    tokio::time::sleep(EVERY).await;
    scrub(&shared).await;
    loop {
        match tokio::time::timeout(TIDY_EVERY, scrub_due.notified()).await {
            Ok(()) => scrub(&shared).await,
            Err(_) => tidy(&shared, &mut keeping).await,
        }
    }
}

async fn scrub(shared: &Arc<Shared>) {
    let begun = Instant::now();
    match shared.scrub(Some(SCRUB_BYTES_A_SECOND)).await {
        Ok(report) if report.damaged + report.moved > 0 || report.index_damage.is_some() => {
            tracing::warn!(?report, took = ?begun.elapsed(), "what was damaged was mended");
        }
        Ok(report) => tracing::debug!(?report, took = ?begun.elapsed(), "extents are whole"),
        Err(error) => tracing::warn!(%error, "extents could not all be looked at"),
    }
}

async fn tidy(shared: &Arc<Shared>, keeping: &mut Keeping) {
    if let Err(error) = shared.compact().await {
        tracing::warn!(%error, "the log of the objects could not be compacted");
    }
    if let Err(error) = shared.collect(keeping).await {
        tracing::warn!(%error, "extents could not be collected");
    }
}
