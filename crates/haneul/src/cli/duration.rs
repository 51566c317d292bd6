//! Durations as people type and read them: `90s`, `15m`, `12h`, `30d`, `1d12h`.

use std::time::Duration;

const UNITS: [(char, u64); 5] = [('w', 604_800), ('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];

/// Whole numbers each with a unit of w, d, h, m or s, in any order, added up.
pub fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut secs = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = rest[digits..].chars().next()?;
        let (_, unit_secs) = UNITS.iter().find(|(letter, _)| *letter == unit)?;
        secs = secs.checked_add(number.checked_mul(*unit_secs)?)?;
        rest = &rest[digits + 1..];
    }
    (secs > 0).then(|| Duration::from_secs(secs))
}

/// The same, in days and smaller; parts of a second are left out.
pub fn show(ms: u64) -> String {
    let mut secs = ms / 1000;
    let mut text = String::new();
    for (unit, unit_secs) in &UNITS[1..] {
        if secs >= *unit_secs {
            text.push_str(&format!("{}{unit}", secs / unit_secs));
            secs %= unit_secs;
        }
    }
    if text.is_empty() { "0s".into() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_shown() {
        let check = |text: &str, secs: u64, shown: &str| {
            assert_eq!(parse(text), Some(Duration::from_secs(secs)), "{text}");
            assert_eq!(show(secs * 1000), shown);
        };
        check("90s", 90, "1m30s");
        check("15m", 900, "15m");
        check("1d12h", 129_600, "1d12h");
        check("2w", 1_209_600, "14d");
        assert_eq!(show(999), "0s");
    }

    #[test]
    fn nonsense_is_refused() {
        for text in [
            "",
            "0s",
            "12",
            "h",
            "-1h",
            "1.5h",
            "1y",
            "1h 2m",
            "99999999999999999999s",
            "99999999999999999w",
            "1é",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
