//! What answers a request: one [`Service`] for each AWS service, described by a [`Model`]
//! that `codegen` makes from the public service model.

use std::any::Any;

use crate::schema::{Namespace, Schema};
use crate::value::{FromValue, IntoValue};
use crate::{BoxFuture, Call, Check, Error, Mismatch, Value};

/// An AWS service of this region. Implemented by generated code on top of the service's
/// `Operations`; the front and [`crate::Caller`] know only this.
///
/// A request's life: find the [`Operation`] and read a [`Value`] ([`crate::protocol`]),
/// [`Operation::parse`] it, ask [`Service::checks`] and the authorizer, then
/// [`Service::serve`], and print the value that comes back.
pub trait Service: Send + Sync {
    fn model(&self) -> &'static Model;

    /// What must be allowed for this input: the service's authorization table.
    ///
    /// # Errors
    /// When a resource that the question is about cannot be looked up.
    fn checks<'a>(
        &'a self,
        call: &'a Call,
        input: &'a Input,
    ) -> BoxFuture<'a, Result<Vec<Check>, Error>>;

    /// Runs the operation. The caller of this method has authorized it.
    fn serve<'a>(&'a self, call: &'a Call, input: Input) -> BoxFuture<'a, Result<Value, Error>>;
}

/// A service's operations and how they are spoken to.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The prefix of actions and the name in a signature's scope: `iam`, `sts`.
    pub signing_name: &'static str,
    pub service_id: &'static str,
    pub api_version: &'static str,
    /// The namespace of XML answers.
    pub xml_namespace: &'static str,
    /// `X-Amz-Target` before the dot, for JSON services.
    pub target_prefix: &'static str,
    /// Every protocol the service is spoken to in; the model's own first.
    pub protocols: &'static [Protocol],
    /// Whether JSON errors carry the query protocol's code in a header as well.
    pub query_compatible: bool,
    pub operations: &'static [Operation],
    /// Operations that AWS has and haneul does not (yet): refused by name.
    pub not_served: &'static [NotServed],
    pub errors: &'static [ModelledError],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    Query,
    Ec2,
    RestXml,
    Json10,
    Json11,
}

#[derive(Debug)]
pub struct Operation {
    pub name: &'static str,
    pub http_method: &'static str,
    pub http_uri: UriTemplate,
    /// The status of an answer.
    pub http_status: u16,
    pub input: &'static Schema,
    /// `None` for an operation that answers nothing.
    pub output: Option<&'static Schema>,
    /// The element around an answer's members, in the query protocol.
    pub result_wrapper: &'static str,
    /// The root element of a REST-XML body and its namespace; empty when the payload names it.
    pub input_root: &'static str,
    pub input_namespace: Option<Namespace>,
    pub output_root: &'static str,
    /// Turns a value of the input's schema into the service's own input.
    pub parse: fn(Value) -> Result<Input, Mismatch>,
}

/// An operation that haneul does not serve, and how a REST request for it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotServed {
    pub name: &'static str,
    pub method: &'static str,
    pub uri: UriTemplate,
    /// Query parameters and headers that such a request must have.
    pub query: &'static [&'static str],
    pub headers: &'static [&'static str],
}

/// An error shape of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModelledError {
    /// What JSON protocols print.
    pub shape: &'static str,
    /// What query and XML protocols print.
    pub code: &'static str,
    pub status: u16,
}

/// The model's URI template, `/{Bucket}/{Key+}?acl`; `/` for query and JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UriTemplate {
    pub path: &'static str,
    /// What follows the question mark; empty when there is none.
    pub query: &'static str,
    /// Segments of the path that are not empty.
    pub segments: usize,
    /// Whether the last of them is a label that takes the rest.
    pub takes_rest: bool,
}

impl UriTemplate {
    /// Cut when the program is compiled: each request is held against all of a service's.
    pub const fn new(text: &'static str) -> Self {
        let mut at = 0;
        while at < text.len() {
            if text.as_bytes()[at] == b'?' {
                let (path, query) = text.split_at(at);
                return Self::of(path, query.split_at(1).1);
            }
            at += 1;
        }
        Self::of(text, "")
    }

    const fn of(path: &'static str, query: &'static str) -> Self {
        let bytes = path.as_bytes();
        let (mut at, mut segments) = (0, 0);
        while at < bytes.len() {
            if bytes[at] != b'/' && (at == 0 || bytes[at - 1] == b'/') {
                segments += 1;
            }
            at += 1;
        }
        let takes_rest = path.len() > 2 && bytes[at - 2] == b'+' && bytes[at - 1] == b'}';
        Self { path, query, segments, takes_rest }
    }
}

impl Model {
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations.iter().find(|operation| operation.name == name)
    }

    pub fn is_not_served(&self, name: &str) -> bool {
        self.not_served.iter().any(|operation| operation.name == name)
    }
}

/// A parsed input: the service's generated `Input` enum, one variant an operation.
pub struct Input(Box<dyn Any + Send + Sync>);

impl Input {
    pub fn new<T: Any + Send + Sync>(input: T) -> Self {
        Self(Box::new(input))
    }

    /// # Errors
    /// `InternalFailure` when another service's operation parsed it.
    pub fn get<T: Any>(&self) -> Result<&T, Error> {
        self.0.downcast_ref().ok_or_else(|| Error::internal("another service's input"))
    }

    /// # Errors
    /// `InternalFailure` when another service's operation parsed it.
    pub fn take<T: Any>(self) -> Result<T, Error> {
        let inner: Result<Box<T>, _> = self.0.downcast();
        inner.map(|input| *input).map_err(|_| Error::internal("another service's input"))
    }
}

/// For generated code: reads one operation's input.
///
/// # Errors
/// When the value is not of the input's schema.
pub fn parse<T: FromValue, I: Any + Send + Sync>(
    value: Value,
    variant: fn(T) -> I,
) -> Result<Input, Mismatch> {
    Ok(Input::new(variant(T::from_value(value)?)))
}

/// For generated code: the input of an operation that takes none.
///
/// # Errors
/// When the value is no structure.
pub fn parse_nothing<I: Any + Send + Sync>(value: Value, input: I) -> Result<Input, Mismatch> {
    value.into_members(&crate::schema::NOTHING)?;
    Ok(Input::new(input))
}

/// For generated code: an operation's answer as a value.
///
/// # Errors
/// The operation's own.
pub fn answer<T: IntoValue>(output: Result<T, Error>) -> Result<Value, Error> {
    Ok(output?.into_value().unwrap_or(Value::Structure(Vec::new())))
}

impl FromValue for () {
    fn from_value(_: Value) -> Result<Self, Mismatch> {
        Ok(())
    }
}

/// The answer of an operation that has none.
impl IntoValue for () {
    fn into_value(self) -> Option<Value> {
        None
    }
}
