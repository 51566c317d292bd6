//! Requests as a client writes them, for tests that go round and as seeds for fuzzing. Written
//! apart from the readers, so that a mistake is not made twice.

use http::Uri;

use super::scalar;
use super::xml::write::Writer;
use super::{TARGET, json};
use crate::Value;
use crate::schema::{Kind, Location, Member, Schema, TimestampFormat};
use crate::service::{Model, Protocol, UriTemplate};

/// Method, URI, headers and body.
pub(super) struct Written {
    pub(super) uri: Uri,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

pub(super) fn write(model: &Model, input: &Value) -> Written {
    let operation = &model.operations[0];
    let root = Uri::from_static("/");
    match model.protocols[0] {
        Protocol::Query | Protocol::Ec2 => {
            let mut form = vec![
                format!("Action={}", operation.name),
                format!("Version={}", model.api_version),
            ];
            let ec2 = model.protocols[0] == Protocol::Ec2;
            put(&mut form, operation.input, input, "", ec2);
            Written { uri: root, headers: Vec::new(), body: form.join("&").into() }
        }
        Protocol::Json10 | Protocol::Json11 => Written {
            uri: root,
            headers: vec![(
                TARGET.to_string(),
                format!("{}.{}", model.target_prefix, operation.name),
            )],
            body: json::write(operation.input, input),
        },
        Protocol::RestXml => rest(operation.http_uri, operation.input, input),
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// Appends a value's parameters under a name.
fn put(form: &mut Vec<String>, schema: &Schema, value: &Value, name: &str, ec2: bool) {
    let inside = |part: &str| if name.is_empty() { part.into() } else { format!("{name}.{part}") };
    match (&schema.kind, value) {
        (Kind::Structure(_), value) => {
            for member in schema.members() {
                if let Some(value) = value.get(member.name) {
                    put_member(form, member, value, &inside(&form_name(member, ec2)), ec2);
                }
            }
        }
        _ => put_at(form, schema, value, name, ec2, false, None),
    }
}

fn put_member(form: &mut Vec<String>, member: &Member, value: &Value, name: &str, ec2: bool) {
    let format = member.timestamp_format;
    put_at(form, member.schema, value, name, ec2, member.flattened, format);
}

fn put_at(
    form: &mut Vec<String>,
    schema: &Schema,
    value: &Value,
    name: &str,
    ec2: bool,
    flat: bool,
    format: Option<TimestampFormat>,
) {
    match (&schema.kind, value) {
        (Kind::List(list), Value::List(items)) => {
            let item_name = if list.item_name.is_empty() { "member" } else { list.item_name };
            let name = if ec2 || flat { name.to_owned() } else { format!("{name}.{item_name}") };
            // Numbers may start anywhere and have gaps.
            for (i, item) in items.iter().enumerate() {
                put(form, list.item, item, &format!("{name}.{}", 3 * i + 1), ec2);
            }
        }
        (Kind::Map(map), Value::Map(entries)) => {
            let name = if ec2 || flat { name.to_owned() } else { format!("{name}.entry") };
            let or =
                |given: &'static str, otherwise| if given.is_empty() { otherwise } else { given };
            for (i, (key, value)) in entries.iter().enumerate() {
                let name = format!("{name}.{}", i + 1);
                form.push(format!("{name}.{}={}", or(map.key_name, "key"), encode(key)));
                put(
                    form,
                    map.value,
                    value,
                    &format!("{name}.{}", or(map.value_name, "value")),
                    ec2,
                );
            }
        }
        (Kind::Structure(_), _) => put(form, schema, value, name, ec2),
        _ => {
            let format = format.or(schema.timestamp_format).unwrap_or(TimestampFormat::Iso8601);
            let text = scalar::print(value, format).expect("a simple value");
            form.push(format!("{name}={}", encode(&text)));
        }
    }
}

fn form_name(member: &Member, ec2: bool) -> String {
    let name = if member.wire_name.is_empty() { member.name } else { member.wire_name };
    match (ec2, member.query_name) {
        (false, _) => name.into(),
        (true, "") => name[..1].to_uppercase() + &name[1..],
        (true, name) => name.into(),
    }
}

fn rest(template: UriTemplate, schema: &Schema, input: &Value) -> Written {
    let mut path = template.path.to_owned();
    let mut query = vec![template.query.to_owned()];
    let mut headers = Vec::new();
    let mut body = Vec::new();
    for member in schema.members() {
        let Some(value) = input.get(member.name) else { continue };
        let (name, format) = (member.wire_name, member.schema.timestamp_format);
        let print = |value| {
            scalar::print(value, format.unwrap_or(TimestampFormat::Iso8601)).expect("simple")
        };
        match (member.location, value) {
            (Location::Uri, value) => {
                let text = encode(&print(value));
                path = path.replace(&format!("{{{name}+}}"), &text.replace("%2F", "/"));
                path = path.replace(&format!("{{{name}}}"), &text);
            }
            (Location::QueryString, Value::List(items)) => {
                let items =
                    items.iter().map(|item| format!("{}={}", encode(name), encode(&print(item))));
                query.extend(items);
            }
            (Location::QueryString, value) => {
                query.push(format!("{}={}", encode(name), encode(&print(value))));
            }
            (Location::Header, Value::List(items)) => {
                let quoted = |item| {
                    let text: String = print(item);
                    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
                };
                let items: Vec<String> = items.iter().map(quoted).collect();
                headers.push((name.to_owned(), items.join(", ")));
            }
            (Location::Header, value) => headers.push((name.to_owned(), print(value))),
            (Location::HeaderPrefix, Value::Map(entries)) => {
                let entries =
                    entries.iter().map(|(key, value)| (format!("{name}{key}"), print(value)));
                headers.extend(entries);
            }
            _ => {
                let mut xml = Writer::default();
                xml.value(name, member.schema, value, None, None);
                body = xml.finish().into();
            }
        }
    }
    let uri = format!("{path}?{}", query.join("&")).parse().expect("a URI");
    Written { uri, headers, body }
}
