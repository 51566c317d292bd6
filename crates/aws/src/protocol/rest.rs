//! REST-XML's bindings: what of an input or output travels in path, query, headers and body.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::request::Parts;
use http::{HeaderMap, Response, StatusCode};

use super::scalar::{self, Unreadable};
use super::xml::{read, tree, write::Writer};
use crate::schema::{Kind, Location, Member, Namespace, Schema, TimestampFormat};
use crate::service::{Model, Operation};
use crate::{Body, Error, Value, cut};

/// Names and values in order, decoded: a path's labels or a query.
pub(super) type Pairs = Vec<(String, String)>;

/// A URL's query. A plus is a space, as S3 reads it.
pub(super) fn query(parts: &Parts) -> Result<Pairs, Error> {
    let text = parts.uri.query().unwrap_or_default();
    let pairs: Vec<&str> = cut::every(text, b'&').filter(|pair| !pair.is_empty()).collect();
    if pairs.len() > super::limits::PARAMETERS_MAX {
        return Err(invalid_uri());
    }
    pairs
        .into_iter()
        .map(|pair| {
            let (name, value) = cut::once(pair, b'=').unwrap_or((pair, ""));
            let text = |text| scalar::percent_decode(text, true).ok_or_else(invalid_uri);
            Ok((text(name)?, text(value)?))
        })
        .collect()
}

pub(super) fn decode_labels(labels: Vec<(&str, &str)>) -> Result<Pairs, Error> {
    let decode = |(name, value): (&str, &str)| {
        let value = scalar::percent_decode(value, false).ok_or_else(invalid_uri)?;
        Ok((name.to_owned(), value))
    };
    labels.into_iter().map(decode).collect()
}

fn invalid_uri() -> Error {
    Error::client(400, "InvalidURI", "Couldn't parse the specified URI.")
}

/// A request's parts, before they are read by an input's schema.
pub(super) struct Request<'a> {
    pub(super) s3: bool,
    pub(super) parts: &'a Parts,
    pub(super) labels: Pairs,
    pub(super) query: Pairs,
    pub(super) body: Body,
}

