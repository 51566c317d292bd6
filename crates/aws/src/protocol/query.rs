//! The query protocol and EC2's form of it: forms in, XML out.
//!
//! Wire rules: `docs/0001-shapes-and-protocols.md`. Unknown parameters are ignored, as AWS
//! does; parameters that cannot be read are `MalformedInput`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::form::{Form, Part};
use super::limits::LIST_INDEX_MAX;
use super::scalar::{self, Unreadable};
use super::xml::write::Writer;
use crate::schema::{Kind, List, Map, Member, Schema};
use crate::service::{Model, Operation, Protocol};
use crate::{Error, Value};

/// The operation that a form's `Action` and `Version` name.
pub(super) fn operation(
    protocol: Protocol,
    model: &Model,
    form: &Form,
) -> Result<&'static Operation, Error> {
    let Some(action) = form.text("Action").filter(|action| !action.is_empty()) else {
        return Err(Error::client(
            400,
            "MissingAction",
            "The request is missing an action or a required parameter.",
        ));
    };
    let version = form.text("Version").unwrap_or("NO_VERSION_SPECIFIED");
    if version != model.api_version {
        return Err(match protocol {
            Protocol::Ec2 => Error::client(
                400,
                "NoSuchVersion",
                format!("The requested version ({version}) of service AmazonEC2 does not exist"),
            ),
            _ => unknown_action(action, version),
        });
    }
    if let Some(operation) = model.operation(action) {
        return Ok(operation);
    }
    Err(if model.is_not_served(action) {
        Error::not_served(model.signing_name, action)
    } else if protocol == Protocol::Ec2 {
        Error::client(
            400,
            "InvalidAction",
            format!("The action {action} is not valid for this web service."),
        )
    } else {
        unknown_action(action, version)
    })
}

fn unknown_action(action: &str, version: &str) -> Error {
    Error::client(
        400,
        "InvalidAction",
        format!("Could not find operation {action} for version {version}"),
    )
}

/// The input that a form holds.
pub(super) fn read(protocol: Protocol, schema: &Schema, form: &Form) -> Result<Value, Error> {
    let reader = Reader { ec2: protocol == Protocol::Ec2 };
    reader.structure(schema, form.root())
}

struct Reader {
    ec2: bool,
}

impl Reader {
    fn structure(&self, schema: &Schema, form: Part<'_>) -> Result<Value, Error> {
        let mut members = Vec::new();
        for member in schema.members() {
            if let Some(value) = self.member(member, form)? {
                members.push((member.name, value));
            }
        }
        Ok(Value::Structure(members))
    }

    fn member(&self, member: &Member, form: Part<'_>) -> Result<Option<Value>, Error> {
        let name = self.name_of(member);
        let flat = self.ec2 || member.is_flat();
        let Some(part) = form.get(&name) else { return Ok(None) };
        match &member.schema.kind {
            Kind::List(list) => self.list(list, part, flat).map(Some),
            Kind::Map(map) => self.map(map, part, flat).map(Some),
            _ => self.value(member.schema, part, &name).map(Some),
        }
    }

