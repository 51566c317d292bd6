//! Shapes as data: what a service model says about each of its shapes.
//!
//! `codegen` writes these as statics, one line a shape or member; readers, writers and
//! [`crate::validate`] walk them. There is one of each for all services, so a new service adds
//! tables and no code that speaks a protocol.

use std::sync::{LazyLock, OnceLock};

use regex::Regex;

/// One shape of a service model.
#[derive(Debug)]
pub struct Schema {
    /// The shape's name in the model.
    pub name: &'static str,
    pub kind: Kind,
    /// Values are kept out of logs and messages.
    pub sensitive: bool,
    /// The least length of a string or blob, value of a number, or size of a list or map.
    pub min: Option<i64>,
    pub max: Option<i64>,
    /// A regular expression that a whole string must match.
    pub pattern: Option<&'static Pattern>,
    /// The only strings allowed, when there are any.
    pub values: &'static [&'static str],
    /// The shape's own element name, where XML needs one (`locationName`).
    pub xml_name: &'static str,
    pub xml_namespace: Option<Namespace>,
    pub timestamp_format: Option<TimestampFormat>,
}

#[derive(Debug)]
pub enum Kind {
    String,
    Integer,
    Long,
    Float,
    Double,
    Boolean,
    Timestamp,
    Blob,
    /// A blob that is not held in memory: an object's bytes.
    Stream,
    List(List),
    Map(Map),
    Structure(Structure),
}

#[derive(Debug)]
pub struct Structure {
    pub members: &'static [Member],
    /// The member that is the whole HTTP body, in REST protocols.
    pub payload: Option<&'static str>,
    /// Exactly one member is set.
    pub union: bool,
}

#[derive(Debug)]
pub struct List {
    pub item: &'static Schema,
    /// An item's name where the model gives one; otherwise protocols say `member`.
    pub item_name: &'static str,
    pub flattened: bool,
}

#[derive(Debug)]
pub struct Map {
    pub key: &'static Schema,
    pub key_name: &'static str,
    pub value: &'static Schema,
    pub value_name: &'static str,
    pub flattened: bool,
}

/// A structure's member. Empty names mean that the model gives none.
#[derive(Debug)]
pub struct Member {
    /// The name in the model; also the key in a [`crate::Value`].
    pub name: &'static str,
    pub schema: &'static Schema,
    /// `locationName`: the name on the wire, or the header's or query parameter's.
    pub wire_name: &'static str,
    /// `queryName`: what EC2 calls an input member.
    pub query_name: &'static str,
    pub location: Location,
    pub required: bool,
    pub flattened: bool,
    pub xml_attribute: bool,
    pub xml_namespace: Option<Namespace>,
    pub timestamp_format: Option<TimestampFormat>,
    /// A client's token: the same token and parameters get the same answer.
    pub idempotency_token: bool,
}

/// Where a member travels in REST protocols; the others put everything in the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Location {
    Body,
    Header,
    /// A map whose keys follow a prefix, the member's wire name.
    HeaderPrefix,
    Uri,
    QueryString,
    StatusCode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Namespace {
    pub uri: &'static str,
    pub prefix: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimestampFormat {
    Iso8601,
    HttpDate,
    EpochSeconds,
}

/// A pattern of the model: Java's dialect, compiled at first use.
#[derive(Debug)]
pub struct Pattern {
    pub text: &'static str,
    compiled: OnceLock<Option<Compiled>>,
}

#[derive(Debug)]
struct Compiled {
    regex: Regex,
    /// Two letters that may not follow each other: what a look-ahead for one letter says
    /// (`-(?!-)` in an account's alias), which our engine does not have.
    forbidden: Vec<String>,
}

impl Pattern {
    pub const fn new(text: &'static str) -> Self {
        Self { text, compiled: OnceLock::new() }
    }

    /// Whether the whole of `text` matches. A pattern that cannot be compiled (look-around of
    /// more than a letter) matches everything: refusing what AWS takes would be worse.
    /// [`Self::compiles`] lets a service's test name those.
    pub fn matches(&self, text: &str) -> bool {
        self.compiled().is_none_or(|Compiled { regex, forbidden }| {
            regex.is_match(text) && !forbidden.iter().any(|pair| text.contains(pair))
        })
    }

    pub fn compiles(&self) -> bool {
        self.compiled().is_some()
    }

    fn compiled(&self) -> Option<&Compiled> {
        let compile = || {
            let (text, forbidden) = without_look_ahead(self.text);
            Some(Compiled { regex: Regex::new(&whole(&text)).ok()?, forbidden })
        };
        self.compiled.get_or_init(compile).as_ref()
    }
}

/// A pattern without its `a(?!b)`, and the pairs that those forbid.
fn without_look_ahead(java: &str) -> (String, Vec<String>) {
    static LOOK_AHEAD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"([\w-])\(\?!([\w-])\)").expect("the pattern is valid"));
    let forbidden =
        LOOK_AHEAD.captures_iter(java).map(|found| format!("{}{}", &found[1], &found[2]));
    let forbidden = forbidden.collect();
    (LOOK_AHEAD.replace_all(java, "$1").into_owned(), forbidden)
}

