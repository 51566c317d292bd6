//! A cut model in memory, and what can be known of it: what reaches what.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

pub(crate) struct Model {
    pub(crate) metadata: Json,
    pub(crate) operations: Vec<Operation>,
    pub(crate) not_served: Vec<NotServed>,
    pub(crate) shapes: BTreeMap<String, Shape>,
}

pub(crate) struct Operation {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) status: u64,
    pub(crate) input: Payload,
    pub(crate) output: Payload,
}

/// An operation that is refused by name.
pub(crate) struct NotServed {
    pub(crate) name: String,
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) query: Vec<String>,
    pub(crate) headers: Vec<String>,
}

/// What an operation says of its input or output beyond the shape.
#[derive(Default)]
pub(crate) struct Payload {
    pub(crate) shape: Option<String>,
    pub(crate) wrapper: String,
    pub(crate) root: String,
    /// What the build script says instead.
    pub(crate) forced_root: Option<String>,
    pub(crate) namespace: Option<(String, String)>,
}

pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// The rest, as the model says it.
    pub(crate) json: Json,
}

pub(crate) enum Kind {
    Scalar(&'static str),
    List(Reference),
    Map(Reference, Reference),
    Structure(Vec<Member>),
}

/// A use of a shape, with what is said only of this use.
pub(crate) struct Reference {
    pub(crate) shape: String,
    pub(crate) json: Json,
}

pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) required: bool,
    pub(crate) reference: Reference,
}

impl Model {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let json: Json = serde_json::from_str(text).map_err(|error| error.to_string())?;
        let shapes = items(&json, "shapes")
            .map(|shape| Shape::parse(shape).map(|shape| (shape.name.clone(), shape)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let model = Self {
            metadata: json["metadata"].clone(),
            operations: items(&json, "operations")
                .map(Operation::parse)
                .collect::<Result<_, _>>()?,
            not_served: items(&json, "not_served")
                .map(NotServed::parse)
                .collect::<Result<_, _>>()?,
            shapes,
        };
        for shape in model.shapes.values() {
            for target in shape.targets() {
                model.shapes.get(target).ok_or(format!("{} has no {target}", shape.name))?;
            }
        }
        Ok(model)
    }

    pub(crate) fn has_operation(&self, name: &str) -> bool {
        self.operations.iter().any(|operation| operation.name == name)
    }

    /// The service's own, or what an input's root says: REST services have it only there.
    pub(crate) fn xml_namespace(&self) -> String {
        let of_input = |operation: &Operation| operation.input.namespace.clone();
        let of_shape = |shape: &Shape| match &shape.kind {
            Kind::Structure(members) if shape.json["payload"].is_string() => {
                members.iter().find_map(|member| namespace(&member.reference.json))
            }
            _ => None,
        };
        namespace(&self.metadata)
            .or_else(|| self.operations.iter().find_map(of_input))
            .or_else(|| self.shapes.values().find_map(of_shape))
            .map(|(uri, _)| uri)
            .unwrap_or_default()
    }

    /// Every shape that can be reached from the inputs, or from the outputs.
    pub(crate) fn reached(&self, of: impl Fn(&Operation) -> &Payload) -> BTreeSet<&str> {
        let mut reached = BTreeSet::new();
        let mut left: Vec<&str> =
            self.operations.iter().filter_map(|operation| of(operation).shape.as_deref()).collect();
        while let Some(name) = left.pop() {
            if reached.insert(name) {
                left.extend(self.shapes[name].targets());
            }
        }
        reached
    }

    /// Whether a member of `container` with the shape `target` needs a box, because the
    /// target holds the container directly again. Lists and maps are boxes by themselves.
    pub(crate) fn is_recursive(&self, container: &str, target: &str) -> bool {
        let mut seen = BTreeSet::new();
        let mut left = vec![target];
        while let Some(name) = left.pop() {
            if name == container {
                return true;
            }
            if let Kind::Structure(members) = &self.shapes[name].kind
                && seen.insert(name)
            {
                left.extend(members.iter().map(|member| member.reference.shape.as_str()));
            }
        }
        false
    }
}

impl Operation {
    fn parse(json: &Json) -> Result<Self, String> {
        Ok(Self {
            name: string(json, "name")?,
            method: string(&json["http"], "method")?,
            uri: string(&json["http"], "requestUri")?,
            status: json["http"]["responseCode"].as_u64().unwrap_or(200),
            input: Payload::parse(&json["input"]),
            output: Payload::parse(&json["output"]),
        })
    }
}

impl NotServed {
    fn parse(json: &Json) -> Result<Self, String> {
        let text = |json: &Json| json.as_str().map(str::to_owned);
        Ok(Self {
            name: string(json, "name")?,
            method: json["method"].as_str().unwrap_or_default().into(),
            uri: json["uri"].as_str().unwrap_or_default().into(),
            query: items(json, "query").filter_map(text).collect(),
            headers: items(json, "headers").filter_map(text).collect(),
        })
    }
}

impl Payload {
    fn parse(json: &Json) -> Self {
        Self {
            shape: json["shape"].as_str().map(str::to_owned),
            wrapper: json["resultWrapper"].as_str().unwrap_or_default().into(),
            root: json["locationName"].as_str().unwrap_or_default().into(),
            forced_root: None,
            namespace: namespace(json),
        }
    }
}

impl Shape {
    fn parse(json: &Json) -> Result<Self, String> {
        let name = string(json, "name")?;
        let kind = match json["type"].as_str().unwrap_or_default() {
            "string" | "character" => Kind::Scalar("string"),
            "integer" => Kind::Scalar("integer"),
            "long" => Kind::Scalar("long"),
            "float" => Kind::Scalar("float"),
            "double" => Kind::Scalar("double"),
            "boolean" => Kind::Scalar("boolean"),
            "timestamp" => Kind::Scalar("timestamp"),
            "blob" => Kind::Scalar("blob"),
            "list" => Kind::List(Reference::parse(&json["member"])?),
            "map" => Kind::Map(Reference::parse(&json["key"])?, Reference::parse(&json["value"])?),
            "structure" => Kind::Structure(
                items(json, "members")
                    .map(|member| Member::parse(member, json))
                    .collect::<Result<_, _>>()?,
            ),
            other => return Err(format!("{name} is of the unknown type {other:?}")),
        };
        // Reading these as what they resemble would lose data without a word.
        for unknown in ["document", "eventstream"] {
            if json[unknown].as_bool() == Some(true) {
                return Err(format!("{name} is of the kind {unknown}, which is not supported"));
            }
        }
        Ok(Self { name, kind, json: json.clone() })
    }

