//! When the records of one kind are due. Holds no task and no timer, so it is tested as
//! plain data.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use aws::Timestamp;

use super::Next;
use crate::key::Key;

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_MAX: Duration = Duration::from_secs(60);
/// A change makes a failing record due this soon: its user may have mended it, but it may
/// also be the failing run that writes.
const BACKOFF_WHEN_CHANGED: Duration = Duration::from_secs(1);

pub(super) struct Queue {
    runs_max: usize,
    running: usize,
    entries: HashMap<Key, Entry>,
    due: BTreeSet<(Instant, Key)>,
    alarms: BTreeSet<(Timestamp, Key)>,
}

#[derive(Default)]
struct Entry {
    due: Option<Instant>,
    alarm: Option<Timestamp>,
    running: bool,
    /// Woken while running: it may have read the record before the change.
    woken: bool,
    /// Failures in a row.
    failures: u32,
}

impl Queue {
    pub(super) fn new(runs_max: usize) -> Self {
        let (entries, due, alarms) = (HashMap::new(), BTreeSet::new(), BTreeSet::new());
        Self { runs_max, running: 0, entries, due, alarms }
    }

    /// The record was made or changed, or somebody knows a reason to look.
    pub(super) fn wake(&mut self, key: Key, now: Instant) {
        let entry = self.entries.entry(key.clone()).or_default();
        if entry.running {
            entry.woken = true;
            return;
        }
        let soonest = if entry.failures > 0 { now + BACKOFF_WHEN_CHANGED } else { now };
        let at = entry.due.map_or(soonest, |due| due.min(soonest));
        self.set_due(&key, Some(at));
    }

    /// The slow timer: everything that is neither running nor due.
    pub(super) fn wake_idle(&mut self, now: Instant) {
        let idle = |(key, entry): (&Key, &Entry)| {
            (!entry.running && entry.due.is_none()).then(|| key.clone())
        };
        let idle: Vec<_> = self.entries.iter().filter_map(idle).collect();
        idle.iter().for_each(|key| self.set_due(key, Some(now)));
    }

    /// Those whose time of the region's clock has come.
    pub(super) fn wake_alarms(&mut self, clock_now: Timestamp, now: Instant) {
        while let Some((at, key)) = self.alarms.first().cloned() {
            if at > clock_now {
                return;
            }
            self.set_alarm(&key, None);
            self.wake(key, now);
        }
    }

