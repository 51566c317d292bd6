//! A table of nft as data, and the scripts that make the kernel's like it: whole, or by what
//! differs. Either is one transaction of the kernel.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table {
    /// `inet vpc`
    pub name: &'static str,
    pub sets: BTreeMap<String, Set>,
    pub chains: BTreeMap<String, Chain>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Set {
    /// `type ipv4_addr : verdict;`
    pub kind: &'static str,
    /// A set has no values, a map only elements with one.
    pub elements: BTreeMap<String, Option<String>>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    /// `type filter hook input priority 0; policy drop;`
    pub hook: Option<&'static str>,
    pub rules: Vec<String>,
}

impl Set {
    pub(super) fn new(kind: &'static str) -> Self {
        Self { kind, elements: BTreeMap::new() }
    }

    fn word(&self) -> &'static str {
        if self.kind.contains(':') { "map" } else { "set" }
    }
}

impl Table {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, ..Self::default() }
    }

    /// In place of whatever has the name.
    pub(super) fn whole(&self) -> String {
        let name = self.name;
        let empty = Self::new(name);
        format!("add table {name}\ndelete table {name}\nadd table {name}\n{}", self.since(&empty))
    }

    /// From the `old` table to this. Nothing when they are equal.
    pub(super) fn since(&self, old: &Self) -> String {
        let mut script = String::new();
        self.declare(old, &mut script);
        for (name, chain) in &self.chains {
            let before = old.chains.get(name);
            if before.is_some_and(|before| before.rules == chain.rules) {
                continue;
            }
            if before.is_some() {
                line(&mut script, format_args!("flush chain {} {name}", self.name));
            }
            for rule in &chain.rules {
                line(&mut script, format_args!("add rule {} {name} {rule}", self.name));
            }
        }
        for (name, set) in &self.sets {
            self.elements(name, set, old.sets.get(name), &mut script);
        }
        self.forget(old, &mut script);
        script
    }

    fn declare(&self, old: &Self, script: &mut String) {
        for (name, set) in &self.sets {
            if !old.sets.contains_key(name) {
                let word = set.word();
                line(script, format_args!("add {word} {} {name} {{ {} }}", self.name, set.kind));
            }
        }
        for (name, chain) in &self.chains {
            if !old.chains.contains_key(name) {
                let hook = chain.hook.map(|hook| format!(" {{ {hook} }}")).unwrap_or_default();
                line(script, format_args!("add chain {} {name}{hook}", self.name));
            }
        }
    }

    fn elements(&self, name: &str, set: &Set, old: Option<&Set>, script: &mut String) {
        let nothing = BTreeMap::new();
        let before = old.map_or(&nothing, |old| &old.elements);
        for (verb, from, than) in
            [("delete", before, &set.elements), ("add", &set.elements, before)]
        {
            let moved = from.iter().filter(|(key, value)| than.get(*key) != Some(value));
            let moved: Vec<String> = moved.map(|(key, value)| element(key, value)).collect();
            if !moved.is_empty() {
                let moved = moved.join(", ");
                line(script, format_args!("{verb} element {} {name} {{ {moved} }}", self.name));
            }
        }
    }

    /// What is gone, when nothing refers to it any more.
    fn forget(&self, old: &Self, script: &mut String) {
        let chains: BTreeSet<_> =
            old.chains.keys().filter(|name| !self.chains.contains_key(*name)).collect();
        for verb in ["flush", "delete"] {
            for name in &chains {
                line(script, format_args!("{verb} chain {} {name}", self.name));
            }
        }
        for (name, set) in old.sets.iter().filter(|(name, _)| !self.sets.contains_key(*name)) {
            line(script, format_args!("delete {} {} {name}", set.word(), self.name));
        }
    }
}

fn element(key: &str, value: &Option<String>) -> String {
    match value {
        Some(value) => format!("{key} : {value}"),
        None => key.into(),
    }
}

fn line(script: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = script.write_fmt(text);
    script.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(members: &[&str], rules: &[&str], extra: Option<&str>) -> Table {
        let mut table = Table::new("inet t");
        let mut set = Set::new("type ipv4_addr;");
        set.elements = members.iter().map(|member| ((*member).into(), None)).collect();
        table.sets.insert("s".into(), set);
        let mut map = Set::new("type ifname : verdict;");
        let target = extra.unwrap_or("a");
        map.elements.insert("\"e\"".into(), Some(format!("goto {target}")));
        table.sets.insert("m".into(), map);
        let rules = rules.iter().map(|rule| (*rule).into()).collect();
        table.chains.insert("a".into(), Chain { hook: None, rules });
        if let Some(extra) = extra {
            table.chains.insert(extra.into(), Chain { hook: None, rules: vec!["drop".into()] });
        }
        table
    }

    #[test]
    fn a_whole_table_takes_the_place_of_what_was() {
        let expected = "add table inet t\ndelete table inet t\nadd table inet t\n\
            add map inet t m { type ifname : verdict; }\nadd set inet t s { type ipv4_addr; }\n\
            add chain inet t a\nadd rule inet t a accept\n\
            add element inet t m { \"e\" : goto a }\nadd element inet t s { 1.1.1.1, 2.2.2.2 }\n";
        assert_eq!(table(&["1.1.1.1", "2.2.2.2"], &["accept"], None).whole(), expected);
    }

    #[test]
    fn a_change_says_only_what_differs() {
        let old = table(&["1.1.1.1", "2.2.2.2"], &["accept"], None);
        let check = |old: &Table, new: &Table, expected: &str| {
            assert_eq!(new.since(old), expected);
        };
        check(&old, &old, "");
        check(
            &old,
            &table(&["1.1.1.1", "3.3.3.3"], &["accept"], None),
            "delete element inet t s { 2.2.2.2 }\nadd element inet t s { 3.3.3.3 }\n",
        );
        check(
            &old,
            &table(&["1.1.1.1", "2.2.2.2"], &["drop"], None),
            "flush chain inet t a\nadd rule inet t a drop\n",
        );
        let more = table(&["1.1.1.1", "2.2.2.2"], &["accept"], Some("b"));
        check(
            &old,
            &more,
            "add chain inet t b\nadd rule inet t b drop\n\
             delete element inet t m { \"e\" : goto a }\nadd element inet t m { \"e\" : goto b }\n",
        );
        check(
            &more,
            &old,
            "delete element inet t m { \"e\" : goto b }\nadd element inet t m { \"e\" : goto a }\n\
             flush chain inet t b\ndelete chain inet t b\n",
        );
    }
}
