//! JSON 1.0 and 1.1: bodies read in one pass by schema, without a tree of JSON in between.
//!
//! Members that the model does not have are ignored, as AWS does. A member that has the wrong
//! type, or comes twice, is a `SerializationException`.

use std::cell::{Cell, RefCell};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};

use super::limits::{DEPTH_MAX, VALUES_MAX};
use super::scalar;
use crate::schema::{Kind, Map, Member, Schema, TimestampFormat};
use crate::service::{Model, Operation};
use crate::{Error, Timestamp, Value};

/// The operation that `X-Amz-Target: PREFIX.NAME` names.
pub(super) fn operation(model: &Model, target: &str) -> Result<&'static Operation, Error> {
    // AWS says nothing beside the code.
    let unknown = || Error::client(400, "UnknownOperationException", "");
    let (prefix, name) = target.rsplit_once('.').ok_or_else(unknown)?;
    if prefix != model.target_prefix {
        return Err(unknown());
    }
    match model.operation(name) {
        Some(operation) => Ok(operation),
        None if model.is_not_served(name) => Err(Error::not_served(model.signing_name, name)),
        None => Err(unknown()),
    }
}

/// The input that a body holds; nothing at all is an empty one.
pub(super) fn read(schema: &Schema, body: &[u8]) -> Result<Value, Error> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Value::Structure(Vec::new()));
    }
    let reading = Reading { left: Cell::new(VALUES_MAX), sentence: RefCell::default() };
    let mut deserializer = serde_json::Deserializer::from_slice(body);
    let seed = Seed { schema, format: None, depth: 0, reading: &reading };
    let read = seed.deserialize(&mut deserializer).and_then(|value| {
        deserializer.end()?;
        Ok(value)
    });
    match read {
        Ok(value) => Ok(value.unwrap_or(Value::Structure(Vec::new()))),
        Err(error) => {
            let said = reading.sentence.take();
            let message = said.unwrap_or_else(|| format!("The body is not valid JSON: {error}"));
            Err(Error::client(400, "SerializationException", message))
        }
    }
}

struct Reading {
    /// How many more values may come.
    left: Cell<usize>,
    /// What went wrong, in AWS's words; the parser's own errors carry positions.
    sentence: RefCell<Option<String>>,
}

/// Reads one value; `None` for null, which AWS takes as absent.
struct Seed<'a> {
    schema: &'a Schema,
    format: Option<TimestampFormat>,
    depth: usize,
    reading: &'a Reading,
}

impl Seed<'_> {
    fn within<'a>(&'a self, schema: &'a Schema) -> Seed<'a> {
        Seed { schema, format: None, depth: self.depth + 1, reading: self.reading }
    }

    fn fail<E: serde::de::Error>(&self, sentence: impl Into<String>) -> E {
        *self.reading.sentence.borrow_mut() = Some(sentence.into());
        E::custom("refused")
    }

    fn cannot<E: serde::de::Error>(&self, found: &str) -> E {
        let article = if kind_name(&self.schema.kind).starts_with("I") { "an" } else { "a" };
        let kind = kind_name(&self.schema.kind);
        match self.schema.kind {
            Kind::Structure(_) | Kind::Map(_) => self.fail("Expected a structure or map or null"),
            Kind::List(_) => self.fail("Expected list or null"),
            _ => self.fail(format!("{found} can not be converted to {article} {kind}")),
        }
    }

    fn number<E: serde::de::Error>(&self, number: f64, whole: Option<i64>) -> Result<Value, E> {
        match self.schema.kind {
            Kind::Integer | Kind::Long => {
                let whole = whole.or_else(|| whole_number(number));
                let fits = |whole: &i64| {
                    matches!(self.schema.kind, Kind::Long) || i32::try_from(*whole).is_ok()
                };
                match whole.filter(fits) {
                    Some(whole) => Ok(Value::Integer(whole)),
                    None => Err(self.cannot("NUMBER_VALUE")),
                }
            }
            Kind::Float | Kind::Double => Ok(Value::Double(number)),
            Kind::Timestamp => match Timestamp::from_epoch_secs(number) {
                Some(at) => Ok(Value::Timestamp(at)),
                None => Err(self.cannot("NUMBER_VALUE")),
            },
            _ => Err(self.cannot("NUMBER_VALUE")),
        }
    }
}

fn kind_name(kind: &Kind) -> &'static str {
    match kind {
        Kind::String => "String",
        Kind::Integer => "Integer",
        Kind::Long => "Long",
        Kind::Float => "Float",
        Kind::Double => "Double",
        Kind::Boolean => "Boolean",
        Kind::Timestamp => "Timestamp",
        Kind::Blob | Kind::Stream => "Blob",
        Kind::List(_) => "List",
        Kind::Map(_) => "Map",
        Kind::Structure(_) => "Structure",
    }
}

/// `1.0` and `1e3` are whole to AWS.
fn whole_number(number: f64) -> Option<i64> {
    // 2^53: beyond it a double no longer holds every integer.
    let whole = number.fract() == 0.0 && number.abs() <= 9_007_199_254_740_992.0;
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
    whole.then_some(number as i64)
}

