//! Schemas and models made from JSON at run time, for tests: the shapes that public protocol
//! cases and property tests bring along. Everything is leaked, for schemas are static.

#![cfg_attr(fuzzing, allow(dead_code, reason = "the other half is for tests"))]

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::schema::{
    Kind, List, Location, Map, Member, Namespace, Schema, Structure, TimestampFormat,
};
use crate::service::{Model, ModelledError, Operation, UriTemplate};
use crate::value::Bytes;
use crate::{Body, Error, Fault, Mismatch, Protocol, Timestamp, Value};

pub(super) struct Suite {
    metadata: Json,
    shapes: Json,
}

impl Suite {
    pub(super) fn new(json: &Json) -> Self {
        Self { metadata: json["metadata"].clone(), shapes: json["shapes"].clone() }
    }

    /// A model with the one operation that is given.
    pub(super) fn model(&self, given: &Json) -> &'static Model {
        let text = |json: &Json| leak(json.as_str().unwrap_or_default());
        let (input, output) = (&given["input"], &given["output"]);
        let root = |payload: &Json| {
            let name = payload["shape"].as_str().unwrap_or_default();
            let own = self.shapes[name]["locationName"].as_str();
            leak(own.or(payload["locationName"].as_str()).unwrap_or(name))
        };
        // The cases' clients do not look at the wrapper, so most leave it out.
        let wrapper = format!("{}Result", given["name"].as_str().unwrap_or_default());
        let operation = Operation {
            name: text(&given["name"]),
            http_method: text(&given["http"]["method"]),
            http_uri: UriTemplate::new(text(&given["http"]["requestUri"])),
            http_status: u16::try_from(given["http"]["responseCode"].as_u64().unwrap_or(200))
                .expect("a status"),
            input: self.schema(input["shape"].as_str()).unwrap_or(&crate::schema::NOTHING),
            output: self.schema(output["shape"].as_str()),
            result_wrapper: leak(output["resultWrapper"].as_str().unwrap_or(&wrapper)),
            input_root: root(input),
            input_namespace: namespace(input),
            output_root: root(output),
            parse: |value| Err(Mismatch::Type(value.type_name(), "nothing: only read")),
        };
        let protocol =
            match (self.metadata["protocol"].as_str(), self.metadata["jsonVersion"].as_str()) {
                (Some("query"), _) => Protocol::Query,
                (Some("ec2"), _) => Protocol::Ec2,
                (Some("rest-xml"), _) => Protocol::RestXml,
                (Some("json"), Some("1.0")) => Protocol::Json10,
                (Some("json"), _) => Protocol::Json11,
                (other, _) => panic!("protocol {other:?}"),
            };
        let namespace = namespace(&self.metadata);
        Box::leak(Box::new(Model {
            signing_name: "cases",
            service_id: "Cases",
            api_version: text(&self.metadata["apiVersion"]),
            xml_namespace: namespace.map_or("", |namespace| namespace.uri),
            target_prefix: text(&self.metadata["targetPrefix"]),
            protocols: Box::leak(Box::new([protocol])),
            query_compatible: !self.metadata["awsQueryCompatible"].is_null(),
            operations: Box::leak(Box::new([operation])),
            not_served: &[],
            errors: self.errors(),
        }))
    }

    fn errors(&self) -> &'static [ModelledError] {
        let shapes = self.shapes.as_object().into_iter().flatten();
        let errors = shapes.filter(|(_, shape)| shape["exception"].as_bool() == Some(true));
        let errors = errors.map(|(name, shape)| ModelledError {
            shape: leak(name),
            code: leak(shape["error"]["code"].as_str().unwrap_or(name)),
            status: 400,
        });
        errors.collect::<Vec<_>>().leak()
    }

    /// The error of a case, with its further members.
    pub(super) fn error(&self, case: &Json, response: &Json) -> Error {
        let members = case["error"].as_object().expect("an error case has an error");
        let is_message = |name: &str| name.eq_ignore_ascii_case("message");
        let message = members.iter().find(|(name, _)| is_message(name));
        Error {
            code: case["errorCode"].as_str().expect("an error case has a code").to_owned().into(),
            status: u16::try_from(response["status_code"].as_u64().expect("a status"))
                .expect("a status"),
            message: message.and_then(|(_, text)| text.as_str()).unwrap_or_default().into(),
            fault: Fault::Sender,
            headers: Vec::new(),
            details: members
                .iter()
                .filter(|(name, _)| !is_message(name))
                .map(|(name, value)| (leak(name), value.as_str().unwrap_or_default().into()))
                .collect(),
            source: None,
        }
    }

    fn schema(&self, name: Option<&str>) -> Option<&'static Schema> {
        name.map(|name| {
            Builder { shapes: &self.shapes, done: HashMap::new() }.shape(name, &Json::Null)
        })
    }
}

struct Builder<'a> {
    shapes: &'a Json,
    /// How often each structure is on the way here: recursion ends after a few rounds, as a
    /// static schema that is made piece by piece cannot point to itself.
    done: HashMap<String, usize>,
}

const ROUNDS: usize = 4;