impl Request<'_> {
    pub(super) fn read(&self, operation: &Operation) -> Result<Value, Error> {
        let schema = operation.input;
        let mut members = Vec::new();
        for member in schema.members() {
            let value = match member.location {
                Location::Body => None,
                Location::Uri => self.label(member)?,
                Location::QueryString => self.query_value(schema, operation, member)?,
                Location::Header => self.header(member)?,
                Location::HeaderPrefix => self.header_map(member),
                // Only answers have one.
                Location::StatusCode => None,
            };
            members.extend(value.map(|value| (member.name, value)));
        }
        match schema.payload() {
            Some(payload) => {
                let value = self.payload(payload)?;
                members.extend(value.map(|value| (payload.name, value)));
            }
            None if schema.members().iter().any(|member| member.location == Location::Body) => {
                members.extend(self.body_members(operation.input_root, schema)?);
            }
            None => {}
        }
        Ok(Value::Structure(members))
    }

    fn label(&self, member: &Member) -> Result<Option<Value>, Error> {
        let name = member.wire_or_name();
        let label = self.labels.iter().find(|(known, _)| known == name);
        label.map(|(_, text)| self.scalar(member, text)).transpose()
    }

    fn query_value(
        &self,
        schema: &Schema,
        operation: &Operation,
        member: &Member,
    ) -> Result<Option<Value>, Error> {
        if let Kind::Map(map) = &member.schema.kind {
            return Ok(self.query_map(schema, operation, matches!(map.value.kind, Kind::List(_))));
        }
        let name = member.wire_or_name();
        let found: Vec<&str> = self
            .query
            .iter()
            .filter(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
            .collect();
        if let Kind::List(list) = &member.schema.kind {
            let items = found.iter().map(|text| self.scalar_of(list.item, name, text));
            let items: Vec<Value> = items.collect::<Result<_, _>>()?;
            return Ok((!items.is_empty()).then_some(Value::List(items)));
        }
        match found.as_slice() {
            [] => Ok(None),
            [text] => self.scalar(member, text).map(Some),
            _ => Err(self.invalid(format!("The parameter {name} is given more than once"))),
        }
    }

    /// Everything in the query that no other member and not the template names.
    fn query_map(&self, schema: &Schema, operation: &Operation, lists: bool) -> Option<Value> {
        let literals = operation.http_uri.query;
        let named = |name: &str| {
            schema.members().iter().any(|member| {
                member.location == Location::QueryString
                    && !matches!(member.schema.kind, Kind::Map(_))
                    && member.wire_or_name() == name
            }) || cut::every(literals, b'&')
                .any(|literal| cut::every(literal, b'=').next() == Some(name))
        };
        let mut entries: Vec<(String, Value)> = Vec::new();
        for (name, text) in self.query.iter().filter(|(name, _)| !named(name)) {
            let text = Value::String(text.clone());
            match (entries.iter_mut().find(|(known, _)| known == name), lists) {
                (Some((_, Value::List(items))), true) => items.push(text),
                (None, true) => entries.push((name.clone(), Value::List(vec![text]))),
                (None, false) => entries.push((name.clone(), text)),
                (Some(_), _) => {}
            }
        }
        (!entries.is_empty()).then_some(Value::Map(entries))
    }

    fn header(&self, member: &Member) -> Result<Option<Value>, Error> {
        let name = member.wire_or_name();
        // Of a dozen headers that an operation may have, most requests have none, and looking one
        // up takes longer than this.
        let named = |known: &HeaderName| known.as_str().eq_ignore_ascii_case(name);
        if !self.parts.headers.keys().any(named) {
            return Ok(None);
        }
        let values: Vec<Cow<'_, str>> =
            self.parts.headers.get_all(name).iter().map(text_of).collect();
        let found: Vec<&str> = values.iter().map(AsRef::as_ref).collect();
        if let Kind::List(list) = &member.schema.kind {
            let dates = matches!(list.item.kind, Kind::Timestamp)
                && list.item.timestamp_format.is_none_or(|f| f == TimestampFormat::HttpDate);
            let texts = found.iter().filter(|text| !text.trim().is_empty());
            let items = texts.flat_map(|text| split_header(text, dates));
            let items = items.map(|text| self.scalar_of(list.item, name, &text));
            let items: Vec<Value> = items.collect::<Result<_, _>>()?;
            return Ok((!found.is_empty()).then_some(Value::List(items)));
        }
        match found.first() {
            Some(text) => self.scalar(member, text).map(Some),
            None => Ok(None),
        }
    }

    fn header_map(&self, member: &Member) -> Option<Value> {
        let prefix = member.wire_name.to_ascii_lowercase();
        let headers = &self.parts.headers;
        let entries: Vec<(String, Value)> = headers
            .keys()
            .filter_map(|name| {
                let key = name.as_str().strip_prefix(&prefix)?;
                // One header in several lines is one value, whose parts a comma joins.
                let lines: Vec<_> = headers.get_all(name).iter().map(text_of).collect();
                Some((key.to_owned(), Value::String(lines.join(","))))
            })
            .collect();
        (!entries.is_empty()).then_some(Value::Map(entries))
    }

    fn scalar(&self, member: &Member, text: &str) -> Result<Value, Error> {
        self.scalar_of(member.schema, member.wire_or_name(), text)
    }

    fn scalar_of(&self, schema: &Schema, name: &str, text: &str) -> Result<Value, Error> {
        scalar::read(schema, text).map_err(|Unreadable(kind)| match (self.s3, kind) {
            (true, "Integer" | "Long") => {
                self.invalid(format!("Provided {name} not an integer or within integer range"))
            }
            _ => self.invalid(format!("'{text}' is not a valid {kind} for {name}")),
        })
    }

    fn payload(&self, member: &Member) -> Result<Option<Value>, Error> {
        if matches!(member.schema.kind, Kind::Stream) {
            return Ok(Some(Value::Stream(self.body.clone())));
        }
        let body = self.whole_body()?;
        if body.is_empty() {
            return Ok(None);
        }
        match member.schema.kind {
            Kind::Blob => Ok(Some(Value::Blob(body.clone()))),
            Kind::String => match std::str::from_utf8(body) {
                Ok(text) => Ok(Some(Value::String(text.into()))),
                Err(_) => Err(self.malformed("text that is not UTF-8")),
            },
            _ => {
                let root = self.root(&payload_roots(member))?;
                let value = read::value(member.schema, &root);
                value.map(Some).map_err(|misfit| self.malformed(&misfit))
            }
        }
    }

    fn body_members(
        &self,
        root: &str,
        schema: &Schema,
    ) -> Result<Vec<(&'static str, Value)>, Error> {
        if self.whole_body()?.is_empty() {
            return Ok(Vec::new());
        }
        let root = self.root(&[root])?;
        read::structure(schema, &root).map_err(|misfit| self.malformed(&misfit))
    }

    fn root(&self, names: &[&str]) -> Result<tree::Element, Error> {
        let root = tree::parse(self.whole_body()?).map_err(|e| self.malformed(&e.to_string()))?;
        if names.contains(&root.name.as_str()) {
            Ok(root)
        } else {
            Err(self.malformed(&format!("unexpected element {}", root.name)))
        }
    }

    fn whole_body(&self) -> Result<&Bytes, Error> {
        match &self.body {
            Body::Bytes(bytes) => Ok(bytes),
            Body::Stream { .. } => Err(Error::internal("a body that should have been collected")),
        }
    }

    fn invalid(&self, message: String) -> Error {
        Error::client(400, if self.s3 { "InvalidArgument" } else { "InvalidInput" }, message)
    }

    fn malformed(&self, what: &str) -> Error {
        if self.s3 {
            Error::client(
                400,
                "MalformedXML",
                "The XML you provided was not well-formed or did not validate against our published schema",
            )
        } else {
            Error::client(400, "MalformedInput", format!("Invalid XML: {what}"))
        }
    }
}