    /// EC2 has a `queryName`, else it capitalises the location name.
    fn name_of(&self, member: &Member) -> Cow<'static, str> {
        if !self.ec2 {
            return member.wire_or_name().into();
        }
        if !member.query_name.is_empty() {
            return member.query_name.into();
        }
        let name = member.wire_or_name();
        match name.chars().next() {
            Some(first) if first.is_lowercase() => {
                let rest = &name[first.len_utf8()..];
                format!("{}{rest}", first.to_ascii_uppercase()).into()
            }
            _ => name.into(),
        }
    }

    fn value(&self, schema: &Schema, part: Part<'_>, name: &str) -> Result<Value, Error> {
        match &schema.kind {
            Kind::Structure(_) if part.value.is_some_and(|text| !text.is_empty()) => {
                Err(malformed("Unexpected complex element termination"))
            }
            Kind::Structure(_) => self.structure(schema, part),
            Kind::List(list) => self.list(list, part, self.ec2 || list.flattened),
            Kind::Map(map) => self.map(map, part, self.ec2 || map.flattened),
            _ => {
                let Some(text) = part.value.filter(|_| !part.has_parts()) else {
                    return Err(malformed("Start of structure or map found where not expected."));
                };
                self.scalar(schema, text, name)
            }
        }
    }

    fn scalar(&self, schema: &Schema, text: &str, name: &str) -> Result<Value, Error> {
        scalar::read(schema, text).map_err(|Unreadable(kind)| match (self.ec2, kind) {
            (true, "Integer" | "Long") => Error::client(
                400,
                "InvalidParameterValue",
                format!("Value ({text}) for parameter {name} is invalid. Expected an integer."),
            ),
            (true, _) => Error::client(
                400,
                "InvalidParameterValue",
                format!("Value ({text}) for parameter {name} is invalid."),
            ),
            (false, kind) => malformed(&format!("'{text}' is not a valid {kind}")),
        })
    }

    /// Items by number, whatever the order of arrival; numbers may have gaps. `Name=` alone
    /// is the empty list.
    fn list(&self, list: &List, part: Part<'_>, flat: bool) -> Result<Value, Error> {
        let named = if list.item_name.is_empty() { "member" } else { list.item_name };
        let part = match (flat, part.get(named).or_else(|| part.get("member"))) {
            (false, Some(inner)) => inner,
            _ => part,
        };
        if part.value.is_some_and(|text| !text.is_empty()) {
            return Err(malformed("Unexpected list element termination"));
        }
        let items = numbered(part)?;
        let read = |(_, item)| self.value(list.item, item, named);
        items.into_iter().map(read).collect::<Result<_, _>>().map(Value::List)
    }

    fn map(&self, map: &Map, part: Part<'_>, flat: bool) -> Result<Value, Error> {
        let part = if flat { part } else { part.get("entry").unwrap_or(part) };
        let key_name = if map.key_name.is_empty() { "key" } else { map.key_name };
        let value_name = if map.value_name.is_empty() { "value" } else { map.value_name };
        let mut keys = HashSet::new();
        let mut entries = Vec::new();
        for (_, entry) in numbered(part)? {
            let (Some(key), Some(value)) = (entry.text(key_name), entry.get(value_name)) else {
                return Err(malformed("Unexpected complex element termination"));
            };
            if !keys.insert(key) {
                return Err(malformed(&format!("Duplicate key '{key}' found in a map")));
            }
            entries.push((key.to_owned(), self.value(map.value, value, value_name)?));
        }
        Ok(Value::Map(entries))
    }
}

fn numbered(part: Part<'_>) -> Result<Vec<(u64, Part<'_>)>, Error> {
    let mut items = Vec::new();
    for name in part.names() {
        let is_number = name.bytes().all(|b| b.is_ascii_digit()) && !name.starts_with('0');
        let number = name.parse().ok().filter(|number| is_number && *number <= LIST_INDEX_MAX);
        match number.zip(part.get(name)) {
            Some(item) => items.push(item),
            None => return Err(malformed(&format!("Key '{name}' is not a valid list index"))),
        }
    }
    items.sort_by_key(|(number, _)| *number);
    Ok(items)
}

fn malformed(message: &str) -> Error {
    Error::client(400, "MalformedInput", message)
}

/// The XML of EC2's answer: no wrapper, and `return` where there is nothing else to say.
pub(super) fn ec2_answer(
    model: &Model,
    operation: &Operation,
    output: &Value,
    request_id: &str,
) -> String {
    let mut xml = Writer::default();
    let root = format!("{}Response", operation.name);
    // The model leaves out the slash that EC2 puts at the end.
    xml.open_in(&root, &format!("{}/", model.xml_namespace.trim_end_matches('/')));
    xml.element("requestId", request_id);
    match operation.output {
        Some(schema) => xml.members(schema, output),
        None => xml.element("return", "true"),
    }
    xml.close(&root);
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
}

