//! Points in time, in the three forms AWS's protocols print and read.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};
use time::macros::format_description;

/// Milliseconds since 1970-01-01T00:00:00Z, leap seconds not counted; the finest grain any
/// AWS answer shows. Always within the years 0 to 9999, so every value has a printed form.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

const MIN_MS: i64 = -62_167_219_200_000;
const MAX_MS: i64 = 253_402_300_799_999;

impl Timestamp {
    /// Clamped to the years 0 to 9999.
    pub const fn from_millis(ms: i64) -> Self {
        if ms < MIN_MS {
            Self(MIN_MS)
        } else if ms > MAX_MS {
            Self(MAX_MS)
        } else {
            Self(ms)
        }
    }

    pub const fn from_secs(secs: i64) -> Self {
        Self::from_millis(secs.saturating_mul(1000))
    }

    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds, rounded down.
    pub const fn as_secs(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// The same second without its milliseconds: IAM and most query services keep no finer.
    pub const fn to_whole_secs(self) -> Self {
        Self::from_secs(self.as_secs())
    }

    /// The time from `earlier` to `self`; zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0 - earlier.0).unwrap_or(0))
    }

    /// `2026-11-22T10:40:53Z`, with `.mmm` only when there are milliseconds. By hand, as
    /// [`Self::to_basic`]: every log line prints it.
    pub fn to_iso8601(self) -> String {
        let at = self.date_time();
        let mut text = String::with_capacity(24);
        push_date(&mut text, at, "-");
        text.push('T');
        push_time(&mut text, at, ":");
        if at.millisecond() != 0 {
            text.push('.');
            push_digits(&mut text, at.millisecond().into(), 3);
        }
        text.push('Z');
        text
    }

    /// `20261122T104053Z`, as in `X-Amz-Date`. By hand, because every request prints it.
    pub fn to_basic(self) -> String {
        let at = self.date_time();
        let mut text = String::with_capacity(16);
        push_date(&mut text, at, "");
        text.push('T');
        push_time(&mut text, at, "");
        text.push('Z');
        text
    }

    /// `Sun, 22 Nov 2026 10:40:53 GMT`, as in HTTP headers. By hand, because every object that
    /// is read says so when it was made.
    pub fn to_http_date(self) -> String {
        const DAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
        const MONTHS: [&str; 12] =
            ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let at = self.date_time();
        let mut text = String::with_capacity(29);
        text.push_str(DAYS[usize::from(at.weekday().number_days_from_sunday())]);
        text.push_str(", ");
        push_digits(&mut text, at.day().into(), 2);
        text.push(' ');
        text.push_str(MONTHS[usize::from(u8::from(at.month()) - 1)]);
        text.push(' ');
        push_digits(&mut text, u32::try_from(at.year()).unwrap_or_default(), 4);
        text.push(' ');
        push_time(&mut text, at, ":");
        text.push_str(" GMT");
        text
    }

    /// Reads ISO 8601 (basic, extended, with an offset), an HTTP date, or epoch seconds.
    pub fn parse(text: &str) -> Option<Self> {
        Self::parse_iso8601(text)
            .or_else(|| Self::parse_http_date(text))
            .or_else(|| text.parse::<f64>().ok().and_then(Self::from_epoch_secs))
    }

    pub fn parse_iso8601(text: &str) -> Option<Self> {
        if let Ok(at) = OffsetDateTime::parse(text, &Rfc3339) {
            return Some(Self::from_date_time(at));
        }
        Self::parse_basic(text).or_else(|| {
            let day = format_description!("[year]-[month]-[day]");
            let date = time::Date::parse(text, &day).ok()?;
            Some(Self::from_date_time(date.midnight().assume_utc()))
        })
    }

    /// Exactly `20261122T104053Z`.
    pub fn parse_basic(text: &str) -> Option<Self> {
        let bytes: &[u8; 16] = text.as_bytes().try_into().ok()?;
        if bytes[8] != b'T' || bytes[15] != b'Z' {
            return None;
        }
        let number = |at: std::ops::Range<usize>| {
            bytes[at].iter().try_fold(0u16, |number, byte| {
                byte.is_ascii_digit().then(|| number * 10 + u16::from(byte - b'0'))
            })
        };
        let two = |at: usize| u8::try_from(number(at..at + 2)?).ok();
        let month = time::Month::try_from(two(4)?).ok()?;
        let date = time::Date::from_calendar_date(number(0..4)?.into(), month, two(6)?).ok()?;
        let at = date.with_hms(two(9)?, two(11)?, two(13)?).ok()?;
        Some(Self::from_date_time(at.assume_utc()))
    }

    pub fn parse_http_date(text: &str) -> Option<Self> {
        // RFC 2822 wants a numeric or obsolete zone; "GMT" is one of the obsolete ones.
        OffsetDateTime::parse(text, &Rfc2822).ok().map(Self::from_date_time)
    }

