//! botocore's protocol cases, which come from Smithy's: requests as SDKs write them and
//! answers as SDKs read them, run through the readers and writers that services use.
//!
//! They are not part of this repository. They are looked for in the folder that the variable
//! `HANEUL_BOTOCORE_TESTS` names, or in `.cache/botocore-1.43.11/tests/unit/protocols`, where
//! `make test` unpacks botocore's source package.

use std::path::PathBuf;

use http::request::Parts;
use serde_json::Value as Json;

use super::dynamic::{Suite, value_of};
use super::xml::tree::{self, Element};
use super::*;

/// Cases that this test does not run, by their ids' ends, and why.
const SKIPPED: &[(&str, &[&str])] = &[
    (
        "about how a client packs a body: the case gives no body",
        &[
            "SDKAppliedContentEncoding_ec2Query",
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_ec2Query",
            "SDKAppliedContentEncoding_awsQuery",
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsQuery",
            "SDKAppliedContentEncoding_restXml",
            "SDKAppendedGzipAfterProvidedEncoding_restXml",
            "SDKAppliedContentEncoding_awsJson1_1",
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_1",
            "SDKAppliedContentEncoding_awsJson1_0",
            "SDKAppendsGzipAndIgnoresHttpProvidedEncoding_awsJson1_0",
        ],
    ),
    (
        "the client leaves out what is empty or hidden by another parameter, so it cannot be read",
        &[
            "Ec2EmptyQueryLists",
            "QueryEmptyQueryMaps",
            "input HttpPrefixHeadersAreNotPresent",
            "RestXmlQueryPrecedence",
        ],
    ),
    (
        "about what a client puts up with: an answer without the body that the protocol has, or \
         with one that the model has not",
        &[
            "query output QueryEmptyInputAndEmptyOutput",
            "query output QueryNoInputAndNoOutput",
            "query output QueryNoInputAndOutput",
            "rest-xml output InvalidGreetingError",
            "rest-xml output SimpleScalarPropertiesWithXMLPreamble",
            "handles_unexpected_json_output",
            "AwsJson10HandlesUnexpectedJsonOutput",
            "AwsJson11DeserializeIgnoreType",
            "AwsJson10DeserializeIgnoreType",
            "output AwsJson11IntEnums",
            "parses_the_request_id_from_the_response",
        ],
    ),
    (
        "about where a client looks for an error's code: we always send __type",
        &[
            "FooErrorUsingXAmznErrorType",
            "FooErrorUsingXAmznErrorTypeWithUri",
            "FooErrorUsingXAmznErrorTypeWithUriAndNamespace",
            "FooErrorUsingCode",
            "FooErrorUsingCodeAndNamespace",
            "FooErrorUsingCodeUriAndNamespace",
        ],
    ),
    (
        "an error with structures inside, or members in headers: no AWS service served has one",
        &[
            "Ec2ComplexError",
            "QueryComplexError",
            "rest-xml output ComplexError",
            "AwsJson11ComplexError",
            "AwsJson10ComplexError",
        ],
    ),
    (
        "the payload's root is the shape's name though its member gives one: S3's and Route 53's \
         models mean the member's, and clients do not look",
        &[
            "output RestXmlHttpPayloadWithUnion",
            "output HttpPayloadWithXmlName",
            "output HttpPayloadWithXmlNamespace",
            "output HttpPayloadWithXmlNamespaceAndPrefix",
        ],
    ),
    (
        "headers that describe the body, which the front adds",
        &[
            "output RestXmlHttpPayloadWithUnsetUnion",
            "output RestXmlHttpResponseCode",
            "output IgnoreQueryParamsInResponse",
        ],
    ),
    ("a document type: codegen refuses models with one", &["PutAndGetInlineDocumentsInput"]),
];

struct Tally {
    passed: usize,
    skipped: usize,
    failed: Vec<String>,
}