/// What the element around a payload may be called, the likeliest first: the member's name for
/// it, the shape's, or the shape itself. Models made from Smithy's name the last two only.
fn payload_roots(member: &Member) -> Vec<&'static str> {
    let names = [member.wire_name, member.schema.xml_name, member.schema.name];
    names.into_iter().filter(|name| !name.is_empty()).collect()
}

fn payload_root(member: &Member) -> &'static str {
    payload_roots(member).first().copied().unwrap_or(member.name)
}

/// A header's value: UTF-8, or else what HTTP once took all headers to be, ISO 8859-1.
fn text_of(value: &HeaderValue) -> Cow<'_, str> {
    match std::str::from_utf8(value.as_bytes()) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.as_bytes().iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// A header's list: quoted strings may hold commas, and so does every HTTP date.
fn split_header(text: &str, dates: bool) -> Vec<String> {
    if dates {
        let parts: Vec<&str> = text.split(',').map(str::trim).collect();
        return parts.chunks(2).map(|date| date.join(", ")).collect();
    }
    let mut items = Vec::new();
    let mut item = String::new();
    let mut quoted = false;
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '"' => quoted = !quoted,
            '\\' if quoted => item.extend(letters.next()),
            ',' if !quoted => items.push(std::mem::take(&mut item).trim().to_owned()),
            other => item.push(other),
        }
    }
    items.push(item.trim().to_owned());
    items
}

