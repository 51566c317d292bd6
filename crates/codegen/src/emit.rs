//! The Rust text of a model: tables, one line a member.

use std::fmt::Write;

use serde_json::Value as Json;

use crate::Service;
use crate::model::{
    Kind, Member, Model, NotServed, Operation, Payload, Reference, Shape, namespace,
};
use crate::name::snake;

pub(crate) fn emit(model: &Model, service: &Service) -> String {
    let inputs = model.reached(|operation| &operation.input);
    let outputs = model.reached(|operation| &operation.output);
    let called = service.called.is_some();
    let (read, write) = if called { (&outputs, &inputs) } else { (&inputs, &outputs) };
    let mut out = String::new();
    for name in inputs.union(&outputs) {
        let shape = &model.shapes[*name];
        let directions = match (service.both_directions, read.contains(name), write.contains(name))
        {
            (true, ..) | (_, true, true) => "both",
            (_, true, false) => "read",
            _ => "write",
        };
        shape_text(&mut out, model, shape, directions);
    }
    if called {
        model.operations.iter().for_each(|operation| ask(&mut out, model, operation));
    } else {
        input_enum(&mut out, model);
        operations_trait(&mut out, model);
        table(&mut out, model);
        served(&mut out, model);
        model_table(&mut out, model);
    }
    out
}

/// Appends a line; writing to a string cannot fail.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {
        writeln!($out, $($text)*).expect("a string takes any text")
    };
}

fn shape_text(out: &mut String, model: &Model, shape: &Shape, directions: &str) {
    let name = &shape.name;
    let more = constraints(shape);
    match &shape.kind {
        Kind::Scalar(kind) => {
            if built_in(shape).is_none() {
                let kind = if is_stream(&shape.json) { "stream" } else { kind };
                line!(
                    out,
                    "pub static {}: ::aws::schema::Schema = ::aws::schema::Schema::{kind}({name:?}){more};",
                    ident(name)
                );
            }
        }
        Kind::List(item) => {
            let constructor = if is_true(&shape.json, "flattened") { "flat_list" } else { "list" };
            line!(
                out,
                "pub static {}: ::aws::schema::Schema = ::aws::schema::Schema::{constructor}({name:?}, &{}, {:?}){more};",
                ident(name),
                schema_path(model, item),
                item.wire_name()
            );
        }
        Kind::Map(key, value) => line!(
            out,
            "pub static {}: ::aws::schema::Schema = ::aws::schema::Schema::map({name:?}, (&{}, {:?}), (&{}, {:?}), {}){more};",
            ident(name),
            schema_path(model, key),
            key.wire_name(),
            schema_path(model, value),
            value.wire_name(),
            is_true(&shape.json, "flattened")
        ),
        Kind::Structure(members) => structure(out, model, shape, members, directions),
    }
}

fn structure(out: &mut String, model: &Model, shape: &Shape, members: &[Member], directions: &str) {
    let payload = shape.json["payload"].as_str();
    let constructor = match payload {
        Some(_) => "with_payload",
        None if is_true(&shape.json, "union") => "union",
        None => "structure",
    };
    let payload = payload.map(|payload| format!("{payload:?}")).unwrap_or_default();
    out.push_str(&format!(
        "::aws::structure! {{ {} [{directions}] {constructor} [{payload}] [{}] {{",
        ident(&shape.name),
        constraints(shape)
    ));
    for member in members {
        out.push_str(&format!(
            "\n{} {:?}: {} = {} [{}];",
            snake(&member.name),
            member.name,
            member_type(model, shape, member),
            schema_path(model, &member.reference),
            member_more(member)
        ));
    }
    line!(out, " }} }}");
}

fn member_type(model: &Model, shape: &Shape, member: &Member) -> String {
    let inner = rust_type(model, &member.reference);
    let inner = if model.is_recursive(&shape.name, &member.reference.shape) {
        format!("::std::boxed::Box<{inner}>")
    } else {
        inner
    };
    if member.required { inner } else { format!("::std::option::Option<{inner}>") }
}

