//! Errors in each protocol's form.

use http::HeaderMap;
use serde_json::json;

use super::xml::write::Writer;
use crate::service::{Model, ModelledError, Protocol};
use crate::validate::{Constraint, Violation, sentence};
use crate::{Error, Fault};

pub(super) fn body(protocol: Protocol, model: &Model, error: &Error, request_id: &str) -> String {
    match protocol {
        Protocol::Query => query(model, error, request_id),
        Protocol::Ec2 => ec2(error, request_id),
        Protocol::RestXml if model.signing_name == "s3" => s3(error, request_id),
        Protocol::RestXml => query(model, error, request_id),
        Protocol::Json10 | Protocol::Json11 => json(model, error),
    }
}

/// What an error says in headers: JSON clients look there first.
pub(super) fn headers(protocol: Protocol, model: &Model, error: &Error, headers: &mut HeaderMap) {
    if !matches!(protocol, Protocol::Json10 | Protocol::Json11) {
        return;
    }
    let mut add = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    add("x-amzn-errortype", shape_of(model, error));
    if model.query_compatible {
        let code = modelled(model, error).map_or(error.code.as_ref(), |known| known.code);
        add("x-amzn-query-error", &format!("{code};{}", fault(error)));
    }
}

fn query(model: &Model, error: &Error, request_id: &str) -> String {
    let mut xml = Writer::default();
    xml.open_in("ErrorResponse", model.xml_namespace);
    xml.open("Error");
    xml.element("Type", fault(error));
    xml.element("Code", modelled(model, error).map_or(error.code.as_ref(), |known| known.code));
    xml.element("Message", &error.message);
    for (name, value) in &error.details {
        xml.element(name, value);
    }
    xml.close("Error");
    xml.element("RequestId", request_id);
    xml.close("ErrorResponse");
    xml.finish()
}

fn ec2(error: &Error, request_id: &str) -> String {
    let mut xml = Writer::default();
    xml.open("Response");
    xml.open("Errors");
    xml.open("Error");
    xml.element("Code", &error.code);
    xml.element("Message", &error.message);
    xml.close("Error");
    xml.close("Errors");
    xml.element("RequestID", request_id);
    xml.close("Response");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
}

fn s3(error: &Error, request_id: &str) -> String {
    let mut xml = Writer::default();
    xml.open("Error");
    xml.element("Code", &error.code);
    xml.element("Message", &error.message);
    for (name, value) in &error.details {
        xml.element(name, value);
    }
    xml.element("RequestId", request_id);
    xml.element("HostId", "haneul");
    xml.close("Error");
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish())
}

fn json(model: &Model, error: &Error) -> String {
    let mut body = serde_json::Map::new();
    body.insert("__type".into(), shape_of(model, error).into());
    // AWS's unknown operation has no message at all.
    if !error.message.is_empty() {
        body.insert("message".into(), error.message.as_str().into());
    }
    for (name, value) in &error.details {
        body.insert((*name).into(), json!(value));
    }
    serde_json::Value::from(body).to_string()
}

fn fault(error: &Error) -> &'static str {
    match error.fault {
        Fault::Sender => "Sender",
        Fault::Receiver => "Receiver",
    }
}

fn shape_of<'a>(model: &Model, error: &'a Error) -> &'a str {
    modelled(model, error).map_or(error.code.as_ref(), |known| known.shape)
}

/// Services name an error by its code; JSON's clients know it by its shape.
fn modelled(model: &Model, error: &Error) -> Option<&'static ModelledError> {
    model.errors.iter().find(|known| known.code == error.code || known.shape == error.code)
}

/// The refusal of an input that breaks the model's constraints.
pub(super) fn violations(protocol: Protocol, violations: &[Violation]) -> Error {
    match protocol {
        Protocol::Query | Protocol::RestXml => Error::validation(sentence(violations)),
        Protocol::Json10 | Protocol::Json11 => {
            Error::client(400, "ValidationException", sentence(violations))
        }
        Protocol::Ec2 => {
            let first = violations.first().expect("only called with violations");
            let parameter = upper_first(&first.path);
            match (&first.constraint, &first.value) {
                (Constraint::Required, _) => Error::client(
                    400,
                    "MissingParameter",
                    format!("The request must contain the parameter {parameter}"),
                ),
                (_, value) => Error::client(
                    400,
                    "InvalidParameterValue",
                    format!(
                        "Value ({}) for parameter {parameter} is invalid.",
                        value.as_deref().unwrap_or_default()
                    ),
                ),
            }
        }
    }
}

fn upper_first(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}
