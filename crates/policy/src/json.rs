//! A bounded JSON reader that keeps where each value stood.
//!
//! The general reader of the tree is not enough for policies: it forgets positions, which
//! SimulatePrincipalPolicy reports, and lets the last of two equal keys win, so that a
//! reviewer and the engine could read one document differently.

use std::collections::HashSet;

/// More than any policy AWS stores: the largest `PolicyDocument` of the API is 131,072 letters.
pub const DOCUMENT_BYTES_MAX: usize = 131_072;
/// A policy needs six levels; the rest is slack for values that are refused later by name.
const DEPTH_MAX: usize = 32;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Value {
    /// Byte offsets of the value's first letter and of the one after its last.
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) node: Node,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    /// As written: the engine compares numbers in their own type.
    Number(String),
    String(String),
    Array(Vec<Value>),
    /// In source order, every key once.
    Object(Vec<(String, Value)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotJson;

pub(crate) fn read(text: &str) -> Result<Value, NotJson> {
    if text.len() > DOCUMENT_BYTES_MAX {
        return Err(NotJson);
    }
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    reader.skip_space();
    if reader.at == text.len() { Ok(value) } else { Err(NotJson) }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Value, NotJson> {
        if depth > DEPTH_MAX {
            return Err(NotJson);
        }
        self.skip_space();
        let start = self.at;
        let node = match self.peek().ok_or(NotJson)? {
            b'{' => self.object(depth)?,
            b'[' => self.array(depth)?,
            b'"' => Node::String(self.string()?),
            b't' => self.word("true", Node::Bool(true))?,
            b'f' => self.word("false", Node::Bool(false))?,
            b'n' => self.word("null", Node::Null)?,
            _ => self.number()?,
        };
        Ok(Value { start, end: self.at, node })
    }

    fn object(&mut self, depth: usize) -> Result<Node, NotJson> {
        self.expect(b'{')?;
        let mut entries = Vec::new();
        let mut seen = HashSet::new();
        if self.next_is(b'}') {
            return Ok(Node::Object(entries));
        }
        loop {
            self.skip_space();
            let key = self.string()?;
            if !seen.insert(key.clone()) {
                return Err(NotJson);
            }
            self.skip_space();
            self.expect(b':')?;
            entries.push((key, self.value(depth + 1)?));
            if self.next_is(b'}') {
                return Ok(Node::Object(entries));
            }
            self.expect(b',')?;
        }
    }

    fn array(&mut self, depth: usize) -> Result<Node, NotJson> {
        self.expect(b'[')?;
        let mut items = Vec::new();
        if self.next_is(b']') {
            return Ok(Node::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.next_is(b']') {
                return Ok(Node::Array(items));
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<String, NotJson> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let plain = rest
                .find(|c: char| c == '"' || c == '\\' || c < ' ')
                .filter(|end| rest.as_bytes()[*end] >= b' ')
                .ok_or(NotJson)?;
            out.push_str(&rest[..plain]);
            self.at += plain + 1;
            if rest.as_bytes()[plain] == b'"' {
                return Ok(out);
            }
            out.push(self.escaped()?);
        }
    }

    fn escaped(&mut self) -> Result<char, NotJson> {
        let letter = self.peek().ok_or(NotJson)?;
        self.at += 1;
        Ok(match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let first = self.hex4()?;
                let code = match first {
                    0xd800..0xdc00 if self.text[self.at..].starts_with("\\u") => {
                        self.at += 2;
                        let second = self.hex4()?;
                        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
                        0x10000 + ((first - 0xd800) << 10) + low.ok_or(NotJson)?
                    }
                    other => other,
                };
                char::from_u32(code).ok_or(NotJson)?
            }
            _ => return Err(NotJson),
        })
    }

    fn hex4(&mut self) -> Result<u32, NotJson> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).ok_or(NotJson)?;
        self.at += 4;
        digits.iter().try_fold(0, |sum, digit| {
            let value = char::from(*digit).to_digit(16).ok_or(NotJson)?;
            Ok(sum * 16 + value)
        })
    }

    fn number(&mut self) -> Result<Node, NotJson> {
        let rest = &self.text[self.at..];
        let end = rest
            .find(|c: char| !matches!(c, '0'..='9' | '+' | '-' | '.' | 'e' | 'E'))
            .unwrap_or(rest.len());
        let digits = &rest[..end];
        let whole = digits.strip_prefix('-').unwrap_or(digits);
        let begins_well = match whole.as_bytes() {
            [b'0', next, ..] => !next.is_ascii_digit(),
            [first, ..] => first.is_ascii_digit(),
            [] => false,
        };
        let ends_well = digits.ends_with(|c: char| c.is_ascii_digit());
        if !begins_well || !ends_well || digits.contains(".e") || digits.contains(".E") {
            return Err(NotJson);
        }
        digits.parse::<f64>().map_err(|_| NotJson)?;
        self.at += end;
        Ok(Node::Number(digits.into()))
    }

    fn word(&mut self, word: &str, node: Node) -> Result<Node, NotJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(NotJson);
        }
        self.at += word.len();
        Ok(node)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Whether the next letter that is not space is `letter`, which is then taken.
    fn next_is(&mut self, letter: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(letter);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, letter: u8) -> Result<(), NotJson> {
        if self.peek() != Some(letter) {
            return Err(NotJson);
        }
        self.at += 1;
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn positions_and_escapes_are_kept() {
        let value = read(r#" {"a": ["\u00e9\ud83d\ude00\n", -1.5e3]} "#).expect("JSON");
        assert_eq!((value.start, value.end), (1, 40));
        let Node::Object(entries) = value.node else { panic!("an object") };
        let Node::Array(items) = &entries[0].1.node else { panic!("an array") };
        assert_eq!(items[0].node, Node::String("é😀\n".into()));
        assert_eq!(items[1].node, Node::Number("-1.5e3".into()));
    }

    #[test]
    fn what_is_not_json_or_too_much_of_it_is_refused() {
        let deep = "[".repeat(40) + &"]".repeat(40);
        let long = format!("\"{}\"", "x".repeat(DOCUMENT_BYTES_MAX));
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "{a:1}",
            "01",
            "1.",
            "-",
            "+1",
            ".5",
            "1e",
            "tru",
            "\"\n\"",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\\u12",
            "1 2",
            "nulll",
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            &deep,
            &long,
        ] {
            assert_eq!(read(text), Err(NotJson), "{text:.40}");
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_general_reader(text in r#"[\[\]{}",:a-c0-9.eE+\- ntrulfs\\]{0,24}"#) {
            if let Ok(value) = read(&text) {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
                prop_assert!(value.end <= text.len());
            }
        }

        #[test]
        fn reads_all_that_the_general_writer_prints(text in ".*", number in any::<i64>()) {
            let printed = serde_json::json!({ "k": [text.clone(), number, true] }).to_string();
            let Node::Object(entries) = read(&printed).expect("printed JSON").node else {
                return Err(TestCaseError::fail("an object"));
            };
            let Node::Array(items) = &entries[0].1.node else {
                return Err(TestCaseError::fail("an array"));
            };
            prop_assert_eq!(&items[0].node, &Node::String(text));
            prop_assert_eq!(&items[1].node, &Node::Number(number.to_string()));
        }
    }
}