/// The XML of an answer.
pub(super) fn answer(
    model: &Model,
    operation: &Operation,
    output: &Value,
    request_id: &str,
) -> String {
    let mut xml = Writer::default();
    let root = format!("{}Response", operation.name);
    xml.open_in(&root, model.xml_namespace);
    if let Some(schema) = operation.output {
        if operation.result_wrapper.is_empty() {
            xml.members(schema, output);
        } else {
            xml.open(operation.result_wrapper);
            xml.members(schema, output);
            xml.close(operation.result_wrapper);
        }
    }
    xml.open("ResponseMetadata");
    xml.element("RequestId", request_id);
    xml.close("ResponseMetadata");
    xml.close(&root);
    xml.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::everything;
    use crate::service::{NotServed, UriTemplate};

    /// What is said about a form, or nothing when it is read.
    fn check(protocol: Protocol, form: &str, expected: &str) {
        const UNDO: NotServed = NotServed {
            name: "Undo",
            method: "",
            uri: UriTemplate::new(""),
            query: &[],
            headers: &[],
        };
        let model = Model { not_served: &[UNDO], ..*everything::model(protocol) };
        let read = Form::parse("", form.as_bytes()).and_then(|form| {
            let operation = super::operation(protocol, &model, &form)?;
            super::read(protocol, operation.input, &form)
        });
        let said = read.map_or_else(|error| error.to_string(), |_| String::new());
        assert_eq!(said, expected, "{form}");
    }

    #[test]
    fn an_operation_is_known_by_action_and_version() {
        let version = "&Version=2026-11-22";
        let unserved = "UnsupportedOperation: haneul does not support the operation cases:Undo yet. Nothing was changed.";
        for protocol in [Protocol::Query, Protocol::Ec2] {
            check(protocol, &format!("Action=Do{version}"), "");
            check(protocol, &format!("Action=Undo{version}"), unserved);
            let missing =
                "MissingAction: The request is missing an action or a required parameter.";
            check(protocol, "Version=2026-11-22", missing);
        }
        check(
            Protocol::Query,
            &format!("Action=Redo{version}"),
            "InvalidAction: Could not find operation Redo for version 2026-11-22",
        );
        check(
            Protocol::Query,
            "Action=Do",
            "InvalidAction: Could not find operation Do for version NO_VERSION_SPECIFIED",
        );
        check(
            Protocol::Ec2,
            &format!("Action=Redo{version}"),
            "InvalidAction: The action Redo is not valid for this web service.",
        );
        check(
            Protocol::Ec2,
            "Action=Do&Version=2011-01-01",
            "NoSuchVersion: The requested version (2011-01-01) of service AmazonEC2 does not exist",
        );
    }

    #[test]
    fn unknown_parameters_are_ignored_and_ill_typed_ones_refused() {
        let check = |protocol, parameters: &str, expected: &str| {
            check(protocol, &format!("Action=Do&Version=2026-11-22&{parameters}"), expected);
        };
        check(Protocol::Query, "Unknown=1&Un.Known.2=x&X-Amz-Date=now", "");
        check(Protocol::Query, "Number=", "MalformedInput: '' is not a valid Integer");
        check(Protocol::Query, "Number=one", "MalformedInput: 'one' is not a valid Integer");
        check(Protocol::Query, "isFlag=yes", "MalformedInput: 'yes' is not a valid Boolean");
        check(Protocol::Query, "At=noon", "MalformedInput: 'noon' is not a valid Timestamp");
        check(
            Protocol::Query,
            "Text.1=x",
            "MalformedInput: Start of structure or map found where not expected.",
        );
        check(Protocol::Query, "Again=x", "MalformedInput: Unexpected complex element termination");
        check(Protocol::Query, "List=x", "MalformedInput: Unexpected list element termination");
        check(
            Protocol::Query,
            "List.member.x=1",
            "MalformedInput: Key 'x' is not a valid list index",
        );
        check(
            Protocol::Query,
            "Map.entry.1.key=a",
            "MalformedInput: Unexpected complex element termination",
        );
        check(
            Protocol::Query,
            "Map.entry.1.key=a&Map.entry.1.value=b&Map.entry.2.key=a&Map.entry.2.value=b",
            "MalformedInput: Duplicate key 'a' found in a map",
        );
        check(
            Protocol::Ec2,
            "Number=one",
            "InvalidParameterValue: Value (one) for parameter Number is invalid. Expected an integer.",
        );
    }

    #[test]
    fn items_come_in_the_order_of_their_numbers_and_by_either_name() {
        let read = |form: &str| {
            let form = Form::parse("", form.as_bytes()).expect("a form");
            let input = everything::model(Protocol::Query).operations[0].input;
            super::read(Protocol::Query, input, &form).expect("read")
        };
        let texts = |texts: &[&str]| {
            Some(Value::List(texts.iter().map(|text| Value::String((*text).into())).collect()))
        };
        let value = read("List.member.10=c&List.member.2=b&List.member.1=a");
        assert_eq!(value.get("List").cloned(), texts(&["a", "b", "c"]));
        assert_eq!(read("namedSet.item.1=a").get("Named").cloned(), texts(&["a"]));
        assert_eq!(read("namedSet.member.1=a").get("Named").cloned(), texts(&["a"]));
        assert_eq!(read("List=").get("List").cloned(), texts(&[]));
        assert_eq!(read("Text=").get("List"), None);
    }
}
