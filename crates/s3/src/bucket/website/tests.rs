use super::*;
use crate::testing::{World, code};

fn index() -> WebsiteConfiguration {
    let index_document = Some(IndexDocument { suffix: "index.html".into() });
    WebsiteConfiguration { index_document, ..Default::default() }
}

fn with_rule(condition: Option<Condition>, redirect: Redirect) -> WebsiteConfiguration {
    WebsiteConfiguration { routing_rules: Some(vec![ShownRule { condition, redirect }]), ..index() }
}

fn to(host: &str) -> Redirect {
    Redirect { host_name: Some(host.into()), ..Default::default() }
}

#[tokio::test]
async fn a_configuration_comes_back_as_it_was_put() {
    let world = World::new();
    world.bucket("pages").await;
    let ask = || GetBucketWebsiteRequest { bucket: "pages".into(), ..Default::default() };
    let none = get(&world.s3, &world.owner(), ask()).await;
    assert_eq!(code(none), "NoSuchWebsiteConfiguration");
    let condition = Condition {
        http_error_code_returned_equals: Some("404".into()),
        key_prefix_equals: Some("docs/".into()),
    };
    let redirect = Redirect {
        http_redirect_code: Some("302".into()),
        protocol: Some("https".into()),
        replace_key_prefix_with: Some(String::new()),
        ..to("h")
    };
    let pages = WebsiteConfiguration {
        error_document: Some(ErrorDocument { key: "404.html".into() }),
        ..with_rule(Some(condition), redirect)
    };
    let all = RedirectAllRequestsTo { host_name: "h".into(), protocol: None };
    let all = WebsiteConfiguration { redirect_all_requests_to: Some(all), ..Default::default() };
    for website_configuration in [pages, all] {
        let input = PutBucketWebsiteRequest {
            bucket: "pages".into(),
            website_configuration: website_configuration.clone(),
            ..Default::default()
        };
        put(&world.s3, &world.owner(), input).await.expect("taken");
        let kept = get(&world.s3, &world.owner(), ask()).await.expect("kept");
        assert_eq!(kept.index_document, website_configuration.index_document);
        assert_eq!(kept.error_document, website_configuration.error_document);
        assert_eq!(kept.routing_rules, website_configuration.routing_rules);
        assert_eq!(kept.redirect_all_requests_to, website_configuration.redirect_all_requests_to);
    }
    let input = DeleteBucketWebsiteRequest { bucket: "pages".into(), ..Default::default() };
    delete(&world.s3, &world.owner(), input).await.expect("removed");
    assert_eq!(code(get(&world.s3, &world.owner(), ask()).await), "NoSuchWebsiteConfiguration");
}

#[test]
fn what_no_website_can_be_is_refused() {
    let check = |given: WebsiteConfiguration, expected: &str, why: &str| {
        let refused = parse(given).expect_err(why);
        assert_eq!(refused.code, expected, "{why}");
        assert!(refused.message.contains(why), "{}", refused.message);
    };
    let bad_index = |suffix: &str| WebsiteConfiguration {
        index_document: Some(IndexDocument { suffix: suffix.into() }),
        ..Default::default()
    };
    check(WebsiteConfiguration::default(), "InvalidArgument", "must be provided");
    check(bad_index(""), "InvalidArgument", "not well formed");
    check(bad_index("a/index.html"), "InvalidArgument", "not well formed");
    let no_key = ErrorDocument { key: String::new() };
    check(WebsiteConfiguration { error_document: Some(no_key), ..index() }, "MalformedXML", "");
    let all = |protocol: Option<&str>| RedirectAllRequestsTo {
        host_name: "h".into(),
        protocol: protocol.map(str::to_owned),
    };
    let both = WebsiteConfiguration { redirect_all_requests_to: Some(all(None)), ..index() };
    check(both, "MalformedXML", "");
    let ftp = WebsiteConfiguration {
        redirect_all_requests_to: Some(all(Some("ftp"))),
        ..Default::default()
    };
    check(ftp, "InvalidRequest", "Invalid protocol");
    let none = WebsiteConfiguration { routing_rules: Some(Vec::new()), ..index() };
    check(none, "MalformedXML", "");
    let rule = ShownRule { condition: None, redirect: to("h") };
    let many = WebsiteConfiguration { routing_rules: Some(vec![rule; 51]), ..index() };
    check(many, "InvalidRequest", "51 routing rules provided");
    check(with_rule(Some(Condition::default()), to("h")), "InvalidRequest", "cannot be empty");
    let of_code = |code: &str| Condition {
        http_error_code_returned_equals: Some(code.into()),
        ..Default::default()
    };
    check(with_rule(Some(of_code("200")), to("h")), "InvalidRequest", "4XX or 5XX");
    check(with_rule(Some(of_code("x")), to("h")), "InvalidRequest", "(x)");
    let with_code = |code: &str| Redirect { http_redirect_code: Some(code.into()), ..to("h") };
    check(with_rule(None, with_code("300")), "InvalidRequest", "except 300");
    check(with_rule(None, with_code("404")), "InvalidRequest", "(404)");
    check(with_rule(None, to("a b\r\n")), "MalformedXML", "");
    let twice = Redirect {
        replace_key_with: Some("a".into()),
        replace_key_prefix_with: Some("pages".into()),
        ..Default::default()
    };
    check(with_rule(None, twice), "InvalidRequest", "not both");
}
