use http::{HeaderMap, HeaderName, Method};

use super::evaluate::Resource;
use super::*;
use crate::model::CORSConfiguration;
use crate::testing::{World, code};

fn list(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn rule(origins: &[&str], methods: &[&str]) -> CORSRule {
    CORSRule {
        allowed_origins: list(origins),
        allowed_methods: list(methods),
        ..Default::default()
    }
}

async fn configured(rules: Vec<CORSRule>) -> (World, Result<(), Error>) {
    let world = World::new();
    world.bucket("pages").await;
    let input = PutBucketCorsRequest {
        bucket: "pages".into(),
        cors_configuration: CORSConfiguration { cors_rules: rules },
        ..Default::default()
    };
    let put = put(&world.s3, &world.owner(), input).await;
    (world, put)
}

fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let header = |(name, value): &(&str, &str)| {
        (name.parse::<HeaderName>().expect("a name"), value.parse().expect("a value"))
    };
    pairs.iter().map(header).collect()
}

#[tokio::test]
async fn a_configuration_is_judged_kept_and_removed() {
    let whole = CORSRule {
        id: Some("one".into()),
        allowed_headers: Some(list(&["x-*"])),
        expose_headers: Some(list(&["ETag"])),
        max_age_seconds: Some(5),
        ..rule(&["http://*.a", "http://test:80"], &["GET", "PUT"])
    };
    let (world, put) = configured(vec![whole.clone(), rule(&["*"], &["HEAD"])]).await;
    put.expect("taken");
    let ask = || GetBucketCorsRequest { bucket: "pages".into(), ..Default::default() };
    let kept = get(&world.s3, &world.owner(), ask()).await.expect("kept");
    assert_eq!(kept.cors_rules, Some(vec![whole, rule(&["*"], &["HEAD"])]));
    for _ in 0..2 {
        let input = DeleteBucketCorsRequest { bucket: "pages".into(), ..Default::default() };
        delete(&world.s3, &world.owner(), input).await.expect("removed, or none before");
        let gone = get(&world.s3, &world.owner(), ask()).await;
        assert_eq!(code(gone), "NoSuchCORSConfiguration");
    }
}

#[tokio::test]
async fn what_no_rule_can_be_is_refused() {
    async fn check(rules: Vec<CORSRule>, expected: (&str, &str)) {
        let refused = configured(rules).await.1.expect_err("refused");
        assert_eq!(refused.code, expected.0);
        assert!(refused.message.contains(expected.1), "{}", refused.message);
    }
    check(vec![], ("MalformedXML", "")).await;
    check(vec![rule(&["*"], &["GET"]); 101], ("MalformedXML", "")).await;
    check(vec![rule(&[], &["GET"])], ("MalformedXML", "")).await;
    check(vec![rule(&["*"], &[])], ("MalformedXML", "")).await;
    let unsupported = "Unsupported method is OPTIONS";
    check(vec![rule(&["*"], &["OPTIONS"])], ("InvalidRequest", unsupported)).await;
    let twice = "AllowedOrigin \"*a*\" can not have more than one wildcard.";
    check(vec![rule(&["*a*"], &["GET"])], ("InvalidRequest", twice)).await;
    let headers = CORSRule { allowed_headers: Some(list(&["**"])), ..rule(&["*"], &["GET"]) };
    check(vec![headers], ("InvalidRequest", "AllowedHeader \"**\"")).await;
    let expose = CORSRule { expose_headers: Some(list(&["x-*"])), ..rule(&["*"], &["GET"]) };
    check(vec![expose], ("InvalidRequest", "do not support wildcard")).await;
}

