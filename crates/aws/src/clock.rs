//! The region's one clock, which users and tests can turn.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio::sync::watch;

use crate::Timestamp;

/// All time in haneul comes from here: lifecycle days, session expiry, backup windows.
/// A system clock follows the machine's, plus an offset that can be set (`haneul clock
/// advance`); a manual one stands still until a test turns it.
pub struct Clock {
    base: Base,
    offset_ms: AtomicI64,
    turned: watch::Sender<()>,
}

enum Base {
    System,
    Manual(Timestamp),
}

impl Clock {
    pub fn system() -> Self {
        Self::new(Base::System)
    }

    pub fn manual(start: Timestamp) -> Self {
        Self::new(Base::Manual(start))
    }

    fn new(base: Base) -> Self {
        Self { base, offset_ms: AtomicI64::new(0), turned: watch::Sender::new(()) }
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.base().as_millis() + self.offset_ms())
    }

    /// How far this clock is ahead of its base, in milliseconds.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.load(Ordering::Acquire)
    }

    pub fn advance(&self, by: Duration) {
        self.set(self.now() + by);
    }

    pub fn set(&self, to: Timestamp) {
        self.set_offset_ms(to.as_millis() - self.base().as_millis());
    }

    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.store(offset_ms, Ordering::Release);
        self.turned.send_replace(());
    }

    /// Returns once this clock shows `at` or later, also when it is turned there.
    pub async fn sleep_until(&self, at: Timestamp) {
        let mut turned = self.turned.subscribe();
        while self.now() < at {
            // The sender lives in `self`, so `changed` cannot fail.
            match self.base {
                Base::System => {
                    let left = at.since(self.now()).max(Duration::from_millis(1));
                    let _ = tokio::time::timeout(left, turned.changed()).await;
                }
                Base::Manual(_) => {
                    let _ = turned.changed().await;
                }
            }
        }
    }

    fn base(&self) -> Timestamp {
        match self.base {
            Base::System => system_now(),
            Base::Manual(start) => start,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
fn system_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or(Duration::ZERO);
    Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_sleeper_wakes_when_the_clock_is_turned() {
        let clock = std::sync::Arc::new(Clock::manual(Timestamp::from_secs(1000)));
        let day_later = clock.now() + Duration::from_secs(86_400);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep_until(day_later).await }
        });
        clock.advance(Duration::from_secs(86_399));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.expect("woken");
        assert_eq!(clock.offset_ms(), 86_400_000);
    }
}
