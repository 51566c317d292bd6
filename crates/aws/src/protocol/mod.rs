//! The wire protocols: from an HTTP request to an operation and a [`Value`], and from a value
//! or an [`Error`] to an answer.
//!
//! Each protocol is a reader and a writer over [`crate::schema`]: they know every shape of
//! every service as data. [`Protocol::choose`] names the protocol of a request,
//! [`Request::find`] the operation, [`Request::input`] its input; [`Protocol::answer`] and
//! [`Protocol::refuse`] print. Nothing here does I/O.

#[cfg(test)]
mod cases;
#[cfg(any(test, fuzzing))]
mod dynamic;
#[cfg(any(test, fuzzing))]
mod everything;
mod form;
#[cfg(any(test, fuzzing))]
pub mod hostile;
mod json;
pub mod limits;
mod query;
mod refuse;
mod rest;
#[cfg(test)]
mod round_trip;
mod route;
mod scalar;
#[cfg(test)]
mod write_request;
mod xml;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use crate::schema::Kind;
use crate::service::{Input, Model, Operation, Protocol};
use crate::validate::{self, Constraint};
use crate::{Body, Error, Value};
use form::Form;

pub use refuse::s3_host_id;
pub use scalar::percent_decode;

/// A request whose operation is known.
pub struct Request<'a> {
    pub protocol: Protocol,
    pub operation: &'static Operation,
    content: Content<'a>,
}

enum Content<'a> {
    Form(Form),
    Json(Bytes),
    Rest(rest::Request<'a>),
}

impl Protocol {
    /// Which of the model's protocols a request speaks. Never fails, so that whatever is wrong
    /// with the request can be said in a protocol that its sender understands.
    pub fn choose(model: &Model, parts: &Parts) -> Self {
        let json = parts.headers.contains_key(&TARGET);
        let spoken = |protocol: &&Self| match protocol {
            Self::Json10 | Self::Json11 => json,
            Self::Query | Self::Ec2 | Self::RestXml => !json,
        };
        let first = model.protocols.first().copied().unwrap_or(Self::Query);
        model.protocols.iter().find(spoken).copied().unwrap_or(first)
    }

    /// The answer to a request whose operation succeeded.
    pub fn answer(
        self,
        model: &Model,
        operation: &Operation,
        output: Value,
        request_id: &str,
    ) -> Response<Body> {
        let mut response = match self {
            Self::Query => {
                let text = query::answer(model, operation, &output, request_id);
                with_body(operation.http_status, "text/xml", text)
            }
            Self::Ec2 => {
                let text = query::ec2_answer(model, operation, &output, request_id);
                with_body(operation.http_status, "text/xml;charset=UTF-8", text)
            }
            Self::RestXml => rest::answer(model, operation, output),
            Self::Json10 | Self::Json11 => {
                with_body(operation.http_status, self.json_type(), json::answer(operation, &output))
            }
        };
        self.add_request_id(model, request_id, response.headers_mut());
        response
    }

    /// The answer to a request that is refused, for whatever reason, before or after its
    /// operation is known. `method` because an answer to HEAD has no body, and neither has what
    /// is no failure.
    pub fn refuse(
        self,
        model: &Model,
        error: &Error,
        request_id: &str,
        method: &http::Method,
    ) -> Response<Body> {
        let content_type = match self {
            Self::Query => "text/xml",
            Self::Ec2 => "text/xml;charset=UTF-8",
            Self::RestXml => "application/xml",
            Self::Json10 | Self::Json11 => self.json_type(),
        };
        let no_failure = matches!(error.status, 202 | 304);
        let empty = method == http::Method::HEAD || no_failure;
        let text = if empty { String::new() } else { refuse::body(self, model, error, request_id) };
        let mut response = with_body(error.status, content_type, text);
        if no_failure {
            response.headers_mut().remove(header::CONTENT_TYPE);
        }
        refuse::headers(self, model, error, response.headers_mut());
        self.add_request_id(model, request_id, response.headers_mut());
        response
    }

    fn json_type(self) -> &'static str {
        match self {
            Self::Json10 => "application/x-amz-json-1.0",
            _ => "application/x-amz-json-1.1",
        }
    }

    fn add_request_id(self, model: &Model, request_id: &str, headers: &mut HeaderMap) {
        let name = match (self, model.signing_name) {
            (Self::RestXml, "s3") => HeaderName::from_static("x-amz-request-id"),
            _ => HeaderName::from_static("x-amzn-requestid"),
        };
        if let Ok(value) = HeaderValue::from_str(request_id) {
            headers.insert(name, value);
        }
    }
}

/// Made once: to look for a name that is text, that is read first.
static TARGET: HeaderName = HeaderName::from_static("x-amz-target");