#[tokio::test]
async fn a_preflight_is_answered_by_the_first_rule_that_fits() {
    let first = CORSRule {
        allowed_headers: Some(list(&["x-AMZ-*", "Content-Type"])),
        expose_headers: Some(list(&["ETag", "x-amz-id-2"])),
        max_age_seconds: Some(3000),
        ..rule(&["https://*.a.com", "https://b"], &["GET", "PUT"])
    };
    let (world, put) = configured(vec![first, rule(&["*"], &["GET"])]).await;
    put.expect("taken");
    let check = |asked: &[(&str, &str)], expected: Result<&[(&str, &str)], (u16, &str)>| {
        let got = world.s3.preflight(Some("pages"), Resource::Object, &headers(asked));
        match (got, expected) {
            (Ok(got), Ok(expected)) => {
                let vary = "Origin, Access-Control-Request-Headers, Access-Control-Request-Method";
                assert_eq!(got.last(), Some(&("vary", vary.to_owned())));
                let got: Vec<_> =
                    got.iter().map(|(n, v)| (n.trim_start_matches("access-control-"), v)).collect();
                for (name, value) in expected {
                    assert!(got.contains(&(name, &(*value).to_owned())), "{name} in {got:?}");
                }
                assert_eq!(got.len(), expected.len() + 1, "{got:?}");
            }
            (Err(error), Err((status, why))) => {
                assert_eq!(error.status, status);
                assert!(error.message.contains(why), "{}", error.message);
            }
            (got, expected) => panic!("{got:?} {expected:?}"),
        }
    };
    let (origin, method) = ("origin", "access-control-request-method");
    let wanted = "access-control-request-headers";
    let of_first =
        [("allow-methods", "GET, PUT"), ("max-age", "3000"), ("allow-credentials", "true")];
    let with = |more: &[(&'static str, &'static str)]| [&of_first[..], more].concat();
    check(
        &[(origin, "https://x.a.com"), (method, "PUT"), (wanted, "X-amz-Meta-a,content-type")],
        Ok(&with(&[
            ("allow-origin", "https://x.a.com"),
            ("allow-headers", "x-amz-meta-a, content-type"),
            ("expose-headers", "ETag, x-amz-id-2"),
        ])),
    );
    check(
        &[(origin, "https://c"), (method, "GET")],
        Ok(&[("allow-origin", "*"), ("allow-methods", "GET")]),
    );
    let not = "CORSResponse: This CORS request is not allowed.";
    check(&[(origin, "https://c"), (method, "PUT")], Err((403, not)));
    check(&[(origin, "https://b"), (method, "PUT"), (wanted, "authorization")], Err((403, not)));
    check(&[(origin, "https://x.a.com/"), (method, "PUT")], Err((403, not)));
    check(&[(method, "PUT")], Err((400, "Origin request header needed")));
    check(&[(origin, "https://b")], Err((400, "Request-Method: null")));
    check(&[(origin, "https://b"), (method, "TRACE")], Err((400, "Request-Method: TRACE")));
}

#[tokio::test]
async fn a_preflight_of_no_bucket_or_no_rules_is_forbidden() {
    let world = World::new();
    world.bucket("pages").await;
    let asked = headers(&[("origin", "http://a"), ("access-control-request-method", "PUT")]);
    let check = |bucket, why: &str| {
        let refused = world.s3.preflight(Some(bucket), Resource::Object, &asked);
        let refused = refused.expect_err("forbidden");
        assert_eq!((refused.status, refused.code.as_ref()), (403, "AccessForbidden"));
        assert_eq!(refused.message, format!("CORSResponse: {why}"));
        let details = [("Method", "PUT".to_owned()), ("ResourceType", "BUCKET".to_owned())];
        assert_eq!(refused.details, details);
    };
    check("pages", "CORS is not enabled for this bucket.");
    check("none", "Bucket not found");
}

#[tokio::test]
async fn an_actual_request_is_never_refused() {
    let (world, put) = configured(vec![rule(&["http://a"], &["GET"])]).await;
    put.expect("taken");
    let check = |method: Method, asked: &[(&str, &str)], expected: bool| {
        let got = world.s3.cors_headers("pages", &method, &headers(asked));
        assert_eq!(!got.is_empty(), expected, "{method} {asked:?}");
    };
    check(Method::GET, &[("origin", "http://a")], true);
    check(Method::GET, &[("origin", "http://b")], false);
    check(Method::PUT, &[("origin", "http://a")], false);
    check(Method::GET, &[], false);
    let as_preflight = [("origin", "http://a"), ("access-control-request-method", "PUT")];
    check(Method::GET, &as_preflight, false);
}