/// The answer of an operation: status, headers and body, without those that every answer has.
pub(super) fn answer(model: &Model, operation: &Operation, output: Value) -> Response<Body> {
    let mut response = Response::new(Body::default());
    let status = StatusCode::from_u16(operation.http_status).unwrap_or(StatusCode::OK);
    *response.status_mut() = status;
    let Some(schema) = operation.output else { return response };
    for member in schema.members() {
        let Some(value) = output.get(member.name) else { continue };
        match (member.location, value) {
            (Location::StatusCode, Value::Integer(number)) => {
                let status = u16::try_from(*number).ok().and_then(|n| StatusCode::from_u16(n).ok());
                *response.status_mut() = status.unwrap_or(StatusCode::OK);
            }
            (Location::Header, value) => put_header(response.headers_mut(), member, value),
            (Location::HeaderPrefix, Value::Map(entries)) => {
                for (key, value) in entries {
                    let name = format!("{}{key}", member.wire_name);
                    let text = scalar::print(value, TimestampFormat::HttpDate);
                    insert(response.headers_mut(), &name, &text.unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    let (body, content_type) = answer_body(model, operation, schema, output);
    if let Some(content_type) = content_type
        && !response.headers().contains_key(CONTENT_TYPE)
    {
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    *response.body_mut() = body;
    response
}

fn answer_body(
    model: &Model,
    operation: &Operation,
    schema: &Schema,
    output: Value,
) -> (Body, Option<&'static str>) {
    let Some(payload) = schema.payload() else {
        if !schema.members().iter().any(|member| member.location == Location::Body) {
            return (Body::default(), None);
        }
        let namespace = root_namespace(model, schema.xml_namespace);
        let root = operation.output_root;
        // GetBucketLocation's one member is the document itself.
        let is_whole = |member: &&Member| member.wire_or_name() == root;
        let whole = schema.members().iter().find(is_whole);
        return match whole.and_then(|member| Some((member, output.get(member.name)?))) {
            Some((member, value)) => (document(root, member.schema, value, namespace), Some(XML)),
            None => (document(root, schema, &output, namespace), Some(XML)),
        };
    };
    let Value::Structure(members) = output else { return (Body::default(), None) };
    let value = members.into_iter().find(|(name, _)| *name == payload.name);
    match value.map(|(_, value)| value) {
        None => (Body::default(), None),
        Some(Value::Stream(body)) => (body, Some("binary/octet-stream")),
        Some(Value::Blob(bytes)) => (bytes.into(), Some("application/octet-stream")),
        Some(Value::String(text)) => (Bytes::from(text).into(), Some("text/plain")),
        Some(value) => {
            let own = payload.xml_namespace.or(payload.schema.xml_namespace);
            let namespace = root_namespace(model, own);
            (document(payload_root(payload), payload.schema, &value, namespace), Some(XML))
        }
    }
}

const XML: &str = "application/xml";

fn root_namespace(model: &Model, own: Option<Namespace>) -> Option<Namespace> {
    let service = Namespace { uri: model.xml_namespace, prefix: "" };
    own.or((!service.uri.is_empty()).then_some(service))
}

fn document(root: &str, schema: &Schema, value: &Value, namespace: Option<Namespace>) -> Body {
    let mut xml = Writer::default();
    xml.value(root, schema, value, None, namespace);
    let text = format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}", xml.finish());
    Bytes::from(text).into()
}

fn put_header(headers: &mut HeaderMap, member: &Member, value: &Value) {
    // Most of them, and not copied for it.
    if let Value::String(text) = value {
        return insert(headers, member.wire_or_name(), text);
    }
    let format = member.timestamp_format.or(member.schema.timestamp_format);
    let text = match (&member.schema.kind, value) {
        (Kind::List(list), Value::List(items)) => {
            let format = list.item.timestamp_format.unwrap_or(TimestampFormat::HttpDate);
            let items = items.iter().filter_map(|item| scalar::print(item, format));
            let quoted = items.map(|item| match list.item.kind {
                Kind::String => quote(&item),
                _ => item,
            });
            quoted.collect::<Vec<_>>().join(", ")
        }
        (_, value) => {
            scalar::print(value, format.unwrap_or(TimestampFormat::HttpDate)).unwrap_or_default()
        }
    };
    insert(headers, member.wire_or_name(), &text);
}

/// An item of a header's list that has a comma or a quote in it must be quoted.
fn quote(item: &str) -> String {
    if item.contains([',', '"']) {
        format!("\"{}\"", item.replace('\\', "\\\\").replace('"', "\\\""))
    } else {
        item.to_owned()
    }
}

fn insert(headers: &mut HeaderMap, name: &str, text: &str) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(text.as_bytes())) {
        headers.insert(name, value);
    }
}
