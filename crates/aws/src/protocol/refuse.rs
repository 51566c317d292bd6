//! Errors in each protocol's form.

mod s3;

pub(super) use s3::violation as s3_violation;

use base64::Engine;
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

/// What an error says in headers: some of its own, and JSON clients look there first.
pub(super) fn headers(protocol: Protocol, model: &Model, error: &Error, headers: &mut HeaderMap) {
    let mut add = |name: &'static str, value: &str| {
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
    };
    for (name, value) in &error.headers {
        add(name, value);
    }
    if !matches!(protocol, Protocol::Json10 | Protocol::Json11) {
        return;
    }
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

/// What S3 calls `HostId` and `x-amz-id-2`: a second name of the request, opaque to clients. Every
/// answer has one and it proves nothing, so it is no digest but numbers that follow from the id
/// (FNV-1a, then SplitMix64).
pub fn s3_host_id(request_id: &str) -> String {
    let fold = |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut state = request_id.bytes().fold(0xcbf2_9ce4_8422_2325, fold);
    let mut bytes = [0; 48];
    for part in bytes.chunks_exact_mut(8) {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        part.copy_from_slice(&(mixed ^ (mixed >> 31)).to_be_bytes());
    }
    base64::engine::general_purpose::STANDARD.encode(bytes)
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
    xml.element("HostId", &s3_host_id(request_id));
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::everything;

    /// Body and what the headers say beside it.
    fn check(protocol: Protocol, error: &Error, expected: (&str, &[(&str, &str)])) {
        let model = Model {
            errors: &[ModelledError { shape: "GoneException", code: "Gone", status: 404 }],
            query_compatible: true,
            ..*everything::model(protocol)
        };
        let refusal = protocol.refuse(&model, error, "id-1", &http::Method::POST);
        assert_eq!(refusal.status().as_u16(), error.status);
        assert_eq!(refusal.headers()["x-amzn-requestid"], "id-1");
        let crate::Body::Bytes(body) = refusal.body() else { panic!("a stream") };
        let body = std::str::from_utf8(body).expect("text");
        assert_eq!(
            body.trim_start_matches("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"),
            expected.0
        );
        for (name, value) in expected.1 {
            assert_eq!(refusal.headers()[*name], *value);
        }
        let head = protocol.refuse(&model, error, "id-1", &http::Method::HEAD);
        assert!(head.body().is_empty(), "an answer to HEAD has no body");
    }

    #[test]
    fn each_protocol_has_its_own_form_of_an_error() {
        let gone = Error::client(404, "Gone", "a <b> & c").with_detail("Name", "jane");
        let xml = "<ErrorResponse xmlns=\"https://haneul.test/doc/2026-11-22/\"><Error><Type>Sender</Type><Code>Gone</Code><Message>a &lt;b&gt; &amp; c</Message><Name>jane</Name></Error><RequestId>id-1</RequestId></ErrorResponse>";
        check(Protocol::Query, &gone, (xml, &[("content-type", "text/xml")]));
        check(Protocol::RestXml, &gone, (xml, &[("content-type", "application/xml")]));
        check(
            Protocol::Ec2,
            &gone,
            (
                "<Response><Errors><Error><Code>Gone</Code><Message>a &lt;b&gt; &amp; c</Message></Error></Errors><RequestID>id-1</RequestID></Response>",
                &[("content-type", "text/xml;charset=UTF-8")],
            ),
        );
        check(
            Protocol::Json10,
            &gone,
            (
                r#"{"Name":"jane","__type":"GoneException","message":"a <b> & c"}"#,
                &[
                    ("content-type", "application/x-amz-json-1.0"),
                    ("x-amzn-errortype", "GoneException"),
                    ("x-amzn-query-error", "Gone;Sender"),
                ],
            ),
        );
        let ours = Error::internal("the disk is on fire");
        check(
            Protocol::Json11,
            &ours,
            (
                r#"{"__type":"InternalFailure","message":"The request processing has failed because of an unknown error, exception or failure."}"#,
                &[("x-amzn-query-error", "InternalFailure;Receiver")],
            ),
        );
    }

    #[test]
    fn s3_has_a_form_without_namespace_or_fault() {
        let model = Model { signing_name: "s3", ..*everything::model(Protocol::RestXml) };
        let error = Error::client(404, "NoSuchKey", "The specified key does not exist.")
            .with_detail("Key", "a&b");
        let refusal = Protocol::RestXml.refuse(&model, &error, "id-1", &http::Method::GET);
        assert_eq!(refusal.headers()["x-amz-request-id"], "id-1");
        let body = body(Protocol::RestXml, &model, &error, "id-1");
        let id = s3_host_id("id-1");
        let expected = format!(
            "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message><Key>a&amp;b</Key><RequestId>id-1</RequestId><HostId>{id}</HostId></Error>"
        );
        assert!(body.ends_with(&expected), "{body}");
        let unchanged = Error::not_modified().with_header("etag", "\"e\"");
        let answer = Protocol::RestXml.refuse(&model, &unchanged, "id-1", &http::Method::GET);
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers()["etag"], "\"e\"");
        assert!(answer.body().is_empty() && !answer.headers().contains_key("content-type"));
    }

    #[test]
    fn a_violated_constraint_has_each_protocol_s_code() {
        let missing = |protocol| {
            let violation = Violation {
                path: "userName".into(),
                value: None,
                constraint: Constraint::Required,
            };
            violations(protocol, &[violation]).to_string()
        };
        let sentence = "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null";
        assert_eq!(missing(Protocol::Query), format!("ValidationError: {sentence}"));
        assert_eq!(missing(Protocol::Json11), format!("ValidationException: {sentence}"));
        assert_eq!(
            missing(Protocol::Ec2),
            "MissingParameter: The request must contain the parameter UserName"
        );
    }
}
