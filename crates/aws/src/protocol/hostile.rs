//! Any bytes as a request: what fuzzing calls, and a bounded form of it in every test run.
//!
//! The first line is method and URI, the next ones headers to an empty line, the rest the body:
//! close enough to HTTP that a mutation of one part stays in that part.

use super::{Request, everything};
use crate::service::{Model, Protocol};
use crate::{Error, Value, validate};

/// Reads a request of a protocol from any bytes.
///
/// # Panics
/// When a reader does, or when a value costs more than its text.
pub fn read(protocol: Protocol, data: &[u8]) {
    thread_local! {
        static MODELS: std::cell::RefCell<Vec<&'static Model>> = const { std::cell::RefCell::new(Vec::new()) };
    }
    let model = MODELS.with_borrow_mut(|models| {
        let known = models.iter().find(|model| model.protocols[0] == protocol).copied();
        known.unwrap_or_else(|| {
            let model = everything::model(protocol);
            models.push(model);
            model
        })
    });
    read_with(model, data);
}

fn read_with(model: &'static Model, data: &[u8]) -> Option<Result<Value, Error>> {
    let end = data.windows(2).position(|two| two == b"\n\n").unwrap_or(data.len());
    let (head, body) = (&data[..end], data.get(end + 2..).unwrap_or_default());
    let mut lines = head.split(|byte| *byte == b'\n');
    let first = lines.next().unwrap_or_default();
    let space = first.iter().position(|byte| *byte == b' ')?;
    let mut request = http::Request::builder().method(&first[..space]).uri(&first[space + 1..]);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], &line[colon + 1..]);
    }
    let parts = request.body(()).ok()?.into_parts().0;
    let found = Request::find(model, &parts, bytes::Bytes::copy_from_slice(body));
    let read = found.and_then(|request| {
        let value = request.read()?;
        validate::violations(request.operation.input, &value);
        Ok(value)
    });
    match &read {
        Ok(value) => assert!(cost(value) <= 2 * data.len() + 64, "more values than text"),
        Err(error) => {
            assert!((400..500).contains(&error.status), "{error}");
            assert!(error.message.len() <= 3 * data.len() + 512, "{error}");
            model.protocols[0].refuse(model, error, "id", &parts.method);
        }
    }
    Some(read)
}

/// Values and the bytes in them.
fn cost(value: &Value) -> usize {
    1 + match value {
        Value::String(text) => text.len(),
        Value::Blob(bytes) => bytes.len(),
        Value::List(items) => items.iter().map(cost).sum(),
        Value::Map(entries) => entries.iter().map(|(key, value)| key.len() + cost(value)).sum(),
        Value::Structure(members) => members.iter().map(|(_, value)| cost(value)).sum(),
        _ => 0,
    }
}

/// A well-formed request to begin from.
#[cfg(test)]
fn seed_of(model: &'static Model, seed: u64) -> Vec<u8> {
    let value = everything::value(model.operations[0].input, &crate::Random::seeded(seed), 2);
    let written = super::write_request::write(model, &value);
    let mut data = format!("POST {}\n", written.uri).into_bytes();
    for (name, value) in written.headers {
        data.extend_from_slice(format!("{name}:{value}\n").as_bytes());
    }
    data.push(b'\n');
    data.extend(written.body);
    data
}

#[cfg(test)]
mod tests;
