//! The table that comes out, and the machine it is true for.

use std::fmt::Write as _;
use std::fs;

use aws::Clock;

#[derive(Default)]
pub struct Report {
    rows: Vec<Row>,
    /// What other programs printed, under their names.
    outputs: Vec<(String, String)>,
}

struct Row {
    figure: String,
    measured: String,
    aim: String,
    verdict: &'static str,
}

/// What a figure should be.
#[derive(Clone, Copy)]
pub enum Aim {
    AtMost(f64),
    AtLeast(f64),
    /// Shown for itself.
    None,
}

impl Report {
    /// One line of the table; `unit` stands behind both numbers.
    pub fn row(&mut self, figure: impl Into<String>, measured: f64, unit: &str, aim: Aim) {
        let (aim, verdict) = match aim {
            Aim::AtMost(most) => (format!("≤ {most}{unit}"), verdict(measured <= most)),
            Aim::AtLeast(least) => (format!("≥ {least}{unit}"), verdict(measured >= least)),
            Aim::None => (String::new(), ""),
        };
        let measured = format!("{}{unit}", rounded(measured));
        eprintln!("  {measured}");
        self.rows.push(Row { figure: figure.into(), measured, aim, verdict });
    }

    pub fn output(&mut self, name: impl Into<String>, text: impl Into<String>) {
        self.outputs.push((name.into(), text.into()));
    }

    pub fn text(&self) -> String {
        let mut text = String::from("# Results of `make bench`\n\n");
        let _ = writeln!(text, "{}\n", machine());
        text.push_str("| figure | measured | aim | |\n| --- | --- | --- | --- |\n");
        for Row { figure, measured, aim, verdict } in &self.rows {
            let _ = writeln!(text, "| {figure} | {measured} | {aim} | {verdict} |");
        }
        for (name, output) in &self.outputs {
            let _ = write!(text, "\n## {name}\n\n```\n{}\n```\n", output.trim_end());
        }
        text
    }
}

fn verdict(kept: bool) -> &'static str {
    if kept { "kept" } else { "**missed**" }
}

/// Three digits that matter.
fn rounded(number: f64) -> String {
    match number.abs() {
        size if size >= 100.0 => format!("{number:.0}"),
        size if size >= 10.0 => format!("{number:.1}"),
        _ => format!("{number:.2}"),
    }
}

pub fn median(numbers: &mut [f64]) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        odd if odd % 2 == 1 => numbers[odd / 2],
        even => f64::midpoint(numbers[even / 2 - 1], numbers[even / 2]),
    }
}

fn machine() -> String {
    let of = |path: &str, key: &str| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with(key)).unwrap_or_default();
        line.split_once([':', '='])
            .map_or("", |(_, value)| value)
            .trim()
            .trim_matches('"')
            .to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    format!(
        "{}: {cores} cores ({}), {} of memory, {}, kernel {}, load {} when written.",
        Clock::system().now(),
        of("/proc/cpuinfo", "model name"),
        of("/proc/meminfo", "MemTotal"),
        of("/etc/os-release", "PRETTY_NAME"),
        fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        load.split(' ').next().unwrap_or_default(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_whether_its_aim_was_kept() {
        let check = |measured, aim, expected: &str| {
            let mut report = Report::default();
            report.row("x", measured, " ms", aim);
            assert!(report.text().contains(expected), "{}", report.text());
        };
        check(12.34, Aim::AtMost(50.0), "| x | 12.3 ms | ≤ 50 ms | kept |");
        check(51.0, Aim::AtMost(50.0), "| x | 51.0 ms | ≤ 50 ms | **missed** |");
        check(0.5, Aim::AtLeast(0.5), "| x | 0.50 ms | ≥ 0.5 ms | kept |");
        check(123.4, Aim::None, "| x | 123 ms |  |  |");
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let check = |numbers: &[f64], expected: f64| {
            assert!((median(&mut numbers.to_vec()) - expected).abs() < 1e-9);
        };
        check(&[3.0, 1.0, 2.0], 2.0);
        check(&[4.0, 1.0, 2.0, 3.0], 2.5);
    }
}