    /// `None` while as many run as may.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let free = self.running < self.runs_max;
        self.due.first().filter(|_| free).map(|(at, _)| *at)
    }

    pub(super) fn next_alarm(&self) -> Option<Timestamp> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// The longest due record; it counts as running until [`Self::finish`].
    pub(super) fn start(&mut self, now: Instant) -> Option<Key> {
        self.next_due().filter(|at| *at <= now)?;
        let (_, key) = self.due.first().cloned()?;
        self.set_due(&key, None);
        self.set_alarm(&key, None);
        let entry = self.entries.get_mut(&key)?;
        (entry.running, entry.woken) = (true, false);
        self.running += 1;
        Some(key)
    }

    pub(super) fn finish(&mut self, key: &Key, next: Next, now: Instant) {
        let Some(entry) = self.stop_running(key) else { return };
        entry.failures = 0;
        if entry.woken || next == Next::Again {
            self.set_due(key, Some(now));
        } else if let Next::At(at) = next {
            self.set_alarm(key, Some(at));
        }
    }

    /// There is no such record; forgotten, unless it has been made again meanwhile.
    pub(super) fn finish_gone(&mut self, key: &Key, now: Instant) {
        let Some(entry) = self.stop_running(key) else { return };
        if entry.woken {
            self.set_due(key, Some(now));
        } else {
            self.entries.remove(key);
        }
    }

    /// Returns how long it waits now, and how often it has failed.
    pub(super) fn fail(&mut self, key: &Key, now: Instant) -> (Duration, u32) {
        let Some(entry) = self.stop_running(key) else { return (BACKOFF_FIRST, 1) };
        let doublings = entry.failures.min(16);
        entry.failures = entry.failures.saturating_add(1);
        let (failures, woken) = (entry.failures, entry.woken);
        let mut wait = (BACKOFF_FIRST * 2u32.pow(doublings)).min(BACKOFF_MAX);
        if woken {
            wait = wait.min(BACKOFF_WHEN_CHANGED);
        }
        self.set_due(key, Some(now + wait));
        (wait, failures)
    }

    fn stop_running(&mut self, key: &Key) -> Option<&mut Entry> {
        self.running = self.running.saturating_sub(1);
        let entry = self.entries.get_mut(key)?;
        entry.running = false;
        Some(entry)
    }

    fn set_due(&mut self, key: &Key, at: Option<Instant>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(before) = std::mem::replace(&mut entry.due, at) {
            self.due.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.due.insert((at, key.clone()));
        }
    }

    fn set_alarm(&mut self, key: &Key, at: Option<Timestamp>) {
        let Some(entry) = self.entries.get_mut(key) else { return };
        if let Some(before) = std::mem::replace(&mut entry.alarm, at) {
            self.alarms.remove(&(before, key.clone()));
        }
        if let Some(at) = at {
            self.alarms.insert((at, key.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::Scope;

    fn key(id: &str) -> Key {
        Key::new(&Scope::Haneul, "test.thing", id)
    }

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn a_record_runs_once_at_a_time_and_again_when_woken_meanwhile() {
        let (mut queue, now) = (Queue::new(8), Instant::now());
        queue.wake(key("a"), now);
        queue.wake(key("a"), now);
        assert_eq!(queue.start(now), Some(key("a")));
        queue.wake(key("a"), now);
        assert_eq!(queue.start(now), None, "it is running");
        queue.finish(&key("a"), Next::Settled, now);
        assert_eq!(queue.start(now), Some(key("a")), "it was woken");
        queue.finish(&key("a"), Next::Settled, now);
        assert_eq!(queue.start(now), None);
        queue.wake_idle(now);
        assert_eq!(queue.start(now), Some(key("a")));
        queue.finish_gone(&key("a"), now);
        queue.wake_idle(now);
        assert_eq!(queue.start(now), None, "forgotten");
    }

    #[test]
    fn failures_back_off_and_a_change_shortens_the_wait() {
        let (mut queue, now) = (Queue::new(8), Instant::now());
        queue.wake(key("a"), now);
        let mut waits = Vec::new();
        let mut at = now;
        for _ in 0..12 {
            assert_eq!(queue.start(at), Some(key("a")));
            let (wait, _) = queue.fail(&key("a"), at);
            assert_eq!(queue.start(at + wait - ms(1)), None);
            at += wait;
            waits.push(wait.as_millis());
        }
        assert_eq!(waits[..4], [100, 200, 400, 800]);
        assert_eq!(waits[10..], [60_000, 60_000]);
        queue.start(at);
        queue.fail(&key("a"), at);
        queue.wake_idle(at);
        assert_eq!(queue.next_due(), Some(at + BACKOFF_MAX), "the slow timer waits too");
        queue.wake(key("a"), at);
        assert_eq!(queue.next_due(), Some(at + BACKOFF_WHEN_CHANGED));
        queue.start(at + BACKOFF_WHEN_CHANGED);
        queue.finish(&key("a"), Next::Settled, at);
        queue.wake(key("a"), at);
        assert_eq!(queue.next_due(), Some(at), "all is forgiven");
    }

    #[test]
    fn runs_are_bounded_and_the_longest_waiting_is_next() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        for (id, after) in [("c", 0), ("a", 1), ("b", 2)] {
            queue.wake(key(id), now + ms(after));
        }
        let later = now + ms(9);
        assert_eq!(queue.start(later), Some(key("c")));
        assert_eq!(queue.start(later), Some(key("a")));
        assert_eq!((queue.start(later), queue.next_due()), (None, None));
        queue.finish(&key("c"), Next::Again, later);
        assert_eq!(queue.start(later), Some(key("b")));
        queue.finish(&key("b"), Next::Settled, later);
        assert_eq!(queue.start(later), Some(key("c")));
    }

    #[test]
    fn an_alarm_rings_by_the_region_s_clock() {
        let (mut queue, now) = (Queue::new(2), Instant::now());
        let at = Timestamp::from_secs(1000);
        queue.wake(key("a"), now);
        queue.start(now);
        queue.finish(&key("a"), Next::At(at), now);
        assert_eq!((queue.next_due(), queue.next_alarm()), (None, Some(at)));
        queue.wake_alarms(Timestamp::from_secs(999), now);
        assert_eq!(queue.start(now), None);
        queue.wake_alarms(at, now);
        assert_eq!(queue.start(now), Some(key("a")));
        assert_eq!(queue.next_alarm(), None);
    }
}