impl Builder<'_> {
    /// A shape as it is used at one place: what the use says comes on top.
    fn shape(&mut self, name: &str, usage: &Json) -> &'static Schema {
        let shape = &self.shapes[name];
        let is =
            |flag: &str| shape[flag].as_bool() == Some(true) || usage[flag].as_bool() == Some(true);
        let name_of =
            |reference: &Json| leak(reference["locationName"].as_str().unwrap_or_default());
        let kind = match shape["type"].as_str().unwrap_or_default() {
            "string" | "character" => Kind::String,
            "integer" => Kind::Integer,
            "long" => Kind::Long,
            "float" => Kind::Float,
            "double" => Kind::Double,
            "boolean" => Kind::Boolean,
            "timestamp" => Kind::Timestamp,
            "blob" if is("streaming") => Kind::Stream,
            "blob" => Kind::Blob,
            "list" => Kind::List(List {
                item: self.shape(shape["member"]["shape"].as_str().expect("an item"), &Json::Null),
                item_name: name_of(&shape["member"]),
                flattened: shape["flattened"].as_bool() == Some(true),
            }),
            "map" => Kind::Map(Map {
                key: self.shape(shape["key"]["shape"].as_str().expect("a key"), &Json::Null),
                key_name: name_of(&shape["key"]),
                value: self.shape(shape["value"]["shape"].as_str().expect("a value"), &Json::Null),
                value_name: name_of(&shape["value"]),
                flattened: shape["flattened"].as_bool() == Some(true),
            }),
            "structure" => self.structure(name, shape),
            other => panic!("{name} is a {other}"),
        };
        Box::leak(Box::new(Schema {
            name: leak(name),
            kind,
            sensitive: is("sensitive"),
            min: None,
            max: None,
            pattern: None,
            values: &[],
            xml_name: leak(shape["locationName"].as_str().unwrap_or_default()),
            xml_namespace: namespace(shape),
            timestamp_format: format(shape),
        }))
    }

    fn structure(&mut self, name: &str, shape: &Json) -> Kind {
        let rounds = self.done.entry(name.to_owned()).or_default();
        *rounds += 1;
        let mut members = Vec::new();
        if *rounds <= ROUNDS {
            for (member, usage) in shape["members"].as_object().into_iter().flatten() {
                members.push(self.member(member, usage));
            }
        }
        *self.done.get_mut(name).expect("counted above") -= 1;
        Kind::Structure(Structure {
            members: members.leak(),
            payload: shape["payload"].as_str().map(leak),
            union: shape["union"].as_bool() == Some(true),
        })
    }

    fn member(&mut self, name: &str, usage: &Json) -> Member {
        let is = |flag: &str| usage[flag].as_bool() == Some(true);
        let schema = self.shape(usage["shape"].as_str().expect("a member has a shape"), usage);
        Member {
            name: leak(name),
            schema,
            wire_name: leak(usage["locationName"].as_str().unwrap_or_default()),
            query_name: leak(usage["queryName"].as_str().unwrap_or_default()),
            location: match usage["location"].as_str() {
                Some("header") => Location::Header,
                Some("headers") => Location::HeaderPrefix,
                Some("uri") => Location::Uri,
                Some("querystring") => Location::QueryString,
                Some("statusCode") => Location::StatusCode,
                _ => Location::Body,
            },
            required: false,
            flattened: is("flattened"),
            xml_attribute: is("xmlAttribute"),
            xml_namespace: namespace(usage),
            timestamp_format: format(usage),
            idempotency_token: is("idempotencyToken"),
        }
    }
}

fn namespace(json: &Json) -> Option<Namespace> {
    let namespace = &json["xmlNamespace"];
    let uri = namespace["uri"].as_str().or(namespace.as_str())?;
    Some(Namespace {
        uri: leak(uri),
        prefix: leak(namespace["prefix"].as_str().unwrap_or_default()),
    })
}

fn format(json: &Json) -> Option<TimestampFormat> {
    match json["timestampFormat"].as_str()? {
        "iso8601" => Some(TimestampFormat::Iso8601),
        "rfc822" => Some(TimestampFormat::HttpDate),
        "unixTimestamp" => Some(TimestampFormat::EpochSeconds),
        other => panic!("timestamp format {other}"),
    }
}

fn leak(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// The value that a case's parameters mean: blobs are given as their text, timestamps as epoch
/// seconds or as text.
pub(super) fn value_of(schema: &Schema, json: &Json) -> Value {
    match (&schema.kind, json) {
        (Kind::Structure(_), _) => {
            let members = schema.members().iter().filter_map(|member| {
                let json = json.get(member.name).filter(|json| !json.is_null())?;
                Some((member.name, value_of(member.schema, json)))
            });
            Value::Structure(members.collect())
        }
        (Kind::List(list), Json::Array(items)) => {
            let items = items.iter().filter(|item| !item.is_null());
            Value::List(items.map(|item| value_of(list.item, item)).collect())
        }
        (Kind::Map(map), Json::Object(entries)) => {
            let entries = entries.iter().filter(|(_, value)| !value.is_null());
            let entries = entries.map(|(key, value)| (key.clone(), value_of(map.value, value)));
            Value::Map(entries.collect())
        }
        (Kind::Integer | Kind::Long, Json::Number(number)) => {
            Value::Integer(number.as_i64().expect("whole"))
        }
        (Kind::Float | Kind::Double, Json::Number(number)) => {
            Value::Double(number.as_f64().expect("finite"))
        }
        (Kind::Float | Kind::Double, Json::String(text)) => {
            super::scalar::read(schema, text).expect("a number that JSON has not")
        }
        (Kind::Timestamp, Json::Number(number)) => Value::Timestamp(
            Timestamp::from_epoch_secs(number.as_f64().expect("finite")).expect("in range"),
        ),
        (Kind::Timestamp, Json::String(text)) => {
            Value::Timestamp(Timestamp::parse(text).expect("a time"))
        }
        (Kind::Blob, Json::String(text)) => Value::Blob(Bytes::from(text.clone())),
        (Kind::Stream, Json::String(text)) => Value::Stream(Body::Bytes(Bytes::from(text.clone()))),
        (Kind::Boolean, Json::Bool(truth)) => Value::Boolean(*truth),
        (Kind::String, Json::String(text)) => Value::String(text.clone()),
        (kind, json) => panic!("{json} for {kind:?}"),
    }
}
