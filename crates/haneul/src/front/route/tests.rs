use http::Request;

use super::*;

fn parts(request: http::request::Builder) -> Parts {
    request.body(()).expect("a request").into_parts().0
}

#[test]
fn a_service_that_is_not_served_is_named_and_known_by_its_looks() {
    let check = |request: http::request::Builder, body: &str, expected: (&str, Looks)| {
        let parts = parts(request);
        let claimed = claimed_service(&parts);
        let Route::NotServed { service, looks } =
            route(&[], "localhost", &parts, claimed.as_deref(), body.as_bytes())
        else {
            panic!("nothing is served");
        };
        assert_eq!((service.as_str(), looks), expected);
    };
    let post = || Request::post("/");
    let form = || post().header("content-type", "application/x-www-form-urlencoded; charset=utf-8");
    let signed = |request: http::request::Builder, service: &str| {
        let credential = format!("AKID/20261122/us-east-1/{service}/aws4_request");
        request.header(
            "authorization",
            format!("AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=host, Signature=0"),
        )
    };
    check(signed(form(), "ec2"), "Action=RunInstances&Version=2016-11-15", ("ec2", Looks::Ec2));
    check(signed(form(), "rds"), "Action=X&Version=1", ("rds", Looks::Query));
    check(
        signed(post(), "logs")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "Logs_20140328.CreateLogGroup"),
        "{}",
        ("logs", Looks::Json11),
    );
    check(
        post()
            .header("x-amz-target", "DynamoDB_20120810.GetItem")
            .header("content-type", "application/x-amz-json-1.0"),
        "{}",
        ("DynamoDB_20120810", Looks::Json10),
    );
    check(signed(Request::put("/bucket/key"), "s3"), "", ("s3", Looks::S3));
    check(Request::get("/bucket/key"), "", ("s3", Looks::S3));
    check(Request::get("/").header("host", "b.s3.us-east-1.amazonaws.com"), "", ("s3", Looks::S3));
    check(
        Request::get("/2013-04-01/hostedzone").header("host", "route53.localhost:4566"),
        "",
        ("route53", Looks::RestXml),
    );
    check(signed(Request::get("/2015-03-31/functions"), "lambda"), "", ("lambda", Looks::Json11));
    check(form(), "Action=Nonsense&Version=1", ("unknown", Looks::Query));
    check(
        Request::get(
            "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20261122%2Feu-west-1%2Fs3%2Faws4_request",
        ),
        "",
        ("s3", Looks::S3),
    );
}

#[test]
fn an_action_is_read_where_it_is_a_name() {
    let check = |request: http::request::Builder, body: &str, expected: Option<&str>| {
        assert_eq!(action(&parts(request), body.as_bytes()), expected);
    };
    let form = || Request::post("/").header("content-type", "application/x-www-form-urlencoded");
    check(form(), "Version=1&Action=ListUsers", Some("ListUsers"));
    check(Request::get("/?Action=ListUsers&Version=1"), "", Some("ListUsers"));
    check(Request::post("/").header("x-amz-target", "A.B.ListTags"), "", Some("ListTags"));
    check(form(), "Action=%0aforged+line", None);
    check(form(), "Action=", None);
    check(Request::post("/"), "Action=NotAForm", None);
    check(Request::get("/"), "", None);
}
