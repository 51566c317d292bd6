//! A model with every kind of member, and values of it, for tests that go round and for
//! fuzzing: nothing here is a service's.

#![cfg_attr(fuzzing, allow(dead_code, reason = "the other half is for tests"))]

use serde_json::json;

use super::dynamic::Suite;
use crate::schema::{Kind, Location, Schema};
use crate::service::{Model, Protocol};
use crate::value::Bytes;
use crate::{Body, Random, Timestamp, Value};

/// One operation, `Do`, whose input and output hold everything that the protocol can carry.
pub(super) fn model(protocol: Protocol) -> &'static Model {
    let (name, version) = match protocol {
        Protocol::Query => ("query", ""),
        Protocol::Ec2 => ("ec2", ""),
        Protocol::RestXml => ("rest-xml", ""),
        Protocol::Json10 => ("json", "1.0"),
        Protocol::Json11 => ("json", "1.1"),
    };
    let shape = if protocol == Protocol::RestXml { "Bound" } else { "Everything" };
    let suite = Suite::new(&json!({
        "metadata": {
            "protocol": name, "jsonVersion": version, "apiVersion": "2026-11-22", "targetPrefix": "Every.Thing",
            "xmlNamespace": "https://haneul.test/doc/2026-11-22/",
        },
        "shapes": {
            "Everything": {"type": "structure", "members": {
                "Text": {"shape": "Text"},
                "Renamed": {"shape": "Text", "locationName": "other", "queryName": "Third"},
                "Number": {"shape": "Number"},
                "Long": {"shape": "Long", "locationName": "long"},
                "Double": {"shape": "Double"},
                "Flag": {"shape": "Flag", "locationName": "isFlag"},
                "At": {"shape": "At"},
                "HttpAt": {"shape": "HttpAt"},
                "EpochAt": {"shape": "At", "timestampFormat": "unixTimestamp"},
                "Bytes": {"shape": "Bytes"},
                "List": {"shape": "Texts"},
                "Named": {"shape": "Named", "locationName": "namedSet"},
                "Flat": {"shape": "Texts", "flattened": true},
                "Map": {"shape": "Map"},
                "FlatMap": {"shape": "NamedMap", "flattened": true, "locationName": "Entry"},
                "Again": {"shape": "Everything"},
                "Many": {"shape": "Many"},
                "Choice": {"shape": "Choice"},
            }},
            "Bound": {"type": "structure", "payload": "Payload", "members": {
                "Label": {"shape": "Text", "location": "uri", "locationName": "Label"},
                "Rest": {"shape": "Text", "location": "uri", "locationName": "Rest"},
                "Query": {"shape": "Text", "location": "querystring", "locationName": "q u"},
                "QueryAt": {"shape": "At", "location": "querystring", "locationName": "at"},
                "QueryList": {"shape": "Texts", "location": "querystring", "locationName": "l"},
                "Header": {"shape": "HeaderText", "location": "header", "locationName": "x-text"},
                "HeaderNumber": {"shape": "Number", "location": "header", "locationName": "x-number"},
                "HeaderAt": {"shape": "HttpAt", "location": "header", "locationName": "x-at"},
                "HeaderList": {"shape": "HeaderTexts", "location": "header", "locationName": "x-list"},
                "Meta": {"shape": "Meta", "location": "headers", "locationName": "x-meta-"},
                "Payload": {"shape": "Everything", "locationName": "Payload"},
            }},
            "Text": {"type": "string"}, "HeaderText": {"type": "string"},
            "Number": {"type": "integer"}, "Long": {"type": "long"}, "Double": {"type": "double"},
            "Flag": {"type": "boolean"}, "At": {"type": "timestamp"}, "Bytes": {"type": "blob"},
            "HttpAt": {"type": "timestamp", "timestampFormat": "rfc822"},
            "Texts": {"type": "list", "member": {"shape": "Text"}},
            "HeaderTexts": {"type": "list", "member": {"shape": "HeaderText"}},
            "Named": {"type": "list", "member": {"shape": "Text", "locationName": "item"}},
            "Many": {"type": "list", "member": {"shape": "Everything"}},
            "Map": {"type": "map", "key": {"shape": "Text"}, "value": {"shape": "Text"}},
            "Meta": {"type": "map", "key": {"shape": "HeaderText"}, "value": {"shape": "HeaderText"}},
            "NamedMap": {"type": "map", "key": {"shape": "Text", "locationName": "K"},
                "value": {"shape": "Number", "locationName": "V"}},
            "Choice": {"type": "structure", "union": true,
                "members": {"One": {"shape": "Text"}, "Two": {"shape": "Number"}}},
        },
    }));
    let uri = if protocol == Protocol::RestXml { "/do/{Label}/{Rest+}?now" } else { "/" };
    let io = json!({"shape": shape, "resultWrapper": "DoResult"});
    suite.model(&json!({
        "name": "Do", "http": {"method": "POST", "requestUri": uri}, "input": io, "output": io,
    }))
}