impl<'de> DeserializeSeed<'de> for Seed<'_> {
    type Value = Option<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<Value>, D::Error> {
        let Some(left) = self.reading.left.get().checked_sub(1) else {
            return Err(self.fail(format!("The body holds more than {VALUES_MAX} values")));
        };
        self.reading.left.set(left);
        if self.depth > DEPTH_MAX {
            return Err(self.fail(format!("The body is more than {DEPTH_MAX} levels deep")));
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Seed<'_> {
    type Value = Option<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Option<Value>, E> {
        Ok(None)
    }

    fn visit_bool<E: serde::de::Error>(self, truth: bool) -> Result<Option<Value>, E> {
        match self.schema.kind {
            Kind::Boolean => Ok(Some(Value::Boolean(truth))),
            _ => Err(self.cannot(if truth { "TRUE_VALUE" } else { "FALSE_VALUE" })),
        }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Option<Value>, E> {
        #[expect(clippy::cast_precision_loss, reason = "whole numbers keep their exact form")]
        self.number(number as f64, Some(number)).map(Some)
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Option<Value>, E> {
        #[expect(clippy::cast_precision_loss, reason = "whole numbers keep their exact form")]
        self.number(number as f64, i64::try_from(number).ok()).map(Some)
    }

    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Option<Value>, E> {
        self.number(number, None).map(Some)
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<Value>, E> {
        match self.schema.kind {
            Kind::String => Ok(Some(Value::String(text.into()))),
            // Numbers as strings would be too lenient; only those that JSON cannot write.
            Kind::Float | Kind::Double if matches!(text, "NaN" | "Infinity" | "-Infinity") => {
                Ok(scalar::read(self.schema, text).ok())
            }
            Kind::Timestamp | Kind::Blob => match scalar::read(self.schema, text) {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(self.cannot("STRING_VALUE")),
            },
            _ => Err(self.cannot("STRING_VALUE")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut found: A) -> Result<Option<Value>, A::Error> {
        let Kind::List(list) = &self.schema.kind else {
            return Err(self.fail("Start of list found where not expected"));
        };
        let mut items = Vec::new();
        while let Some(item) = found.next_element_seed(self.within(list.item))? {
            // A null in a list has no place in a Value; AWS's lists are dense.
            items.extend(item);
        }
        Ok(Some(Value::List(items)))
    }

    fn visit_map<A: MapAccess<'de>>(self, found: A) -> Result<Option<Value>, A::Error> {
        match &self.schema.kind {
            Kind::Structure(_) => self.structure(found).map(Some),
            Kind::Map(map) => self.map(map, found).map(Some),
            _ => Err(self.fail("Start of structure or map found where not expected.")),
        }
    }
}

impl Seed<'_> {
    fn structure<'de, A: MapAccess<'de>>(&self, mut found: A) -> Result<Value, A::Error> {
        let mut members: Vec<(&'static str, Value)> = Vec::new();
        while let Some(key) = found.next_key::<String>()? {
            let known = |member: &&Member| member.wire_or_name() == key;
            let Some(member) = self.schema.members().iter().find(known) else {
                found.next_value::<IgnoredAny>()?;
                continue;
            };
            if members.iter().any(|(name, _)| *name == member.name) {
                return Err(self.fail(format!("The member {key} is given more than once")));
            }
            let mut seed = self.within(member.schema);
            seed.format = member.timestamp_format;
            if let Some(value) = found.next_value_seed(seed)? {
                members.push((member.name, value));
            }
        }
        Ok(Value::Structure(members))
    }

    fn map<'de, A: MapAccess<'de>>(&self, map: &Map, mut found: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        let mut keys = std::collections::HashSet::new();
        while let Some(key) = found.next_key::<String>()? {
            if !keys.insert(key.clone()) {
                return Err(self.fail(format!("The key {key} is given more than once")));
            }
            if let Some(value) = found.next_value_seed(self.within(map.value))? {
                entries.push((key, value));
            }
        }
        Ok(Value::Map(entries))
    }
}

/// The JSON of an answer: `{}` for an operation that answers nothing.
pub(super) fn answer(operation: &Operation, output: &Value) -> Vec<u8> {
    let Some(schema) = operation.output else { return b"{}".to_vec() };
    write(schema, output)
}

pub(super) fn write(schema: &Schema, value: &Value) -> Vec<u8> {
    let typed = Typed { schema, value, format: None };
    serde_json::to_vec(&typed).expect("maps with string keys always have a JSON form")
}

struct Typed<'a> {
    schema: &'a Schema,
    value: &'a Value,
    format: Option<TimestampFormat>,
}

impl Serialize for Typed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let within = |schema, value| Typed { schema, value, format: None };
        match (&self.schema.kind, self.value) {
            (Kind::Structure(_), value) => {
                let mut map = serializer.serialize_map(None)?;
                for member in self.schema.members() {
                    let Some(value) = value.get(member.name) else { continue };
                    let format = member.timestamp_format;
                    let value = Typed { schema: member.schema, value, format };
                    map.serialize_entry(member.wire_or_name(), &value)?;
                }
                map.end()
            }
            (Kind::List(list), Value::List(items)) => {
                let mut all = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    all.serialize_element(&within(list.item, item))?;
                }
                all.end()
            }
            (Kind::Map(map), Value::Map(entries)) => {
                let mut all = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    all.serialize_entry(key, &within(map.value, value))?;
                }
                all.end()
            }
            (_, Value::Integer(number)) => serializer.serialize_i64(*number),
            (_, Value::Boolean(truth)) => serializer.serialize_bool(*truth),
            (_, Value::String(text)) => serializer.serialize_str(text),
            (_, Value::Blob(bytes)) => serializer.serialize_str(&STANDARD.encode(bytes)),
            (_, Value::Double(number)) if number.is_finite() => serializer.serialize_f64(*number),
            (_, Value::Double(number)) => serializer.serialize_str(&scalar::print_double(*number)),
            (_, Value::Timestamp(at)) => self.timestamp(*at, serializer),
            _ => serializer.serialize_unit(),
        }
    }
}