/// Anchored at both ends, and with Java's meaning of `\w`, `\d` and `\s`, which is ASCII only.
fn whole(java: &str) -> String {
    // Models mean all of Unicode by this, though `\u` takes four digits in either dialect.
    let java = java.replace(r"\u10000-\u10FFFF", r"\u{10000}-\u{10FFFF}");
    let mut out = String::from(r"\A(?:");
    let mut letters = java.chars();
    let mut in_class = false;
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => {
                let escaped = letters.next().unwrap_or('\\');
                let set = match escaped.to_ascii_lowercase() {
                    'w' => "a-zA-Z0-9_",
                    'd' => "0-9",
                    's' => r" \t\n\x0B\x0C\r",
                    _ => "",
                };
                match (set, escaped.is_ascii_uppercase(), in_class) {
                    ("", ..) => out.extend(['\\', escaped]),
                    (set, false, true) => out.push_str(set),
                    (set, false, false) => out.push_str(&format!("[{set}]")),
                    (set, true, _) => out.push_str(&format!("[^{set}]")),
                }
            }
            '[' => {
                in_class = true;
                out.push('[');
            }
            ']' => {
                in_class = false;
                out.push(']');
            }
            // Doubled, these are set operators to our engine and plain letters to Java's.
            '-' | '~' if in_class && out.ends_with(letter) => out.extend(['\\', letter]),
            _ => out.push(letter),
        }
    }
    out.push_str(r")\z");
    out
}

// The scalars about which a model says nothing more.
pub static STRING: Schema = Schema::string("String");
pub static INTEGER: Schema = Schema::integer("Integer");
pub static LONG: Schema = Schema::long("Long");
pub static FLOAT: Schema = Schema::float("Float");
pub static DOUBLE: Schema = Schema::double("Double");
pub static BOOLEAN: Schema = Schema::boolean("Boolean");
pub static TIMESTAMP: Schema = Schema::timestamp("Timestamp");
pub static BLOB: Schema = Schema::blob("Blob");
pub static STREAM: Schema = Schema::stream("Stream");
/// The input of an operation that takes none.
pub static NOTHING: Schema = Schema::structure("Nothing", &[]);

impl Schema {
    const fn new(name: &'static str, kind: Kind) -> Self {
        Self {
            name,
            kind,
            sensitive: false,
            min: None,
            max: None,
            pattern: None,
            values: &[],
            xml_name: "",
            xml_namespace: None,
            timestamp_format: None,
        }
    }

    pub const fn string(name: &'static str) -> Self {
        Self::new(name, Kind::String)
    }

    pub const fn integer(name: &'static str) -> Self {
        Self::new(name, Kind::Integer)
    }

    pub const fn long(name: &'static str) -> Self {
        Self::new(name, Kind::Long)
    }

    pub const fn float(name: &'static str) -> Self {
        Self::new(name, Kind::Float)
    }

    pub const fn double(name: &'static str) -> Self {
        Self::new(name, Kind::Double)
    }

    pub const fn boolean(name: &'static str) -> Self {
        Self::new(name, Kind::Boolean)
    }

    pub const fn timestamp(name: &'static str) -> Self {
        Self::new(name, Kind::Timestamp)
    }

    pub const fn blob(name: &'static str) -> Self {
        Self::new(name, Kind::Blob)
    }

    pub const fn stream(name: &'static str) -> Self {
        Self::new(name, Kind::Stream)
    }

    pub const fn list(name: &'static str, item: &'static Schema, item_name: &'static str) -> Self {
        Self::new(name, Kind::List(List { item, item_name, flattened: false }))
    }

    pub const fn flat_list(
        name: &'static str,
        item: &'static Schema,
        item_name: &'static str,
    ) -> Self {
        Self::new(name, Kind::List(List { item, item_name, flattened: true }))
    }

    pub const fn map(
        name: &'static str,
        (key, key_name): (&'static Schema, &'static str),
        (value, value_name): (&'static Schema, &'static str),
        flattened: bool,
    ) -> Self {
        Self::new(name, Kind::Map(Map { key, key_name, value, value_name, flattened }))
    }

    pub const fn structure(name: &'static str, members: &'static [Member]) -> Self {
        Self::new(name, Kind::Structure(Structure { members, payload: None, union: false }))
    }

    pub const fn union(name: &'static str, members: &'static [Member]) -> Self {
        Self::new(name, Kind::Structure(Structure { members, payload: None, union: true }))
    }

    pub const fn with_payload(
        name: &'static str,
        members: &'static [Member],
        payload: &'static str,
    ) -> Self {
        let payload = Some(payload);
        Self::new(name, Kind::Structure(Structure { members, payload, union: false }))
    }

