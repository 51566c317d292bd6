//! Dates in policies: the W3C forms of ISO 8601, or seconds since 1970.
//! <https://www.w3.org/TR/NOTE-datetime>

/// AWS's years; beyond them its own dates do not reach.
const YEARS: std::ops::RangeInclusive<i64> = -292_275_054..=292_278_993;

/// Milliseconds since 1970-01-01T00:00:00Z. Parts left out at the end are the first of their
/// kind; a time without a zone is UTC; a part may have one digit where two are usual.
pub(crate) fn parse(text: &str) -> Option<i128> {
    let text = text.trim();
    let lower = text.to_ascii_lowercase();
    if !lower.contains('t') && !lower.contains('-') {
        return epoch(text);
    }
    let (date, time) = lower.split_once('t').unwrap_or((&lower, ""));
    Some(days(date)? * 86_400_000 + millis_of_day(time)?)
}

fn epoch(text: &str) -> Option<i128> {
    // A bare year reads as seconds, as it does in AWS.
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let seconds: i64 = digits(whole)?.try_into().ok()?;
    Some(i128::from(seconds) * 1000 + fraction_millis(fraction)?)
}

fn days(date: &str) -> Option<i128> {
    let (negative, rest) = match date.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, date),
    };
    let parts: Vec<&str> = rest.split('-').collect();
    let (year, month, day) = match parts.as_slice() {
        [year] => (*year, 1, 1),
        [year, month] => (*year, digits(month)?, 1),
        [year, month, day] => (*year, digits(month)?, digits(day)?),
        _ => return None,
    };
    let year = i64::try_from(digits(year)?).ok()?;
    let year = if negative { -year } else { year };
    if !YEARS.contains(&year) || day < 1 || day > days_of_month(year, month)? {
        return None;
    }
    // Years counted from March, so that a leap day is the last of its year.
    let (march_year, march_month) =
        if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = march_year.div_euclid(4) - march_year.div_euclid(100) + march_year.div_euclid(400);
    let day_of_year = (153 * march_month + 2) / 5 + day - 1;
    let to_epoch = 719_468;
    Some(i128::from(march_year * 365 + leaps) + i128::from(day_of_year) - to_epoch)
}

fn days_of_month(year: i64, month: u64) -> Option<u64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    Some(match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    })
}

fn millis_of_day(time: &str) -> Option<i128> {
    if time.is_empty() {
        return Some(0);
    }
    let (clock, offset_minutes) = zone(time)?;
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match parts.as_slice() {
        [h] => (*h, "0", "0"),
        [h, m] => (*h, *m, "0"),
        [h, m, s] => (*h, *m, *s),
        _ => return None,
    };
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let (h, m, s) = (digits(hours)?, digits(minutes)?, digits(seconds)?);
    if h > 23 || m > 59 || s > 59 {
        return None;
    }
    let minutes = i128::from(h * 60 + m) - offset_minutes;
    Some(minutes * 60_000 + i128::from(s) * 1000 + fraction_millis(fraction)?)
}

/// The time without its zone, and the zone's minutes east of UTC.
fn zone(time: &str) -> Option<(&str, i128)> {
    if let Some(clock) = time.strip_suffix('z') {
        return Some((clock, 0));
    }
    let Some(at) = time.find(['+', '-']) else { return Some((time, 0)) };
    let (hours, minutes) = time[at + 1..].split_once(':').unwrap_or((&time[at + 1..], "00"));
    let (h, m) = (digits(hours)?, digits(minutes)?);
    if hours.len() != 2 || minutes.len() != 2 || h > 23 || m > 59 {
        return None;
    }
    let east = i128::from(h * 60 + m);
    Some((&time[..at], if time.as_bytes()[at] == b'-' { -east } else { east }))
}

fn fraction_millis(fraction: &str) -> Option<i128> {
    if fraction.is_empty() {
        return Some(0);
    }
    if fraction.len() > 9 {
        return None;
    }
    digits(fraction)?;
    let padded = format!("{fraction:0<3}");
    padded[..3].parse().ok()
}

fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use aws::Timestamp;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_form_is_read() {
        let check = |text: &str, expected: &str| {
            let expected = Timestamp::parse_iso8601(expected).expect("a date");
            assert_eq!(parse(text), Some(i128::from(expected.as_millis())), "{text}");
        };
        check("2017-07-01T00:00:00Z", "2017-07-01T00:00:00Z");
        check("2017-07-01t9:05z", "2017-07-01T09:05:00Z");
        check("2017-07-01T12:00:00.593194+09:00", "2017-07-01T03:00:00.593Z");
        check("2017-07-01T12:00:00-03:30", "2017-07-01T15:30:00Z");
        check("2020-02-29", "2020-02-29T00:00:00Z");
        check("2020-02", "2020-02-01T00:00:00Z");
        check("2020-02T06", "2020-02-01T06:00:00Z");
        check("1500000000", "2017-07-14T02:40:00Z");
        check("1500000000.25", "2017-07-14T02:40:00.250Z");
        assert_eq!(parse("-292275054"), parse("-292275054-01-01T00:00:00Z"));
        assert!(parse("-292275054") < parse("0000-01-01"));
    }

    #[test]
    fn what_is_not_a_date_is_refused() {
        for text in [
            "",
            "sdfdsf",
            "234-13",
            "2016-12-13t2:00:00.593194+1",
            "9223372036854775808",
            "2016-12-13t2:00:00.1999999999+10:59",
            "2016-02-30",
            "2016-00-10",
            "2016-1-1-1",
            "2016-01-01T24:00:00Z",
            "2016-01-01T00:60Z",
            "2016-01-01T00:00:00Zz",
            "T",
            "-",
            "292278994-01-01",
            "99999999999999999999-01-01",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_printed_time_is_read_back(ms in -62_000_000_000_000i64..253_000_000_000_000) {
            let at = Timestamp::from_millis(ms);
            prop_assert_eq!(parse(&at.to_iso8601()), Some(i128::from(at.as_millis())));
        }
    }
}