    fn targets(&self) -> Vec<&str> {
        match &self.kind {
            Kind::Scalar(_) => Vec::new(),
            Kind::List(item) => vec![&item.shape],
            Kind::Map(key, value) => vec![&key.shape, &value.shape],
            Kind::Structure(members) => {
                members.iter().map(|member| member.reference.shape.as_str()).collect()
            }
        }
    }
}

impl Reference {
    fn parse(json: &Json) -> Result<Self, String> {
        Ok(Self { shape: string(json, "shape")?, json: json.clone() })
    }

    pub(crate) fn wire_name(&self) -> &str {
        self.json["locationName"].as_str().unwrap_or_default()
    }
}

impl Member {
    fn parse(json: &Json, structure: &Json) -> Result<Self, String> {
        let name = string(json, "name")?;
        if json["jsonvalue"].as_bool() == Some(true) {
            return Err(format!("{name} is JSON in a header, which is not supported"));
        }
        let required = items(structure, "required").any(|required| *required == *name);
        Ok(Self { name, required, reference: Reference::parse(json)? })
    }
}

fn items<'a>(json: &'a Json, key: &str) -> impl Iterator<Item = &'a Json> {
    json[key].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn string(json: &Json, key: &str) -> Result<String, String> {
    json[key].as_str().map(str::to_owned).ok_or_else(|| format!("no {key} in {json}"))
}

/// The URI and prefix of an `xmlNamespace`, which is an object or just the URI.
pub(crate) fn namespace(json: &Json) -> Option<(String, String)> {
    let namespace = &json["xmlNamespace"];
    let uri = namespace["uri"].as_str().or(namespace.as_str())?;
    Some((uri.into(), namespace["prefix"].as_str().unwrap_or_default().into()))
}
