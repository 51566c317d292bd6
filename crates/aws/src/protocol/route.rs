//! Which REST operation a request is for: method, path template and what the query says.

use http::request::Parts;

use super::rest::{self, Pairs};
use crate::schema::Location;
use crate::service::{Model, NotServed, Operation, UriTemplate};
use crate::{Error, cut};

/// The operation, and the labels of its path, decoded.
pub(super) fn find(
    model: &Model,
    parts: &Parts,
    query: &Pairs,
) -> Result<(&'static Operation, Pairs), Error> {
    let method = parts.method.as_str();
    let depth = depth(parts.uri.path());
    let mut best: Option<(Fit<'_>, _)> = None;
    let mut consider = |candidate: Candidate| {
        if candidate.method == method
            && is_so_deep(candidate.uri, depth)
            && let Some(fit) = candidate.fit(parts, query)
            && best.as_ref().is_none_or(|(known, _)| known.rank <= fit.rank)
        {
            best = Some((fit, candidate.what));
        }
    };
    // Of two that fit alike the later is taken, and that shall be one that is served: ListBuckets
    // and not ListDirectoryBuckets, which differ by their hosts.
    model.not_served.iter().map(Candidate::not_served).for_each(&mut consider);
    model.operations.iter().map(Candidate::served).for_each(&mut consider);
    let s3 = model.signing_name == "s3";
    match best.filter(|(_, what)| !(s3 && what.is_ok_and(|found| lacks_query(found, query)))) {
        Some((fit, Ok(operation))) => Ok((operation, rest::decode_labels(fit.labels)?)),
        Some((_, Err(operation))) => Err(Error::not_served(model.signing_name, operation.name)
            .with_detail("Operation", operation.name)),
        None if s3 => Err(Error::client(
            405,
            "MethodNotAllowed",
            "The specified method is not allowed against this resource.",
        )),
        None => Err(Error::client(404, "UnknownOperationException", "")),
    }
}

/// S3's operations are told apart by their parameters: a POST to a key is CompleteMultipartUpload
/// only with an `uploadId`.
fn lacks_query(operation: &Operation, query: &Pairs) -> bool {
    let mut members = operation.input.members().iter();
    members.any(|member| {
        member.required
            && member.location == Location::QueryString
            && !query.iter().any(|(known, _)| known == member.wire_or_name())
    })
}

/// An operation that the request may be for. Most are none by their method or by the query of
/// their template, which costs two comparisons.
struct Candidate {
    method: &'static str,
    uri: UriTemplate,
    what: Result<&'static Operation, &'static NotServed>,
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

impl Candidate {
    fn served(operation: &'static Operation) -> Self {
        Self { method: operation.http_method, uri: operation.http_uri, what: Ok(operation) }
    }

    fn not_served(operation: &'static NotServed) -> Self {
        Self { method: operation.method, uri: operation.uri, what: Err(operation) }
    }

    fn fit<'a>(&self, parts: &'a Parts, query: &Pairs) -> Option<Fit<'a>> {
        let query_literals = all_literals(self.uri.query, query)?;
        let (path_literals, labels) = match_path(self.uri.path, parts.uri.path())?;
        let (present, missing) = self.required(parts, query);
        let missing = std::cmp::Reverse(missing);
        Some(Fit { rank: Rank { query_literals, path_literals, missing, present }, labels })
    }

    /// How many of the parameters and headers that must be there are, and are not.
    fn required(&self, parts: &Parts, query: &Pairs) -> (usize, usize) {
        let has_query = |name: &str| query.iter().any(|(known, _)| known == name);
        let has_header = |name: &str| parts.headers.contains_key(name);
        let mut counts = (0, 0);
        let mut count = |has: bool| if has { counts.0 += 1 } else { counts.1 += 1 };
        match self.what {
            Ok(operation) => {
                for member in operation.input.members().iter().filter(|member| member.required) {
                    match member.location {
                        Location::QueryString => count(has_query(member.wire_or_name())),
                        Location::Header => count(has_header(member.wire_or_name())),
                        _ => {}
                    }
                }
            }
            Err(NotServed { query, headers, .. }) => {
                query.iter().for_each(|name| count(has_query(name)));
                headers.iter().for_each(|name| count(has_header(name)));
            }
        }
        counts
    }
}

/// How many segments a path has, of which one after the last slash may be empty: that is none.
fn depth(path: &str) -> usize {
    let path = path.strip_prefix('/').unwrap_or(path);
    let open = !path.is_empty() && !path.ends_with('/');
    memchr::memchr_iter(b'/', path.as_bytes()).count() + usize::from(open)
}

/// Whether a path of so many segments can fit, which tells most of those that do not.
fn is_so_deep(template: UriTemplate, depth: usize) -> bool {
    template.segments == depth || (template.takes_rest && template.segments < depth)
}

/// How many parts the template's own query has, when the request has them all.
fn all_literals(literals: &str, query: &Pairs) -> Option<usize> {
    let mut count = 0;
    if literals.is_empty() {
        return Some(0);
    }
    for literal in cut::every(literals, b'&').filter(|part| !part.is_empty()) {
        let (name, value) = cut::once(literal, b'=').unwrap_or((literal, ""));
        let fits = |(known, given): &(String, String)| {
            known == name && (value.is_empty() || given == value)
        };
        if !query.iter().any(fits) {
            return None;
        }
        count += 1;
    }
    Some(count)
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
    let mut segments = cut::every(template, b'/').filter(|segment| !segment.is_empty()).peekable();
    while let Some(segment) = segments.next() {
        let label = segment.strip_prefix('{').and_then(|inner| inner.strip_suffix('}'));
        if let Some(name) = label.and_then(|label| label.strip_suffix('+')) {
            // Only ever the last, and never empty: `/bucket/` is the bucket.
            let taken = if segments.peek().is_none() { left } else { return None };
            labels.push((name, taken));
            return (!taken.is_empty()).then_some((literals, labels));
        }
        let (taken, rest) = cut::once(left, b'/').unwrap_or((left, ""));
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
            let deep = is_so_deep(UriTemplate::new(template), depth(path));
            assert!(deep || expected.is_none(), "{template} {path}");
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
