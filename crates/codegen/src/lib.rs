//! From a cut service model (`models/SERVICE/model.json`) to Rust, at build time.
//!
//! A service crate's `build.rs` says
//!
//! ```no_run
//! codegen::service("../../models/iam/model.json").write("iam_model.rs");
//! ```
//!
//! and the crate includes the file from `OUT_DIR` as its module `model`. In it are
//!
//! - a plain struct for each structure the operations reach, and beside it, under the same
//!   name, its `aws::schema::Schema`: one line a member, expanded by `aws::structure!`;
//! - `enum Input` with a variant for each operation;
//! - `trait Operations` with an async method for each operation, and `checks`, the
//!   authorization table: one `match` over `&Input`, so that an operation without a row does
//!   not compile;
//! - `static MODEL`, and `service(Arc<impl Operations>)`, which makes an `aws::Service`.
//!
//! A crate that calls another service asks for [`Service::called`] instead. What is written is
//! for the compiler: nobody reads it, and it is never committed.

mod emit;
mod model;
mod name;

use std::path::{Path, PathBuf};

/// What to make of a service's model.
pub struct Service {
    path: PathBuf,
    called: Option<Vec<String>>,
    both_directions: bool,
    output_roots: Vec<(String, String)>,
}

/// A model, by its path from the crate whose `build.rs` is running.
pub fn service(path: impl AsRef<Path>) -> Service {
    Service {
        path: path.as_ref().to_owned(),
        called: None,
        both_directions: false,
        output_roots: Vec::new(),
    }
}

impl Service {
    /// For a crate that calls these operations of the service: inputs that can be written,
    /// outputs that can be read, and no `Operations`.
    #[must_use]
    pub fn called(mut self, operations: &[&str]) -> Self {
        self.called = Some(operations.iter().map(|&name| name.into()).collect());
        self
    }

    /// Makes every structure readable and writable; for tests that go round.
    #[must_use]
    pub fn both_directions(mut self) -> Self {
        self.both_directions = true;
        self
    }

    /// The root element of an operation's answer where AWS's differs from the model's:
    /// `ListAllMyBucketsResult` of S3's ListBuckets.
    #[must_use]
    pub fn output_root(mut self, operation: &str, root: &str) -> Self {
        self.output_roots.push((operation.into(), root.into()));
        self
    }

    /// Writes the Rust file into `OUT_DIR`.
    ///
    /// # Panics
    /// When the model cannot be read or the file cannot be written: a build script has no
    /// better way to fail.
    pub fn write(self, file: &str) {
        println!("cargo::rerun-if-changed={}", self.path.display());
        let out = std::env::var_os("OUT_DIR").expect("cargo sets OUT_DIR for build scripts");
        let text = std::fs::read_to_string(&self.path)
            .unwrap_or_else(|error| panic!("{}: {error}", self.path.display()));
        let code = self.generate(&text).unwrap_or_else(|error| {
            panic!("{}: {error}", self.path.display());
        });
        let file = Path::new(&out).join(file);
        std::fs::write(&file, code).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    }

