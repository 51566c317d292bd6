//! Whatever can be said in a protocol comes back as it was said.

use proptest::prelude::*;

use super::xml::{read, tree};
use super::*;
use crate::Random;
use crate::protocol::{everything, write_request};

const ALL: [Protocol; 5] =
    [Protocol::Query, Protocol::Ec2, Protocol::RestXml, Protocol::Json10, Protocol::Json11];

/// A request's input, written by a client and read by us.
fn round_of_input(model: &'static Model, input: &Value) -> Value {
    let written = write_request::write(model, input);
    let mut request = http::Request::builder().method("POST").uri(written.uri);
    for (name, value) in written.headers {
        request = request.header(name, value);
    }
    let parts = request.body(()).expect("a request").into_parts().0;
    let request = Request::find(model, &parts, Bytes::from(written.body)).expect("found");
    request.read().expect("read")
}

/// An answer's body, written by us and read as a client does.
fn round_of_output(model: &'static Model, output: &Value) -> Value {
    let operation = &model.operations[0];
    let schema = operation.output.expect("it has one");
    let response = model.protocols[0].answer(model, operation, output.clone(), "id");
    let Body::Bytes(body) = response.into_body() else { panic!("a stream") };
    match model.protocols[0] {
        Protocol::Json10 | Protocol::Json11 => json::read(schema, &body).expect("read"),
        Protocol::RestXml => {
            let root = tree::parse(&body).expect("XML");
            read::value(schema.payload().expect("a payload").schema, &root).expect("read")
        }
        protocol => {
            let mut root = tree::parse(&body).expect("XML");
            if protocol == Protocol::Query {
                root = root.children.swap_remove(0);
            } else {
                root.children.retain(|child| child.name != "requestId");
            }
            Value::Structure(read::structure(schema, &root).expect("read"))
        }
    }
}

/// Members and entries in one order.
fn sorted(value: Value) -> Value {
    match value {
        Value::Structure(members) => {
            let mut members: Vec<_> =
                members.into_iter().map(|(name, value)| (name, sorted(value))).collect();
            members.sort_by_key(|(name, _)| *name);
            Value::Structure(members)
        }
        Value::Map(mut entries) => {
            entries.sort_by(|one, two| one.0.cmp(&two.0));
            Value::Map(entries)
        }
        Value::List(items) => Value::List(items.into_iter().map(sorted).collect()),
        other => other,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn inputs_and_outputs_come_back(seed: u64) {
        for protocol in ALL {
            let model = MODELS.with(|models| models[ALL.iter().position(|p| *p == protocol).expect("listed")]);
            let random = Random::seeded(seed);
            let value = everything::value(model.operations[0].input, &random, 2);
            prop_assert_eq!(
                sorted(round_of_input(model, &value)), sorted(value.clone()), "{:?} input", protocol
            );
            let expected = match (protocol, &value) {
                (Protocol::RestXml, value) => match value.get("Payload") {
                    Some(payload) => payload.clone(),
                    None => continue,
                },
                _ => value.clone(),
            };
            prop_assert_eq!(
                sorted(round_of_output(model, &value)), sorted(expected), "{:?} output", protocol
            );
        }
    }
}

thread_local! {
    static MODELS: [&'static Model; 5] = ALL.map(everything::model);
}
