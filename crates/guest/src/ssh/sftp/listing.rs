//! A file's line as `ls -l` writes it: the protocol wants one, and clients show it as it is.

use std::collections::HashMap;
use std::fs;

use rustix::fs::{FileType, Stat};
use rustix::time::{ClockId, clock_gettime};

pub(super) struct Listing {
    users: HashMap<u32, Vec<u8>>,
    groups: HashMap<u32, Vec<u8>>,
    now: i64,
}

/// Half a year: of what is older, the year is shown and not the hour.
const RECENT_SECONDS: i64 = 182 * 24 * 60 * 60;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

impl Listing {
    pub(super) fn read() -> Self {
        let names = |path| ids(&fs::read(path).unwrap_or_default());
        Self {
            users: names("/etc/passwd"),
            groups: names("/etc/group"),
            now: clock_gettime(ClockId::Realtime).tv_sec,
        }
    }

    pub(super) fn line(&self, stat: &Stat, name: &[u8]) -> Vec<u8> {
        let text = |names: &HashMap<u32, Vec<u8>>, id: u32| match names.get(&id) {
            Some(name) => String::from_utf8_lossy(name).into_owned(),
            None => id.to_string(),
        };
        let (user, group) = (text(&self.users, stat.st_uid), text(&self.groups, stat.st_gid));
        let head = format!(
            "{} {:>4} {user:<8} {group:<8} {:>8} {} ",
            mode(stat.st_mode),
            stat.st_nlink,
            stat.st_size,
            self.date(stat.st_mtime),
        );
        [head.as_bytes(), name].concat()
    }

    fn date(&self, time: i64) -> String {
        let (days, seconds) = (time.div_euclid(86_400), time.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        let month = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month));
        let month = month.unwrap_or(&"???");
        if (0..RECENT_SECONDS).contains(&(self.now - time)) {
            format!("{month} {day:>2} {:02}:{:02}", seconds / 3600, seconds / 60 % 60)
        } else {
            format!("{month} {day:>2} {year:>5}")
        }
    }
}

fn ids(text: &[u8]) -> HashMap<u32, Vec<u8>> {
    let lines = text.split(|byte| *byte == b'\n').filter_map(|line| {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, id) = (fields.next()?, fields.nth(1)?);
        Some((std::str::from_utf8(id).ok()?.parse().ok()?, name.to_vec()))
    });
    // The first of several names holds.
    let mut names = HashMap::new();
    lines.for_each(|(id, name)| {
        names.entry(id).or_insert(name);
    });
    names
}

fn mode(mode: u32) -> String {
    let kind = match FileType::from_raw_mode(mode) {
        FileType::Directory => 'd',
        FileType::Symlink => 'l',
        FileType::BlockDevice => 'b',
        FileType::CharacterDevice => 'c',
        FileType::Fifo => 'p',
        FileType::Socket => 's',
        _ => '-',
    };
    let mut text = String::from(kind);
    // For each of the three: its shift, the bit that takes the last letter's place, and how.
    for (shift, special, letters) in [(6, 0o4000, "sS"), (3, 0o2000, "sS"), (0, 0o1000, "tT")] {
        let bits = mode >> shift;
        text.push(if bits & 4 != 0 { 'r' } else { '-' });
        text.push(if bits & 2 != 0 { 'w' } else { '-' });
        let letter = match (mode & special != 0, bits & 1 != 0) {
            (true, true) => &letters[..1],
            (true, false) => &letters[1..],
            (false, true) => "x",
            (false, false) => "-",
        };
        text.push_str(letter);
    }
    text
}

/// The day of the calendar, of days since 1970; by Howard Hinnant's method of eras of 400 years
/// that begin in March.
fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let date = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (year + era * 400 + i64::from(month <= 2), month, date)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_rights_are_those_of_ls() {
        let listing = Listing { users: HashMap::new(), groups: HashMap::new(), now: 1_700_000_000 };
        let check = |time: i64, expected: &str| assert_eq!(listing.date(time), expected);
        check(1_699_999_999, "Nov 14 22:13");
        check(0, "Jan  1  1970");
        check(951_782_400, "Feb 29  2000");
        check(1_700_000_001, "Nov 14  2023");
        check(-1, "Dec 31  1969");
        check(4_107_542_400, "Mar  1  2100");
        for (bits, expected) in [
            (0o100_644, "-rw-r--r--"),
            (0o041_777, "drwxrwxrwt"),
            (0o104_755, "-rwsr-xr-x"),
            (0o102_640, "-rw-r-S---"),
            (0o120_777, "lrwxrwxrwx"),
        ] {
            assert_eq!(mode(bits), expected);
        }
        let names = ids(b"root:x:0:0::/root:/bin/sh\ntoor:x:0:\nbad\n:x:1:");
        assert_eq!(names[&0], b"root");
    }
}
