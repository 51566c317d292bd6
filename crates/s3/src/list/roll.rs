//! Keys rolled up under common prefixes.

/// The prefix and delimiter of a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roll<'a> {
    prefix: &'a str,
    /// Empty for none.
    delimiter: &'a str,
}

impl<'a> Roll<'a> {
    pub(crate) fn new(prefix: Option<&'a str>, delimiter: Option<&'a str>) -> Self {
        Self { prefix: prefix.unwrap_or_default(), delimiter: delimiter.unwrap_or_default() }
    }

    pub(crate) fn prefix(&self) -> &'a str {
        self.prefix
    }

    /// The common prefix that stands for `key`, which begins with the prefix: up to and with the
    /// first delimiter after it.
    pub(crate) fn up<'k>(&self, key: &'k str) -> Option<&'k str> {
        if self.delimiter.is_empty() {
            return None;
        }
        let rest = key.get(self.prefix.len()..)?;
        let at = rest.find(self.delimiter)?;
        Some(&key[..self.prefix.len() + at + self.delimiter.len()])
    }

    /// Whether a marker is a common prefix that an earlier page ended with: all under it was
    /// listed by it then.
    pub(crate) fn ended_with(&self, marker: &str) -> bool {
        marker.starts_with(self.prefix) && self.up(marker) == Some(marker)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_rolls_up_to_its_first_delimiter_after_the_prefix() {
        let roll = Roll::new(Some("a/"), Some("/"));
        assert_eq!(roll.up("a/b/c"), Some("a/b/"));
        assert_eq!(roll.up("a/b"), None);
        assert_eq!(roll.up("a//"), Some("a//"));
        assert!(roll.ended_with("a/b/") && !roll.ended_with("a/b/c") && !roll.ended_with("a/"));
        assert_eq!(Roll::new(None, Some("")).up("a/b"), None);
        assert_eq!(Roll::new(None, Some("--")).up("x--y--z"), Some("x--"));
    }
}