fn rust_type(model: &Model, reference: &Reference) -> String {
    let shape = &model.shapes[&reference.shape];
    match &shape.kind {
        Kind::Scalar("string") => "::std::string::String".into(),
        Kind::Scalar("integer") => "i32".into(),
        Kind::Scalar("long") => "i64".into(),
        Kind::Scalar("float" | "double") => "f64".into(),
        Kind::Scalar("boolean") => "bool".into(),
        Kind::Scalar("timestamp") => "::aws::Timestamp".into(),
        Kind::Scalar(_) if is_stream(&shape.json) || is_stream(&reference.json) => {
            "::aws::Body".into()
        }
        Kind::Scalar(_) => "::aws::value::Bytes".into(),
        Kind::List(item) => format!("::std::vec::Vec<{}>", rust_type(model, item)),
        Kind::Map(_, value) => format!(
            "::std::collections::BTreeMap<::std::string::String, {}>",
            rust_type(model, value)
        ),
        Kind::Structure(_) => ident(&shape.name),
    }
}

/// What a member says beyond its name and shape, as calls of `Member`'s builders.
fn member_more(member: &Member) -> String {
    let json = &member.reference.json;
    let mut more = String::new();
    let mut add = |text: String| more.push_str(&text);
    if let Some(name) = json["locationName"].as_str() {
        add(format!(".wire({name:?})"));
    }
    if let Some(name) = json["queryName"].as_str() {
        add(format!(".query({name:?})"));
    }
    let location = match json["location"].as_str() {
        Some("header") => Some("Header"),
        Some("headers") => Some("HeaderPrefix"),
        Some("uri") => Some("Uri"),
        Some("querystring") => Some("QueryString"),
        Some("statusCode") => Some("StatusCode"),
        _ => None,
    };
    if let Some(location) = location {
        add(format!(".at(::aws::schema::Location::{location})"));
    }
    if member.required {
        add(".required()".into());
    }
    if is_true(json, "flattened") {
        add(".flattened()".into());
    }
    if is_true(json, "xmlAttribute") {
        add(".attribute()".into());
    }
    if is_true(json, "idempotencyToken") {
        add(".token()".into());
    }
    add(xmlns(json));
    add(format(json));
    more
}

/// What a shape says beyond its name and kind, as calls of `Schema`'s builders.
fn constraints(shape: &Shape) -> String {
    let json = &shape.json;
    let mut more = String::new();
    for bound in ["min", "max"] {
        // Bounds of floats are fractions in the model; none of those has ever mattered.
        if let Some(value) = json[bound].as_i64() {
            more.push_str(&format!(".{bound}({value})"));
        }
    }
    if let Some(pattern) = json["pattern"].as_str() {
        more.push_str(&format!(
            ".pattern({{ static P: ::aws::schema::Pattern = ::aws::schema::Pattern::new({pattern:?}); &P }})"
        ));
    }
    if let Some(values) = json["enum"].as_array() {
        let values: Vec<String> = values.iter().map(Json::to_string).collect();
        more.push_str(&format!(".values(&[{}])", values.join(", ")));
    }
    if is_true(json, "sensitive") {
        more.push_str(".sensitive()");
    }
    if let Some(name) = json["locationName"].as_str() {
        more.push_str(&format!(".xml_name({name:?})"));
    }
    more.push_str(&xmlns(json));
    more.push_str(&format(json));
    more
}

fn xmlns(json: &Json) -> String {
    namespace(json).map(|(uri, prefix)| format!(".xmlns({uri:?}, {prefix:?})")).unwrap_or_default()
}

fn format(json: &Json) -> String {
    let format = match json["timestampFormat"].as_str() {
        Some("iso8601") => "Iso8601",
        Some("rfc822") => "HttpDate",
        Some("unixTimestamp") => "EpochSeconds",
        _ => return String::new(),
    };
    format!(".format(::aws::schema::TimestampFormat::{format})")
}

fn schema_path(model: &Model, reference: &Reference) -> String {
    let shape = &model.shapes[&reference.shape];
    if is_stream(&reference.json) {
        return "::aws::schema::STREAM".into();
    }
    built_in(shape).map_or_else(|| ident(&shape.name), |name| format!("::aws::schema::{name}"))
}

