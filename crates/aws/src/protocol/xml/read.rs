//! Elements as values. REST-XML services validate bodies against a published schema, so an
//! element that the model does not have is refused, and so is a second one where one may be.

use super::super::scalar::{self, Unreadable};
use super::tree::Element;
use crate::Value;
use crate::schema::{Kind, List, Location, Map, Member, Schema};

/// Which element could not be read, and why: `MaxTTL: 'x' is not a valid Long`.
pub(in crate::protocol) type Misfit = String;

/// The members of a structure that travel in the body.
pub(in crate::protocol) fn structure(
    schema: &Schema,
    element: &Element,
) -> Result<Vec<(&'static str, Value)>, Misfit> {
    let known = |child: &Element| {
        schema.members().iter().any(|member| {
            member.location == Location::Body && child_name(member) == local(&child.name)
        })
    };
    if let Some(unknown) = element.children.iter().find(|child| !known(child)) {
        return Err(format!("unexpected element {}", unknown.name));
    }
    let mut members = Vec::new();
    for member in schema.members().iter().filter(|member| member.location == Location::Body) {
        if let Some(value) = self::member(member, element)? {
            members.push((member.name, value));
        }
    }
    Ok(members)
}

fn member(member: &Member, element: &Element) -> Result<Option<Value>, Misfit> {
    if member.xml_attribute {
        let name = member.wire_or_name();
        let found = element.attributes.iter().find(|(known, _)| known == name);
        return found.map(|(_, text)| scalar(member.schema, text, name)).transpose();
    }
    let name = child_name(member);
    let mut found = element.children.iter().filter(|child| child.name == name).peekable();
    if found.peek().is_none() {
        return Ok(None);
    }
    match &member.schema.kind {
        Kind::List(list) if member.is_flat() => {
            let items = found.map(|item| value(list.item, item));
            items.collect::<Result<_, _>>().map(|items| Some(Value::List(items)))
        }
        Kind::Map(map) if member.is_flat() => entries(map, found).map(Some),
        _ => {
            let one = found.next().expect("peeked");
            if found.next().is_some() {
                return Err(format!("more than one element {name}"));
            }
            value(member.schema, one).map(Some)
        }
    }
}

/// A flattened list's elements bear the list's name, whatever its items would be called.
fn child_name(member: &Member) -> &'static str {
    local(member.wire_or_name())
}

fn local(name: &str) -> &str {
    name.rsplit(':').next().unwrap_or(name)
}

pub(in crate::protocol) fn value(schema: &Schema, element: &Element) -> Result<Value, Misfit> {
    match &schema.kind {
        Kind::Structure(_) => structure(schema, element).map(Value::Structure),
        Kind::List(list) => items(list, element),
        Kind::Map(map) => {
            if let Some(other) = element.children.iter().find(|child| child.name != "entry") {
                return Err(format!("unexpected element {}", other.name));
            }
            entries(map, element.children.iter())
        }
        _ if !element.children.is_empty() => {
            Err(format!("unexpected element {}", element.children[0].name))
        }
        _ => scalar(schema, &element.text, &element.name),
    }
}

fn items(list: &List, element: &Element) -> Result<Value, Misfit> {
    let name = if list.item_name.is_empty() { "member" } else { local(list.item_name) };
    let item = |child: &Element| {
        if child.name == name {
            value(list.item, child)
        } else {
            Err(format!("unexpected element {}", child.name))
        }
    };
    element.children.iter().map(item).collect::<Result<_, _>>().map(Value::List)
}

fn entries<'a>(map: &Map, found: impl Iterator<Item = &'a Element>) -> Result<Value, Misfit> {
    let key_name = if map.key_name.is_empty() { "key" } else { map.key_name };
    let value_name = if map.value_name.is_empty() { "value" } else { map.value_name };
    let mut entries: Vec<(String, Value)> = Vec::new();
    let mut keys = std::collections::HashSet::new();
    for entry in found {
        let part = |name: &str| entry.children.iter().find(|child| child.name == local(name));
        let (Some(key), Some(item)) = (part(key_name), part(value_name)) else {
            return Err(format!("an incomplete element {}", entry.name));
        };
        if !keys.insert(key.text.as_str()) {
            return Err(format!("the key {} twice", key.text));
        }
        entries.push((key.text.clone(), value(map.value, item)?));
    }
    Ok(Value::Map(entries))
}

fn scalar(schema: &Schema, text: &str, name: &str) -> Result<Value, Misfit> {
    scalar::read(schema, text)
        .map_err(|Unreadable(kind)| format!("{name}: '{text}' is not a valid {kind}"))
}
