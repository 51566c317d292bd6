//! AWS's own Signature Version 4 test suite, as the botocore package ships it. The package is
//! not part of this repository: its source archive is unpacked into `.cache/` at the workspace
//! root (`pip download --no-deps --no-binary :all: botocore==1.43.11`), or
//! `HANEUL_BOTOCORE_TESTS` names the folder that holds its `tests`.

use std::path::{Path, PathBuf};

use aws::sigv4::{Body, Request};
use http::{HeaderMap, HeaderName, HeaderValue};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

fn suite_folder() -> Option<PathBuf> {
    let root = match std::env::var_os("HANEUL_BOTOCORE_TESTS") {
        Some(folder) => PathBuf::from(folder),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.cache/botocore-1.43.11"),
    };
    let inside = ["tests/unit/auth/aws4_testsuite", "unit/auth/aws4_testsuite", "aws4_testsuite"];
    inside.iter().map(|path| root.join(path)).find(|path| path.is_dir())
}

#[test]
fn every_signed_request_of_the_suite_is_accepted() {
    let Some(folder) = suite_folder() else {
        eprintln!(
            "\n*** NOT RUN: AWS's signature test suite is not here. Set HANEUL_BOTOCORE_TESTS or \
             unpack botocore-1.43.11.tar.gz into .cache/ ***\n"
        );
        return;
    };
    let mut requests = Vec::new();
    find_requests(&folder, &mut requests);
    requests.sort();
    assert!(requests.len() >= 31, "the suite has 31 cases or more, not {}", requests.len());
    for file in requests {
        let read = |file: &Path| std::fs::read_to_string(file).expect("a readable case");
        // The `.sreq` files hold it too, but one of them holds that of another case.
        let authorization = read(&file.with_extension("authz"));
        check_case(&file.display().to_string(), &read(&file), authorization.trim());
    }
}

fn find_requests(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("a readable entry").path();
        if path.is_dir() {
            find_requests(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "sreq") {
            found.push(path);
        }
    }
}

fn check_case(name: &str, text: &str, authorization: &str) {
    let text = text.replace('\r', "");
    let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
    let (line, headers) = head.split_once('\n').expect("a request line and headers");
    let (method, target) = line.split_once(' ').expect("a method");
    let target = target.trim_end_matches(" HTTP/1.1");
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let mut headers = read_headers(headers);
    headers.insert("authorization", authorization.parse().expect("a header value"));
    let request = Request { method, path, query, headers: &headers, authority: None };
    let now = super::at("20150830T123600Z");
    let accepted = |request: &Request<'_>, body: &str| {
        super::accept(request, "service", SECRET, now, Body::Whole(body.as_bytes()))
    };
    if let Err(error) = accepted(&request, body) {
        panic!("{name}: {error:?}");
    }
    assert!(accepted(&request, &format!("{body}x")).is_err(), "{name}: another body");
    assert!(
        accepted(&Request { method: "PUT", ..request }, body).is_err(),
        "{name}: another method"
    );
    let other = format!("{path}x");
    assert!(accepted(&Request { path: &other, ..request }, body).is_err(), "{name}: another path");
}

/// With header lines that continue the one above.
fn read_headers(text: &str) -> HeaderMap {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines() {
        match lines.last_mut() {
            Some(last) if line.starts_with(' ') => *last += line,
            _ => lines.push(line.to_owned()),
        }
    }
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').expect("a header line");
        let name: HeaderName = name.parse().expect("a header name");
        headers.append(name, HeaderValue::from_str(value.trim()).expect("a header value"));
    }
    headers
}
