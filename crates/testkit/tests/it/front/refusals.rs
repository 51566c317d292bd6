use std::time::Duration;

use http::{Request, StatusCode};
use testkit::client::send;
use testkit::{Client, Cloud, Key};

fn nobody() -> Key {
    Key {
        access_key_id: "AKIAIOSFODNN7EXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY".into(),
        session_token: None,
    }
}

fn to(cloud: &Cloud, service: &'static str) -> Client {
    cloud.client(service, cloud.root_key())
}

#[tokio::test]
async fn a_service_that_is_lacking_is_refused_by_name_in_its_own_form_and_counted() {
    let cloud = Cloud::start().await;
    let address = cloud.address();
    let client = |service| Client { service, ..to(&cloud, "sts") };

    let ec2 = client("ec2");
    let request =
        ec2.sign(ec2.form("Action=RequestSpotInstances&Version=2016-11-15"), cloud.wall_now());
    let answer = send(address, request).await;
    answer.expect_refusal(400, "UnsupportedOperation");
    assert!(answer.body.contains("<Response><Errors><Error>"), "{}", answer.body);
    assert!(answer.xml("Message").expect("said").contains("ec2:RequestSpotInstances"));

    let logs = client("logs");
    let request = Request::post(format!("http://{address}/"))
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", "Logs_20140328.CreateLogGroup")
        .body("{}".into())
        .expect("a request");
    let answer = send(address, logs.sign(request, cloud.wall_now())).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body.contains(r#""__type":"UnsupportedOperation""#), "{}", answer.body);
    assert_eq!(answer.headers["x-amzn-errortype"], "UnsupportedOperation");

    let s3 = client("s3");
    let lacking = format!("http://{address}/bucket?inventory&id=1");
    let request = Request::put(lacking).body("".into()).expect("valid");
    let answer = send(address, s3.sign(request, cloud.wall_now())).await;
    answer.expect_refusal(400, "UnsupportedOperation");
    assert!(answer.body.contains("<Error><Code>"), "{}", answer.body);

    let anonymous = Request::head(format!("http://{address}/bucket/key")).body("".into());
    let answer = send(address, anonymous.expect("valid")).await;
    assert_eq!((answer.status, answer.body.as_str()), (404, ""), "a HEAD has no body");

    let page = Request::get(format!("http://{address}/_haneul/unsupported")).body("".into());
    let page = send(address, page.expect("valid")).await.body;
    for name in
        ["ec2:RequestSpotInstances", "logs:CreateLogGroup", "s3:PutBucketInventoryConfiguration"]
    {
        assert!(page.contains(&format!(r#""operation":"{name}""#)), "{name} in {page}");
    }
}

#[tokio::test]
async fn signatures_are_judged_before_anything_is_done() {
    let cloud = Cloud::start().await;
    let address = cloud.address();
    let sts = to(&cloud, "sts");
    let ask = "GetCallerIdentity";
    sts.ask(ask, &[]).await.expect_ok();

    let unsigned = send(address, sts.unsigned(ask, &[])).await;
    unsigned.expect_refusal(403, "MissingAuthenticationToken");
    sts.with_key(nobody()).ask(ask, &[]).await.expect_refusal(403, "InvalidClientTokenId");

    let mut wrong = cloud.root_key();
    wrong.secret_access_key.push('x');
    sts.with_key(wrong).ask(ask, &[]).await.expect_refusal(403, "SignatureDoesNotMatch");

    let mut token = cloud.root_key();
    token.session_token = Some("forged".into());
    sts.with_key(token).ask(ask, &[]).await.expect_refusal(403, "InvalidClientTokenId");

    let now = cloud.wall_now();
    let hour = Duration::from_secs(3600);
    for at in [now - hour, now + hour] {
        let skewed = send(address, sts.sign(sts.unsigned(ask, &[]), at)).await;
        skewed.expect_refusal(403, "SignatureDoesNotMatch");
    }

    let (parts, _) = sts.signed(ask, &[]).into_parts();
    let changed = Request::from_parts(parts, "Action=GetSessionToken&Version=2011-06-15".into());
    send(address, changed).await.expect_refusal(403, "SignatureDoesNotMatch");

    let other = Client { service: "iam", ..sts.clone() };
    let request = other.sign(sts.unsigned(ask, &[]), now);
    send(address, request).await.expect_refusal(400, "InvalidAction");
}

#[tokio::test]
async fn a_turned_clock_does_not_lock_clients_out() {
    let cloud = Cloud::start().await;
    let sts = to(&cloud, "sts");
    cloud.clock.advance(Duration::from_secs(400 * 86_400));
    let answer = sts.ask("GetCallerIdentity", &[]).await;
    answer.expect_ok();
    let date = answer.headers["date"].to_str().expect("text");
    let date = aws::Timestamp::parse_http_date(date).expect("a date");
    assert!(cloud.wall_now().since(date) < Duration::from_secs(60), "SDKs follow the Date");
}

#[tokio::test]
async fn malformed_requests_are_refused_and_change_nothing() {
    let cloud = Cloud::start().await;
    let address = cloud.address();
    let iam = to(&cloud, "iam");
    let signed = |form: &str| iam.sign(iam.form(form.to_owned()), cloud.wall_now());
    let version = "Version=2010-05-08";

    let check = async |form: String, status: u16, code: &str| {
        send(address, signed(&form)).await.expect_refusal(status, code);
    };
    check(format!("Action=Nonsense&{version}"), 400, "InvalidAction").await;
    check("Action=CreateUser&Version=1999-01-01&UserName=a".into(), 400, "InvalidAction").await;
    check(version.into(), 400, "MissingAction").await;
    check(format!("Action=CreateUser&{version}"), 400, "ValidationError").await;
    check(format!("Action=CreateUser&{version}&UserName=a%20b"), 400, "ValidationError").await;

    let users = iam.ask("ListUsers", &[]).await;
    assert_eq!(users.expect_ok().xml("member"), None, "{}", users.body);
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_without_being_read() {
    let cloud = Cloud::start().await;
    let iam = to(&cloud, "iam");
    let huge = format!("Action=CreateUser&Version=2010-05-08&UserName={}", "a".repeat(1 << 20));
    let answer = send(cloud.address(), iam.sign(iam.form(huge), cloud.wall_now())).await;
    answer.expect_refusal(413, "RequestEntityTooLarge");
}

#[tokio::test]
async fn a_compressed_body_is_verified_as_it_came_and_read_as_it_was() {
    use std::io::Write;
    let cloud = Cloud::start().await;
    let sts = to(&cloud, "sts");
    let gzip = |plain: &[u8]| {
        let level = flate2::Compression::fast();
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), level);
        encoder.write_all(plain).expect("memory");
        encoder.finish().expect("memory")
    };
    let ask = async |body: Vec<u8>| {
        let mut request = sts.form(body);
        request.headers_mut().insert("content-encoding", "gzip".parse().expect("valid"));
        send(cloud.address(), sts.sign(request, cloud.wall_now())).await
    };
    ask(gzip(b"Action=GetCallerIdentity&Version=2011-06-15")).await.expect_ok();
    ask(gzip(&vec![b'&'; 20 << 20])).await.expect_refusal(413, "RequestEntityTooLarge");
    ask(b"Action=GetCallerIdentity".to_vec()).await.expect_refusal(400, "MalformedInput");
}

#[tokio::test]
async fn every_answer_has_a_request_id_of_its_own() {
    let cloud = Cloud::start().await;
    let sts = to(&cloud, "sts");
    let (one, two) = (sts.ask("GetCallerIdentity", &[]).await, sts.ask("Nonsense", &[]).await);
    let id = |answer: &testkit::Answer| answer.headers["x-amzn-requestid"].clone();
    assert_eq!(one.xml("RequestId").expect("in the body"), id(&one));
    assert_eq!(two.xml("RequestId").expect("in the body"), id(&two));
    assert_ne!(id(&one), id(&two));
    assert_eq!(one.headers["content-type"], "text/xml");
    assert_eq!(two.status, StatusCode::BAD_REQUEST.as_u16());
}