#[test]
fn requests_and_answers_are_those_of_the_public_cases() {
    let Some(folder) = folder() else {
        eprintln!(
            "\n!!! botocore's protocol cases are NOT RUN: no HANEUL_BOTOCORE_TESTS and no \
             .cache/botocore-1.43.11 (make test unpacks it) !!!\n"
        );
        return;
    };
    let mut tally = Tally { passed: 0, skipped: 0, failed: Vec::new() };
    let files = ["ec2", "query", "rest-xml", "json", "json_1_0", "json_1_0-query-compatible"];
    for (direction, file) in
        ["input", "output"].iter().flat_map(|direction| files.map(|file| (*direction, file)))
    {
        let path = folder.join(direction).join(format!("{file}.json"));
        let text = std::fs::read_to_string(&path).expect("the cases are complete");
        let suites: Vec<Json> = serde_json::from_str(&text).expect("cases are JSON");
        for suite in &suites {
            run_suite(direction, file, suite, &mut tally);
        }
    }
    let Tally { passed, skipped, failed } = tally;
    eprintln!(
        "botocore's protocol cases: {passed} passed, {skipped} skipped, {} failed",
        failed.len()
    );
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

/// What boto3 and the aws CLI sent when they were asked for something: `golden/make.py`.
#[test]
fn recorded_requests_are_read_as_they_were_asked() {
    let suites: Vec<Json> =
        serde_json::from_str(include_str!("golden/requests.json")).expect("the record is JSON");
    let mut tally = Tally { passed: 0, skipped: 0, failed: Vec::new() };
    suites.iter().for_each(|suite| run_suite("input", "golden", suite, &mut tally));
    assert!(tally.failed.is_empty(), "{}", tally.failed.join("\n\n"));
    assert!(tally.passed > 30 && tally.skipped == 0, "{} passed", tally.passed);
}

fn folder() -> Option<PathBuf> {
    let named = std::env::var_os("HANEUL_BOTOCORE_TESTS").map(PathBuf::from);
    let unpacked = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../.cache/botocore-1.43.11/tests/unit/protocols");
    named.or_else(|| unpacked.is_dir().then_some(unpacked))
}

fn run_suite(direction: &str, file: &str, json: &Json, tally: &mut Tally) {
    let suite = Suite::new(json);
    for case in json["cases"].as_array().expect("a suite has cases") {
        let id = case["id"].as_str().expect("a case has an id");
        let title = format!("{file} {direction} {id}");
        let outcome = match direction {
            _ if holds_document(json) => Err("a document type".into()),
            "input" => run_input(&suite, case),
            _ => run_output(&suite, case),
        };
        let skipped = SKIPPED.iter().any(|(_, ids)| ids.iter().any(|id| title.ends_with(id)));
        match outcome {
            Ok(()) if skipped => tally.failed.push(format!("{title} passes: do not skip it")),
            Err(_) if skipped => tally.skipped += 1,
            Ok(()) => tally.passed += 1,
            Err(why) => tally.failed.push(format!("{title}: {why}")),
        }
    }
}

fn holds_document(suite: &Json) -> bool {
    let mut shapes = suite["shapes"].as_object().into_iter().flatten();
    shapes.any(|(_, shape)| shape["document"].as_bool() == Some(true))
}

fn run_input(suite: &Suite, case: &Json) -> Result<(), String> {
    let model = suite.model(&case["given"]);
    let serialized = &case["serialized"];
    let mut parts = parts(serialized);
    if !parts.headers.contains_key(&TARGET) {
        // Cases about something else leave it out; SDKs never do.
        let target = format!("{}.{}", model.target_prefix, model.operations[0].name);
        if matches!(model.protocols[0], Protocol::Json10 | Protocol::Json11) {
            parts.headers.insert(&TARGET, target.parse().expect("a header"));
        }
    }
    let body = Bytes::from(serialized["body"].as_str().unwrap_or_default().to_owned());
    let read = Request::find(model, &parts, body).and_then(|request| request.read());
    let read = read.map_err(|error| error.to_string())?;
    let expected = with_token(model, value_of(model.operations[0].input, &case["params"]));
    let (read, expected) = (normal(read), normal(expected));
    if read == expected {
        Ok(())
    } else {
        Err(format!("\n  read     {read}\n  expected {expected}"))
    }
}

/// Clients fill in a token that their users leave out; the cases' clients always this one.
fn with_token(model: &Model, value: Value) -> Value {
    let Value::Structure(mut members) = value else { return value };
    for member in model.operations[0].input.members().iter().filter(|m| m.idempotency_token) {
        if !members.iter().any(|(name, _)| *name == member.name) {
            let token = "00000000-0000-4000-8000-000000000000";
            members.push((member.name, Value::String(token.into())));
        }
    }
    Value::Structure(members)
}

fn parts(serialized: &Json) -> Parts {
    let mut request = http::Request::builder()
        .method(serialized["method"].as_str().unwrap_or("POST"))
        .uri(serialized["uri"].as_str().unwrap_or("/"));
    if let Some(headers) = serialized["headers"].as_object() {
        for (name, value) in headers {
            request = request.header(name, value.as_str().expect("a header is text"));
        }
    }
    request.body(()).expect("a request").into_parts().0
}

/// A form to compare: members in the order of their names, NaN equal to itself, header names
/// in small letters (the cases' clients keep what HTTP does not).
fn normal(value: Value) -> String {
    match value {
        Value::Structure(mut members) => {
            members.sort_by_key(|(name, _)| *name);
            let members =
                members.into_iter().map(|(name, value)| format!("{name}: {}", normal(value)));
            format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
        }
        Value::Map(mut entries) => {
            entries.sort_by_key(|(key, _)| key.to_lowercase());
            let entries = entries
                .into_iter()
                .map(|(key, value)| format!("{}: {}", key.to_lowercase(), normal(value)));
            format!("<{}>", entries.collect::<Vec<_>>().join(", "))
        }
        Value::List(items) => {
            format!("[{}]", items.into_iter().map(normal).collect::<Vec<_>>().join(", "))
        }
        Value::Stream(Body::Bytes(bytes)) => normal(Value::Blob(bytes)),
        Value::Timestamp(at) => at.to_iso8601(),
        other => format!("{other:?}"),
    }
}

fn run_output(suite: &Suite, case: &Json) -> Result<(), String> {
    let model = suite.model(&case["given"]);
    let operation = &model.operations[0];
    let protocol = model.protocols[0];
    let expected = &case["response"];
    let response = if case["error"].is_object() {
        let error = suite.error(case, expected);
        protocol.refuse(model, &error, "foo-id", &http::Method::POST)
    } else {
        let schema = operation.output.unwrap_or(&crate::schema::NOTHING);
        protocol.answer(model, operation, value_of(schema, &case["result"]), "foo-id")
    };
    let status = expected["status_code"].as_u64().expect("a response has a status");
    if u64::from(response.status().as_u16()) != status {
        return Err(format!("status {} instead of {status}", response.status()));
    }
    for (name, value) in expected["headers"].as_object().into_iter().flatten() {
        let value = value.as_str().expect("a header is text");
        let given = response.headers().get(name).map(|v| String::from_utf8_lossy(v.as_bytes()));
        if !given.as_ref().is_some_and(|given| same_header(name, given, value)) {
            return Err(format!("header {name}: {given:?} instead of {value:?}"));
        }
    }
    let Body::Bytes(body) = response.body() else { return Err("a stream".into()) };
    let body = std::str::from_utf8(body).map_err(|error| error.to_string())?;
    same_body(protocol, body, expected["body"].as_str().unwrap_or_default())
}

/// Spaces after commas and the parameters of content types are not part of the promise.
fn same_header(name: &str, given: &str, expected: &str) -> bool {
    let bare = |text: &str| text.replace(", ", ",");
    bare(given) == bare(expected)
        || (name.eq_ignore_ascii_case("content-type")
            && given.split(';').next() == expected.split(';').next())
        || (name.eq_ignore_ascii_case("x-amzn-errortype")
            && bare_code(given) == bare_code(expected))
}

/// Clients strip an error's namespace and its address.
fn bare_code(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or(code);
    code.rsplit('#').next().unwrap_or(code)
}

fn same_body(protocol: Protocol, given: &str, expected: &str) -> Result<(), String> {
    let same = match protocol {
        _ if given == expected => true,
        Protocol::Json10 | Protocol::Json11 => {
            let json = |text: &str| serde_json::from_str::<Json>(text).ok().map(without_nulls);
            let expected = if expected.is_empty() { "{}" } else { expected };
            json(given).is_some_and(|given| json(expected).is_some_and(|e| same_json(&given, &e)))
        }
        _ => match (tree::parse(given.as_bytes()), tree::parse(expected.as_bytes())) {
            (Ok(given), Ok(expected)) => same_element(&given, &expected),
            _ => false,
        },
    };
    if same { Ok(()) } else { Err(format!("\n  given    {given}\n  expected {expected}")) }
}

fn without_nulls(json: Json) -> Json {
    match json {
        Json::Object(members) => {
            let kept = members.into_iter().filter(|(_, value)| !value.is_null());
            // Clients take either.
            let name = |name| if name == "Message" { "message".to_owned() } else { name };
            kept.map(|(known, value)| (name(known), without_nulls(value))).collect()
        }
        Json::Array(items) => items.into_iter().map(without_nulls).collect(),
        other => other,
    }
}

fn same_json(one: &Json, two: &Json) -> bool {
    match (one, two) {
        (Json::Object(one), Json::Object(two)) => {
            one.len() == two.len()
                && one.iter().all(|(name, value)| {
                    two.get(name).is_some_and(|other| match (value, other) {
                        (Json::String(one), Json::String(two)) if name == "__type" => {
                            bare_code(one) == bare_code(two)
                        }
                        _ => same_json(value, other),
                    })
                })
        }
        (Json::Array(one), Json::Array(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same_json(one, two))
        }
        (Json::Number(one), Json::Number(two)) => one.as_f64() == two.as_f64(),
        (Json::String(one), Json::String(two)) if one != two => {
            let time = crate::Timestamp::parse_iso8601;
            time(one).is_some_and(|one| Some(one) == time(two))
        }
        (one, two) => one == two,
    }
}

/// The same elements whatever their order; the id of a request is ours.
fn same_element(one: &Element, two: &Element) -> bool {
    const OURS: [&str; 4] = ["RequestId", "requestId", "RequestID", "ResponseMetadata"];
    fn children(element: &Element) -> Vec<&Element> {
        let mut kept: Vec<&Element> =
            element.children.iter().filter(|c| !OURS.contains(&c.name.as_str())).collect();
        // Entries of maps come in any order, so equal names are ordered by what they hold.
        kept.sort_by_cached_key(|child| (child.name.clone(), all_text(child)));
        kept
    }
    let (first, second) = (children(one), children(two));
    let sorted = |element: &Element| {
        let mut attributes = element.attributes.clone();
        attributes.sort();
        attributes
    };
    let number = |text: &str| text.trim().parse::<f64>().ok();
    let time = crate::Timestamp::parse_iso8601;
    let same_text = one.text == two.text
        || (one.text.trim().is_empty() && two.text.trim().is_empty())
        || number(&one.text).is_some_and(|one| Some(one) == number(&two.text))
        || time(&one.text).is_some_and(|one| Some(one) == time(&two.text));
    one.name == two.name
        && sorted(one) == sorted(two)
        && same_text
        && first.len() == second.len()
        && first.iter().zip(second).all(|(one, two)| same_element(one, two))
}

fn all_text(element: &Element) -> String {
    let mut parts: Vec<String> = element.children.iter().map(all_text).collect();
    parts.sort();
    format!("{}{}", element.text.trim(), parts.concat())
}