    /// The Rust text for a model's text.
    ///
    /// # Errors
    /// A sentence when the model is not of the form that `cargo xtask models` writes.
    pub fn generate(&self, model: &str) -> Result<String, String> {
        let mut model = model::Model::parse(model)?;
        if let Some(called) = &self.called {
            if let Some(unknown) = called.iter().find(|name| !model.has_operation(name)) {
                return Err(format!("the model has no operation {unknown}"));
            }
            model.operations.retain(|operation| called.contains(&operation.name));
        }
        for (name, root) in &self.output_roots {
            let operation = model.operations.iter_mut().find(|operation| operation.name == *name);
            operation.ok_or(format!("the model has no operation {name}"))?.output.forced_root =
                Some(root.clone());
        }
        Ok(emit::emit(&model, self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{
        "metadata": {"endpointPrefix": "toy", "protocol": "query", "apiVersion": "2026-11-22"},
        "operations": [
            {"name": "Wind", "http": {"method": "POST", "requestUri": "/"}, "input": {"shape": "WindRequest"},
                "output": {"shape": "WindResult", "resultWrapper": "WindResult"}, "errors": ["Snapped"]},
            {"name": "Stop", "http": {"method": "POST", "requestUri": "/"}}
        ],
        "not_served": [{"name": "Repair"}],
        "shapes": [
            {"name": "Key", "type": "string", "min": 1, "pattern": "[a-z]+", "sensitive": true},
            {"name": "Turns", "type": "integer"},
            {"name": "Snapped", "type": "structure", "error": {"code": "Snap", "httpStatusCode": 409}, "members": []},
            {"name": "WindRequest", "type": "structure", "required": ["Key"], "members": [
                {"name": "Key", "shape": "Key"}, {"name": "Type", "shape": "Turns", "locationName": "type"},
                {"name": "Again", "shape": "WindRequest"}]},
            {"name": "WindResult", "type": "structure", "members": []}
        ]
    }"#;

    fn check(service: Service, expected: &[&str], absent: &[&str]) {
        let made = service.generate(MODEL).expect("a model");
        for line in expected {
            assert!(made.contains(line), "no {line} in\n{made}");
        }
        for line in absent {
            assert!(!made.contains(line), "{line} in\n{made}");
        }
    }

    #[test]
    fn a_served_model_reads_inputs_and_writes_outputs() {
        check(
            service("toy"),
            &[
                "::aws::structure! { WindRequest [read] structure [] [] {",
                "key \"Key\": ::std::string::String = Key [.required()];",
                "r#type \"Type\": ::std::option::Option<i32> = ::aws::schema::INTEGER [.wire(\"type\")];",
                "again \"Again\": ::std::option::Option<::std::boxed::Box<WindRequest>> = WindRequest [];",
                "::aws::structure! { WindResult [write] structure [] [] { } }",
                "Schema::string(\"Key\").min(1).pattern(",
                ".sensitive();",
                "pub enum Input { Wind(WindRequest), Stop, }",
                "fn stop(&self, call: &::aws::Call) -> ",
                "NotServed { name: \"Repair\"",
                "ModelledError { shape: \"Snapped\", code: \"Snap\", status: 409 }",
            ],
            &["Ask for"],
        );
    }

    #[test]
    fn a_called_model_goes_the_other_way_and_has_only_what_is_asked_for() {
        check(
            service("toy").called(&["Wind"]),
            &[
                "WindRequest [write]",
                "WindResult [read]",
                "impl ::aws::caller::Ask for WindRequest { const SERVICE: &'static str = \"toy\"; const OPERATION: &'static str = \"Wind\"; type Answer = WindResult; }",
            ],
            &["trait Operations", "Stop"],
        );
        check(
            service("toy").called(&["Stop"]),
            &["structure! { StopRequest [write]", "type Answer = ();"],
            &["Wind"],
        );
    }

    #[test]
    fn what_cannot_be_made_faithfully_is_refused() {
        let check = |service: Service, model: &str, expected: &str| {
            assert_eq!(service.generate(model).expect_err(expected), expected);
        };
        let unknown = "the model has no operation Fly";
        check(service("toy").called(&["Fly"]), MODEL, unknown);
        check(service("toy").output_root("Fly", "Wings"), MODEL, unknown);
        let document = MODEL.replace(
            "\"type\": \"structure\", \"members\": []",
            "\"type\": \"structure\", \"document\": true, \"members\": []",
        );
        check(
            service("toy"),
            &document,
            "WindResult is of the kind document, which is not supported",
        );
        check(
            service("toy"),
            &MODEL.replace("{\"name\": \"Turns\", \"type\": \"integer\"},", ""),
            "WindRequest has no Turns",
        );
    }
}
