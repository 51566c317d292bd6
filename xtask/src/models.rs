//! `cargo xtask models`: cuts botocore's service models to the operations haneul serves.
//!
//! For every `models/SERVICE/operations.txt` it reads the service's model out of the pinned
//! botocore and writes `models/SERVICE/model.json`: those operations and the shapes they
//! reach, with constraints, locations and flags; no documentation, examples or endpoint rules;
//! and the bare names of all other operations, so that they can be refused by name.
//! The same input always gives the same bytes. `--models DIR` cuts for other lists than the
//! repository's, to see what they would cost.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::json::Json;

/// The version the models are cut from. Another one is refused: a re-cut must not change
/// shapes by accident.
const BOTOCORE: &str = "1.43.11";

const METADATA: &[&str] = &[
    "apiVersion",
    "awsQueryCompatible",
    "endpointPrefix",
    "jsonVersion",
    "protocol",
    "protocols",
    "serviceId",
    "signingName",
    "targetPrefix",
    "xmlNamespace",
];
const OPERATION: &[&str] = &["name", "http", "input", "output", "errors", "unsignedPayload"];
const SHAPE: &[&str] = &[
    "type",
    "required",
    "enum",
    "min",
    "max",
    "pattern",
    "sensitive",
    "streaming",
    "union",
    "document",
    "flattened",
    "payload",
    "locationName",
    "xmlNamespace",
    "timestampFormat",
    "error",
    "exception",
    "fault",
    "eventstream",
    "event",
];
const MEMBER: &[&str] = &[
    "shape",
    "location",
    "locationName",
    "queryName",
    "flattened",
    "xmlAttribute",
    "xmlNamespace",
    "timestampFormat",
    "streaming",
    "idempotencyToken",
    "jsonvalue",
    "hostLabel",
    "eventpayload",
];

pub fn run(arguments: &[String]) -> Result<(), Box<dyn Error>> {
    let mut services = Vec::new();
    let mut botocore = None;
    let mut models = None;
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--botocore" => {
                botocore = Some(PathBuf::from(arguments.next().ok_or("--botocore needs a folder")?))
            }
            "--models" => {
                models = Some(PathBuf::from(arguments.next().ok_or("--models needs a folder")?))
            }
            service => services.push(service.to_owned()),
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("xtask has no parent")?;
    let botocore = botocore.map_or_else(|| find_botocore(root), Ok)?;
    check_version(&botocore)?;
    let models = models.unwrap_or_else(|| root.join("models"));
    if services.is_empty() {
        services = services_of(&models)?;
    }
    for service in services {
        let folder = models.join(&service);
        let model = read_model(&botocore, &service)?;
        let wanted = std::fs::read_to_string(folder.join("operations.txt"))
            .map_err(|error| format!("{}/operations.txt: {error}", folder.display()))?;
        let cut = cut(&model, &operations(&wanted)).map_err(|e| format!("{service}: {e}"))?;
        std::fs::write(folder.join("model.json"), &cut)?;
        println!("{service}/model.json: {} lines", cut.lines().count());
    }
    Ok(())
}

/// The project's own environment first, then whatever `python3` imports.
fn find_botocore(root: &Path) -> Result<PathBuf, Box<dyn Error>> {
    if let Ok(versions) = std::fs::read_dir(root.join(".venv/lib")) {
        for version in versions {
            let folder = version?.path().join("site-packages/botocore");
            if folder.is_dir() {
                return Ok(folder);
            }
        }
    }
    let asked = Command::new("python3")
        .args(["-c", "import botocore, os; print(os.path.dirname(botocore.__file__))"])
        .output()?;
    if !asked.status.success() {
        return Err("no botocore in .venv nor in python3: name its folder with --botocore".into());
    }
    Ok(PathBuf::from(String::from_utf8(asked.stdout)?.trim()))
}

fn check_version(botocore: &Path) -> Result<(), Box<dyn Error>> {
    let file = botocore.join("__init__.py");
    let text =
        std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    if !text.contains(&format!("__version__ = '{BOTOCORE}'")) {
        return Err(format!("{} is not botocore {BOTOCORE}", botocore.display()).into());
    }
    Ok(())
}