/// A value that every protocol can carry: no empty lists, maps or structures, which forms and
/// flattened elements cannot say.
pub(super) fn value(schema: &Schema, random: &Random, depth: usize) -> Value {
    let below = |n: u64| random.next_u64() % n;
    match &schema.kind {
        Kind::String if schema.name == "HeaderText" => {
            Value::String(random.letters(b"abc,\"\\-_.xyz019", 1 + usize_below(random, 9)))
        }
        Kind::String => Value::String(text(random)),
        Kind::Integer => {
            let number =
                i32::from_ne_bytes(random.next_u64().to_ne_bytes()[..4].try_into().expect("4"));
            Value::Integer(number.into())
        }
        Kind::Long => Value::Integer(random.next_u64().cast_signed()),
        Kind::Double => {
            let number = f64::from_bits(random.next_u64());
            // NaN is not equal to itself.
            Value::Double(if number.is_nan() { f64::NEG_INFINITY } else { number })
        }
        Kind::Float => Value::Double(0.5),
        Kind::Boolean => Value::Boolean(below(2) == 0),
        Kind::Timestamp => Value::Timestamp(time(schema, below(4_000_000_000_000))),
        Kind::Blob => Value::Blob(bytes(random)),
        Kind::Stream => Value::Stream(Body::Bytes(bytes(random))),
        Kind::List(list) => {
            let items = (0..=below(3)).map(|_| value(list.item, random, depth));
            Value::List(items.collect())
        }
        Kind::Map(map) => {
            let mut entries: Vec<(String, Value)> = Vec::new();
            for i in 0..=below(3) {
                let Value::String(key) = value(map.key, random, depth) else { continue };
                // Headers' names have fewer letters.
                let key: String = match map.key.name {
                    "HeaderText" => key.chars().filter(char::is_ascii_alphanumeric).collect(),
                    _ => key,
                };
                entries.push((format!("{key}{i}"), value(map.value, random, depth)));
            }
            Value::Map(entries)
        }
        Kind::Structure(structure) => {
            let count = u64::try_from(structure.members.len()).expect("few");
            let only = (structure.union).then(|| below(count));
            let mut members = Vec::new();
            for (i, member) in (0..).zip(structure.members) {
                let deep = ["Again", "Many"].contains(&member.name);
                let chosen = match (only, deep) {
                    (Some(only), _) => only == i,
                    (None, true) => depth > 0 && below(3) == 0,
                    // A path has all its labels, and a structure has something.
                    (None, false) => {
                        member.location == Location::Uri || member.name == "Text" || below(2) == 0
                    }
                };
                if chosen {
                    let at = member.timestamp_format.is_some();
                    let found = match value(member.schema, random, depth.saturating_sub(1)) {
                        Value::Timestamp(time) if at => Value::Timestamp(time.to_whole_secs()),
                        Value::String(text) if member.location == Location::Uri => {
                            Value::String(format!("l{text}"))
                        }
                        other => other,
                    };
                    members.push((member.name, found));
                }
            }
            Value::Structure(members)
        }
    }
}

fn usize_below(random: &Random, n: u64) -> usize {
    usize::try_from(random.next_u64() % n).expect("small")
}

/// HTTP dates have no milliseconds.
fn time(schema: &Schema, ms: u64) -> Timestamp {
    let at = Timestamp::from_millis(i64::try_from(ms).expect("small"));
    if schema.timestamp_format.is_some() { at.to_whole_secs() } else { at }
}

fn bytes(random: &Random) -> Bytes {
    let mut bytes = vec![0; usize_below(random, 20)];
    random.fill(&mut bytes);
    bytes.into()
}

/// Whatever may stand in XML, with a taste for what protocols use themselves.
fn text(random: &Random) -> String {
    const LETTERS: &[char] = &[
        'a', 'Z', '0', ' ', '.', '/', '+', '%', '&', '=', '?', '#', ';', ':', ',', '<', '>', '"',
        '\'', '\\', '{', '}', '[', ']', '\t', '\n', '\r', '\u{85}', '\u{2028}', '하', 'é', '😀',
    ];
    (0..usize_below(random, 12)).map(|_| LETTERS[usize_below(random, 32)]).collect()
}
