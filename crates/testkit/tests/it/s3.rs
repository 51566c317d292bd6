//! S3 over HTTP: what lies between the socket and the operations.

use std::net::SocketAddr;

use aws::sigv4::SigningKey;
use aws::{Clock, Timestamp};
use base64::Engine;
use bytes::Bytes;
use http::{Request, header};
use testkit::client::{Answer, send};
use testkit::{Client, Cloud, Key};

/// A region with a bucket whose objects everyone may read.
struct Site {
    cloud: Cloud,
    client: Client,
}

impl Site {
    async fn start() -> Self {
        let cloud = Cloud::start().await;
        let client = cloud.client("s3", cloud.root_key());
        let site = Self { cloud, client };
        let here = "<CreateBucketConfiguration><LocationConstraint>ap-northeast-2</LocationConstraint></CreateBucketConfiguration>";
        site.ask("PUT", "/pages", here).await.expect_ok();
        let open = site.ask("DELETE", "/pages?publicAccessBlock", "").await;
        assert_eq!(open.status, 204, "{}", open.body);
        site
    }

    async fn allow(&self, actions: &str) {
        let policy = format!(
            r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":[{actions}],"Resource":["arn:aws:s3:::pages","arn:aws:s3:::pages/*"]}}]}}"#
        );
        let put = self.ask("PUT", "/pages?policy", &policy).await;
        assert!((200..300).contains(&put.status), "{}", put.body);
    }

    fn request(&self, method: &str, path: &str, body: &str) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.cloud.address()))
            .header(header::HOST, self.cloud.address().to_string())
            .header(header::CONTENT_LENGTH, body.len())
    }

    /// Asks as the account's root user.
    async fn ask(&self, method: &str, path: &str, body: &str) -> Answer {
        let request =
            self.request(method, path, body).body(Bytes::copy_from_slice(body.as_bytes()));
        let signed = self.client.sign(request.expect("a request"), Clock::system().now());
        send(self.cloud.address(), signed).await
    }

    /// Asks without a signature, by this host.
    async fn visit(&self, at: SocketAddr, host: &str, method: &str, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header(header::HOST, host);
        send(at, request.body(Bytes::new()).expect("a request")).await
    }
}

fn location(answer: &Answer) -> &str {
    answer.headers[header::LOCATION].to_str().expect("text")
}

const WEBSITE: &str = "pages.s3-website.ap-northeast-2.localhost";

#[tokio::test]
async fn a_bucket_is_a_website_on_the_api_s_port_and_on_the_front_door() {
    let site = Site::start().await;
    site.allow("\"s3:GetObject\"").await;
    let configuration = "<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>error.html</Key></ErrorDocument><RoutingRules><RoutingRule><Condition><KeyPrefixEquals>old/</KeyPrefixEquals></Condition><Redirect><ReplaceKeyPrefixWith>new/</ReplaceKeyPrefixWith></Redirect></RoutingRule></RoutingRules></WebsiteConfiguration>";
    site.ask("PUT", "/pages?website", configuration).await.expect_ok();
    site.ask("PUT", "/pages/index.html", "home").await.expect_ok();
    site.ask("PUT", "/pages/sub/index.html", "sub").await.expect_ok();
    let api = site.cloud.address();
    let door = site.cloud.running().front_door()[0];
    for at in [api, door] {
        for (path, body) in [("/", "home"), ("/index.html", "home"), ("/sub/", "sub")] {
            let page = site.visit(at, WEBSITE, "GET", path).await;
            assert_eq!((page.status, page.body.as_str()), (200, body), "{path}");
        }
        let folder = site.visit(at, WEBSITE, "GET", "/sub").await;
        assert_eq!((folder.status, location(&folder)), (302, "/sub/"));
        let moved = site.visit(at, WEBSITE, "GET", "/old/a").await;
        assert_eq!(
            (moved.status, location(&moved)),
            (301, format!("http://{WEBSITE}/new/a").as_str())
        );
        let missing = site.visit(at, WEBSITE, "GET", "/none").await;
        assert_eq!(missing.status, 403, "who may not list is not told what is missing");
        assert!(missing.body.contains("<li>Code: AccessDenied</li>"), "{}", missing.body);
        let post = site.visit(at, WEBSITE, "POST", "/").await;
        assert_eq!(
            (post.status, &post.headers["x-amz-error-code"]),
            (405, &"MethodNotAllowed".parse().expect("text"))
        );
    }
    site.allow("\"s3:GetObject\",\"s3:ListBucket\"").await;
    site.ask("PUT", "/pages/error.html", "sorry").await.expect_ok();
    let missing = site.visit(door, WEBSITE, "GET", "/none").await;
    assert_eq!((missing.status, missing.body.as_str()), (404, "sorry"));
    let api_host = site.visit(door, "s3.localhost", "GET", "/").await;
    assert_eq!(api_host.status, 404, "the front door serves websites alone");
    site.cloud.stop().await;
}

#[tokio::test]
async fn hosts_name_buckets_and_nobody_reads_without_leave() {
    let site = Site::start().await;
    site.ask("PUT", "/pages/a%2F%2E%2E/b", "deep").await.expect_ok();
    let at = site.cloud.address();
    let hosts = [
        "pages.s3.localhost:4566",
        "pages.s3.amazonaws.com",
        "pages.s3.ap-northeast-2.amazonaws.com",
    ];
    for host in hosts {
        let denied = site.visit(at, host, "GET", "/a/../b").await;
        denied.expect_refusal(403, "AccessDenied");
        assert_eq!(denied.headers["server"], "AmazonS3");
    }
    site.allow("\"s3:GetObject\"").await;
    for host in hosts {
        let page = site.visit(at, host, "GET", "/a/../b").await;
        assert_eq!((page.status, page.body.as_str()), (200, "deep"), "{host}");
    }
    let elsewhere = site.visit(at, "pages.s3.eu-west-1.amazonaws.com", "GET", "/a/../b").await;
    elsewhere.expect_refusal(301, "PermanentRedirect");
    assert_eq!(elsewhere.headers["x-amz-bucket-region"], "ap-northeast-2");
    site.cloud.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_what_was_signed_is_not_kept() {
    let site = Site::start().await;
    let request = site.request("PUT", "/pages/k", "right").body(Bytes::from_static(b"right"));
    let signed = site.client.sign(request.expect("a request"), Clock::system().now());
    let wrong = signed.map(|_| Bytes::from_static(b"wrong"));
    send(site.cloud.address(), wrong).await.expect_refusal(400, "XAmzContentSHA256Mismatch");
    site.ask("GET", "/pages/k", "").await.expect_refusal(404, "NoSuchKey");
    site.cloud.stop().await;
}

#[tokio::test]
async fn preflights_are_answered_unsigned_and_answers_carry_the_headers() {
    let site = Site::start().await;
    const RULES_MD5: &str = "DacICRjiBRNs8FLRtT+1WA==";
    let rules = "<CORSConfiguration><CORSRule><AllowedMethod>PUT</AllowedMethod><AllowedOrigin>http://a</AllowedOrigin></CORSRule></CORSConfiguration>";
    let request = site.request("PUT", "/pages?cors", rules).header("content-md5", RULES_MD5);
    let request = request.body(Bytes::from_static(rules.as_bytes())).expect("a request");
    let signed = site.client.sign(request, Clock::system().now());
    send(site.cloud.address(), signed).await.expect_ok();
    let ask = |method: &str, origin: &str| {
        let request = site.request(method, "/pages/k", "");
        let request =
            request.header("origin", origin).header("access-control-request-method", "PUT");
        send(site.cloud.address(), request.body(Bytes::new()).expect("a request"))
    };
    let allowed = ask("OPTIONS", "http://a").await;
    assert_eq!((allowed.status, allowed.body.as_str()), (200, ""));
    assert_eq!(allowed.headers["access-control-allow-origin"], "http://a");
    ask("OPTIONS", "http://b").await.expect_refusal(403, "AccessForbidden");
    let refused = ask("PUT", "http://a").await;
    refused.expect_refusal(403, "AccessDenied");
    assert_eq!(refused.headers["access-control-allow-origin"], "http://a");
    site.cloud.stop().await;
}

/// A form of these fields and a file, as browsers send it.
fn form(fields: &[(&str, &str)], file: &str, after: &str) -> String {
    let part = |(name, value): &(&str, &str)| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
    };
    let fields: String = fields.iter().map(part).collect();
    let head = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f.txt\"\r\nContent-Type: text/plain\r\n\r\n";
    format!("{fields}{head}{file}\r\n{after}--B--\r\n")
}

fn signed(key: &Key, now: Timestamp, conditions: &str) -> Vec<(&'static str, String)> {
    let date = now.to_basic();
    let credential = format!("{}/{}/ap-northeast-2/s3/aws4_request", key.access_key_id, &date[..8]);
    let end = (now + std::time::Duration::from_secs(600)).to_whole_secs().to_iso8601();
    let policy = format!(
        r#"{{"expiration":"{end}","conditions":[{{"bucket":"pages"}},{{"x-amz-algorithm":"AWS4-HMAC-SHA256"}},{{"x-amz-credential":"{credential}"}},{{"x-amz-date":"{date}"}},{conditions}]}}"#
    );
    let policy = base64::engine::general_purpose::STANDARD.encode(policy);
    let signing = SigningKey::derive(&key.secret_access_key, &date[..8], "ap-northeast-2", "s3");
    vec![
        ("x-amz-signature", signing.sign(&policy)),
        ("policy", policy),
        ("x-amz-algorithm", "AWS4-HMAC-SHA256".into()),
        ("x-amz-credential", credential),
        ("x-amz-date", date),
    ]
}

#[tokio::test]
async fn a_form_puts_what_its_policy_allows() {
    let site = Site::start().await;
    let conditions = r#"["starts-with","$key","up/"],{"success_action_status":"201"},["content-length-range",1,20]"#;
    let signed = signed(&site.cloud.root_key(), site.cloud.wall_now(), conditions);
    let post = |key: &'static str,
                file: &'static str,
                after: &'static str,
                extra: Option<(&'static str, &'static str)>| {
        let mut fields: Vec<(&str, &str)> =
            signed.iter().map(|(name, value)| (*name, value.as_str())).collect();
        fields.extend([("key", key), ("success_action_status", "201")]);
        fields.extend(extra);
        let body = form(&fields, file, after);
        let request = site
            .request("POST", "/pages", &body)
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=B");
        send(site.cloud.address(), request.body(Bytes::from(body)).expect("a request"))
    };
    let submit = "--B\r\nContent-Disposition: form-data; name=\"submit\"\r\n\r\nUpload\r\n";
    for (key, after) in [("up/${filename}", ""), ("up/g.txt", submit)] {
        let made = post(key, "hello", after, None).await;
        assert_eq!(made.status, 201, "{}", made.body);
        let path = format!("/pages/{}", made.xml("Key").expect("a key"));
        let kept = site.ask("GET", &path, "").await;
        assert_eq!((kept.status, kept.body.as_str()), (200, "hello"), "{path}");
        assert_eq!(kept.headers["content-length"], "5");
    }
    post("other", "hello", "", None).await.expect_refusal(403, "AccessDenied");
    post("up/x", "", "", None).await.expect_refusal(400, "EntityTooSmall");
    post("up/x", "hello hello hello hello", "", None).await.expect_refusal(400, "EntityTooLarge");
    let extra = Some(("acl", "private"));
    post("up/x", "hello", "", extra).await.expect_refusal(403, "AccessDenied");
    let forged = Some(("x-amz-security-token", "x"));
    assert_eq!(post("up/x", "hello", "", forged).await.status / 100, 4);
    site.ask("GET", "/pages/up/x", "").await.expect_refusal(404, "NoSuchKey");
    site.cloud.stop().await;
}