impl Typed<'_> {
    fn timestamp<S: Serializer>(&self, at: Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        let format = self.format.or(self.schema.timestamp_format);
        match format.unwrap_or(TimestampFormat::EpochSeconds) {
            TimestampFormat::EpochSeconds if at.as_millis() % 1000 == 0 => {
                serializer.serialize_i64(at.as_secs())
            }
            #[expect(clippy::cast_precision_loss, reason = "milliseconds to year 9999 fit in 2^53")]
            TimestampFormat::EpochSeconds => {
                serializer.serialize_f64(at.as_millis() as f64 / 1000.0)
            }
            other => serializer.serialize_str(&scalar::print_timestamp(at, other)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{INTEGER, Location, STRING, TIMESTAMP};

    static STRINGS: Schema = Schema::list("Strings", &STRING, "");
    static TREE: Schema = Schema::structure(
        "Tree",
        &[
            Member::new("Name", &STRING),
            Member::new("Size", &INTEGER),
            Member::new("At", &TIMESTAMP),
            Member::new("Words", &STRINGS),
            Member::new("Again", &TREE).at(Location::Body),
        ],
    );

    fn check(body: &str, expected: Result<Value, &str>) {
        let read = super::read(&TREE, body.as_bytes()).map_err(|error| {
            assert_eq!((error.status, error.code.as_ref()), (400, "SerializationException"));
            error.message
        });
        assert_eq!(read, expected.map_err(str::to_owned), "{body:.60}");
    }

    #[test]
    fn unknown_members_and_nulls_are_as_if_absent() {
        let name = || Ok(Value::Structure(vec![("Name", Value::String("a".into()))]));
        check(r#"{"Name":"a","Other":[1,{"x":null}],"Size":null}"#, name());
        check("", Ok(Value::Structure(Vec::new())));
        check("null", Ok(Value::Structure(Vec::new())));
        check(r#"{"Size":1e3}"#, Ok(Value::Structure(vec![("Size", Value::Integer(1000))])));
    }

    #[test]
    fn what_has_another_type_is_refused_in_aws_s_words() {
        check(r#"{"Name":1}"#, Err("NUMBER_VALUE can not be converted to a String"));
        check(r#"{"Name":true}"#, Err("TRUE_VALUE can not be converted to a String"));
        check(r#"{"Name":{}}"#, Err("Start of structure or map found where not expected."));
        check(r#"{"Name":[]}"#, Err("Start of list found where not expected"));
        check(r#"{"Size":"1"}"#, Err("STRING_VALUE can not be converted to an Integer"));
        check(r#"{"Size":1.5}"#, Err("NUMBER_VALUE can not be converted to an Integer"));
        check(r#"{"Size":2147483648}"#, Err("NUMBER_VALUE can not be converted to an Integer"));
        check(r#"{"At":"soon"}"#, Err("STRING_VALUE can not be converted to a Timestamp"));
        check(r#"{"Words":"a"}"#, Err("Expected list or null"));
        check(r#"{"Again":"a"}"#, Err("Expected a structure or map or null"));
    }

    #[test]
    fn what_is_given_twice_or_too_deep_or_is_no_json_is_refused() {
        check(r#"{"Name":"a","Name":"a"}"#, Err("The member Name is given more than once"));
        let deep = |n: usize| r#"{"Again":"#.repeat(n) + "{}" + &"}".repeat(n);
        assert!(super::read(&TREE, deep(DEPTH_MAX).as_bytes()).is_ok());
        check(&deep(DEPTH_MAX + 1), Err("The body is more than 64 levels deep"));
        for body in ["{", "{}{}", "{'Name':1}", "\u{feff}{}", "{\"Name\":\"\\ud800\"}"] {
            let error = super::read(&TREE, body.as_bytes()).expect_err(body);
            assert!(error.message.starts_with("The body is not valid JSON"), "{body} {error}");
        }
    }
}