fn with_body(status: u16, content_type: &'static str, body: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::Bytes(body.into()));
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

/// A REST request whose operation is known by its head, before its body is read.
pub struct Head<'a> {
    pub operation: &'static Operation,
    request: rest::Request<'a>,
}

impl<'a> Head<'a> {
    /// # Errors
    /// As [`Request::find`].
    pub fn find(model: &Model, parts: &'a Parts) -> Result<Self, Error> {
        let query = rest::query(parts)?;
        let (operation, labels) = route::find(model, parts, &query)?;
        let s3 = model.signing_name == "s3";
        let request = rest::Request { s3, parts, labels, query, body: Body::default() };
        Ok(Self { operation, request })
    }

    /// Whether the request's body is to be handed on as it arrives (an object's bytes) rather
    /// than collected first.
    pub fn streams(&self) -> bool {
        takes_stream(self.operation)
    }

    /// A label of the path, decoded.
    pub fn label(&self, name: &str) -> Option<&str> {
        let (_, value) = self.request.labels.iter().find(|(known, _)| known == name)?;
        Some(value)
    }

    /// The request, with its body in memory unless it [streams](Self::streams).
    ///
    /// # Errors
    /// For a body that is too large.
    pub fn with_body(self, body: impl Into<Body>) -> Result<Request<'a>, Error> {
        let (operation, body) = (self.operation, body.into());
        let body = if self.streams() { body } else { whole(body)?.into() };
        let request = rest::Request { body, ..self.request };
        Ok(Request { protocol: Protocol::RestXml, operation, content: Content::Rest(request) })
    }
}

fn takes_stream(operation: &Operation) -> bool {
    operation.input.payload().is_some_and(|member| matches!(member.schema.kind, Kind::Stream))
}

impl<'a> Request<'a> {
    /// Finds the operation of a request. The body is in memory unless the operation
    /// takes a stream, and unpacked:
    /// a signature covers the packed form, so whoever verified that has to unpack.
    ///
    /// # Errors
    /// AWS's own for an operation that AWS does not have, and [`Error::not_served`] for one
    /// that haneul does not; whatever is wrong with a form that should name the operation.
    pub fn find(model: &Model, parts: &'a Parts, body: impl Into<Body>) -> Result<Self, Error> {
        let protocol = Protocol::choose(model, parts);
        let body = body.into();
        let (operation, content) = match protocol {
            Protocol::Query | Protocol::Ec2 => {
                let body = whole(body)?;
                let form = Form::parse(parts.uri.query().unwrap_or_default(), &body)?;
                (query::operation(protocol, model, &form)?, Content::Form(form))
            }
            Protocol::Json10 | Protocol::Json11 => {
                let target = parts.headers.get(&TARGET).and_then(|target| target.to_str().ok());
                let operation = json::operation(model, target.unwrap_or_default())?;
                (operation, Content::Json(whole(body)?))
            }
            Protocol::RestXml => return Head::find(model, parts)?.with_body(body),
        };
        Ok(Self { protocol, operation, content })
    }

    /// The operation's input as it was sent.
    ///
    /// # Errors
    /// Each protocol's own when the request does not have the form of the input's schema.
    pub fn read(&self) -> Result<Value, Error> {
        match &self.content {
            Content::Form(form) => query::read(self.protocol, self.operation.input, form),
            Content::Json(body) => json::read(self.operation.input, body),
            Content::Rest(request) => request.read(self.operation),
        }
    }

    /// [`Self::read`], validated against the model and parsed.
    ///
    /// # Errors
    /// As for [`Self::read`], and each protocol's own for a violated constraint.
    pub fn input(&self) -> Result<Input, Error> {
        let value = self.read()?;
        let mut violations = validate::violations(self.operation.input, &value);
        let s3 = matches!(&self.content, Content::Rest(request) if request.s3);
        if s3 {
            // The one pattern, of x-amz-copy-source, is of what the header is decoded to: SDKs
            // encode its slash as well.
            violations.retain(|found| !matches!(found.constraint, Constraint::Pattern(_)));
        }
        if !violations.is_empty() {
            return Err(if s3 {
                refuse::s3_violation(self.operation.input, &violations)
            } else {
                refuse::violations(self.protocol, &violations)
            });
        }
        (self.operation.parse)(value).map_err(Error::internal)
    }
}

/// A body that has been collected.
fn whole(body: Body) -> Result<Bytes, Error> {
    match body {
        Body::Bytes(bytes) if bytes.len() <= limits::BODY_BYTES_MAX => Ok(bytes),
        Body::Bytes(_) => Err(limits::body_too_large()),
        Body::Stream { .. } => Err(Error::internal("a body that should have been collected")),
    }
}
