//! Pages for people and scripts that only want to know whether the region runs: no
//! signature, no secret.

use super::body::Outgoing;
use bytes::Bytes;
use http::{Method, Request, Response, header};
use serde_json::{Map, Value, json};

use super::Front;

/// The page at the request's path, when there is one.
pub fn page<B>(request: &Request<B>, front: &Front) -> Option<Response<Outgoing>> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return None;
    }
    let content = match request.uri().path() {
        "/_haneul/health" => haneul(front),
        // As LocalStack's, so that wrappers and test frameworks made for it find the region.
        "/_localstack/health" | "/health" => localstack(front),
        "/_haneul/unsupported" => json!({ "unsupported": front.unsupported() }),
        _ => return None,
    };
    let mut response = Response::new(Bytes::from(format!("{content}\n")).into());
    let json = header::HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    Some(response)
}

fn haneul(front: &Front) -> Value {
    json!({
        "version": crate::VERSION,
        "region": front.region,
        "services": services(front),
    })
}

fn localstack(front: &Front) -> Value {
    json!({
        "services": services(front),
        "version": crate::VERSION,
        "edition": "haneul",
    })
}

/// Only what is served: a service that haneul lacks is not "available".
fn services(front: &Front) -> Map<String, Value> {
    front.services().into_iter().map(|name| (name, "running".into())).collect()
}
