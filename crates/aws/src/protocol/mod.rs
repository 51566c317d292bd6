//! The wire protocols: from an HTTP request to an operation and a [`Value`], and from a value
//! or an [`Error`] to an answer.
//!
//! Each protocol is a reader and a writer over [`crate::schema`]: they know every shape of
//! every service as data. [`Protocol::choose`] names the protocol of a request,
//! [`Request::find`] the operation, [`Request::read`] its input; [`Protocol::answer`] and
//! [`Protocol::refuse`] print. Nothing here does I/O.

mod form;
pub mod limits;
mod query;
mod refuse;
mod scalar;
mod xml;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::service::{Input, Model, Operation, Protocol};
use crate::{Body, Error, Value, validate};
use form::Form;

/// A request whose operation is known.
pub struct Request {
    pub protocol: Protocol,
    pub operation: &'static Operation,
    content: Content,
}

enum Content {
    Form(Form),
}

impl Protocol {
    /// Which of the model's protocols a request speaks. Never fails, so that whatever is wrong
    /// with the request can be said in a protocol that its sender understands.
    pub fn choose(model: &Model, parts: &Parts) -> Self {
        let json = parts.headers.contains_key("x-amz-target");
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
    ) -> http::Response<Body> {
        match self {
            Self::Query => {
                let text = query::answer(model, operation, &output, request_id);
                let mut response = self.response(operation.http_status, text.into(), request_id);
                insert(response.headers_mut(), header::CONTENT_TYPE, "text/xml");
                response
            }
            Self::Ec2 | Self::RestXml | Self::Json10 | Self::Json11 => {
                unreachable!("not yet spoken")
            }
        }
    }

    /// The answer to a request that is refused, for whatever reason, before or after its
    /// operation is known. `head` is for requests whose answers have no body.
    pub fn refuse(
        self,
        model: &Model,
        error: &Error,
        request_id: &str,
        head: bool,
    ) -> http::Response<Body> {
        let text = refuse::body(self, model, error, request_id);
        let body = if head { Bytes::new() } else { text.into() };
        let mut response = self.response(error.status, body, request_id);
        let headers = response.headers_mut();
        match self {
            Self::Query | Self::RestXml => insert(headers, header::CONTENT_TYPE, "text/xml"),
            Self::Ec2 => insert(headers, header::CONTENT_TYPE, "text/xml;charset=UTF-8"),
            Self::Json10 => insert(headers, header::CONTENT_TYPE, "application/x-amz-json-1.0"),
            Self::Json11 => insert(headers, header::CONTENT_TYPE, "application/x-amz-json-1.1"),
        }
        refuse::headers(self, model, error, headers);
        response
    }

    fn response(self, status: u16, body: Bytes, request_id: &str) -> http::Response<Body> {
        let mut response = http::Response::new(Body::Bytes(body));
        *response.status_mut() =
            StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let name = match self {
            Self::RestXml => "x-amz-request-id",
            Self::Query | Self::Ec2 | Self::Json10 | Self::Json11 => "x-amzn-requestid",
        };
        insert(response.headers_mut(), header::HeaderName::from_static(name), request_id);
        response
    }
}

/// A header whose value cannot be one (a line break in a name) is left out.
fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

impl Request {
    /// Finds the operation of a request.
    ///
    /// # Errors
    /// AWS's own for an operation that AWS does not have, and [`Error::not_served`] for one
    /// that haneul does not; whatever is wrong with a form that should name the operation.
    pub fn find(model: &Model, parts: &Parts, body: &Bytes) -> Result<Self, Error> {
        if body.len() > limits::BODY_BYTES_MAX {
            return Err(limits::body_too_large());
        }
        let protocol = Protocol::choose(model, parts);
        match protocol {
            Protocol::Query | Protocol::Ec2 => {
                let form = Form::parse(parts.uri.query().unwrap_or_default(), body)?;
                let operation = query::operation(protocol, model, &form)?;
                Ok(Self { protocol, operation, content: Content::Form(form) })
            }
            Protocol::RestXml | Protocol::Json10 | Protocol::Json11 => {
                unreachable!("not yet spoken")
            }
        }
    }

    /// The operation's input as it was sent.
    ///
    /// # Errors
    /// Each protocol's own when the request does not have the form of the input's schema.
    pub fn read(&self) -> Result<Value, Error> {
        match &self.content {
            Content::Form(form) => query::read(self.protocol, self.operation.input, form),
        }
    }

    /// [`Self::read`], validated against the model and parsed.
    ///
    /// # Errors
    /// As for [`Self::read`], and each protocol's own for a violated constraint.
    pub fn input(&self) -> Result<Input, Error> {
        let value = self.read()?;
        let violations = validate::violations(self.operation.input, &value);
        if !violations.is_empty() {
            return Err(refuse::violations(self.protocol, &violations));
        }
        (self.operation.parse)(value).map_err(Error::internal)
    }
}