/// The schema that `aws` has for a scalar about which the model says nothing more.
fn built_in(shape: &Shape) -> Option<&'static str> {
    let Kind::Scalar(kind) = shape.kind else { return None };
    if !constraints(shape).is_empty() || is_stream(&shape.json) {
        return None;
    }
    Some(match kind {
        "string" => "STRING",
        "integer" => "INTEGER",
        "long" => "LONG",
        "float" => "FLOAT",
        "double" => "DOUBLE",
        "boolean" => "BOOLEAN",
        "timestamp" => "TIMESTAMP",
        _ => "BLOB",
    })
}

fn is_true(json: &Json, flag: &str) -> bool {
    json[flag].as_bool().unwrap_or(false)
}

fn is_stream(json: &Json) -> bool {
    is_true(json, "streaming")
}

/// A shape's name as a Rust name. Only `Self` is both a legal shape and a word of Rust.
fn ident(name: &str) -> String {
    if name == "Self" { "Self_".into() } else { name.into() }
}

fn input_enum(out: &mut String, model: &Model) {
    let variants =
        model.operations.iter().map(|Operation { name, input, .. }| match &input.shape {
            Some(shape) => format!("{name}({}), ", ident(shape)),
            None => format!("{name}, "),
        });
    let variants: String = variants.collect();
    line!(out, "#[derive(Clone, Debug, PartialEq)]\npub enum Input {{ {variants}}}");
}

fn operations_trait(out: &mut String, model: &Model) {
    line!(
        out,
        "pub trait Operations: ::std::marker::Send + ::std::marker::Sync + 'static {{\n\
         fn checks(&self, call: &::aws::Call, input: &Input) -> impl ::std::future::Future<Output = ::std::result::Result<::std::vec::Vec<::aws::Check>, ::aws::Error>> + ::std::marker::Send;"
    );
    for Operation { name, input, output, .. } in &model.operations {
        let input = argument(input, "input: ");
        let output = output.shape.as_deref().map_or_else(|| "()".into(), ident);
        line!(
            out,
            "fn {}(&self, call: &::aws::Call{input}) -> impl ::std::future::Future<Output = ::std::result::Result<{output}, ::aws::Error>> + ::std::marker::Send;",
            snake(name)
        );
    }
    line!(out, "}}");
}

fn argument(input: &Payload, before: &str) -> String {
    input.shape.as_deref().map(|shape| format!(", {before}{}", ident(shape))).unwrap_or_default()
}

/// A table in place of delegation: `operations! { Iam, checks: table, GetUser: user::get }`
/// implements `Operations` by one function an operation, each of `(&Iam, &Call, input)`.
fn table(out: &mut String, model: &Model) {
    line!(
        out,
        "#[allow(unused_macros)]\nmacro_rules! operations {{\n\
         ($server:ty, checks: $checks:path, $($operation:ident: $function:path),+ $(,)?) => {{\n\
         impl $crate::model::Operations for $server {{\n\
         async fn checks(&self, call: &::aws::Call, input: &$crate::model::Input) -> ::std::result::Result<::std::vec::Vec<::aws::Check>, ::aws::Error> {{ Ok($checks(self, call, input).await?) }}\n\
         $( $crate::model::operations!(@ $operation $function); )+\n\
         }}\n\
         }};"
    );
    for Operation { name, input, output, .. } in &model.operations {
        let shape = |name: &str| format!("$crate::model::{}", ident(name));
        let (parameter, argument) = match input.shape.as_deref() {
            Some(name) => (format!(", input: {}", shape(name)), ", input"),
            None => (String::new(), ""),
        };
        let output = output.shape.as_deref().map_or_else(|| "()".into(), shape);
        line!(
            out,
            "(@ {name} $function:path) => {{ async fn {}(&self, call: &::aws::Call{parameter}) -> ::std::result::Result<{output}, ::aws::Error> {{ Ok($function(self, call{argument}).await?) }} }};",
            snake(name)
        );
    }
    line!(out, "}}\n#[allow(unused_imports)]\npub(crate) use operations;");
}

