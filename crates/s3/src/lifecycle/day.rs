//! The day of lifecycle rules: 24 hours, or less for who wants to see rules at work.

use std::time::Duration;

use aws::Timestamp;

const MIDNIGHT: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a day is. Midnights are its multiples since 1970, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    millis: i64,
}

impl Day {
    /// `None` for less than a second and for more than a day.
    pub fn of(length: Duration) -> Option<Self> {
        let fits = (Duration::from_secs(1)..=MIDNIGHT).contains(&length);
        let millis = i64::try_from(length.as_millis()).ok()?;
        fits.then_some(Self { millis })
    }

    /// The midnight at or after `days` from `since`.
    pub(crate) fn due(self, since: Timestamp, days: u32) -> Timestamp {
        let age = i64::from(days).saturating_mul(self.millis);
        let at = since.as_millis().saturating_add(age);
        let into = at.rem_euclid(self.millis);
        let midnight = if into == 0 { at } else { at.saturating_add(self.millis - into) };
        Timestamp::from_millis(midnight)
    }

    /// The number of the day that `now` is in.
    pub(crate) fn number(self, now: Timestamp) -> i64 {
        now.as_millis().div_euclid(self.millis)
    }
}

impl Default for Day {
    fn default() -> Self {
        Self::of(MIDNIGHT).expect("a day is a day long")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_end_at_the_midnight_that_follows() {
        let at = |text| Timestamp::parse(text).expect("a time");
        let due = Day::default().due(at("2014-01-15T10:30:00Z"), 3);
        assert_eq!(due, at("2014-01-19T00:00:00Z"));
        assert_eq!(Day::default().due(due, 0), due);
        let short = Day::of(Duration::from_secs(10)).expect("a day");
        assert_eq!(short.due(Timestamp::from_secs(101), 2), Timestamp::from_secs(130));
        assert!(Day::of(Duration::from_millis(10)).is_none());
    }
}
