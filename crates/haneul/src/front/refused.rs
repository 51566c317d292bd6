//! Operations that AWS has and haneul lacks: counted by name, so that users can report what
//! they miss.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::admin::Unsupported;
use crate::limits;

#[derive(Debug, Default)]
pub struct Refused(Mutex<BTreeMap<String, u64>>);

/// Counts what no longer has a place of its own.
const OTHERS: &str = "others";
const NAME_BYTES_MAX: usize = 64;

impl Refused {
    /// `operation` may be empty where only the service is known.
    pub fn count(&self, service: &str, operation: &str) {
        // Clients choose these names: only what can be one is kept.
        let safe = |name: &str| -> String {
            let allowed = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
            name.chars().filter(allowed).take(NAME_BYTES_MAX).collect()
        };
        let operation = if operation.is_empty() { "*" } else { &safe(operation) };
        let name = format!("{}:{operation}", safe(service));
        let mut counts = self.0.lock().expect("counting does not panic");
        let known = counts.len() < limits::REFUSED_NAMES_MAX || counts.contains_key(&name);
        *counts.entry(if known { name } else { OTHERS.into() }).or_default() += 1;
    }

    /// The most wanted first.
    pub fn list(&self) -> Vec<Unsupported> {
        let counts = self.0.lock().expect("counting does not panic");
        let mut list: Vec<_> = counts
            .iter()
            .map(|(operation, count)| Unsupported { operation: operation.clone(), count: *count })
            .collect();
        list.sort_by_key(|unsupported| std::cmp::Reverse(unsupported.count));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_cleaned_and_bounded() {
        let refused = Refused::default();
        refused.count("s3", "PutObject");
        refused.count("s3", "PutObject");
        refused.count("x\u{1b}[2J", "");
        let names: Vec<_> = refused.list().into_iter().map(|u| (u.operation, u.count)).collect();
        assert_eq!(names, [("s3:PutObject".into(), 2), ("x2J:*".into(), 1)]);
        for n in 0..limits::REFUSED_NAMES_MAX * 2 {
            refused.count("made", &format!("Up{n}"));
        }
        assert!(refused.list().len() <= limits::REFUSED_NAMES_MAX + 1);
        assert_eq!(refused.list()[0].operation, OTHERS);
    }
}