/// The erased form of an implementation of `Operations`.
fn served(out: &mut String, model: &Model) {
    line!(
        out,
        "pub fn service<T: Operations>(operations: ::std::sync::Arc<T>) -> ::std::sync::Arc<dyn ::aws::Service> {{ ::std::sync::Arc::new(Served(operations)) }}\n\
         struct Served<T>(::std::sync::Arc<T>);\n\
         impl<T: Operations> ::aws::Service for Served<T> {{\n\
         fn model(&self) -> &'static ::aws::Model {{ &MODEL }}\n\
         fn checks<'a>(&'a self, call: &'a ::aws::Call, input: &'a ::aws::Input) -> ::aws::BoxFuture<'a, ::std::result::Result<::std::vec::Vec<::aws::Check>, ::aws::Error>> {{\n\
         ::std::boxed::Box::pin(async move {{ self.0.checks(call, input.get::<Input>()?).await }})\n\
         }}\n\
         fn serve<'a>(&'a self, call: &'a ::aws::Call, input: ::aws::Input) -> ::aws::BoxFuture<'a, ::std::result::Result<::aws::Value, ::aws::Error>> {{\n\
         let input = match input.take::<Input>() {{\n\
         ::std::result::Result::Ok(input) => input,\n\
         ::std::result::Result::Err(error) => return ::std::boxed::Box::pin(async move {{ ::std::result::Result::Err(error) }}),\n\
         }};"
    );
    dry_run(out, model);
    line!(out, "match input {{");
    for Operation { name, input, .. } in &model.operations {
        let (pattern, argument) = match input.shape {
            Some(_) => ("(input)", ", input"),
            None => ("", ""),
        };
        line!(
            out,
            "Input::{name}{pattern} => ::std::boxed::Box::pin(async move {{ ::aws::service::answer(self.0.{}(call{argument}).await) }}),",
            snake(name)
        );
    }
    line!(out, "}}\n}}\n}}");
}

/// EC2's `DryRun`: whoever comes here is authorized, and nothing else is asked. Other services
/// that have such a member answer it with codes of their own.
fn dry_run(out: &mut String, model: &Model) {
    if model.metadata["protocol"].as_str() != Some("ec2") {
        return;
    }
    let has = |operation: &&Operation| {
        let shape = operation.input.shape.as_ref().map(|name| &model.shapes[name].kind);
        matches!(shape, Some(Kind::Structure(members)) if members.iter().any(|member| member.name == "DryRun"))
    };
    line!(out, "#[allow(unreachable_patterns)]\nlet dry_run = match &input {{");
    for Operation { name, .. } in model.operations.iter().filter(has) {
        line!(out, "Input::{name}(input) => input.dry_run,");
    }
    line!(
        out,
        "_ => ::std::option::Option::None }};\n\
         if dry_run == ::std::option::Option::Some(true) {{ return ::std::boxed::Box::pin(async {{ ::std::result::Result::Err(::aws::Error::dry_run()) }}); }}"
    );
}

fn model_table(out: &mut String, model: &Model) {
    let text = |key: &str| model.metadata[key].as_str().unwrap_or_default().to_owned();
    let signing_name = match text("signingName") {
        name if name.is_empty() => text("endpointPrefix"),
        name => name,
    };
    let namespace = model.xml_namespace();
    line!(
        out,
        "pub static MODEL: ::aws::Model = ::aws::Model {{\n\
         signing_name: {signing_name:?}, service_id: {:?}, api_version: {:?}, xml_namespace: {namespace:?}, target_prefix: {:?},\n\
         protocols: &[{}], query_compatible: {},\n\
         operations: &[",
        text("serviceId"),
        text("apiVersion"),
        text("targetPrefix"),
        protocols(&model.metadata),
        !model.metadata["awsQueryCompatible"].is_null()
    );
    model.operations.iter().for_each(|operation| operation_row(out, model, operation));
    // On one line: EC2 has hundreds, and they are only names.
    out.push_str("],\nnot_served: &[");
    for operation in &model.not_served {
        let NotServed { name, method, uri, query, headers } = operation;
        let row = format!(
            "::aws::service::NotServed {{ name: {name:?}, method: {method:?}, uri: ::aws::service::UriTemplate::new({uri:?}), query: &{query:?}, headers: &{headers:?} }}, "
        );
        out.push_str(&row);
    }
    out.push_str("],\nerrors: &[");
    for shape in model.shapes.values() {
        error_row(out, shape);
    }
    line!(out, "],\n}};");
}