fn services_of(models: &Path) -> Result<Vec<String>, Box<dyn Error>> {
    let mut services = Vec::new();
    for entry in std::fs::read_dir(models)? {
        let entry = entry?;
        if entry.path().join("operations.txt").is_file() {
            services.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    services.sort();
    Ok(services)
}

/// The newest API version's model of a service, packed or not.
fn read_model(botocore: &Path, service: &str) -> Result<Json, Box<dyn Error>> {
    let folder = botocore.join("data").join(service);
    let mut versions: Vec<PathBuf> = std::fs::read_dir(&folder)
        .map_err(|error| format!("{}: {error}", folder.display()))?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    versions.sort();
    let newest = versions.last().ok_or("the service has no version")?;
    let plain = newest.join("service-2.json");
    let text = if plain.is_file() {
        std::fs::read_to_string(plain)?
    } else {
        let mut text = String::new();
        let packed = std::fs::File::open(newest.join("service-2.json.gz"))?;
        flate2::read::GzDecoder::new(packed).read_to_string(&mut text)?;
        text
    };
    Ok(serde_json::from_str(&text)?)
}

fn operations(text: &str) -> BTreeSet<&str> {
    text.lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .filter(|line| !line.is_empty())
        .collect()
}

/// The cut model's text: one operation or shape a line, so that a change of the list shows as
/// the lines it adds.
fn cut(model: &Json, wanted: &BTreeSet<&str>) -> Result<String, Box<dyn Error>> {
    let all = model.get("operations").ok_or("no operations")?.members();
    let shapes = model.get("shapes").ok_or("no shapes")?;
    if let Some(unknown) =
        wanted.iter().find(|name| !all.iter().any(|(known, _)| undated(known) == **name))
    {
        return Err(format!("AWS has no operation {unknown}").into());
    }
    let (served, not_served): (Vec<_>, Vec<_>) =
        all.iter().partition(|(name, _)| wanted.contains(undated(name)));
    let mut reached = BTreeSet::new();
    let mut operations = Vec::new();
    for (_, operation) in &served {
        operations.push(Json::Object(cut_operation(operation)));
        for key in ["input", "output"] {
            if let Some(shape) = operation.get(key).and_then(|io| io.get("shape")) {
                reach(shape.as_str().ok_or("a shape's name is text")?, shapes, &mut reached)?;
            }
        }
        for error in operation.get("errors").map(Json::items).unwrap_or_default() {
            let shape = error.get("shape").and_then(Json::as_str);
            reach(shape.ok_or("an error has a shape")?, shapes, &mut reached)?;
        }
    }
    let mut out = String::from("{\n");
    let metadata = model.get("metadata").ok_or("no metadata")?.keep(METADATA);
    writeln!(out, "\"metadata\":{},", Json::Object(metadata))?;
    writeln!(out, "\"operations\":[")?;
    lines(&mut out, &operations)?;
    writeln!(out, "],\n\"not_served\":[")?;
    let rest = model.get("metadata").and_then(|metadata| metadata.get("protocol"));
    let rest = rest.and_then(Json::as_str).is_some_and(|name| name.starts_with("rest-"));
    let refused: Vec<_> =
        not_served.iter().map(|(name, operation)| refused(name, operation, shapes, rest)).collect();
    lines(&mut out, &refused)?;
    writeln!(out, "],\n\"shapes\":[")?;
    let cut_shapes: Vec<_> = reached
        .iter()
        .map(|name| shapes.get(name).map(|shape| cut_shape(name, shape)).ok_or("a lost shape"))
        .collect::<Result<_, _>>()?;
    lines(&mut out, &cut_shapes)?;
    out.push_str("]\n}\n");
    Ok(out)
}

/// What is kept of an operation that is not served: its name and, where requests do not say
/// the name, how they are known.
fn refused(name: &str, operation: &Json, shapes: &Json, rest: bool) -> Json {
    let mut kept = vec![("name".to_owned(), Json::string(undated(name)))];
    if rest {
        let http = |key: &str| operation.get("http").and_then(|http| http.get(key)).cloned();
        kept.extend(http("method").map(|method| ("method".to_owned(), method)));
        kept.extend(http("requestUri").map(|uri| ("uri".to_owned(), uri)));
        let input = operation.get("input").and_then(|input| input.get("shape"));
        let input = input.and_then(Json::as_str).and_then(|shape| shapes.get(shape));
        for (key, location) in [("query", "querystring"), ("headers", "header")] {
            let names = input.map(|input| required(input, location)).unwrap_or_default();
            if !names.is_empty() {
                kept.push((key.to_owned(), Json::Array(names)));
            }
        }
    }
    Json::Object(kept)
}

/// The wire names of the members that a structure requires at a place.
fn required(input: &Json, location: &str) -> Vec<Json> {
    let required = input.get("required").map(Json::items).unwrap_or_default();
    let members = input.get("members").map(Json::members).unwrap_or_default();
    members
        .iter()
        .filter(|(name, _)| required.iter().any(|known| known.as_str() == Some(name)))
        .filter(|(_, member)| member.get("location").and_then(Json::as_str) == Some(location))
        .map(|(name, member)| member.get("locationName").cloned().unwrap_or(Json::string(name)))
        .collect()
}

/// CloudFront's operations bear the API version at the end of their names; nobody else, its
/// policies' actions included, does: `CreateDistribution2020_05_31`.
fn undated(name: &str) -> &str {
    let dated = name.len() > 10
        && name.is_char_boundary(name.len() - 10)
        && name[name.len() - 10..].bytes().enumerate().all(|(i, byte)| match i {
            4 | 7 => byte == b'_',
            _ => byte.is_ascii_digit(),
        });
    if dated { &name[..name.len() - 10] } else { name }
}

fn lines(out: &mut String, items: &[Json]) -> std::fmt::Result {
    for (i, item) in items.iter().enumerate() {
        writeln!(out, "{item}{}", if i + 1 == items.len() { "" } else { "," })?;
    }
    Ok(())
}

fn cut_operation(operation: &Json) -> Vec<(String, Json)> {
    let mut kept = operation.keep(OPERATION);
    for (name, value) in &mut kept {
        match name.as_str() {
            "name" => *value = Json::string(undated(value.as_str().unwrap_or_default())),
            "input" | "output" => {
                let keys = ["shape", "locationName", "resultWrapper", "xmlNamespace"];
                *value = Json::Object(value.keep(&keys));
            }
            "errors" => {
                let names = value.items().iter().filter_map(|error| error.get("shape"));
                *value = Json::Array(names.cloned().collect());
            }
            _ => {}
        }
    }
    kept
}

fn cut_shape(name: &str, shape: &Json) -> Json {
    let mut kept = vec![("name".to_owned(), Json::string(name))];
    kept.extend(shape.keep(SHAPE));
    for key in ["member", "key", "value"] {
        if let Some(reference) = shape.get(key) {
            kept.push((key.to_owned(), Json::Object(reference.keep(MEMBER))));
        }
    }
    if let Some(members) = shape.get("members") {
        let members = members.members().iter().map(|(name, member)| {
            let mut kept = vec![("name".to_owned(), Json::string(name))];
            kept.extend(member.keep(MEMBER));
            Json::Object(kept)
        });
        kept.push(("members".to_owned(), Json::Array(members.collect())));
    }
    Json::Object(kept)
}

fn reach(name: &str, shapes: &Json, reached: &mut BTreeSet<String>) -> Result<(), String> {
    if !reached.insert(name.to_owned()) {
        return Ok(());
    }
    let shape = shapes.get(name).ok_or_else(|| format!("no shape {name}"))?;
    let members = shape.get("members").map(Json::members).unwrap_or_default();
    let single = ["member", "key", "value"].into_iter().filter_map(|key| shape.get(key));
    for reference in members.iter().map(|(_, member)| member).chain(single) {
        let target = reference.get("shape").and_then(Json::as_str);
        reach(target.ok_or_else(|| format!("{name} refers to nothing"))?, shapes, reached)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: &str = r#"{
        "metadata": {"serviceId": "Toy", "protocol": "query", "uid": "toy"},
        "operations": {
            "Zip": {"name": "Zip", "http": {"method": "POST", "requestUri": "/"},
                "input": {"shape": "ZipRequest"}, "errors": [{"shape": "Torn"}],
                "documentation": "<p>words</p>"},
            "Rip2020_05_31": {"name": "Rip2020_05_31", "http": {"method": "POST", "requestUri": "/"}}
        },
        "shapes": {
            "ZipRequest": {"type": "structure", "required": ["Teeth"], "documentation": "words",
                "members": {"Teeth": {"shape": "Teeth", "documentation": "words"},
                    "Again": {"shape": "ZipRequest"}}},
            "Teeth": {"type": "integer", "min": 1},
            "Torn": {"type": "structure", "members": {}, "error": {"httpStatusCode": 409}},
            "Lost": {"type": "string"}
        }
    }"#;

    fn check(wanted: &str, expected: &str) {
        let model = serde_json::from_str(MODEL).expect("JSON");
        let cut = cut(&model, &operations(wanted)).map_err(|error| error.to_string());
        assert_eq!(cut.unwrap_or_else(|error| error), expected);
    }

    #[test]
    fn only_what_the_list_reaches_is_kept_without_words_and_in_order() {
        check(
            "# a list\nZip # closes\n",
            r#"{
"metadata":{"serviceId":"Toy","protocol":"query"},
"operations":[
{"name":"Zip","http":{"method":"POST","requestUri":"/"},"input":{"shape":"ZipRequest"},"errors":["Torn"]}
],
"not_served":[
{"name":"Rip"}
],
"shapes":[
{"name":"Teeth","type":"integer","min":1},
{"name":"Torn","type":"structure","error":{"httpStatusCode":409},"members":[]},
{"name":"ZipRequest","type":"structure","required":["Teeth"],"members":[{"name":"Teeth","shape":"Teeth"},{"name":"Again","shape":"ZipRequest"}]}
]
}
"#,
        );
    }

    #[test]
    fn a_rest_operation_that_is_not_served_can_still_be_known() {
        let model: Json = serde_json::from_str(
            r#"{"metadata": {"protocol": "rest-xml"},
            "operations": {"UploadPart": {"http": {"method": "PUT", "requestUri": "/{Bucket}/{Key+}"},
                "input": {"shape": "UploadPartRequest"}}},
            "shapes": {"UploadPartRequest": {"type": "structure", "required": ["UploadId", "Bucket"],
                "members": {"UploadId": {"location": "querystring", "locationName": "uploadId"},
                    "Bucket": {"location": "uri"}, "Token": {"location": "header"}}}}}"#,
        )
        .expect("JSON");
        let cut = cut(&model, &operations("")).expect("cut");
        assert!(
            cut.contains(
                r#"{"name":"UploadPart","method":"PUT","uri":"/{Bucket}/{Key+}","query":["uploadId"]}"#
            ),
            "{cut}"
        );
    }

    #[test]
    fn an_operation_aws_does_not_have_is_an_error() {
        check("Zap", "AWS has no operation Zap");
    }
}
