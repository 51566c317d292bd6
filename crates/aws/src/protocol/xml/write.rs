//! Values as XML elements, for every protocol that answers in XML.

use std::borrow::Cow;

use super::super::scalar;
use crate::schema::{Kind, List, Location, Map, Member, Namespace, Schema, TimestampFormat};
use crate::value::Value;

/// Writes elements into text.
#[derive(Default)]
pub(in crate::protocol) struct Writer {
    text: String,
}

impl Writer {
    pub(in crate::protocol) fn open(&mut self, name: &str) {
        self.start(name, "");
    }

    pub(in crate::protocol) fn open_in(&mut self, name: &str, namespace: &str) {
        if namespace.is_empty() {
            return self.open(name);
        }
        self.start(name, &[" xmlns=\"", &escape(namespace), "\""].concat());
    }

    fn start(&mut self, name: &str, attributes: &str) {
        self.text.push('<');
        self.text.push_str(name);
        self.text.push_str(attributes);
        self.text.push('>');
    }

    pub(in crate::protocol) fn close(&mut self, name: &str) {
        self.text.push_str("</");
        // Attributes stand in the start tag only.
        self.text.push_str(name);
        self.text.push('>');
    }

    /// An element that holds only text.
    pub(in crate::protocol) fn element(&mut self, name: &str, text: &str) {
        self.open(name);
        self.text.push_str(&escape(text));
        self.close(name);
    }

    pub(in crate::protocol) fn finish(self) -> String {
        self.text
    }

    /// The members of a structure that travel in the body, without an element around them.
    pub(in crate::protocol) fn members(&mut self, schema: &Schema, value: &Value) {
        for member in schema.members() {
            let inside = member.location == Location::Body && !member.xml_attribute;
            if let Some(value) = value.get(member.name).filter(|_| inside) {
                self.member(member, value);
            }
        }
    }

    fn member(&mut self, member: &Member, value: &Value) {
        let name = member.wire_or_name();
        let format = member.timestamp_format.or(member.schema.timestamp_format);
        match (&member.schema.kind, value) {
            (Kind::List(list), Value::List(items)) if member.is_flat() => {
                items.iter().for_each(|item| self.value(name, list.item, item, None, None));
            }
            (Kind::Map(map), Value::Map(entries)) if member.is_flat() => {
                self.entries(name, map, entries);
            }
            _ => self.value(name, member.schema, value, format, member.xml_namespace),
        }
    }

    /// A value in an element of its own.
    pub(in crate::protocol) fn value(
        &mut self,
        name: &str,
        schema: &Schema,
        value: &Value,
        format: Option<TimestampFormat>,
        namespace: Option<Namespace>,
    ) {
        let mut attributes = namespace.or(schema.xml_namespace).map_or(String::new(), declared);
        attributes.push_str(&attributes_of(schema, value));
        self.start(name, &attributes);
        match (&schema.kind, value) {
            (Kind::Structure(_), value) => self.members(schema, value),
            (Kind::List(list), Value::List(items)) => self.items(list, items),
            (Kind::Map(map), Value::Map(entries)) => self.entries("entry", map, entries),
            _ => {
                let format = format.or(schema.timestamp_format).unwrap_or(TimestampFormat::Iso8601);
                let text = scalar::print(value, format).unwrap_or_default();
                self.text.push_str(&escape(&text));
            }
        }
        self.close(name);
    }

    fn items(&mut self, list: &List, items: &[Value]) {
        let name = if list.item_name.is_empty() { "member" } else { list.item_name };
        items.iter().for_each(|item| self.value(name, list.item, item, None, None));
    }

    fn entries(&mut self, name: &str, map: &Map, entries: &[(String, Value)]) {
        for (key, value) in entries {
            self.open(name);
            let key_name = if map.key_name.is_empty() { "key" } else { map.key_name };
            self.element(key_name, key);
            let value_name = if map.value_name.is_empty() { "value" } else { map.value_name };
            self.value(value_name, map.value, value, None, None);
            self.close(name);
        }
    }
}

fn declared(namespace: Namespace) -> String {
    let Namespace { uri, prefix } = namespace;
    if prefix.is_empty() {
        format!(" xmlns=\"{}\"", escape(uri))
    } else {
        format!(" xmlns:{prefix}=\"{}\"", escape(uri))
    }
}

fn attributes_of(schema: &Schema, value: &Value) -> String {
    schema
        .members()
        .iter()
        .filter(|member| member.xml_attribute)
        .filter_map(|member| {
            let text = scalar::print(value.get(member.name)?, TimestampFormat::Iso8601)?;
            Some(format!(" {}=\"{}\"", member.wire_or_name(), escape(&text)))
        })
        .collect()
}

/// Text that XML 1.0 cannot hold at all (control characters) becomes U+FFFD; clients' parsers
/// would refuse the whole answer otherwise.
pub(in crate::protocol) fn escape(text: &str) -> Cow<'_, str> {
    // Nearly all text is names, ARNs and dates: nothing in it to escape.
    let plain = |b: u8| matches!(b, b' '..=b'~') && !matches!(b, b'&' | b'<' | b'>' | b'"');
    if text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\r' => out.push_str("&#xD;"),
            '\n' => out.push_str("&#xA;"),
            '\t' => out.push('\t'),
            '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            '\u{85}' => out.push_str("&#x85;"),
            '\u{2028}' => out.push_str("&#x2028;"),
            other => out.push(other),
        }
    }
    Cow::Owned(out)
}