fn protocols(metadata: &Json) -> String {
    let json = match metadata["jsonVersion"].as_str() {
        Some("1.0") => "Json10",
        _ => "Json11",
    };
    let mut known = Vec::new();
    let all = metadata["protocols"].as_array().cloned().unwrap_or_default();
    for protocol in std::iter::once(&metadata["protocol"]).chain(&all) {
        let protocol = match protocol.as_str() {
            Some("query") => "Query",
            Some("ec2") => "Ec2",
            Some("rest-xml") => "RestXml",
            Some("json") => json,
            // Protocols that haneul does not speak, beside one that it does.
            _ => continue,
        };
        let path = format!("::aws::Protocol::{protocol}");
        if !known.contains(&path) {
            known.push(path);
        }
    }
    known.join(", ")
}

fn operation_row(out: &mut String, model: &Model, operation: &Operation) {
    let Operation { name, method, uri, status, input, output } = operation;
    let namespace = |payload: &Payload| match &payload.namespace {
        Some((uri, prefix)) => format!(
            "::std::option::Option::Some(::aws::schema::Namespace {{ uri: {uri:?}, prefix: {prefix:?} }})"
        ),
        None => "::std::option::Option::None".into(),
    };
    let (input_schema, parse) = match &input.shape {
        Some(shape) => (ident(shape), "parse"),
        None => ("::aws::schema::NOTHING".into(), "parse_nothing"),
    };
    let output_schema = output.shape.as_deref().map_or_else(
        || "::std::option::Option::None".into(),
        |shape| format!("::std::option::Option::Some(&{})", ident(shape)),
    );
    line!(
        out,
        "::aws::Operation {{ name: {name:?}, http_method: {method:?}, http_uri: ::aws::service::UriTemplate::new({uri:?}), http_status: {status}, input: &{input_schema}, output: {output_schema}, result_wrapper: {:?}, input_root: {:?}, input_namespace: {}, output_root: {:?}, parse: |value| ::aws::service::{parse}(value, Input::{name}) }},",
        output.wrapper,
        root(model, input),
        namespace(input),
        output.forced_root.clone().unwrap_or_else(|| root(model, output)),
    );
}

/// The root element of a REST-XML body: the shape's word, or the operation's, or its name.
fn root(model: &Model, payload: &Payload) -> String {
    let Some(shape) = payload.shape.as_ref().map(|name| &model.shapes[name]) else {
        return String::new();
    };
    match (shape.json["locationName"].as_str(), payload.root.as_str()) {
        (Some(name), _) => name.into(),
        (None, "") => shape.name.clone(),
        (None, name) => name.into(),
    }
}

fn error_row(out: &mut String, shape: &Shape) {
    if !is_true(&shape.json, "exception") && shape.json["error"].is_null() {
        return;
    }
    let error = &shape.json["error"];
    let code = error["code"].as_str().unwrap_or(&shape.name);
    let otherwise = if is_true(&shape.json, "fault") { 500 } else { 400 };
    let status = error["httpStatusCode"].as_u64().unwrap_or(otherwise);
    out.push_str(&format!(
        "::aws::service::ModelledError {{ shape: {:?}, code: {code:?}, status: {status} }}, ",
        shape.name
    ));
}

/// How a caller asks for an operation: by its input's type.
fn ask(out: &mut String, model: &Model, operation: &Operation) {
    let text = |key: &str| model.metadata[key].as_str().unwrap_or_default().to_owned();
    let service = match text("signingName") {
        name if name.is_empty() => text("endpointPrefix"),
        name => name,
    };
    let input = operation.input.shape.as_deref().map_or_else(
        || {
            let name = format!("{}Request", operation.name);
            line!(out, "::aws::structure! {{ {name} [write] structure [] [] {{ }} }}");
            name
        },
        ident,
    );
    let answer = operation.output.shape.as_deref().map_or_else(|| "()".into(), ident);
    line!(
        out,
        "impl ::aws::caller::Ask for {} {{ const SERVICE: &'static str = {service:?}; const OPERATION: &'static str = {:?}; type Answer = {answer}; }}",
        input,
        operation.name
    );
}