    pub const fn min(mut self, min: i64) -> Self {
        self.min = Some(min);
        self
    }

    pub const fn max(mut self, max: i64) -> Self {
        self.max = Some(max);
        self
    }

    pub const fn pattern(mut self, pattern: &'static Pattern) -> Self {
        self.pattern = Some(pattern);
        self
    }

    pub const fn values(mut self, values: &'static [&'static str]) -> Self {
        self.values = values;
        self
    }

    pub const fn sensitive(mut self) -> Self {
        self.sensitive = true;
        self
    }

    pub const fn xml_name(mut self, name: &'static str) -> Self {
        self.xml_name = name;
        self
    }

    pub const fn xmlns(mut self, uri: &'static str, prefix: &'static str) -> Self {
        self.xml_namespace = Some(Namespace { uri, prefix });
        self
    }

    pub const fn format(mut self, format: TimestampFormat) -> Self {
        self.timestamp_format = Some(format);
        self
    }

    /// The members of a structure; none for any other shape.
    pub fn members(&self) -> &'static [Member] {
        match &self.kind {
            Kind::Structure(structure) => structure.members,
            _ => &[],
        }
    }

    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members().iter().find(|member| member.name == name)
    }

    /// The member that is the whole HTTP body, in REST protocols.
    pub fn payload(&self) -> Option<&'static Member> {
        match &self.kind {
            Kind::Structure(structure) => self.member(structure.payload?),
            _ => None,
        }
    }

    /// Whether values of this shape are, or are lists of, secrets.
    pub fn is_sensitive(&self) -> bool {
        self.sensitive
            || match &self.kind {
                Kind::List(list) => list.item.is_sensitive(),
                Kind::Map(map) => map.key.is_sensitive() || map.value.is_sensitive(),
                _ => false,
            }
    }
}

impl Member {
    pub const fn new(name: &'static str, schema: &'static Schema) -> Self {
        Self {
            name,
            schema,
            wire_name: "",
            query_name: "",
            location: Location::Body,
            required: false,
            flattened: false,
            xml_attribute: false,
            xml_namespace: None,
            timestamp_format: None,
            idempotency_token: false,
        }
    }

    pub const fn wire(mut self, name: &'static str) -> Self {
        self.wire_name = name;
        self
    }

    pub const fn query(mut self, name: &'static str) -> Self {
        self.query_name = name;
        self
    }

    pub const fn at(mut self, location: Location) -> Self {
        self.location = location;
        self
    }

    pub const fn required(mut self) -> Self {
        self.required = true;
        self
    }

    pub const fn flattened(mut self) -> Self {
        self.flattened = true;
        self
    }

    pub const fn attribute(mut self) -> Self {
        self.xml_attribute = true;
        self
    }

    pub const fn xmlns(mut self, uri: &'static str, prefix: &'static str) -> Self {
        self.xml_namespace = Some(Namespace { uri, prefix });
        self
    }

    pub const fn format(mut self, format: TimestampFormat) -> Self {
        self.timestamp_format = Some(format);
        self
    }

    pub const fn token(mut self) -> Self {
        self.idempotency_token = true;
        self
    }

    /// The name on the wire where a protocol has no rule of its own.
    pub fn wire_or_name(&self) -> &'static str {
        if self.wire_name.is_empty() { self.name } else { self.wire_name }
    }

    /// Whether a list or map stands without an element around it.
    pub fn is_flat(&self) -> bool {
        self.flattened
            || match &self.schema.kind {
                Kind::List(list) => list.flattened,
                Kind::Map(map) => map.flattened,
                _ => false,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_covers_the_whole_string_and_only_ascii_words() {
        let check = |pattern, text, expected| {
            assert_eq!(Pattern::new(pattern).matches(text), expected, "{pattern} {text:?}");
        };
        check(r"[\w+=,.@-]+", "jane.doe@x", true);
        check(r"[\w+=,.@-]+", "jane doe", false);
        check(r"[\w+=,.@-]+", "하늘", false);
        check(r"[\w+=,.@-]+", "jane\n", false);
        check(r"\d{12}", "١٢٣٤٥٦٧٨٩٠١٢", false);
        check(r"a|b", "ab", false);
        check(r"[\s\S]*", "anything\nat all", true);
        check(r"[\u0009\u000A\u000D\u0020-\u00FF]+", "line\nline", true);
        check(r"[\u00A0-\uD7FF\u10000-\u10FFFF]+", "하늘😀", true);
        check(r"[\u00A0-\uD7FF\u10000-\u10FFFF]+", "0", false);
        check(r"[\p{L}\p{Z}\p{N}_.:/=+\-@]*", "하늘 1", true);
        check(r"[a+--z]+", "-", true);
        let alias = "^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$";
        check(alias, "my-own-alias", true);
        check(alias, "my--alias", false);
        check(alias, "alias-", false);
    }
}