    /// From JSON's epoch seconds with fraction; `None` when not finite or out of range.
    pub fn from_epoch_secs(secs: f64) -> Option<Self> {
        let ms = (secs * 1000.0).round();
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss)]
        (ms.is_finite() && (MIN_MS as f64..=MAX_MS as f64).contains(&ms)).then_some(Self(ms as i64))
    }

    fn date_time(self) -> OffsetDateTime {
        // Not by nanoseconds, whose 128 bits take long to divide.
        let ms = u16::try_from(self.0.rem_euclid(1000)).expect("less than a thousand");
        OffsetDateTime::from_unix_timestamp(self.as_secs())
            .ok()
            .and_then(|at| at.replace_millisecond(ms).ok())
            .expect("a Timestamp stays within the years 0 to 9999")
    }

    fn from_date_time(at: OffsetDateTime) -> Self {
        // Not by nanoseconds, as above. The seconds are rounded down, also before 1970.
        Self::from_millis(at.unix_timestamp() * 1000 + i64::from(at.millisecond()))
    }
}

fn push_date(text: &mut String, at: OffsetDateTime, between: &str) {
    push_digits(text, u32::try_from(at.year()).unwrap_or_default(), 4);
    text.push_str(between);
    push_digits(text, u8::from(at.month()).into(), 2);
    text.push_str(between);
    push_digits(text, at.day().into(), 2);
}

fn push_time(text: &mut String, at: OffsetDateTime, between: &str) {
    let (hour, minute, second) = at.to_hms();
    push_digits(text, hour.into(), 2);
    text.push_str(between);
    push_digits(text, minute.into(), 2);
    text.push_str(between);
    push_digits(text, second.into(), 2);
}

/// The last `count` digits of a number, at most four.
fn push_digits(text: &mut String, number: u32, count: usize) {
    for power in [1, 10, 100, 1000][..count].iter().rev() {
        let digit = number / power % 10;
        text.push(char::from_digit(digit, 10).expect("a remainder of ten"));
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::fmt::Display for Timestamp {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_iso8601())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp::from_secs(1_795_344_053);

    #[test]
    fn every_form_is_read_back() {
        assert_eq!(AT.to_iso8601(), "2026-11-22T10:40:53Z");
        assert_eq!(AT.to_basic(), "20261122T104053Z");
        assert_eq!(AT.to_http_date(), "Sun, 22 Nov 2026 10:40:53 GMT");
        for text in [
            "2026-11-22T10:40:53Z",
            "2026-11-22T19:40:53+09:00",
            "20261122T104053Z",
            "Sun, 22 Nov 2026 10:40:53 GMT",
            "1795344053",
        ] {
            assert_eq!(Timestamp::parse(text), Some(AT), "{text}");
        }
    }

    #[test]
    fn the_extended_form_is_exact() {
        let format = format_description!(
            "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z"
        );
        for at in [951_782_400_001, 1_078_012_799_999, -1, -999, MIN_MS + 20, MAX_MS] {
            let at = Timestamp::from_millis(at);
            assert_eq!(at.to_iso8601(), at.date_time().format(&format).expect("formats"));
            assert_eq!(Timestamp::parse_iso8601(&at.to_iso8601()), Some(at));
        }
    }

    #[test]
    fn the_form_of_headers_is_exact() {
        let format = format_description!(
            "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
        );
        for at in [0, 951_782_400, 1_078_012_799, -1, -62_167_219_200, 253_402_300_799] {
            let at = Timestamp::from_secs(at);
            assert_eq!(at.to_http_date(), at.date_time().format(&format).expect("formats"));
        }
    }

    #[test]
    fn the_basic_form_is_exact() {
        for at in [0, 951_782_400, 1_078_012_799, -1, -62_167_219_200, 253_402_300_799] {
            let at = Timestamp::from_secs(at);
            let format = format_description!("[year][month][day]T[hour][minute][second]Z");
            assert_eq!(at.to_basic(), at.date_time().format(&format).expect("formats"));
            assert_eq!(Timestamp::parse_basic(&at.to_basic()), Some(at));
        }
        for text in [
            "20261122T104053",
            "20261122T104053z",
            "20261122 104053Z",
            "20261322T104053Z",
            "20260229T104053Z",
            "20261122T244053Z",
            "20261122T106053Z",
            "2026112²T10405Z",
            "+0261122T104053Z",
        ] {
            assert_eq!(Timestamp::parse_basic(text), None, "{text}");
        }
    }

    #[test]
    fn nonsense_and_out_of_range_is_refused() {
        for text in ["", "yesterday", "2026-13-01T00:00:00Z", "1e300", "NaN", "inf"] {
            assert_eq!(Timestamp::parse(text), None, "{text}");
        }
    }
}
