//! S3's own words, and the members that go with them.

use aws::sigv2;
use aws::sigv4::{Body, Request, ServiceKind, SignatureError, mechanism};
use http::request::Parts;

use super::{Edit, NOW, SECRET, in_header, in_query, refusal, replace, replace_query, set};

/// S3's refusal, with its members as `name=value`.
fn check_s3(
    mut parts: Parts,
    now: &str,
    edit: Edit,
    expected: (u16, &str, &str),
    members: &[&str],
) {
    edit(&mut parts);
    let error = refusal(&parts, "s3", ServiceKind::S3, now);
    assert_eq!((error.status, error.code.as_ref(), error.message.as_str()), expected);
    let found: Vec<_> = error.details.iter().map(|(n, v)| format!("{n}={v}")).collect();
    for member in members {
        assert!(found.iter().any(|found| found == member), "{member} in {found:?}");
    }
}

#[test]
fn s3_says_what_is_wrong_with_a_header() {
    let check = |edit: Edit, expected, members: &[&str]| {
        check_s3(in_header("s3"), NOW, edit, expected, members);
    };
    let malformed = "AuthorizationHeaderMalformed";
    check(|p| drop(p.headers.remove("authorization")), (403, "AccessDenied", "Access Denied"), &[]);
    check(
        |p| set(p, "authorization", "Bearer x"),
        (400, "InvalidArgument", "Unsupported Authorization Type"),
        &["ArgumentName=Authorization", "ArgumentValue=Bearer x"],
    );
    check(
        |p| set(p, "authorization", "AWS a:b"),
        (
            400,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. \
            Please use AWS4-HMAC-SHA256.",
        ),
        &[],
    );
    check(
        |p| replace_query(p, "?a=1", "?Signature=1"),
        (
            400,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query \
            parameter, Signature query string parameter or the Authorization header should be \
            specified",
        ),
        &["ArgumentName=Authorization"],
    );
    check(
        |p| replace(p, "Signature=", "S="),
        (
            400,
            malformed,
            "The authorization header is malformed; the authorization header requires \
            three components: Credential, SignedHeaders, and Signature.",
        ),
        &[],
    );
    check(
        |p| replace(p, "/eu-west-1", ""),
        (
            400,
            malformed,
            "The authorization header is malformed; the Credential is mal-formed; \
            expecting \"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\".",
        ),
        &[],
    );
    check(
        |p| replace(p, "/eu-west-1/s3", "/zz/ec2"),
        (
            400,
            malformed,
            "The authorization header is malformed; the region 'zz' is wrong; \
            expecting 'eu-west-1'",
        ),
        &["Region=eu-west-1"],
    );
    check(
        |p| replace(p, "/s3/", "/ec2/"),
        (
            400,
            malformed,
            "The authorization header is malformed; incorrect service \"ec2\". This \
            endpoint belongs to \"s3\".",
        ),
        &[],
    );
    check(
        |p| replace(p, "aws4_request", "x"),
        (
            400,
            malformed,
            "The authorization header is malformed; incorrect terminal \"x\". This \
            endpoint uses \"aws4_request\".",
        ),
        &[],
    );
    check(
        |p| replace(p, "/20261122/", "/20261121/"),
        (
            400,
            malformed,
            "The authorization header is malformed; Invalid credential date \
            \"20261121\". This date is not the same as X-Amz-Date: \"20261122\".",
        ),
        &[],
    );
    check(
        |p| drop(p.headers.remove("x-amz-date")),
        (403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"),
        &[],
    );
    check(
        |p| set(p, "x-amz-acl", "public-read"),
        (403, "AccessDenied", "There were headers present in the request which were not signed"),
        &["HeadersNotSigned=x-amz-acl"],
    );
    check(
        |p| drop(p.headers.remove("x-amz-content-sha256")),
        (400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"),
        &[],
    );
    check(
        |p| set(p, "x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD"),
        (
            400,
            "InvalidArgument",
            "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, \
            STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, \
            STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
        ),
        &["ArgumentName=x-amz-content-sha256"],
    );
    check(
        |p| replace_query(p, "/b/k?", "/b/%k?"),
        (400, "InvalidURI", "Couldn't parse the specified URI."),
        &[],
    );
    check(
        |p| replace_query(p, "?a=1", "?a=2"),
        (
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the \
            signature you provided. Check your key and signing method.",
        ),
        &[
            "AWSAccessKeyId=AKIDEXAMPLE",
            "CanonicalRequest=POST\n/b/k\na=2\nhost:127.0.0.1:4566\nx-amz-content-sha256:\
             230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5\nx-amz-date:\
             20261122T104053Z\n\nhost;x-amz-content-sha256;x-amz-date\n\
             230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5",
        ],
    );
    check_s3(
        in_header("s3"),
        "20261122T110000Z",
        |_| {},
        (
            403,
            "RequestTimeTooSkewed",
            "The difference between the request time and the current \
            time is too large.",
        ),
        &[
            "RequestTime=20261122T104053Z",
            "ServerTime=2026-11-22T11:00:00Z",
            "MaxAllowedSkewMilliseconds=900000",
        ],
    );
}

#[test]
fn s3_says_what_is_wrong_with_a_url() {
    let check = |edit: Edit, message: &str| {
        let code = "AuthorizationQueryParametersError";
        check_s3(in_query("s3"), NOW, edit, (400, code, message), &[]);
    };
    check(
        |p| replace_query(p, "X-Amz-Expires", "X-Amz-E"),
        "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, \
         X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.",
    );
    check(
        |p| replace_query(p, "=AWS4-HMAC-SHA256", "=AWS4-HMAC-SHA1"),
        "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"",
    );
    check(
        |p| replace_query(p, "=20261122T104053Z", "=2026-11-22"),
        "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
    );
    check(|p| replace_query(p, "Expires=3600", "Expires=1h"), "X-Amz-Expires should be a number");
    check(|p| replace_query(p, "Expires=3600", "Expires=-1"), "X-Amz-Expires must be non-negative");
    check(
        |p| replace_query(p, "Expires=3600", "Expires=604801"),
        "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires \
         must be less than 604800 seconds",
    );
    check(
        |p| replace_query(p, "%2Fs3%2F", "%2Fec2%2F"),
        "Error parsing the X-Amz-Credential parameter; incorrect service \"ec2\". This endpoint \
         belongs to \"s3\".",
    );
    check(
        |p| replace_query(p, "%2F20261122%2F", "%2F2026112%2F"),
        "Error parsing the X-Amz-Credential parameter; incorrect date format \"2026112\". This \
         date in the credential must be in the format \"yyyyMMdd\".",
    );
    check_s3(
        in_query("s3"),
        "20261122T114054Z",
        |_| {},
        (403, "AccessDenied", "Request has expired"),
        &["X-Amz-Expires=3600", "Expires=2026-11-22T11:40:53Z", "ServerTime=2026-11-22T11:40:54Z"],
    );
    check_s3(
        in_query("s3"),
        NOW,
        |p| replace_query(p, "Expires=3600", "Expires=0"),
        (403, "AccessDenied", "Request has expired"),
        &["X-Amz-Expires=0"],
    );
    check_s3(
        in_query("s3"),
        "20261122T102500Z",
        |_| {},
        (403, "AccessDenied", "Request is not yet valid"),
        &["ServerTime=2026-11-22T10:25:00Z"],
    );
}

#[test]
fn s3_checks_the_body_it_was_promised() {
    let parts = in_header("s3");
    let (request, now) = (Request::from(&parts), crate::at(NOW));
    let later = crate::accept(&request, "s3", SECRET, now, Body::Later).expect("signed");
    let digest = |body: &[u8]| aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    later.payload.check(&digest(b"body")).expect("the body");
    let error = later.payload.check(&digest(b"Body")).expect_err("another body");
    let error = error.to_error(ServiceKind::S3);
    assert_eq!((error.status, error.code.as_ref()), (400, "XAmzContentSHA256Mismatch"));
    assert_eq!(error.details.len(), 2);
    let at_once = crate::accept(&request, "s3", SECRET, now, Body::Whole(b"Body"));
    assert!(matches!(at_once, Err(SignatureError::ContentSha256Mismatch { .. })));
    let parts = in_header("sts");
    let unread = crate::accept(&Request::from(&parts), "sts", SECRET, now, Body::Later);
    assert_eq!(unread.expect_err("no body").to_error(ServiceKind::Query).status, 500);
}

#[test]
fn version_2_urls_are_refused_in_s3s_words() {
    let check = |query: &str, expected: Option<(u16, &str, &str)>| {
        let uri = format!("http://127.0.0.1:4566/b/k?{query}");
        let parts = http::Request::get(uri).body(()).expect("a request").into_parts().0;
        let request = Request::from(&parts);
        assert!(mechanism(&request).is_ok());
        let judged = sigv2::Presented::parse(&request, crate::at(NOW))
            .and_then(|presented| sigv2::verify(&presented, &request, None, SECRET));
        let error = judged.map_err(|error| error.to_error(ServiceKind::S3)).err();
        let found = error.as_ref().map(|e| (e.status, e.code.as_ref(), e.message.as_str()));
        assert_eq!(found, expected, "{query}");
    };
    let denied = |message| Some((403, "AccessDenied", message));
    let missing = "Query-string authentication requires the Signature, Expires and \
        AWSAccessKeyId parameters";
    check("Signature=x", denied(missing));
    check("Signature=x&Expires=1", denied(missing));
    check("Signature=x&Expires=1795344052&AWSAccessKeyId=k", denied("Request has expired"));
    check(
        "Signature=x&Expires=1e9&AWSAccessKeyId=k",
        denied("Invalid date (should be seconds since epoch): 1e9"),
    );
    check(
        "Signature=x&Expires=1795344053&AWSAccessKeyId=k",
        Some((
            403,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match \
            the signature you provided. Check your key and signing method.",
        )),
    );
    check(
        "Signature=x&Expires=1795344053&AWSAccessKeyId=k&x-amz-meta-a=1%0Ax-amz-acl:private",
        Some((400, "InvalidURI", "Couldn't parse the specified URI.")),
    );
}
