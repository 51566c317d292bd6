//! Which REST operation a request is for: method, path template and what the query says.

use http::request::Parts;

use super::rest::{self, Pairs};
use crate::Error;
use crate::schema::Location;
use crate::service::{Model, NotServed, Operation};

/// The operation, and the labels of its path, decoded.
pub(super) fn find(
    model: &Model,
    parts: &Parts,
    query: &Pairs,
) -> Result<(&'static Operation, Pairs), Error> {
    let served = model.operations.iter().filter_map(|operation| {
        let template = Template {
            method: operation.http_method,
            uri: operation.http_uri,
            query: required(operation, Location::QueryString),
            headers: required(operation, Location::Header),
        };
        template.matches(parts, query).map(|fit| (fit, Ok(operation)))
    });
    let not_served = model.not_served.iter().filter_map(|operation| {
        let NotServed { method, uri, query: names, headers, .. } = *operation;
        let template = Template { method, uri, query: names.to_vec(), headers: headers.to_vec() };
        template.matches(parts, query).map(|fit| (fit, Err(operation)))
    });
    match served.chain(not_served).max_by_key(|(fit, _)| fit.rank) {
        Some((fit, Ok(operation))) => Ok((operation, rest::decode_labels(fit.labels)?)),
        Some((_, Err(operation))) => Err(Error::not_served(model.signing_name, operation.name)),
        None if model.signing_name == "s3" => Err(Error::client(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )),
        None => Err(Error::client(404, "UnknownOperationException", "")),
    }
}

/// The wire names of members that must be there.
fn required(operation: &Operation, location: Location) -> Vec<&'static str> {
    let members = operation.input.members().iter();
    members
        .filter(|member| member.required && member.location == location)
        .map(|member| member.wire_or_name())
        .collect()
}

struct Template {
    method: &'static str,
    uri: &'static str,
    query: Vec<&'static str>,
    headers: Vec<&'static str>,
}

struct Fit<'a> {
    rank: Rank,
    /// Still percent-encoded.
    labels: Vec<(&'static str, &'a str)>,
}

/// The better fit is the greater: more of the template's own query (`?acl`), then more literal
/// path segments, then fewer required parameters missing, then more present. So CopyObject,
/// which is PutObject with one more required header, is found when the header is there, and an
/// operation that lacks a parameter is still found when nothing else fits, to be told so.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    query_literals: usize,
    path_literals: usize,
    missing: std::cmp::Reverse<usize>,
    present: usize,
}

impl Template {
    fn matches<'a>(&self, parts: &'a Parts, query: &Pairs) -> Option<Fit<'a>> {
        if parts.method.as_str() != self.method {
            return None;
        }
        let (path, literals) = self.uri.split_once('?').unwrap_or((self.uri, ""));
        let (path_literals, labels) = match_path(path, parts.uri.path())?;
        let literals: Vec<&str> = literals.split('&').filter(|part| !part.is_empty()).collect();
        let matched = literals.iter().all(|literal| {
            let (name, value) = literal.split_once('=').unwrap_or((literal, ""));
            query.iter().any(|(known, given)| known == name && (value.is_empty() || given == value))
        });
        if !matched {
            return None;
        }
        let has_query = |name: &&&str| query.iter().any(|(known, _)| known == *name);
        let has_header = |name: &&&str| parts.headers.contains_key(**name);
        let present = self.query.iter().filter(has_query).count()
            + self.headers.iter().filter(has_header).count();
        let missing = std::cmp::Reverse(self.query.len() + self.headers.len() - present);
        let query_literals = literals.len();
        Some(Fit { rank: Rank { query_literals, path_literals, missing, present }, labels })
    }
}

/// A path's labels, and how many of its segments are literal. `{Key+}` takes the rest, slashes
/// and all; a slash at the end means nothing otherwise.
fn match_path<'a>(
    template: &'static str,
    path: &'a str,
) -> Option<(usize, Vec<(&'static str, &'a str)>)> {
    let mut left = path.strip_prefix('/').unwrap_or(path);
    let mut labels = Vec::new();
    let mut literals = 0;
    let mut segments = template.split('/').filter(|segment| !segment.is_empty()).peekable();
    while let Some(segment) = segments.next() {
        let label = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        if let Some(name) = label.and_then(|label| label.strip_suffix('+')) {
            // Only ever the last, and never empty: `/bucket/` is the bucket.
            let taken = if segments.peek().is_none() { left } else { return None };
            labels.push((name, taken));
            return (!taken.is_empty()).then_some((literals, labels));
        }
        let (taken, rest) = left.split_once('/').unwrap_or((left, ""));
        match label {
            Some(_) if taken.is_empty() => return None,
            Some(name) => labels.push((name, taken)),
            None if taken == segment => literals += 1,
            None => return None,
        }
        left = rest;
    }
    left.is_empty().then_some((literals, labels))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_matched_as_they_were_sent() {
        let check = |template, path, expected: Option<&[(&str, &str)]>| {
            let got = match_path(template, path).map(|(_, labels)| labels);
            assert_eq!(got.as_deref(), expected, "{template} {path}");
        };
        check("/", "/", Some(&[]));
        check("/{Bucket}", "/", None);
        check("/{Bucket}", "/b", Some(&[("Bucket", "b")]));
        check("/{Bucket}", "/b/", Some(&[("Bucket", "b")]));
        check("/{Bucket}", "/b/k", None);
        check("/{Bucket}/{Key+}", "/b/", None);
        check(
            "/{Bucket}/{Key+}",
            "/b/x//y/../%2F/",
            Some(&[("Bucket", "b"), ("Key", "x//y/../%2F/")]),
        );
        check("/{Bucket}/{Key+}", "/b//", Some(&[("Bucket", "b"), ("Key", "/")]));
        check(
            "/2013-04-01/hostedzone/{Id}/rrset/",
            "/2013-04-01/hostedzone/Z/rrset",
            Some(&[("Id", "Z")]),
        );
        check("/2013-04-01/hostedzone/{Id}", "/2013-04-02/hostedzone/Z", None);
    }
}
