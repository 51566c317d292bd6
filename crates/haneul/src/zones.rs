//! Zones that their owner failed on purpose: a failed zone's disk is neither written nor read,
//! and its guests have no power, until it is restored, over restarts too.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws::{Clock, Error, Timestamp, Zone};
use host::{Host, Power};
use serde::{Deserialize, Serialize};
use state::{Record, Records, Scope};

use crate::admin::ZoneTurn;
use crate::storage::Opened;

/// There while the zone is failed; its id is the zone's letter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outage {
    pub since: Timestamp,
}

impl Record for Outage {
    const KIND: &'static str = "haneul.zone";
    const FORMAT: u32 = 1;
}

/// As many must be left: what is answered is in at least two.
const ZONES_MIN: usize = 2;

pub struct Zones {
    records: Records,
    host: Arc<dyn Host>,
    clock: Arc<Clock>,
    /// One is turned at a time.
    turning: tokio::sync::Mutex<()>,
    failed: Mutex<BTreeSet<Zone>>,
}

impl Zones {
    /// Fails again what was failed when the last run ended.
    ///
    /// # Errors
    /// When the records cannot be read.
    pub async fn open(
        records: Records,
        host: Arc<dyn Host>,
        clock: Arc<Clock>,
        storage: &Opened,
    ) -> Result<Self, Error> {
        let zones =
            Self { records, host, clock, turning: Default::default(), failed: Default::default() };
        for zone in Zone::ALL {
            if zones.records.get::<Outage>(&Scope::Haneul, &id(zone)).await?.is_none() {
                continue;
            }
            zones.failed().insert(zone);
            // The region serves what it can all the same.
            let again = [storage.take_out(zone).await, zones.power(zone, Power::Off).await];
            for error in again.into_iter().filter_map(Result::err) {
                tracing::error!(zone = %zone.letter(), %error, "a failed zone is partly in use");
            }
        }
        Ok(zones)
    }

    fn failed(&self) -> MutexGuard<'_, BTreeSet<Zone>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_failed(&self, zone: Zone) -> bool {
        self.failed().contains(&zone)
    }

    /// Fails a zone; one that is failed already is failed again, should a part have been missed.
    ///
    /// # Errors
    /// When the storage or the machine did not do it; asking again is right then.
    pub async fn fail(&self, zone: Zone, storage: &Opened) -> Result<ZoneTurn, Error> {
        let _one = self.turning.lock().await;
        if self.left_without(zone, storage) < ZONES_MIN {
            return Ok(ZoneTurn::TooFew);
        }
        storage.take_out(zone).await?;
        // Only now: a zone that is needed must not be failed by the next start.
        let outage = Outage { since: self.clock.now() };
        let mut transaction = self.records.transaction();
        transaction.put_unconditionally(&Scope::Haneul, &id(zone), &outage);
        if let Err(error) = transaction.commit().await {
            if !self.is_failed(zone) {
                storage.bring_back(zone);
            }
            return Err(error.into());
        }
        self.failed().insert(zone);
        tracing::warn!(zone = %zone.letter(), "a zone was failed on purpose");
        self.power(zone, Power::Off).await?;
        Ok(ZoneTurn::Failed)
    }

    /// Has a zone be used again; its copies are caught up from then on.
    ///
    /// # Errors
    /// When that cannot be kept, or the machine did not do it; asking again is right then.
    pub async fn restore(&self, zone: Zone, storage: &Opened) -> Result<ZoneTurn, Error> {
        let _one = self.turning.lock().await;
        if let Some(outage) = self.records.get::<Outage>(&Scope::Haneul, &id(zone)).await? {
            let mut transaction = self.records.transaction();
            transaction.delete(&outage);
            transaction.commit().await?;
        }
        if self.failed().remove(&zone) {
            tracing::warn!(zone = %zone.letter(), "a zone was restored");
        }
        storage.bring_back(zone);
        self.power(zone, Power::On).await?;
        Ok(ZoneTurn::Restored)
    }

    /// How many other zones are whole.
    fn left_without(&self, zone: Zone, storage: &Opened) -> usize {
        let whole = |(other, is_whole): &(Zone, bool)| {
            *is_whole && *other != zone && !self.is_failed(*other)
        };
        Zone::ALL.into_iter().zip(storage.whole()).filter(whole).count()
    }

    async fn power(&self, zone: Zone, power: Power) -> Result<(), Error> {
        let turned = self.host.power(zone, power).await;
        turned.map_err(|error| Error::unavailable(error.to_string()))
    }
}

fn id(zone: Zone) -> String {
    zone.letter().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use host::fake::FakeHost;
    use state::Memory;

    async fn start(records: &Records, host: &Arc<FakeHost>, storage: &Opened) -> Zones {
        let zones = Zones::open(records.clone(), host.clone(), Arc::new(Clock::system()), storage);
        zones.await.expect("opens")
    }

    #[tokio::test]
    async fn a_failed_zone_stays_so_over_restarts_until_it_is_restored() {
        let records = Records::new(Arc::new(Memory::new()));
        let (host, storage) = (Arc::new(FakeHost::default()), Opened::memory());
        let zones = start(&records, &host, &storage).await;
        assert!(host.calls().is_empty());
        assert_eq!(zones.fail(Zone::B, &storage).await.expect("asked"), ZoneTurn::Failed);
        assert_eq!(zones.fail(Zone::C, &storage).await.expect("asked"), ZoneTurn::TooFew);
        assert_eq!(zones.fail(Zone::B, &storage).await.expect("asked"), ZoneTurn::Failed);
        assert_eq!(storage.whole(), [true, false, true]);

        // Another life: all but the records is anew.
        let (host, storage) = (Arc::new(FakeHost::default()), Opened::memory());
        let zones = start(&records, &host, &storage).await;
        assert_eq!(Zone::ALL.map(|zone| zones.is_failed(zone)), [false, true, false]);
        assert_eq!(storage.whole(), [true, false, true]);
        assert_eq!(host.calls().len(), 1, "its power is off: {:?}", host.calls());
        assert_eq!(zones.restore(Zone::B, &storage).await.expect("asked"), ZoneTurn::Restored);
        assert_eq!(zones.restore(Zone::B, &storage).await.expect("asked"), ZoneTurn::Restored);
        while storage.whole() != [true; 3] {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        assert_eq!(zones.fail(Zone::C, &storage).await.expect("asked"), ZoneTurn::Failed);
    }

    #[tokio::test]
    async fn a_zone_is_needed_when_another_is_broken_by_itself() {
        let records = Records::new(Arc::new(Memory::new()));
        let (host, storage) = (Arc::new(FakeHost::default()), Opened::memory());
        let zones = start(&records, &host, &storage).await;
        storage.take_out(Zone::A).await.expect("two are left");
        assert_eq!(zones.fail(Zone::B, &storage).await.expect("asked"), ZoneTurn::TooFew);
        assert!(!zones.is_failed(Zone::B));
        assert_eq!(zones.fail(Zone::A, &storage).await.expect("asked"), ZoneTurn::Failed);
    }
}
