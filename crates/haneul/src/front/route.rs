//! Which service a request is for. Pure: nothing is verified yet.
//!
//! In this order: the service of the signature's scope; `X-Amz-Target`; a form's `Action` and
//! `Version`; the host's first label; and what remains is S3's, whose anonymous requests
//! carry nothing of all that.

use std::borrow::Cow;
use std::sync::Arc;

use aws::{Model, Service, cut, sigv4};
use http::request::Parts;
use http::{HeaderMap, HeaderName, Uri, header};

/// Where a request goes.
#[derive(Clone)]
pub enum Route {
    Served(Arc<dyn Service>),
    /// AWS has such a service, or may have; haneul does not.
    NotServed {
        service: String,
        looks: Looks,
    },
}

impl Route {
    pub fn is_lacking_s3(&self) -> bool {
        matches!(self, Self::NotServed { looks: Looks::S3, .. })
    }
}

/// What a request for a service that we do not know looks like, and so in what form its
/// sender reads a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Looks {
    Query,
    Ec2,
    RestXml,
    S3,
    Json10,
    Json11,
}

/// The service of the scope that a request claims to be signed for.
pub fn claimed_service(parts: &Parts) -> Option<Cow<'_, str>> {
    sigv4::claimed_scope(&sigv4::Request::from(parts)).map(|(_, service)| service)
}

/// `claimed` is [`claimed_service`]'s; `body` is empty where it was not read.
pub fn route(
    services: &[Arc<dyn Service>],
    domain: &str,
    parts: &Parts,
    claimed: Option<&str>,
    body: &[u8],
) -> Route {
    let host = || service_of_host(host(parts)?, domain);
    let by_name = |name: &str| {
        let named = || services.iter().filter(|service| service.model().signing_name == name);
        let (first, second) = (named().next()?, named().nth(1));
        if second.is_none() {
            return Some(first.clone());
        }
        // Two services may share a signing name (the load balancers do); the version tells.
        let version = form_value(parts, body, "Version");
        let versioned = |service: &&Arc<dyn Service>| version == Some(service.model().api_version);
        Some(named().find(versioned).unwrap_or(first).clone())
    };
    let by_target = |prefix: &str| {
        services.iter().find(|service| service.model().target_prefix == prefix).cloned()
    };
    let by_action = |action: &str| {
        let knows =
            |model: &Model| model.operation(action).is_some() || model.is_not_served(action);
        services.iter().find(|service| knows(service.model())).cloned()
    };
    if let Some(service) = claimed.and_then(by_name) {
        return Route::Served(service);
    }
    let (action, target) = (action(parts, body), target(&parts.headers));
    let found = match (claimed, target, action) {
        (Some(_), _, _) => None,
        (None, Some((prefix, _)), _) => by_target(prefix),
        (None, None, Some(action)) => by_action(action).or_else(|| by_name(&host()?)),
        // What says nothing else is S3's.
        (None, None, None) => by_name(host().as_deref().unwrap_or(unnamed(None))),
    };
    match found {
        Some(service) => Route::Served(service),
        None => {
            let named = claimed.or(target.map(|(prefix, _)| prefix)).map(str::to_owned);
            let service = named.or_else(host);
            let service = service.unwrap_or_else(|| unnamed(action).to_owned());
            let looks = looks(&service, parts, action);
            Route::NotServed { service, looks }
        }
    }
}

fn unnamed(action: Option<&str>) -> &'static str {
    if action.is_some() { "unknown" } else { "s3" }
}

/// The operation's name where the request says it outside of its path: the second half of
/// `X-Amz-Target` or a form's `Action`.
pub fn action<'a>(parts: &'a Parts, body: &'a [u8]) -> Option<&'a str> {
    let named = target(&parts.headers).map(|(_, operation)| operation);
    named.or_else(|| form_value(parts, body, "Action")).filter(|name| is_name(name))
}

/// Made once: to look for a name that is text, that is read first.
static TARGET: HeaderName = HeaderName::from_static("x-amz-target");

fn target(headers: &HeaderMap) -> Option<(&str, &str)> {
    let target = headers.get(&TARGET)?.to_str().ok()?.rsplit_once('.')?;
    Some(target).filter(|(prefix, _)| !prefix.is_empty())
}

/// A form's value from the query or the body, where it needs no decoding, as names do not.
fn form_value<'a>(parts: &'a Parts, body: &'a [u8], name: &str) -> Option<&'a str> {
    let in_query = parts.uri.query().unwrap_or_default();
    let in_body = if is_form(&parts.headers) { std::str::from_utf8(body).ok() } else { None };
    [in_query, in_body.unwrap_or_default()]
        .into_iter()
        .flat_map(|form| cut::every(form, b'&'))
        .find_map(|pair| cut::once(pair, b'=').filter(|(key, _)| *key == name))
        .map(|(_, value)| value)
}

/// Names of operations are of letters and digits, and not long: others stay out of the log.
fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
}

fn looks(service: &str, parts: &Parts, action: Option<&str>) -> Looks {
    let content_type = content_type(&parts.headers);
    if content_type.starts_with("application/x-amz-json-1.0") {
        return Looks::Json10;
    }
    if target(&parts.headers).is_some() || content_type.starts_with("application/x-amz-json") {
        return Looks::Json11;
    }
    match service {
        "s3" | "s3express" | "s3-object-lambda" | "s3-outposts" => Looks::S3,
        "ec2" => Looks::Ec2,
        "route53" | "cloudfront" => Looks::RestXml,
        _ if action.is_some() || is_form(&parts.headers) => Looks::Query,
        // The rest of AWS speaks JSON over REST or CBOR, whose clients read the error's
        // name from a header.
        _ => Looks::Json11,
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

pub fn is_form(headers: &HeaderMap) -> bool {
    content_type(headers).starts_with("application/x-www-form-urlencoded")
}

/// The host that a request was sent to, with its port where the client wrote it.
pub fn full_host(parts: &Parts) -> Option<&str> {
    named_host(&parts.headers, &parts.uri)
}

fn named_host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let named = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    named.or_else(|| uri.authority().map(|authority| authority.as_str()))
}

pub fn host(parts: &Parts) -> Option<&str> {
    host_of(&parts.headers, &parts.uri)
}

/// Without its port.
pub fn host_of<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let host = named_host(headers, uri)?;
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => Some(name),
        _ => Some(host),
    }
}

/// `sts` of `sts.localhost`, `sts.ap-northeast-2.amazonaws.com` and such; S3 also in
/// `bucket.s3.ap-northeast-2.amazonaws.com`.
fn service_of_host(host: &str, domain: &str) -> Option<String> {
    let host = host.to_ascii_lowercase();
    let suffixes = [domain, "localhost", "amazonaws.com"];
    let labels = suffixes.iter().find_map(|suffix| host.strip_suffix(suffix)?.strip_suffix('.'))?;
    if labels.split('.').any(|label| label == "s3" || label.starts_with("s3-")) {
        return Some("s3".into());
    }
    labels.split('.').next().filter(|label| !label.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests;
